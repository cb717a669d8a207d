//! The privacy policy: TOML parsed and compiled, and the pure judge over it.
//!
//! No I/O, no clock, no randomness, no panic. [`Permit`], [`WritePermit`] have private fields: only a decision makes one (I2).

use crate::domain::client::ClientRow;
use crate::domain::date::Date;
use crate::domain::field::{FieldType, Form, Mask};
use crate::domain::rule::RuleSet;
use crate::domain::subject::{RecordFacts, Region, SubjectState};
use crate::domain::value::ValueOptions;
use crate::domain::*;
use std::net::IpAddr;
use std::time::Duration;

/// Names to numbers, kept over all policy versions: a number is never given to another name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Numbering {}

impl Numbering {
    /// Canonical bytes, sealed with the policy version.
    pub fn to_bytes(&self) -> Vec<u8> {
        todo!()
    }
    /// Reads them back; `None` when malformed.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let _ = bytes;
        todo!()
    }
}

/// One fault of a policy file: where, what, and what to write instead.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PolicyError {
    /// 1-based line, 0 when the file as a whole is meant.
    pub line: usize,
    /// 1-based column.
    pub column: usize,
    /// Dotted path, e.g. `clients.storefront.grants[0].plain`.
    pub path: String,
    /// What is wrong and what to write instead.
    pub message: String,
}

/// How a field may be searched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Search {
    /// Exactly, by the full 128-bit blind value.
    Exact,
    /// Together with a part of another field of the same record (`shipping.name` with `address.postcode`); truncated.
    Compound {
        /// The other field.
        with: FieldNo,
        /// The part within it, if composite.
        part: Option<String>,
    },
}

/// What the policy says of a field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldFacts {
    /// Its number.
    pub no: FieldNo,
    /// Its collection.
    pub collection: CollectionNo,
    /// Short name, `email`.
    pub name: String,
    /// Full name, `contact.email`.
    pub full_name: String,
    /// Its type.
    pub kind: FieldType,
    /// Options of the type.
    pub options: ValueOptions,
    /// Sensitivity 1 ..= 5: the cost of reading it.
    pub sensitivity: u8,
    /// Its mask.
    pub mask: Mask,
    /// A record of the collection must have it.
    pub required: bool,
    /// Whether and how it is searchable.
    pub search: Option<Search>,
}

/// What the policy says of a client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientFacts {
    /// Its number (also the number of its audience of one).
    pub no: ClientNo,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub country: Region,
    /// From where it may call.
    pub networks: Vec<Cidr>,
    /// `["key"]`, `["mtls"]`, `["mtls","key"]`: key accepted?
    pub accepts_key: bool,
    /// Client certificate required or accepted?
    pub accepts_mtls: bool,
    /// Limits, as declared.
    pub limits: ClientLimits,
}

/// Declared limits of a client; generous defaults where the policy is silent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClientLimits {
    /// Requests a second (token bucket; burst = 2 s worth).
    pub requests_per_second: u32,
    /// Cost units (records × sensitivity) an hour.
    pub reads_per_hour: u32,
    /// Distinct subjects a day.
    pub subjects_per_day: u32,
}

/// An IP network.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cidr {
    /// Network address.
    pub address: IpAddr,
    /// Prefix length.
    pub length: u8,
}

impl Cidr {
    /// Reads `10.0.0.0/8`, `::1/128`; host bits must be zero.
    pub fn parse(text: &str) -> Option<Self> {
        let _ = text;
        todo!()
    }
    /// Whether the address lies inside (IPv4-mapped IPv6 counts as IPv4).
    pub fn contains(&self, address: IpAddr) -> bool {
        let _ = address;
        todo!()
    }
}

/// The compiled policy.
pub struct Policy {}

/// Who asks, as authenticated (never as claimed).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Asker {
    /// The client.
    pub client: ClientNo,
    /// Its row says suspended.
    pub suspended: bool,
    /// The key it proved has expired or was withdrawn.
    pub key_expired: bool,
    /// The peer's address is in a declared network.
    pub network_allowed: bool,
}

