//! The sample customers, stored as the clients they name, through the same verbs, refusals and events as any request.

use crate::cli::Failed;
use crate::domain::entropy::{Entropy, OsEntropy};
use crate::domain::{Id16, Sensitive};
use crate::http::json::{self, FieldMap};
use crate::vault::{Call, Caller, CreateRecord, CreateSubject, FieldInput, Refusal, TokenWish, Vault};
use futures_util::StreamExt;
use serde::Deserialize;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

/// How many customers are under way at once.
const AT_ONCE: usize = 64;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Customer {
    external_ref: Sensitive<String>,
    region: String,
    birth_date: Option<Sensitive<String>>,
    identity: Option<FieldMap>,
    contact: Option<FieldMap>,
    shipping: Option<FieldMap>,
    billing: Option<FieldMap>,
    credential: Option<FieldMap>,
    transaction: Option<FieldMap>,
    technical: Option<FieldMap>,
}

/// Stores every customer of an NDJSON file; the first refusal ends it and names the line.
pub(in crate::app) async fn store(
    vault: &Vault,
    file: &Path,
    keys: &[(&'static str, Sensitive<String>)],
) -> Result<usize, Failed> {
    let text = std::fs::read_to_string(file).map_err(|e| {
        Failed::new(format!("cannot read {}: {}", file.display(), crate::domain::io_words(e.kind())))
    })?;
    let storefront = caller(vault, keys, "storefront")?;
    let billing = caller(vault, keys, "billing")?;
    let lines = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let stored = futures_util::stream::iter(lines.map(|(at, line)| {
        let callers = (&storefront, &billing);
        async move {
            let customer: Customer = json::parse(line.as_bytes()).map_err(|fault| {
                Failed::new(format!("{} line {}: {}", file.display(), at + 1, fault.reason.sentence()))
            })?;
            one(vault, callers, customer).await.map_err(|refusal| {
                Failed::new(format!("{} line {}: refused as {}", file.display(), at + 1, refusal.code()))
            })
        }
    }))
    .buffer_unordered(AT_ONCE);
    let mut stored = std::pin::pin!(stored);
    let mut count = 0;
    while let Some(result) = stored.next().await {
        result?;
        count += 1;
    }
    Ok(count)
}

fn caller(vault: &Vault, keys: &[(&'static str, Sensitive<String>)], name: &str) -> Result<Caller, Failed> {
    let key = keys.iter().find(|(n, _)| *n == name).map(|(_, key)| key);
    // EXPOSE: the key authenticates its client like any request's.
    let text = key.map(|k| k.expose().as_str());
    vault.authenticate(text, IpAddr::V4(Ipv4Addr::LOCALHOST)).map_err(|refusal| Failed::new(refusal.code()))
}

async fn one(
    vault: &Vault,
    (storefront, billing): (&Caller, &Caller),
    customer: Customer,
) -> Result<(), Refusal> {
    let command = CreateSubject {
        region: customer.region,
        age_attested: customer.birth_date.is_none().then_some(true),
        birth_date: customer.birth_date,
        external_ref: Some(customer.external_ref),
        notice_version: None,
    };
    let subject = vault.create_subject(storefront, &call(vault)?, &command).await?.value.subject;
    let records = [
        ("identity", customer.identity),
        ("contact", customer.contact),
        ("shipping", customer.shipping),
        ("billing", customer.billing),
        ("credential", customer.credential),
        ("transaction", customer.transaction),
        ("technical", customer.technical),
    ];
    for (collection, fields) in records {
        let Some(fields) = fields else { continue };
        let (caller, purpose) =
            if collection == "billing" { (billing, "billing") } else { (storefront, "order_fulfilment") };
        let fields = fields.0.into_iter().map(|(name, raw)| FieldInput { name, value: raw.into_value() });
        let command = CreateRecord {
            subject: subject.clone(),
            collection: collection.to_owned(),
            purpose: purpose.to_owned(),
            fields: fields.collect(),
            tokens: TokenWish::default(),
        };
        vault.create_record(caller, &call(vault)?, &command).await?;
    }
    Ok(())
}

fn call(vault: &Vault) -> Result<Call, Refusal> {
    let request = Id16(OsEntropy.array().map_err(|_| Refusal::Overloaded)?);
    Ok(Call { request, received_at: vault.now(), ua_family: None, bytes: 0, idempotency: None })
}
