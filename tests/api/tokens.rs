//! `/v1/tokens`: minted for an audience, for a while, for so many uses; inspected; revoked.

use crate::caller::{Client, Reply, not_found};
use crate::vault::Vault;
use serde_json::{Value, json};
use std::time::Duration;

fn mint(client: &mut Client, record: &Value, more: Value) -> Reply {
    let mut body = json!({"record": record, "fields": ["email"]});
    more.as_object().unwrap().iter().for_each(|(k, v)| body[k] = v.clone());
    client.post("/v1/tokens", body)
}

fn email(client: &mut Client, stored: &Value, more: Value) -> Value {
    json!(mint(client, &stored["record"], more).is(201).at("/tokens/email"))
}

#[test]
fn p19_a_token_opens_for_its_audience_only() {
    let vault = Vault::start();
    let (mut shop, mut mailer) = (Client::of(&vault, "storefront"), Client::of(&vault, "mailer"));
    let (subject, stored) = shop.ada();
    shop.consent(&subject, "newsletter", true);
    let token = &email(&mut shop, &stored, json!({"audience": "mailer"}));
    assert_ne!(*token, stored["tokens"]["email"], "two audiences cannot join their tables");
    assert_eq!(mailer.swap("newsletter", &[token])[0]["value"], "ada@example.org");
    assert_eq!(shop.swap("order_fulfilment", &[token])[0], not_found(0));
    let wish = json!({"subject": subject, "collection": "contact", "purpose": "order_fulfilment",
        "fields": {"name": "Ada"}, "tokens": {"audience": "billing", "expires_in": "1h", "uses": 2}});
    let name = json!(shop.post("/v1/records", wish).is(201).at("/tokens/name"));
    assert_eq!(shop.swap("order_fulfilment", &[&name])[0], not_found(0));
    assert_eq!(Client::of(&vault, "billing").swap("billing", &[&name])[0]["value"], "Ada");
}

#[test]
fn what_cannot_be_minted_is_refused_with_its_reason() {
    let vault = Vault::start();
    let (mut shop, mut billing) = (Client::of(&vault, "storefront"), Client::of(&vault, "billing"));
    let (_, stored) = shop.ada();
    let record = &stored["record"];
    for (more, pointer) in [
        (json!({"audience": "nobody"}), "/audience"),
        (json!({"uses": 0}), "/uses"),
        (json!({"expires_in": "soon"}), "/expires_in"),
        (json!({"expires_in": "0d"}), "/expires_in"),
        (json!({"fields": []}), "/fields"),
        (json!({"fields": ["email", "email"]}), "/fields"),
        (json!({"fields": ["iban"]}), "/fields"),
    ] {
        assert_eq!(mint(&mut shop, record, more).refused(400, "invalid_request").pointers(), [pointer]);
    }
    mint(&mut shop, &json!("rec_00000000000000000000000000"), json!({})).refused(404, "not_found");
    mint(&mut billing, record, json!({"fields": ["phone"]})).denied("field_not_granted");
    billing.post("/v1/tokens/revoke", json!({"tokens": ["srx_1"]})).denied("act_not_granted");
}

#[test]
fn a_use_is_spent_once_also_by_sixteen_readers_at_once() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let (_, stored) = shop.ada();
    for round in 0..4 {
        let token = email(&mut shop, &stored, json!({"uses": 1}));
        let start = std::sync::Barrier::new(16);
        let read = |mut client: Client| {
            client.get("/v1/whoami").is(200);
            start.wait();
            client.swap("order_fulfilment", &[&token])[0].clone()
        };
        let (read, shop) = (&read, &shop);
        let shown: Vec<Value> = std::thread::scope(|scope| {
            let readers: Vec<_> = (0..16).map(|_| scope.spawn(move || read(shop.again()))).collect();
            readers.into_iter().map(|r| r.join().unwrap()).collect()
        });
        let good = shown.iter().filter(|i| i["value"] == "ada@example.org").count();
        let gone = shown.iter().filter(|i| **i == not_found(0)).count();
        assert_eq!((good, gone), (1, 15), "round {round}: {shown:?}");
    }
}

