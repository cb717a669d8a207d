//! The conventions: strict JSON, sizes, headers, idempotency, checkpoints; and what is never accepted.

use crate::caller::Client;
use crate::vault::Vault;
use serde_json::json;

#[test]
fn a04_json_that_is_not_strict_is_refused_and_never_repeated() {
    let vault = Vault::start();
    let key = Some(vault.key("storefront"));
    let deep = format!("{}1{}", "[".repeat(10_000), "]".repeat(10_000));
    let cases = [
        "",
        "{",
        "[]",
        "null",
        "\u{feff}{\"region\":\"DE\"}",
        "{\"region\":\"DE\",\"region\":\"FR\"}",
        "{\"region\":\"DE\",\"\\u0072egion\":\"FR\"}",
        "{\"region\":\"DE\",\"CNRYunknown\":1}",
        "{\"region\":\"DE\"} trailing",
        "{\"region\":4111111111111111}",
        "{\"region\":\"\\ud800\"}",
        "{\"region\":\"a\\u0000b\"}",
        "{\"region\":1e400}",
        "{\"region\":123456789012345678901234}",
        "{'region':'DE'}",
        "{\"region\":\"CNRY\\x\"}",
        deep.as_str(),
    ];
    for case in cases {
        let answer = vault.target.send("POST", "/v1/subjects", key, Some(case));
        assert_eq!(
            (answer.status, answer.code().as_str()),
            (400, "malformed_json"),
            "{}",
            &case[..case.len().min(60)]
        );
        let text = String::from_utf8(answer.body).unwrap();
        assert!(!text.contains("CNRY") && !text.contains("4111"), "{text}");
    }
    let mut bytes = crate::client::request("POST", "/v1/subjects", key, Some("{\"region\":\"XX\"}"), &[]);
    let at = bytes.len() - 4;
    bytes[at] = 0xff;
    assert_eq!(vault.target.raw(&bytes).code(), "malformed_json", "invalid UTF-8");
    let mut shop = Client::of(&vault, "storefront");
    shop.send_bytes(("POST", "/v1/subjects"), b"{\"region\":\"\xc1\x98X\"}").refused(400, "malformed_json");
}

#[test]
fn a03_a06_sizes_types_and_encodings_have_their_own_answers() {
    let vault = Vault::start();
    let key = Some(vault.key("storefront"));
    let send = |body: &str, headers: &[(&str, &str)]| {
        vault.target.send_with("POST", "/v1/subjects", key, Some(body), headers)
    };
    assert_eq!(send("{}", &[("Content-Type", "text/plain")]).status, 415);
    assert_eq!(send("{}", &[("Content-Encoding", "gzip")]).status, 415);
    assert_ne!(send("{}", &[("Content-Type", "application/json; charset=utf-8")]).status, 415);
    let large = format!("{{\"region\":\"{}\"}}", "x".repeat(1 << 20));
    assert_eq!(send(&large, &[]).status, 413);
    let long = format!("/v1/subjects/{}", "x".repeat(9_000));
    assert_eq!(vault.target.send("GET", &long, key, None).status, 414);
    assert_eq!(vault.target.send("GET", "/v1/whoami?surprise=1", key, None).status, 400);
    assert_eq!(
        vault.target.send("GET", "/v1/whoami", key, Some("{}")).status,
        413,
        "a body where none belongs"
    );
}

#[test]
fn every_reply_carries_the_headers_of_the_contract() {
    let vault = Vault::start();
    let subject = vault.subject();
    let token = vault.contact(&subject)["tokens"]["name"].as_str().unwrap().to_owned();
    let answer = vault.post(
        "storefront",
        "/v1/detokenize",
        &json!({"purpose": "order_fulfilment", "tokens": [token]}),
    );
    for name in [
        "X-Request-Id",
        "Strongroom-Checkpoint",
        "RateLimit-Policy",
        "RateLimit",
        "Strongroom-Cost",
        "Strict-Transport-Security",
    ] {
        assert!(answer.header(name).is_some(), "{name}");
    }
    assert_eq!(answer.header("Cache-Control"), Some("no-store"));
    assert_eq!(answer.header("Strongroom-Cost"), Some("2"));
    assert!(answer.header("RateLimit-Policy").unwrap().contains("\"cost\";q="));
    let refused = vault.post("mailer", "/v1/search", &json!({}));
    assert_eq!(refused.header("Content-Type"), Some("application/problem+json"));
    for name in ["X-Request-Id", "RateLimit"] {
        assert!(refused.header(name).is_some(), "{name}");
    }
    assert_eq!(refused.json()["request_id"].as_str(), refused.header("X-Request-Id"));
}

