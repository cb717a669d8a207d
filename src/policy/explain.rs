//! Says in words which rule decides. Names and fixed sentences only: nothing of a subject is repeated.

use super::facts::Policy;
use super::judge::{Asked, decide};
use super::permit::Target;
use super::question::{Denial, Question};
use crate::domain::field::Form;
use crate::domain::subject::{RecordFacts, SubjectState};
use crate::domain::{CommitNo, FieldNo, Locator, Part, RecordId, Version};

impl Policy {
    /// Says in words which rule decides, for `policy explain`.
    pub fn explain(&self, question: &Question, field: FieldNo, subject: Option<&SubjectState>) -> String {
        let client =
            self.client_facts(question.asker.client).map_or("an unknown client", |c| c.name.as_str());
        let purpose = question.purpose.and_then(|p| self.purpose_name(p)).unwrap_or("an unknown purpose");
        let name = self.field_facts(field).map_or("an unknown field", |f| f.full_name.as_str());
        let judged = match subject {
            Some(subject) => self.explained_with(question, field, subject),
            None => self
                .judge_request(question)
                .and_then(|leave| self.judge_field(&leave, field))
                .map(|l| l.form()),
        };
        let head = format!("{client}, {purpose}, {name}: ");
        match judged {
            Ok(Form::Plain) => head + "permitted, plain." + rest(subject),
            Ok(Form::Masked) => head + "permitted, masked." + rest(subject),
            Err(denial) => head + &refusal(&denial),
        }
    }

    fn explained_with(
        &self,
        question: &Question,
        field: FieldNo,
        subject: &SubjectState,
    ) -> Result<Form, Denial> {
        let nowhere = || Denial::from_rules([crate::domain::Rule::FieldNotGranted].into_iter().collect());
        let Some(facts) = self.field_facts(field) else { return nowhere().map(|()| Form::Masked) };
        // No record is opened with this permit: it is asked for, read and dropped.
        let Some(locator) = Locator::new(1, Part::truncate(0)) else {
            return nowhere().map(|()| Form::Masked);
        };
        let target = Target { record: RecordId(locator), version: Version(1), read_at: CommitNo(0) };
        let facts = RecordFacts { collection: facts.collection, created_at: subject.created_at };
        let permit = decide(self, question, &[field], Asked { subject, facts, target })?;
        Ok(permit.form(field).unwrap_or(Form::Masked))
    }
}

fn rest(subject: Option<&SubjectState>) -> &'static str {
    match subject {
        Some(_) => "",
        None => " The subject's own state may still refuse it.",
    }
}

fn refusal(denial: &Denial) -> String {
    let mut text = format!("refused by {}. {}", denial.rule.name(), denial.rule.meaning());
    let others: Vec<&str> = denial.all.iter().filter(|r| *r != denial.rule).map(|r| r.name()).collect();
    if !others.is_empty() {
        text += &format!(" Also failing: {}.", others.join(", "));
    }
    text
}
