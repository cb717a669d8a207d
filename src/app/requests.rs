//! Requests ready to paste, for `make run`.

use crate::cli::Failed;
use std::io::Write;
use std::path::Path;

/// Prints them.
pub(in crate::app) fn print(
    out: &mut dyn Write,
    base: &str,
    ca: &Path,
    credentials: &Path,
) -> Result<(), Failed> {
    let (ca, credentials) = (absolute(ca)?, absolute(credentials)?);
    let text = format!(
        r#"
# Paste these into another terminal (they need curl and jq).
export CA='{ca}' BASE='{base}'
export STOREFRONT_KEY=$(jq -r .clients.storefront.key '{credentials}')
export BILLING_KEY=$(jq -r .clients.billing.key '{credentials}')

# Who am I, and what may I do?
curl -s --cacert "$CA" -H "Authorization: Bearer $STOREFRONT_KEY" "$BASE/v1/whoami" | jq .client,.limits

# Store one customer and her contact record; keep the tokens.
SUBJECT=$(curl -s --cacert "$CA" -H "Authorization: Bearer $STOREFRONT_KEY" -H 'Content-Type: application/json' "$BASE/v1/subjects" \
  -d '{{"region":"DE","age_attested":true,"notice_version":"2026-11"}}' | jq -r .subject)
TOKENS=$(curl -s --cacert "$CA" -H "Authorization: Bearer $STOREFRONT_KEY" -H 'Content-Type: application/json' "$BASE/v1/records" \
  -d '{{"subject":"'$SUBJECT'","collection":"contact","purpose":"order_fulfilment","fields":{{"name":"Ada Lovelace","email":"ada@example.org","phone":"+44 20 7946 0018"}}}}' | jq -c '[.tokens.name,.tokens.email,.tokens.phone]')
echo "$TOKENS"

# Billing may read the name plain and the e-mail masked, for its purpose; the phone is denied.
curl -s --cacert "$CA" -H "Authorization: Bearer $BILLING_KEY" -H 'Content-Type: application/json' "$BASE/v1/detokenize" \
  -d '{{"purpose":"billing","tokens":'"$TOKENS"'}}' | jq .

# Find her records again by e-mail, however it is written.
curl -s --cacert "$CA" -H "Authorization: Bearer $STOREFRONT_KEY" -H 'Content-Type: application/json' "$BASE/v1/search" \
  -d '{{"collection":"contact","field":"email","equals":"ADA@example.org","purpose":"order_fulfilment"}}' | jq .
"#
    );
    out.write_all(text.as_bytes())?;
    writeln!(out)?;
    Ok(())
}

fn absolute(path: &Path) -> Result<String, Failed> {
    Ok(std::fs::canonicalize(path)?.display().to_string())
}
