//! `/v1/records`: values go in, tokens come out, and what must not be kept is refused whole.

use crate::caller::{Client, at, not_found};
use crate::vault::Vault;
use serde_json::{Value, json};

#[test]
fn c01_c03_every_collection_takes_its_fields_and_gives_them_back_normalised() {
    let vault = Vault::start();
    let (mut shop, mut billing) = (Client::of(&vault, "storefront"), Client::of(&vault, "billing"));
    let subject = shop.subject();
    let address = json!({"line1": "Am Markt 1", "city": "Bonn", "postcode": "53111", "country": "DE"});
    let reference = json!({"processor": "payment-processor", "reference": "pm_abcdefgh", "last4": "4711"});
    let readable = [
        ("identity", json!({"birth_date": "1990-02-01"}), json!({"birth_date": "1990-02-01"})),
        (
            "contact",
            json!({"name": " Ada  Lovelace ", "email": "Ada@EXAMPLE.org", "phone": "+44 (20) 7946-0018"}),
            json!({"name": "Ada Lovelace", "email": "Ada@example.org", "phone": "+442079460018"}),
        ),
        ("shipping", json!({"address": address, "company": ""}), json!({"address": address, "company": ""})),
        (
            "billing",
            json!({"tax_id": "k-254 166", "iban": "DE89 3704 0044 0532 0130 00", "processor_ref": reference}),
            json!({"tax_id": "K254166", "iban": "DE89370400440532013000", "processor_ref": reference}),
        ),
    ];
    for (collection, sent, kept) in readable {
        let (client, purpose) = match collection {
            "billing" => (&mut billing, "billing"),
            _ => (&mut shop, "order_fulfilment"),
        };
        let stored = client.record(&subject, collection, sent);
        assert_eq!(stored["version"], 1);
        let tokens = stored["tokens"].as_object().unwrap();
        assert_eq!(tokens.keys().collect::<Vec<_>>(), kept.as_object().unwrap().keys().collect::<Vec<_>>());
        for (name, token) in tokens {
            assert!(token.as_str().unwrap().starts_with("srx_"), "a development vault says so");
            let item = &client.swap(purpose, &[token])[0];
            assert_eq!(item["value"], kept[name], "{item}");
            assert_eq!((&item["format"], &item["token"]), (&json!("plain"), token));
            assert_eq!(item["field"], format!("{collection}.{name}"));
        }
    }
    let amount = json!({"amount": "12.50", "currency": "EUR"});
    for (collection, sent) in [
        ("credential", json!({"login": "ada", "password": "correct horse battery"})),
        ("transaction", json!({"kind": "order", "reference": "A-1", "text": "x", "amount": amount})),
        ("technical", json!({"ip_address": "203.0.113.9", "user_agent": "curl/8", "search_term": "loom"})),
    ] {
        let stored = shop.record(&subject, collection, sent);
        for token in stored["tokens"].as_object().unwrap().values() {
            let item = &shop.swap("order_fulfilment", &[token])[0];
            assert_eq!(item["error"]["rule"], "field_not_granted", "{collection}: written, never read");
        }
    }
}

