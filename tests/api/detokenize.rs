//! `POST /v1/detokenize`: the one door values leave by, and every reason it stays shut.

use crate::caller::{Client, Reply, denied, not_found};
use crate::vault::Vault;
use serde_json::{Value, json};

fn ask(client: &mut Client, body: Value) -> Reply {
    client.post("/v1/detokenize", body)
}

#[test]
fn the_form_is_plain_where_granted_else_masked_and_each_refusal_names_its_rule() {
    let vault = Vault::start();
    let (mut shop, mut billing) = (Client::of(&vault, "storefront"), Client::of(&vault, "billing"));
    let (_, stored) = shop.ada();
    let tokens = ["name", "email", "phone"].map(|f| stored["tokens"][f].clone());
    let body = |format: Option<&str>| {
        let mut body = json!({"purpose": "billing", "tokens": tokens});
        if let Some(format) = format {
            body["format"] = json!(format);
        }
        body
    };
    let items = ask(&mut billing, body(None)).is(200).json()["results"].clone();
    assert_eq!((&items[0]["value"], &items[0]["format"]), (&json!("Ada Lovelace"), &json!("plain")));
    assert_eq!((&items[1]["value"], &items[1]["format"]), (&json!("a…@example.org"), &json!("masked")));
    assert_eq!(items[2], denied(2, "field_not_granted"));
    let plain = ask(&mut billing, body(Some("plain"))).is(200).json()["results"].clone();
    assert_eq!(plain[0]["format"], "plain");
    assert_eq!(plain[1], denied(1, "plain_not_granted"));
    let masked = ask(&mut billing, body(Some("masked"))).is(200).json()["results"].clone();
    assert_eq!((&masked[0]["value"], &masked[0]["format"]), (&json!("A. L."), &json!("masked")));
    let wrong = ask(&mut billing, body(Some("raw"))).refused(400, "invalid_request");
    assert_eq!(wrong.pointers(), ["/format"]);
    for purpose in ["order_fulfilment", "newsletter", "no_such_purpose", ""] {
        ask(&mut billing, json!({"purpose": purpose, "tokens": tokens})).denied("purpose_not_granted");
    }
}

#[test]
fn i5_forged_foreign_revoked_spent_and_expired_tokens_have_one_answer() {
    let vault = Vault::start();
    let (mut shop, mut billing) = (Client::of(&vault, "storefront"), Client::of(&vault, "billing"));
    let (_, stored) = shop.ada();
    let mut mint = |more: Value| {
        let mut body = json!({"record": stored["record"], "fields": ["name"]});
        more.as_object().unwrap().iter().for_each(|(k, v)| body[k] = v.clone());
        shop.post("/v1/tokens", body).is(201).at("/tokens/name")
    };
    let foreign = mint(json!({"audience": "mailer"}));
    let spent = mint(json!({"uses": 1, "audience": "billing"}));
    let brief = mint(json!({"expires_in": "1s", "audience": "billing"}));
    let revoked = mint(json!({"expires_in": "1d"}));
    shop.post("/v1/tokens/revoke", json!({"tokens": [revoked]})).is(200);
    assert_eq!(billing.swap("billing", &[&json!(spent)])[0]["value"], "Ada Lovelace");
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    let good = stored["tokens"]["name"].as_str().unwrap();
    let last = if good.ends_with('a') { "b" } else { "a" };
    let (flipped, longer) = (format!("{}{last}", &good[..good.len() - 1]), format!("{good}0"));
    let (cased, product) = (good.replace("srx_", "SRX_"), good.replace("srx_", "srt_"));
    let garbage = ["", "srt_", "srx_1", "null", "sub_0", "\u{1f680}", " ", "srx_%00"].map(str::to_owned);
    let dead = [foreign, spent, brief, revoked, flipped, longer, cased, product];
    let all: Vec<String> = dead.into_iter().chain(garbage).collect();
    let reply = ask(&mut billing, json!({"purpose": "billing", "tokens": all})).is(200).json();
    for (index, item) in reply["results"].as_array().unwrap().iter().enumerate() {
        assert_eq!(*item, not_found(index), "{}", all[index]);
    }
}

#[test]
fn an_atomic_request_is_answered_by_its_first_failing_item_and_spends_nothing() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let (subject, stored) = shop.ada();
    let wish = json!({"record": stored["record"], "fields": ["name"], "uses": 1});
    let once = json!(shop.post("/v1/tokens", wish).is(201).at("/tokens/name"));
    let body = |tokens: Value| json!({"purpose": "order_fulfilment", "tokens": tokens, "atomic": true});
    let missing = ask(&mut shop, body(json!([once, "srx_gone"]))).refused(404, "not_found");
    assert_eq!(missing.json()["index"], 1);
    let private = shop.record(&subject, "transaction", json!({"text": "hello"}));
    let refused = ask(&mut shop, body(json!([once, private["tokens"]["text"], "srx_gone"])));
    assert_eq!(refused.denied("field_not_granted").json()["index"], 1);
    let good = ask(&mut shop, body(json!([once, stored["tokens"]["name"]]))).is(200);
    assert_eq!(good.json()["results"][0]["value"], "Ada Lovelace", "its one use was not spent before");
    assert_eq!(shop.swap("order_fulfilment", &[&once])[0], not_found(0));
}

