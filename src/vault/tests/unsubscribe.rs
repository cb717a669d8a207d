//! Unsubscribe links: what they do, for whom, and what nobody learns from them.

use super::Rig;
use super::rig::{block_on, token};
use crate::domain::{ControlKind, SubjectId};
use crate::vault::*;
use std::net::{IpAddr, Ipv4Addr};

const PEER: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);

fn rig() -> Rig {
    let rig = Rig::new();
    rig.vault.announce_public_url("https://mail.example.org/");
    rig
}

fn id(rig: &Rig, subject: &str) -> SubjectId {
    rig.vault.subject_named(subject).unwrap()
}

fn link(rig: &Rig, subject: &str, purpose: &str) -> Result<String, Refusal> {
    let call = rig.call();
    let made = rig.vault.unsubscribe_link(&rig.mailer, &call, id(rig, subject), purpose);
    // EXPOSE: a test's own link.
    block_on(made).map(|done| done.value.expose().clone())
}

fn follow(rig: &Rig, link: &str) {
    block_on(rig.vault.unsubscribe(link, &rig.call(), PEER)).unwrap();
}

fn last_event(rig: &Rig) -> crate::domain::event::EventBody {
    crate::audit::decode(&rig.vault.audit_tail(1).unwrap().remove(0).body).unwrap()
}

fn links(rig: &Rig) -> usize {
    rig.vault.store().read(|r| r.controls(ControlKind::Unsubscribe)).unwrap().len()
}

#[test]
fn c18_a_link_stops_its_purpose_for_its_person_only() {
    let rig = rig();
    let (ada, bob) = (rig.subject(), rig.subject());
    let (hers, his) = (rig.contact(&ada), rig.contact(&bob));
    for subject in [&ada, &bob] {
        rig.consent(subject, "newsletter", None, true);
    }
    follow(&rig, &link(&rig, &ada, "newsletter").unwrap());
    let read = |stored| rig.read(&rig.mailer, "newsletter", &[token(stored, "email")]).unwrap();
    assert_eq!(read(&hers), ["denied consent_missing"]);
    assert_eq!(read(&his), ["\"ada@example.org\""]);
    assert_eq!(rig.vault.public_url(), Some("https://mail.example.org"));
}

#[test]
fn asking_again_writes_no_further_row() {
    let rig = rig();
    let ada = rig.subject();
    let first = link(&rig, &ada, "newsletter").unwrap();
    assert_eq!(link(&rig, &ada, "newsletter").unwrap(), first);
    assert_eq!(links(&rig), 1);
    link(&rig, &ada, "survey").unwrap();
    assert_eq!(links(&rig), 2);
}

#[test]
fn without_a_public_address_no_link_is_made() {
    let rig = Rig::new();
    let ada = rig.subject();
    let Refusal::InvalidRequest(faults) = link(&rig, &ada, "newsletter").unwrap_err() else { panic!() };
    assert_eq!(faults[0].code, "no_public_url");
    assert_eq!(links(&rig), 0);
}

#[test]
fn i5_a_link_that_is_none_is_followed_to_the_same_end_with_an_event() {
    let rig = rig();
    let ada = rig.subject();
    let real = link(&rig, &ada, "newsletter").unwrap();
    for text in ["", "sru_", "sru_nothing", &real[..39], &format!("{real}x")] {
        follow(&rig, text);
        let event = last_event(&rig);
        assert_eq!((event.act.name(), event.outcome.name()), ("unsubscribe", "not_found"), "{text}");
        assert!(event.subjects.is_empty() && event.network.is_some());
    }
    follow(&rig, &real);
    assert_eq!(last_event(&rig).outcome.name(), "allowed");
}

#[test]
fn a_link_of_somebody_who_is_gone_is_one_that_never_was() {
    let rig = rig();
    let ada = rig.subject();
    let text = link(&rig, &ada, "newsletter").unwrap();
    rig.sql(&format!("DELETE FROM subjects WHERE locator = {}", id(&rig, &ada).0.to_i64()));
    follow(&rig, &text);
    assert_eq!(last_event(&rig).outcome.name(), "not_found");
}

#[test]
fn i4_a_link_that_was_turned_to_another_person_does_nothing() {
    let rig = rig();
    let (ada, bob) = (rig.subject(), rig.subject());
    rig.consent(&bob, "newsletter", None, true);
    let his = rig.contact(&bob);
    let text = link(&rig, &ada, "newsletter").unwrap();
    let bobs = id(&rig, &bob).0.get();
    // form 1 ‖ key version 1 ‖ digest 32 ‖ subject 8 ‖ purpose 2 ‖ made 8
    let kind = ControlKind::Unsubscribe as u8;
    rig.sql(&format!(
        "UPDATE controls SET body = CAST(substr(body, 1, 34) || x'{bobs:016x}' || substr(body, 43) AS BLOB) WHERE kind = {kind}"
    ));
    follow(&rig, &text);
    assert!(rig.vault.integrity_failures() > 0);
    assert_eq!(
        rig.read(&rig.mailer, "newsletter", &[token(&his, "email")]).unwrap(),
        ["\"ada@example.org\""]
    );
}

#[test]
fn following_twice_changes_the_person_once() {
    let rig = rig();
    let ada = rig.subject();
    rig.consent(&ada, "newsletter", None, true);
    let text = link(&rig, &ada, "newsletter").unwrap();
    let version = |rig: &Rig| rig.vault.store().read(|r| r.subject(id(rig, &ada))).unwrap().unwrap().version;
    follow(&rig, &text);
    let after = version(&rig);
    follow(&rig, &text);
    assert_eq!(version(&rig), after);
    assert!(last_event(&rig).changed.is_empty());
}

#[test]
fn every_click_counts_while_others_write_to_the_same_person() {
    let rig = rig();
    let ada = rig.subject();
    let text = link(&rig, &ada, "newsletter").unwrap();
    let survey = link(&rig, &ada, "survey").unwrap();
    std::thread::scope(|scope| {
        scope.spawn(|| follow(&rig, &text));
        scope.spawn(|| follow(&rig, &survey));
    });
    let shown = block_on(rig.vault.view_consents(&rig.storefront, &rig.call(), id(&rig, &ada))).unwrap();
    let stopped =
        shown.value.current.iter().filter(|c| !c.consent.granted && c.consent.channel == "unsubscribe-link");
    assert_eq!(stopped.count(), 2);
}
