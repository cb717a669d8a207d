//! A14 and A15: ids of others' things, and keys of a body that are not the caller's to set.

use crate::access::samples::{Things, operations, seen};
use crate::caller::{Client, not_found};
use crate::vault::Vault;
use serde_json::{Value, json};

/// Shows I5 and lessons 18, 20, 23 on every id parameter of the document: an id of another kind, another vault, another
/// client's erasure, or none, is answered with the same bytes as one that never was.
#[test]
fn a14_every_id_parameter_answers_for_others_things_as_for_nothing() {
    let (vault, elsewhere) = (Vault::start(), Vault::start());
    let mut shop = Client::of(&vault, "storefront");
    let mine = Things::real(&mut shop);
    let theirs = Things::real(&mut Client::of(&elsewhere, "storefront"));
    let mut walked = 0;
    for operation in operations(&vault) {
        if !["{sub}", "{rec}", "{crt}"].iter().any(|p| operation.path.contains(p)) {
            continue;
        }
        let never = seen(&operation.ask(&mut shop, &Things::never()));
        assert_eq!(never.0, 404, "{}: {}", operation.name, never.1);
        let swapped = Things {
            subject: mine.record.replace("rec_", "sub_"),
            record: mine.subject.replace("sub_", "rec_"),
            certificate: mine.record.replace("rec_", "crt_"),
            token: mine.token.clone(),
        };
        let lower = Things {
            subject: mine.subject.to_lowercase(),
            record: mine.record.to_lowercase(),
            certificate: mine.certificate.to_lowercase(),
            token: mine.token.clone(),
        };
        let longer = Things {
            subject: format!("{}0", mine.subject),
            record: format!("{}0", mine.record),
            certificate: format!("{}0", mine.certificate),
            token: mine.token.clone(),
        };
        for other in [&theirs, &swapped, &lower, &longer] {
            let answer = seen(&operation.ask(&mut shop, other));
            assert_eq!(answer, never, "{} at {}", operation.name, operation.at(other));
            walked += 1;
        }
    }
    assert!(walked >= 40, "{walked}");
}

/// P19, lesson 31: tokens of another audience, another vault, and none, everywhere a token may stand.
#[test]
fn a14_a_token_of_another_audience_is_one_that_never_was() {
    let (vault, elsewhere) = (Vault::start(), Vault::start());
    let (mut shop, mut mailer) = (Client::of(&vault, "storefront"), Client::of(&vault, "mailer"));
    let (subject, stored) = shop.ada();
    shop.consent(&subject, "newsletter", true);
    let wish = json!({"record": stored["record"], "fields": ["email"], "audience": "storefront"});
    let own = json!(shop.post("/v1/tokens", wish).is(201).at("/tokens/email"));
    assert_eq!(shop.swap("order_fulfilment", &[&own])[0]["value"], "ada@example.org", "it does open");
    let foreign = json!(Things::real(&mut Client::of(&elsewhere, "storefront")).token);
    let forged = json!(format!("srx_{}", "0".repeat(43)));
    for token in [&own, &foreign, &forged] {
        assert_eq!(mailer.swap("newsletter", &[token])[0], not_found(0));
        let shown = mailer.post("/v1/tokens/inspect", json!({"tokens": [token]})).is(200).json();
        assert_eq!(shown["results"][0]["error"]["code"], "not_found", "{shown}");
        let bodies: Vec<Value> = vec![json!({"purpose": "newsletter", "tokens": [token], "atomic": true})];
        for body in bodies {
            mailer.post("/v1/detokenize", body).refused(404, "not_found");
        }
    }
    // A certificate belongs to who erased.
    let things = Things::real(&mut shop);
    let path = format!("/v1/certificates/{}", things.certificate);
    shop.get(&path).is(200);
    Client::of(&vault, "billing").get(&path).denied("act_not_granted");
}

/// What a client must not be able to set: everything the vault decides by itself, and a few names of others' systems.
const NOT_YOURS: &[&str] = &[
    "id",
    "client",
    "tenant",
    "version",
    "role",
    "roles",
    "consent",
    "consents",
    "state",
    "acts",
    "grants",
    "admin",
    "is_admin",
    "created_at",
    "expires_at",
    "policy",
    "sensitivity",
    "key_version",
    "owner",
    "cost",
    "created",
    "holds",
    "restricted",
    "approval",
    "audit",
    "__proto__",
    "constructor",
    "$ref",
];

/// Every body of the document with each of those keys, at its top and inside each object of it: refused, nothing written.
#[test]
fn a15_keys_that_are_not_the_callers_to_set_are_refused_everywhere() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let things = Things::real(&mut shop);
    let shown = |shop: &mut Client| {
        let of = |shop: &mut Client, more: &str| {
            shop.get(&format!("/v1/subjects/{}{more}", things.subject)).json()
        };
        [of(shop, ""), of(shop, "/records"), of(shop, "/consents")]
    };
    let before = shown(&mut shop);
    let mut sent = 0;
    for operation in operations(&vault).iter().filter(|o| o.has_body) {
        let body = operation.body(&things).unwrap();
        for place in objects(&body, String::new()) {
            // Fields of a record are named by the policy; one that it does not know is refused for that.
            for key in NOT_YOURS {
                let mut more = body.clone();
                let object = more.pointer_mut(&place).unwrap().as_object_mut().unwrap();
                if object.contains_key(*key) {
                    continue;
                }
                object.insert((*key).to_owned(), json!("x"));
                let reply = operation.ask_with(&mut shop, &things, Some(more));
                let inside = place.ends_with("/fields");
                let item = inside && operation.name == "CreateRecords";
                let refused = match reply.status() {
                    200 => item && reply.json()["results"][0]["error"].is_object(),
                    status => status == 400 || (inside && (400..500).contains(&status)),
                };
                assert!(refused, "{} {place}/{key}: {}", operation.name, reply.text());
                sent += 1;
            }
        }
    }
    assert!(sent > 400, "{sent}");
    assert_eq!(shown(&mut shop), before, "nothing was written");
}

/// Pointers of all objects in a body.
fn objects(value: &Value, at: String) -> Vec<String> {
    let inner: Vec<(String, &Value)> = match value {
        Value::Object(parts) => parts.iter().map(|(k, v)| (format!("{at}/{k}"), v)).collect(),
        Value::Array(items) => items.iter().enumerate().map(|(n, v)| (format!("{at}/{n}"), v)).collect(),
        _ => Vec::new(),
    };
    let mut all: Vec<String> = value.is_object().then_some(at).into_iter().collect();
    all.extend(inner.into_iter().flat_map(|(at, v)| objects(v, at)));
    all
}
