#!/usr/bin/env bash
# ./run demo: simulated visits over two real catalogues, through every stage of the product, to a page in the browser. It uses only
# the product's own command line, so each line below the settings can be typed by hand.
set -euo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"

# --- the settings of the demo: all of them are here ---
catalogs=(demo/catalog/aws demo/catalog/firstdata) # NAME.jsonl.gz, its columns in NAME.yaml
sizes=(--users 2000 --events 200000 --days 180 --seed 7)
port=8000 # the admin port is the next one
config() {
  cat <<TEXT
serving.listen=127.0.0.1:$port
serving.admin=127.0.0.1:$((port + 1))
serving.demo_page=true
serving.demo_catalogs=$(printf '%s, ' "${catalogs[@]/%/.yaml}" | sed "s#demo/#$root/demo/#g; s/, \$//")
TEXT
}

dir=
through_mysql=no
fresh=no
while [[ $# -gt 0 ]]; do
  case $1 in
    --mysql) through_mysql=yes ;;
    --fresh) fresh=yes ;;
    --port | --dir)
      [[ $# -ge 2 ]] || die "demo: $1 needs a value"
      if [[ $1 == --port ]]; then port=$2; else dir=$2; fi
      shift
      ;;
    *) die "demo: unknown option $1; it takes --mysql, --port N, --dir DIR and --fresh" ;;
  esac
  shift
done
[[ $port =~ ^[0-9]{1,5}$ && $port -ge 1 && $port -le 65534 ]] || die "demo: --port $port is no number from 1 to 65534"
if [[ -z $dir ]]; then
  dir=$build/demo
  if [[ $through_mysql == yes ]]; then dir=$build/demo-mysql; fi
fi

listens() { (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null; }
for wanted in "$port" $((port + 1)); do
  if listens "$wanted"; then
    die "demo: port $wanted of 127.0.0.1 is in use; stop what listens there (an earlier demo?) or take another: ./run demo --port $((port + 10))"
  fi
done

setup_options=()
if [[ $through_mysql == yes ]]; then setup_options=(--mysql); fi
"$root/run" setup "${setup_options[@]}"
say "demo: building (a few minutes the first time)"
"$root/run" build release >"$build/demo-build.log" 2>&1 || {
  tail -n 30 "$build/demo-build.log" >&2
  die "demo: the build failed; the whole of it is in build/demo-build.log"
}
cd "$root"
lodestone=$build/release/lodestone

# A folder is taken only when it is empty or was made here, because steps that are to be repeated empty it.
mkdir -p "$dir"
dir=$(cd "$dir" && pwd)
mark=$dir/.lodestone-demo
[[ -e $mark || -z $(ls -A "$dir") ]] || die "demo: $dir is not empty and no demo's; give another --dir"
touch "$mark"
if [[ $fresh == yes ]]; then find "$dir" -mindepth 1 -not -path "$mark" -delete; fi

# done_with STEP: the step was finished with the same program, catalogues and settings. finish STEP notes that.
key=$({ sha256sum "$lodestone" "${catalogs[@]/%/.jsonl.gz}" "${catalogs[@]/%/.yaml}"; printf '%s\n' "${sizes[@]}" "$through_mysql"; } | sha256sum)
done_with() { [[ $(cat "$dir/.done-$1" 2>/dev/null) == "$key" ]]; }
finish() { printf '%s\n' "$key" >"$dir/.done-$1"; }

children=()
stop_children() {
  local pid
  for pid in "${children[@]}"; do kill -TERM "$pid" 2>/dev/null || true; done
  for pid in "${children[@]}"; do wait "$pid" 2>/dev/null || true; done
  if [[ -n ${sockets_folder:-} ]]; then rm -rf "$sockets_folder"; fi
}

source_options=()
mysql_options=()
if [[ $through_mysql == yes ]]; then
  # shellcheck source=scripts/demo_mysql.sh
  source "$root/scripts/demo_mysql.sh"
  trap stop_children EXIT
  start_mysql # sets business, matomo and the passwords' file
  source_options=(--source "$business" --matomo "$matomo")
  mysql_options=(--set "source.business_password_file=$password_file" --set "source.matomo_password_file=$password_file")
  target=$business
  target_options=(--matomo "$matomo")
else
  target=files:$dir/data
  source_options=(--source "$target")
  target_options=()
fi

if ! done_with simulate; then
  say "demo: simulating visits over ${#catalogs[@]} catalogues"
  catalog_options=()
  for name in "${catalogs[@]}"; do catalog_options+=(--catalog "$name.jsonl.gz"); done
  rm -rf "$dir/data" "$dir/lake" "$dir/bundles" "$dir"/.done-*
  "$lodestone" simulate --to "$target" "${target_options[@]}" "${catalog_options[@]}" "${sizes[@]}" \
    --truth "$dir/truth.json" --overwrite
  finish simulate
fi

# The config is written at each start: the ports may differ. An admin token that is there stays.
settings=()
while read -r line; do settings+=(--set "$line"); done < <(config)
"$lodestone" init "$dir" "${source_options[@]}" "${mysql_options[@]}" "${settings[@]}" --overwrite >/dev/null

if ! done_with pipeline; then
  "$lodestone" -c "$dir/lodestone.yaml" pipeline run
  finish pipeline
fi

first_number() { "$lodestone" -c "$dir/lodestone.yaml" sql --json "$1" 2>/dev/null | grep -oE '[0-9]+' | head -n 1; }
item=$(first_number "SELECT item_id FROM events GROUP BY item_id ORDER BY count(*) DESC, item_id LIMIT 1" || echo 1)
user=$(first_number "SELECT user_id FROM events WHERE user_id IS NOT NULL GROUP BY user_id ORDER BY count(*) DESC, user_id LIMIT 1" || echo 1)
cat <<TEXT

Open http://127.0.0.1:$port/ in a browser. The visits are simulated; the catalogues are real (demo/catalog). Or ask by hand:

  curl -s 'http://127.0.0.1:$port/similar/$item?limit=5'
  curl -s 'http://127.0.0.1:$port/recommend/user/$user?limit=5'

API: http://127.0.0.1:$port/docs    admin: http://127.0.0.1:$((port + 1)), token in $dir/admin_token
Ctrl-C stops everything.

TEXT
if [[ $through_mysql == no ]]; then exec "$lodestone" -c "$dir/lodestone.yaml" serve; fi
"$lodestone" -c "$dir/lodestone.yaml" serve &
server=$!
children=("$server" "${children[@]}")
trap 'kill -TERM "$server" 2>/dev/null' INT TERM
# A trap ends wait early; waiting again collects the server after it has drained.
status=0
until wait "$server" && status=0 || { status=$? && ! kill -0 "$server" 2>/dev/null; }; do :; done
exit "$status"
