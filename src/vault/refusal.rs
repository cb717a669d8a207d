//! How a verb says no: one closed enum, mapped to HTTP once. Holds names of our own and numbers, never a value (I6).

use crate::domain::Sensitive;
use crate::domain::field::FieldType;
use crate::domain::value::{Invalid, RawValue, holds_card_number};
use crate::domain::{Rule, event::Outcome};
use crate::storage::CommitError;
use serde::{Deserialize, Serialize};
use std::borrow::Cow;

/// One fault of a request: JSON pointer, stable code, fixed sentence.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Fault {
    /// JSON pointer made of our own names.
    pub pointer: String,
    /// Stable code.
    pub code: Cow<'static, str>,
    /// A fixed sentence that says what to do.
    pub detail: Cow<'static, str>,
}

/// C02 beside the fields: names and references that a client chooses are kept, so they are looked at too.
/// Each with the pointer of its place; an absent one holds nothing.
pub(in crate::vault) fn refuse_cards<const N: usize>(
    texts: [(&'static str, Option<&str>); N],
) -> Result<(), Refusal> {
    let holds = |text: &str| holds_card_number(FieldType::FreeText, &RawValue::Text(Sensitive::text(text)));
    match texts.into_iter().find(|(_, text)| text.is_some_and(holds)) {
        Some((pointer, _)) => Err(Refusal::CardNumber(pointer.to_owned())),
        None => Ok(()),
    }
}

impl Fault {
    /// A fault at a pointer.
    pub fn new(pointer: impl Into<String>, code: &'static str, detail: &'static str) -> Self {
        Self { pointer: pointer.into(), code: Cow::Borrowed(code), detail: Cow::Borrowed(detail) }
    }
    /// A refused value of the field at `base`.
    pub fn invalid(base: &str, invalid: &Invalid) -> Self {
        Self::new(format!("{base}{}", invalid.pointer), invalid.code, invalid.detail)
    }
}

/// Why a request, or one item of it, was not done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub enum Refusal {
    /// The body's shape is not the route's.
    InvalidRequest(Vec<Fault>),
    /// Values that their types refuse.
    InvalidField(Vec<Fault>),
    /// No credential, or one this vault never issued.
    Unauthenticated,
    /// A rule of the policy.
    Denied(RuleName),
    /// No such thing, as far as the caller may know (I5).
    NotFound,
    /// Another commit came between, three times.
    Conflict,
    /// `if_version` is not the present version.
    VersionConflict(u32),
    /// The idempotency key was used with another request.
    IdempotencyMismatch,
    /// The thing exists with other facts.
    AlreadyExists,
    /// A legal hold keeps the record.
    LegalHold,
    /// A duty to retain keeps the record.
    RetentionDuty,
    /// C02; the pointer of where it stands.
    CardNumber(String),
    /// C10.
    Minor,
    /// Over a limit; its name, and seconds to wait.
    Limited(String, u64),
    /// Over a budget; its name, and seconds to wait.
    BudgetExhausted(String, u64),
    /// Too many failed or too many at once for this subject or source.
    Throttled(String, u64),
    /// The body, or the fields together, are too large.
    TooLarge,
    /// Not enough room in queues; try again.
    Overloaded,
    /// The event could not be made durable: nothing was done, nothing leaves.
    AuditUnavailable,
    /// The client's checkpoint is not on this log.
    RollbackSuspected,
    /// The disk is full.
    StorageFull,
    /// A stored row failed its integrity check.
    Integrity,
    /// One item of an atomic request.
    At(u32, Box<Refusal>),
    /// A remembered refusal, given again under its idempotency key.
    Replayed(Box<Refusal>),
}

/// A rule by name, so that remembered refusals survive a renumbering.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RuleName(pub Rule);

impl Serialize for RuleName {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.0.name())
    }
}
impl<'de> Deserialize<'de> for RuleName {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let name = <Cow<'de, str>>::deserialize(d)?;
        let known = Rule::ALL.iter().copied().find(|r| r.name() == name);
        known.map(Self).ok_or_else(|| serde::de::Error::custom("unknown rule"))
    }
}

