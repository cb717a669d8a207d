#!/usr/bin/env bash
# Documents that are generated from the code and committed: `check` wants no difference, `write` makes them again.
#   docs/openapi.json   strongroom openapi
#   docs/errors.md      strongroom openapi --errors
#   docs/configuration.md, docs/logs.md, docs/metrics.md      strongroom reference …
set -euo pipefail
cd "$(dirname "$0")/.."
mode="${1:-check}"

cargo build --locked --quiet
bin="${STRONGROOM_BIN:-target/debug/strongroom}"
made="$(mktemp -d)"
trap 'rm -rf "$made"' EXIT

timeout 60 "$bin" openapi > "$made/openapi.json"
if timeout 60 "$bin" openapi --help 2>/dev/null | grep -q -- '--errors'; then
  timeout 60 "$bin" openapi --errors > "$made/errors.md"
fi
for page in configuration logs metrics; do
  timeout 60 "$bin" reference "$page" > "$made/$page.md"
done

faults=0
for file in "$made"/*; do
  name="$(basename "$file")"
  if [ ! -s "$file" ] && [ ! -e "docs/$name" ]; then
    echo "$name: nothing is generated yet"
  elif [ "$mode" = write ]; then
    cp "$file" "docs/$name"
    echo "docs/$name written"
  elif diff -u "docs/$name" "$file"; then
    echo "docs/$name agrees with the code"
  else
    echo "docs/$name differs from what the code says: run 'make docs' and commit the result" >&2
    faults=1
  fi
done
exit "$faults"
