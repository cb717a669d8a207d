//! Keyed digests: blind index values, external references, idempotency digests, references of the audit log. Each with a
//! key of its own and an unambiguous message.

use super::hazmat::kdf;
use super::hazmat::mac::MacKey;
use super::{FieldAtIndex, Keyring, RefKind};
use crate::domain::Ref8;
use smallvec::SmallVec;

/// Equals no value of any index: a truncated one ends in zeros, a full one is a MAC.
const NOTHING: [u8; 16] = [0xff; 16];

impl Keyring {
    /// Versions of the blind index that are live; the first is written under, all are searched.
    pub fn blind_versions(&self) -> Vec<u16> {
        self.index.versions().map(u16::from).collect()
    }

    /// Blind value of normalised bytes for a field under an index version; `bits` ≤ 128, the rest zero. An unknown version
    /// gives the value of a key that does not exist: it equals nothing.
    pub fn blind(&self, version: u16, field: FieldAtIndex, input: &[u8]) -> [u8; 16] {
        let Some(master) = u8::try_from(version).ok().and_then(|v| self.index.get(v)) else {
            return NOTHING;
        };
        let (collection, number) = (field.collection.0.to_be_bytes(), field.field.0.to_be_bytes());
        let info = [&b"SR1 blind "[..], &collection, &number, &field.normaliser.to_be_bytes()].concat();
        let key = kdf::derive_key(master, [&info]);
        // EXPOSE: prepared as MAC key and wiped.
        let mut value: [u8; 16] = MacKey::new(key.expose()).mac_truncated(&[input]);
        truncate(&mut value, field.bits);
        value
    }

    /// Blind value of an external reference.
    pub fn blind_external_ref(&self, external_ref: &str) -> [u8; 16] {
        let (_, master) = self.index.active();
        let key = kdf::derive_key(master, [b"SR1 external ref"]);
        // EXPOSE: prepared as MAC key and wiped.
        MacKey::new(key.expose()).mac_truncated(&[external_ref.as_bytes()])
    }

    /// Digest for idempotency keys and bodies (`K_idem`); each part is preceded by its length.
    pub fn idempotency_digest(&self, parts: &[&[u8]]) -> [u8; 16] {
        let lengths: SmallVec<[[u8; 8]; 4]> = parts.iter().map(|p| (p.len() as u64).to_be_bytes()).collect();
        let message: SmallVec<[&[u8]; 8]> =
            lengths.iter().zip(parts).flat_map(|(length, part)| [length.as_slice(), *part]).collect();
        self.idem.mac_truncated(&message)
    }

    /// Keyed reference for the audit log (`K_audit`).
    pub fn audit_ref(&self, kind: RefKind, bytes: &[u8]) -> Ref8 {
        let (_, key) = self.audit.active();
        Ref8(key.mac_truncated(&[b"SR1 ref", &[kind as u8], bytes]))
    }
}

/// Keeps the leading bits, so that different values coincide on purpose.
fn truncate(value: &mut [u8; 16], bits: u8) {
    let keep = u32::from(bits.min(128));
    let mask = if keep == 0 { 0 } else { u128::MAX << (128 - keep) };
    *value = (u128::from_be_bytes(*value) & mask).to_be_bytes();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncation_keeps_leading_bits_only() {
        for (bits, expected) in
            [(0_u8, 0_u128), (1, 1 << 127), (24, 0xffffff << 104), (128, u128::MAX), (200, u128::MAX)]
        {
            let mut value = [0xff; 16];
            truncate(&mut value, bits);
            assert_eq!(u128::from_be_bytes(value), expected, "{bits}");
        }
    }
}