impl Refusal {
    /// The error code of the API.
    pub fn code(&self) -> &'static str {
        match self {
            Self::InvalidRequest(_) => "invalid_request",
            Self::InvalidField(_) => "invalid_field",
            Self::Unauthenticated => "unauthenticated",
            Self::Denied(_) => "denied",
            Self::NotFound => "not_found",
            Self::Conflict => "conflict",
            Self::VersionConflict(_) => "version_conflict",
            Self::IdempotencyMismatch => "idempotency_mismatch",
            Self::AlreadyExists => "already_exists",
            Self::LegalHold => "legal_hold",
            Self::RetentionDuty => "retention_duty",
            Self::CardNumber(_) => "card_number_refused",
            Self::Minor => "minor_refused",
            Self::Limited(..) | Self::Throttled(..) => "rate_limited",
            Self::BudgetExhausted(..) => "budget_exhausted",
            Self::TooLarge => "too_large",
            Self::Overloaded => "overloaded",
            Self::AuditUnavailable | Self::Integrity => "audit_unavailable",
            Self::RollbackSuspected => "rollback_suspected",
            Self::StorageFull => "storage_full",
            Self::At(_, inner) | Self::Replayed(inner) => inner.code(),
        }
    }
    /// The outcome the audit event reports.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::InvalidRequest(_) | Self::InvalidField(_) | Self::TooLarge => Outcome::Invalid,
            Self::Denied(_) | Self::Unauthenticated => Outcome::Denied,
            Self::NotFound => Outcome::NotFound,
            Self::Conflict
            | Self::VersionConflict(_)
            | Self::IdempotencyMismatch
            | Self::AlreadyExists
            | Self::LegalHold
            | Self::RetentionDuty => Outcome::Conflict,
            Self::CardNumber(_) | Self::Minor => Outcome::Refused,
            Self::Limited(..) | Self::BudgetExhausted(..) | Self::Throttled(..) => Outcome::Limited,
            Self::Overloaded
            | Self::AuditUnavailable
            | Self::RollbackSuspected
            | Self::StorageFull
            | Self::Integrity => Outcome::Failed,
            Self::At(_, inner) | Self::Replayed(inner) => inner.outcome(),
        }
    }
    /// The same about something that stands below this pointer in the request.
    pub fn below(self, base: &str) -> Self {
        let moved = |faults: Vec<Fault>| {
            let each = |f: Fault| Fault { pointer: format!("{base}{}", f.pointer), ..f };
            faults.into_iter().map(each).collect()
        };
        match self {
            Self::InvalidRequest(faults) => Self::InvalidRequest(moved(faults)),
            Self::InvalidField(faults) => Self::InvalidField(moved(faults)),
            Self::CardNumber(pointer) => Self::CardNumber(format!("{base}{pointer}")),
            other => other,
        }
    }
    /// Whether a retry under the same idempotency key gets the same refusal: 4xx decided after parsing, but nothing of a
    /// minor or a card number is kept, and limits and failures pass.
    pub fn is_remembered(&self) -> bool {
        match self {
            Self::InvalidField(_)
            | Self::Denied(_)
            | Self::NotFound
            | Self::VersionConflict(_)
            | Self::AlreadyExists
            | Self::LegalHold
            | Self::RetentionDuty => true,
            Self::At(_, inner) => inner.is_remembered(),
            _ => false,
        }
    }
}

impl From<CommitError> for Refusal {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::Conflict(_) | CommitError::Replayed(_) => Self::Conflict,
            CommitError::Full => Self::StorageFull,
            CommitError::Overloaded => Self::Overloaded,
            CommitError::Stopped => Self::AuditUnavailable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_remembered_refusal_reads_back_as_it_was() {
        let fault = Fault::new("/fields/phone", "not_e164", "Write it as +country number.");
        for refusal in [
            Refusal::InvalidField(vec![fault]),
            Refusal::Denied(RuleName(Rule::FieldNotNeeded)),
            Refusal::At(3, Box::new(Refusal::NotFound)),
            Refusal::VersionConflict(7),
        ] {
            let bytes = serde_json::to_vec(&refusal).unwrap();
            assert_eq!(serde_json::from_slice::<Refusal>(&bytes).unwrap(), refusal);
            assert!(refusal.is_remembered());
        }
    }

    #[test]
    fn c10_c02_nothing_of_a_minor_or_a_card_is_remembered_and_limits_pass() {
        for refusal in [
            Refusal::Minor,
            Refusal::CardNumber("/fields/name".into()),
            Refusal::Limited("cost".into(), 1),
            Refusal::Overloaded,
            Refusal::AuditUnavailable,
        ] {
            assert!(!refusal.is_remembered(), "{}", refusal.code());
        }
    }
}
