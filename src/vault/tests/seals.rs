//! A malicious administrator with a foreign connection: rows edited, swapped, replayed, removed (I3, I4; A24–A28).

use super::rig::{block_on, parts, token};
use super::*;
use crate::crypto::Keyring;
use crate::domain::entropy::OsEntropy;
use crate::vault::{GovernError, OpenError, Vault};

fn two() -> (Rig, String, String) {
    let rig = Rig::new();
    let [a, b] = [0, 1].map(|_| rig.contact(&rig.subject()));
    let (a, b) = (token(&a, "name").to_owned(), token(&b, "name").to_owned());
    (rig, a, b)
}

fn reads(rig: &Rig, token: &str) -> String {
    rig.read(&rig.storefront, "order_fulfilment", &[token]).unwrap().remove(0)
}

#[test]
fn i3_ciphertext_swapped_between_two_records_opens_for_neither() {
    let (rig, a, b) = two();
    assert_eq!((reads(&rig, &a), reads(&rig, &b)), ("\"Ada Lovelace\"".into(), "\"Ada Lovelace\"".into()));
    rig.sql("CREATE TABLE kept AS SELECT locator, sealed FROM records");
    rig.sql("UPDATE records SET sealed = (SELECT k.sealed FROM kept k WHERE k.locator <> records.locator)");
    let before = rig.vault.integrity_failures();
    assert_eq!((reads(&rig, &a), reads(&rig, &b)), ("not_found".into(), "not_found".into()));
    assert!(rig.vault.integrity_failures() > before, "it is noticed");
}

#[test]
fn i3_a_wrapped_key_of_another_record_opens_nothing() {
    let (rig, a, b) = two();
    rig.sql("CREATE TABLE kept AS SELECT locator, wrapped FROM keys");
    rig.sql("UPDATE keys SET wrapped = (SELECT wrapped FROM kept WHERE kept.locator <> keys.locator)");
    assert_eq!((reads(&rig, &a), reads(&rig, &b)), ("not_found".into(), "not_found".into()));
}

#[test]
fn i4_a_record_repointed_to_another_subject_is_refused() {
    let (rig, a, _) = two();
    rig.sql("UPDATE records SET subject = (SELECT max(locator) FROM subjects)");
    let reads = reads(&rig, &a);
    assert_eq!(reads, "not_found");
}

#[test]
fn i4_every_deciding_column_of_a_head_is_sealed() {
    for edit in [
        "collection = collection + 1",
        "version = version + 1",
        "head_version = head_version + 1",
        "created_us = created_us - 1",
        "expires_us = 9999999999999999",
        "generations = CAST(generations || x'00ff0000' AS BLOB)",
    ] {
        let (rig, a, _) = two();
        rig.sql(&format!("UPDATE records SET {edit}"));
        let read = rig.read(&rig.storefront, "order_fulfilment", &[&a]);
        // A row that cannot even be read as a row refuses the request; nothing is ever shown.
        assert!(read.as_ref().map_or(true, |items| items == &["not_found"]), "{edit}: {read:?}");
    }
}

#[test]
fn i4_an_edited_consent_is_refused_not_believed() {
    let rig = Rig::new();
    let subject = rig.subject();
    let stored = rig.contact(&subject);
    let email = token(&stored, "email");
    rig.consent(&subject, "newsletter", None, true);
    rig.sql("CREATE TABLE kept AS SELECT state, seal, version FROM subjects");
    rig.consent(&subject, "newsletter", None, false);
    rig.sql("UPDATE subjects SET state = (SELECT state FROM kept)");
    assert_eq!(rig.read(&rig.mailer, "newsletter", &[email]).unwrap(), ["not_found"]);
    assert!(rig.vault.integrity_failures() > 0);
}

#[test]
fn i4_a_missing_row_refuses() {
    for (table, expected) in [("keys", "not_found"), ("subjects", "not_found"), ("records", "not_found")] {
        let (rig, a, _) = two();
        rig.sql(&format!("DELETE FROM {table}"));
        assert_eq!(reads(&rig, &a), expected, "{table}");
    }
}

#[test]
fn an_old_version_of_a_record_put_back_is_refused_with_its_key_gone() {
    let rig = Rig::new();
    let stored = rig.contact(&rig.subject());
    rig.sql("CREATE TABLE kept AS SELECT * FROM records");
    let record = rig.vault.record_named(&stored.record).unwrap();
    let change = crate::vault::UpdateRecord {
        purpose: "order_fulfilment".to_owned(),
        fields: vec![crate::vault::FieldInput { name: "phone".to_owned(), value: None }],
        if_version: None,
    };
    block_on(rig.vault.update_record(&rig.storefront, &rig.call(), Some(record), &change)).unwrap();
    rig.sql("DELETE FROM records");
    rig.sql("INSERT INTO records SELECT * FROM kept");
    assert_eq!(reads(&rig, token(&stored, "phone")), "not_found", "its data key was destroyed");
}

