//! Sealing: permit → caps → data key → row seal → fields → commitment → wrapped key; and `carry`, which seals a new
//! version with old fields the caller may not read.

use super::data_key::is_credential;
use super::layout::SUITE;
use super::{Context, MAX_FIELD, MAX_FIELDS, MAX_RECORD};
use crate::crypto::hash::Hasher;
use crate::crypto::hazmat::aead::{OneMessageKey, TAG};
use crate::crypto::hazmat::kdf;
use crate::crypto::hazmat::mac::MacKey;
use crate::crypto::{Fields, Keyring, SealedRecord, StoredRecord, Unopenable, pad};
use crate::domain::record::RecordHead;
use crate::domain::{Entropy, FieldNo, Sensitive};
use crate::policy::WritePermit;
use smallvec::SmallVec;
use zeroize::Zeroize;

impl Keyring {
    /// Seals a new record version under a new data key. `head` is complete (its seal is made here, the key wrapped under it).
    /// `credential` selects the pepper's KEK line.
    pub fn seal(
        &self,
        permit: &WritePermit,
        head: &RecordHead,
        fields: &Fields,
        credential: bool,
        entropy: &mut dyn Entropy,
    ) -> Result<SealedRecord, Unopenable> {
        let covered = fields.0.iter().all(|(f, _)| permit.fields().contains(&FieldNo(*f)));
        if permit.collection() != head.collection || !covered {
            return Err(Unopenable::Permit);
        }
        self.seal_fields(head, &borrowed(fields), credential, entropy)
    }

    /// PATCH by one who may not read the rest: seals `new_head` with the old fields, changed (`None` removes). The
    /// resulting field numbers are the [`Keyring::directory`] of the result.
    pub fn carry(
        &self,
        permit: &WritePermit,
        old: StoredRecord<'_>,
        changed: &[(FieldNo, Option<Vec<u8>>)],
        new_head: &RecordHead,
        entropy: &mut dyn Entropy,
    ) -> Result<SealedRecord, Unopenable> {
        let same_place = old.head.record == new_head.record
            && old.head.subject == new_head.subject
            && old.head.collection == new_head.collection
            && old.head.version < new_head.version
            && old.head.head_version < new_head.head_version;
        let covered = changed.iter().all(|(f, _)| permit.fields().contains(f));
        if !same_place || !covered || permit.collection() != new_head.collection {
            return Err(Unopenable::Permit);
        }
        let kept = Sensitive::new(self.open_all(old)?);
        // EXPOSE: sealed again below; the caller never sees it.
        let mut merged = borrowed(kept.expose());
        merged.retain(|(field, _)| changed.iter().all(|(c, _)| c != field));
        merged.extend(changed.iter().filter_map(|(f, v)| Some((*f, v.as_deref()?))));
        merged.sort_unstable_by_key(|(field, _)| *field);
        self.seal_fields(new_head, &merged, is_credential(old.key), entropy)
    }

    fn seal_fields(
        &self,
        head: &RecordHead,
        fields: &[(FieldNo, &[u8])],
        credential: bool,
        entropy: &mut dyn Entropy,
    ) -> Result<SealedRecord, Unopenable> {
        check_caps(fields)?;
        let mut bytes = lay_out(fields)?;
        let sealed = self.seal_in_place(head, fields, credential, (&mut bytes, entropy));
        if sealed.is_err() {
            bytes.zeroize(); // it may still hold plaintext
        }
        let (seal, key) = sealed?;
        Ok(SealedRecord { bytes, key, seal })
    }

