//! The one hash of this room, SHA-256 (FIPS 180-4). Unkeyed on purpose: anybody may recompute the chain.

use sha2::{Digest, Sha256};

/// SHA-256 over the concatenation of `parts`; callers make the parts fixed-width or unambiguous.
pub(super) fn sha256(parts: &[&[u8]]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part);
    }
    hasher.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_sha_256_as_fips_180_4_gives_it() {
        let expected = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(data_encoding::HEXLOWER.encode(&sha256(&[b"a", b"", b"bc"])), expected);
    }
}
