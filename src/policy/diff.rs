//! Who gains or loses what when one policy takes the place of another: pure, and careful in one direction. What it cannot tell to
//! be narrower it calls wider, because a change that widens asks for one officer more (I11).
//!
//! Both policies are flattened into single statements (`facts`); the difference of two sets of statements is the answer.

mod facts;

use super::errors::PolicyError;
use super::facts::Policy;
use super::numbering::Numbering;
use facts::Fact;

/// What became of one statement.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Turn {
    /// It was not there before.
    Added,
    /// It is not there any more.
    Removed,
    /// It says something else.
    Changed,
}

/// One difference.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// Whom it is about: `client storefront`, `collection contact`, `minors`.
    pub who: String,
    /// What: `may read contact.email plain for billing`.
    pub what: String,
    /// What became of it.
    pub turn: Turn,
    /// What was said before, where it is more than presence.
    pub before: Option<String>,
    /// What is said now.
    pub after: Option<String>,
    /// More may be done, for longer, by more, or with less protection.
    pub widens: bool,
}

/// All differences, by whom and what.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct PolicyDiff {
    /// The differences.
    pub differences: Vec<Difference>,
}

impl PolicyDiff {
    /// Compares two policy files; `Err`: the faults of the first that has any, and whether it is the new one.
    pub fn between(old: &str, new: &str) -> Result<Self, (bool, Vec<PolicyError>)> {
        let before = Policy::compile(old, &Numbering::default()).map_err(|faults| (false, faults))?;
        let after = Policy::compile(new, before.numbering()).map_err(|faults| (true, faults))?;
        let (before, after) = (facts::of(old, &before), facts::of(new, &after));
        let mut differences = Vec::new();
        for (key, fact) in &before {
            match after.get(key) {
                None => {
                    let mut gone = difference(key, Some(fact), None);
                    // Limits and guards of whoever is gone altogether bind nobody any more. A transfer's guard also binds
                    // recipients that have a basis of their own, who stay.
                    gone.widens &=
                        key.0.starts_with("transfer ") || after.keys().any(|(who, _)| *who == key.0);
                    differences.push(gone);
                }
                Some(now) if now != fact => differences.push(difference(key, Some(fact), Some(now))),
                Some(_) => {}
            }
        }
        let added = after.iter().filter(|(key, _)| !before.contains_key(*key));
        differences.extend(added.map(|(key, fact)| difference(key, None, Some(fact))));
        differences.sort_by(|a, b| (&a.who, &a.what).cmp(&(&b.who, &b.what)));
        Ok(Self { differences })
    }
    /// Whether anything is wider than before.
    pub fn widens(&self) -> bool {
        self.differences.iter().any(|d| d.widens)
    }
}

fn difference((who, what): &(String, String), before: Option<&Fact>, after: Option<&Fact>) -> Difference {
    let (turn, widens) = match (before, after) {
        (None, Some(now)) => (Turn::Added, now.widens_when_added()),
        (Some(was), None) => (Turn::Removed, was.widens_when_removed()),
        (Some(was), Some(now)) => (Turn::Changed, was.widens_when_changed_to(now)),
        (None, None) => (Turn::Changed, false),
    };
    Difference {
        who: who.clone(),
        what: what.clone(),
        turn,
        before: before.and_then(Fact::shown),
        after: after.and_then(Fact::shown),
        widens,
    }
}
