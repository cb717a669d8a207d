//! I2: nothing opens or seals beyond its permit.

use super::reference::data_key;
use super::support::{Counted, Row, fields, head, keys, locator, seal, write_permit};
use crate::crypto::{Fields, Keyring, StoredRecord, Unopenable};
use crate::domain::disclosure::EventTicket;
use crate::domain::field::Form;
use crate::domain::record::{RecordHead, RecordStatus};
use crate::domain::*;
use crate::policy::{MaintenancePermit, Permit, WritePermit};

#[test]
fn i2_a_permit_opens_its_record_version_and_returns_its_fields_only() {
    let keys = keys();
    let row = Row::sealed(&keys);
    assert_eq!(row.open(&keys, &[8]).unwrap(), [(8, b"Lovelace".to_vec())]);
    assert_eq!(row.open(&keys, &[3, 300]).unwrap().len(), 2);
    assert_eq!(row.open(&keys, &[]).unwrap(), []);
    assert_eq!(row.open(&keys, &[4, 9]).unwrap(), [], "absent fields are absent");
    let forms = [(FieldNo(3), Form::Plain)];
    for (record, version) in [(locator(1002), 2), (locator(1000), 2), (locator(1001), 1), (locator(1001), 3)]
    {
        let permit = Permit::for_tests(RecordId(record), Version(version), &forms, CommitNo(1));
        let opened = keys.open(permit, &EventTicket::next(), row.stored());
        assert_eq!(opened.err(), Some(Unopenable::Permit));
        let upkeep = MaintenancePermit::dangerous_new(RecordId(record), Version(version));
        assert_eq!(keys.open_for_upkeep(&upkeep, row.stored()).err(), Some(Unopenable::Permit));
    }
    let upkeep = MaintenancePermit::dangerous_new(row.head.record, row.head.version);
    assert_eq!(keys.open_for_upkeep(&upkeep, row.stored()).unwrap().0, fields().0);
}

#[test]
fn i2_a_write_permit_seals_into_its_collection_and_fields_only() {
    let keys = keys();
    let seal = |permit: &WritePermit, fields: &[u16]| {
        let fields = Fields(fields.iter().map(|f| (*f, b"v".to_vec())).collect());
        keys.seal(permit, &head(), &fields, false, &mut Counted::from(1)).map(|_| ()).err()
    };
    let permit = WritePermit::for_tests(CollectionNo(5), &[FieldNo(3)]);
    assert_eq!(seal(&permit, &[3]), None);
    assert_eq!(seal(&permit, &[3, 8]), Some(Unopenable::Permit));
    assert_eq!(seal(&permit, &[8]), Some(Unopenable::Permit));
    let elsewhere = WritePermit::for_tests(CollectionNo(6), &[FieldNo(3)]);
    assert_eq!(seal(&elsewhere, &[3]), Some(Unopenable::Permit));
    assert_eq!(seal(&write_permit(), &[8, 3]), Some(Unopenable::Malformed));
    assert_eq!(seal(&write_permit(), &[3, 3]), Some(Unopenable::Malformed));
}

fn next() -> RecordHead {
    RecordHead { version: Version(3), head_version: Version(4), ..head() }
}

