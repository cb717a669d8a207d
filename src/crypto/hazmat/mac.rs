//! HMAC-SHA-256 (RFC 2104, FIPS 198-1) with the key's two inner states computed once. Tags are compared in constant
//! time only; truncation is to the leading bytes.

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use subtle::ConstantTimeEq;

/// A MAC key, ready to use: cloning its states costs no compression. Zeroed on drop.
pub(crate) struct MacKey(Hmac<Sha256>);

impl MacKey {
    /// Prepares a 256-bit key.
    pub(crate) fn new(key: &[u8; 32]) -> Self {
        // A block-sized key goes in as it is: RFC 2104 pads shorter keys with zeros.
        let mut block = zeroize::Zeroizing::new([0; 64]);
        let (head, _) = block.split_at_mut(32);
        head.copy_from_slice(key);
        Self(Hmac::new((&*block).into()))
    }
    /// A key of another length; vectors only.
    #[cfg(test)]
    pub(super) fn of_any_length(key: &[u8]) -> Self {
        Self(Hmac::new_from_slice(key).unwrap())
    }
    /// The tag over the concatenation of `parts`, which the caller keeps unambiguous.
    pub(crate) fn mac(&self, parts: &[&[u8]]) -> [u8; 32] {
        let mut state = self.0.clone();
        parts.iter().for_each(|part| state.update(part));
        state.finalize().into_bytes().into()
    }
    /// The tag's leading `N` bytes (`N` ≤ 32).
    pub(crate) fn mac_truncated<const N: usize>(&self, parts: &[&[u8]]) -> [u8; N] {
        let full = self.mac(parts);
        let mut out = [0; N];
        out.iter_mut().zip(full).for_each(|(o, f)| *o = f);
        out
    }
    /// Compares a tag of at least 16 bytes, full or truncated, in constant time.
    pub(crate) fn verify(&self, parts: &[&[u8]], tag: &[u8]) -> bool {
        let full = self.mac(parts);
        match full.get(..tag.len()) {
            Some(expected) if tag.len() >= 16 => expected.ct_eq(tag).into(),
            _ => false,
        }
    }
}
