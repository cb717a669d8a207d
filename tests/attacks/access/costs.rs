//! A52 by numbers: what a token that is not there costs says nothing of why it is not.

use crate::access::log::events;
use crate::caller::Client;
use crate::vault::Vault;
use serde_json::{Value, json};
use std::time::Duration;

/// Shows I5 and P19: forged, foreign, erased, revoked, rotated and expired tokens are answered with the same bytes, the same
/// cost in the header and on the log, whole, atomic and as a stream; one that is there costs what its field costs.
#[test]
fn a52_a_token_that_is_not_there_costs_the_same_whatever_became_of_it() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let elsewhere = Vault::start();
    let other = Client::of(&elsewhere, "storefront").ada().1["tokens"]["email"].clone();
    let (_, live) = shop.ada();
    let mint = |shop: &mut Client, wish: Value| {
        let mut body = json!({"record": live["record"], "fields": ["email"]});
        body.as_object_mut().unwrap().extend(wish.as_object().unwrap().clone());
        shop.post("/v1/tokens", body).is(201).json()["tokens"]["email"].clone()
    };
    let subject = shop.subject();
    let erased =
        shop.record(&subject, "contact", json!({"email": "grace@example.org", "name": "Grace Hopper"}));
    shop.send(("DELETE", &crate::caller::at(&erased)), &[], None).is(200);
    let expired = mint(&mut shop, json!({"expires_in": "1s"}));
    let revoked = mint(&mut shop, json!({"uses": 5}));
    shop.post("/v1/tokens/revoke", json!({"tokens": [revoked]})).is(200);
    let foreign = mint(&mut shop, json!({"audience": "mailer"}));
    // A record's own token, revoked: what it was is another generation of the field.
    let subject = shop.subject();
    let old = shop.record(&subject, "contact", json!({"email": "eda@example.org", "name": "Eda Lovelace"}));
    shop.post("/v1/tokens/revoke", json!({"tokens": [old["tokens"]["email"]]})).is(200);
    std::thread::sleep(Duration::from_millis(1_200));
    let kinds = [
        ("forged", json!(format!("srx_{}", "0".repeat(43)))),
        ("of another vault", other),
        ("of another audience", foreign),
        ("erased", erased["tokens"]["email"].clone()),
        ("revoked", revoked),
        ("rotated", old["tokens"]["email"].clone()),
        ("expired", expired),
    ];
    let ask = |shop: &mut Client, token: &Value, atomic: bool, lines: bool| {
        let body = json!({"purpose": "order_fulfilment", "tokens": [token, token, token], "atomic": atomic});
        let accept = [("Accept", if lines { "application/x-ndjson" } else { "application/json" })];
        let reply = shop.send(("POST", "/v1/detokenize"), &accept, Some(&body.to_string()));
        let id = reply.header("x-request-id").unwrap().to_owned();
        let text = reply.text().replace(token.as_str().unwrap(), "srx_").replace(&id, "req_");
        (id, (reply.status(), reply.header("strongroom-cost").map(str::to_owned), text))
    };
    let (_, (_, cost, text)) = ask(&mut shop, &live["tokens"]["email"], false, false);
    assert_eq!(cost.as_deref(), Some("9"), "three of sensitivity 3 that are there: {text}");
    let mut ids = Vec::new();
    for (atomic, lines) in [(false, false), (true, false), (false, true)] {
        let mut forged = None;
        for (kind, token) in &kinds {
            let (id, answer) = ask(&mut shop, token, atomic, lines);
            let text = without_head(&answer.2);
            let seen = (answer.0, answer.1, text);
            assert_eq!(seen, *forged.get_or_insert(seen.clone()), "{kind}, atomic {atomic}, lines {lines}");
            ids.push(id);
        }
    }
    let log = events(&vault);
    for id in ids {
        let event = log.iter().find(|e| e.to_string().contains(&id)).unwrap();
        assert_eq!(event["cost"], 3, "{event}");
    }
}

/// The lines of an answer without the position of the log, which differs from answer to answer.
fn without_head(text: &str) -> String {
    let line = |line: &str| match serde_json::from_str::<Value>(line) {
        Ok(Value::Object(mut parts)) => {
            parts.retain(|key, _| !["checkpoint", "log"].contains(&key.as_str()));
            Value::Object(parts).to_string()
        }
        _ => line.to_owned(),
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}
