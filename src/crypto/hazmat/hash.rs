//! SHA-256 (FIPS 180-4) over parts. Unkeyed: for commitments and hash chains, never to hide a value.

use sha2::{Digest, Sha256};

/// SHA-256 of the concatenation of `parts`. The caller sees to it that the concatenation is unambiguous.
pub(crate) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Hasher::default();
    parts.iter().for_each(|part| hasher.update(part));
    hasher.finish()
}

/// SHA-256 fed piece by piece.
#[derive(Default)]
pub(crate) struct Hasher(Sha256);

impl Hasher {
    /// Adds bytes.
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }
    /// The digest of everything added.
    pub(crate) fn finish(self) -> [u8; 32] {
        self.0.finalize().into()
    }
}
