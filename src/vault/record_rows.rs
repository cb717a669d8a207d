//! What storing and changing a record share: values checked, blind entries computed, tokens minted.

use crate::crypto::{FieldAtIndex, Fields};
use crate::domain::entropy::{Entropy, OsEntropy};
use crate::domain::field::FieldType;
use crate::domain::record::RecordHead;
use crate::domain::token::{Pointer, PointerKind, TokenGrant};
use crate::domain::value::{self, FieldValue};
use crate::domain::{AudienceNo, CollectionNo, FieldNo, Generation, RecordId, Sensitive, Timestamp};
use crate::policy::{FieldFacts, Policy, Search};
use crate::storage::BlindRow;
use crate::vault::Vault;
use crate::vault::record_create::FieldInput;
use crate::vault::refusal::{Fault, Refusal};

/// Version of the normalisers blind values are computed with.
pub(in crate::vault) const NORMALISER: u16 = 1;
/// Bits kept of the blind value of a compound index: hits coincide on purpose.
pub(in crate::vault) const COMPOUND_BITS: u8 = 24;
/// Largest total of a record's canonical values.
const MAX_RECORD: usize = 256 * 1024;
/// Largest canonical value.
const MAX_FIELD: usize = 64 * 1024;

/// Checked values, ascending by field; `None` removes (PATCH).
pub(in crate::vault) type Checked = Vec<(FieldNo, Option<Sensitive<Vec<u8>>>)>;

impl Vault {
    /// Validates every value; all faults at once. Passwords become argon2id hashes here, before anything is planned.
    pub(in crate::vault) async fn check_fields(
        &self,
        policy: &Policy,
        collection: CollectionNo,
        fields: &[FieldInput],
    ) -> Result<Checked, Refusal> {
        let mut faults = Vec::new();
        let mut checked: Checked = Vec::with_capacity(fields.len());
        let mut size = 0;
        for input in fields {
            let Some(facts) = policy.field(collection, &input.name) else {
                faults.push(unknown_field());
                continue;
            };
            let pointer = format!("/fields/{}", facts.name);
            match &input.value {
                None => checked.push((facts.no, None)),
                Some(raw) if value::holds_card_number(facts.kind, raw) => {
                    return Err(Refusal::CardNumber(pointer));
                }
                Some(raw) => match FieldValue::parse(facts.kind, raw, facts.options) {
                    Err(invalid) => faults.push(Fault::invalid(&pointer, &invalid)),
                    Ok(value) => {
                        // EXPOSE: measured, hashed or moved into the seal; never shown.
                        size += value.canonical().expose().len();
                        if value.canonical().expose().len() > MAX_FIELD {
                            faults.push(Fault::new(pointer, "too_long", "A field holds at most 64 KiB."));
                        }
                        let canonical = self.storable(facts.kind, &value).await?;
                        checked.push((facts.no, Some(canonical)));
                    }
                },
            }
        }
        if size > MAX_RECORD {
            return Err(Refusal::TooLarge);
        }
        if !faults.is_empty() {
            return Err(Refusal::InvalidField(faults));
        }
        checked.sort_by_key(|(f, _)| *f);
        Ok(checked)
    }

    async fn storable(&self, kind: FieldType, value: &FieldValue) -> Result<Sensitive<Vec<u8>>, Refusal> {
        // EXPOSE: copied into its own buffer; a password goes to the hashing pool and only its hash is kept.
        let canonical = value.canonical().expose();
        if kind != FieldType::Password {
            return Ok(Sensitive::new(canonical.clone()));
        }
        let text = std::str::from_utf8(canonical).map_err(|_| Refusal::Integrity)?;
        let mut entropy = OsEntropy;
        let phc = self
            .passwords()
            .hash(Sensitive::text(text), &mut entropy)
            .await
            .map_err(|_| Refusal::Overloaded)?;
        Ok(Sensitive::new(phc.into_bytes()))
    }

