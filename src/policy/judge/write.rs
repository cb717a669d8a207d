//! Writes: collect only what the purpose needs (C08).

use super::request::asker_rules;
use super::subject::restricted;
use crate::domain::rule::{Rule, RuleSet};
use crate::domain::subject::SubjectState;
use crate::domain::{CollectionNo, FieldNo};
use crate::policy::facts::Policy;
use crate::policy::permit::WritePermit;
use crate::policy::question::{Denial, Question, Wish, fail_if};

impl Policy {
    /// Whether the caller writes anything under the purpose: what can be refused before a record is looked for.
    pub fn judge_writer(&self, question: &Question) -> Result<(), Denial> {
        let mut failed = self.write_rules(question);
        let some = self.grant_of(question).is_some_and(|grant| grant.write != Default::default());
        fail_if(&mut failed, !some, Rule::FieldNotNeeded);
        Denial::from_rules(failed)
    }

    /// Whether the purpose needs the field (C08): asker and purpose first, then `field_not_needed`.
    pub fn judge_write_field(&self, question: &Question, field: FieldNo) -> Result<(), Denial> {
        let mut failed = self.write_rules(question);
        fail_if(&mut failed, !self.writable(question, field), Rule::FieldNotNeeded);
        Denial::from_rules(failed)
    }

    /// Leave to write: every field granted for writing under the purpose (C08), the subject not restricted.
    pub fn judge_write(
        &self,
        question: &Question,
        collection: CollectionNo,
        fields: &[FieldNo],
        subject: &SubjectState,
    ) -> Result<WritePermit, Denial> {
        let mut failed = self.write_rules(question);
        let here = |f: &FieldNo| self.field_facts(*f).is_some_and(|x| x.collection == collection);
        let unneeded = fields.iter().any(|f| !self.writable(question, *f) || !here(f));
        fail_if(&mut failed, unneeded, Rule::FieldNotNeeded);
        let purpose = question.purpose.and_then(|p| self.purposes.get(&p));
        let refused = purpose.is_some_and(|p| restricted(p, subject, collection));
        fail_if(&mut failed, refused, Rule::SubjectRestricted);
        Denial::from_rules(failed)?;
        Ok(WritePermit::new(collection, fields))
    }

    fn write_rules(&self, question: &Question) -> RuleSet {
        let mut failed = asker_rules(&question.asker);
        fail_if(&mut failed, self.grant_of(question).is_none(), Rule::PurposeNotGranted);
        failed
    }

    fn writable(&self, question: &Question, field: FieldNo) -> bool {
        question.wish == Wish::Write && self.grant_of(question).is_some_and(|g| g.write.has(field.0))
    }
}
