//! Refusals of the vault as problems of the API: one exhaustive table, so that a new refusal cannot become a 500.

use crate::http::problem::{Code, Problem};
use crate::vault::{Fault, Refusal};

fn errors(faults: &[Fault]) -> Vec<(String, String, String)> {
    faults.iter().map(|f| (f.pointer.clone(), f.code.to_string(), f.detail.to_string())).collect()
}

impl From<&Refusal> for Problem {
    fn from(refusal: &Refusal) -> Self {
        match refusal {
            Refusal::InvalidRequest(faults) => Problem::new(Code::InvalidRequest).errors(errors(faults)),
            Refusal::InvalidField(faults) => Problem::new(Code::InvalidField).errors(errors(faults)),
            Refusal::Unauthenticated => Problem::new(Code::Unauthenticated),
            Refusal::Denied(rule) => Problem::new(Code::Denied).rule(rule.0),
            Refusal::NotFound => Problem::new(Code::NotFound),
            Refusal::Conflict => Problem::new(Code::Conflict),
            Refusal::VersionConflict(current) => Problem::new(Code::VersionConflict).current_version(*current),
            Refusal::IdempotencyMismatch => Problem::new(Code::IdempotencyMismatch),
            Refusal::AlreadyExists => Problem::new(Code::AlreadyExists),
            Refusal::CardNumber => Problem::new(Code::CardNumberRefused),
            Refusal::Minor => Problem::new(Code::MinorRefused),
            Refusal::Limited(name, wait) => Problem::new(Code::RateLimited).limit(name).retry_after(*wait),
            Refusal::BudgetExhausted(name, wait) => Problem::new(Code::BudgetExhausted).limit(name).retry_after(*wait),
            Refusal::Throttled(scope, wait) => Problem::new(Code::RateLimited).scope(scope).retry_after(*wait),
            Refusal::TooLarge => Problem::new(Code::TooLarge),
            Refusal::Overloaded => Problem::new(Code::Overloaded).retry_after(1),
            Refusal::AuditUnavailable | Refusal::Integrity => Problem::new(Code::AuditUnavailable).retry_after(5),
            Refusal::RollbackSuspected => Problem::new(Code::RollbackSuspected),
            Refusal::StorageFull => Problem::new(Code::StorageFull),
            Refusal::At(index, inner) => Problem::from(inner.as_ref()).index(*index),
        }
    }
}
