//! The values a decision leaves behind. Their fields are private and only the judge makes them (I2): code that opens
//! or seals asks for one, so that skipping the judge does not compile.

use super::question::{ContextState, Question};
use crate::domain::field::Form;
use crate::domain::{CollectionNo, CommitNo, FieldNo, PurposeNo, RecordId, Version};

/// The whole-request static half passed. Private fields: only the judge makes one.
#[derive(Clone, Copy, Debug)]
pub struct Leave {
    question: Question,
}

/// The static half passed for one field too, in this form.
#[derive(Clone, Copy, Debug)]
pub struct FieldLeave {
    field: FieldNo,
    form: Form,
}

/// The judge's leave to open named fields of one record version. Not `Clone`, no public constructor (I2).
#[derive(Debug)]
pub struct Permit {
    record: RecordId,
    version: Version,
    fields: smallvec::SmallVec<[(FieldNo, Form); 4]>,
    purpose: Option<PurposeNo>,
    read_at: CommitNo,
}

/// Leave to seal these fields into a record of this collection.
#[derive(Debug)]
pub struct WritePermit {
    collection: CollectionNo,
    fields: Vec<FieldNo>,
}

/// Leave for the vault's own upkeep; made in `vault/` only, each with an event (`tests/architecture.rs`).
#[derive(Debug)]
pub struct MaintenancePermit {
    record: RecordId,
    version: Version,
}

/// Which record version a permit is asked for, and at which commit it was read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Target {
    /// The record.
    pub record: RecordId,
    /// Its version.
    pub version: Version,
    /// The snapshot.
    pub read_at: CommitNo,
}

impl Permit {
    /// Only the judge calls this.
    pub(super) fn new(leave: &Leave, leaves: &[FieldLeave], target: Target) -> Self {
        let fields = leaves.iter().map(|l| (l.field, l.form)).collect();
        let Target { record, version, read_at } = target;
        Self { record, version, fields, purpose: leave.question.purpose, read_at }
    }
    /// A permit without a decision, for tests of the rooms that ask for one.
    #[cfg(test)]
    pub(crate) fn for_tests(
        record: RecordId,
        version: Version,
        fields: &[(FieldNo, Form)],
        read_at: CommitNo,
    ) -> Self {
        Self { record, version, fields: fields.iter().copied().collect(), purpose: None, read_at }
    }
    /// The record it opens.
    pub fn record(&self) -> RecordId {
        self.record
    }
    /// The version it opens.
    pub fn version(&self) -> Version {
        self.version
    }
    /// In which form it opens a field; `None`: not at all.
    pub fn form(&self, field: FieldNo) -> Option<Form> {
        self.fields.iter().find(|(f, _)| *f == field).map(|(_, m)| *m)
    }
    /// Fields and forms.
    pub fn fields(&self) -> &[(FieldNo, Form)] {
        &self.fields
    }
    /// For which purpose.
    pub fn purpose(&self) -> Option<PurposeNo> {
        self.purpose
    }
    /// At which commit the rows were read.
    pub fn read_at(&self) -> CommitNo {
        self.read_at
    }
}

impl WritePermit {
    /// Only the judge calls this: fields ascending, each once.
    pub(super) fn new(collection: CollectionNo, fields: &[FieldNo]) -> Self {
        let mut fields = fields.to_vec();
        fields.sort_unstable();
        fields.dedup();
        Self { collection, fields }
    }
    /// Seals a dummy that is never stored, so that an absent credential costs what a present one does. Only `crypto`
    /// calls this.
    pub(crate) fn dangerous_dummy(collection: CollectionNo, fields: &[FieldNo]) -> Self {
        Self::new(collection, fields)
    }
    /// A permit without a decision, for tests of the rooms that ask for one.
    #[cfg(test)]
    pub(crate) fn for_tests(collection: CollectionNo, fields: &[FieldNo]) -> Self {
        Self::new(collection, fields)
    }
    /// The collection.
    pub fn collection(&self) -> CollectionNo {
        self.collection
    }
    /// The fields, ascending.
    pub fn fields(&self) -> &[FieldNo] {
        &self.fields
    }
}

impl MaintenancePermit {
    /// Only `vault` calls this, with an event that says why.
    pub(crate) fn dangerous_new(record: RecordId, version: Version) -> Self {
        Self { record, version }
    }
    /// The record.
    pub fn record(&self) -> RecordId {
        self.record
    }
    /// The version.
    pub fn version(&self) -> Version {
        self.version
    }
}

impl FieldLeave {
    /// Only the judge calls this.
    pub(super) fn new(field: FieldNo, form: Form) -> Self {
        Self { field, form }
    }
    /// The field.
    pub fn field(&self) -> FieldNo {
        self.field
    }
    /// The form it will be shown in.
    pub fn form(&self) -> Form {
        self.form
    }
}

impl Leave {
    /// Only the judge calls this.
    pub(super) fn new(question: Question) -> Self {
        Self { question }
    }
    /// The same leave for one subject, for whom the named context was looked up. A context that was not named stays
    /// absent, whatever was looked up.
    pub fn in_context(&self, verified: bool) -> Self {
        let context = match self.question.context {
            ContextState::Absent => ContextState::Absent,
            _ if verified => ContextState::Verified,
            _ => ContextState::Unverified,
        };
        Self { question: Question { context, ..self.question } }
    }
    /// The question it answers.
    pub fn question(&self) -> &Question {
        &self.question
    }
}
