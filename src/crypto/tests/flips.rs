//! A23: every byte of everything stored, altered.

use super::support::{Counted, Row, flips, keys, vault};
use crate::crypto::root::KeyFile;
use crate::crypto::{Keyring, NameKind, SecretKind, Unopenable};
use crate::domain::token::{Pointer, PointerKind};
use crate::domain::*;

/// Fields 3, 8 (16 bytes padded) and 300 (256 bytes padded), each with its tag.
const BODY: usize = 3 + 3 * 6 + 32;
const TAGS: [std::ops::Range<usize>; 3] =
    [BODY + 16..BODY + 32, BODY + 48..BODY + 64, BODY + 320..BODY + 336];

#[test]
fn a23_every_flipped_byte_of_a_sealed_record_is_refused_by_the_check_that_ought_to() {
    let keys = keys();
    let row = Row::sealed(&keys);
    assert_eq!(row.bytes.len(), TAGS[2].end);
    for (at, bit) in flips(row.bytes.len()) {
        let mut bad = row.clone();
        bad.bytes[at] ^= bit;
        let refused = bad.open_all(&keys).unwrap_err();
        let in_tag = TAGS.iter().any(|tag| tag.contains(&at));
        let fits = match at {
            0..3 => refused == Unopenable::Malformed,
            // A field number may still be in order; then the commitment tells.
            3..21 => matches!(refused, Unopenable::Malformed | Unopenable::Commitment),
            21..BODY => refused == Unopenable::Commitment,
            _ if in_tag => refused == Unopenable::Commitment,
            _ => refused == Unopenable::Field,
        };
        assert!(fits, "byte {at} bit {bit}: {refused:?}");
    }
}

#[test]
fn a23_every_cut_and_every_addition_to_a_sealed_record_is_malformed() {
    let keys = keys();
    let row = Row::sealed(&keys);
    for len in 0..row.bytes.len() {
        let mut bad = row.clone();
        bad.bytes.truncate(len);
        assert_eq!(bad.open_all(&keys).unwrap_err(), Unopenable::Malformed, "{len} bytes");
    }
    for more in [1, 16, 32] {
        let mut bad = row.clone();
        bad.bytes.extend(vec![0; more]);
        assert_eq!(bad.open_all(&keys).unwrap_err(), Unopenable::Malformed);
    }
}

#[test]
fn a23_every_flipped_byte_of_a_wrapped_key_and_its_number_is_refused_as_key() {
    let keys = keys();
    let row = Row::sealed(&keys);
    for (at, bit) in flips(48) {
        let mut bad = row.clone();
        bad.key.bytes[at] ^= bit;
        assert_eq!(bad.open_all(&keys).unwrap_err(), Unopenable::Key);
    }
    for bit in 0..16 {
        let mut bad = row.clone();
        bad.key.kek ^= 1 << bit; // bit 8 is the pepper's line
        assert_eq!(bad.open_all(&keys).unwrap_err(), Unopenable::Key);
    }
}

#[test]
fn a23_every_flipped_byte_of_a_heads_seal_is_refused_as_row_seal() {
    let keys = keys();
    let row = Row::sealed(&keys);
    for (at, bit) in flips(17) {
        let mut bad = row.clone();
        bad.seal.0[at] ^= bit;
        assert_eq!(bad.open_all(&keys).unwrap_err(), Unopenable::RowSeal);
    }
}

