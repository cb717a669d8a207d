//! The shipped customers come back equal, field by field, from their tokens.

use crate::canary::{files, hunt};
use crate::vault::Vault;
use serde_json::{Value, json};
use std::collections::BTreeMap;

fn lines() -> Vec<Value> {
    include_str!("../../config/sample/customers.ndjson")
        .lines()
        .map(|l| serde_json::from_str(l).unwrap())
        .collect()
}

/// What the documented normalisation makes of a sent value.
fn normalised(value: &Value) -> Value {
    match value {
        Value::String(text) => json!(text),
        Value::Object(parts) => {
            parts.iter().filter(|(_, v)| *v != "").map(|(k, v)| (k.clone(), v.clone())).collect()
        }
        other => other.clone(),
    }
}

#[test]
fn the_sample_customers_come_back_as_they_went_in() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/config/sample/customers.ndjson");
    let vault = Vault::start_in(tempfile::tempdir().unwrap(), &["--customers", file]);
    let (mut billing, mut storefront) = (vault.session("billing"), vault.session("storefront"));
    let mut compared = 0;
    for (at, customer) in lines().iter().enumerate().filter(|(at, _)| at % 10 == 0) {
        let tax_id = &customer["billing"]["tax_id"];
        let search =
            json!({"collection": "billing", "field": "tax_id", "equals": tax_id, "purpose": "billing"});
        let found = billing.call("POST", "/v1/search", Some(&search.to_string())).json();
        assert_eq!(found["records"].as_array().unwrap().len(), 1, "line {}", at + 1);
        let subject = found["records"][0]["subject"].as_str().unwrap();
        compared += compare(&mut billing, "billing", &customer["billing"], &found["records"][0]["tokens"]);
        let search = json!({"collection": "contact", "field": "email", "equals": customer["contact"]["email"],
            "purpose": "order_fulfilment"});
        let found = storefront.call("POST", "/v1/search", Some(&search.to_string())).json();
        let hit = found["records"].as_array().unwrap().iter().find(|r| r["subject"] == subject);
        let hit = hit.unwrap_or_else(|| panic!("line {}: {found}", at + 1));
        compared += compare(&mut storefront, "order_fulfilment", &customer["contact"], &hit["tokens"]);
    }
    assert!(compared > 700, "{compared} values were compared");
    drop((billing, storefront));
    let metrics = vault.metrics();
    let dir = vault.stop();
    let mut places = BTreeMap::from([("metrics".to_owned(), metrics.into_bytes())]);
    files(dir.path(), &mut places);
    let mut planted: Vec<String> = lines().iter().flat_map(marks).collect();
    planted.sort_unstable();
    planted.dedup();
    assert!(planted.len() > 5_000, "{} marks", planted.len());
    hunt(&planted, &places);
}

/// What would name a person wherever it was found.
fn marks(customer: &Value) -> Vec<String> {
    let text = |pointer: &str| customer.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
    let pointers = [
        "/external_ref",
        "/contact/name",
        "/contact/email",
        "/contact/phone",
        "/shipping/name",
        "/shipping/address/line1",
        "/billing/name",
        "/billing/address/line1",
        "/billing/tax_id",
        "/billing/iban",
        "/billing/processor_ref/reference",
        "/credential/login",
        "/credential/password",
    ];
    pointers.iter().filter_map(|p| text(p)).filter(|t| t.len() >= 8).collect()
}

fn compare(session: &mut crate::client::Session, purpose: &str, sent: &Value, tokens: &Value) -> usize {
    let sent = sent.as_object().unwrap();
    let tokens = tokens.as_object().unwrap();
    assert_eq!(sent.len(), tokens.len());
    let asked: Vec<&Value> = sent.keys().map(|name| &tokens[name]).collect();
    let body = json!({"purpose": purpose, "tokens": asked}).to_string();
    let read = session.call("POST", "/v1/detokenize", Some(&body)).json();
    for ((name, value), item) in sent.iter().zip(read["results"].as_array().unwrap()) {
        let (want, got) = (normalised(value), &item["value"]);
        let plain = |v: &Value| v.as_str().map(|t| t.replace([' ', '-', '(', ')'], ""));
        let same = want == *got || (plain(&want).is_some() && plain(&want) == plain(got));
        assert!(same, "{name}: {want} came back as {got}");
    }
    sent.len()
}
