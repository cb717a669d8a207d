//! Data keys: hedged when made, wrapped under a KEK line with the head's row seal in the AAD, so that a head (subject,
//! generations, expiry) cannot be exchanged under a key. A line is one hierarchy of key-encryption keys; `credential`
//! has one of its own, the pepper.

use crate::crypto::hazmat::Key32;
use crate::crypto::hazmat::aead::SivKey;
use crate::crypto::keyring::Line;
use crate::crypto::{Keyring, Unopenable};
use crate::domain::record::{RecordHead, RowSeal, WrappedKey};
use crate::domain::{Entropy, VaultId};
use zeroize::Zeroizing;

/// High byte of [`WrappedKey::kek`] for ordinary data.
const DATA: u8 = 0;
/// High byte of [`WrappedKey::kek`] for credentials.
const CREDENTIAL: u8 = 1;

impl Keyring {
    fn kek_line(&self, line: u8) -> Option<&Line<SivKey>> {
        match line {
            DATA => Some(&self.kek_data),
            CREDENTIAL => Some(&self.kek_credential),
            _ => None,
        }
    }
    /// `HMAC(K_hedge, "SR1 dk" ‖ random 32 ‖ vault ‖ locator ‖ version ‖ digest)`: a generator that is stuck, or a cloned
    /// machine, repeats a key only for the same content at the same place.
    pub(super) fn generate_data_key(
        &self,
        head: &RecordHead,
        digest: &[u8; 32],
        entropy: &mut dyn Entropy,
    ) -> Result<Key32, Unopenable> {
        let mut random = Zeroizing::new([0; 32]);
        entropy.fill(&mut *random).map_err(|_| Unopenable::Entropy)?;
        let locator = head.record.0.get().to_be_bytes();
        let version = head.version.0.to_be_bytes();
        let vault = self.vault.0;
        Ok(Key32::new(self.hedge.mac(&[b"SR1 dk", &*random, &vault, &locator, &version, digest])))
    }
    /// Wraps under the line's active KEK.
    pub(super) fn wrap_data_key(
        &self,
        credential: bool,
        head: &RecordHead,
        seal: &RowSeal,
        key: &Key32,
    ) -> Result<WrappedKey, Unopenable> {
        let (line, keks) =
            if credential { (CREDENTIAL, &self.kek_credential) } else { (DATA, &self.kek_data) };
        let (version, kek) = keks.active();
        let id = u16::from_be_bytes([line, version]);
        // EXPOSE: wrapped here; leaves only as ciphertext.
        let bytes = kek.wrap(&aad(self.vault, id, head, seal), key.expose()).map_err(|_| Unopenable::Key)?;
        Ok(WrappedKey { kek: id, bytes })
    }
    /// Unwraps under the KEK version the row names, active or decrypt-only; a destroyed or unknown one refuses.
    pub(super) fn unwrap_data_key(
        &self,
        head: &RecordHead,
        seal: &RowSeal,
        wrapped: &WrappedKey,
    ) -> Result<Key32, Unopenable> {
        let [line, version] = wrapped.kek.to_be_bytes();
        let kek = self.kek_line(line).and_then(|keks| keks.get(version)).ok_or(Unopenable::Key)?;
        kek.unwrap(&aad(self.vault, wrapped.kek, head, seal), &wrapped.bytes).map_err(|_| Unopenable::Key)
    }
}

/// Whether the key was wrapped under the credential line.
pub(super) fn is_credential(wrapped: &WrappedKey) -> bool {
    let [line, _] = wrapped.kek.to_be_bytes();
    line == CREDENTIAL
}

/// `"SR1k" ‖ vault 16 ‖ kek 2 ‖ locator 8 ‖ version 4 ‖ row seal 17`.
fn aad(vault: VaultId, kek: u16, head: &RecordHead, seal: &RowSeal) -> [u8; 51] {
    let mut out = [0; 51];
    let parts: [&[u8]; 6] = [
        b"SR1k",
        &vault.0,
        &kek.to_be_bytes(),
        &head.record.0.get().to_be_bytes(),
        &head.version.0.to_be_bytes(),
        &seal.0,
    ];
    out.iter_mut().zip(parts.into_iter().flatten()).for_each(|(slot, byte)| *slot = *byte);
    out
}
