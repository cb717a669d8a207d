//! Erasure of one record (C26): gone at the answer, by its ledger, with a certificate that can be checked.

use super::rig::*;
use crate::domain::subject::Hold;
use crate::domain::{Id16, Timestamp};
use crate::vault::*;
use ed25519_dalek::{Signature, VerifyingKey};

impl Rig {
    fn delete(&self, record: &str) -> Result<String, Refusal> {
        self.delete_as(&self.storefront, &self.call(), record)
    }
    fn delete_as(&self, caller: &Caller, call: &Call, record: &str) -> Result<String, Refusal> {
        let id = self.vault.record_named(record).unwrap();
        block_on(self.vault.delete_record(caller, call, id)).map(|done| done.value)
    }
    fn ledger(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("d/erasures.log")).unwrap()
    }
    fn count(&self, table: &str) -> u32 {
        let db = rusqlite::Connection::open(self.dir.path().join("d/vault.db")).unwrap();
        db.query_row(&format!("SELECT count(*) FROM {table}"), [], |r| r.get(0)).unwrap()
    }
    fn hold(&self, subject: &str, until: Timestamp) {
        let id = self.vault.subject_named(subject).unwrap();
        let loaded = self.vault.store().read(|r| self.vault.load_subject(r, id)).unwrap().expect("a subject");
        let mut state = loaded.state;
        state.holds = vec![Hold { id: Id16([1; 16]), collections: Vec::new(), until }];
        self.write_subject(id, &state, loaded.version);
    }
    fn write_subject(
        &self,
        id: crate::domain::SubjectId,
        state: &crate::domain::subject::SubjectState,
        was: crate::domain::Version,
    ) {
        use crate::domain::event::{Act, Event, EventBody, Principal};
        let body = EventBody::new(Id16([9; 16]), self.vault.now(), Principal::Vault, Act::SubjectUpdate);
        let event = Event { ticket: crate::domain::disclosure::EventTicket::next(), body };
        let read_at = self.vault.store().read(|r| Ok(r.read_at())).unwrap();
        let set = crate::storage::ChangeSet::observed(event, read_at, []).with(self.vault.put_subject(
            id,
            state,
            Some(was),
        ));
        block_on(self.vault.store().commit(set)).unwrap();
    }
}

#[test]
fn c26_an_erased_record_leaves_no_row_no_token_and_no_find() {
    let rig = Rig::new();
    let subject = rig.subject();
    let stored = rig.contact(&subject);
    let once = rig
        .store(
            &subject,
            "contact",
            &[("name", "Grace Hopper")],
            TokenWish { uses: Some(2), ..TokenWish::default() },
        )
        .unwrap()
        .value;
    rig.delete(&stored.record).unwrap();
    rig.delete(&once.record).unwrap();
    for table in ["records", "keys", "blind", "grants"] {
        assert_eq!(rig.count(table), 0, "{table}");
    }
    for token in [token(&stored, "name"), token(&stored, "email"), token(&once, "name")] {
        assert_eq!(rig.read(&rig.storefront, "order_fulfilment", &[token]).unwrap(), ["not_found"]);
    }
    assert!(matches!(rig.delete(&stored.record), Err(Refusal::NotFound)));
    assert_eq!(rig.ledger().lines().filter(|l| l.contains(" erase ")).count(), 2);
    assert_eq!(rig.ledger().lines().filter(|l| l.contains(" void ")).count(), 0);
}

#[test]
fn c26_the_certificate_is_signed_names_the_event_and_is_shown_to_who_asked_alone() {
    let rig = Rig::new();
    let stored = rig.contact(&rig.subject());
    let certificate = rig.delete(&stored.record).unwrap();
    let view =
        block_on(rig.vault.view_certificate(&rig.storefront, &rig.call(), &certificate)).unwrap().value;
    let key = VerifyingKey::from_bytes(&view.public_key).unwrap();
    key.verify_strict(view.statement.as_bytes(), &Signature::from_bytes(&view.signature)).unwrap();
    assert!(view.statement.contains(&format!("certificate {certificate}\n")));
    assert!(view.statement.contains("rule single operator\n"));
    let event = rig.vault.store().audit_row(view.event.0).unwrap().unwrap();
    assert_eq!(data_encoding::HEXLOWER.encode(&event.hash), view.event.1);
    let body = crate::audit::decode(&event.body).unwrap();
    assert_eq!(body.act, crate::domain::event::Act::RecordDelete);
    // The tombstone: a version beyond the last, and no seal.
    let tomb = body.changed.iter().find(|row| row.kind == 2).unwrap();
    assert_eq!((tomb.version.0, tomb.seal), (2, [0; 17]));
    // Nobody else, and no name that is not one.
    for (caller, name) in [(&rig.mailer, certificate.as_str()), (&rig.billing, &certificate)] {
        let refused = block_on(rig.vault.view_certificate(caller, &rig.call(), name));
        assert!(matches!(refused, Err(Refusal::Denied(_))));
    }
    for name in ["crt_00000000000000000000000000", "crt_", "rec_x"] {
        let refused = block_on(rig.vault.view_certificate(&rig.storefront, &rig.call(), name));
        assert!(matches!(refused, Err(Refusal::NotFound)), "{name}");
    }
}

