//! C14, C15, C17: what a person agreed to decides, from the very next read.

use super::rig::{block_on, reveal, shown, token};
use super::*;
use std::sync::atomic::{AtomicBool, Ordering};

const ADA: &str = "\"ada@example.org\"";

#[test]
fn c14_a_purpose_that_rests_on_consent_is_refused_until_it_is_given() {
    let rig = Rig::new();
    let subject = rig.subject();
    let stored = rig.contact(&subject);
    let email = token(&stored, "email");
    assert_eq!(rig.read(&rig.mailer, "newsletter", &[email]).unwrap(), ["denied consent_missing"]);
    rig.consent(&subject, "newsletter", None, true);
    assert_eq!(rig.read(&rig.mailer, "newsletter", &[email]).unwrap(), [ADA]);
}

#[test]
fn c15_a_withdrawn_consent_refuses_the_next_read() {
    let rig = Rig::new();
    let subject = rig.subject();
    let stored = rig.contact(&subject);
    rig.consent(&subject, "newsletter", None, true);
    rig.consent(&subject, "newsletter", None, false);
    let read = rig.read(&rig.mailer, "newsletter", &[token(&stored, "email")]).unwrap();
    assert_eq!(read, ["denied consent_missing"]);
}

#[test]
fn c16_an_administrative_purpose_does_not_ask_for_the_marketing_consent() {
    let rig = Rig::new();
    let subject = rig.subject();
    let stored = rig.contact(&subject);
    rig.consent(&subject, "newsletter", None, false);
    assert_eq!(rig.read(&rig.mailer, "account_notice", &[token(&stored, "email")]).unwrap(), [ADA]);
}

#[test]
fn another_persons_consent_permits_nothing() {
    let rig = Rig::new();
    let (one, other) = (rig.subject(), rig.subject());
    let stored = rig.contact(&one);
    rig.consent(&other, "newsletter", None, true);
    let read = rig.read(&rig.mailer, "newsletter", &[token(&stored, "email")]).unwrap();
    assert_eq!(read, ["denied consent_missing"]);
}

#[test]
fn withdrawing_a_purpose_withdraws_its_recipients_for_good() {
    let rig = Rig::new();
    let subject = rig.subject();
    let id = rig.vault.subject_named(&subject).unwrap();
    let stands = || {
        let policy = rig.vault.policy();
        let (purpose, partner) =
            (policy.purpose("partner_marketing").unwrap(), policy.recipient("partner-x"));
        let loaded = rig.vault.store().read(|r| rig.vault.load_subject(r, id)).unwrap().unwrap();
        (loaded.state.consent_stands(purpose, None), loaded.state.consent_stands(purpose, partner))
    };
    rig.consent(&subject, "partner_marketing", Some("partner-x"), true);
    assert_eq!(stands(), (false, false), "a recipient alone is not the purpose");
    rig.consent(&subject, "partner_marketing", None, true);
    assert_eq!(stands(), (true, true));
    rig.consent(&subject, "partner_marketing", None, false);
    rig.consent(&subject, "partner_marketing", None, true);
    assert_eq!(stands(), (true, false), "giving the purpose again does not revive the recipient");
}

#[test]
fn a20_no_read_that_begins_after_a_withdrawal_succeeds() {
    let rig = Rig::new();
    let subject = rig.subject();
    let stored = rig.contact(&subject);
    let email = token(&stored, "email").to_owned();
    let mut seen_before = 0;
    for _ in 0..20 {
        rig.consent(&subject, "newsletter", None, true);
        let withdrawn = AtomicBool::new(false);
        let (late, seen) = std::thread::scope(|scope| {
            let readers: Vec<_> = (0..4)
                .map(|_| {
                    scope.spawn(|| {
                        let mut counts = (0, 0);
                        loop {
                            let after = withdrawn.load(Ordering::SeqCst);
                            let command = reveal("newsletter", &[&email]);
                            let done =
                                block_on(rig.vault.reveal(&rig.mailer, &rig.call(), &command)).unwrap();
                            let plain = done.value.iter().all(|item| shown(item) == ADA);
                            counts.0 += usize::from(plain && after);
                            counts.1 += usize::from(plain);
                            if after {
                                return counts;
                            }
                        }
                    })
                })
                .collect();
            std::thread::sleep(std::time::Duration::from_millis(5));
            rig.consent(&subject, "newsletter", None, false);
            withdrawn.store(true, Ordering::SeqCst);
            readers.into_iter().map(|r| r.join().unwrap()).fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1))
        });
        assert_eq!(late, 0, "reads that began after the acknowledgement");
        seen_before += seen;
    }
    assert!(seen_before > 0, "some reads before a withdrawal");
}

#[test]
fn a_consent_older_than_the_withdrawal_does_not_revive_it_however_late_it_arrives() {
    let rig = Rig::new();
    let subject = rig.subject();
    let id = rig.vault.subject_named(&subject).unwrap();
    rig.consent(&subject, "newsletter", None, true);
    rig.clock.advance_us(60_000_000);
    rig.consent(&subject, "newsletter", None, false);
    let late = crate::vault::ConsentCommand {
        purpose: "newsletter".to_owned(),
        recipient: None,
        granted: true,
        channel: "queue".to_owned(),
        text_sha256: None,
        notice_version: None,
        at: crate::domain::Timestamp::parse_rfc3339("2001-01-01T00:00:00Z"),
    };
    let refused =
        block_on(rig.vault.record_consent(&rig.storefront, &rig.call(), Some(id), &late)).err().unwrap();
    assert_eq!(refused.code(), "conflict");
    let stored = rig.contact(&subject);
    let read = rig.read(&rig.mailer, "newsletter", &[token(&stored, "email")]).unwrap();
    assert_eq!(read, ["denied consent_missing"]);
}
