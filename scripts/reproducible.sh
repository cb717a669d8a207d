#!/usr/bin/env bash
# Builds the release binary twice, from what is committed, in two directories of different names and lengths, and compares the
# bytes (A62). Two whole release builds: for the long form of the tests and for releases, not for every change.
#   scripts/reproducible.sh [first|second|compare]     without a word: all three
# Paths are taken out of what rustc and the C compiler write down (bundled SQLite and aws-lc tell theirs too); the time is that
# of the commit. With cargo-auditable installed, the list of crates is built in, and checked against the SBOM.
set -euo pipefail
cd "$(dirname "$0")/.."
case "${1:-}" in
  -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' scripts/reproducible.sh; exit 0 ;;
esac
root="${TMPDIR:-/tmp}/strongroom-reproducible"
first="$root/a" second="$root/another-directory"

build() {
  local dir="$1" home="${CARGO_HOME:-$HOME/.cargo}" auditable=""
  mkdir -p "$dir"
  git archive HEAD | tar -x -C "$dir"
  SOURCE_DATE_EPOCH="$(git log -1 --format=%ct)"
  export SOURCE_DATE_EPOCH LC_ALL=C TZ=UTC
  export CARGO_INCREMENTAL=0 CARGO_TARGET_DIR="$dir/target"
  export RUSTFLAGS="--remap-path-prefix=$dir=/strongroom --remap-path-prefix=$home=/cargo --remap-path-prefix=$(rustc --print sysroot)=/rust"
  export CFLAGS="-ffile-prefix-map=$dir=/strongroom -ffile-prefix-map=$home=/cargo" CXXFLAGS="$CFLAGS"
  if command -v cargo-auditable > /dev/null; then auditable="auditable"; fi
  # shellcheck disable=SC2086
  (cd "$dir" && cargo $auditable build --release --locked --bin strongroom)
}

compare() {
  local a="$first/target/release/strongroom" b="$second/target/release/strongroom"
  sha256sum "$a" "$b"
  if ! cmp "$a" "$b"; then
    echo "the two builds differ; what tells them apart:" >&2
    { diff <(strings "$a") <(strings "$b") || true; } | head -n 20 >&2
    exit 1
  fi
  if strings "$a" | grep -qF -e "$root" -e "${CARGO_HOME:-$HOME/.cargo}"; then
    echo "the binary tells where it was built" >&2
    exit 1
  fi
  if command -v cargo-auditable > /dev/null; then python3 scripts/sbom.py --binary "$a"; fi
  echo "two builds, one binary"
}

case "${1:-all}" in
  first) rm -rf "$root"; build "$first" ;;
  second) build "$second" ;;
  compare) compare ;;
  all) rm -rf "$root"; (build "$first"); (build "$second"); compare; rm -rf "$root" ;;
  *) echo "unknown step: $1" >&2; exit 2 ;;
esac
