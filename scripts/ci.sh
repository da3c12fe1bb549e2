#!/usr/bin/env bash
# What must hold before a merge and is no test of the dev build: scripts/ci.sh [STEP...]. All steps run, whatever the others say;
# each prints its seconds, the last line counts them, and one that fails makes the whole fail.
set -uo pipefail
# shellcheck source=scripts/env.sh
source "$(dirname "${BASH_SOURCE[0]}")/env.sh"
cd "$root" || exit 1
all_steps=(fmt includes text asan tsan fuzz)
more_steps=(tidy) # only when it is named: minutes on all sources, for a quiet machine
fuzz_seconds=20

# configure PRESET: quiet unless it fails.
configure() {
  cmake --preset "$1" >"$build/configure-$1.log" 2>&1 || {
    cat "$build/configure-$1.log" >&2
    say "ci: cmake --preset $1 failed; see above"
    return 1
  }
}

# build_and_test PRESET LABEL: builds only the test binaries that carry the label (test NAME is target NAME_test), and runs them.
build_and_test() {
  local preset=$1 label=$2 known wanted=() name
  configure "$preset" || return
  known=$(ninja -C "build/$preset" -t targets all | cut -d: -f1)
  for name in $(ctest --preset "$preset" -N -L "^$label\$" | sed -n 's/^ *Test *#[0-9]*: //p'); do
    if grep -qx "${name}_test" <<<"$known"; then wanted+=("${name}_test"); fi
  done
  if [[ ${#wanted[@]} -eq 0 ]]; then
    say "ci: no test binary carries the label $label"
    return 1
  fi
  cmake --build --preset "$preset" --parallel "$(nproc)" --target "${wanted[@]}" || return
  ctest --preset "$preset" --parallel "$(nproc)" -L "^$label\$" --output-on-failure --no-tests=error
}

step_fmt() { ./run fmt --check; }

step_includes() { python3 scripts/check_includes.py; }

step_text() {
  # The product prints the generated documents; whichever build is there will do.
  local binary
  for binary in build/dev/lodestone build/release/lodestone; do
    if [[ -x $binary ]]; then
      python3 scripts/check_text.py --binary "$binary"
      return
    fi
  done
  ./run build dev && python3 scripts/check_text.py --binary build/dev/lodestone
}

step_tidy() {
  configure tidy || return
  local files
  # What the build compiles, without the tests.
  mapfile -t files < <(python3 -c 'import json
print("\n".join(sorted({entry["file"] for entry in json.load(open("build/tidy/compile_commands.json"))})))' |
    grep -E "^$root/(src|apps)/" | grep -v '_test\.cpp$')
  # Headers count as part of the sources that include them. The number of suppressed warnings goes to stderr and says nothing.
  if ! printf '%s\n' "${files[@]}" | xargs -P "$(nproc)" -n 2 clang-tidy-16 -p build/tidy --quiet >"$build/tidy.log" 2>"$build/tidy.err"; then
    grep -E -A 4 '(error|warning):' "$build/tidy.log" >&2 || tail -n 20 "$build/tidy.err" >&2
    say "ci: clang-tidy found the above; a check that is wrong here is excluded with its reason in .clang-tidy"
    return 1
  fi
  say "ci: clang-tidy read ${#files[@]} files"
}

step_asan() {
  ASAN_OPTIONS=strict_string_checks=1:detect_stack_use_after_return=1:check_initialization_order=1 \
    UBSAN_OPTIONS=print_stacktrace=1 LSAN_OPTIONS=suppressions=$root/cmake/lsan.supp:print_suppressions=0 build_and_test asan-ubsan unit
}

step_tsan() {
  TSAN_OPTIONS=suppressions=$root/cmake/tsan.supp:second_deadlock_stack=1 build_and_test tsan tsan
}

# Each target starts from its seeds in fuzz/corpus; what it finds stays in build/fuzz/found.
step_fuzz() {
  configure fuzz || return
  local targets
  mapfile -t targets < <(ninja -C build/fuzz -t targets all | sed -nE 's/^(fuzz_[a-z0-9_]+): phony$/\1/p')
  if [[ ${#targets[@]} -eq 0 ]]; then
    say "ci: the preset fuzz has no target fuzz_NAME"
    return 1
  fi
  cmake --build --preset fuzz --parallel "$(nproc)" --target "${targets[@]}" || return
  printf '%s\0' "${targets[@]}" | xargs -0 -P "$(nproc)" -I{} bash scripts/fuzz.sh {} $fuzz_seconds
}

steps=("$@")
[[ ${#steps[@]} -eq 0 ]] && steps=("${all_steps[@]}")
for step in "${steps[@]}"; do
  [[ " ${all_steps[*]} ${more_steps[*]} " == *" $step "* ]] || die "ci: there is no step $step; there are: ${all_steps[*]} ${more_steps[*]}"
done
scripts/setup.sh --test || exit 1
if [[ -f web/package.json ]]; then scripts/web.sh || exit 1; fi

passed=0
failed=0
for step in "${steps[@]}"; do
  began=$SECONDS
  if "step_$step"; then
    passed=$((passed + 1))
    verdict=passed
  else
    failed=$((failed + 1))
    verdict=FAILED
  fi
  printf 'ci: %-8s %s, %d s\n' "$step" "$verdict" $((SECONDS - began))
done
printf '%d passed, %d failed\n' "$passed" "$failed"
[[ $failed -eq 0 ]]
