#!/usr/bin/env bash
# Attack A10: requests made from docs/openapi.json, good and bad ones and chains of them, against a development vault.
# Short by default (a part of `make test`); --long makes 20 000 examples and more. Fails on any failure.
#   python3 -m venv target/tools/schemathesis && target/tools/schemathesis/bin/pip install 'schemathesis==4.32.5'
set -euo pipefail
cd "$(dirname "$0")/.."
st=target/tools/schemathesis/bin/st
python=target/tools/schemathesis/bin/python
vault=${STRONGROOM_BIN:-target/release/strongroom}
examples=6 limit=60
if [ "${1:-}" = --long ]; then examples=600 limit=3600; fi
[ -x "$st" ] || { echo "schemathesis is not there; see the head of $0" >&2; exit 2; }

dir=$(mktemp -d)
child=
end() { [ -z "$child" ] || kill "$child" 2>/dev/null || true; rm -rf "$dir"; }
trap end EXIT
"$vault" dev --listen 127.0.0.1:0 --data-dir "$dir/d" --credentials-out "$dir/c.json" >"$dir/log" 2>&1 &
child=$!
for _ in $(seq 200); do [ -s "$dir/c.json" ] && break; sleep 0.1; done
[ -s "$dir/c.json" ] || { cat "$dir/log" >&2; exit 1; }
read_json() { "$python" -c 'import json,sys; v=json.load(open(sys.argv[1]))
for k in sys.argv[2:]: v=v[k]
print(v)' "$dir/c.json" "$@"; }
sleep 0.2
"$python" tests/schema/seed.py "$dir/c.json" "$dir/seed.json"

# 400 requests a second: the sample policy gives the client 500, and a 429 would hide what is asked.
status=0
STRONGROOM_SEED="$dir/seed.json" SCHEMATHESIS_HOOKS=hooks PYTHONPATH=tests/schema \
  timeout "$limit" "$st" --config-file tests/schema/schemathesis.toml run docs/openapi.json \
  --url "$(read_json base_url)" --tls-verify "$(read_json ca_cert)" \
  --header "Authorization: Bearer $(read_json clients storefront key)" \
  --checks all --mode all --max-examples "$examples" --rate-limit 400/s --continue-on-failure --no-color \
  >"$dir/out" 2>&1 || status=$?
mkdir -p target/schema && cp "$dir/out" target/schema/last.txt
kill -0 "$child" || { echo "the vault ended" >&2; status=1; }
grep -iE 'test cases|generated' "$dir/out" || true
tail -n 25 "$dir/out"
exit "$status"