#[test]
fn an_erasure_under_an_idempotency_key_answers_its_certificate_again_and_erases_once() {
    let rig = Rig::new();
    let stored = rig.contact(&rig.subject());
    let first = rig.delete_as(&rig.storefront, &rig.keyed("k", "b"), &stored.record).unwrap();
    let again = rig.delete_as(&rig.storefront, &rig.keyed("k", "b"), &stored.record).unwrap();
    assert_eq!(first, again);
    assert_eq!(rig.ledger().lines().count(), 1);
    let other = rig.delete_as(&rig.storefront, &rig.keyed("k", "another"), &stored.record);
    assert!(matches!(other, Err(Refusal::IdempotencyMismatch)));
}

#[test]
fn who_may_not_delete_learns_nothing_and_the_ledger_stays_empty() {
    let rig = Rig::new();
    let stored = rig.contact(&rig.subject());
    for caller in [&rig.billing, &rig.mailer] {
        let refused = rig.delete_as(caller, &rig.call(), &stored.record);
        assert!(matches!(refused, Err(Refusal::Denied(rule)) if rule.0.name() == "act_not_granted"));
    }
    assert_eq!(rig.ledger(), "");
    assert_eq!(rig.count("records"), 1);
}

#[test]
fn a_legal_hold_keeps_a_record_until_it_ends() {
    let rig = Rig::new();
    let subject = rig.subject();
    let stored = rig.contact(&subject);
    let until = rig.vault.now().plus(std::time::Duration::from_secs(60));
    rig.hold(&subject, until);
    assert!(matches!(rig.delete(&stored.record), Err(Refusal::LegalHold)));
    assert_eq!(rig.ledger(), "");
    rig.clock.advance_us(61_000_000);
    rig.delete(&stored.record).unwrap();
}

/// What an administrator does who puts an old copy of the database back, or who restores a backup.
#[test]
fn a55_a_record_brought_back_by_an_old_database_is_erased_again_before_anything_is_served() {
    let rig = Rig::new();
    let subject = rig.subject();
    let (stored, other) = (rig.contact(&subject), rig.contact(&subject));
    let token = token(&stored, "name").to_owned();
    let path = rig.dir.path().join("d");
    let copy = rig.dir.path().join("copy.db");
    rusqlite::Connection::open(path.join("vault.db"))
        .unwrap()
        .execute(&format!("VACUUM INTO '{}'", copy.display()), [])
        .unwrap();
    let certificate = rig.delete(&stored.record).unwrap();
    let Rig { vault, clock, dir: _dir, .. } = rig;
    let Vault { store, keys, .. } = vault;
    drop(store);
    std::fs::copy(&copy, path.join("vault.db")).unwrap();
    let _ = std::fs::remove_file(path.join("vault.db-wal"));
    let vault = Vault::open(parts(&path, keys, &clock, false)).unwrap();
    assert_eq!(block_on(vault.settle_ledger()).unwrap(), 1);
    assert_eq!(block_on(vault.settle_ledger()).unwrap(), 0, "once");
    let storefront = caller(&vault, "storefront");
    let call = Call {
        request: Id16([7; 16]),
        received_at: vault.now(),
        ua_family: None,
        bytes: 0,
        idempotency: None,
    };
    let read = |token: &str| {
        let done = block_on(vault.reveal(&storefront, &call, &reveal("order_fulfilment", &[token]))).unwrap();
        shown(&done.value[0])
    };
    assert_eq!(read(&token), "not_found");
    assert_eq!(read(super::rig::token(&other, "name")), "\"Ada Lovelace\"", "what was not erased stays");
    // The certificate that was handed out is there again.
    let view = block_on(vault.view_certificate(&storefront, &call, &certificate)).unwrap().value;
    assert_eq!(view.collection, "contact");
}

/// Puts an older copy of the database back under the ledger of now.
fn put_back(rig: Rig, copy: &std::path::Path) -> (Vault, tempfile::TempDir) {
    let path = rig.dir.path().join("d");
    let Rig { vault, clock, dir, .. } = rig;
    let Vault { store, keys, .. } = vault;
    drop(store);
    std::fs::copy(copy, path.join("vault.db")).unwrap();
    let _ = std::fs::remove_file(path.join("vault.db-wal"));
    (Vault::open(parts(&path, keys, &clock, false)).unwrap(), dir)
}

