//! Keys, seals, tokens, blind indexes, passwords. Raw ciphers live in `hazmat` (private); callers never see a nonce.

use crate::domain::disclosure::{EventTicket, Undisclosed};
use crate::domain::record::{RecordHead, RowSeal, WrappedKey};
use crate::domain::token::Pointer;
use crate::domain::*;
use crate::policy::{MaintenancePermit, Permit, WritePermit};
use zeroize::Zeroize;

/// The keyring, unlocked: every key of the vault, in memory. No `Debug`, no `Clone`.
pub struct Keyring {}

/// Values of a record by field, ascending; canonical bytes.
#[derive(Zeroize)]
pub struct Fields(#[zeroize] pub Vec<(u16, Vec<u8>)>);

/// A sealed record as it is stored, with its wrapped data key.
pub struct SealedRecord {
    /// The `sealed` column.
    pub bytes: Vec<u8>,
    /// The `keys` row.
    pub key: WrappedKey,
    /// The seal of the head it was wrapped under.
    pub seal: RowSeal,
}

/// The stored columns of a record, borrowed.
#[derive(Clone, Copy)]
pub struct StoredRecord<'a> {
    /// The head as read.
    pub head: &'a RecordHead,
    /// The head's seal.
    pub seal: &'a RowSeal,
    /// The `sealed` column.
    pub bytes: &'a [u8],
    /// The wrapped data key.
    pub key: &'a WrappedKey,
}

/// Which table a row seal is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Table {
    /// `subjects`
    Subjects = 1,
    /// `records` (the head)
    Records = 2,
    /// `grants`
    Grants = 3,
    /// `external_refs`
    ExternalRefs = 4,
    /// `controls`
    Controls = 5,
}

/// A stored thing did not open. Which check failed is for the log and the alert, never for the caller.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Unopenable {
    /// Shape: length, counts, order, suite.
    #[error("malformed sealed record")]
    Malformed,
    /// The row seal does not match.
    #[error("row seal does not match")]
    RowSeal,
    /// The wrapped key does not open, or its KEK version is unknown.
    #[error("wrapped key does not open")]
    Key,
    /// The commitment does not match.
    #[error("commitment does not match")]
    Commitment,
    /// A field's ciphertext or padding is wrong.
    #[error("field does not open")]
    Field,
    /// The permit is for another record or version.
    #[error("the permit covers another record or version")]
    Permit,
    /// No randomness.
    #[error("no randomness")]
    Entropy,
    /// A field or the record is over its cap (64 KiB, 256 KiB).
    #[error("too large to seal")]
    TooLarge,
}

/// What an opaque name (`sub_…`, `rec_…`, `tgr`) stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum NameKind {
    /// `sub_`
    Subject = 1,
    /// `rec_`
    Record = 2,
}

/// Kind of a random secret with a keyed tag.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SecretKind {
    /// `srk_`
    ApiKey,
    /// `srs_`
    Session,
    /// `sru_`
    Unsubscribe,
}

/// What of a keyed reference inside the audit log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum RefKind {
    /// a subject
    Subject = 1,
    /// a record
    Record = 2,
    /// a grant
    Grant = 3,
    /// a control row
    Control = 4,
    /// an external reference
    ExternalRef = 5,
    /// the end user acted for
    OnBehalfOf = 6,
    /// a context
    Context = 7,
}

