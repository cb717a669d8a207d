//! A24, A25, A28, A29: genuine bytes in the wrong place, or at the wrong time.

use super::reference::{assemble, data_key};
use super::support::{Counted, Row, fields, head, keys, locator, seal};
use crate::crypto::{Fields, Keyring, Unopenable};
use crate::domain::*;

/// The sealed fields of a record of fields 3, 8, 300.
fn parts(row: &Row) -> Vec<(u16, Vec<u8>)> {
    let body = &row.bytes[3 + 18 + 32..];
    vec![(3, body[..32].to_vec()), (8, body[32..64].to_vec()), (300, body[64..].to_vec())]
}

/// What makes another head.
type Edit = fn(&mut record::RecordHead);

/// The same values in a row of another head.
fn sealed_at(keys: &Keyring, edit: Edit) -> Row {
    let mut other = head();
    edit(&mut other);
    let permit = crate::policy::WritePermit::for_tests(other.collection, &[3, 8, 300].map(FieldNo));
    let sealed = keys.seal(&permit, &other, &fields(), false, &mut Counted::from(950)).unwrap();
    Row::of(other, sealed)
}

#[test]
fn a24_ciphertexts_of_two_fields_cannot_be_exchanged() {
    let keys = keys();
    let row = Row::sealed(&keys);
    let mut parts = parts(&row);
    let (first, second) = (parts[0].1.clone(), parts[1].1.clone());
    (parts[0].1, parts[1].1) = (second, first);
    let mut bad = row.clone();
    bad.bytes = [&row.bytes[..53], &parts.iter().flat_map(|p| p.1.clone()).collect::<Vec<_>>()].concat();
    assert_eq!(bad.open_all(&keys).unwrap_err(), Unopenable::Commitment);
    // Even one who could commit again does not get past GCM: the AAD names the field.
    bad.bytes = assemble(&keys, &row.head, &data_key(&keys, &row), &parts);
    assert_eq!(bad.open_all(&keys).unwrap_err(), Unopenable::Field);
}

#[test]
fn a24_a_field_cannot_be_dropped_added_or_renamed() {
    let keys = keys();
    let row = Row::sealed(&keys);
    let whole = parts(&row);
    let commit = row.bytes[21..53].to_vec();
    let with = |parts: &[(u16, Vec<u8>)]| {
        let mut bad = row.clone();
        bad.bytes = assemble(&keys, &row.head, &[0; 32], parts);
        let at = 3 + parts.len() * 6;
        bad.bytes[at..at + 32].copy_from_slice(&commit);
        bad.open_all(&keys)
    };
    assert!(with(&whole).is_ok(), "the crafting itself is right");
    assert_eq!(with(&whole[..2]).unwrap_err(), Unopenable::Commitment);
    assert_eq!(with(&[]).unwrap_err(), Unopenable::Commitment);
    let added = [whole.clone(), vec![(301, whole[0].1.clone())]].concat();
    assert_eq!(with(&added).unwrap_err(), Unopenable::Commitment);
    let renamed = [(4, whole[0].1.clone()), whole[1].clone(), whole[2].clone()];
    assert_eq!(with(&renamed).unwrap_err(), Unopenable::Commitment);
    let twice = [whole[0].clone(), whole[0].clone(), whole[2].clone()];
    assert_eq!(with(&twice).unwrap_err(), Unopenable::Malformed);
    let turned = [whole[1].clone(), whole[0].clone(), whole[2].clone()];
    assert_eq!(with(&turned).unwrap_err(), Unopenable::Malformed);
}

#[test]
fn a24_data_of_another_record_subject_collection_or_version_does_not_fit() {
    let keys = keys();
    let row = Row::sealed(&keys);
    type Edit = fn(&mut record::RecordHead);
    let elsewhere: [(&str, Edit); 4] = [
        ("record", |h| h.record = RecordId(locator(2001))),
        ("subject", |h| h.subject = SubjectId(locator(2000))),
        ("collection", |h| h.collection = CollectionNo(6)),
        ("version", |h| h.version = Version(1)),
    ];
    for (what, edit) in elsewhere {
        let other = sealed_at(&keys, edit);
        assert!(other.open_all(&keys).is_ok(), "{what}");
        let bytes = Row { bytes: other.bytes.clone(), ..row.clone() };
        assert_eq!(bytes.open_all(&keys).unwrap_err(), Unopenable::Commitment, "bytes of another {what}");
        let key = Row { key: other.key, ..row.clone() };
        assert_eq!(key.open_all(&keys).unwrap_err(), Unopenable::Key, "key of another {what}");
        let both = Row { key: other.key, bytes: other.bytes.clone(), ..row.clone() };
        assert_eq!(both.open_all(&keys).unwrap_err(), Unopenable::Key, "key and bytes of another {what}");
        let head = Row { head: other.head.clone(), seal: other.seal, ..row.clone() };
        assert_eq!(head.open_all(&keys).unwrap_err(), Unopenable::Key, "head of another {what}");
        let seal = Row { seal: other.seal, ..row.clone() };
        assert_eq!(seal.open_all(&keys).unwrap_err(), Unopenable::RowSeal, "seal of another {what}");
    }
}