type Changes<'a> = &'a [(FieldNo, Option<&'a [u8]>)];

fn carry(
    keys: &Keyring,
    permit: &WritePermit,
    old: StoredRecord<'_>,
    changes: Changes<'_>,
    to: &RecordHead,
) -> Result<Row, Unopenable> {
    let changes: Vec<_> = changes.iter().map(|(f, v)| (*f, v.map(<[u8]>::to_vec))).collect();
    let sealed = keys.carry(permit, old, &changes, to, &mut Counted::from(77))?;
    Ok(Row::of(to.clone(), sealed))
}

#[test]
fn carry_keeps_what_was_not_named_byte_for_byte_and_leaves_the_old_version_whole() {
    let keys = keys();
    let old = Row::sealed(&keys);
    let before = old.clone();
    let permit = WritePermit::for_tests(CollectionNo(5), &[FieldNo(3), FieldNo(9)]);
    let changes: Changes<'_> = &[(FieldNo(9), Some(b"new")), (FieldNo(3), None)];
    let new = carry(&keys, &permit, old.stored(), changes, &next()).unwrap();
    let kept = vec![(8, b"Lovelace".to_vec()), (9, b"new".to_vec()), (300, vec![b'x'; 200])];
    assert_eq!(new.open(&keys, &[3, 8, 9, 300]).unwrap(), kept);
    assert_ne!(data_key(&keys, &new), data_key(&keys, &old), "I7: a version has a data key of its own");
    assert_eq!((&old.bytes, old.key, old.seal), (&before.bytes, before.key, before.seal));
    assert_eq!(old.open_all(&keys).unwrap(), fields().0);
    assert_eq!(Keyring::directory(&new.bytes).unwrap(), [8, 9, 300].map(FieldNo));
}

#[test]
fn i2_carry_changes_only_what_its_permit_names_and_only_in_place() {
    let keys = keys();
    let old = Row::sealed(&keys);
    let permit = WritePermit::for_tests(CollectionNo(5), &[FieldNo(3)]);
    let with = |permit: &WritePermit, changes: Changes<'_>, to: &RecordHead| {
        carry(&keys, permit, old.stored(), changes, to).map(|_| ()).err()
    };
    assert_eq!(with(&permit, &[(FieldNo(3), Some(b"v"))], &next()), None);
    assert_eq!(with(&permit, &[(FieldNo(8), Some(b"v"))], &next()), Some(Unopenable::Permit));
    assert_eq!(
        with(&permit, &[(FieldNo(8), None)], &next()),
        Some(Unopenable::Permit),
        "removing is writing"
    );
    let foreign = WritePermit::for_tests(CollectionNo(6), &[FieldNo(3)]);
    assert_eq!(with(&foreign, &[(FieldNo(3), None)], &next()), Some(Unopenable::Permit));
    let twice: Changes<'_> = &[(FieldNo(3), Some(b"a")), (FieldNo(3), Some(b"b"))];
    assert_eq!(with(&permit, twice, &next()), Some(Unopenable::Malformed));
    let wrong: [fn(&mut RecordHead); 5] = [
        |h| h.record = RecordId(locator(1002)),
        |h| h.subject = SubjectId(locator(1002)),
        |h| h.collection = CollectionNo(6),
        |h| h.version = Version(2),
        |h| h.head_version = Version(3),
    ];
    for (number, edit) in wrong.into_iter().enumerate() {
        let mut to = next();
        edit(&mut to);
        assert_eq!(with(&permit, &[], &to), Some(Unopenable::Permit), "edit {number}");
        let both = WritePermit::for_tests(to.collection, &[FieldNo(3)]);
        assert_eq!(with(&both, &[], &to), Some(Unopenable::Permit), "edit {number}, permit to match");
    }
}

#[test]
fn carry_refuses_an_old_version_that_does_not_open() {
    let keys = keys();
    let mut old = Row::sealed(&keys);
    let last = old.bytes.len() - 17;
    old.bytes[last] ^= 1;
    let made = carry(&keys, &write_permit(), old.stored(), &[(FieldNo(300), None)], &next());
    assert_eq!(made.map(|_| ()), Err(Unopenable::Field), "even in a field that is to be removed");
}

#[test]
fn rehead_keeps_the_data_readable_under_the_new_head_and_refuses_the_old_one() {
    let keys = keys();
    let old = Row::sealed(&keys);
    let mut to = RecordHead { head_version: Version(4), expires_at: None, ..head() };
    to.generations[0].1 = Generation(12);
    let (seal, key) = keys.rehead(old.stored(), &to).unwrap();
    let new = Row { head: to, seal, key, bytes: old.bytes.clone() };
    assert_eq!(new.open_all(&keys).unwrap(), fields().0);
    let replayed = Row { head: old.head.clone(), seal: old.seal, ..new.clone() };
    assert_eq!(replayed.open_all(&keys).unwrap_err(), Unopenable::Key);
    let kept_key = Row { key: old.key, ..new.clone() };
    assert_eq!(kept_key.open_all(&keys).unwrap_err(), Unopenable::Key);
}

#[test]
fn rehead_to_another_place_version_or_without_a_step_is_refused() {
    let keys = keys();
    let old = Row::sealed(&keys);
    let wrong: [fn(&mut RecordHead); 6] = [
        |h| h.record = RecordId(locator(1002)),
        |h| h.subject = SubjectId(locator(1002)),
        |h| h.collection = CollectionNo(6),
        |h| h.version = Version(3),
        |h| h.head_version = Version(3),
        |h| h.head_version = Version(2),
    ];
    for (number, edit) in wrong.into_iter().enumerate() {
        let mut to = RecordHead { head_version: Version(4), ..head() };
        edit(&mut to);
        assert_eq!(keys.rehead(old.stored(), &to).err(), Some(Unopenable::Permit), "edit {number}");
    }
    let dying = RecordHead { head_version: Version(4), status: RecordStatus::Dying, ..head() };
    let mut forged = old.clone();
    forged.head.status = RecordStatus::Dying;
    assert_eq!(keys.rehead(forged.stored(), &dying).err(), Some(Unopenable::RowSeal));
}

#[test]
fn a_credential_hangs_below_the_pepper_through_carry_and_rehead() {
    let keys = keys();
    let sealed = keys.seal(&write_permit(), &head(), &fields(), true, &mut Counted::from(3)).unwrap();
    let row = Row::of(head(), sealed);
    assert_eq!(row.key.kek >> 8, 1);
    let carried = carry(&keys, &write_permit(), row.stored(), &[], &next()).unwrap();
    assert_eq!(carried.key.kek >> 8, 1);
    let to = RecordHead { head_version: Version(4), ..head() };
    assert_eq!(keys.rehead(row.stored(), &to).unwrap().1.kek >> 8, 1);
    let mut as_data = row.clone();
    as_data.key.kek &= 0xff;
    assert_eq!(as_data.open_all(&keys).unwrap_err(), Unopenable::Key);
}

#[test]
fn values_at_the_caps_are_sealed_and_beyond_them_refused() {
    let keys = keys();
    let at = |sizes: &[usize]| {
        let fields = Fields(sizes.iter().zip([3, 8, 300]).map(|(n, f)| (f, vec![1; *n])).collect());
        keys.seal(&write_permit(), &head(), &fields, false, &mut Counted::from(1)).map(|_| ()).err()
    };
    assert_eq!(at(&[65_536, 65_536, 65_536]), None);
    assert_eq!(at(&[65_537]), Some(Unopenable::TooLarge));
    let numbers: Vec<_> = (0..1_025).map(FieldNo).collect();
    let permit = WritePermit::for_tests(CollectionNo(5), &numbers);
    let many = |count, size: usize| {
        let fields = Fields((0..count).map(|f| (f, vec![1; size])).collect());
        keys.seal(&permit, &head(), &fields, false, &mut Counted::from(1)).map(|sealed| sealed.bytes)
    };
    assert_eq!(many(1_025, 1).err(), Some(Unopenable::TooLarge));
    assert_eq!(many(5, 60_000).err(), Some(Unopenable::TooLarge));
    assert_eq!(Keyring::directory(&many(1_024, 256).unwrap()).unwrap().len(), 1_024);
    let row = Row::of(head(), seal(&keys, &head(), &Fields(vec![(3, vec![7; 65_536])])));
    assert_eq!(row.open(&keys, &[3]).unwrap()[0].1.len(), 65_536);
}
