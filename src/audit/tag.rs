//! The tags of event v1, frozen: a number is never reused and never changes its meaning.

/// The first byte of every body.
pub(super) const VERSION: u8 = 1;

pub(super) const REQUEST: u8 = 1;
pub(super) const RECEIVED_AT: u8 = 2;
pub(super) const PRINCIPAL: u8 = 3;
pub(super) const KEY_ID: u8 = 4;
pub(super) const ON_BEHALF_OF: u8 = 5;
pub(super) const NET_PREFIX: u8 = 6;
pub(super) const NET_LABEL: u8 = 7;
pub(super) const NET_ASN: u8 = 8;
pub(super) const NET_COUNTRY: u8 = 9;
pub(super) const UA_FAMILY: u8 = 10;
pub(super) const ACT: u8 = 11;
pub(super) const PURPOSE: u8 = 12;
pub(super) const RECIPIENT: u8 = 13;
pub(super) const SUBJECTS: u8 = 14;
pub(super) const ITEMS: u8 = 15;
pub(super) const TOKENS: u8 = 16;
pub(super) const CONTEXT: u8 = 17;
pub(super) const OUTCOME: u8 = 18;
pub(super) const CODE: u8 = 19;
pub(super) const RULES: u8 = 20;
pub(super) const POLICY: u8 = 21;
pub(super) const COST: u8 = 22;
pub(super) const BYTES: u8 = 23;
pub(super) const CHANGED: u8 = 24;
pub(super) const PART: u8 = 25;
pub(super) const COUNT: u8 = 26;
pub(super) const TLS_CLIENT: u8 = 27;

/// Kinds of principal: the first byte of [`PRINCIPAL`].
pub(super) const BY_VAULT: u8 = 0;
pub(super) const BY_CLIENT: u8 = 1;
pub(super) const BY_LOCAL: u8 = 2;

/// Sizes of the packed rows, in bytes.
pub(super) const SUBJECT_LEN: usize = 8;
pub(super) const ITEM_LEN: usize = 11;
pub(super) const CHANGED_LEN: usize = 30;
