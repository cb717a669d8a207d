//! One vault, one record, and randomness that can be counted on.

use crate::crypto::hazmat::hash::sha256;
use crate::crypto::{Fields, Keyring, SealedRecord, StoredRecord, Unopenable};
use crate::domain::disclosure::EventTicket;
use crate::domain::entropy::EntropyFailed;
use crate::domain::field::Form;
use crate::domain::record::{RecordHead, RecordStatus};
use crate::domain::*;
use crate::policy::{Permit, WritePermit};

/// Block `n` is SHA-256 of a label and `n`: the vectors can be made again anywhere.
pub(super) struct Counted(u64);

impl Counted {
    pub(super) fn from(start: u64) -> Self {
        Self(start)
    }
}

impl Entropy for Counted {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyFailed> {
        for chunk in out.chunks_mut(32) {
            let block = sha256(&[b"strongroom vectors", &self.0.to_be_bytes()]);
            chunk.copy_from_slice(&block[..chunk.len()]);
            self.0 += 1;
        }
        Ok(())
    }
}

/// A generator that is stuck.
pub(super) struct Stuck;

impl Entropy for Stuck {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyFailed> {
        out.fill(0x42);
        Ok(())
    }
}

/// A generator that gives nothing.
pub(super) struct Broken;

impl Entropy for Broken {
    fn fill(&mut self, _: &mut [u8]) -> Result<(), EntropyFailed> {
        Err(EntropyFailed)
    }
}

pub(super) fn vault(byte: u8) -> VaultId {
    VaultId([byte; 16])
}

/// Keys of vault 7, the same with every call.
pub(super) fn keys() -> Keyring {
    Keyring::create(vault(7), false, &mut Counted::from(0)).unwrap()
}

pub(super) fn locator(counter: u64) -> Locator {
    Locator::new(counter, Part::truncate(0x5a5)).unwrap()
}

/// Fields 3, 8 and 300 of collection 5.
pub(super) fn head() -> RecordHead {
    RecordHead {
        record: RecordId(locator(1001)),
        subject: SubjectId(locator(1000)),
        collection: CollectionNo(5),
        version: Version(2),
        head_version: Version(3),
        status: RecordStatus::Live,
        created_at: Timestamp(1_700_000_000_000),
        expires_at: Some(Timestamp(1_800_000_000_000)),
        generations: vec![
            (FieldNo(3), Generation(11)),
            (FieldNo(8), Generation(12)),
            (FieldNo(300), Generation(13)),
        ],
    }
}

/// Fields 3 and 8 pad to the same length, so that they could be exchanged.
pub(super) fn fields() -> Fields {
    Fields(vec![(3, b"Ada".to_vec()), (8, b"Lovelace".to_vec()), (300, vec![b'x'; 200])])
}

pub(super) fn write_permit() -> WritePermit {
    WritePermit::for_tests(CollectionNo(5), &[FieldNo(3), FieldNo(8), FieldNo(300)])
}

pub(super) fn seal(keys: &Keyring, head: &RecordHead, fields: &Fields) -> SealedRecord {
    keys.seal(&write_permit(), head, fields, false, &mut Counted::from(900)).unwrap()
}

/// A sealed record and its head, owned, to be altered one part at a time.
#[derive(Clone)]
pub(super) struct Row {
    pub(super) head: RecordHead,
    pub(super) seal: record::RowSeal,
    pub(super) bytes: Vec<u8>,
    pub(super) key: record::WrappedKey,
}

impl Row {
    pub(super) fn of(head: RecordHead, sealed: SealedRecord) -> Self {
        Self { head, seal: sealed.seal, bytes: sealed.bytes, key: sealed.key }
    }
    pub(super) fn sealed(keys: &Keyring) -> Self {
        Self::of(head(), seal(keys, &head(), &fields()))
    }
    pub(super) fn stored(&self) -> StoredRecord<'_> {
        StoredRecord { head: &self.head, seal: &self.seal, bytes: &self.bytes, key: &self.key }
    }
    /// Opens `fields` as their permit's owner would.
    pub(super) fn open(&self, keys: &Keyring, fields: &[u16]) -> Result<Vec<(u16, Vec<u8>)>, Unopenable> {
        let forms: Vec<_> = fields.iter().map(|f| (FieldNo(*f), Form::Plain)).collect();
        let permit = Permit::for_tests(self.head.record, self.head.version, &forms, CommitNo(1));
        let opened = keys.open(permit, &EventTicket::next(), self.stored())?;
        Ok(opened.dangerous_peek().0.clone())
    }
    pub(super) fn open_all(&self, keys: &Keyring) -> Result<Vec<(u16, Vec<u8>)>, Unopenable> {
        self.open(keys, &[3, 8, 300])
    }
}

/// Two bits of every byte, a different pair at each place; all eight within four bytes.
pub(super) fn flips(len: usize) -> impl Iterator<Item = (usize, u8)> {
    (0..len).flat_map(|at| {
        let first = (at % 4) * 2;
        [(at, 1_u8 << first), (at, 1 << (first + 1))]
    })
}
