#!/usr/bin/env bash
# One fuzz target of the preset fuzz for some seconds: scripts/fuzz.sh fuzz_NAME SECONDS. Starts from the seeds in fuzz/corpus/NAME; what it
# finds stays in build/fuzz/found/NAME.
set -uo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$root" || exit 1
target=$1
seconds=$2
name=${target#fuzz_}
mkdir -p "build/fuzz/found/$name" "build/fuzz/grown/$name"
if ! "$(find build/fuzz -type f -name "$target")" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 -max_len=65536 \
  -artifact_prefix="build/fuzz/found/$name/" -print_final_stats=1 "build/fuzz/grown/$name" "fuzz/corpus/$name" \
  >"build/fuzz/$name.log" 2>&1; then
  tail -n 40 "build/fuzz/$name.log" >&2
  die "ci: $target failed; the input lies in build/fuzz/found/$name, repeat it with: build/.../$target FILE"
fi
say "ci: $target: $(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$name.log") inputs"
