//! Root providers: who opens the keyring. A provider wraps a fresh 32-byte carrier and nothing else; the context (vault,
//! generation) binds it. Called when the keyring is read or written, never per request.

pub mod key_file;
pub mod passphrase;

pub use key_file::KeyFile;
pub use passphrase::Passphrase;

use crate::domain::{Entropy, Sensitive};

/// A carrier: the key that seals the root key of one keyring file.
pub type Carrier = Sensitive<[u8; 32]>;

/// Why a provider failed. Never holds a byte of a key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum RootError {
    /// The file is not there or cannot be used as it is.
    #[error("root key or passphrase file: {0}")]
    File(&'static str),
    /// Input or output failed.
    #[error("root key or passphrase file: {}; name it with --root-key-file or --root-passphrase-file", crate::domain::io_words(*.0))]
    Io(std::io::ErrorKind),
    /// The wrong key or passphrase, or an altered wrap.
    #[error("this root key or passphrase does not open this keyring; use the one it was written under")]
    Denied,
    /// The keyring was written under another kind of provider.
    #[error("the keyring was written under another root provider; name that one")]
    OtherProvider,
    /// Parameters out of bounds.
    #[error(
        "the stored parameters of the passphrase are out of bounds: the keyring was altered; restore it from a backup"
    )]
    Parameters,
    /// No randomness.
    #[error("the operating system gave no random bytes; nothing was written")]
    Entropy,
}

impl RootError {
    /// Why, without what to name instead: for a path that was named.
    pub fn cause(&self) -> String {
        match self {
            Self::Io(kind) => crate::domain::io_words(*kind),
            other => other.to_string(),
        }
    }
}

/// Wraps and unwraps carriers.
pub trait RootProvider: Send + Sync {
    /// Its number in the keyring's header.
    fn kind(&self) -> u8;
    /// Its name in documents and reports.
    fn describe(&self) -> &'static str;
    /// Wraps a carrier for a context.
    fn wrap(
        &self,
        carrier: &Carrier,
        context: &[u8],
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<u8>, RootError>;
    /// Unwraps it again, for the same context only.
    fn unwrap(&self, wrapped: &[u8], context: &[u8]) -> Result<Carrier, RootError>;
}
