//! A record of nobody, sealed in memory: opened when a token finds nothing, so that every outcome takes the same work (I5).

use super::{Fields, Keyring, SealedRecord, StoredRecord, Table, Unopenable};
use crate::domain::record::{RecordHead, RecordStatus, RowSeal};
use crate::domain::{
    CollectionNo, Entropy, FieldNo, Generation, Locator, Part, RecordId, SubjectId, Timestamp, Version,
};
use crate::policy::WritePermit;

/// Bytes of a subject row as it usually is.
const SUBJECT_ROW: [u8; 48] = [0; 48];

/// Bytes of a grant's row as it usually is.
const GRANT_ROW: [u8; 48] = [0; 48];

/// The dummy.
pub struct Dummy {
    head: RecordHead,
    sealed: SealedRecord,
    subject_seal: RowSeal,
    grant_seal: RowSeal,
}

impl Dummy {
    /// Seals it; it is never stored and its locator is never given out.
    pub fn new(keys: &Keyring, entropy: &mut dyn Entropy) -> Result<Self, Unopenable> {
        let locator = Locator::new(1, Part::truncate(0)).ok_or(Unopenable::Malformed)?;
        let head = RecordHead {
            record: RecordId(locator),
            subject: SubjectId(locator),
            collection: CollectionNo(0),
            version: Version(1),
            head_version: Version(1),
            status: RecordStatus::Dying,
            created_at: Timestamp(0),
            expires_at: None,
            generations: (0..3).map(|f| (FieldNo(f), Generation(0))).collect(),
        };
        let fields = Fields((0..3).map(|f| (f, vec![0; 24])).collect());
        let permit = WritePermit::dangerous_dummy(CollectionNo(0), &[FieldNo(0), FieldNo(1), FieldNo(2)]);
        let sealed = keys.seal(&permit, &head, &fields, false, entropy)?;
        let subject_seal =
            keys.seal_row(Table::Subjects, &locator.get().to_be_bytes(), Version(1), &SUBJECT_ROW);
        let grant_seal = keys.seal_row(Table::Grants, &locator.get().to_be_bytes(), Version(1), &GRANT_ROW);
        Ok(Self { head, sealed, subject_seal, grant_seal })
    }

    /// A place where nothing is: its own, which is never given out.
    pub fn locator(&self) -> Locator {
        self.head.record.0
    }

    /// Does what checking a grant does; whether it succeeded.
    pub fn check_grant(&self, keys: &Keyring) -> bool {
        let locator = self.head.record.0.get().to_be_bytes();
        keys.check_row(Table::Grants, &locator, Version(1), &GRANT_ROW, &self.grant_seal).is_ok()
    }

    /// Does what opening one field of a real record does, and forgets it.
    pub fn open(&self, keys: &Keyring) {
        std::hint::black_box(self.opened(keys));
    }

    /// Whether each step succeeded: only then was the work that of a real record.
    pub(in crate::crypto) fn opened(&self, keys: &Keyring) -> [bool; 3] {
        let locator = self.head.record.0.get().to_be_bytes();
        let subject = keys.check_row(Table::Subjects, &locator, Version(1), &SUBJECT_ROW, &self.subject_seal);
        let head = keys.check_head(&self.head, &self.sealed.seal);
        let stored = StoredRecord {
            head: &self.head,
            seal: &self.sealed.seal,
            bytes: &self.sealed.bytes,
            key: &self.sealed.key,
        };
        let opened = keys.open_one(stored, FieldNo(1)).map(zeroize::Zeroizing::new);
        [subject.is_ok(), head.is_ok(), opened.is_ok_and(|fields| fields.0.len() == 1)]
    }
}
