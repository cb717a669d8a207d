"""Stores people, records and tokens in a development vault and writes their names as JSON. Loopback only."""

import json
import ssl
import sys
import urllib.request

credentials_file, out = sys.argv[1:3]
with open(credentials_file, encoding="utf-8") as file:
    made = json.load(file)
trust = ssl.create_default_context(cafile=made["ca_cert"])
key = made["clients"]["storefront"]["key"]


def post(path, body):
    """One request of the storefront."""
    request = urllib.request.Request(
        made["base_url"] + path,
        data=json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
        method="POST",
    )
    with urllib.request.urlopen(request, context=trust, timeout=20) as reply:
        return json.load(reply)


seed = {"subjects": [], "records": [], "tokens": []}
for n in range(12):
    subject = post("/v1/subjects", {"region": "DE", "age_attested": True})["subject"]
    fields = {"name": f"Person {n}", "email": f"p{n}@example.org", "phone": "+4915123456789"}
    record = post(
        "/v1/records",
        {"subject": subject, "collection": "contact", "purpose": "order_fulfilment", "fields": fields},
    )
    seed["subjects"].append(subject)
    seed["records"].append(record["record"])
    seed["tokens"].extend(record["tokens"].values())
with open(out, "w", encoding="utf-8") as file:
    json.dump(seed, file)