#[test]
fn a_retry_under_the_same_key_spends_no_further_use() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let (_, stored) = shop.ada();
    let token = email(&mut shop, &stored, json!({"uses": 1}));
    let body = json!({"purpose": "order_fulfilment", "tokens": [token]}).to_string();
    let mut read = |key: &str| {
        let reply = shop.send(("POST", "/v1/detokenize"), &[("Idempotency-Key", key)], Some(&body));
        reply.is(200).json()["results"][0].clone()
    };
    for _ in 0..3 {
        assert_eq!(read("order-17")["value"], "ada@example.org");
    }
    assert_eq!(read("order-18"), not_found(0));
    assert_eq!(shop.swap("order_fulfilment", &[&token])[0], not_found(0), "nor without any key");
}

#[test]
fn the_same_token_twice_in_one_request_opens_once() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let (_, stored) = shop.ada();
    let token = email(&mut shop, &stored, json!({"uses": 2}));
    let items = shop.swap("order_fulfilment", &[&token, &token]);
    assert_eq!((&items[0]["value"], &items[1]), (&json!("ada@example.org"), &not_found(1)));
    assert_eq!(shop.swap("order_fulfilment", &[&token])[0]["value"], "ada@example.org");
    assert_eq!(shop.swap("order_fulfilment", &[&token])[0], not_found(0));
}

#[test]
fn inspection_tells_state_and_terms_and_never_a_value() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let (_, stored) = shop.ada();
    let direct = &stored["tokens"]["email"];
    let twice = email(&mut shop, &stored, json!({"uses": 2, "expires_in": "1d"}));
    let once = email(&mut shop, &stored, json!({"uses": 1}));
    let brief = email(&mut shop, &stored, json!({"expires_in": "1s"}));
    let foreign = email(&mut shop, &stored, json!({"audience": "mailer"}));
    shop.swap("order_fulfilment", &[&once, &twice]);
    std::thread::sleep(Duration::from_millis(1_100));
    let body = json!({"tokens": [direct, twice, once, brief, foreign, "srx_no"]});
    let reply = shop.post("/v1/tokens/inspect", body).is(200);
    assert!(!reply.text().contains("ada@") && !reply.text().contains("srx_"), "{}", reply.text());
    let items = reply.json()["results"].clone();
    let states: Vec<&Value> = (0..4).map(|n| &items[n]["state"]).collect();
    assert_eq!(states, ["live", "live", "spent", "expired"]);
    assert_eq!((&items[1]["uses_left"], &items[1]["audience"]), (&json!(1), &json!("shop")));
    assert!(items[1]["expires_at"].is_string() && items[0].get("expires_at").is_none());
    assert_eq!((&items[0]["field"], &items[0]["collection"]), (&json!("contact.email"), &json!("contact")));
    assert_eq!((&items[4], &items[5]), (&not_found(4), &not_found(5)));
    shop.post("/v1/tokens/inspect", json!({"tokens": []})).refused(400, "invalid_request");
}

#[test]
fn a_revoked_token_is_dead_at_once_and_revoking_it_again_finds_nothing() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let (_, stored) = shop.ada();
    let limited = email(&mut shop, &stored, json!({"uses": 9}));
    let (direct, name) = (&stored["tokens"]["email"], &stored["tokens"]["name"]);
    let revoke = |client: &mut Client, tokens: Value| {
        client.post("/v1/tokens/revoke", json!({"tokens": tokens})).is(200).json()["results"].clone()
    };
    let gone = |index: usize| json!({"index": index, "revoked": true});
    let first = revoke(&mut shop, json!([limited, "srx_gone", direct]));
    assert_eq!(first, json!([gone(0), not_found(1), gone(2)]));
    let items = shop.swap("order_fulfilment", &[&limited, direct, name]);
    assert_eq!((&items[0], &items[1]), (&not_found(0), &not_found(1)));
    assert_eq!(items[2]["value"], "Ada Lovelace", "the other fields' tokens live on");
    assert_eq!(revoke(&mut shop, json!([limited, direct])), json!([not_found(0), not_found(1)]));
    let fresh = email(&mut shop, &stored, json!({}));
    assert_eq!(shop.swap("order_fulfilment", &[&fresh])[0]["value"], "ada@example.org");
    assert_eq!(revoke(&mut shop, json!([fresh, fresh]))[0], gone(0), "named twice in one request");
    assert_eq!(shop.swap("order_fulfilment", &[&fresh])[0], not_found(0));
}
