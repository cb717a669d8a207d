//! Opening, always in this order: permit → bounds and suite → row seal → unwrap → commitment (constant time) → GCM →
//! padding. The first that fails ends it, and says which only to the log.

use super::Context;
use super::data_key::is_credential;
use super::layout::{Layout, SealedField};
use crate::crypto::hazmat::aead::{OneMessageKey, TAG};
use crate::crypto::hazmat::kdf;
use crate::crypto::hazmat::mac::MacKey;
use crate::crypto::{Fields, Keyring, StoredRecord, Unopenable, pad};
use crate::domain::disclosure::{EventTicket, Undisclosed};
use crate::domain::record::{RecordHead, RowSeal, WrappedKey};
use crate::domain::{FieldNo, Sensitive};
use crate::policy::{MaintenancePermit, Permit};
use subtle::ConstantTimeEq;

impl Keyring {
    /// Opens the permitted fields; they stay undisclosed until the ticket's event is durable. Fields absent from the record are absent.
    pub fn open(
        &self,
        permit: Permit,
        ticket: &EventTicket,
        stored: StoredRecord<'_>,
    ) -> Result<Undisclosed<Fields>, Unopenable> {
        if permit.record() != stored.head.record || permit.version() != stored.head.version {
            return Err(Unopenable::Permit);
        }
        let fields = self.open_where(stored, |field| permit.form(field).is_some())?;
        Ok(Undisclosed::hold(fields, ticket))
    }
    /// Opens everything for upkeep (re-index, carry): never leaves the vault.
    pub fn open_for_upkeep(
        &self,
        permit: &MaintenancePermit,
        stored: StoredRecord<'_>,
    ) -> Result<Fields, Unopenable> {
        if permit.record() != stored.head.record || permit.version() != stored.head.version {
            return Err(Unopenable::Permit);
        }
        self.open_all(stored)
    }
    /// A head changed without its data (revoke, expiry): seals the new head and wraps the same data key under it, with
    /// the active KEK of the same line.
    pub fn rehead(
        &self,
        old: StoredRecord<'_>,
        new_head: &RecordHead,
    ) -> Result<(RowSeal, WrappedKey), Unopenable> {
        let same_data = old.head.record == new_head.record
            && old.head.subject == new_head.subject
            && old.head.collection == new_head.collection
            && old.head.version == new_head.version
            && old.head.head_version < new_head.head_version;
        if !same_data {
            return Err(Unopenable::Permit);
        }
        self.check_head(old.head, old.seal)?;
        let data_key = self.unwrap_data_key(old.head, old.seal, old.key)?;
        let seal = self.seal_head(new_head);
        let key = self.wrap_data_key(is_credential(old.key), new_head, &seal, &data_key)?;
        Ok((seal, key))
    }
    /// One field, for the dummy.
    pub(in crate::crypto) fn open_one(
        &self,
        stored: StoredRecord<'_>,
        field: FieldNo,
    ) -> Result<Fields, Unopenable> {
        self.open_where(stored, |f| f == field)
    }
    /// Every field, for the two callers above that keep it inside.
    pub(super) fn open_all(&self, stored: StoredRecord<'_>) -> Result<Fields, Unopenable> {
        self.open_where(stored, |_| true)
    }

    /// Which fields a record holds, once its commitment said so: nothing is decrypted, nothing of a value leaves.
    pub fn committed_fields(&self, stored: StoredRecord<'_>) -> Result<Vec<FieldNo>, Unopenable> {
        let (layout, _, _) = self.committed(stored)?;
        Ok(layout.fields().map(|sealed| sealed.field).collect())
    }

    /// Every check that comes before a field is decrypted.
    fn committed<'s>(&self, stored: StoredRecord<'s>) -> Result<(Layout<'s>, MacKey, Context), Unopenable> {
        let layout = Layout::parse(stored.bytes)?;
        self.check_head(stored.head, stored.seal)?;
        let data_key = self.unwrap_data_key(stored.head, stored.seal, stored.key)?;
        // EXPOSE: prepared as MAC key; every use of the data key goes through this.
        let prepared = MacKey::new(data_key.expose());
        let context = Context::new(self.vault, stored.head);
        let tags = layout.fields().map(|f| f.tag.as_slice());
        let commitment = context.commitment(&prepared, layout.directory, tags);
        if !bool::from(commitment.ct_eq(layout.commit)) {
            return Err(Unopenable::Commitment);
        }
        Ok((layout, prepared, context))
    }

    fn open_where(
        &self,
        stored: StoredRecord<'_>,
        wanted: impl Fn(FieldNo) -> bool,
    ) -> Result<Fields, Unopenable> {
        let (layout, prepared, context) = self.committed(stored)?;
        let mut opened = Sensitive::new(Fields(Vec::new()));
        for sealed in layout.fields().filter(|f| wanted(f.field)) {
            let value = open_field(&prepared, &context, sealed)?;
            // EXPOSE: collected under the zeroing wrapper; an early return wipes what was opened so far.
            opened.expose_mut().0.push((sealed.field.0, value));
        }
        // EXPOSE: handed over whole; the wrapper keeps nothing.
        Ok(std::mem::replace(opened.expose_mut(), Fields(Vec::new())))
    }
}

fn open_field(prepared: &MacKey, context: &Context, sealed: SealedField<'_>) -> Result<Vec<u8>, Unopenable> {
    let SealedField { field, ciphertext, tag } = sealed;
    let tag: &[u8; TAG] = tag;
    let aad = context.field_aad(field);
    let key = kdf::derive_key(prepared, [b"SR1 field", &aad]);
    let mut text = ciphertext.to_vec();
    // EXPOSE: the field's own key; GCM checks the tag before it decrypts, so a refusal leaves ciphertext only.
    OneMessageKey::new(key.expose()).open(&aad, &mut text, tag).map_err(|_| Unopenable::Field)?;
    match pad::value_len(&text) {
        Some(len) => text.truncate(len),
        None => {
            zeroize::Zeroize::zeroize(&mut text);
            return Err(Unopenable::Field);
        }
    }
    Ok(text)
}
