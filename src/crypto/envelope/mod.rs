//! Sealed records, suite 1: one data key per record version, one derived key per field, a commitment to key and full
//! context checked before anything is decrypted (P5). Opening one field decrypts no other. Keeps I2 (only a permit
//! opens), I3 (the AAD names vault, subject, collection, record, field, version) and I7 (a data key seals once, then
//! only opens). Must never return plaintext outside `Undisclosed`, but to upkeep inside the vault.

mod data_key;
mod layout;
mod open;
mod seal;
#[cfg(test)]
mod tests;

use super::hash::Hasher;
use super::hazmat::kdf;
use super::hazmat::mac::MacKey;
use crate::domain::record::RecordHead;
use crate::domain::{FieldNo, VaultId};

/// Largest value of one field, in bytes.
pub(crate) const MAX_FIELD: usize = 64 * 1024;
/// Largest sum of the values of one record, in bytes.
pub(crate) const MAX_RECORD: usize = 256 * 1024;
/// Most fields of one record.
pub(crate) const MAX_FIELDS: usize = 1024;

/// What a record's ciphertext is bound to, in AAD order.
struct Context {
    aad: [u8; 44],
}

impl Context {
    fn new(vault: VaultId, head: &RecordHead) -> Self {
        let mut aad = [0; 44];
        let parts: [&[u8]; 6] = [
            b"SR1f",
            &vault.0,
            &head.record.0.get().to_be_bytes(),
            &head.subject.0.get().to_be_bytes(),
            &head.collection.0.to_be_bytes(),
            &head.version.0.to_be_bytes(),
        ];
        aad.iter_mut().zip(parts.into_iter().flatten()).for_each(|(slot, byte)| *slot = *byte);
        Self { aad }
    }
    /// `"SR1f" ‖ vault 16 ‖ locator 8 ‖ subject 8 ‖ collection 2 ‖ version 4 ‖ field 2`.
    fn field_aad(&self, field: FieldNo) -> [u8; 44] {
        let mut aad = self.aad;
        if let Some(last) = aad.last_chunk_mut::<2>() {
            *last = field.0.to_be_bytes();
        }
        aad
    }
    /// The context without label and field: `vault ‖ locator ‖ subject ‖ collection ‖ version`.
    fn bare(&self) -> &[u8] {
        self.aad.get(4..42).unwrap_or_default()
    }
    /// Commitment over context, directory (`count 2 ‖ {field 2 ‖ length 4}*`) and every field's tag.
    fn commitment<'a>(
        &self,
        data_key: &MacKey,
        directory: &[u8],
        tags: impl Iterator<Item = &'a [u8]>,
    ) -> [u8; 32] {
        let mut hasher = Hasher::default();
        hasher.update(self.bare());
        hasher.update(directory);
        tags.for_each(|tag| hasher.update(tag));
        kdf::expand(data_key, [b"SR1 commit", &hasher.finish()])
    }
}