#[test]
fn faults_of_every_field_are_told_at_once_each_by_its_pointer() {
    let vault = Vault::start();
    let (mut shop, mut billing) = (Client::of(&vault, "storefront"), Client::of(&vault, "billing"));
    let subject = shop.subject();
    let wrong = json!({"name": "n".repeat(201), "email": "ada", "phone": "020 7946 0018"});
    let reply = shop.store(&subject, "contact", wrong).refused(422, "invalid_field");
    assert_eq!(reply.pointers(), ["/fields/email", "/fields/name", "/fields/phone"]);
    assert_eq!(reply.faults()[2].1, "not_e164");
    let wrong = json!({"tax_id": "DE:123456789", "iban": "DE89370400440532013001",
        "address": {"postcode": "1", "country": "ZZ"}, "processor_ref": {"processor": "p"}});
    let pointers = billing.store(&subject, "billing", wrong).refused(422, "invalid_field").pointers();
    assert_eq!(
        pointers,
        ["/fields/address/country", "/fields/iban", "/fields/processor_ref/reference", "/fields/tax_id"]
    );
    for (collection, field, value) in [
        ("identity", "birth_date", json!("1990-02-30")),
        ("identity", "birth_date", json!("2199-01-01")),
        ("technical", "ip_address", json!("999.1.1.1")),
        ("transaction", "amount", json!({"amount": "12.505", "currency": "EUR"})),
        ("credential", "password", json!("short")),
        ("credential", "login", json!("")),
        ("contact", "name", json!({"first": "Ada"})),
        ("shipping", "address", json!("Am Markt 1")),
        ("shipping", "address", json!({"country": "DE"})),
    ] {
        let reply = shop.store(&subject, collection, json!({field: value}));
        let pointers = reply.refused(422, "invalid_field").pointers();
        assert!(pointers.len() == 1 && pointers[0].starts_with(&format!("/fields/{field}")), "{pointers:?}");
    }
    let unknown = shop.store(&subject, "contact", json!({"name": "Ada", "shoe_size_of_ada": "42"}));
    let unknown = unknown.refused(422, "invalid_field");
    assert_eq!(unknown.faults().len(), 1);
    assert!(!unknown.text().contains("shoe_size"), "a key the client chose is not repeated");
}

#[test]
fn c02_a_card_number_is_refused_wherever_it_hides_and_nothing_of_it_is_kept() {
    let vault = Vault::start();
    let (mut shop, mut billing) = (Client::of(&vault, "storefront"), Client::of(&vault, "billing"));
    let (subject, stored) = shop.ada();
    let before = rows(&vault);
    let card = "4111 1111-1111 1111";
    let reference = json!({"processor": "payment-processor", "reference": "4111111111111111"});
    for (collection, fields) in [
        ("contact", json!({"name": card})),
        ("contact", json!({"name": "Ada", "email": "4111111111111111@example.org"})),
        ("shipping", json!({"address": {"line1": card, "city": "Bonn", "country": "DE"}})),
        ("shipping", json!({"company": format!("card {card} thanks")})),
        ("transaction", json!({"text": "pay 5500 0000 0000 0004 please"})),
        ("transaction", json!({"reference": "378282246310005"})),
        ("technical", json!({"search_term": "４１１１１１１１１１１１１１１１"})),
        ("credential", json!({"login": "4111111111111111", "password": "long enough for all"})),
        ("billing", json!({"processor_ref": reference})),
    ] {
        let client = if collection == "billing" { &mut billing } else { &mut shop };
        client.store(&subject, collection, fields).refused(422, "card_number_refused");
    }
    let patch = json!({"purpose": "order_fulfilment", "fields": {"name": card}});
    shop.patch(&at(&stored), patch).refused(422, "card_number_refused");
    assert_eq!(rows(&vault), before, "not a row more, in any table but the log");
    shop.record(&subject, "contact", json!({"name": "Byron"}));
    assert_ne!(rows(&vault), before, "the count itself works");
}

/// Rows of every table but the audit log, read beside the running vault.
fn rows(vault: &Vault) -> Vec<(String, i64)> {
    let mut counts = Vec::new();
    for file in ["vault.db", "index.db"] {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let db = rusqlite::Connection::open_with_flags(vault.data().join(file), flags).unwrap();
        let mut names =
            db.prepare("SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name").unwrap();
        let names: Vec<String> = names.query_map([], |r| r.get(0)).unwrap().map(Result::unwrap).collect();
        for name in names.iter().filter(|n| !n.contains("audit") && !n.starts_with("sqlite_")) {
            let count = db.query_row(&["SELECT count(*) FROM ", name].concat(), [], |r| r.get(0)).unwrap();
            counts.push((format!("{file} {name}"), count));
        }
    }
    counts
}