fn copied(rig: &Rig) -> std::path::PathBuf {
    let copy = rig.dir.path().join("copy.db");
    rusqlite::Connection::open(rig.dir.path().join("d/vault.db"))
        .unwrap()
        .execute(&format!("VACUUM INTO '{}'", copy.display()), [])
        .unwrap();
    copy
}

#[test]
fn a55_two_who_erase_one_record_at_once_do_not_take_the_erasure_back() {
    let rig = Rig::new();
    let stored = rig.contact(&rig.subject());
    let id = rig.vault.record_named(&stored.record).unwrap();
    let copy = copied(&rig);
    block_on(async {
        let call = rig.call();
        let mut late = Box::pin(rig.vault.delete_record(&rig.storefront, &call, id));
        while rig.ledger().is_empty() {
            let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(late.as_mut().poll(cx))).await;
            assert!(polled.is_pending());
            tokio::task::yield_now().await;
        }
        rig.vault.delete_record(&rig.storefront, &rig.call(), id).await.unwrap();
        assert!(late.await.is_err(), "the other one was first");
    });
    assert_eq!(rig.ledger().lines().filter(|l| l.contains(" void ")).count(), 1);
    let (vault, _dir) = put_back(rig, &copy);
    assert_eq!(block_on(vault.settle_ledger()).unwrap(), 1, "what was erased stays erased");
}

#[test]
fn an_erasure_sent_twice_at_once_under_one_key_leaves_the_one_certificate_that_was_answered() {
    let rig = Rig::new();
    let stored = rig.contact(&rig.subject());
    let id = rig.vault.record_named(&stored.record).unwrap();
    let copy = copied(&rig);
    let (first, second) = block_on(async {
        let (one, two) = (rig.keyed("k", "delete"), rig.keyed("k", "delete"));
        let mut late = Box::pin(rig.vault.delete_record(&rig.storefront, &one, id));
        while rig.ledger().is_empty() {
            let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(late.as_mut().poll(cx))).await;
            assert!(polled.is_pending());
            tokio::task::yield_now().await;
        }
        let second = rig.vault.delete_record(&rig.storefront, &two, id).await.unwrap();
        (late.await.unwrap(), second)
    });
    assert_eq!((first.replayed, &first.value), (true, &second.value));
    assert_eq!(rig.ledger().lines().filter(|l| l.contains(" void ")).count(), 1, "the line that did nothing");
    let call = rig.call();
    let (vault, _dir) = put_back(rig, &copy);
    assert_eq!(block_on(vault.settle_ledger()).unwrap(), 1);
    let storefront = caller(&vault, "storefront");
    assert!(
        block_on(vault.view_certificate(&storefront, &call, &second.value)).is_ok(),
        "the one that was answered"
    );
}

#[test]
fn a_record_stored_after_an_erasure_under_its_locator_is_another_one_and_stays() {
    let rig = Rig::new();
    let subject = rig.subject();
    let stored = rig.contact(&subject);
    let copy = copied(&rig);
    // Of the record's locator, but of a time before it was stored: so an older database gives a locator out again.
    let id = rig.vault.record_named(&stored.record).unwrap();
    let at = Timestamp(rig.vault.now().0 - 3_600_000_000);
    let line = crate::vault::erase::line_for_tests(&rig.vault, id, at);
    let (vault, _dir) = {
        std::fs::write(rig.dir.path().join("d/erasures.log"), format!("{line}\n")).unwrap();
        put_back(rig, &copy)
    };
    assert_eq!(block_on(vault.settle_ledger()).unwrap(), 0);
}

#[test]
fn i8_a_counter_the_ledger_names_is_not_given_out_again_by_an_older_database() {
    let rig = Rig::new();
    let subject = rig.subject();
    let copy = copied(&rig);
    let stored = rig.contact(&subject);
    let erased = rig.vault.record_named(&stored.record).unwrap();
    rig.delete(&stored.record).unwrap();
    let (vault, _dir) = put_back(rig, &copy);
    block_on(vault.settle_ledger()).unwrap();
    let next = block_on(vault.store().allocate(1)).unwrap();
    assert!(next.first > erased.0.counter(), "{next:?}");
}

#[test]
fn a_tampered_record_is_not_answered_as_if_it_were_gone() {
    for edit in ["UPDATE records SET version = version + 1", "DELETE FROM keys"] {
        let rig = Rig::new();
        let stored = rig.contact(&rig.subject());
        rig.sql(edit);
        assert_eq!(rig.delete(&stored.record), Err(Refusal::Integrity), "{edit}");
        assert_eq!(rig.ledger(), "", "nothing was promised");
    }
    let rig = Rig::new();
    let stored = rig.contact(&rig.subject());
    rig.delete(&stored.record).unwrap();
    assert_eq!(rig.delete(&stored.record), Err(Refusal::NotFound), "what is gone is gone");
}

