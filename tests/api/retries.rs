//! `Idempotency-Key` on every route that changes state: a retry is harmless, a mistake is told, nothing happens twice.

use crate::caller::{Client, Reply, at};
use crate::vault::Vault;
use serde_json::{Value, json};

const RECORDS: (&str, &str) = ("POST", "/v1/records");

#[track_caller]
fn under(client: &mut Client, key: &str, to: (&str, &str), body: &Value) -> Reply {
    client.send(to, &[("Idempotency-Key", key)], Some(&body.to_string()))
}

fn contact(subject: &str, fields: Value) -> Value {
    json!({"subject": subject, "collection": "contact", "purpose": "order_fulfilment", "fields": fields})
}

#[test]
fn a_repeated_request_of_any_route_gets_the_same_reply_and_says_so() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let subject = shop.subject();
    let mut twice = |key: &str, to: (&str, &str), body: Value| {
        let first = under(&mut shop, key, to, &body);
        assert!(first.status() < 300 && first.header("idempotency-replayed").is_none(), "{}", first.text());
        for _ in 0..2 {
            let again = under(&mut shop, key, to, &body).is(first.status());
            assert_eq!(again.header("idempotency-replayed"), Some("true"), "{to:?}");
            assert_eq!(again.json(), first.json(), "{to:?}");
            assert_ne!(again.header("x-request-id"), first.header("x-request-id"));
        }
        first.json()
    };
    let stored = twice("k1", RECORDS, contact(&subject, json!({"name": "Ada", "email": "ada@example.org"})));
    let wishes = json!({"record": stored["record"], "fields": ["email", "name"], "uses": 3});
    let minted = twice("k2", ("POST", "/v1/tokens"), wishes);
    let change = json!({"purpose": "order_fulfilment", "fields": {"name": "Byron"}, "if_version": 1});
    twice("k3", ("PATCH", &at(&stored)), change);
    let revoke = json!({"tokens": [minted["tokens"]["name"]]});
    let revoked = twice("k4", ("POST", "/v1/tokens/revoke"), revoke);
    assert_eq!(revoked["results"][0]["revoked"], true);
    twice("k5", ("POST", "/v1/subjects"), json!({"region": "DE", "age_attested": true}));
    let path = format!("/v1/subjects/{subject}");
    twice("k6", ("PATCH", &path), json!({"flags": ["vip"]}));
    let anchor = json!({"event": "account_closed", "at": "2026-01-01T00:00:00Z"});
    twice("k7", ("POST", &format!("{path}/anchors")), anchor);
    let consent = json!({"granted": true, "evidence": {"channel": "web-form"}});
    twice("k8", ("PUT", &format!("{path}/consents/newsletter")), consent);
    let history = shop.get(&format!("{path}/consents")).json()["history"].as_array().unwrap().len();
    assert_eq!(history, 1, "recorded once");
}

#[test]
fn a_key_is_bound_to_body_path_and_caller() {
    let vault = Vault::start();
    let (mut shop, mut billing) = (Client::of(&vault, "storefront"), Client::of(&vault, "billing"));
    let subject = shop.subject();
    let body = contact(&subject, json!({"name": "Ada"}));
    let stored = under(&mut shop, "k", RECORDS, &body).is(201).json();
    let other = contact(&subject, json!({"name": "Byron"}));
    under(&mut shop, "k", RECORDS, &other).refused(409, "idempotency_mismatch");
    let new = json!({"region": "DE", "age_attested": true});
    under(&mut shop, "k", ("POST", "/v1/subjects"), &new).refused(409, "idempotency_mismatch");
    let change = json!({"purpose": "order_fulfilment", "fields": {"name": "Byron"}});
    under(&mut shop, "k", ("PATCH", &at(&stored)), &change).refused(409, "idempotency_mismatch");
    let mint = json!({"record": stored["record"], "fields": ["name"]});
    under(&mut billing, "k", ("POST", "/v1/tokens"), &mint).is(201);
    for bad in ["", "two words", "k\u{e9}y", &"k".repeat(256)] {
        under(&mut shop, bad, RECORDS, &body).refused(400, "invalid_request");
    }
    under(&mut shop, &"k".repeat(255), RECORDS, &body).is(201);
}

#[test]
fn a_refusal_decided_after_parsing_is_remembered_and_others_are_not() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let (subject, stored) = shop.ada();
    let path = at(&stored);
    let late = json!({"purpose": "order_fulfilment", "fields": {"name": "X"}, "if_version": 2});
    under(&mut shop, "v", ("PATCH", &path), &late).refused(409, "version_conflict");
    shop.patch(&path, json!({"purpose": "order_fulfilment", "fields": {"name": "Y"}})).is(200);
    let again = under(&mut shop, "v", ("PATCH", &path), &late).refused(409, "version_conflict");
    assert_eq!(again.header("idempotency-replayed"), Some("true"));
    under(&mut shop, "w", ("PATCH", &path), &late).is(200);
    let wrong = contact(&subject, json!({"phone": "12"}));
    under(&mut shop, "f", RECORDS, &wrong).refused(422, "invalid_field");
    let again = under(&mut shop, "f", RECORDS, &wrong).refused(422, "invalid_field");
    assert_eq!(again.faults(), [("/fields/phone".into(), "not_e164".into())]);
    let good = contact(&subject, json!({"name": "Ada"}));
    under(&mut shop, "f", RECORDS, &good).refused(409, "idempotency_mismatch");
    // C02: of a card number nothing is kept, not even that it was refused.
    let card = contact(&subject, json!({"name": "4111111111111111"}));
    under(&mut shop, "c", RECORDS, &card).refused(422, "card_number_refused");
    under(&mut shop, "c", RECORDS, &good).is(201);
    shop.send(RECORDS, &[("Idempotency-Key", "b")], Some("{")).refused(400, "malformed_json");
    under(&mut shop, "b", RECORDS, &good).is(201);
}

#[test]
fn equal_requests_at_once_make_one_record() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let subject = shop.subject();
    for round in 0..4 {
        let body = contact(&subject, json!({"name": format!("Ada {round}")}));
        let start = std::sync::Barrier::new(8);
        let write = |mut client: Client| {
            client.get("/v1/whoami").is(200);
            start.wait();
            under(&mut client, &format!("round-{round}"), RECORDS, &body).is(201).json()
        };
        let (write, shop) = (&write, &shop);
        let replies: Vec<Value> = std::thread::scope(|scope| {
            let writers: Vec<_> = (0..8).map(|_| scope.spawn(move || write(shop.again()))).collect();
            writers.into_iter().map(|w| w.join().unwrap()).collect()
        });
        assert!(replies.iter().all(|reply| *reply == replies[0]), "{replies:?}");
    }
    let shown = shop.get(&format!("/v1/subjects/{subject}")).is(200).json();
    assert_eq!(shown["collections"], json!({"contact": 4}));
}
