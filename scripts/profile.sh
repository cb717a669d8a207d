#!/usr/bin/env bash
# Samples a development vault while the load generator detokenizes, and prints the functions that cost most.
# Needs perf; writes target/profile.data.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v perf > /dev/null || { echo "perf is missing (Debian: linux-perf)" >&2; exit 1; }
cargo build --release --locked
cargo bench --locked --bench ratio --no-run
timeout 300 perf record --quiet -F 499 -g --call-graph dwarf,16384 -o target/profile.data -- \
  cargo bench --locked --bench ratio -- --quick --only detokenize-one --rounds 1 || [ -s target/profile.data ]
perf report -i target/profile.data --comm strongroom --no-children --percent-limit 1 --stdio 2> /dev/null | head -n 80