#[test]
fn a_ledger_of_another_vault_or_a_shorter_one_is_refused() {
    let rig = Rig::new();
    let stored = rig.contact(&rig.subject());
    rig.delete(&stored.record).unwrap();
    let path = rig.dir.path().join("d/erasures.log");
    let genuine = rig.ledger();
    let forged = genuine.replace(" erase ", " erazz ");
    std::fs::write(&path, &forged).unwrap();
    assert!(matches!(block_on(rig.vault.settle_ledger()), Err(SettleError::Foreign(1))));
    std::fs::write(&path, "").unwrap();
    assert!(matches!(block_on(rig.vault.settle_ledger()), Err(SettleError::Ledger(_))));
}

#[test]
fn an_erasure_that_nobody_waited_for_is_settled_by_upkeep() {
    let rig = Rig::new();
    let stored = rig.contact(&rig.subject());
    let id = rig.vault.record_named(&stored.record).unwrap();
    // The client leaves: the future is dropped after the ledger line and before the commit.
    block_on(async {
        let call = rig.call();
        let mut deleting = Box::pin(rig.vault.delete_record(&rig.storefront, &call, id));
        while rig.ledger().is_empty() {
            let polled = std::future::poll_fn(|cx| std::task::Poll::Ready(deleting.as_mut().poll(cx))).await;
            assert!(polled.is_pending());
            tokio::task::yield_now().await;
        }
    });
    block_on(rig.vault.settle_open_erasures());
    let there = rig.count("records") == 1;
    assert_eq!(there, rig.ledger().contains(" void "), "a record that stayed is taken back in the ledger");
    let read = rig.read(&rig.storefront, "order_fulfilment", &[token(&stored, "name")]).unwrap();
    assert_eq!(read[0] == "not_found", !there);
}

impl Rig {
    /// Stops, lets somebody at the files, and starts again.
    fn restarted(self, meanwhile: impl FnOnce(&std::path::Path)) -> (Vault, tempfile::TempDir) {
        let Rig { vault, clock, dir, .. } = self;
        let Vault { store, keys, .. } = vault;
        drop(store);
        let path = dir.path().join("d");
        meanwhile(&path.join("erasures.log"));
        (Vault::open(parts(&path, keys, &clock, false)).unwrap(), dir)
    }
}

/// A deleted or older ledger would let the next old database bring people back without a word.
#[test]
fn a55_a_ledger_that_was_removed_or_put_back_from_an_older_copy_refuses_the_start() {
    type Attack = fn(&std::path::Path, &str);
    let attacks: [Attack; 3] = [
        |path, _| std::fs::remove_file(path).unwrap(),
        |path, older| std::fs::write(path, older).unwrap(),
        |path, _| std::fs::write(path, "").unwrap(),
    ];
    for attack in attacks {
        let rig = Rig::new();
        let subject = rig.subject();
        let (first, second) = (rig.contact(&subject), rig.contact(&subject));
        rig.delete(&first.record).unwrap();
        let older = rig.ledger();
        rig.delete(&second.record).unwrap();
        let newest = rig.ledger();
        let (vault, dir) = rig.restarted(|path| attack(path, &older));
        let refused = block_on(vault.settle_ledger()).unwrap_err();
        assert!(refused.to_string().contains("put the right file back"), "{refused}");
        // With the right file it starts.
        let Vault { store, keys, clock, .. } = vault;
        let path = dir.path().join("d");
        drop(store);
        std::fs::write(path.join("erasures.log"), newest).unwrap();
        let store = crate::storage::Store::open(&path, Default::default(), clock).unwrap();
        assert_eq!(keys.vault(), store.vault());
        assert_eq!(store.ledger().length(), 2 * older.len() as u64);
    }
}

#[test]
fn a_start_with_the_ledger_as_it_was_left_settles_nothing_and_writes_nothing() {
    let rig = Rig::new();
    let stored = rig.contact(&rig.subject());
    rig.delete(&stored.record).unwrap();
    let (vault, _dir) = rig.restarted(|_| ());
    let head = vault.store().log_head();
    assert_eq!(block_on(vault.settle_ledger()).unwrap(), 0);
    assert_eq!(vault.store().log_head().size, head.size);
}

#[test]
fn marks_stay_few_and_know_the_longest_ledger_whatever_is_erased() {
    let rig = Rig::new();
    let subject = rig.subject();
    let all: Vec<_> = (0..90).map(|_| rig.contact(&subject)).collect();
    for stored in &all {
        rig.delete(&stored.record).unwrap();
    }
    let rows = rig.vault.store().read(|r| r.controls(crate::domain::ControlKind::LedgerMark)).unwrap();
    assert!(rows.len() <= 65, "{}", rows.len());
    assert_eq!(crate::vault::erase::mark::reached(&rows), rig.ledger().len() as u64);
}