/// What the asker wants to do with fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wish {
    /// Detokenize; `None`: plain where granted, else masked.
    Read(Option<Form>),
    /// Store or change.
    Write,
    /// Search by the field.
    Search,
    /// Verify a credential.
    Verify,
}

/// Whether a context was given and verified.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContextState {
    /// None was named.
    Absent,
    /// One was named, not verified for this subject.
    Unverified,
    /// One was named and verified.
    Verified,
}

/// A whole request, before any row is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Question {
    /// Who.
    pub asker: Asker,
    /// What.
    pub wish: Wish,
    /// For which purpose; `None` when the name is not in the policy (refused as not granted).
    pub purpose: Option<PurposeNo>,
    /// For whom; `Some(None)`: a recipient was named that is not registered.
    pub recipient: Option<Option<RecipientNo>>,
    /// Context.
    pub context: ContextState,
    /// Today (UTC), for contracts.
    pub today: Date,
}

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

/// A refusal: the first failing rule in the fixed order, and all of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Denial {
    /// The rule that is reported.
    pub rule: Rule,
    /// Every rule that failed.
    pub all: RuleSet,
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
    /// The question it answers.
    pub fn question(&self) -> &Question {
        &self.question
    }
}

impl Policy {
    /// Parses and compiles a policy file, keeping the numbers of earlier versions. All faults at once.
    pub fn compile(text: &str, previous: &Numbering) -> Result<Self, Vec<PolicyError>> {
        let _ = (text, previous);
        todo!()
    }
    /// Numbers of this and all earlier versions.
    pub fn numbering(&self) -> &Numbering {
        todo!()
    }
    /// The version.
    pub fn version(&self) -> PolicyVersion {
        todo!()
    }
    /// The policy's name.
    pub fn name(&self) -> &str {
        todo!()
    }
    /// Number of a collection.
    pub fn collection(&self, name: &str) -> Option<CollectionNo> {
        let _ = name;
        todo!()
    }
    /// Name of a collection.
    pub fn collection_name(&self, no: CollectionNo) -> Option<&str> {
        let _ = no;
        todo!()
    }
    /// Every collection of this version.
    pub fn collections(&self) -> impl Iterator<Item = (CollectionNo, &str)> {
        std::iter::empty()
    }
    /// A field by its short name within a collection.
    pub fn field(&self, collection: CollectionNo, name: &str) -> Option<&FieldFacts> {
        let _ = (collection, name);
        todo!()
    }
    /// A field by number.
    pub fn field_facts(&self, no: FieldNo) -> Option<&FieldFacts> {
        let _ = no;
        todo!()
    }
    /// Fields of a collection, ascending by number.
    pub fn fields_of(&self, collection: CollectionNo) -> impl Iterator<Item = &FieldFacts> {
        let _ = collection;
        std::iter::empty()
    }
    /// Number of a purpose.
    pub fn purpose(&self, name: &str) -> Option<PurposeNo> {
        let _ = name;
        todo!()
    }
    /// Name of a purpose.
    pub fn purpose_name(&self, no: PurposeNo) -> Option<&str> {
        let _ = no;
        todo!()
    }
    /// Whether the purpose rests on consent.
    pub fn rests_on_consent(&self, no: PurposeNo) -> bool {
        let _ = no;
        todo!()
    }
    /// A client by name.
    pub fn client(&self, name: &str) -> Option<&ClientFacts> {
        let _ = name;
        todo!()
    }
    /// A client by number.
    pub fn client_facts(&self, no: ClientNo) -> Option<&ClientFacts> {
        let _ = no;
        todo!()
    }
    /// Every client declared.
    pub fn clients(&self) -> impl Iterator<Item = &ClientFacts> {
        std::iter::empty()
    }
    /// Number of a recipient (processor or third party).
    pub fn recipient(&self, name: &str) -> Option<RecipientNo> {
        let _ = name;
        todo!()
    }
    /// Name of a recipient.
    pub fn recipient_name(&self, no: RecipientNo) -> Option<&str> {
        let _ = no;
        todo!()
    }
    /// Number of an audience: a declared group, or a client's group of one.
    pub fn audience(&self, name: &str) -> Option<AudienceNo> {
        let _ = name;
        todo!()
    }
    /// Name of an audience.
    pub fn audience_name(&self, no: AudienceNo) -> Option<&str> {
        let _ = no;
        todo!()
    }
    /// Whether a client is in an audience.
    pub fn audience_has(&self, audience: AudienceNo, client: ClientNo) -> bool {
        let _ = (audience, client);
        todo!()
    }
    /// The audience of a collection's tokens when none is named.
    pub fn default_audience(&self, collection: CollectionNo) -> Option<AudienceNo> {
        let _ = collection;
        todo!()
    }
    /// Whether subjects of this region are served.
    pub fn serves(&self, region: Region) -> bool {
        let _ = region;
        todo!()
    }
    /// Majority in a region (C10).
    pub fn minimum_age(&self, region: Region) -> u16 {
        let _ = region;
        todo!()
    }
    /// Whether a subject with neither birth date nor attestation is taken (`unknown = "attest"` takes it as attested).
    pub fn takes_unknown_age(&self) -> bool {
        todo!()
    }
    /// Whether the client is granted an act (`"subject.create"`, `"consent.record:newsletter"`), with asker checks first.
    pub fn judge_act(&self, asker: &Asker, act: &str) -> Result<(), Denial> {
        let _ = (asker, act);
        todo!()
    }
    /// The asker checks alone: suspended, key expired, network.
    pub fn judge_asker(&self, asker: &Asker) -> Result<(), Denial> {
        let _ = asker;
        todo!()
    }
    /// Static half, whole request: asker, purpose, recipient known and in force, transfer pair of caller and recipient.
    pub fn judge_request(&self, question: &Question) -> Result<Leave, Denial> {
        let _ = question;
        todo!()
    }
    /// Static half, one field: granted for the purpose in this form, within the recipient's ceiling.
    pub fn judge_field(&self, leave: &Leave, field: FieldNo) -> Result<FieldLeave, Denial> {
        let _ = (leave, field);
        todo!()
    }
    /// Subject half: restriction, objection, basis, recipient consent, transfer by the subject's region, notice, context.
    pub fn judge_subject(
        &self,
        leave: &Leave,
        fields: &[FieldLeave],
        subject: &SubjectState,
        facts: RecordFacts,
        target: Target,
    ) -> Result<Permit, Denial> {
        let _ = (leave, fields, subject, facts, target);
        todo!()
    }
    /// Leave to write: every field granted for writing under the purpose (C08), the subject not restricted.
    pub fn judge_write(
        &self,
        question: &Question,
        collection: CollectionNo,
        fields: &[FieldNo],
        subject: &SubjectState,
    ) -> Result<WritePermit, Denial> {
        let _ = (question, collection, fields, subject);
        todo!()
    }
    /// Purposes × fields × forms granted to a client, for `whoami` and `explain`, as (purpose, field, "plain"|"masked"|"write"|"search"|"verify").
    pub fn grants_of(&self, client: ClientNo) -> Vec<(PurposeNo, FieldNo, &'static str)> {
        let _ = client;
        todo!()
    }
    /// Acts granted to a client.
    pub fn acts_of(&self, client: ClientNo) -> Vec<&str> {
        let _ = client;
        todo!()
    }
    /// Longest keep declared for a token's default expiry, if the collection sets one.
    pub fn retention_of(&self, collection: CollectionNo) -> Option<Duration> {
        let _ = collection;
        todo!()
    }
    /// Says in words which rule decides, for `policy explain`.
    pub fn explain(&self, question: &Question, field: FieldNo, subject: Option<&SubjectState>) -> String {
        let _ = (question, field, subject);
        todo!()
    }
}
/// Kept so that stubs use every import.
#[doc(hidden)]
pub fn _stub(_: &ClientRow) {}
