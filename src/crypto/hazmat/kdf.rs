//! HKDF-Expand with SHA-256 (RFC 5869) for 32 bytes. The input keys are uniformly random already, so nothing is
//! extracted; one output block is one HMAC: `T(1) = HMAC(key, info ‖ 0x01)`.

use super::Key32;
use super::mac::MacKey;

/// Derives a 256-bit key for exactly the use that `info` names (concatenated; the caller keeps it unambiguous).
pub(crate) fn derive_key<const N: usize>(key: &MacKey, info: [&[u8]; N]) -> Key32 {
    Key32::new(expand(key, info))
}

/// HKDF-Expand(key, info, 32), for values that are stored (a commitment).
pub(crate) fn expand<const N: usize>(key: &MacKey, info: [&[u8]; N]) -> [u8; 32] {
    let mut parts = smallvec::SmallVec::<[&[u8]; 4]>::new();
    parts.extend(info);
    parts.push(&[1]);
    key.mac(&parts)
}