    /// Blind entries of a record's values under the writing index version. Only declared fields are indexed.
    pub(in crate::vault) fn blind_rows(
        &self,
        policy: &Policy,
        collection: CollectionNo,
        fields: &Fields,
    ) -> Vec<BlindRow> {
        let mut rows = Vec::new();
        let value_of = |no: FieldNo| fields.0.iter().find(|(f, _)| *f == no.0).map(|(_, v)| v.as_slice());
        let Some(version) = self.keys().blind_versions().first().copied() else { return rows };
        for facts in policy.fields_of(collection) {
            let Some(value) = value_of(facts.no) else { continue };
            let Some(input) = value::index_input(facts.kind, value, None) else { continue };
            let other = match &facts.search {
                None => continue,
                Some(Search::Exact) => None,
                Some(Search::Compound { with, part }) => {
                    let Some(kind) = policy.field_facts(*with).map(|f| f.kind) else { continue };
                    match value_of(*with).and_then(|v| value::index_input(kind, v, part.as_deref())) {
                        Some(other) => Some(other),
                        None => continue,
                    }
                }
            };
            rows.push(self.blind_row(version, facts, &input, other.as_ref()));
        }
        rows.sort_unstable();
        rows
    }

    /// The blind entry of a normalised value (and, for a compound, of the other part).
    pub(in crate::vault) fn blind_row(
        &self,
        version: u16,
        facts: &FieldFacts,
        input: &Sensitive<Vec<u8>>,
        other: Option<&Sensitive<Vec<u8>>>,
    ) -> BlindRow {
        let bits = if other.is_some() { COMPOUND_BITS } else { 128 };
        let at = FieldAtIndex { collection: facts.collection, field: facts.no, normaliser: NORMALISER, bits };
        // EXPOSE: hashed with a key of its own; the joined buffer wipes itself.
        let joined = match other {
            None => Sensitive::new(input.expose().clone()),
            Some(other) => {
                // EXPOSE: as above.
                let (a, b) = (input.expose(), other.expose());
                let mut both = Vec::with_capacity(a.len() + b.len() + 8);
                both.extend_from_slice(&(a.len() as u64).to_be_bytes());
                both.extend_from_slice(a);
                both.extend_from_slice(b);
                Sensitive::new(both)
            }
        };
        // EXPOSE: as above.
        BlindRow { field: facts.no, version, h: self.keys().blind(version, at, joined.expose()) }
    }

    /// Random generations for new fields, so that a token of a lost timeline fails even then.
    pub(in crate::vault) fn generations(
        &self,
        present: &[(FieldNo, Generation)],
        fields: impl Iterator<Item = FieldNo>,
    ) -> Result<Vec<(FieldNo, Generation)>, Refusal> {
        let mut all = present.to_vec();
        let new: smallvec::SmallVec<[FieldNo; 16]> =
            fields.filter(|field| !present.iter().any(|(f, _)| f == field)).collect();
        // One draw for all of them: a call into the kernel costs more than what it gives.
        let mut drawn = smallvec::SmallVec::<[u8; 32]>::from_elem(0, new.len() * 2);
        OsEntropy.fill(&mut drawn).map_err(|_| Refusal::Overloaded)?;
        all.extend(
            new.into_iter()
                .zip(drawn.as_chunks::<2>().0)
                .map(|(f, g)| (f, Generation(u16::from_be_bytes(*g)))),
        );
        all.sort_by_key(|(f, _)| *f);
        Ok(all)
    }

    /// The token of a field of a record, straight to the record.
    pub(in crate::vault) fn record_token(
        &self,
        head: &RecordHead,
        field: FieldNo,
        audience: AudienceNo,
    ) -> Option<String> {
        let generation = head.generation(field)?;
        let pointer =
            Pointer { kind: PointerKind::Record, locator: head.record.0, field, generation, audience };
        Some(self.keys().mint_token(&pointer))
    }

    /// The token of a field that a grant names.
    pub(in crate::vault) fn grant_token(&self, grant: &TokenGrant, field: FieldNo) -> String {
        let pointer = Pointer {
            kind: PointerKind::Grant,
            locator: grant.grant.0,
            field,
            generation: grant.generation,
            audience: grant.audience,
        };
        self.keys().mint_token(&pointer)
    }
}

fn unknown_field() -> Fault {
    Fault::new(
        "/fields",
        "unknown_field",
        "A field is not one of this collection's; see the policy or GET /v1/whoami.",
    )
}

/// A record's identity and times for a new grant.
#[derive(Clone, Copy)]
pub(in crate::vault) struct GrantTerms {
    /// The record.
    pub(in crate::vault) record: RecordId,
    /// For whom.
    pub(in crate::vault) audience: AudienceNo,
    /// Until when.
    pub(in crate::vault) expires_at: Option<Timestamp>,
    /// Uses.
    pub(in crate::vault) uses: Option<u32>,
}