impl Keyring {
    /// The vault it belongs to.
    pub fn vault(&self) -> VaultId {
        todo!()
    }
    /// A development vault: tokens are `srx_`, no bind beyond loopback.
    pub fn is_development(&self) -> bool {
        todo!()
    }
    /// Seals a new record version under a new data key. `head` is complete (its seal is made here, the key wrapped under it).
    /// `credential` selects the pepper's KEK line.
    pub fn seal(
        &self,
        permit: &WritePermit,
        head: &RecordHead,
        fields: &Fields,
        credential: bool,
        entropy: &mut dyn Entropy,
    ) -> Result<SealedRecord, Unopenable> {
        let _ = (permit, head, fields, credential, entropy);
        todo!()
    }
    /// Opens the permitted fields; they stay undisclosed until the ticket's event is durable. Fields absent from the record are absent.
    pub fn open(
        &self,
        permit: Permit,
        ticket: &EventTicket,
        stored: StoredRecord<'_>,
    ) -> Result<Undisclosed<Fields>, Unopenable> {
        let _ = (permit, ticket, stored);
        todo!()
    }
    /// Opens everything for upkeep (re-index, carry): never leaves the vault.
    pub fn open_for_upkeep(
        &self,
        permit: &MaintenancePermit,
        stored: StoredRecord<'_>,
    ) -> Result<Fields, Unopenable> {
        let _ = (permit, stored);
        todo!()
    }
    /// PATCH by one who may not read the rest: seals `new_head` with the old fields, changed (`None` removes). Also returns
    /// the resulting field numbers.
    pub fn carry(
        &self,
        permit: &WritePermit,
        old: StoredRecord<'_>,
        changed: &[(FieldNo, Option<Vec<u8>>)],
        new_head: &RecordHead,
        entropy: &mut dyn Entropy,
    ) -> Result<SealedRecord, Unopenable> {
        let _ = (permit, old, changed, new_head, entropy);
        todo!()
    }
    /// A head changed without its data (revoke, expiry): seals the new head and wraps the same data key under it.
    pub fn rehead(
        &self,
        old: StoredRecord<'_>,
        new_head: &RecordHead,
    ) -> Result<(RowSeal, WrappedKey), Unopenable> {
        let _ = (old, new_head);
        todo!()
    }
    /// The field numbers present in a sealed record, without opening it (bounds-checked).
    pub fn directory(bytes: &[u8]) -> Result<Vec<FieldNo>, Unopenable> {
        let _ = bytes;
        todo!()
    }
    /// Seals a row (I4): table, primary key, row version, canonical columns.
    pub fn seal_row(&self, table: Table, key: &[u8], version: Version, columns: &[u8]) -> RowSeal {
        let _ = (table, key, version, columns);
        todo!()
    }
    /// Checks a row's seal in constant time.
    pub fn check_row(
        &self,
        table: Table,
        key: &[u8],
        version: Version,
        columns: &[u8],
        seal: &RowSeal,
    ) -> Result<(), Unopenable> {
        let _ = (table, key, version, columns, seal);
        todo!()
    }
    /// Seal of a record head (the columns of `records` but `seal`, `sealed`).
    pub fn seal_head(&self, head: &RecordHead) -> RowSeal {
        let _ = head;
        todo!()
    }
    /// Checks a head.
    pub fn check_head(&self, head: &RecordHead, seal: &RowSeal) -> Result<(), Unopenable> {
        let _ = (head, seal);
        todo!()
    }
    /// A data token for a pointer; the same pointer always gives the same token under one key version.
    pub fn mint_token(&self, pointer: &Pointer) -> String {
        let _ = pointer;
        todo!()
    }
    /// Opens a data token; `None`: forged or malformed. No I/O.
    pub fn open_token(&self, token: &str) -> Option<Pointer> {
        let _ = token;
        todo!()
    }
    /// The public name of a subject or record (`sub_…`, `rec_…`).
    pub fn name(&self, kind: NameKind, locator: Locator) -> String {
        let _ = (kind, locator);
        todo!()
    }
    /// The locator behind a public name; `None`: not ours.
    pub fn locate(&self, kind: NameKind, name: &str) -> Option<Locator> {
        let _ = (kind, name);
        todo!()
    }
    /// A fresh secret and the digest to store.
    pub fn new_secret(
        &self,
        kind: SecretKind,
        entropy: &mut dyn Entropy,
    ) -> Result<(Sensitive<String>, u8, [u8; 32]), Unopenable> {
        let _ = (kind, entropy);
        todo!()
    }
    /// Digest of a presented secret after its form and tag passed; (key version, digest). `None`: never issued by this vault.
    pub fn digest_secret(&self, kind: SecretKind, text: &str) -> Option<(u8, [u8; 32])> {
        let _ = (kind, text);
        todo!()
    }
    /// Versions of the blind index that are live; the first is written under, all are searched.
    pub fn blind_versions(&self) -> Vec<u16> {
        todo!()
    }
    /// Blind value of normalised bytes for a field under an index version; `bits` ≤ 128, the rest zero.
    pub fn blind(&self, version: u16, field: FieldAtIndex, input: &[u8]) -> [u8; 16] {
        let _ = (version, field, input);
        todo!()
    }
    /// Blind value of an external reference.
    pub fn blind_external_ref(&self, external_ref: &str) -> [u8; 16] {
        let _ = external_ref;
        todo!()
    }
    /// Digest for idempotency keys and bodies (`K_idem`).
    pub fn idempotency_digest(&self, parts: &[&[u8]]) -> [u8; 16] {
        let _ = parts;
        todo!()
    }
    /// Keyed reference for the audit log (`K_audit`).
    pub fn audit_ref(&self, kind: RefKind, bytes: &[u8]) -> Ref8 {
        let _ = (kind, bytes);
        todo!()
    }
}

/// Which index a blind value is for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FieldAtIndex {
    /// Collection.
    pub collection: CollectionNo,
    /// Field (of a compound: the first).
    pub field: FieldNo,
    /// Normaliser version.
    pub normaliser: u16,
    /// How many bits are kept.
    pub bits: u8,
}
