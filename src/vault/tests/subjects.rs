//! Subjects: found again by their reference, kept adult, changed by granted acts only.

use super::rig::{adult, block_on};
use super::*;
use crate::domain::Sensitive;
use crate::domain::subject::{AgeClass, Region, SubjectStatus};
use crate::policy::{Numbering, Policy};
use crate::vault::{CreateSubject, Refusal, UpdateSubject};

#[test]
fn the_same_reference_and_facts_find_the_subject_again() {
    let rig = Rig::new();
    let first = rig.subject_as(Some("shop:1")).unwrap().value;
    let again = rig.subject_as(Some("shop:1")).unwrap().value;
    assert!(first.created && !again.created);
    assert_eq!(first.subject, again.subject);
    let other = CreateSubject { external_ref: Some(Sensitive::text("shop:1")), ..adult("FR") };
    let refused = block_on(rig.vault.create_subject(&rig.storefront, &rig.call(), &other)).err().unwrap();
    assert_eq!(refused, Refusal::Conflict);
}

#[test]
fn equal_references_at_the_same_time_make_one_subject() {
    let rig = Rig::new();
    let names: Vec<String> = std::thread::scope(|scope| {
        let makers: Vec<_> = (0..6)
            .map(|_| scope.spawn(|| rig.subject_as(Some("shop:race")).unwrap().value.subject))
            .collect();
        makers.into_iter().map(|m| m.join().unwrap()).collect()
    });
    assert!(names.windows(2).all(|w| w[0] == w[1]), "{names:?}");
    assert_eq!(rig.sql("UPDATE subjects SET version = version"), 1);
}

#[test]
fn c10_majority_is_checked_to_the_day_and_the_date_is_dropped() {
    let rig = Rig::new();
    let of = |birth: &str| CreateSubject {
        birth_date: Some(Sensitive::text(birth)),
        age_attested: None,
        ..adult("DE")
    };
    let create = |birth: &str| block_on(rig.vault.create_subject(&rig.storefront, &rig.call(), &of(birth)));
    assert_eq!(create("2008-11-25").err().unwrap(), Refusal::Minor, "eighteen tomorrow");
    assert!(create("2008-11-24").is_ok(), "eighteen today");
    assert_eq!(create("2027-01-01").err().unwrap().code(), "invalid_field");
    let nothing = CreateSubject { age_attested: None, ..adult("DE") };
    let unknown = block_on(rig.vault.create_subject(&rig.storefront, &rig.call(), &nothing)).err().unwrap();
    let Refusal::InvalidField(faults) = unknown else { panic!("age_unknown") };
    assert_eq!(faults[0].code, "age_unknown");
}

#[test]
fn c10_silence_may_be_taken_for_an_attestation_but_never_its_denial() {
    let rig = Rig::new();
    let text = include_str!("../../../config/policy.toml");
    let attesting = text.replacen("unknown = \"refuse\"", "unknown = \"attest\"", 1);
    assert_ne!(attesting, text);
    let policy = Policy::compile(&attesting, &Numbering::default()).unwrap();
    for (attested, expected) in [
        (None, Some(AgeClass::AdultAttested)),
        (Some(true), Some(AgeClass::AdultAttested)),
        (Some(false), None),
    ] {
        let command = CreateSubject { age_attested: attested, ..adult("DE") };
        let mut faults = Vec::new();
        let age = rig.vault.check_age(&policy, Region::parse("DE"), &command, &mut faults);
        assert_eq!((age, faults.len()), (expected, usize::from(expected.is_none())), "{attested:?}");
    }
}