#[test]
fn a23_every_column_of_a_head_is_under_its_seal() {
    let keys = keys();
    let row = Row::sealed(&keys);
    let edits: [fn(&mut record::RecordHead); 14] = [
        |h| h.record = RecordId(super::support::locator(1002)),
        |h| h.subject = SubjectId(super::support::locator(1002)),
        |h| h.collection.0 ^= 1,
        |h| h.version.0 += 1,
        |h| h.head_version.0 += 1,
        |h| h.status = record::RecordStatus::Dying,
        |h| h.created_at.0 += 1,
        |h| h.expires_at = None,
        |h| h.expires_at = Some(Timestamp(1_800_000_000_001)),
        |h| h.generations[0].1.0 ^= 1,
        |h| h.generations[2].0.0 ^= 1,
        |h| h.generations.truncate(2),
        |h| h.generations.push((FieldNo(301), Generation(0))),
        |h| h.generations.swap(0, 1),
    ];
    for (number, edit) in edits.iter().enumerate() {
        let mut bad = row.clone();
        edit(&mut bad.head);
        assert_eq!(bad.open_all(&keys).unwrap_err(), Unopenable::RowSeal, "edit {number}");
    }
    for bit in 0..64 {
        let mut bad = row.clone();
        bad.head.created_at.0 ^= 1 << bit;
        assert_eq!(bad.open_all(&keys).unwrap_err(), Unopenable::RowSeal);
    }
}

#[test]
fn a23_a_head_without_expiry_is_not_one_that_expires_at_zero() {
    let keys = keys();
    let mut head = super::support::head();
    head.expires_at = None;
    let seal = keys.seal_head(&head);
    head.expires_at = Some(Timestamp(0));
    assert_eq!(keys.check_head(&head, &seal), Err(Unopenable::RowSeal));
}

#[test]
fn a23_every_flipped_and_every_missing_byte_of_a_keyring_file_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let root = KeyFile::create(&dir.path().join("root.key"), &mut Counted::from(500)).unwrap();
    let path = dir.path().join("keyring");
    keys().write(&path, &root, &mut Counted::from(600)).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    assert!(Keyring::open_file(&bytes, &root).is_ok());
    for (at, bit) in flips(bytes.len()) {
        let mut bad = bytes.clone();
        bad[at] ^= bit;
        assert!(Keyring::open_file(&bad, &root).is_err(), "byte {at} bit {bit}");
    }
    for len in 0..bytes.len() {
        assert!(Keyring::open_file(&bytes[..len], &root).is_err(), "{len} bytes");
    }
    assert!(Keyring::open_file(&[&bytes[..], &[0]].concat(), &root).is_err());
}

#[test]
fn a23_every_other_character_in_a_token_name_or_secret_is_refused() {
    let keys = keys();
    let pointer = Pointer {
        kind: PointerKind::Record,
        locator: super::support::locator(1001),
        field: FieldNo(3),
        generation: Generation(11),
        audience: AudienceNo(2),
    };
    let token = keys.mint_token(&pointer);
    let name = keys.name(NameKind::Record, pointer.locator);
    let secret = keys.new_secret(SecretKind::ApiKey, &mut Counted::from(700)).unwrap().0;
    let others = |text: &str, check: &dyn Fn(&str) -> bool| {
        assert!(check(text));
        for at in 0..text.len() {
            for other in (0x20_u8..0x7f).filter(|c| *c != text.as_bytes()[at]) {
                let mut bad = text.as_bytes().to_vec();
                bad[at] = other;
                assert!(!check(std::str::from_utf8(&bad).unwrap()), "place {at}, {}", char::from(other));
            }
        }
        for bad in [format!("{text}0"), format!(" {text}"), text[..text.len() - 1].to_owned(), String::new()]
        {
            assert!(!check(&bad));
        }
    };
    others(&token, &|t| keys.open_token(t).is_some());
    others(&name, &|t| keys.locate(NameKind::Record, t).is_some());
    others(secret.expose(), &|t| keys.digest_secret(SecretKind::ApiKey, t).is_some());
}

#[test]
fn a29_another_vaults_keys_open_nothing() {
    let row = Row::sealed(&keys());
    let other = Keyring::create(vault(8), false, &mut Counted::from(0)).unwrap();
    assert_eq!(row.open_all(&other).unwrap_err(), Unopenable::Key, "equal keys, another vault id");
    let foreign = Keyring::create(vault(7), false, &mut Counted::from(50)).unwrap();
    assert_eq!(row.open_all(&foreign).unwrap_err(), Unopenable::RowSeal, "other keys, equal vault id");
}
