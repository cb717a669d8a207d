//! Raw primitives, private to `crypto`: one file per primitive, each a thin wrapper over RustCrypto that fixes key,
//! nonce and tag sizes. Nothing outside `crypto` may call these; nobody passes a nonce: a key either encrypts one
//! message (GCM, zero nonce) or is misuse resistant (GCM-SIV, zero nonce). Keeps I7 possible by construction.

pub(crate) mod aead;
pub(crate) mod block;
pub(crate) mod hash;
pub(crate) mod kdf;
pub(crate) mod mac;
pub(crate) mod sign;
#[cfg(test)]
mod tests;

use crate::domain::Sensitive;

/// A 256-bit key: zeroed on drop, without `Debug` or `Clone`.
pub(crate) type Key32 = Sensitive<[u8; 32]>;
