//! The bytes of a sealed record: `0x01 ‖ count 2 ‖ {field 2 ‖ length 4}* ‖ commit 32 ‖ {ciphertext ‖ tag 16}*`, where
//! `length` is that of ciphertext and tag. Parsing is bounds only; it allocates nothing and trusts nothing.

use super::{MAX_FIELD, MAX_FIELDS};
use crate::crypto::hazmat::aead::TAG;
use crate::crypto::{Keyring, Unopenable, pad};
use crate::domain::FieldNo;

/// The one suite there is.
pub(super) const SUITE: u8 = 1;

/// A sealed record taken apart.
pub(super) struct Layout<'a> {
    /// `count 2 ‖ {field 2 ‖ length 4}*`
    pub(super) directory: &'a [u8],
    entries: &'a [[u8; 6]],
    /// The commitment.
    pub(super) commit: &'a [u8; 32],
    body: &'a [u8],
}

/// One sealed field.
#[derive(Clone, Copy)]
pub(super) struct SealedField<'a> {
    pub(super) field: FieldNo,
    pub(super) ciphertext: &'a [u8],
    pub(super) tag: &'a [u8; TAG],
}

fn entry(raw: &[u8; 6]) -> (FieldNo, usize) {
    let [f0, f1, length @ ..] = *raw;
    (FieldNo(u16::from_be_bytes([f0, f1])), u32::from_be_bytes(length) as usize)
}

impl<'a> Layout<'a> {
    pub(super) fn parse(bytes: &'a [u8]) -> Result<Self, Unopenable> {
        Self::try_parse(bytes).ok_or(Unopenable::Malformed)
    }
    fn try_parse(bytes: &'a [u8]) -> Option<Self> {
        let (suite, rest) = bytes.split_first()?;
        if *suite != SUITE {
            return None;
        }
        let count = usize::from(u16::from_be_bytes(*rest.first_chunk::<2>()?));
        if count > MAX_FIELDS {
            return None;
        }
        let (directory, rest) = rest.split_at_checked(count * 6 + 2)?;
        let (commit, body) = rest.split_first_chunk::<32>()?;
        let (entries, _) = directory.get(2..)?.as_chunks::<6>();
        let longest = pad::padded_len(MAX_FIELD) + TAG;
        let mut previous = None;
        let mut total = 0_usize;
        for (field, length) in entries.iter().map(entry) {
            let ascending = previous.is_none_or(|p| p < field);
            let possible = length.checked_sub(TAG).is_some_and(pad::is_padded_len) && length <= longest;
            if !ascending || !possible {
                return None;
            }
            previous = Some(field);
            total += length;
        }
        (total == body.len()).then_some(Self { directory, entries, commit, body })
    }
    /// The sealed fields, ascending.
    pub(super) fn fields(&self) -> impl Iterator<Item = SealedField<'a>> + use<'a> {
        let mut rest = self.body;
        self.entries.iter().map_while(move |raw| {
            let (field, length) = entry(raw);
            let (sealed, after) = rest.split_at_checked(length)?;
            rest = after;
            let (ciphertext, tag) = sealed.split_last_chunk::<TAG>()?;
            Some(SealedField { field, ciphertext, tag })
        })
    }
}

impl Keyring {
    /// The field numbers present in a sealed record, without opening it (bounds-checked).
    pub fn directory(bytes: &[u8]) -> Result<Vec<FieldNo>, Unopenable> {
        Ok(Layout::parse(bytes)?.entries.iter().map(|raw| entry(raw).0).collect())
    }
}
