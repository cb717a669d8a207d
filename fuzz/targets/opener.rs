//! Sealed records. A record opens as what was sealed; with any of its stored columns altered (head, seal, wrapped key or
//! sealed bytes) it opens, is carried on and gets a new head never. Bytes made up altogether are refused too, and their
//! directory, where it is read, ascends and stays within bounds.

use super::support::{Counted, Taken, keys};
use crate::crypto::{Fields, Keyring, StoredRecord};
use crate::domain::record::{RecordHead, RecordStatus, RowSeal, WrappedKey};
use crate::domain::{
    CollectionNo, FieldNo, Generation, Locator, Part, RecordId, SubjectId, Timestamp, Version,
};
use crate::policy::{MaintenancePermit, WritePermit};
use std::sync::LazyLock;

#[derive(Clone, PartialEq)]
struct Row {
    head: RecordHead,
    seal: RowSeal,
    key: WrappedKey,
    bytes: Vec<u8>,
}

impl Row {
    fn stored(&self) -> StoredRecord<'_> {
        StoredRecord { head: &self.head, seal: &self.seal, bytes: &self.bytes, key: &self.key }
    }
    fn open(&self, keys: &Keyring) -> Option<Vec<(u16, Vec<u8>)>> {
        let permit = MaintenancePermit::dangerous_new(self.head.record, self.head.version);
        let opened = keys.open_for_upkeep(&permit, self.stored());
        opened.ok().map(|fields| fields.0)
    }
}

fn head(fields: impl Iterator<Item = u16>) -> RecordHead {
    let locator = |n| Locator::new(n, Part::truncate(0x155)).unwrap_or_else(|| unreachable!());
    RecordHead {
        record: RecordId(locator(1_001)),
        subject: SubjectId(locator(1_000)),
        collection: CollectionNo(5),
        version: Version(2),
        head_version: Version(3),
        status: RecordStatus::Live,
        created_at: Timestamp(1_700_000_000_000),
        expires_at: None,
        generations: fields.map(|field| (FieldNo(field), Generation(1))).collect(),
    }
}

fn seal(keys: &Keyring, fields: Vec<(u16, Vec<u8>)>) -> Option<Row> {
    let head = head(fields.iter().map(|(field, _)| *field));
    let numbers: Vec<FieldNo> = fields.iter().map(|(field, _)| FieldNo(*field)).collect();
    let permit = WritePermit::dangerous_dummy(head.collection, &numbers);
    let sealed = keys.seal(&permit, &head, &Fields(fields), false, &mut Counted(77)).ok()?;
    Some(Row { head, seal: sealed.seal, key: sealed.key, bytes: sealed.bytes })
}

static KEYS: LazyLock<Keyring> = LazyLock::new(|| keys(3));
static GENUINE: LazyLock<Row> = LazyLock::new(|| {
    let fields = vec![(3, b"text".to_vec()), (8, b"more".to_vec()), (300, vec![b'x'; 90])];
    seal(&KEYS, fields).unwrap_or_else(|| unreachable!("three fields fit"))
});

/// The columns of the genuine record with some of their bytes changed.
fn altered(taken: &mut Taken<'_>) -> Row {
    let mut row = GENUINE.clone();
    while !taken.0.is_empty() {
        let (part, at, with) = (taken.byte(), usize::from(taken.short()), taken.byte());
        let flip = |bytes: &mut [u8]| {
            let length = bytes.len().max(1);
            bytes.iter_mut().skip(at % length).take(1).for_each(|byte| *byte ^= with);
        };
        let number = u64::from(with) << (at % 64);
        let locator = |old: Locator| Locator::from_raw(old.get() ^ number).unwrap_or(old);
        match part % 16 {
            0 => flip(&mut row.seal.0),
            1 => flip(&mut row.key.bytes),
            2 => row.key.kek ^= u16::from(with) << (at % 9),
            3 => row.head.record = RecordId(locator(row.head.record.0)),
            4 => row.head.subject = SubjectId(locator(row.head.subject.0)),
            5 => row.head.collection.0 ^= u16::from(with),
            6 => row.head.version.0 ^= u32::from(with),
            7 => row.head.head_version.0 ^= u32::from(with),
            8 => row.head.created_at.0 ^= i64::from(with),
            9 => row.head.expires_at = Some(Timestamp(i64::from(with))),
            10 => row.head.status = RecordStatus::Dying,
            11 => row.head.generations.push((FieldNo(301 + u16::from(with)), Generation(1))),
            12 => row.bytes.truncate(at),
            13 => row.bytes.insert(at % (row.bytes.len() + 1), with),
            _ => flip(&mut row.bytes),
        }
    }
    row
}

fn never_opens(row: &Row) {
    assert!(row.open(&KEYS).is_none(), "an altered record opened");
    let mut newer = row.head.clone();
    newer.head_version.0 = newer.head_version.0.saturating_add(1);
    assert!(KEYS.rehead(row.stored(), &newer).is_err(), "an altered record got a new head");
    newer.version.0 = newer.version.0.saturating_add(1);
    let permit = WritePermit::dangerous_dummy(newer.collection, &[]);
    let carried = KEYS.carry(&permit, row.stored(), &[], &newer, &mut Counted(5));
    assert!(carried.is_err(), "an altered record was carried on");
}

/// `rehead` looks at the head and the key alone: bytes that are altered are found when they are opened.
fn bytes_never_open(bytes: &[u8]) {
    if bytes != GENUINE.bytes {
        let row = Row { bytes: bytes.to_vec(), ..GENUINE.clone() };
        assert!(row.open(&KEYS).is_none(), "made-up bytes opened");
    }
}

fn round_trip(taken: &mut Taken<'_>) {
    let mut fields: Vec<(u16, Vec<u8>)> = Vec::new();
    while !taken.0.is_empty() && fields.len() < 40 {
        let (field, length) = (taken.short(), usize::from(taken.byte()));
        let (value, rest) = taken.0.split_at(length.min(taken.0.len()));
        fields.push((field, value.repeat(1 + length / 64)));
        *taken = Taken(rest);
    }
    fields.sort();
    fields.dedup_by_key(|(field, _)| *field);
    let Some(row) = seal(&KEYS, fields.clone()) else { return };
    assert_eq!(row.open(&KEYS).as_ref(), Some(&fields), "a record does not open as what was sealed");
    let directory = Keyring::directory(&row.bytes).unwrap_or_default();
    assert!(directory.iter().map(|field| field.0).eq(fields.iter().map(|(field, _)| *field)));
}

pub(super) fn run(data: &[u8]) {
    let Some((how, rest)) = data.split_first() else { return };
    match how % 3 {
        0 => {
            if let Ok(fields) = Keyring::directory(rest) {
                assert!(
                    fields.windows(2).all(|pair| matches!(pair, [a, b] if a < b)),
                    "fields do not ascend"
                );
                assert!(rest.len() >= 3 + 32 + fields.len() * (6 + 16), "fields that are not there");
            }
            bytes_never_open(rest);
        }
        1 => {
            let row = altered(&mut Taken(rest));
            if row.head == GENUINE.head && row.seal == GENUINE.seal && row.key == GENUINE.key {
                bytes_never_open(&row.bytes);
            } else {
                never_opens(&row);
            }
        }
        _ => round_trip(&mut Taken(rest)),
    }
    assert!(GENUINE.open(&KEYS).is_some_and(|fields| fields.len() == 3), "the genuine record must open");
}
