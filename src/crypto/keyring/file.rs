//! The keyring file: one blob sealed under a root key R, R sealed under a carrier, the carrier wrapped by the provider.
//!
//! `"SRKR" ‖ format 1 ‖ provider 1 ‖ development 1 ‖ vault 16 ‖ generation 8 ‖ carrier length 2 ‖ carrier ‖ R 48 ‖ body`.
//! Everything before R binds R, everything before the body binds the body. R and carrier are fresh with every writing, so
//! each key seals one message. Written new, synced, renamed, and the directory synced: there is always one whole keyring.

use super::{Keyring, Material};
use crate::crypto::hazmat::Key32;
use crate::crypto::hazmat::aead::{OneMessageKey, TAG};
use crate::crypto::hazmat::{kdf, mac::MacKey};
use crate::crypto::private_file::{self, Fault};
use crate::crypto::root::{RootError, RootProvider};
use crate::domain::{Entropy, VaultId};
use std::path::Path;
use zeroize::Zeroizing;

const MAGIC: &[u8; 4] = b"SRKR";
const FORMAT: u8 = 1;
const FIXED: usize = 4 + 1 + 1 + 1 + 16 + 8 + 2;
/// Largest keyring file.
const MAX_FILE: u64 = 64 * 1024;

/// Why a keyring was not made, read or written. Never holds a byte of it.
#[derive(Debug, thiserror::Error)]
pub enum KeyringError {
    /// No randomness.
    #[error("the operating system gave no random bytes; nothing was written")]
    Entropy,
    /// The file is not there or cannot be used as it is.
    #[error("keyring file: {0}")]
    File(&'static str),
    /// Input or output failed.
    #[error("keyring file: {}; check the path, its owner and the free space", crate::domain::io_words(*.0))]
    Io(std::io::ErrorKind),
    /// Not a keyring, cut short, or of a newer format.
    #[error("this is no keyring file of a format this program knows; put the right file in its place")]
    Malformed,
    /// It does not open: another root, another vault's, or altered.
    #[error(
        "the keyring does not open with this root key: it is another vault's, or was altered; restore the right pair"
    )]
    Sealed,
    /// A purpose lacks its active key.
    #[error("the keyring lacks a key; restore it from a backup")]
    Incomplete,
    /// The provider.
    #[error(transparent)]
    Root(#[from] RootError),
}

fn io(error: &std::io::Error) -> KeyringError {
    KeyringError::Io(error.kind())
}

fn key_of(r: &Key32, label: &[u8]) -> Key32 {
    // EXPOSE: R is used only as the parent of the one key that seals the body.
    kdf::derive_key(&MacKey::new(r.expose()), [b"SR1 keyring ", label])
}

