//! Retries: the same answer for the same request, a refusal for another, nothing done twice.

use super::rig::{adult, block_on, record, token};
use super::*;
use crate::vault::{Refusal, TokenWish};

#[test]
fn a_retried_record_is_stored_once_and_answers_with_the_same_tokens() {
    let rig = Rig::new();
    let subject = rig.subject();
    let command = record(&subject, "contact", &[("name", "Ada")], TokenWish::default());
    let first = block_on(rig.vault.create_record(&rig.storefront, &rig.keyed("k", "b"), &command)).unwrap();
    let again = block_on(rig.vault.create_record(&rig.storefront, &rig.keyed("k", "b"), &command)).unwrap();
    assert!(!first.replayed && again.replayed);
    assert_eq!((&first.value.record, &first.value.tokens), (&again.value.record, &again.value.tokens));
    assert_eq!(rig.sql("UPDATE records SET status = status"), 1);
}

#[test]
fn the_same_key_with_another_body_is_a_mismatch() {
    let rig = Rig::new();
    let subject = rig.subject();
    let command = record(&subject, "contact", &[("name", "Ada")], TokenWish::default());
    block_on(rig.vault.create_record(&rig.storefront, &rig.keyed("k", "b"), &command)).unwrap();
    let refused =
        block_on(rig.vault.create_record(&rig.storefront, &rig.keyed("k", "c"), &command)).err().unwrap();
    assert_eq!(refused, Refusal::IdempotencyMismatch);
}

#[test]
fn another_client_has_keys_of_its_own() {
    let rig = Rig::new();
    let subject = rig.subject();
    let command = record(&subject, "contact", &[("name", "Ada")], TokenWish::default());
    block_on(rig.vault.create_record(&rig.storefront, &rig.keyed("k", "b"), &command)).unwrap();
    let other =
        block_on(rig.vault.create_record(&rig.billing, &rig.keyed("k", "b"), &command)).err().unwrap();
    assert_eq!(other.code(), "denied", "judged anew, not replayed");
}

#[test]
fn a_remembered_refusal_is_given_again_even_when_it_would_now_succeed() {
    let rig = Rig::new();
    let unknown = format!("sub_{}", "0".repeat(26));
    let command = record(&unknown, "contact", &[("name", "Ada")], TokenWish::default());
    let ask =
        || block_on(rig.vault.create_record(&rig.storefront, &rig.keyed("k", "b"), &command)).err().unwrap();
    assert_eq!(ask(), Refusal::NotFound);
    let act = crate::domain::event::Act::RecordCreate;
    let again = |body| block_on(rig.vault.remembered_refusal(&rig.storefront, &rig.keyed("k", body), act));
    assert_eq!(again("b"), Some(Refusal::Replayed(Box::new(Refusal::NotFound))));
    assert_eq!(again("c"), Some(Refusal::IdempotencyMismatch));
    assert_eq!(block_on(rig.vault.remembered_refusal(&rig.storefront, &rig.call(), act)), None);
}

#[test]
fn c10_a_refused_minor_leaves_no_row_and_no_idempotency_entry() {
    let rig = Rig::new();
    let birth_date = Some(crate::domain::Sensitive::text("2015-01-01"));
    let command = crate::vault::CreateSubject { birth_date, age_attested: None, ..adult("DE") };
    let refused =
        block_on(rig.vault.create_subject(&rig.storefront, &rig.keyed("k", "b"), &command)).err().unwrap();
    assert_eq!(refused, Refusal::Minor);
    assert_eq!(rig.sql("UPDATE subjects SET version = version"), 0);
    assert_eq!(rig.sql("UPDATE idempotency SET at_us = at_us"), 0);
}

#[test]
fn equal_requests_at_the_same_time_store_one_record() {
    let rig = Rig::new();
    let subject = rig.subject();
    let command = record(&subject, "contact", &[("name", "Ada")], TokenWish::default());
    let tokens: Vec<String> = std::thread::scope(|scope| {
        let writers: Vec<_> = (0..6)
            .map(|_| {
                scope.spawn(|| {
                    let call = rig.keyed("same", "b");
                    let done = block_on(rig.vault.create_record(&rig.storefront, &call, &command)).unwrap();
                    token(&done.value, "name").to_owned()
                })
            })
            .collect();
        writers.into_iter().map(|w| w.join().unwrap()).collect()
    });
    assert!(tokens.windows(2).all(|w| w[0] == w[1]), "one record, one token");
    assert_eq!(rig.sql("UPDATE records SET status = status"), 1);
}

#[test]
fn a_token_revoked_since_is_not_minted_again_by_a_retry() {
    let rig = Rig::new();
    let subject = rig.subject();
    let command =
        record(&subject, "contact", &[("name", "Ada"), ("phone", "+442079460018")], TokenWish::default());
    let create =
        || block_on(rig.vault.create_record(&rig.storefront, &rig.keyed("k", "b"), &command)).unwrap().value;
    let first = create();
    let gone = [crate::domain::Sensitive::text(token(&first, "name"))];
    block_on(rig.vault.revoke_tokens(&rig.storefront, &rig.call(), &gone)).unwrap();
    let again = create();
    let names: Vec<_> = again.tokens.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["phone"]);
}

#[test]
fn p1_a_refusal_under_a_key_that_remembers_another_answer_is_on_the_log() {
    let rig = Rig::new();
    let subject = rig.subject();
    let command = record(&subject, "contact", &[("name", "Ada")], TokenWish::default());
    block_on(rig.vault.create_record(&rig.storefront, &rig.keyed("k", "b"), &command)).unwrap();
    let other = record(&subject, "billing", &[("tax_id", "AB12345")], TokenWish::default());
    let before = rig.vault.log_head().size;
    let refused =
        block_on(rig.vault.create_record(&rig.storefront, &rig.keyed("k", "b"), &other)).err().unwrap();
    assert_eq!(refused.code(), "denied");
    assert_eq!(rig.vault.log_head().size, before + 1);
}
