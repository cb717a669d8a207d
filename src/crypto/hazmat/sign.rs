//! Ed25519 (RFC 8032) signatures over checkpoints and certificates; verification is the strict one, so that one
//! message has one signature and small-order keys are refused.

use ed25519_dalek::{Signature, Signer, SigningKey, VerifyingKey};

/// A signing key, zeroed on drop.
pub(crate) struct SignKey(SigningKey);

impl SignKey {
    /// Prepares the key from its 32-byte seed.
    pub(crate) fn new(seed: &[u8; 32]) -> Self {
        Self(SigningKey::from_bytes(seed))
    }
    /// The signature of a message.
    pub(crate) fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.0.sign(message).to_bytes()
    }
    /// The public key.
    pub(crate) fn public(&self) -> [u8; 32] {
        self.0.verifying_key().to_bytes()
    }
}

/// Whether `signature` is `public`'s signature of `message`.
pub(crate) fn verify(public: &[u8; 32], message: &[u8], signature: &[u8; 64]) -> bool {
    VerifyingKey::from_bytes(public)
        .is_ok_and(|key| key.verify_strict(message, &Signature::from_bytes(signature)).is_ok())
}
