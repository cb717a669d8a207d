//! `PATCH /v1/records/{rec}`: a new version under a new data key; the old key goes in the same commit. Live tokens follow.

use crate::crypto::{Fields, RefKind};
use crate::domain::entropy::OsEntropy;
use crate::domain::event::{Act, EventItem};
use crate::domain::record::RecordHead;
use crate::domain::rule::RuleSet;
use crate::domain::{FieldNo, Object, RecordId, Version};
use crate::policy::{MaintenancePermit, Policy, Question};
use crate::storage::{Change, RecordRow};
use crate::vault::Vault;
use crate::vault::call::{Call, Draft};
use crate::vault::caller::Caller;
use crate::vault::commit::{Desk, Done, Plan, Stop};
use crate::vault::load::LoadedRecord;
use crate::vault::record_create::{FieldInput, Stored, StoredTokens};
use crate::vault::record_rows::Checked;
use crate::vault::record_rules::{unsealable, write_question};
use crate::vault::refusal::{Fault, Refusal};
use crate::vault::remember::{Remembered, RememberedRecord};

/// What `PATCH /v1/records/{rec}` says.
pub struct UpdateRecord {
    /// Purpose, by name.
    pub purpose: String,
    /// Fields to change; null removes.
    pub fields: Vec<FieldInput>,
    /// Only if the record still has this version.
    pub if_version: Option<u32>,
}

impl Vault {
    /// Changes a record; `None`: the name is not one of ours.
    pub async fn update_record(
        &self,
        caller: &Caller,
        call: &Call,
        record: Option<RecordId>,
        command: &UpdateRecord,
    ) -> Result<Done<StoredTokens>, Refusal> {
        let policy = caller.policy().clone();
        let mut draft = Draft::new(caller, call, Act::RecordUpdate);
        let purpose = policy.purpose(&command.purpose);
        draft.body.purpose = purpose.and_then(|p| policy.purpose_name(p)).map(str::to_owned);
        let question = write_question(caller, purpose, self.today());
        if let Err(denial) = policy.judge_writer(&question) {
            let refusal = Refusal::Denied(crate::vault::refusal::RuleName(denial.rule));
            return Err(self.refuse(caller, Some(call), draft, refusal, denial.all).await);
        }
        let units = u32::try_from(command.fields.len()).unwrap_or(u32::MAX).max(1);
        if let Err(refusal) = self.charge(caller, &mut draft, units) {
            return Err(self.refuse(caller, None, draft, refusal, RuleSet::default()).await);
        }
        // The collection is the record's; it is read first, checked again in the plan's own snapshot.
        let (record, fields) = match self.check_update(&policy, &question, record, command).await {
            Ok(found) => found,
            Err((refusal, rules)) => {
                return Err(self.refuse(caller, Some(call), draft, refusal, rules).await);
            }
        };
        let ask = Ask { record, question: &question, fields: &fields, if_version: command.if_version };
        let concluded = self.run(caller, call, draft, |desk| self.plan_update(desk, &policy, &ask)).await?;
        self.hand_tokens(caller, call, Act::RecordUpdate, concluded).await
    }

    async fn check_update(
        &self,
        policy: &Policy,
        question: &Question,
        record: Option<RecordId>,
        command: &UpdateRecord,
    ) -> Result<(RecordId, Checked), (Refusal, RuleSet)> {
        let plain = |refusal: Refusal| (refusal, RuleSet::default());
        if command.fields.is_empty() {
            let fault =
                Fault::new("/fields", "no_value", "Send at least one field to change; null removes one.");
            return Err(plain(Refusal::InvalidRequest(vec![fault])));
        }
        // A field that the caller writes in no collection is refused for that, whether the record is there or not.
        for input in &command.fields {
            let named = policy.collections().filter_map(|(c, _)| policy.field(c, &input.name));
            let judged: Vec<_> = named.map(|facts| policy.judge_write_field(question, facts.no)).collect();
            if let (Some(Err(denial)), false) = (judged.first(), judged.iter().any(Result::is_ok)) {
                return Err((Refusal::Denied(crate::vault::refusal::RuleName(denial.rule)), denial.all));
            }
        }
        let missing = || plain(Refusal::NotFound);
        let record = record.ok_or_else(missing)?;
        let found = self.store().read(|reader| self.load_record(reader, record));
        let loaded = found.map_err(|_| plain(Refusal::AuditUnavailable))?.ok_or_else(missing)?;
        let collection = loaded.row.head.collection;
        if !policy.writes_in(&question.asker, collection) {
            // Not this client's collection: it is not told that the record is there.
            return Err(missing());
        }
        let known = command.fields.iter().filter_map(|f| policy.field(collection, &f.name));
        for facts in known {
            if let Err(denial) = policy.judge_write_field(question, facts.no) {
                return Err((Refusal::Denied(crate::vault::refusal::RuleName(denial.rule)), denial.all));
            }
        }
        let fields = self.check_fields(policy, collection, &command.fields).await.map_err(plain)?;
        self.check_birth_date(policy, &fields).map_err(plain)?;
        Ok((record, fields))
    }

