//! The judge: a pure function from a question and a subject's state to a permit or a denial.
//!
//! It reads no clock and no row, allocates nothing on the way to a permit of up to four fields, and never panics: what
//! it cannot find is refused (I4). Every rule that fails is collected; the first in the fixed order is reported.

mod delete;
mod request;
mod subject;
mod write;

pub use delete::{Delete, Kept};

use super::facts::Policy;
use super::permit::{FieldLeave, Permit, Target};
use super::question::{Denial, Question};
use crate::domain::FieldNo;
use crate::domain::rule::RuleSet;
use crate::domain::subject::{RecordFacts, SubjectState};
use smallvec::SmallVec;

/// The record asked for: what its rows say.
#[derive(Clone, Copy)]
pub struct Asked<'s> {
    /// The subject.
    pub subject: &'s SubjectState,
    /// The record's head.
    pub facts: RecordFacts,
    /// The record's place.
    pub target: Target,
}

/// The whole decision: the static half over the request and every field, then the subject half. A request that fails
/// the static half is refused before the subject is looked at.
pub fn decide(
    policy: &Policy,
    question: &Question,
    fields: &[FieldNo],
    asked: Asked<'_>,
) -> Result<Permit, Denial> {
    let mut failed = RuleSet::default();
    let leave = policy.judge_request(question).map_err(|d| failed = d.all).ok();
    let mut leaves: SmallVec<[FieldLeave; 4]> = SmallVec::new();
    for field in fields {
        match policy.static_field(question, *field) {
            Ok(form) => leaves.push(FieldLeave::new(*field, form)),
            Err(denial) => failed.0 |= denial.all.0,
        }
    }
    Denial::from_rules(failed)?;
    // No leave means a failed rule above; were it otherwise, absence still never permits (I4).
    let leave = leave.ok_or_else(request::nothing_granted)?;
    policy.judge_subject(&leave, &leaves, asked.subject, asked.facts, asked.target)
}
