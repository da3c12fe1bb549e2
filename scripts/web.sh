#!/usr/bin/env bash
# Builds the page and the console (web/, TypeScript) into web/dist and the tracking snippet into build/web, which the binary embeds.
# Does nothing when nothing changed.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$root/web"
mkdir -p "$stamps"

packages=$(hash_of package.json package-lock.json)
if [[ ! -d node_modules || $(cat "$stamps/web-packages" 2>/dev/null) != "$packages" ]]; then
  say "web: fetching what package-lock.json lists"
  if ! npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >"$build/web.log" 2>&1; then
    tail -n 5 "$build/web.log" >&2
    die "web: npm ci could not fetch what web/package-lock.json lists (what it said is above). It needs the network once;" \
      "a filled npm cache does too"
  fi
  printf '%s' "$packages" >"$stamps/web-packages"
fi

sources=$(find . \( -path ./node_modules -o -path ./dist \) -prune -o -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
if [[ ! -d dist || ! -f $build/web/lodestone-snippet.js || $(cat "$stamps/web-sources" 2>/dev/null) != "$sources" ]]; then
  if ! npm run --silent build >"$build/web.log" 2>&1; then
    cat "$build/web.log" >&2
    die "web: npm run build failed in web/; what it said is above"
  fi
  printf '%s' "$sources" >"$stamps/web-sources"
fi
