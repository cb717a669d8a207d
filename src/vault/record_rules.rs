//! Rules of storing and of tokens that need no row: audiences, terms of grants, required fields.

use crate::crypto::Fields;
use crate::domain::entropy::{Entropy, OsEntropy};
use crate::domain::field::FieldType;
use crate::domain::token::TokenGrant;
use crate::domain::{AudienceNo, CollectionNo, FieldNo, Generation, GrantId, RecordId};
use crate::policy::{ContextState, Policy, Question, Wish};
use crate::vault::caller::Caller;
use crate::vault::record_create::TokenWish;
use crate::vault::record_rows::{Checked, GrantTerms};
use crate::vault::refusal::{Fault, Refusal};

/// A question about writing.
pub(in crate::vault) fn write_question(
    caller: &Caller,
    purpose: Option<crate::domain::PurposeNo>,
    today: crate::domain::date::Date,
) -> Question {
    Question {
        asker: caller.asker(),
        wish: Wish::Write,
        purpose,
        recipient: None,
        context: ContextState::Absent,
        today,
    }
}

/// The audience wished for, or the collection's default group.
pub(in crate::vault) fn resolve_audience(
    policy: &Policy,
    collection: CollectionNo,
    wish: &TokenWish,
) -> Result<AudienceNo, Refusal> {
    let found = match &wish.audience {
        Some(name) => policy.audience(name),
        None => policy.default_audience(collection),
    };
    found.ok_or_else(|| {
        let detail = "Name a client or a group of clients that the policy declares.";
        Refusal::InvalidRequest(vec![Fault::new("/audience", "unknown_audience", detail)])
    })
}

/// Longest life of a token that has one of its own.
pub const MAX_TOKEN_LIFE: std::time::Duration = std::time::Duration::from_secs(10 * 365 * 86_400);

/// The fault of a longer one.
pub fn token_life_fault(pointer: impl Into<String>) -> Fault {
    let detail = "A token lives ten years at most: write 10y or less, or leave it out.";
    Fault::new(pointer, "out_of_range", detail)
}

/// The terms of a grant, when an expiry or a number of uses is wished for.
pub(in crate::vault) fn grant_terms(
    record: RecordId,
    audience: AudienceNo,
    wish: &TokenWish,
    now: crate::domain::Timestamp,
) -> Result<Option<GrantTerms>, Refusal> {
    if wish.uses == Some(0) {
        let fault = Fault::new("/uses", "out_of_range", "A token has at least one use.");
        return Err(Refusal::InvalidRequest(vec![fault]));
    }
    if wish.expires_in.is_some_and(|life| life > MAX_TOKEN_LIFE) {
        return Err(Refusal::InvalidRequest(vec![token_life_fault("/expires_in")]));
    }
    let wanted = wish.expires_in.is_some() || wish.uses.is_some();
    let expires_at = wish.expires_in.map(|life| now.plus(life));
    Ok(wanted.then_some(GrantTerms { record, audience, expires_at, uses: wish.uses }))
}

/// A new grant; its generation starts random.
pub(in crate::vault) fn new_grant(
    grant: GrantId,
    fields: &[FieldNo],
    terms: GrantTerms,
) -> Result<TokenGrant, Refusal> {
    let random = OsEntropy.array::<2>().map_err(|_| Refusal::Overloaded)?;
    Ok(TokenGrant {
        grant,
        record: terms.record,
        fields: fields.to_vec(),
        audience: terms.audience,
        purpose: None,
        expires_at: terms.expires_at,
        uses_left: terms.uses,
        generation: Generation(u16::from_be_bytes(random)),
        last_use: None,
    })
}

/// Whether one of the fields is a password: its record's data key is wrapped by the pepper's line.
pub(in crate::vault) fn has_password(policy: &Policy, fields: &[FieldNo]) -> bool {
    fields.iter().any(|f| policy.field_facts(*f).is_some_and(|f| f.kind == FieldType::Password))
}

/// The fault of a value that cannot be sealed.
pub(in crate::vault) fn unsealable(error: crate::crypto::Unopenable) -> Refusal {
    match error {
        crate::crypto::Unopenable::TooLarge => Refusal::TooLarge,
        crate::crypto::Unopenable::Entropy => Refusal::Overloaded,
        _ => Refusal::Integrity,
    }
}

pub(in crate::vault) fn unknown_collection() -> Refusal {
    let detail = "Name one of the policy's collections; GET /v1/whoami lists those granted.";
    Refusal::InvalidRequest(vec![Fault::new("/collection", "unknown_collection", detail)])
}

/// C28: only fields the collection requires must be there.
pub(in crate::vault) fn missing_fields(
    policy: &Policy,
    collection: CollectionNo,
    fields: &Checked,
) -> Result<(), Refusal> {
    if fields.is_empty() || fields.iter().any(|(_, v)| v.is_none()) {
        let detail = "Send at least one field, each with a value; leave absent ones out.";
        return Err(Refusal::InvalidRequest(vec![Fault::new("/fields", "no_value", detail)]));
    }
    let missing =
        policy.fields_of(collection).filter(|f| f.required && !fields.iter().any(|(no, _)| *no == f.no));
    let faults: Vec<_> = missing
        .map(|f| Fault::new(format!("/fields/{}", f.name), "required", "The collection requires this field."))
        .collect();
    if faults.is_empty() { Ok(()) } else { Err(Refusal::InvalidField(faults)) }
}

pub(in crate::vault) fn plain_fields(checked: &Checked) -> Fields {
    // EXPOSE: moved into the seal; the copy wipes itself.
    Fields(checked.iter().filter_map(|(f, v)| Some((f.0, v.as_ref()?.expose().clone()))).collect())
}
