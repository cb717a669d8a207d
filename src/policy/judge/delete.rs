//! Deletion of one record: who may, and what must stay although somebody asks (C24, "when rights and duties meet").

use super::request::asker_rules;
use crate::domain::rule::{Rule, RuleSet};
use crate::domain::subject::{RecordFacts, SubjectState, SubjectStatus};
use crate::domain::{CollectionNo, Timestamp};
use crate::policy::facts::Policy;
use crate::policy::question::{Asker, Denial, fail_if};

/// What keeps a record from being deleted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kept {
    /// A legal hold on the subject, or on this collection of it.
    Hold,
    /// The law asks for the data until its period has passed.
    Duty,
}

/// The judge's answer about a record that was found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Delete {
    /// It may go.
    Allowed,
    /// Not this client's collection: to be answered like a record that is not there.
    Foreign,
    /// A rule refuses.
    Denied(Denial),
    /// It has to stay.
    Kept(Kept),
}

impl Policy {
    /// Whether a client that holds the act may delete this record now. A client deletes only in collections it writes for
    /// some purpose; a record under restriction stays, as it may serve the person's claim; a hold and a duty keep it.
    pub fn judge_delete(
        &self,
        asker: &Asker,
        subject: &SubjectState,
        facts: RecordFacts,
        now: Timestamp,
    ) -> Delete {
        let mut failed: RuleSet = asker_rules(asker);
        let granted = self.client_rules.get(&asker.client).is_some_and(|c| c.acts.contains("record.delete"));
        fail_if(&mut failed, !granted, Rule::ActNotGranted);
        if failed.0 == 0 && !self.writes_in(asker, facts.collection) {
            return Delete::Foreign;
        }
        fail_if(&mut failed, under_restriction(subject, facts.collection), Rule::SubjectRestricted);
        if let Err(denial) = Denial::from_rules(failed) {
            return Delete::Denied(denial);
        }
        let here =
            |collections: &[CollectionNo]| collections.is_empty() || collections.contains(&facts.collection);
        if subject.holds.iter().any(|hold| now < hold.until && here(&hold.collections)) {
            return Delete::Kept(Kept::Hold);
        }
        if self.duty_until(subject, facts).is_some_and(|end| now < end) {
            return Delete::Kept(Kept::Duty);
        }
        Delete::Allowed
    }

    /// Until when the law asks for the record: counted from the latest of the events that start the period, or from its
    /// collection when none of them happened yet.
    fn duty_until(&self, subject: &SubjectState, facts: RecordFacts) -> Option<Timestamp> {
        let duty = self.collections.get(&facts.collection)?.duty.as_ref()?;
        let events = subject.anchors.iter().filter(|a| a.event == duty.from).map(|a| a.at);
        Some(events.fold(facts.created_at, Timestamp::max).plus(duty.keep))
    }

    /// Whether the client writes a field of the collection for some purpose: else its records are not there for it.
    pub fn writes_in(&self, asker: &Asker, collection: CollectionNo) -> bool {
        let grants = self.client_rules.get(&asker.client).map_or(&[][..], |c| &c.grants);
        self.fields_of(collection).any(|field| grants.iter().any(|g| g.write.has(field.no.0)))
    }
}

fn under_restriction(subject: &SubjectState, collection: CollectionNo) -> bool {
    let narrow = &subject.restricted_collections;
    match subject.status {
        SubjectStatus::Restricted => narrow.is_empty() || narrow.contains(&collection),
        SubjectStatus::Active => narrow.contains(&collection),
        SubjectStatus::Erasing | SubjectStatus::PartlyErased | SubjectStatus::Erased => false,
    }
}
