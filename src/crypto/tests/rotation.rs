//! I8: after a rotation the old opens and the new seals; after a destruction the old is gone everywhere.

use super::support::{Counted, Row, fields, head, keys, locator};
use crate::crypto::{FieldAtIndex, NameKind, RefKind, SecretKind, Table, Unopenable};
use crate::domain::record::RecordHead;
use crate::domain::token::{Pointer, PointerKind};
use crate::domain::*;

fn pointer() -> Pointer {
    Pointer {
        kind: PointerKind::Record,
        locator: locator(1001),
        field: FieldNo(3),
        generation: Generation(11),
        audience: AudienceNo(2),
    }
}

#[test]
fn i8_what_an_old_version_sealed_opens_until_it_is_destroyed() {
    let before = keys();
    let (row, token) = (Row::sealed(&before), before.mint_token(&pointer()));
    let (secret, one, digest) = before.new_secret(SecretKind::ApiKey, &mut Counted::from(4)).unwrap();
    let seal = before.seal_row(Table::Controls, b"k", Version(1), b"columns");
    let check =
        |keys: &crate::crypto::Keyring| keys.check_row(Table::Controls, b"k", Version(1), b"columns", &seal);

    let after = before.rotated(true, &mut Counted::from(60));
    assert_eq!(row.open_all(&after).unwrap(), fields().0);
    assert_eq!(after.open_token(&token), Some(pointer()));
    assert_eq!(after.digest_secret(SecretKind::ApiKey, secret.expose()), Some((one, digest)));
    assert_eq!(check(&after), Ok(()));

    let gone = before.rotated(false, &mut Counted::from(60));
    assert_eq!(row.open_all(&gone).unwrap_err(), Unopenable::RowSeal);
    assert_eq!(gone.open_token(&token), None);
    assert_eq!(gone.digest_secret(SecretKind::ApiKey, secret.expose()), None);
    assert_eq!(check(&gone), Err(Unopenable::RowSeal));
}

#[test]
fn i8_the_new_version_seals_and_the_old_keyring_cannot_open_it() {
    let before = keys();
    let after = before.rotated(true, &mut Counted::from(60));
    let row = Row::sealed(&after);
    assert_eq!((row.key.kek, row.seal.0[0]), (2, 2));
    assert_eq!(row.open_all(&after).unwrap(), fields().0);
    assert_eq!(row.open_all(&before).unwrap_err(), Unopenable::RowSeal);
    let token = after.mint_token(&pointer());
    assert!(token.starts_with("srt_1"), "{token}");
    assert_eq!((after.open_token(&token), before.open_token(&token)), (Some(pointer()), None));
}

#[test]
fn a_token_says_its_key_version_and_cannot_claim_another() {
    let after = keys().rotated(true, &mut Counted::from(60));
    let token = after.mint_token(&pointer());
    for character in ('0'..='9').chain('A'..='Z').chain('a'..='z').filter(|c| *c != '1') {
        assert_eq!(after.open_token(&format!("srt_{character}{}", &token[5..])), None);
    }
}

#[test]
fn rehead_and_carry_move_a_row_to_the_newest_keys() {
    let before = keys();
    let row = Row::sealed(&before);
    let after = before.rotated(true, &mut Counted::from(60));
    let to = RecordHead { head_version: Version(4), ..head() };
    let (seal, key) = after.rehead(row.stored(), &to).unwrap();
    assert_eq!((key.kek, seal.0[0]), (2, 2));
    let moved = Row { head: to, seal, key, ..row };
    assert_eq!(moved.open_all(&after).unwrap(), fields().0);
    let gone = after.rotated(true, &mut Counted::from(80));
    assert_eq!(moved.open_all(&gone).unwrap(), fields().0);
}

#[test]
fn a_row_sealed_under_one_version_does_not_pass_as_another() {
    let after = keys().rotated(true, &mut Counted::from(60));
    let mut row = Row::sealed(&after);
    row.seal.0[0] = 1;
    assert_eq!(row.open_all(&after).unwrap_err(), Unopenable::RowSeal);
    let mut row = Row::sealed(&after);
    row.key.kek = 1;
    assert_eq!(row.open_all(&after).unwrap_err(), Unopenable::Key);
}

#[test]
fn names_and_idempotency_digests_are_frozen_and_both_index_versions_are_searched() {
    let before = keys();
    let after = before.rotated(true, &mut Counted::from(60));
    let name = before.name(NameKind::Subject, locator(1000));
    assert_eq!(after.name(NameKind::Subject, locator(1000)), name);
    assert_eq!(before.idempotency_digest(&[b"k"]), after.idempotency_digest(&[b"k"]));
    assert_eq!(before.signing_key(), after.signing_key());
    assert_eq!(after.blind_versions(), [2, 1], "the first is written under");
    let field = FieldAtIndex { collection: CollectionNo(5), field: FieldNo(3), normaliser: 1, bits: 128 };
    assert_eq!(before.blind(1, field, b"ada"), after.blind(1, field, b"ada"));
    assert_ne!(after.blind(2, field, b"ada"), after.blind(1, field, b"ada"));
    assert_ne!(before.audit_ref(RefKind::Subject, b"s"), after.audit_ref(RefKind::Subject, b"s"));
}
