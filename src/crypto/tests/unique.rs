//! A31: keys never repeat; when randomness fails, only equality leaks.

use super::support::{Broken, Counted, Row, Stuck, fields, head, keys, locator, write_permit};
use crate::crypto::{Fields, SecretKind, Unopenable};
use crate::domain::entropy::OsEntropy;
use crate::domain::*;
use std::collections::HashSet;

fn stuck(edit: impl FnOnce(&mut record::RecordHead, &mut Fields)) -> Row {
    let (mut head, mut fields) = (head(), fields());
    edit(&mut head, &mut fields);
    let permit = crate::policy::WritePermit::for_tests(head.collection, &[3, 4, 8, 300].map(FieldNo));
    let sealed = keys().seal(&permit, &head, &fields, false, &mut Stuck).unwrap();
    Row::of(head, sealed)
}

#[test]
fn a31_twenty_thousand_seals_of_one_record_take_twenty_thousand_keys() {
    // A million by STRONGROOM_LONG.
    let count = if std::env::var_os("STRONGROOM_LONG").is_some() { 1_000_000 } else { 20_000 };
    let (keys, head) = (keys(), head());
    let small = Fields(vec![(3, b"Ada".to_vec())]);
    let (mut wrapped, mut sealed) = (HashSet::new(), HashSet::new());
    for _ in 0..count {
        let made = keys.seal(&write_permit(), &head, &small, false, &mut OsEntropy).unwrap();
        assert!(wrapped.insert(made.key.bytes));
        assert!(sealed.insert(made.bytes));
    }
}

#[test]
fn a31_a_stuck_generator_repeats_a_key_only_for_the_same_content_at_the_same_place() {
    let same = stuck(|_, _| ());
    let again = stuck(|_, _| ());
    assert_eq!((same.key.bytes, same.bytes), (again.key.bytes, again.bytes.clone()));
    let data_key = |row: &Row| super::reference::data_key(&keys(), row);
    let first = data_key(&again);
    let mut seen = HashSet::from([first]);
    let others = [
        stuck(|h, _| h.record = RecordId(locator(1002))),
        stuck(|h, _| h.version.0 += 1),
        stuck(|_, f| f.0[0].1 = b"Adb".to_vec()),
        stuck(|_, f| f.0[0].0 = 4),
        stuck(|_, f| f.0.truncate(2)),
        stuck(|_, f| f.0[0].1 = b"Ada\x80".to_vec()),
        stuck(|_, f| (f.0[0].1, f.0[1].1) = (b"Lovelace".to_vec(), b"Ada".to_vec())),
    ];
    for (number, other) in others.iter().enumerate() {
        assert!(seen.insert(data_key(other)), "case {number}");
    }
    // Subject and collection are no part of the hedge: they are in the AAD, which makes other field keys.
    let elsewhere = stuck(|h, _| h.subject = SubjectId(locator(999)));
    assert_eq!(data_key(&elsewhere), first);
    assert_ne!(elsewhere.bytes[53..], again.bytes[53..]);
}

#[test]
fn a31_a_cloned_machine_that_seals_different_values_repeats_no_keystream() {
    let (one, two) = (stuck(|_, f| f.0[2].1 = vec![b'a'; 200]), stuck(|_, f| f.0[2].1 = vec![b'b'; 200]));
    let body = |row: &Row| row.bytes[row.bytes.len() - 272..][..200].to_vec();
    let xor: HashSet<u8> = body(&one).iter().zip(body(&two)).map(|(a, b)| a ^ b).collect();
    assert!(xor.len() > 50, "one keystream would leave one difference: {}", xor.len());
}

#[test]
fn i11_without_randomness_nothing_is_sealed_minted_or_created() {
    let keys = keys();
    let sealed = keys.seal(&write_permit(), &head(), &fields(), false, &mut Broken);
    assert_eq!(sealed.err(), Some(Unopenable::Entropy));
    let secret = keys.new_secret(SecretKind::ApiKey, &mut Broken).err();
    assert_eq!(secret, Some(Unopenable::Entropy));
    assert!(crate::crypto::Keyring::create(super::support::vault(1), false, &mut Broken).is_err());
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("root.key");
    assert!(crate::crypto::root::KeyFile::create(&path, &mut Broken).is_err());
    assert!(!path.exists(), "no empty key file is left");
    let root = crate::crypto::root::KeyFile::create(&path, &mut Counted::from(1)).unwrap();
    let keyring = dir.path().join("keyring");
    assert!(keys.write(&keyring, &root, &mut Broken).is_err());
    assert!(!keyring.exists());
}

#[test]
fn a_generator_that_gives_only_refused_bytes_makes_no_secret_and_does_not_hang() {
    struct High;
    impl Entropy for High {
        fn fill(&mut self, out: &mut [u8]) -> Result<(), entropy::EntropyFailed> {
            out.fill(0xff);
            Ok(())
        }
    }
    assert_eq!(keys().new_secret(SecretKind::Session, &mut High).err(), Some(Unopenable::Entropy));
}
