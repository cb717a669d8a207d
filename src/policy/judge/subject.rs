//! The subject half: what the person's own state says, after the row was found.

use crate::domain::field::Form;
use crate::domain::rule::{Rule, RuleSet};
use crate::domain::subject::{AgeClass, RecordFacts, Region, SubjectState, SubjectStatus};
use crate::domain::{CollectionNo, PurposeNo};
use crate::policy::facts::Policy;
use crate::policy::permit::{FieldLeave, Leave, Permit, Target};
use crate::policy::question::{ContextState, Denial, Question, fail_if};
use crate::policy::rules::{Basis, ContextRule, Passage, PurposeRules};

impl Policy {
    /// Subject half: restriction, objection, basis, recipient consent, transfer by the subject's region, notice, context.
    pub fn judge_subject(
        &self,
        leave: &Leave,
        fields: &[FieldLeave],
        subject: &SubjectState,
        facts: RecordFacts,
        target: Target,
    ) -> Result<Permit, Denial> {
        let plain = fields.iter().any(|f| f.form() == Form::Plain);
        // A permit opens fields of the one record it names, and of no other collection.
        let foreign =
            |f: &FieldLeave| self.field_facts(f.field()).is_none_or(|x| x.collection != facts.collection);
        let mut failed = self.subject_rules(leave.question(), subject, facts.collection, plain);
        fail_if(&mut failed, fields.is_empty() || fields.iter().any(foreign), Rule::FieldNotGranted);
        Denial::from_rules(failed)?;
        Ok(Permit::new(leave, fields, target))
    }

    fn subject_rules(
        &self,
        question: &Question,
        subject: &SubjectState,
        collection: CollectionNo,
        plain: bool,
    ) -> RuleSet {
        let mut failed = RuleSet::default();
        let known = question.purpose.and_then(|no| Some((no, self.purposes.get(&no)?)));
        let Some((no, purpose)) = known else {
            failed.insert(Rule::PurposeNotGranted);
            return failed;
        };
        fail_if(&mut failed, restricted(purpose, subject, collection), Rule::SubjectRestricted);
        fail_if(&mut failed, objected(no, purpose, subject), Rule::Objected);
        fail_if(&mut failed, !basis_stands(no, purpose, subject), Rule::ConsentMissing);
        let recipient = self.recipient_of(question);
        let unasked = recipient.is_some_and(|r| r.third_party && !subject.consent_stands(no, Some(r.no)));
        fail_if(&mut failed, unasked, Rule::RecipientConsentMissing);
        let passage = self.passage_from(question, subject.region);
        let closed = passage == Passage::Closed || (passage == Passage::MaskedOnly && plain);
        fail_if(&mut failed, closed, Rule::TransferNotAllowed);
        let told = purpose.since_notice.as_deref().is_none_or(|notice| notified(notice, subject));
        fail_if(&mut failed, !told, Rule::PurposeNotNotified);
        failed.0 |= self.context_rules(question).0;
        failed
    }

    /// Whether the context the grant asks for is there. It is asked alone before a record is looked for: an item out of
    /// context gets this answer whether or not its record lives (I5), and [`Policy::judge_subject`] asks it again.
    pub fn judge_context(&self, leave: &Leave) -> Result<(), Denial> {
        Denial::from_rules(self.context_rules(leave.question()))
    }

    fn context_rules(&self, question: &Question) -> RuleSet {
        let mut failed = RuleSet::default();
        let context = self.grant_of(question).map_or(ContextRule::Verified, |g| g.context);
        let absent = context != ContextRule::None && question.context == ContextState::Absent;
        fail_if(&mut failed, absent, Rule::ContextMissing);
        let unverified = context == ContextRule::Verified && question.context == ContextState::Unverified;
        fail_if(&mut failed, unverified, Rule::ContextUnverified);
        failed
    }

    /// From the subject's region to the caller, and on to the recipient: the narrower of the two.
    fn passage_from(&self, question: &Question, region: Region) -> Passage {
        let caller = self.client_rules.get(&question.asker.client).and_then(|c| c.country);
        let to_caller = caller.map_or(Passage::Closed, |to| self.transfers.passage(region, to, false));
        let to_recipient = self
            .recipient_of(question)
            .map_or(Passage::Free, |r| self.transfers.passage(region, r.country, r.own_basis));
        to_caller.max(to_recipient)
    }
}

/// Restriction; a minor, and a subject under erasure, is never processed, whatever the purpose is excepted from.
pub(super) fn restricted(purpose: &PurposeRules, subject: &SubjectState, collection: CollectionNo) -> bool {
    use SubjectStatus::{Active, Erased, Erasing, PartlyErased, Restricted};
    let narrow = &subject.restricted_collections;
    let under_restriction = match subject.status {
        Erasing | PartlyErased | Erased => return true,
        Active => narrow.contains(&collection),
        Restricted => narrow.is_empty() || narrow.contains(&collection),
    };
    subject.age == AgeClass::Minor || (under_restriction && !purpose.during_restriction)
}

/// An objection to direct marketing is absolute; any other stands against legitimate interests only.
fn objected(no: PurposeNo, purpose: &PurposeRules, subject: &SubjectState) -> bool {
    let can_object = purpose.marketing || purpose.basis == Basis::LegitimateInterests;
    can_object && !purpose.administrative && subject.objections.contains(&no)
}

/// A consent stands, or the purpose needs none and was not opted out of.
fn basis_stands(no: PurposeNo, purpose: &PurposeRules, subject: &SubjectState) -> bool {
    if purpose.basis == Basis::Consent {
        return subject.consent_stands(no, None);
    }
    let stoppable = (purpose.opt_out || purpose.marketing) && !purpose.administrative;
    let latest = subject.consents.iter().rev().find(|c| c.purpose == no && c.recipient.is_none());
    !stoppable || latest.is_none_or(|c| c.granted)
}

/// The notice that names the purpose was shown, or a later one. Versions compare by their numbers, part by part.
fn notified(notice: &str, subject: &SubjectState) -> bool {
    subject.notices.iter().any(|shown| shown.event == notice || later(&shown.event, notice))
}

fn later(shown: &str, notice: &str) -> bool {
    let parts = |text: &str| -> Option<smallvec::SmallVec<[u64; 4]>> {
        text.split(['.', '-']).map(|part| part.parse::<u64>().ok()).collect()
    };
    matches!((parts(shown), parts(notice)), (Some(shown), Some(notice)) if shown > notice)
}
