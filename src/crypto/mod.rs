//! Keys, seals, tokens, blind indexes, passwords.
//!
//! The one place that can turn sealed bytes into plaintext, and it does so only for a `Permit` (I2), into `Undisclosed`
//! (I1). Raw ciphers live in `hazmat` (private); callers never see a nonce or a key. Every construction and byte layout
//! is frozen by `tests/vectors`. Nothing here logs, reads a clock or draws ambient randomness (I6, I9); what does not
//! verify is refused (I11).

mod base62;
mod blind_index;
mod dummy;
mod envelope;
mod hazmat;
pub mod keyring;
mod name;
mod pad;
pub mod password;
mod private_file;
pub mod root;
mod row_seal;
mod secret;
mod self_test;
#[cfg(test)]
mod tests;
mod token;
mod types;
mod unsubscribe;

/// SHA-256, for commitments and digests of values.
pub(crate) mod hash {
    pub(crate) use super::hazmat::hash::Hasher;
}

pub use dummy::Dummy;
pub use keyring::{Keyring, KeyringError};
pub use self_test::{SelfTestFailed, hardware_aes, self_test};
pub use types::*;
