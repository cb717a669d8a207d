//! What a person decides and knows: consents (C14, C15, C17) and passwords (C05).

use crate::caller::{Client, at};
use crate::vault::Vault;
use serde_json::{Value, json};

const SECRET: &str = "correct horse battery";

#[test]
fn c17_consent_to_a_recipient_names_it_and_ends_with_the_purpose() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let subject = shop.subject();
    let current = |shop: &mut Client| {
        let shown = shop.get(&format!("/v1/subjects/{subject}/consents")).is(200).json();
        let entry = |c: &Value| (c["recipient"].as_str().unwrap_or("-").to_owned(), c["granted"] == true);
        let mut list: Vec<_> = shown["current"].as_array().unwrap().iter().map(entry).collect();
        list.sort();
        (list, shown["history"].as_array().unwrap().len())
    };
    let both = |own: bool, partner: bool| vec![("-".to_owned(), own), ("partner-x".to_owned(), partner)];
    shop.consent(&subject, "partner_marketing", true);
    shop.consent(&subject, "partner_marketing/recipients/partner-x", true);
    assert_eq!(current(&mut shop), (both(true, true), 2));
    shop.consent(&subject, "partner_marketing", false);
    assert_eq!(current(&mut shop).0, both(false, false), "its recipients went with it");
    shop.consent(&subject, "partner_marketing", true);
    assert_eq!(current(&mut shop), (both(true, false), 5), "and do not come back with it");
}

#[test]
fn the_evidence_of_a_consent_is_kept_as_it_was_given() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let path = format!("/v1/subjects/{}/consents", shop.subject());
    let digest = "0123456789abcdef".repeat(4);
    let body = json!({"granted": true, "at": "2026-01-02T03:04:05+01:00",
        "evidence": {"channel": "call-centre", "text_sha256": digest, "notice_version": "2026-11"}});
    shop.put(&format!("{path}/newsletter"), body).is(200);
    let shown = shop.get(&path).is(200).json();
    let entry = &shown["current"][0];
    assert_eq!(
        (&entry["at"], &entry["channel"]),
        (&json!("2026-01-02T02:04:05.000Z"), &json!("call-centre"))
    );
    assert_eq!((&entry["text_sha256"], &entry["notice_version"]), (&json!(digest), &json!("2026-11")));
    assert_eq!(shown["history"], shown["current"]);
    assert!(entry["recorded_at"].as_str().unwrap() > entry["at"].as_str().unwrap());
}

#[test]
fn a_consent_that_cannot_be_recorded_is_refused_with_every_reason() {
    let vault = Vault::start();
    let (mut shop, mut mailer) = (Client::of(&vault, "storefront"), Client::of(&vault, "mailer"));
    let path = format!("/v1/subjects/{}/consents", shop.subject());
    let (news, good) =
        (format!("{path}/newsletter"), || json!({"granted": true, "evidence": {"channel": "web-form"}}));
    for purpose in ["billing", "support", "no_such_purpose", "newsletter/recipients/no-such-firm"] {
        shop.put(&format!("{path}/{purpose}"), good()).denied("act_not_granted");
    }
    mailer.put(&news, good()).denied("act_not_granted");
    mailer.get(&path).denied("act_not_granted");
    let wrong = json!({"granted": true, "at": "2199-01-01T00:00:00Z",
        "evidence": {"channel": "Web Form", "text_sha256": "ABC", "notice_version": ""}});
    let pointers = shop.put(&news, wrong).refused(422, "invalid_field").pointers();
    let all = ["/at", "/evidence/channel", "/evidence/notice_version", "/evidence/text_sha256"];
    assert_eq!(pointers, all);
    for body in [json!({}), json!({"granted": true}), json!({"granted": "yes", "evidence": {"channel": "x"}})]
    {
        shop.put(&news, body).refused(400, "malformed_json");
    }
    assert_eq!(shop.get(&path).json(), json!({"current": [], "history": []}), "nothing was recorded");
}

#[test]
fn c05_a_password_is_verified_by_token_or_login_and_never_read() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let subject = shop.subject();
    let stored = shop.record(&subject, "credential", json!({"login": "ada", "password": SECRET}));
    let tokens = &stored["tokens"];
    let mut verify = |body: Value| shop.post("/v1/credentials/verify", body).is(200).json();
    let by_token = json!({"token": tokens["password"], "secret": SECRET, "source": "203.0.113.9"});
    assert_eq!(verify(by_token), json!({"valid": true}), "by token nobody is named");
    let named = json!({"valid": true, "subject": subject, "record": stored["record"]});
    assert_eq!(verify(json!({"login": "ada", "secret": SECRET})), named);
    assert_eq!(verify(json!({"login": "ＡＤＡ", "secret": SECRET})), named, "found like any login");
    for wrong in [
        json!({"token": tokens["password"], "secret": "correct horse batterx"}),
        json!({"token": tokens["login"], "secret": SECRET}),
        json!({"token": "srx_unknown", "secret": SECRET}),
        json!({"login": "ada", "secret": ""}),
        json!({"login": "ada", "secret": format!("{SECRET} ")}),
        json!({"login": "byron", "secret": SECRET}),
        json!({"login": "", "secret": SECRET}),
        json!({"login": "byron", "secret": "x".repeat(5_000)}),
    ] {
        assert_eq!(verify(wrong.clone()), json!({"valid": false}), "{wrong}");
    }
    for (purpose, format) in
        [("order_fulfilment", "plain"), ("order_fulfilment", "masked"), ("authentication", "plain")]
    {
        let body = json!({"purpose": purpose, "tokens": [tokens["password"]], "format": format});
        let reply = shop.post("/v1/detokenize", body);
        assert!(reply.text().contains("\"denied\"") && !reply.text().contains("\"value\""), "{purpose}");
    }
    let change = json!({"purpose": "order_fulfilment", "fields": {"password": "another good secret"}});
    shop.patch(&at(&stored), change).is(200);
    let mut valid = |secret: &str| {
        let body = json!({"token": tokens["password"], "secret": secret});
        shop.post("/v1/credentials/verify", body).is(200).json()["valid"].clone()
    };
    assert_eq!((valid(SECRET), valid("another good secret")), (json!(false), json!(true)));
}

#[test]
fn verification_needs_its_grant_and_one_way_of_naming_the_credential() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    for client in ["billing", "mailer"] {
        let body = json!({"login": "ada", "secret": SECRET});
        Client::of(&vault, client).post("/v1/credentials/verify", body).refused(403, "denied");
    }
    for wrong in [
        json!({"secret": SECRET}),
        json!({"login": "ada", "token": "srx_1", "secret": SECRET}),
        json!({"login": "ada", "secret": SECRET, "source": "somewhere"}),
    ] {
        shop.post("/v1/credentials/verify", wrong).refused(400, "invalid_request");
    }
    shop.post("/v1/credentials/verify", json!({"login": "ada"})).refused(400, "malformed_json");
}
