//! A subject's state: everything the judge needs to know about a person, and nothing about who they are.

use super::clock;
use super::{CollectionNo, FieldNo, PurposeNo, RecipientNo, Timestamp};

/// Two ASCII upper-case letters: ISO 3166-1 alpha-2.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Region(pub [u8; 2]);

impl Region {
    /// Reads two upper-case letters (whether the country exists is `value::country`'s question).
    pub fn parse(text: &str) -> Option<Self> {
        match text.as_bytes() {
            [a, b] if a.is_ascii_uppercase() && b.is_ascii_uppercase() => Some(Self([*a, *b])),
            _ => None,
        }
    }
    /// The two letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("??")
    }
}

/// Where a subject stands in its life.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum SubjectStatus {
    /// Served.
    Active = 1,
    /// All purposes refused but those the policy excepts.
    Restricted = 2,
    /// Erasure has begun.
    Erasing = 3,
    /// Erased but for what a duty keeps.
    PartlyErased = 4,
    /// Nothing left.
    Erased = 5,
}

/// How the subject's majority is known.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum AgeClass {
    /// Checked against a birth date that was then dropped.
    AdultByDate = 1,
    /// Attested by the client.
    AdultAttested = 2,
    /// A later date showed a minor: the subject is restricted.
    Minor = 3,
}

/// One consent as it stands or stood: given or withdrawn, never deleted.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Consent {
    /// For this purpose.
    pub purpose: PurposeNo,
    /// Naming this recipient, or for the purpose alone.
    pub recipient: Option<RecipientNo>,
    /// Given (`true`) or withdrawn (`false`).
    pub granted: bool,
    /// When the person decided.
    pub at: Timestamp,
    /// When the vault recorded it.
    pub recorded_at: Timestamp,
    /// By which channel (≤ 64 characters of [a-z0-9_-]).
    pub channel: String,
    /// Digest of the text that was shown.
    pub text_sha256: Option<[u8; 32]>,
    /// The notice that was shown.
    pub notice_version: Option<String>,
}

/// Most consent entries a subject keeps (history included); the oldest superseded entries make room.
pub const MAX_CONSENTS: usize = 64;

/// A legal hold on a subject or some of its collections.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Hold {
    /// The hold's id.
    pub id: super::Id16,
    /// Only these collections; empty = all.
    pub collections: Vec<CollectionNo>,
    /// Until when.
    pub until: Timestamp,
}

/// An event that starts a retention period (`account_closed`, …).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Anchor {
    /// The event's name, as the policy's retention rules use it.
    pub event: String,
    /// When it happened.
    pub at: Timestamp,
}

/// The whole state of a subject: one sealed row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SubjectState {
    /// Status.
    pub status: SubjectStatus,
    /// The region whose law and transfer rules apply.
    pub region: Region,
    /// Age class.
    pub age: AgeClass,
    /// When the subject was created.
    pub created_at: clock::Timestamp,
    /// Versions of the notice shown to the person, in order, each with its time.
    pub notices: Vec<Anchor>,
    /// Consents and withdrawals, oldest first.
    pub consents: Vec<Consent>,
    /// Purposes objected to.
    pub objections: Vec<PurposeNo>,
    /// Collections under restriction while `Restricted`; empty = all.
    pub restricted_collections: Vec<CollectionNo>,
    /// Legal holds.
    pub holds: Vec<Hold>,
    /// Retention anchors.
    pub anchors: Vec<Anchor>,
    /// `vip`, `staff`.
    pub flags: Vec<String>,
}

impl SubjectState {
    /// Whether a consent for purpose (and recipient) stands: the latest entry for exactly that pair is a grant.
    /// A withdrawn purpose withdraws its recipients.
    pub fn consent_stands(&self, purpose: PurposeNo, recipient: Option<RecipientNo>) -> bool {
        let latest = |r: Option<RecipientNo>| {
            self.consents
                .iter()
                .rev()
                .find(|c| c.purpose == purpose && c.recipient == r)
                .is_some_and(|c| c.granted)
        };
        match recipient {
            None => latest(None),
            Some(_) => latest(None) && latest(recipient),
        }
    }
}

/// The facts of a record head that a decision needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RecordFacts {
    /// The record's collection.
    pub collection: CollectionNo,
    /// When it was collected.
    pub created_at: Timestamp,
}

/// A field addressed by number, with the collection it belongs to.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct FieldAt {
    /// The collection.
    pub collection: CollectionNo,
    /// The field.
    pub field: FieldNo,
}
