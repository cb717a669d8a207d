#!/usr/bin/env bash
# Attack A10: requests made from docs/openapi.json, good and bad ones and chains of them, against a development vault.
#   scripts/schemathesis.sh [--long] [--seed N]
# Short by default (about a minute); --long makes 20 000 examples and more. Fails on any failure. STRONGROOM_BIN names the vault's
# binary, else it is the release build. The seed is printed: with --seed, what is generated, and which of it is put in place of
# things that exist, is the same again; the ids themselves, and so chains of requests, are the new vault's. The tool is installed
# when it is missing, into target/tools/schemathesis, in the version that is named here.
set -euo pipefail
cd "$(dirname "$0")/.."
st=target/tools/schemathesis/bin/st
python=target/tools/schemathesis/bin/python
vault=${STRONGROOM_BIN:-target/release/strongroom}
version=4.32.5
examples=6 limit=60 seed=$((RANDOM * 32768 + RANDOM))
while [ $# -gt 0 ]; do
  case "$1" in
    -h | --help) sed -n '2,/^[^#]/s/^# \{0,1\}//p' scripts/schemathesis.sh; exit 0 ;;
    --long) examples=600 limit=3600; shift ;;
    --seed)
      [[ "${2:-}" =~ ^[0-9]{1,9}$ ]] || { echo "--seed needs a whole number" >&2; exit 2; }
      seed="$2"
      shift 2
      ;;
    *) echo "unknown option: $1; --help shows those there are" >&2; exit 2 ;;
  esac
done
[ -x "$vault" ] || { echo "$vault is not there: cargo build --release --locked, or name a binary by STRONGROOM_BIN" >&2; exit 2; }
if ! "$python" -c "import importlib.metadata as m; assert m.version('schemathesis') == '$version'" 2> /dev/null; then
  echo "installing schemathesis $version into target/tools/schemathesis"
  mkdir -p target/tools
  { python3 -m venv --clear target/tools/schemathesis && timeout 600 "${python%/*}/pip" install --quiet "schemathesis==$version"; } \
    || { echo "schemathesis could not be installed (python3 with venv, and its package index, are needed)" >&2; exit 2; }
fi
echo "seed $seed"

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
STRONGROOM_SCHEMA_SEED="$seed" STRONGROOM_SCHEMA_THINGS="$dir/seed.json" SCHEMATHESIS_HOOKS=hooks PYTHONPATH=tests/schema \
  timeout "$limit" "$st" --config-file tests/schema/schemathesis.toml run docs/openapi.json \
  --url "$(read_json base_url)" --tls-verify "$(read_json ca_cert)" \
  --header "Authorization: Bearer $(read_json clients storefront key)" \
  --checks all --mode all --seed "$seed" --max-examples "$examples" --rate-limit 400/s --continue-on-failure --no-color \
  >"$dir/out" 2>&1 || status=$?
mkdir -p target/schema && cp "$dir/out" target/schema/last.txt
kill -0 "$child" || { echo "the vault ended" >&2; status=1; }
grep -iE 'test cases|generated' "$dir/out" || true
tail -n 25 "$dir/out"
exit "$status"
