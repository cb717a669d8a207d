//! One newtype per id, so that a subject can never stand where a record is asked for.

use std::num::NonZeroU64;

/// Where a subject, record or grant lives: a 51-bit counter followed by the 12-bit [`Part`] (63 bits in all).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Locator(NonZeroU64);

/// The largest counter a locator can hold.
pub const MAX_COUNTER: u64 = (1 << 51) - 1;

impl Locator {
    /// Joins a counter (1 ..= 2⁵¹−1) and a part; `None` when the counter is out of range.
    pub fn new(counter: u64, part: Part) -> Option<Self> {
        if counter == 0 || counter > MAX_COUNTER {
            return None;
        }
        NonZeroU64::new((counter << 12) | u64::from(part.get())).map(Self)
    }
    /// Reads a stored locator; `None` when it is zero, negative as SQLite sees it, or has no counter.
    pub fn from_raw(raw: u64) -> Option<Self> {
        if raw >> 63 != 0 || raw >> 12 == 0 {
            return None;
        }
        NonZeroU64::new(raw).map(Self)
    }
    /// The stored form.
    pub fn get(self) -> u64 {
        self.0.get()
    }
    /// The stored form as SQLite's signed integer; never negative.
    pub fn to_i64(self) -> i64 {
        i64::try_from(self.0.get()).unwrap_or(i64::MAX)
    }
    /// The part: the low 12 bits.
    pub fn part(self) -> Part {
        Part::truncate((self.0.get() & 0xfff) as u16)
    }
    /// The counter: the high 51 bits.
    pub fn counter(self) -> u64 {
        self.0.get() >> 12
    }
}

/// One of 4096 parts, drawn with the subject and shared by all its rows. Frozen for ever.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Part(u16);

impl Part {
    /// Keeps the low 12 bits.
    pub fn truncate(raw: u16) -> Self {
        Self(raw & 0xfff)
    }
    /// The number, 0 ..= 4095.
    pub fn get(self) -> u16 {
        self.0
    }
}

macro_rules! number {
    ($(#[$doc:meta] $name:ident($inner:ty);)*) => {$(
        #[$doc]
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub struct $name(pub $inner);
        impl $name {
            /// The plain number.
            pub fn get(self) -> $inner { self.0 }
        }
    )*};
}

number! {
    /// A collection's number: given by the policy's numbering, never reused.
    CollectionNo(u16);
    /// A field's number: unique across all collections, given by the policy's numbering, never reused.
    FieldNo(u16);
    /// A purpose's number.
    PurposeNo(u16);
    /// A client's number; a client's own audience has the same number as the client's group of one.
    ClientNo(u16);
    /// A group of clients for which a token opens.
    AudienceNo(u16);
    /// A processor or third party.
    RecipientNo(u16);
    /// A record's or row's version; the first is 1.
    Version(u32);
    /// A token generation: starts random per field, revoking adds one (wrapping).
    Generation(u16);
    /// The version of a key in the keyring; never reused.
    KeyVersion(u8);
    /// How many commits had changed an object when a snapshot was taken.
    CommitNo(u64);
    /// The number of a policy version.
    PolicyVersion(u32);
}

/// Locator of a subject.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct SubjectId(pub Locator);
/// Locator of a record.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct RecordId(pub Locator);
/// Locator of a token grant.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct GrantId(pub Locator);

/// A random 16-byte name (`evt_`, `req_`, `key_` …): an id is a name, never a capability.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Id16(pub [u8; 16]);

/// A vault's identity: 16 random bytes made by `init`, part of every AAD.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct VaultId(pub [u8; 16]);

/// A keyed reference (`K_audit`) to a subject or record inside the audit log: names it, leads nowhere after erasure.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Ref8(pub [u8; 8]);

/// Kind of a control row (`controls.kind`).
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum ControlKind {
    /// A declared client that was activated or suspended.
    Client = 1,
    /// A client's API key.
    ClientKey = 2,
    /// A sealed policy version.
    Policy = 3,
    /// Which policy version governs.
    PolicyHead = 4,
    /// Vault-wide facts: development, single operator, argon2 parameters.
    VaultFacts = 5,
    /// A context that a client registered for a subject.
    Context = 6,
    /// An unsubscribe link: whose, for which purpose.
    Unsubscribe = 7,
    /// A certificate of an erasure.
    Certificate = 8,
    /// How far the ledger of erasures is known to be carried out.
    LedgerMark = 9,
}

impl ControlKind {
    /// Reads a stored kind.
    pub fn from_u8(raw: u8) -> Option<Self> {
        Some(match raw {
            1 => Self::Client,
            2 => Self::ClientKey,
            3 => Self::Policy,
            4 => Self::PolicyHead,
            5 => Self::VaultFacts,
            6 => Self::Context,
            7 => Self::Unsubscribe,
            8 => Self::Certificate,
            9 => Self::LedgerMark,
            _ => return None,
        })
    }
}

/// Something a decision relied on, or a change altered.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Object {
    /// A subject row.
    Subject(Locator),
    /// A record row.
    Record(Locator),
    /// A grant row.
    Grant(Locator),
    /// A control row.
    Control(ControlKind, Id16),
    /// An external reference, by its blind value.
    ExternalRef([u8; 16]),
}