    fn plan_update(
        &self,
        desk: &mut Desk<'_, '_>,
        policy: &Policy,
        ask: &Ask<'_>,
    ) -> Result<Plan<Stored>, Stop> {
        let old = self.load_record(desk.reader, ask.record)?.ok_or(Refusal::NotFound)?;
        let head = &old.row.head;
        let subject = self.load_subject(desk.reader, head.subject)?.ok_or(Refusal::NotFound)?;
        desk.event.subjects.push(self.subject_ref(head.subject));
        if ask.if_version.is_some_and(|v| v != head.version.0) {
            return Err(Refusal::VersionConflict(head.version.0).into());
        }
        let changed: Vec<FieldNo> = ask.fields.iter().map(|(f, _)| *f).collect();
        let permit = policy.judge_write(ask.question, head.collection, &changed, &subject.state)?;
        let new_head = RecordHead {
            version: Version(head.version.0 + 1),
            head_version: Version(head.head_version.0 + 1),
            generations: self.generations(&head.generations, changed.iter().copied())?,
            ..head.clone()
        };
        let after = self.after_update(policy, &old, ask)?;
        // EXPOSE: moved into the seal; the copies wipe themselves.
        let delta: Vec<(FieldNo, Option<Vec<u8>>)> =
            ask.fields.iter().map(|(f, v)| (*f, v.as_ref().map(|v| v.expose().clone()))).collect();
        let sealed = self
            .keys()
            .carry(&permit, old.stored(), &delta, &new_head, &mut OsEntropy)
            .map_err(unsealable)?;
        let blind = self.blind_rows(policy, head.collection, &after);
        self.refuse_new_login(desk, policy, (ask.record, head.collection), &blind)?;
        let reference = self.reference(RefKind::Record, &ask.record.0.get().to_be_bytes());
        desk.event.items =
            changed.iter().map(|f| EventItem { record: reference, field: *f, outcome: 0 }).collect();
        let audience = policy.default_audience(head.collection).ok_or(Refusal::Integrity)?;
        let kept = ask.fields.iter().filter(|(_, v)| v.is_some()).map(|(f, _)| *f);
        let tokens: Vec<(FieldNo, String)> =
            kept.filter_map(|f| Some((f, self.record_token(&new_head, f, audience)?))).collect();
        let mut plan = Plan::answer(Stored { head: new_head.clone(), tokens });
        plan.relied_on.extend([Object::Subject(head.subject.0), Object::Record(ask.record.0)]);
        plan.remember = Some(Remembered::Record(RememberedRecord {
            record: ask.record.0.get(),
            version: new_head.version.0,
            tokens: plan
                .output
                .tokens
                .iter()
                .filter_map(|(f, _)| Some((f.0, 0, new_head.generation(*f)?.0)))
                .collect(),
            audience: audience.0,
        }));
        let row = RecordRow { head: new_head, seal: sealed.seal, sealed: sealed.bytes };
        plan.changes.push(Change::PutRecord { row, key: sealed.key, blind, was: Some(head.version) });
        Ok(plan)
    }

    /// All values as they will be, to compute the blind entries; required fields must stay.
    fn after_update(&self, policy: &Policy, old: &LoadedRecord, ask: &Ask<'_>) -> Result<Fields, Refusal> {
        let head = &old.row.head;
        let permit = MaintenancePermit::dangerous_new(head.record, head.version);
        let mut fields = self.keys().open_for_upkeep(&permit, old.stored()).map_err(|_| {
            self.integrity_failed();
            Refusal::Integrity
        })?;
        for (no, value) in ask.fields {
            fields.0.retain(|(f, _)| *f != no.0);
            if let Some(value) = value {
                // EXPOSE: as the seal will hold it; wiped with `fields`.
                fields.0.push((no.0, value.expose().clone()));
            }
        }
        fields.0.sort_by_key(|(f, _)| *f);
        let missing = policy
            .fields_of(head.collection)
            .filter(|f| f.required && !fields.0.iter().any(|(n, _)| *n == f.no.0));
        let faults: Vec<_> = missing
            .map(|f| {
                Fault::new(format!("/fields/{}", f.name), "required", "The collection requires this field.")
            })
            .collect();
        if !faults.is_empty() {
            return Err(Refusal::InvalidField(faults));
        }
        Ok(fields)
    }

    fn refuse_new_login(
        &self,
        desk: &mut Desk<'_, '_>,
        policy: &Policy,
        (record, collection): (RecordId, crate::domain::CollectionNo),
        blind: &[crate::storage::BlindRow],
    ) -> Result<(), Stop> {
        let mut others = Vec::new();
        for row in blind {
            if !desk.reader.blind(row, 2)?.contains(&record) {
                others.push(*row);
            }
        }
        self.refuse_taken_login(desk, policy, collection, &others)
    }
}

struct Ask<'a> {
    record: RecordId,
    question: &'a Question,
    fields: &'a Checked,
    if_version: Option<u32>,
}