#[test]
fn c06_c20_a_recipient_gets_no_more_than_its_contract_says() {
    let vault = Vault::start();
    let (mut shop, mut mailer) = (Client::of(&vault, "storefront"), Client::of(&vault, "mailer"));
    let (_, stored) = shop.ada();
    let tokens = ["name", "email", "phone"].map(|f| stored["tokens"][f].clone());
    let to = |purpose: &str, recipient: &str| json!({"purpose": purpose, "tokens": tokens, "recipient": recipient, "recipient_ref": "parcel:17"});
    let carrier = ask(&mut shop, to("order_fulfilment", "parcel-carrier")).is(200).json();
    assert_eq!(carrier["results"][0]["value"], "Ada Lovelace");
    assert_eq!(carrier["results"][1], denied(1, "processor_ceiling"), "plain for us, not for the carrier");
    assert_eq!(carrier["results"][2]["value"], "+442079460018");
    let mail = ask(&mut mailer, to("account_notice", "mail-service-us")).is(200).json();
    assert_eq!(mail["results"][0], denied(0, "processor_ceiling"));
    assert_eq!(mail["results"][1]["value"], "ada@example.org");
    for nobody in ["no-such-firm", ""] {
        ask(&mut shop, to("order_fulfilment", nobody)).denied("recipient_unknown");
    }
    // Known, but not there for this purpose, nor granted to this client.
    for other in ["payment-processor", "partner-x", "mail-service-us"] {
        ask(&mut shop, to("order_fulfilment", other)).denied("processor_ceiling");
    }
}

#[test]
fn c15_a_purpose_that_rests_on_consent_follows_it_from_one_read_to_the_next() {
    let vault = Vault::start();
    let (mut shop, mut mailer) = (Client::of(&vault, "storefront"), Client::of(&vault, "mailer"));
    let (subject, stored) = shop.ada();
    let mut read = || mailer.swap("newsletter", &[&stored["tokens"]["email"]])[0].clone();
    assert_eq!(read(), denied(0, "consent_missing"));
    for _ in 0..3 {
        shop.consent(&subject, "newsletter", true);
        assert_eq!(read()["value"], "ada@example.org");
        shop.consent(&subject, "newsletter", false);
        assert_eq!(read(), denied(0, "consent_missing"), "on the very next read");
    }
    shop.consent(&subject, "survey", true);
    assert_eq!(read(), denied(0, "consent_missing"), "consent is for one purpose");
}

#[test]
fn a_thousand_tokens_come_back_in_order_and_other_numbers_are_refused() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let (subject, stored) = shop.ada();
    let other = shop.record(&subject, "contact", json!({"name": "Byron"}));
    let (ada, byron) = (&stored["tokens"], &other["tokens"]);
    let nothing = json!("srx_nothing");
    let kinds = [&ada["name"], &byron["name"], &ada["email"], &nothing, &ada["phone"]];
    let shown = ["Ada Lovelace", "Byron", "ada@example.org", "", "+442079460018"];
    let mut tokens: Vec<&Value> = (0..1_000).map(|n| kinds[n % 5]).collect();
    let items = shop.swap("order_fulfilment", &tokens);
    assert_eq!(items.len(), 1_000);
    for (n, item) in items.iter().enumerate() {
        assert_eq!(item["index"], n);
        match n % 5 {
            3 => assert_eq!(*item, not_found(n)),
            kind => assert_eq!(item["value"], shown[kind]),
        }
    }
    tokens.push(&nothing);
    for wrong in [&tokens[..], &[]] {
        let body = json!({"purpose": "order_fulfilment", "tokens": wrong});
        let refused = ask(&mut shop, body).refused(400, "invalid_request");
        assert_eq!(refused.faults(), [("/tokens".into(), "bad_count".into())]);
    }
}

#[test]
fn the_names_a_client_gives_along_are_short_and_plain() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let (_, stored) = shop.ada();
    let with = |key: &str, value: Value| {
        let mut body = json!({"purpose": "order_fulfilment", "tokens": [stored["tokens"]["name"]]});
        body[key] = value;
        body
    };
    ask(&mut shop, with("on_behalf_of", json!("agent-117"))).is(200);
    ask(&mut shop, with("context", json!({"kind": "order", "ref": "A-1009"}))).is(200);
    for (key, value, pointer) in [
        ("on_behalf_of", json!("Ada Lovelace"), "/on_behalf_of"),
        ("on_behalf_of", json!(""), "/on_behalf_of"),
        ("on_behalf_of", json!("a".repeat(65)), "/on_behalf_of"),
        ("recipient_ref", json!("r".repeat(65)), "/recipient_ref"),
        ("context", json!({"kind": "whim", "ref": "1"}), "/context/kind"),
        ("context", json!({"kind": "order", "ref": "a b"}), "/context/ref"),
    ] {
        let refused = ask(&mut shop, with(key, value)).refused(400, "invalid_request");
        assert_eq!(refused.pointers(), [pointer]);
    }
}