    /// Encrypts the padded values that [`lay_out`] put in place, and fills in tags and commitment.
    fn seal_in_place(
        &self,
        head: &RecordHead,
        fields: &[(FieldNo, &[u8])],
        credential: bool,
        (bytes, entropy): (&mut [u8], &mut dyn Entropy),
    ) -> Result<(crate::domain::record::RowSeal, crate::domain::record::WrappedKey), Unopenable> {
        let split = fields.len() * 6 + 3;
        let (front, rest) = bytes.split_at_mut_checked(split).ok_or(Unopenable::Malformed)?;
        let (commit, mut body) = rest.split_first_chunk_mut::<32>().ok_or(Unopenable::Malformed)?;
        let directory = front.get(1..).unwrap_or_default();
        let digest = digest_of_values(directory, body);
        let data_key = self.generate_data_key(head, &digest, entropy)?;
        // EXPOSE: prepared as MAC key; every use of the data key goes through this.
        let prepared = MacKey::new(data_key.expose());
        let context = Context::new(self.vault, head);
        let mut tags = SmallVec::<[[u8; TAG]; 8]>::new();
        for (field, value) in fields {
            let padded = pad::padded_len(value.len());
            let (sealed, after) = body.split_at_mut_checked(padded + TAG).ok_or(Unopenable::Malformed)?;
            let (text, tag) = sealed.split_at_mut_checked(padded).ok_or(Unopenable::Malformed)?;
            let aad = context.field_aad(*field);
            let key = kdf::derive_key(&prepared, [b"SR1 field", &aad]);
            // EXPOSE: the field's own key, used for this one message.
            let made = OneMessageKey::new(key.expose()).seal(&aad, text).map_err(|_| Unopenable::Field)?;
            tag.copy_from_slice(&made);
            tags.push(made);
            body = after;
        }
        *commit = context.commitment(&prepared, directory, tags.iter().map(<[u8; TAG]>::as_slice));
        let seal = self.seal_head(head);
        let key = self.wrap_data_key(credential, head, &seal, &data_key)?;
        Ok((seal, key))
    }
}

fn borrowed(fields: &Fields) -> SmallVec<[(FieldNo, &[u8]); 8]> {
    fields.0.iter().map(|(field, value)| (FieldNo(*field), value.as_slice())).collect()
}

fn check_caps(fields: &[(FieldNo, &[u8])]) -> Result<(), Unopenable> {
    if !fields.is_sorted_by(|(a, _), (b, _)| a < b) {
        return Err(Unopenable::Malformed);
    }
    let total: usize = fields.iter().map(|(_, value)| value.len()).sum();
    let too_large = fields.len() > MAX_FIELDS
        || total > MAX_RECORD
        || fields.iter().any(|(_, value)| value.len() > MAX_FIELD);
    if too_large { Err(Unopenable::TooLarge) } else { Ok(()) }
}

/// One exact buffer: suite, directory, room for the commitment, then each padded value with room for its tag.
fn lay_out(fields: &[(FieldNo, &[u8])]) -> Result<Vec<u8>, Unopenable> {
    let count = u16::try_from(fields.len()).map_err(|_| Unopenable::TooLarge)?;
    let sealed_len = |value: &[u8]| pad::padded_len(value.len()) + TAG;
    let body: usize = fields.iter().map(|(_, value)| sealed_len(value)).sum();
    let mut out = Vec::with_capacity(3 + fields.len() * 6 + 32 + body);
    out.push(SUITE);
    out.extend_from_slice(&count.to_be_bytes());
    for (field, value) in fields {
        let length = u32::try_from(sealed_len(value)).map_err(|_| Unopenable::TooLarge)?;
        out.extend_from_slice(&field.0.to_be_bytes());
        out.extend_from_slice(&length.to_be_bytes());
    }
    out.extend_from_slice(&[0; 32]);
    for (_, value) in fields {
        pad::append_padded(&mut out, value);
        out.extend_from_slice(&[0; TAG]);
    }
    Ok(out)
}

/// SHA-256 of all padded values, each in its place: directory, then the values (the room for tags is still zero).
fn digest_of_values(directory: &[u8], body: &[u8]) -> [u8; 32] {
    let mut hasher = Hasher::default();
    hasher.update(directory);
    hasher.update(body);
    hasher.finish()
}
