//! `POST /v1/search`: exact after normalising, by declared fields only, never more than twenty.

use crate::caller::{Client, Reply, at};
use crate::vault::Vault;
use serde_json::{Value, json};

fn by(client: &mut Client, collection: &str, field: &str, text: &str) -> Reply {
    let purpose = if collection == "billing" { "billing" } else { "order_fulfilment" };
    let body = json!({"collection": collection, "field": field, "equals": text, "purpose": purpose});
    client.post("/v1/search", body)
}

fn count(reply: Reply) -> usize {
    reply.is(200).json()["records"].as_array().unwrap().len()
}

#[test]
fn a_value_is_found_however_it_is_spelled_and_only_whole() {
    let vault = Vault::start();
    let (mut shop, mut billing) = (Client::of(&vault, "storefront"), Client::of(&vault, "billing"));
    let (subject, stored) = shop.ada();
    for spelling in ["ada@example.org", "ADA@Example.ORG", " ada@example.org ", "ａｄａ@example.org"] {
        let found = by(&mut shop, "contact", "email", spelling).is(200).json();
        assert_eq!(found["records"][0]["record"], stored["record"], "{spelling}");
        assert_eq!((&found["records"][0]["subject"], &found["truncated"]), (&json!(subject), &json!(false)));
        let token = &found["records"][0]["tokens"]["email"];
        assert_eq!(shop.swap("order_fulfilment", &[token])[0]["value"], "ada@example.org");
    }
    for other in ["ada@example.com", "da@example.org", "ada2@example.org"] {
        assert_eq!(count(by(&mut shop, "contact", "email", other)), 0, "{other}");
    }
    assert_eq!(count(by(&mut shop, "contact", "phone", "+44 (0)20 7946-0018")), 1);
    billing.record(&subject, "billing", json!({"tax_id": "K254166019"}));
    assert_eq!(count(by(&mut billing, "billing", "tax_id", "k 254-166.019")), 1);
    let change = json!({"purpose": "order_fulfilment", "fields": {"email": "countess@example.org"}});
    shop.patch(&at(&stored), change).is(200);
    assert_eq!(count(by(&mut shop, "contact", "email", "ada@example.org")), 0, "the index follows");
    assert_eq!(count(by(&mut shop, "contact", "email", "countess@example.org")), 1);
}

#[test]
fn a_name_is_found_with_its_postcode_in_either_order() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let subject = shop.subject();
    let address = |code: &str| json!({"city": "Bonn", "postcode": code, "country": "DE"});
    let stored =
        shop.record(&subject, "shipping", json!({"name": "Zoë Müller", "address": address("53111")}));
    shop.record(&subject, "shipping", json!({"name": "Zoë Müller", "address": address("53113")}));
    shop.record(&subject, "shipping", json!({"name": "Zoë Müller"}));
    // As text, because a map of this test's own would sort its keys.
    let mut ask = |pairs: &str| {
        let body = format!(r#"{{"collection":"shipping","match":{{{pairs}}},"purpose":"order_fulfilment"}}"#);
        shop.send(("POST", "/v1/search"), &[], Some(&body))
    };
    for pairs in [
        r#""name":"Zoë Müller","address.postcode":"53111""#,
        r#""address.postcode":" 53111","name":"zoë  MÜLLER""#,
        r#""name":"Zoe\u0308 Mu\u0308ller","address.postcode":"53111""#,
    ] {
        let found = ask(pairs).is(200).json();
        assert_eq!(found["records"].as_array().unwrap().len(), 1, "{pairs}");
        assert_eq!(found["records"][0]["record"], stored["record"]);
    }
    assert_eq!(count(ask(r#""name":"Zoë Müller","address.postcode":"99999""#)), 0);
    for wrong in [r#""name":"Zoë""#, r#""name":"Zoë","address.city":"Bonn""#] {
        ask(wrong).refused(400, "invalid_request");
    }
    by(&mut shop, "shipping", "name", "Zoë Müller").refused(400, "invalid_request");
}

#[test]
fn p14_what_is_not_declared_or_not_granted_cannot_be_searched() {
    let vault = Vault::start();
    let (mut shop, mut mailer) = (Client::of(&vault, "storefront"), Client::of(&vault, "mailer"));
    shop.ada();
    let body = |collection: &str, field: &str, text: &str, purpose: &str| json!({"collection": collection, "field": field, "equals": text, "purpose": purpose});
    mailer
        .post("/v1/search", body("contact", "email", "a@example.org", "newsletter"))
        .denied("field_not_granted");
    shop.post("/v1/search", body("billing", "tax_id", "K254166019", "order_fulfilment"))
        .denied("field_not_granted");
    shop.post("/v1/search", body("contact", "email", "a@example.org", "billing"))
        .denied("purpose_not_granted");
    by(&mut shop, "contact", "name", "Ada Lovelace").denied("field_not_granted");
    let bad = by(&mut shop, "contact", "email", "no address").refused(422, "invalid_field");
    assert_eq!(bad.pointers(), ["/equals"]);
    for (collection, field) in [("secrets", "email"), ("contact", "secret")] {
        by(&mut shop, collection, field, "a@example.org").refused(400, "invalid_request");
    }
    let mut both = body("contact", "email", "a@example.org", "order_fulfilment");
    both["match"] = json!({"name": "a"});
    shop.post("/v1/search", both).refused(400, "invalid_request");
}

#[test]
fn twenty_hits_are_shown_and_more_are_said_to_exist() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let subject = shop.subject();
    let phone = || json!({"phone": "+442079460018"});
    let mut made: Vec<Value> =
        (0..20).map(|_| shop.record(&subject, "contact", phone())["record"].clone()).collect();
    let whole = by(&mut shop, "contact", "phone", "+442079460018").is(200).json();
    assert_eq!(whole["truncated"], false);
    made.push(shop.record(&subject, "contact", phone())["record"].clone());
    let part = by(&mut shop, "contact", "phone", "+442079460018").is(200).json();
    assert_eq!(part["truncated"], true);
    let found = part["records"].as_array().unwrap();
    assert!(found.len() == 20 && found.iter().all(|hit| made.contains(&hit["record"])));
}
