#!/usr/bin/env bash
# Turns rules off, one at a time, and expects a test to notice each: every deciding line of policy/ and crypto/, and for
# each attack of the kept list (tests/switches/kept.toml) the rule that stops it.
#   scripts/switches.sh generated [PART-OF-A-FILE-NAME…]
#   scripts/switches.sh kept [ID…]
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in
  -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' scripts/switches.sh; exit 0 ;;
esac
what="${1:-generated}"
shift || true
tree="$PWD/target/switches/tree"
mkdir -p "$tree"
cargo build --quiet --manifest-path tests/switches/Cargo.toml --target-dir target/switches/tool
tool=target/switches/tool/debug/strongroom-switches
"$tool" plant . "$tree"
export CARGO_TARGET_DIR="$PWD/target/switches/build" CARGO_TERM_COLOR=never CARGO_PROFILE_DEV_OPT_LEVEL=1
cd "$tree"
# The last line of --no-run's JSON that names an executable is the test binary.
built() {
  cargo test "$@" --no-run --message-format=json 2> "$CARGO_TARGET_DIR/../errors" \
    | python3 -c 'import json,sys
messages = list(map(json.loads, sys.stdin))
for m in messages:
    if m["reason"] == "compiler-message" and m["message"]["level"] == "error":
        print(m["message"]["rendered"], file=sys.stderr)
found = [m["executable"] for m in messages if m.get("executable") and m["profile"]["test"]]
print(found[-1] if found else "")'
}
mkdir -p "$CARGO_TARGET_DIR"
if [ "$what" = kept ]; then
  binary=$(built --test attacks) || true
else
  binary=$(built --lib) || true
fi
[ -n "$binary" ] || { cat "$CARGO_TARGET_DIR/../errors"; exit 2; }
exec "$OLDPWD/$tool" "$what" "$tree" "$binary" "$@"
