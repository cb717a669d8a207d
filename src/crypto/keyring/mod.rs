//! The keyring: every key of the vault, by purpose and version. Purpose keys are independent random keys; one key never
//! does two jobs. Versions are create-only and never reused (I8): new seals use the active one, old ones open until they
//! are destroyed. Nothing here shows a key, and nothing has `Debug`.

mod file;
#[cfg(any(test, feature = "fuzzing"))]
#[path = "../../../fuzz/targets/keyring.rs"]
pub(crate) mod fuzzing;
mod material;

pub use file::KeyringError;
pub(in crate::crypto) use material::Line;

use super::hazmat::aead::SivKey;
use super::hazmat::block::BlockKey;
use super::hazmat::kdf;
use super::hazmat::mac::MacKey;
use super::hazmat::sign::SignKey;
use crate::domain::{Entropy, Sensitive, VaultId};
use material::{Material, Purpose};
use std::sync::atomic::{AtomicU64, Ordering};

/// The keyring, unlocked: every key of the vault, in memory. No `Debug`, no `Clone`.
pub struct Keyring {
    pub(in crate::crypto) vault: VaultId,
    development: bool,
    generation: AtomicU64,
    material: Material,
    pub(in crate::crypto) kek_data: Line<SivKey>,
    pub(in crate::crypto) kek_credential: Line<SivKey>,
    pub(in crate::crypto) token: Line<SivKey>,
    pub(in crate::crypto) name: BlockKey,
    pub(in crate::crypto) secret: Line<SecretKeys>,
    pub(in crate::crypto) index: Line<MacKey>,
    pub(in crate::crypto) row: Line<MacKey>,
    pub(in crate::crypto) hedge: MacKey,
    pub(in crate::crypto) idem: MacKey,
    pub(in crate::crypto) audit: Line<MacKey>,
    log: SignKey,
}

/// The keys of one `K_secret` version: HKDF sub-keys "digest", "tag" and "unsubscribe".
pub(in crate::crypto) struct SecretKeys {
    pub(in crate::crypto) digest: MacKey,
    pub(in crate::crypto) tag: MacKey,
    pub(in crate::crypto) unsubscribe: MacKey,
}

impl SecretKeys {
    fn new(key: &[u8; 32]) -> Self {
        let master = MacKey::new(key);
        let sub = |label: &[u8]| {
            let derived = kdf::derive_key(&master, [b"SR1 secret ", label]);
            // EXPOSE: prepared as MAC key; the derived bytes are wiped here.
            MacKey::new(derived.expose())
        };
        Self { digest: sub(b"digest"), tag: sub(b"tag"), unsubscribe: sub(b"unsubscribe") }
    }
}

impl Keyring {
    /// A new keyring with one fresh key for every purpose.
    pub fn create(
        vault: VaultId,
        development: bool,
        entropy: &mut dyn Entropy,
    ) -> Result<Self, KeyringError> {
        let material = Material::generate(entropy)?;
        Self::assemble(vault, development, 0, material).ok_or(KeyringError::Incomplete)
    }

    /// Prepares every key; `None` unless each purpose has exactly one active version.
    fn assemble(vault: VaultId, development: bool, generation: u64, material: Material) -> Option<Self> {
        let single = |purpose| material.line(purpose, |k| Sensitive::new(*k))?.into_active();
        // EXPOSE: each key is prepared for its one job; the copies wipe themselves.
        let (name, hedge, idem, log) =
            (single(Purpose::Name)?, single(Purpose::Hedge)?, single(Purpose::Idem)?, single(Purpose::Log)?);
        Some(Self {
            vault,
            development,
            generation: AtomicU64::new(generation),
            kek_data: material.line(Purpose::KekData, SivKey::new)?,
            kek_credential: material.line(Purpose::KekCredential, SivKey::new)?,
            token: material.line(Purpose::Token, SivKey::new)?,
            secret: material.line(Purpose::Secret, SecretKeys::new)?,
            index: material.line(Purpose::Index, MacKey::new)?,
            row: material.line(Purpose::Row, MacKey::new)?,
            audit: material.line(Purpose::Audit, MacKey::new)?,
            // EXPOSE: as above.
            name: BlockKey::new(name.expose()),
            hedge: MacKey::new(hedge.expose()),
            idem: MacKey::new(idem.expose()),
            // EXPOSE: as above.
            log: SignKey::new(log.expose()),
            material,
        })
    }

    /// The vault it belongs to.
    pub fn vault(&self) -> VaultId {
        self.vault
    }
    /// A development vault: tokens are `srx_`, no bind beyond loopback.
    pub fn is_development(&self) -> bool {
        self.development
    }
    /// How often the keyring was written; part of every checkpoint.
    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }
    /// The highest locator counter that may be used before the keyring is written again.
    pub fn ceiling(&self) -> u64 {
        self.material.ceiling
    }
    /// Signs a checkpoint or certificate.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.log.sign(message)
    }
    /// Whether a signature is this vault's.
    pub fn signed(&self, message: &[u8], signature: &[u8; 64]) -> bool {
        super::hazmat::sign::verify(&self.log.public(), message, signature)
    }
    /// The public half of the signing key.
    pub fn signing_key(&self) -> [u8; 32] {
        self.log.public()
    }
}
