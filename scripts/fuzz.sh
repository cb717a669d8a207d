#!/usr/bin/env bash
# Coverage-guided fuzzing of every target in fuzz/targets (A66), on the stable toolchain:
#   scripts/fuzz.sh [--seconds N] [--target NAME] [--jobs N] [--sanitize] [--minimise] [--lock]
# Builds one instrumented program once (target/fuzz), then runs each target from its kept inputs for N seconds, two at a time.
# Fails on a crash, a broken property, a leak, an input that takes longer than a second, or memory beyond the limit; what
# failed is kept in fuzz/artifacts/TARGET, and once mended belongs in fuzz/regressions/TARGET, which `cargo test` replays.
#   --sanitize  build with AddressSanitizer too, where a nightly toolchain is installed (finds leaks and misuse of memory)
#   --minimise  afterwards, put what added coverage into fuzz/corpus (small inputs only)
#   --lock      only bring fuzz/Cargo.lock to the versions of Cargo.lock
set -euo pipefail
cd "$(dirname "$0")/.."

seconds=40 only="" jobs=2 sanitize="" minimise="" host=x86_64-unknown-linux-gnu
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' scripts/fuzz.sh; exit 0 ;;
    --seconds | --jobs)
      [[ "${2:-}" =~ ^[1-9][0-9]{0,5}$ ]] || { echo "$1 needs a whole number from 1 on" >&2; exit 2; }
      [ "$1" = --jobs ] && jobs="$2" || seconds="$2"
      shift 2
      ;;
    --target) [ -n "${2:-}" ] || { echo "--target needs a name; --help says more" >&2; exit 2; }; only="$2"; shift 2 ;;
    --sanitize) sanitize=yes; shift ;;
    --minimise) minimise=yes; shift ;;
    --lock)
      cp Cargo.lock fuzz/Cargo.lock
      cargo metadata --manifest-path fuzz/Cargo.toml --format-version 1 --filter-platform "$host" > /dev/null
      exit 0
      ;;
    *) echo "unknown option: $1; --help shows those there are" >&2; exit 2 ;;
  esac
done
mapfile -t names < <(sed -nE 's/^ *\("([a-z_]+)", .*::run\),$/\1/p' fuzz/targets/mod.rs)
[ "${#names[@]}" -gt 0 ] || { echo "fuzz/targets/mod.rs lists no targets" >&2; exit 2; }
if [ -n "$only" ]; then
  [[ " ${names[*]} " == *" $only "* ]] || { echo "no target $only; there are: ${names[*]}" >&2; exit 2; }
  names=("$only")
fi
host="$(rustc -vV | sed -n 's/^host: //p')"

# Counters and comparisons for libFuzzer; -Zsanitizer exists on nightly only, the pass itself on stable too.
flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4 -Cllvm-args=-sanitizer-coverage-inline-8bit-counters"
flags+=" -Cllvm-args=-sanitizer-coverage-pc-table -Cllvm-args=-sanitizer-coverage-trace-compares"
toolchain="" out=target/fuzz memory=1024
if [ -n "$sanitize" ]; then
  rustup run nightly rustc --version > /dev/null || { echo "--sanitize needs a nightly toolchain" >&2; exit 2; }
  toolchain="+nightly" out=target/fuzz-asan memory=3072
  flags+=" -Zsanitizer=address"
fi
# shellcheck disable=SC2086
RUSTFLAGS="$flags" CARGO_TARGET_DIR="$out" cargo $toolchain build --locked --manifest-path fuzz/Cargo.toml --target "$host" \
  || { echo "if Cargo.lock changed: scripts/fuzz.sh --lock" >&2; exit 1; }
program="$PWD/$out/$host/debug/strongroom-fuzz"

# Longest input of a target: what a body, file or head of it may need, no more.
longest() {
  case "$1" in
    policy | import | json) echo 4096 ;;
    *) echo 1024 ;;
  esac
}

# fuzz_one NAME: one target, its own working copy of the corpus.
fuzz_one() {
  local name="$1" work="$out/corpus/$1" log="$out/log/$1" words=() leaks=0
  mkdir -p "$work" "fuzz/artifacts/$name" "$out/log"
  [ ! -f "fuzz/dictionaries/$name.dict" ] || words=("-dict=fuzz/dictionaries/$name.dict")
  [ -z "$sanitize" ] || leaks=1
  local kept=("fuzz/corpus/$name")
  [ ! -d "fuzz/regressions/$name" ] || kept+=("fuzz/regressions/$name")
  local status=0
  STRONGROOM_FUZZ="$name" timeout --kill-after=5 "$((seconds + 60))" "$program" \
    -max_total_time="$seconds" -timeout=1 -rss_limit_mb="$memory" -malloc_limit_mb=256 -detect_leaks="$leaks" \
    -max_len="$(longest "$name")" -artifact_prefix="fuzz/artifacts/$name/" -print_final_stats=1 -verbosity=1 \
    ${words[@]+"${words[@]}"} "$work" "${kept[@]}" > "$log" 2>&1 || status=$?
  if [ "$status" -ne 0 ]; then
    echo "$name FAILED ($status): $log, inputs in fuzz/artifacts/$name"
    grep -aE 'panicked|assertion|SUMMARY|ERROR' "$log" | head -n 5 || true
    return 1
  fi
  local first last runs
  first=$(grep -aom1 'INITED.*' "$log" | grep -oE 'cov: [0-9]+' | cut -d' ' -f2)
  last=$(grep -aoE 'cov: [0-9]+ ft: [0-9]+' "$log" | tail -n1)
  runs=$(sed -n 's/^stat::number_of_executed_units: *//p' "$log")
  echo "$name: $runs runs in $seconds s, $last, from cov: ${first:-0}, longest input $(sed -n 's/^stat::slowest_unit_time_sec: *//p' "$log") s"
  # Without coverage nothing is guided: the instrumentation was lost.
  [ "${first:-0}" -ge 100 ] || { echo "$name FAILED: coverage is not counted"; return 1; }
}

# keep NAME: the working corpus, minimised, back into the kept one.
keep() {
  local name="$1" fresh="$out/minimal/$1"
  rm -rf "$fresh"
  mkdir -p "$fresh" "fuzz/corpus/$name"
  STRONGROOM_FUZZ="$name" "$program" -merge=1 -timeout=1 -max_len=512 "$fresh" "fuzz/corpus/$name" "$out/corpus/$name" > "$out/log/$name.merge" 2>&1
  # The smallest 150; libFuzzer names them by their hash.
  find "fuzz/corpus/$name" -type f -regextype posix-extended -regex '.*/[0-9a-f]{40}' -delete
  find "$fresh" -type f -size -512c -printf '%s %p\n' | sort -n | head -n 150 | cut -d' ' -f2 | xargs -r cp -t "fuzz/corpus/$name"
}

export -f fuzz_one longest
export seconds out program memory sanitize
printf '%s\n' "${names[@]}" | xargs -P "$jobs" -I{} bash -c 'set -euo pipefail; fuzz_one {}'
[ -z "$minimise" ] || for name in "${names[@]}"; do keep "$name"; done
