//! Lessons taken from others' advisories that concern who may see what.

use crate::access::samples::{Things, operations};
use crate::caller::Client;
use crate::served::Plan;
use crate::vault::{Vault, path, run};
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Rows of every table of a database.
fn counts(data: &std::path::Path) -> BTreeMap<String, i64> {
    let db = rusqlite::Connection::open(data.join("vault.db")).unwrap();
    let mut names = db.prepare("SELECT name FROM sqlite_master WHERE type = 'table'").unwrap();
    let names: Vec<String> = names.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    // SQL: names the database itself gave.
    let count = |name: &String| {
        db.query_row(&format!("SELECT count(*) FROM \"{name}\""), [], |row| row.get(0)).unwrap()
    };
    names.iter().map(|name| (name.clone(), count(name))).collect()
}

/// Lesson 10: checks that fail leave their entries on the log and nothing else.
#[test]
fn l10_a_failed_check_leaves_nothing_but_its_entry() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let subject = shop.subject();
    shop.record(&subject, "credential", json!({"login": "ada", "password": "correct horse battery"}));
    let before = counts(&vault.data());
    for n in 0..12 {
        let login = if n % 2 == 0 { "ada".to_owned() } else { format!("guess-{n}") };
        let body = json!({"login": login, "secret": "wrong", "source": "203.0.113.9"});
        assert_eq!(shop.post("/v1/credentials/verify", body).is(200).json(), json!({"valid": false}));
        assert_eq!(vault.target.send("GET", "/v1/whoami", Some("srk_x"), None).status, 401);
    }
    let after = counts(&vault.data());
    let grown: BTreeMap<_, _> = after.iter().filter(|(t, n)| before[*t] != **n).collect();
    assert!(grown.keys().all(|table| table.contains("audit") || table.contains("limit")), "{grown:?}");
    assert!(!grown.is_empty(), "the checks are on the log");
}

/// Lesson 17: whatever takes a secret is limited and written down: keys by network, passwords by name, links by network.
#[test]
fn l17_every_check_of_a_secret_has_a_limit_and_an_entry() {
    let more = "[limits]\nfailed_auth_per_ten_minutes = 5\nverify_per_subject_per_hour = 5\n".to_owned();
    let served = Plan { more, ..Plan::new() }.serve();
    let mut shop = Client::new(served.target.clone(), served.key("storefront"));
    let body = json!({"login": "ada", "secret": "wrong"});
    let tries: Vec<u16> =
        (0..30).map(|_| shop.post("/v1/credentials/verify", body.clone()).status()).collect();
    assert!(tries.contains(&200) && tries.contains(&429), "{tries:?}");
    let written = served.events("verify");
    assert_eq!(written.len(), tries.len(), "refused ones too");
    assert!(written.iter().any(|e| e["outcome"] != "allowed"));
    let tried: Vec<u16> = (0..20).map(|_| served.whoami(None, Some("srk_x"))).collect();
    assert_eq!((tried[0], tried[19]), (401, 429), "{tried:?}");
    // Every operation that takes a secret in its body is one of those tried above.
    let document: Value = shop.send(("GET", "/openapi.json"), &[], None).json();
    let secret = |schema: &Value| schema["properties"].as_object().is_some_and(|p| p.contains_key("secret"));
    let takers: Vec<&String> = document["components"]["schemas"]
        .as_object()
        .unwrap()
        .iter()
        .filter(|(_, s)| secret(s))
        .map(|(n, _)| n)
        .collect();
    assert_eq!(takers, ["Verify"], "a new check of a secret needs a limit, an entry and a line here");
}

/// Lesson 21: what was withdrawn or suspended is refused from the next request, also on a connection that is open.
#[test]
fn l21_a_key_is_refused_at_once_when_it_or_its_client_ends() {
    let served = Plan::new().serve();
    let data = served.dir.path().join("d");
    let mut shop = Client::new(served.target.clone(), served.key("storefront"));
    let mut billing = Client::new(served.target.clone(), served.key("billing"));
    shop.get("/v1/whoami").is(200);
    billing.get("/v1/whoami").is(200);
    let (ok, out, err) = run(&["client", "suspend", "--data-dir", path(&data), "storefront"]);
    assert!(ok, "{out}{err}");
    shop.get("/v1/whoami").denied("client_suspended");
    let body = json!({"region": "DE", "age_attested": true});
    shop.post("/v1/subjects", body).denied("client_suspended");
    billing.get("/v1/whoami").is(200);
    assert!(run(&["client", "resume", "--data-dir", path(&data), "storefront"]).0);
    let id = shop.get("/v1/whoami").is(200).json()["key"].as_str().unwrap().to_owned();
    assert!(run(&["client", "revoke-key", "--data-dir", path(&data), "storefront", &id]).0);
    shop.get("/v1/whoami").denied("key_expired");
    billing.get("/v1/whoami").is(200);
}

/// Lesson 26: no key opens an operation by which it could be given more; nothing a client sends changes what it may.
#[test]
fn l26_no_operation_grants_anything() {
    let vault = Vault::start();
    let mut billing = Client::of(&vault, "billing");
    let rights = |me: Value| (me["acts"].clone(), me["grants"].clone(), me["purposes"].clone());
    let before = rights(billing.get("/v1/whoami").is(200).json());
    let things = Things::real(&mut Client::of(&vault, "storefront"));
    for operation in operations(&vault) {
        let name = operation.path.to_lowercase();
        for word in ["policy", "client", "role", "grant", "key", "operator"] {
            assert!(!name.contains(word), "{name}: an operation on rights needs its own attack");
        }
        operation.ask(&mut billing, &things);
    }
    for path in [
        "/v1/policy",
        "/v1/clients",
        "/v1/clients/billing/keys",
        "/v1/operators",
        "/v1/keys/rotate",
        "/v1/seal",
    ] {
        for method in ["GET", "POST", "PUT", "DELETE"] {
            billing.send((method, path), &[], (method != "GET").then_some("{}")).refused(404, "not_found");
        }
    }
    assert_eq!(rights(billing.get("/v1/whoami").is(200).json()), before);
}

/// Lesson 32: no reply to any operation holds a key, the caller's own included.
#[test]
fn l32_no_reply_holds_a_key() {
    let vault = Vault::start();
    let keys: Vec<String> = ["storefront", "billing", "mailer"].map(|c| vault.key(c).to_owned()).into();
    let keyring = std::fs::read(vault.data().join("keyring")).unwrap_or_default();
    for name in ["storefront", "billing", "mailer"] {
        let things = Things::real(&mut Client::of(&vault, "storefront"));
        let mut client = Client::of(&vault, name);
        for operation in operations(&vault) {
            let reply = operation.ask(&mut client, &things);
            let text = format!("{}{:?}", reply.text(), reply.0.headers);
            for key in &keys {
                assert!(!text.contains(&key[4..20]), "{}", operation.name);
            }
            let mut chunks = keyring.chunks_exact(32).map(|c| data_encoding::HEXLOWER.encode(c));
            assert!(chunks.all(|hex| !text.to_lowercase().contains(&hex)), "{}", operation.name);
        }
    }
}
