//! Contexts on the wire, with a policy that asks for them.

use crate::caller::Reply;
use crate::cli::{Served, served_with};
use serde_json::{Value, json};

/// Billing reads within a verified context only.
fn bound(text: &str) -> String {
    let from = "recipients = [\"payment-processor\"] },";
    let changed = text.replace(from, "recipients = [\"payment-processor\"], context = \"verified\" },");
    assert_ne!(changed, text);
    changed
}

fn post(vault: &Served, client: &str, path: &str, body: &Value) -> Reply {
    Reply(vault.target.send("POST", path, Some(vault.key(client)), Some(&body.to_string())))
}

fn order(subject: &str) -> Value {
    json!({"kind": "order", "ref": "CNRY-order-77218", "subject": subject, "assigned_to": "cnry-agent-4711", "expires_in": "30d"})
}

fn ada(vault: &Served) -> (String, Value) {
    let subject =
        post(vault, "storefront", "/v1/subjects", &json!({"region": "DE", "age_attested": true})).is(201);
    let subject = subject.at("/subject");
    let body = json!({"subject": subject, "collection": "contact", "purpose": "order_fulfilment", "fields": {"name": "Ada Lovelace"}});
    let stored = post(vault, "storefront", "/v1/records", &body).is(201).json();
    (subject, stored["tokens"]["name"].clone())
}

#[test]
fn a_read_within_a_context_is_vouched_for_by_another_client() {
    let dir = tempfile::tempdir().unwrap();
    let vault = served_with(&dir, bound, &["storefront", "billing"]);
    let (subject, token) = ada(&vault);
    let read = |context: Option<&str>, person: Option<&str>| {
        let mut body = json!({"purpose": "billing", "tokens": [token, "srt_forged"]});
        if let Some(reference) = context {
            body["context"] = json!({"kind": "order", "ref": reference});
        }
        if let Some(person) = person {
            body["on_behalf_of"] = json!(person);
        }
        let reply = post(&vault, "billing", "/v1/detokenize", &body).is(200);
        let items = reply.json()["results"].as_array().unwrap().clone();
        items
            .iter()
            .map(|i| i["value"].as_str().or(i["error"]["rule"].as_str()).unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(read(None, None), ["context_missing"; 2], "what lives and what does not");
    let (right, person) = (Some("CNRY-order-77218"), Some("cnry-agent-4711"));
    assert_eq!(read(right, person), ["context_unverified"; 2]);
    let made = post(&vault, "storefront", "/v1/contexts", &order(&subject)).is(201);
    assert!(made.at("/context").starts_with("ctx_") && made.at("/expires_at").ends_with('Z'));
    assert_eq!(read(right, person), ["Ada Lovelace", "context_unverified"]);
    for (reference, person) in
        [(Some("CNRY-order-77219"), person), (right, None), (right, Some("cnry-agent-4712"))]
    {
        assert_eq!(read(reference, person), ["context_unverified"; 2]);
    }
    let again = post(&vault, "storefront", "/v1/contexts", &order(&subject)).is(201);
    assert_eq!(again.at("/context"), made.at("/context"), "registering again renews it");
    // What was named is in no file in clear.
    drop(vault);
    let mut places = std::collections::BTreeMap::new();
    crate::canary::files(dir.path(), &mut places);
    crate::canary::hunt(&["CNRY-order-77218".to_owned(), "cnry-agent-4711".to_owned()], &places);
}

#[test]
fn a_context_that_cannot_be_registered_says_why() {
    let vault = crate::vault::Vault::start();
    let subject = vault.subject();
    let with = |key: &str, value: Value| {
        let mut body = order(&subject);
        body[key] = value;
        Reply(vault.post("storefront", "/v1/contexts", &body))
    };
    for (key, value, code) in [
        ("kind", json!("meeting"), "unknown_kind"),
        ("ref", json!(""), "bad_name"),
        ("ref", json!("a b"), "bad_name"),
        ("assigned_to", json!("x".repeat(65)), "bad_name"),
        ("expires_in", json!("soon"), "not_a_duration"),
    ] {
        assert_eq!(
            with(key, value).refused(400, "invalid_request").faults(),
            [(format!("/{key}"), code.to_owned())]
        );
    }
    assert_eq!(with("expires_in", json!("400d")).refused(422, "invalid_field").pointers(), ["/expires_in"]);
    with("ref", json!("4111-1111-1111-1111")).refused(422, "card_number_refused");
    with("kind", json!("ticket")).denied("act_not_granted");
    for nobody in ["sub_x", "sub_0123456789ABCDEFGHJKMNPQRS"] {
        with("subject", json!(nobody)).refused(404, "not_found");
    }
    Reply(vault.post("mailer", "/v1/contexts", &order(&subject))).denied("act_not_granted");
}