#[test]
fn a24_one_sealed_field_of_another_record_does_not_fit_even_under_the_same_data_key() {
    let keys = keys();
    let row = Row::sealed(&keys);
    let key = data_key(&keys, &row);
    for edit in [
        (|h| h.record = RecordId(locator(2001))) as Edit,
        |h| h.subject = SubjectId(locator(2000)),
        |h| h.collection = CollectionNo(6),
        |h| h.version = Version(1),
    ] {
        let mut other = head();
        edit(&mut other);
        let padded = super::reference::pad(b"Ada");
        let foreign = super::reference::seal_padded(&keys, &other, &key, (3, &padded));
        let mut bad = row.clone();
        bad.bytes = assemble(&keys, &row.head, &key, &[(3, foreign)]);
        assert_eq!(bad.open(&keys, &[3]).unwrap_err(), Unopenable::Field);
    }
}

#[test]
fn a25_an_old_version_put_back_piece_by_piece_is_refused() {
    let keys = keys();
    let old = Row::sealed(&keys);
    let mut newer = head();
    (newer.version, newer.head_version) = (Version(3), Version(4));
    let changed = [(FieldNo(3), Some(b"Augusta".to_vec()))];
    let permit = super::support::write_permit();
    let sealed = keys.carry(&permit, old.stored(), &changed, &newer, &mut Counted::from(960)).unwrap();
    let new = Row::of(newer, sealed);
    assert_eq!(new.open(&keys, &[3]).unwrap(), [(3, b"Augusta".to_vec())]);
    let pieces = [
        (Row { bytes: old.bytes.clone(), ..new.clone() }, Unopenable::Commitment),
        (Row { key: old.key, ..new.clone() }, Unopenable::Key),
        (Row { bytes: old.bytes.clone(), key: old.key, ..new.clone() }, Unopenable::Key),
        (Row { head: old.head.clone(), ..new.clone() }, Unopenable::RowSeal),
        (Row { head: old.head.clone(), seal: old.seal, ..new.clone() }, Unopenable::Key),
        (Row { key: new.key, ..old.clone() }, Unopenable::Key),
    ];
    for (number, (row, why)) in pieces.into_iter().enumerate() {
        assert_eq!(row.open_all(&keys).unwrap_err(), why, "piece {number}");
    }
}

#[test]
fn a25_a_permit_for_the_newest_version_does_not_open_an_old_row_put_back_whole() {
    let keys = keys();
    let old = Row::sealed(&keys);
    let forms = [(FieldNo(3), crate::domain::field::Form::Plain)];
    let permit = crate::policy::Permit::for_tests(old.head.record, Version(3), &forms, CommitNo(1));
    let ticket = crate::domain::disclosure::EventTicket::next();
    assert_eq!(keys.open(permit, &ticket, old.stored()).err(), Some(Unopenable::Permit));
}

#[test]
fn a28_another_suite_is_refused_before_anything_else() {
    let keys = keys();
    let mut row = Row::sealed(&keys);
    row.seal.0[5] ^= 1; // would be refused too, but later
    for suite in (0..=255).filter(|s| *s != 1) {
        row.bytes[0] = suite;
        assert_eq!(row.open_all(&keys).unwrap_err(), Unopenable::Malformed);
        assert_eq!(Keyring::directory(&row.bytes), Err(Unopenable::Malformed));
    }
}

#[test]
fn the_checks_run_in_their_order() {
    let keys = keys();
    let mut row = Row::sealed(&keys);
    let last = row.bytes.len() - 17; // ciphertext of the last field
    row.bytes[last] ^= 1;
    assert_eq!(row.open_all(&keys).unwrap_err(), Unopenable::Field);
    row.bytes[30] ^= 1;
    assert_eq!(row.open_all(&keys).unwrap_err(), Unopenable::Commitment);
    row.key.bytes[0] ^= 1;
    assert_eq!(row.open_all(&keys).unwrap_err(), Unopenable::Key);
    row.seal.0[9] ^= 1;
    assert_eq!(row.open_all(&keys).unwrap_err(), Unopenable::RowSeal);
    row.bytes.pop();
    assert_eq!(row.open_all(&keys).unwrap_err(), Unopenable::Malformed);
}

#[test]
fn a_record_without_fields_is_sealed_and_opened_like_any_other() {
    let keys = keys();
    let row = Row::of(head(), seal(&keys, &head(), &Fields(Vec::new())));
    assert_eq!(row.open_all(&keys).unwrap(), []);
    let mut bad = row.clone();
    bad.bytes[10] ^= 1;
    assert_eq!(bad.open_all(&keys).unwrap_err(), Unopenable::Commitment);
}
