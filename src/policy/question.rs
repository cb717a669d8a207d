//! What is asked of the judge, and its refusals.

use crate::domain::date::Date;
use crate::domain::field::Form;
use crate::domain::rule::{Rule, RuleSet};
use crate::domain::{ClientNo, PurposeNo, RecipientNo};

/// Who asks, as authenticated (never as claimed).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Asker {
    /// The client.
    pub client: ClientNo,
    /// Its row says suspended.
    pub suspended: bool,
    /// The key it proved has expired or was withdrawn.
    pub key_expired: bool,
    /// The peer's address is in a declared network.
    pub network_allowed: bool,
}

/// What the asker wants to do with fields.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wish {
    /// Detokenize; `None`: plain where granted, else masked.
    Read(Option<Form>),
    /// Store or change.
    Write,
    /// Search by the field.
    Search,
    /// Verify a credential.
    Verify,
}

/// Whether a context was given and verified.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContextState {
    /// None was named.
    Absent,
    /// One was named, not verified for this subject.
    Unverified,
    /// One was named and verified.
    Verified,
}

/// A whole request, before any row is read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Question {
    /// Who.
    pub asker: Asker,
    /// What.
    pub wish: Wish,
    /// For which purpose; `None` when the name is not in the policy (refused as not granted).
    pub purpose: Option<PurposeNo>,
    /// For whom; `Some(None)`: a recipient was named that is not registered.
    pub recipient: Option<Option<RecipientNo>>,
    /// Context.
    pub context: ContextState,
    /// Today (UTC), for contracts.
    pub today: Date,
}

/// A refusal: the first failing rule in the fixed order, and all of them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Denial {
    /// The rule that is reported.
    pub rule: Rule,
    /// Every rule that failed.
    pub all: RuleSet,
}

impl Denial {
    /// `Err` when any rule failed; the first in order of judging is reported.
    pub(super) fn from_rules(all: RuleSet) -> Result<(), Self> {
        all.iter().next().map_or(Ok(()), |rule| Err(Self { rule, all }))
    }
}

/// Adds a rule to a set when it fails.
pub(super) fn fail_if(failed: &mut RuleSet, fails: bool, rule: Rule) {
    if fails {
        failed.insert(rule);
    }
}
