//! Tokens: what opens them, what ends them, and that every end looks the same (I5).

use super::rig::{block_on, record, reveal, shown, token};
use super::*;
use crate::domain::Sensitive;
use crate::vault::{MintCommand, RevealCommand, TokenState, TokenWish};
use std::time::Duration;

fn once() -> TokenWish {
    TokenWish { uses: Some(1), ..TokenWish::default() }
}

#[test]
fn i5_forged_foreign_revoked_and_expired_tokens_get_one_identical_answer() {
    let rig = Rig::new();
    let subject = rig.subject();
    let stored = rig.contact(&subject);
    let name = token(&stored, "name").to_owned();
    let only_mailer = TokenWish { audience: Some("mailer".to_owned()), ..TokenWish::default() };
    let foreign = rig.store(&subject, "contact", &[("name", "Ada")], only_mailer).unwrap().value;
    let short = TokenWish { expires_in: Some(Duration::from_secs(60)), ..TokenWish::default() };
    let expired = rig.store(&subject, "contact", &[("name", "Ada")], short).unwrap().value;
    let revoked = rig.contact(&subject);
    let gone = [Sensitive::text(token(&revoked, "name"))];
    block_on(rig.vault.revoke_tokens(&rig.storefront, &rig.call(), &gone)).unwrap();
    rig.clock.advance_us(61_000_000);
    let mut forged = name.clone();
    forged.replace_range(10..11, if &name[10..11] == "a" { "b" } else { "a" });
    for dead in [
        forged.as_str(),
        "srx_",
        "",
        token(&foreign, "name"),
        token(&expired, "name"),
        token(&revoked, "name"),
    ] {
        assert_eq!(rig.read(&rig.billing, "billing", &[dead]).unwrap(), ["not_found"], "{}", dead.len());
    }
    assert_eq!(rig.read(&rig.billing, "billing", &[&name]).unwrap(), ["\"Ada Lovelace\""]);
}

#[test]
fn revoking_one_field_leaves_the_others() {
    let rig = Rig::new();
    let stored = rig.contact(&rig.subject());
    let [name, email] = ["name", "email"].map(|f| token(&stored, f));
    let revoke = [Sensitive::text(name), Sensitive::text(name), Sensitive::text("srx_nonsense")];
    let done = block_on(rig.vault.revoke_tokens(&rig.storefront, &rig.call(), &revoke)).unwrap();
    assert_eq!(done.value, [true, true, false]);
    let read = rig.read(&rig.storefront, "order_fulfilment", &[name, email]).unwrap();
    assert_eq!(read, ["not_found", "\"ada@example.org\""]);
    let again = block_on(rig.vault.revoke_tokens(&rig.storefront, &rig.call(), &revoke[..1])).unwrap();
    assert_eq!(again.value, [false], "what is revoked is not found again");
}

#[test]
fn a_use_is_spent_once_however_many_ask_at_the_same_time() {
    let rig = Rig::new();
    let subject = rig.subject();
    for _ in 0..5 {
        let stored = rig.store(&subject, "contact", &[("name", "Ada")], once()).unwrap().value;
        let name = token(&stored, "name");
        let won: usize = std::thread::scope(|scope| {
            let readers: Vec<_> = (0..8)
                .map(|_| {
                    scope.spawn(|| match rig.read(&rig.storefront, "order_fulfilment", &[name]) {
                        Ok(items) => usize::from(items == ["\"Ada\""]),
                        Err(refusal) => {
                            assert_eq!(refusal.code(), "overloaded");
                            0
                        }
                    })
                })
                .collect();
            readers.into_iter().map(|r| r.join().unwrap()).sum()
        });
        assert_eq!(won, 1);
    }
}

#[test]
fn a_use_asked_for_twice_in_one_request_is_there_once() {
    let rig = Rig::new();
    let stored = rig.store(&rig.subject(), "contact", &[("name", "Ada")], once()).unwrap().value;
    let name = token(&stored, "name");
    let read = rig.read(&rig.storefront, "order_fulfilment", &[name, name]).unwrap();
    assert_eq!(read, ["\"Ada\"", "not_found"]);
}

#[test]
fn a_denied_or_atomic_failure_spends_no_use() {
    let rig = Rig::new();
    let subject = rig.subject();
    let stored = rig.store(&subject, "contact", &[("email", "ada@example.org")], once()).unwrap().value;
    let email = token(&stored, "email");
    assert_eq!(rig.read(&rig.mailer, "newsletter", &[email]).unwrap(), ["denied consent_missing"]);
    let atomic = RevealCommand { atomic: true, ..reveal("account_notice", &[email, "srx_forged"]) };
    let refused = block_on(rig.vault.reveal(&rig.mailer, &rig.call(), &atomic)).err().unwrap();
    assert_eq!(refused, crate::vault::Refusal::At(1, Box::new(crate::vault::Refusal::NotFound)));
    assert_eq!(rig.read(&rig.mailer, "account_notice", &[email]).unwrap(), ["\"ada@example.org\""]);
    assert_eq!(rig.read(&rig.mailer, "account_notice", &[email]).unwrap(), ["not_found"]);
}

