#!/usr/bin/env bash
# Everything a change must pass, in order, each suite with a time limit. Stops at the first suite that fails; prints
# the minutes each took either way, and the test runner's own closing lines last.
set -euo pipefail
cd "$(dirname "$0")/.."
mkdir -p target
log=target/nextest.log
: > "$log"
table=()
failed=""

# suite NAME SECONDS COMMAND… : runs one suite unless an earlier one failed.
suite() {
  local name="$1" limit="$2" from status=0
  shift 2
  if [ -n "$failed" ]; then
    table+=("$(printf '%-16s      -  not run' "$name")")
    return 0
  fi
  echo "── $name"
  from=$(date +%s%N)
  timeout --kill-after=10 "$limit" "$@" || status=$?
  local tenths=$((($(date +%s%N) - from) / 6000000000))
  local verdict=passed
  if [ "$status" -ne 0 ]; then
    verdict="FAILED"
    [ "$status" -ne 124 ] || verdict="FAILED (over $limit s)"
    failed="$name"
  fi
  table+=("$(printf '%-16s %4d.%d  %s' "$name" $((tenths / 10)) $((tenths % 10)) "$verdict")")
}

# Only what is missing, by name, from the distribution; never a prebuilt binary.
install_missing() {
  local wanted=() pair
  for pair in gcc:build-essential make:make curl:curl jq:jq python3:python3 sqlite3:sqlite3 strace:strace node:nodejs openssl:openssl prlimit:util-linux; do
    command -v "${pair%%:*}" > /dev/null || wanted+=("${pair##*:}")
  done
  if [ "${#wanted[@]}" -gt 0 ]; then
    local sudo=""
    [ "$(id -u)" -eq 0 ] || sudo="sudo"
    $sudo apt-get update -qq
    DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${wanted[@]}"
  fi
  command -v cargo > /dev/null || { echo "cargo is missing: install the toolchain of rust-toolchain.toml" >&2; return 1; }
  command -v cargo-nextest > /dev/null || cargo install cargo-nextest --locked
  # What asks the vault everything its OpenAPI document promises; by its exact version, in a place of its own.
  if [ ! -x target/tools/schemathesis/bin/st ]; then
    python3 -m venv target/tools/schemathesis \
      && target/tools/schemathesis/bin/pip install --quiet --disable-pip-version-check 'schemathesis==4.32.5'
  fi
}

run_tests() {
  # Against what would be shipped: the release build.
  STRONGROOM_BIN="$PWD/target/release/strongroom" \
    cargo nextest run --locked --no-fail-fast ${STRONGROOM_LONG:+--profile long} 2>&1 | tee "$log"
}

supply_chain() {
  python3 scripts/supply_chain.py
  python3 scripts/sbom.py
  if command -v cargo-deny > /dev/null; then
    cargo deny --offline check bans licenses sources
  else
    echo "cargo-deny is not installed: bans, licences and sources were checked by the script alone"
  fi
}

export -f install_missing run_tests supply_chain
export log CARGO_TERM_COLOR=never

suite "tools" 1800 bash -euo pipefail -c install_missing
suite "format" 120 cargo fmt --check
suite "clippy" 1800 cargo clippy --all-targets --locked -- -D warnings
suite "release build" 1800 cargo build --release --locked
suite "tests" ${STRONGROOM_LONG:+3}3600 bash -euo pipefail -c run_tests
suite "simulation" 900 cargo test --locked --test sim -- --seconds 240
suite "simulated lies" 300 cargo test --locked --test sim -- --sabotage
suite "doc tests" 900 cargo test --doc --locked --quiet
suite "documentation" 900 env RUSTDOCFLAGS="-D warnings" cargo doc --no-deps --locked --quiet
suite "generated docs" 600 scripts/generated.sh check
suite "supply chain" 600 bash -euo pipefail -c supply_chain
suite "schema" 300 scripts/schemathesis.sh
suite "fuzzing" 2400 scripts/fuzz.sh --seconds 45
[ -z "${STRONGROOM_LONG:-}" ] || suite "reproducible" 3600 scripts/reproducible.sh

echo
echo "suite          minutes"
printf '%s\n' "${table[@]}"
echo
[ -z "$failed" ] || echo "failed: $failed"
sed -n '/^─*$/,$p' "$log" | tail -n 40
[ -z "$failed" ]