#[test]
fn c08_a_field_that_no_granted_purpose_needs_is_refused_unread() {
    let vault = Vault::start();
    let (mut shop, mut mailer) = (Client::of(&vault, "storefront"), Client::of(&vault, "mailer"));
    let (subject, stored) = shop.ada();
    let body = |collection: &str, purpose: &str, fields: Value| json!({"subject": subject, "collection": collection, "purpose": purpose, "fields": fields});
    let iban = body("billing", "order_fulfilment", json!({"iban": "not one"}));
    shop.post("/v1/records", iban).denied("field_not_needed");
    for purpose in ["billing", "no_such"] {
        let foreign = body("contact", purpose, json!({"name": "x"}));
        shop.post("/v1/records", foreign).denied("purpose_not_granted");
    }
    let mail = body("contact", "newsletter", json!({"email": "x@example.org"}));
    mailer.post("/v1/records", mail).denied("field_not_needed");
    let unknown = shop.post("/v1/records", body("secrets", "order_fulfilment", json!({"name": "x"})));
    assert_eq!(unknown.refused(400, "invalid_request").pointers(), ["/collection"]);
    let empty = shop.post("/v1/records", body("contact", "order_fulfilment", json!({})));
    assert!(matches!(empty.status(), 400 | 422), "{}", empty.text());
    let mut billing = Client::of(&vault, "billing");
    let change = json!({"purpose": "billing", "fields": {"phone": "x"}});
    billing.patch(&at(&stored), change.clone()).denied("field_not_needed");
    // The same of a record that never was, and a field of its own tells nothing of others' records (I5).
    let never = "/v1/records/rec_0123456789ABCDEFGHJKMNPQRS";
    billing.patch(never, change).denied("field_not_needed");
    let own = json!({"purpose": "billing", "fields": {"name": "x"}});
    billing.patch(&at(&stored), own.clone()).refused(404, "not_found");
    billing.patch(never, own).refused(404, "not_found");
    billing.get(&at(&stored)).denied("act_not_granted");
}

#[test]
fn a_change_makes_a_version_live_tokens_follow_it_and_null_removes() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let (_, stored) = shop.ada();
    let (tokens, path) = (&stored["tokens"], at(&stored));
    let patch = |fields: Value| json!({"purpose": "order_fulfilment", "fields": fields});
    let first = |fields: Value| json!({"purpose": "order_fulfilment", "fields": fields, "if_version": 1});
    let changed = shop.patch(&path, first(json!({"email": "countess@example.org"}))).is(200).json();
    assert_eq!((&changed["version"], &changed["record"]), (&json!(2), &stored["record"]));
    let new = &changed["tokens"]["email"];
    let items = shop.swap("order_fulfilment", &[&tokens["email"], &tokens["name"], new]);
    assert_eq!(items[0]["value"], "countess@example.org", "the token of before follows the record");
    assert_eq!((&items[1]["value"], &items[2]["value"]), (&json!("Ada Lovelace"), &items[0]["value"]));
    let stale = shop.patch(&path, first(json!({"name": "Other"}))).refused(409, "version_conflict");
    assert_eq!(stale.json()["current_version"], 2);
    shop.patch(&path, patch(json!({"phone": null, "name": ""}))).is(200);
    let items = shop.swap("order_fulfilment", &[&tokens["phone"], &tokens["name"]]);
    assert_eq!((&items[0], &items[1]["value"]), (&not_found(0), &json!("")), "empty and absent differ");
    let shown = shop.get(&path).is(200).json();
    assert_eq!((&shown["version"], &shown["fields"]), (&json!(3), &json!(["email", "name"])));
    let nothing = shop.patch(&path, patch(json!({})));
    assert_eq!(nothing.refused(400, "invalid_request").pointers(), ["/fields"]);
    shop.patch(&path, patch(json!({"phone": "12"}))).refused(422, "invalid_field");
    assert_eq!(shop.get(&path).json()["version"], 3, "a refused change makes no version");
}

#[test]
fn a_login_names_one_credential() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let (one, two) = (shop.subject(), shop.subject());
    let fields = |login: &str| json!({"login": login, "password": "correct horse battery"});
    let first = shop.record(&one, "credential", fields("ada"));
    shop.store(&two, "credential", fields("ADA")).refused(409, "already_exists");
    let second = shop.record(&two, "credential", fields("augusta"));
    let patch = |login: &str| json!({"purpose": "order_fulfilment", "fields": {"login": login}});
    shop.patch(&at(&second), patch("ada")).refused(409, "already_exists");
    shop.patch(&at(&first), patch("ada")).is(200);
}