#[test]
fn a_checkpoint_sent_back_is_proven_and_a_foreign_one_is_not() {
    let vault = Vault::start();
    let key = Some(vault.key("storefront"));
    let first = vault.get("storefront", "/v1/whoami").header("Strongroom-Checkpoint").unwrap().to_owned();
    let with = |checkpoint: &str| {
        vault.target.send_with("GET", "/v1/whoami", key, None, &[("Strongroom-Checkpoint", checkpoint)])
    };
    assert_eq!(with(&first).status, 200);
    let (size, _) = first.split_once(':').unwrap();
    for wrong in [format!("{size}:AAAAAAAAAAAAAAAA"), "999999:AAAAAAAAAAAAAAAA".to_owned()] {
        let answer = with(&wrong);
        assert_eq!((answer.status, answer.code().as_str()), (503, "rollback_suspected"), "{wrong}");
    }
    assert_eq!(with("nonsense").status, 400);
}

#[test]
fn an_idempotency_key_makes_a_retry_harmless() {
    let vault = Vault::start();
    let key = Some(vault.key("storefront"));
    let body = "{\"region\":\"DE\",\"age_attested\":true}";
    let send = |body: &str, path: &str| {
        vault.target.send_with("POST", path, key, Some(body), &[("Idempotency-Key", "order-1")])
    };
    let (first, again) = (send(body, "/v1/subjects"), send(body, "/v1/subjects"));
    assert_eq!(first.body, again.body);
    assert_eq!(
        (first.header("Idempotency-Replayed"), again.header("Idempotency-Replayed")),
        (None, Some("true"))
    );
    let other = send("{\"region\":\"FR\",\"age_attested\":true}", "/v1/subjects");
    assert_eq!((other.status, other.code().as_str()), (409, "idempotency_mismatch"));
    assert_eq!(send(body, "/v1/search").status, 409, "the key is bound to its route");
    let fresh = |body: &str| {
        vault
            .target
            .send_with("POST", "/v1/subjects", key, Some(body), &[("Idempotency-Key", "order-2")])
            .status
    };
    assert_eq!((fresh("{"), fresh(body)), (400, 201), "malformed is never remembered");
    let minor = "{\"region\":\"DE\"}";
    let refused = |()| {
        vault.target.send_with("POST", "/v1/subjects", key, Some(minor), &[("Idempotency-Key", "order-3")])
    };
    let (first, again) = (refused(()), refused(()));
    assert_eq!((first.status, again.status), (422, 422));
    assert_eq!(again.header("Idempotency-Replayed"), Some("true"), "a remembered refusal says so");
    let long = "k".repeat(256);
    let refused =
        vault.target.send_with("POST", "/v1/subjects", key, Some(body), &[("Idempotency-Key", &long)]);
    assert_eq!(refused.status, 400);
}

#[test]
fn a07_only_http_1_1_is_spoken() {
    let vault = Vault::start();
    let mut stream = vault.target.connect();
    use std::io::Write;
    stream.write_all(&crate::client::request("GET", "/live", None, None, &[])).unwrap();
    assert_eq!(crate::client::read_answer(&mut stream).unwrap().status, 200);
    assert_eq!(stream.conn.alpn_protocol(), Some(&b"http/1.1"[..]), "h2 was offered and not taken");
}

#[test]
fn faults_of_a_body_are_told_all_at_once_by_pointer() {
    let vault = Vault::start();
    let subject = vault.subject();
    let body = json!({"subject": subject, "collection": "contact", "purpose": "order_fulfilment",
        "fields": {"name": "a\u{7}b", "email": "not an address", "phone": "12"}});
    let answer = vault.post("storefront", "/v1/records", &body);
    assert_eq!(
        (answer.status, answer.code().as_str()),
        (400, "malformed_json"),
        "a control character is no JSON of ours"
    );
    let body = json!({"subject": subject, "collection": "shipping", "purpose": "order_fulfilment",
        "fields": {"name": "x".repeat(201), "address": {"country": "XX", "city": ""}, "company": {"a": "b"}}});
    let answer = vault.post("storefront", "/v1/records", &body);
    assert_eq!((answer.status, answer.code().as_str()), (422, "invalid_field"));
    let faults = answer.json();
    let mut pointers: Vec<_> =
        faults["errors"].as_array().unwrap().iter().map(|e| e["field"].as_str().unwrap()).collect();
    pointers.sort_unstable();
    assert_eq!(pointers.len(), 3, "{faults}");
    assert!(
        pointers[0].starts_with("/fields/address")
            && pointers[1] == "/fields/company"
            && pointers[2] == "/fields/name"
    );
}