impl Keyring {
    /// Writes the keyring under a provider, as its next generation.
    pub fn write(
        &self,
        path: &Path,
        provider: &dyn RootProvider,
        entropy: &mut dyn Entropy,
    ) -> Result<(), KeyringError> {
        let bytes = self.seal_file(provider, entropy)?;
        let staged = path.with_extension("new");
        // A leftover of a write that was cut short, or what somebody put there: never written through.
        match std::fs::remove_file(&staged) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(io(&error)),
            _ => {}
        }
        private_file::create(&staged, &bytes).map_err(|e| io(&e))?;
        std::fs::rename(&staged, path).map_err(|e| io(&e))?;
        private_file::sync_parent(path).map_err(|e| io(&e))?;
        self.generation.fetch_add(1, std::sync::atomic::Ordering::AcqRel);
        Ok(())
    }

    fn seal_file(
        &self,
        provider: &dyn RootProvider,
        entropy: &mut dyn Entropy,
    ) -> Result<Vec<u8>, KeyringError> {
        let mut fresh = || {
            let mut key = Key32::new([0; 32]);
            // EXPOSE: filled in place.
            entropy.fill(key.expose_mut()).map(|()| key).map_err(|_| KeyringError::Entropy)
        };
        let (carrier, r) = (fresh()?, fresh()?);
        let mut out = Vec::with_capacity(2_048);
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&[FORMAT, provider.kind(), u8::from(self.development)]);
        out.extend_from_slice(&self.vault.0);
        out.extend_from_slice(&(self.generation() + 1).to_be_bytes());
        let wrapped = provider.wrap(&carrier, &out, entropy)?;
        out.extend_from_slice(
            &u16::try_from(wrapped.len()).map_err(|_| KeyringError::Malformed)?.to_be_bytes(),
        );
        out.extend_from_slice(&wrapped);
        // EXPOSE: sealed here; leaves only as ciphertext.
        let mut sealed_r = Zeroizing::new(*r.expose());
        let tag = OneMessageKey::new(carrier.expose())
            .seal(&out, &mut *sealed_r)
            .map_err(|_| KeyringError::Sealed)?;
        out.extend_from_slice(&*sealed_r);
        out.extend_from_slice(&tag);
        let mut body = self.material.encode();
        let body_key = key_of(&r, b"body");
        // EXPOSE: the one message of this key.
        let tag =
            OneMessageKey::new(body_key.expose()).seal(&out, &mut body).map_err(|_| KeyringError::Sealed)?;
        out.extend_from_slice(&body);
        out.extend_from_slice(&tag);
        if out.len() as u64 > MAX_FILE { Err(KeyringError::Malformed) } else { Ok(out) }
    }

    /// Reads the keyring a provider opens.
    pub fn load(path: &Path, provider: &dyn RootProvider) -> Result<Self, KeyringError> {
        Self::open_file(&read_file(path)?, provider)
    }

    /// Opens the bytes of a keyring file.
    pub fn open_file(bytes: &[u8], provider: &dyn RootProvider) -> Result<Self, KeyringError> {
        let (fixed, rest) = bytes.split_at_checked(FIXED).ok_or(KeyringError::Malformed)?;
        let (context, length) = fixed.split_last_chunk::<2>().ok_or(KeyringError::Malformed)?;
        let [m0, m1, m2, m3, format, kind, development, ids @ ..] = context else {
            return Err(KeyringError::Malformed);
        };
        let (vault, generation) = ids.split_first_chunk::<16>().ok_or(KeyringError::Malformed)?;
        let generation: [u8; 8] = generation.try_into().map_err(|_| KeyringError::Malformed)?;
        if [*m0, *m1, *m2, *m3] != *MAGIC || *format != FORMAT || *development > 1 {
            return Err(KeyringError::Malformed);
        }
        if *kind != provider.kind() {
            return Err(KeyringError::Root(RootError::OtherProvider));
        }
        let length = usize::from(u16::from_be_bytes(*length));
        let (wrapped, rest) = rest.split_at_checked(length).ok_or(KeyringError::Malformed)?;
        let (sealed_r, rest) = rest.split_first_chunk::<32>().ok_or(KeyringError::Malformed)?;
        let (tag_r, body) = rest.split_first_chunk::<TAG>().ok_or(KeyringError::Malformed)?;
        let (body, tag_body) = body.split_last_chunk::<TAG>().ok_or(KeyringError::Malformed)?;
        let carrier = provider.unwrap(wrapped, context)?;
        let bound_r = bytes.get(..FIXED + length).ok_or(KeyringError::Malformed)?;
        let bound_body = bytes.get(..FIXED + length + 32 + TAG).ok_or(KeyringError::Malformed)?;
        let mut r = Key32::new(*sealed_r);
        // EXPOSE: decrypted in place.
        let opened = OneMessageKey::new(carrier.expose()).open(bound_r, r.expose_mut(), tag_r);
        opened.map_err(|_| KeyringError::Sealed)?;
        let mut body = Zeroizing::new(body.to_vec());
        let body_key = key_of(&r, b"body");
        // EXPOSE: decrypted in place.
        let opened = OneMessageKey::new(body_key.expose()).open(bound_body, &mut body, tag_body);
        opened.map_err(|_| KeyringError::Sealed)?;
        let material = Material::decode(&body).ok_or(KeyringError::Malformed)?;
        let generation = u64::from_be_bytes(generation);
        Self::assemble(VaultId(*vault), *development == 1, generation, material)
            .ok_or(KeyringError::Incomplete)
    }
}

/// The bytes of a plain file that only its owner may read.
fn read_file(path: &Path) -> Result<Vec<u8>, KeyringError> {
    private_file::read(path, MAX_FILE).map_err(|fault| match fault {
        Fault::Io(kind) => KeyringError::Io(kind),
        Fault::Unfit(why) => KeyringError::File(why),
    })
}
