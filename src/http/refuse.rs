//! Refusals of the vault as problems of the API: one exhaustive table, so that a new refusal cannot become a 500.

use crate::http::problem::{Code, FieldError, Problem};
use crate::vault::{Fault, Refusal};

fn with_faults(code: Code, faults: &[Fault]) -> Problem {
    let shown =
        |f: &Fault| FieldError { pointer: f.pointer.clone(), code: f.code.clone(), detail: f.detail.clone() };
    Problem { errors: faults.iter().map(shown).collect(), ..Problem::new(code) }
}

impl From<&Refusal> for Problem {
    fn from(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::InvalidRequest(faults) => with_faults(Code::InvalidRequest, faults),
            Refusal::InvalidField(faults) => with_faults(Code::InvalidField, faults),
            Refusal::Unauthenticated => Self::new(Code::Unauthenticated),
            Refusal::Denied(rule) => Self::denied(rule.0),
            Refusal::NotFound => Self::new(Code::NotFound),
            Refusal::Conflict => Self::new(Code::Conflict),
            Refusal::VersionConflict(current) => Self::version_conflict(*current),
            Refusal::IdempotencyMismatch => Self::new(Code::IdempotencyMismatch),
            Refusal::AlreadyExists => Self::new(Code::AlreadyExists),
            Refusal::LegalHold => Self::new(Code::LegalHold),
            Refusal::RetentionDuty => Self::new(Code::RetentionDuty),
            Refusal::CardNumber(at) => {
                let detail = "Take the card number out; a reference of the payment processor may stand here.";
                with_faults(Code::CardNumberRefused, &[Fault::new(at, "card_number", detail)])
            }
            Refusal::Minor => Self::new(Code::MinorRefused),
            Refusal::Limited(name, wait) | Refusal::Throttled(name, wait) => {
                Self::limited(Code::RateLimited, name.clone(), *wait)
            }
            Refusal::BudgetExhausted(name, wait) => Self::limited(Code::BudgetExhausted, name.clone(), *wait),
            Refusal::TooLarge => Self::new(Code::TooLarge),
            Refusal::Overloaded => Self::new(Code::Overloaded),
            Refusal::AuditUnavailable | Refusal::Integrity => {
                Self::new(Code::AuditUnavailable).with_retry_after(5)
            }
            Refusal::RollbackSuspected => Self::new(Code::RollbackSuspected),
            Refusal::StorageFull => Self::new(Code::StorageFull).with_retry_after(30),
            Refusal::At(index, inner) => Self::from(inner.as_ref()).at_index(*index),
            Refusal::Replayed(inner) => Self { replayed: true, ..Self::from(inner.as_ref()) },
        }
    }
}
