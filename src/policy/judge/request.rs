//! The static half: from the caller and the request alone, before any row is read.

use crate::domain::field::Form;
use crate::domain::rule::{Rule, RuleSet};
use crate::domain::{FieldNo, PurposeNo};
use crate::policy::facts::{Policy, Search};
use crate::policy::permit::{FieldLeave, Leave};
use crate::policy::question::{Asker, Denial, Question, Wish, fail_if};
use crate::policy::rules::{ClientRules, Grant, Passage, RecipientRules};

/// The denial of what is declared nowhere.
pub(super) fn nothing_granted() -> Denial {
    Denial { rule: Rule::PurposeNotGranted, all: RuleSet::from_iter([Rule::PurposeNotGranted]) }
}

impl Policy {
    /// Whether the client is granted an act (`"subject.create"`, `"consent.record:newsletter"`), with asker checks first.
    pub fn judge_act(&self, asker: &Asker, act: &str) -> Result<(), Denial> {
        let mut failed = asker_rules(asker);
        let granted = self.client_rules.get(&asker.client).is_some_and(|c| c.acts.contains(act));
        fail_if(&mut failed, !granted, Rule::ActNotGranted);
        Denial::from_rules(failed)
    }
    /// The asker checks alone: suspended, key expired, network.
    pub fn judge_asker(&self, asker: &Asker) -> Result<(), Denial> {
        Denial::from_rules(asker_rules(asker))
    }
    /// Static half, whole request: asker, purpose, recipient known and in force, transfer pair of caller and recipient.
    pub fn judge_request(&self, question: &Question) -> Result<Leave, Denial> {
        Denial::from_rules(self.request_rules(question))?;
        Ok(Leave::new(*question))
    }
    /// Static half, one field: granted for the purpose in this form, within the recipient's ceiling.
    pub fn judge_field(&self, leave: &Leave, field: FieldNo) -> Result<FieldLeave, Denial> {
        self.static_field(leave.question(), field).map(|form| FieldLeave::new(field, form))
    }
    /// The second field of a compound search: searchable when the first is granted for search and this is its declared
    /// companion.
    pub fn judge_search_companion(
        &self,
        leave: &Leave,
        first: FieldNo,
        other: FieldNo,
    ) -> Result<FieldLeave, Denial> {
        self.judge_field(leave, first)?;
        let declared = self.field_facts(first).and_then(|f| f.search.as_ref());
        let companion = matches!(declared, Some(Search::Compound { with, .. }) if *with == other);
        let mut failed = RuleSet::default();
        let searching = leave.question().wish == Wish::Search;
        fail_if(&mut failed, !(companion && searching), Rule::FieldNotGranted);
        let recipient = self.recipient_of(leave.question());
        fail_if(&mut failed, recipient.is_some_and(|r| !r.may_have(other)), Rule::ProcessorCeiling);
        Denial::from_rules(failed)?;
        Ok(FieldLeave::new(other, Form::Plain))
    }

    pub(super) fn rules_of(&self, question: &Question) -> Option<(&ClientRules, Option<&Grant>)> {
        let client = self.client_rules.get(&question.asker.client)?;
        Some((client, question.purpose.and_then(|p| client.grant(p))))
    }

    /// The grant that the question stands on.
    pub(super) fn grant_of(&self, question: &Question) -> Option<&Grant> {
        self.rules_of(question).and_then(|(_, grant)| grant)
    }

    pub(super) fn recipient_of(&self, question: &Question) -> Option<&RecipientRules> {
        self.recipients.get(&question.recipient.flatten()?)
    }

    fn masked_only(&self, purpose: Option<PurposeNo>) -> bool {
        purpose.and_then(|p| self.purposes.get(&p)).is_some_and(|p| p.masked_only)
    }

    pub(super) fn request_rules(&self, question: &Question) -> RuleSet {
        let mut failed = asker_rules(&question.asker);
        let grant = self.grant_of(question);
        fail_if(&mut failed, grant.is_none(), Rule::PurposeNotGranted);
        if question.recipient.is_none() {
            return failed;
        }
        let Some(recipient) = self.recipient_of(question) else {
            failed.insert(Rule::RecipientUnknown);
            return failed;
        };
        fail_if(&mut failed, !recipient.in_force(question.today), Rule::ContractExpired);
        let listed = grant.is_some_and(|g| g.recipients.has(recipient.no.0));
        let for_purpose = question.purpose.is_some_and(|p| recipient.purposes.has(p.0));
        fail_if(&mut failed, !listed || !for_purpose, Rule::ProcessorCeiling);
        let closed = self.passage_to_recipient(question, recipient) == Passage::Closed;
        fail_if(&mut failed, closed, Rule::TransferNotAllowed);
        failed
    }

    /// From the caller's country to the recipient's.
    fn passage_to_recipient(&self, question: &Question, recipient: &RecipientRules) -> Passage {
        let caller = self.client_rules.get(&question.asker.client).and_then(|c| c.country);
        caller.map_or(Passage::Closed, |from| {
            self.transfers.passage(from, recipient.country, recipient.own_basis)
        })
    }

    /// One field of the static half: the form it would be shown in.
    pub(super) fn static_field(&self, question: &Question, field: FieldNo) -> Result<Form, Denial> {
        let mut failed = RuleSet::default();
        let form = match question.wish {
            Wish::Read(form) => self.readable(question, field, form, &mut failed),
            Wish::Write => {
                let granted = self.grant_of(question).is_some_and(|g| g.write.has(field.0));
                fail_if(&mut failed, !granted, Rule::FieldNotNeeded);
                Form::Plain
            }
            Wish::Search | Wish::Verify => {
                let search = question.wish == Wish::Search;
                let fields = self.grant_of(question).map(|g| if search { &g.search } else { &g.verify });
                fail_if(&mut failed, !fields.is_some_and(|f| f.has(field.0)), Rule::FieldNotGranted);
                Form::Plain
            }
        };
        if let Some(recipient) = self.recipient_of(question) {
            fail_if(&mut failed, !recipient.may_have(field), Rule::ProcessorCeiling);
            let masked = self.passage_to_recipient(question, recipient) == Passage::MaskedOnly;
            fail_if(&mut failed, masked && form == Form::Plain, Rule::TransferNotAllowed);
        }
        Denial::from_rules(failed).map(|()| form)
    }

    fn readable(
        &self,
        question: &Question,
        field: FieldNo,
        form: Option<Form>,
        failed: &mut RuleSet,
    ) -> Form {
        let grant = self.grant_of(question);
        let plain = grant.is_some_and(|g| g.plain.has(field.0));
        // Who may see the whole may see the masked form.
        let masked = plain || grant.is_some_and(|g| g.masked.has(field.0));
        let research = self.masked_only(question.purpose);
        fail_if(failed, research && form == Some(Form::Plain), Rule::ResearchIsMasked);
        fail_if(failed, !masked, Rule::FieldNotGranted);
        let only_masked = masked && !plain && !research;
        fail_if(failed, only_masked && form == Some(Form::Plain), Rule::PlainNotGranted);
        match form {
            Some(form) => form,
            None if plain && !research => Form::Plain,
            None => Form::Masked,
        }
    }
}

pub(super) fn asker_rules(asker: &Asker) -> RuleSet {
    let mut failed = RuleSet::default();
    fail_if(&mut failed, asker.suspended, Rule::ClientSuspended);
    fail_if(&mut failed, asker.key_expired, Rule::KeyExpired);
    fail_if(&mut failed, !asker.network_allowed, Rule::NetworkNotAllowed);
    failed
}