#[test]
fn a_retry_under_the_same_key_within_a_minute_spends_no_second_use() {
    let rig = Rig::new();
    let stored = rig.store(&rig.subject(), "contact", &[("name", "Ada")], once()).unwrap().value;
    let command = reveal("order_fulfilment", &[token(&stored, "name")]);
    let read = |call: &crate::vault::Call| {
        let done = block_on(rig.vault.reveal(&rig.storefront, call, &command)).unwrap();
        done.value.iter().map(shown).collect::<Vec<_>>()
    };
    assert_eq!(read(&rig.keyed("k1", "b")), ["\"Ada\""]);
    assert_eq!(read(&rig.keyed("k1", "b")), ["\"Ada\""], "a retry");
    assert_eq!(read(&rig.keyed("k2", "b")), ["not_found"], "another key");
    assert_eq!(read(&rig.keyed("k1", "c")), ["not_found"], "the same key of another request");
    rig.clock.advance_us(61_000_000);
    assert_eq!(read(&rig.keyed("k1", "b")), ["not_found"], "too late");
}

#[test]
fn a_minted_token_opens_for_its_audience_only_and_shows_its_state() {
    let rig = Rig::new();
    let stored = rig.contact(&rig.subject());
    let wish = TokenWish { audience: Some("mailer".to_owned()), uses: Some(2), expires_in: None };
    let command =
        MintCommand { record: stored.record.clone(), fields: vec!["email".to_owned()], tokens: wish };
    let minted = block_on(rig.vault.mint_tokens(&rig.storefront, &rig.call(), &command)).unwrap().value;
    let email = token(&minted, "email");
    assert_eq!(rig.read(&rig.storefront, "order_fulfilment", &[email]).unwrap(), ["not_found"]);
    assert_eq!(rig.read(&rig.mailer, "account_notice", &[email]).unwrap(), ["\"ada@example.org\""]);
    let asked = [Sensitive::text(email)];
    let view = block_on(rig.vault.inspect_tokens(&rig.mailer, &rig.call(), &asked)).unwrap().value;
    let view = view[0].clone().unwrap();
    assert_eq!(
        (view.state, view.uses_left, view.field.as_str()),
        (TokenState::Live, Some(1), "contact.email")
    );
    let foreign = block_on(rig.vault.inspect_tokens(&rig.storefront, &rig.call(), &asked)).unwrap().value;
    assert!(foreign[0].is_none(), "a foreign audience learns nothing");
}

#[test]
fn a_client_cannot_mint_what_it_is_granted_in_no_way() {
    let rig = Rig::new();
    let stored = rig.contact(&rig.subject());
    let command = MintCommand {
        record: stored.record,
        fields: vec!["phone".to_owned()],
        tokens: TokenWish { audience: Some("billing".to_owned()), ..TokenWish::default() },
    };
    let refused = block_on(rig.vault.mint_tokens(&rig.billing, &rig.call(), &command)).err().unwrap();
    assert_eq!(refused.code(), "denied");
}

#[test]
fn tokens_follow_their_record_through_a_change() {
    let rig = Rig::new();
    let stored = rig.contact(&rig.subject());
    let phone = token(&stored, "phone");
    let record = rig.vault.record_named(&stored.record).unwrap();
    let change = |value: Option<&str>, if_version| crate::vault::UpdateRecord {
        purpose: "order_fulfilment".to_owned(),
        fields: vec![crate::vault::FieldInput {
            name: "phone".to_owned(),
            value: value.map(|v| crate::domain::value::RawValue::Text(Sensitive::text(v))),
        }],
        if_version,
    };
    let update =
        |command| block_on(rig.vault.update_record(&rig.storefront, &rig.call(), Some(record), &command));
    assert_eq!(update(change(Some("+14155552671"), Some(1))).unwrap().value.version, 2);
    assert_eq!(rig.read(&rig.storefront, "order_fulfilment", &[phone]).unwrap(), ["\"+14155552671\""]);
    let stale = update(change(Some("+442079460018"), Some(1))).err().unwrap();
    assert_eq!(stale, crate::vault::Refusal::VersionConflict(2));
    update(change(None, None)).unwrap();
    assert_eq!(rig.read(&rig.storefront, "order_fulfilment", &[phone]).unwrap(), ["not_found"]);
    let empty = update(change(Some(""), None)).err().unwrap();
    assert_eq!(empty.code(), "invalid_field", "an empty phone is no phone");
}

#[test]
fn c08_a_field_that_no_purpose_needs_is_refused_and_nothing_is_kept() {
    let rig = Rig::new();
    let subject = rig.subject();
    let command = record(&subject, "billing", &[("tax_id", "AB12345")], TokenWish::default());
    let refused = block_on(rig.vault.create_record(&rig.storefront, &rig.call(), &command)).err().unwrap();
    assert_eq!(
        refused,
        crate::vault::Refusal::Denied(crate::vault::RuleName(crate::domain::Rule::FieldNotNeeded))
    );
    assert_eq!(rig.sql("UPDATE records SET status = status"), 0);
}

#[test]
fn c02_a_card_number_is_refused_wherever_it_hides() {
    let rig = Rig::new();
    let subject = rig.subject();
    for text in ["4111 1111 1111 1111", "card 4111-1111-1111-1111 thanks", "４１１１１１１１１１１１１１１１"]
    {
        let refused =
            rig.store(&subject, "transaction", &[("text", text)], TokenWish::default()).err().unwrap();
        assert_eq!(refused.code(), "card_number_refused");
    }
    assert_eq!(
        rig.sql("UPDATE records SET status = status") + rig.sql("UPDATE idempotency SET at_us = at_us"),
        0
    );
}