#[test]
fn i4_an_edited_policy_or_client_does_not_govern() {
    for (edit, kind) in
        [("body = CAST(body || x'20' AS BLOB)", 3), ("version = version + 1", 4), ("body = x'00'", 1)]
    {
        let dir = tempfile::tempdir().unwrap();
        let rig = Rig::new();
        let path = rig.dir.path().join("keyring");
        let root = crate::crypto::root::KeyFile::create(&dir.path().join("root"), &mut OsEntropy).unwrap();
        rig.vault.keys().write(&path, &root, &mut OsEntropy).unwrap();
        rig.sql(&format!("UPDATE controls SET {edit} WHERE kind = {kind}"));
        let Rig { vault, clock, dir: data, .. } = rig;
        drop(vault);
        let keys = Keyring::load(&path, &root).unwrap();
        let opened = Vault::open(parts(&data.path().join("d"), keys, &clock, false));
        match kind {
            1 => {
                let vault = opened.unwrap_or_else(|e| panic!("{e}"));
                assert!(vault.list_clients().iter().all(|c| c.suspended.is_none()), "no client is active");
            }
            _ => assert!(matches!(opened.err(), Some(OpenError::Policy(GovernError::Missing)))),
        }
    }
}

#[test]
fn a_vault_that_is_opened_again_answers_as_before() {
    let dir = tempfile::tempdir().unwrap();
    let rig = Rig::new();
    let stored = rig.contact(&rig.subject());
    let name = token(&stored, "name").to_owned();
    let path = rig.dir.path().join("keyring");
    let root = crate::crypto::root::KeyFile::create(&dir.path().join("root"), &mut OsEntropy).unwrap();
    rig.vault.keys().write(&path, &root, &mut OsEntropy).unwrap();
    let Rig { vault, clock, dir: data, .. } = rig;
    drop(vault);
    let keys = Keyring::load(&path, &root).unwrap();
    let vault =
        Vault::open(parts(&data.path().join("d"), keys, &clock, false)).unwrap_or_else(|e| panic!("{e}"));
    let storefront = super::rig::caller(&vault, "storefront");
    let call = crate::vault::Call {
        request: crate::domain::Id16([1; 16]),
        received_at: vault.now(),
        ua_family: None,
        bytes: 0,
        idempotency: None,
    };
    let command = super::rig::reveal("order_fulfilment", &[&name]);
    let done =
        block_on(vault.reveal(&storefront, &call, &command)).unwrap_or_else(|r| panic!("{}", r.code()));
    assert_eq!(super::rig::shown(&done.value[0]), "\"Ada Lovelace\"");
}

#[test]
fn i4_an_edited_reply_in_the_store_of_replies_mints_no_token() {
    let rig = Rig::new();
    let (mine, other) = (rig.subject(), rig.subject());
    let victim = rig.contact(&other);
    let command =
        super::rig::record(&mine, "contact", &[("name", "Ada")], crate::vault::TokenWish::default());
    let create = || block_on(rig.vault.create_record(&rig.storefront, &rig.keyed("k", "b"), &command));
    create().unwrap();
    let locator = rig.vault.record_named(&victim.record).unwrap().0.get();
    // Seal 16, version and kind of the reply, then the locator.
    let repointed = format!(
        "UPDATE idempotency SET result = CAST(substr(result, 1, 18) || x'{locator:016x}' || substr(result, 27) AS BLOB)"
    );
    assert_eq!(rig.sql(&repointed), 1);
    assert_eq!(create().err().unwrap(), crate::vault::Refusal::Integrity);
    assert!(rig.vault.integrity_failures() > 0);
}

#[test]
fn i11_a_clock_far_behind_the_log_is_refused() {
    let rig = Rig::new();
    rig.subject();
    assert!(rig.vault.refuses().is_none());
    rig.clock.advance_us(-3_600_000_000);
    assert!(
        rig.vault.now() >= crate::domain::Timestamp::parse_rfc3339("2026-11-24T09:00:00Z").unwrap(),
        "nothing revives"
    );
    assert_eq!(rig.vault.readiness(), "clock");
    assert_eq!(rig.vault.refuses(), Some(crate::vault::Refusal::AuditUnavailable));
}