#[test]
fn c10_a_later_date_that_shows_a_minor_is_refused_and_restricts() {
    let rig = Rig::new();
    let subject = rig.subject();
    let stored = rig.contact(&subject);
    let id = rig.vault.subject_named(&subject).unwrap();
    let minor = UpdateSubject { region: None, birth_date: Some(Sensitive::text("2012-01-01")), flags: None };
    let refused = block_on(rig.vault.update_subject(&rig.storefront, &rig.call(), id, &minor)).err().unwrap();
    assert_eq!(refused, Refusal::Minor);
    let state = rig.vault.store().read(|r| rig.vault.load_subject(r, id)).unwrap().unwrap().state;
    assert_eq!((state.age, state.status), (AgeClass::Minor, SubjectStatus::Restricted));
    let name = super::rig::token(&stored, "name");
    assert_eq!(
        rig.read(&rig.storefront, "order_fulfilment", &[name]).unwrap(),
        ["denied subject_restricted"]
    );
}

#[test]
fn a_client_without_the_act_changes_nothing() {
    let rig = Rig::new();
    let subject = rig.subject();
    let id = rig.vault.subject_named(&subject).unwrap();
    let flags = UpdateSubject { region: None, birth_date: None, flags: Some(vec!["vip".to_owned()]) };
    let refused = block_on(rig.vault.update_subject(&rig.billing, &rig.call(), id, &flags)).err().unwrap();
    assert_eq!(refused.code(), "denied");
    block_on(rig.vault.update_subject(&rig.storefront, &rig.call(), id, &flags)).unwrap();
    let view = block_on(rig.vault.view_subject(&rig.storefront, &rig.call(), id)).unwrap().value;
    assert_eq!(view.state.flags, ["vip"]);
}

#[test]
fn a_cursor_is_bound_to_caller_filter_and_day() {
    let rig = Rig::new();
    let stored = rig.contact(&rig.subject());
    let record = rig.vault.record_named(&stored.record).unwrap();
    let cursor = rig.vault.seal_cursor(&rig.storefront, "f", record);
    assert_eq!(rig.vault.open_cursor(&rig.storefront, "f", &cursor), Some(record));
    assert_eq!(rig.vault.open_cursor(&rig.billing, "f", &cursor), None);
    assert_eq!(rig.vault.open_cursor(&rig.storefront, "g", &cursor), None);
    assert_eq!(rig.vault.open_cursor(&rig.storefront, "f", &cursor.replace('.', "")), None);
    rig.clock.advance_us(86_400_000_000);
    assert_eq!(rig.vault.open_cursor(&rig.storefront, "f", &cursor), None);
}

#[test]
fn c10_a_minors_retry_is_refused_again_and_a_later_date_does_not_lift_it() {
    let rig = Rig::new();
    let subject = rig.subject();
    let id = rig.vault.subject_named(&subject).unwrap();
    let with =
        |birth: &str| UpdateSubject { region: None, birth_date: Some(Sensitive::text(birth)), flags: None };
    let minor = with("2012-01-01");
    for _ in 0..2 {
        let call = rig.keyed("k", "b");
        let refused = block_on(rig.vault.update_subject(&rig.storefront, &call, id, &minor)).err().unwrap();
        assert_eq!(refused, Refusal::Minor);
    }
    let adult = with("1980-01-01");
    let refused = block_on(rig.vault.update_subject(&rig.storefront, &rig.call(), id, &adult)).err().unwrap();
    assert_eq!(refused, Refusal::Minor);
    let state = rig.vault.store().read(|r| rig.vault.load_subject(r, id)).unwrap().unwrap().state;
    assert_eq!(state.age, AgeClass::Minor);
}

#[test]
fn c02_a_card_number_is_refused_in_names_and_references_too() {
    let rig = Rig::new();
    let subject = rig.subject();
    let id = rig.vault.subject_named(&subject).unwrap();
    let card = "4111111111111111";
    let notice = block_on(rig.vault.record_notice(&rig.storefront, &rig.call(), id, card)).err().unwrap();
    let anchor = crate::vault::AnchorCommand { event: format!("x_{card}"), at: rig.vault.now() };
    let anchor = block_on(rig.vault.record_anchor(&rig.storefront, &rig.call(), id, &anchor)).err().unwrap();
    let reference = rig.subject_as(Some(card)).err().unwrap();
    for (refused, at) in [(notice, ""), (anchor, "/event"), (reference, "/external_ref")] {
        assert_eq!(refused, Refusal::CardNumber(at.to_owned()));
    }
}
