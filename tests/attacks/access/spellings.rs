//! A53 and lessons 14 and 15: one thing under many spellings is found; things that only look alike stay apart.

use crate::caller::Client;
use crate::vault::Vault;
use serde_json::{Value, json};

const SECRET: &str = "correct horse battery";

fn hits(shop: &mut Client, field: &str, text: &str) -> usize {
    let collection = if field == "login" { "credential" } else { "contact" };
    let body =
        json!({"collection": collection, "field": field, "equals": text, "purpose": "order_fulfilment"});
    let reply = shop.post("/v1/search", body);
    if reply.status() == 200 { reply.json()["records"].as_array().unwrap().len() } else { 0 }
}

/// Equivalents by composition, case and width are one login; homoglyphs, and the Turkish dotless i, are others.
#[test]
fn a53_equivalent_spellings_are_found_and_lookalikes_are_not_merged() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    for (stored, same, other) in [
        (
            "ren\u{e9}e",
            &["rene\u{301}e", "REN\u{c9}E", "\u{ff32}\u{ff25}\u{ff2e}\u{c9}\u{ff25}"][..],
            &["renee"][..],
        ),
        ("paypal", &["PayPal", "\u{ff50}aypal"], &["p\u{430}ypal", "paypa\u{6c}\u{301}", "paypa1"]),
        ("istanbul", &["ISTANBUL"], &["\u{131}stanbul"]),
        ("stra\u{df}e", &["STRASSE", "strasse", "STRA\u{1e9e}E"], &["strase"]),
    ] {
        let subject = shop.subject();
        shop.record(&subject, "credential", json!({"login": stored, "password": SECRET}));
        for text in std::iter::once(&stored).chain(same) {
            assert_eq!(hits(&mut shop, "login", text), 1, "{stored} as {text}");
            let valid = shop.post("/v1/credentials/verify", json!({"login": text, "secret": SECRET})).is(200);
            assert_eq!(valid.json()["valid"], true, "{stored} as {text}");
            let again = shop.subject();
            let taken = shop.store(&again, "credential", json!({"login": text, "password": SECRET}));
            assert!(taken.status() >= 400, "{stored} is taken, also as {text}: {}", taken.text());
        }
        for text in other {
            assert_eq!(hits(&mut shop, "login", text), 0, "{stored} is not {text}");
            let valid = shop.post("/v1/credentials/verify", json!({"login": text, "secret": SECRET})).is(200);
            assert_eq!(valid.json(), json!({"valid": false}), "{stored} is not {text}");
        }
    }
}

/// Addresses: case and the domain's two spellings are one; a lookalike domain is another.
#[test]
fn a53_an_address_is_found_by_case_and_by_either_spelling_of_its_domain() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let subject = shop.subject();
    shop.record(&subject, "contact", json!({"email": "ada@b\u{fc}cher.example"}));
    for same in ["ADA@B\u{dc}CHER.example", "ada@bu\u{308}cher.example", "ada@xn--bcher-kva.example"] {
        assert_eq!(hits(&mut shop, "email", same), 1, "{same}");
    }
    for other in ["ada@bucher.example", "\u{430}da@b\u{fc}cher.example", "ada@b\u{fc}cher.example.org"] {
        assert_eq!(hits(&mut shop, "email", other), 0, "{other}");
    }
}

/// Lesson 25: names that mean something to paths, shells, SQL or policies are names of nothing here.
#[test]
fn l25_names_with_meaning_elsewhere_have_none_here() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let (subject, stored) = shop.ada();
    let me = shop.get("/v1/whoami").is(200).json();
    let before = (me["client"].clone(), me["acts"].clone());
    for name in [
        "*",
        "**",
        "/",
        "..",
        "../billing",
        "root",
        "admin",
        "order_fulfilment/*",
        "*.*",
        "%2f",
        "' OR '1'='1",
        "billing\u{0}",
        "",
        " ",
        "order_fulfilment ",
        "ORDER_FULFILMENT",
        "{purpose}",
        "${purpose}",
    ] {
        let read = json!({"purpose": name, "tokens": [stored["tokens"]["name"]]});
        let reply = shop.post("/v1/detokenize", read);
        assert!(
            [400, 403].contains(&reply.status()) && !reply.text().contains("Ada"),
            "{name:?}: {}",
            reply.text()
        );
        for body in [
            json!({"subject": subject, "collection": name, "purpose": "order_fulfilment", "fields": {"name": "x"}}),
            json!({"subject": subject, "collection": "contact", "purpose": "order_fulfilment", "fields": {name: "x"}}),
        ] {
            let reply = shop.post("/v1/records", body);
            assert!((400..500).contains(&reply.status()), "{name:?}: {}", reply.text());
        }
        let wish = json!({"record": stored["record"], "fields": ["name"], "audience": name});
        shop.post("/v1/tokens", wish).is(400);
        let search =
            json!({"collection": "contact", "field": name, "equals": "ada", "purpose": "order_fulfilment"});
        let reply = shop.post("/v1/search", search);
        assert!((400..500).contains(&reply.status()), "{name:?}: {}", reply.text());
    }
    let me = shop.get("/v1/whoami").is(200).json();
    assert_eq!((me["client"].clone(), me["acts"].clone()), before);
    assert_eq!(hits(&mut shop, "email", "ada@example.org"), 1, "she is still there, once");
    let _: Value = me;
}
