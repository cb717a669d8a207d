//! `POST /v1/records/batch`: up to 1 000 records, all or none (`atomic`), or each for itself.
//!
//! A batch is charged whole, then stored in parts that one event can report (≤ 1 000 fields), each a commit of its own; an
//! atomic batch is one part. A record that is refused does not touch the others: its refusal is its item. A part that
//! cannot be committed ends the batch: what was stored before stays, and the items of the rest say so and may be tried
//! again under the same idempotency key, which each part remembers for itself.

use crate::audit::MAX_CHANGED;
use crate::domain::event::{Act, EventItem, MAX_ITEMS};
use crate::domain::rule::RuleSet;
use crate::domain::{FieldNo, Object};
use crate::policy::Policy;
use crate::storage::BlindRow;
use crate::vault::Vault;
use crate::vault::call::{Call, Draft, IdempotencyKey};
use crate::vault::caller::Caller;
use crate::vault::commit::{Concluded, Desk, Done, Plan, Stop};
use crate::vault::record_create::{CreateRecord, NewRecord, Ready, Stored, StoredTokens, items_of, units};
use crate::vault::refusal::{Fault, Refusal};
use crate::vault::remember::Remembered;
use std::collections::HashSet;
use std::ops::Range;

/// What became of one record.
pub type BatchItem = Result<StoredTokens, Refusal>;

/// A record ready to be stored, or why it is not.
type Prepared = Result<Ready, (Refusal, RuleSet)>;

/// One part of a batch on its way.
struct Part<'a> {
    commands: &'a [CreateRecord],
    /// Index of its first record in the batch.
    first: usize,
    atomic: bool,
    call: Call,
    /// Which of how many.
    number: (u32, u32),
}

impl Vault {
    /// Stores records; one item each, in order.
    pub async fn create_records(
        &self,
        caller: &Caller,
        call: &Call,
        commands: &[CreateRecord],
        atomic: bool,
    ) -> Result<Done<Vec<BatchItem>>, Refusal> {
        let mut whole = Draft::new(caller, call, Act::RecordCreate);
        let cost = commands.iter().map(units).fold(0, u32::saturating_add);
        if let Err(refusal) = self.charge(caller, &mut whole, cost) {
            return Err(self.refuse(caller, None, whole, refusal, RuleSet::default()).await);
        }
        let parts = match parts_of(commands, atomic) {
            Ok(parts) => parts,
            Err(refusal) => {
                return Err(self.refuse(caller, Some(call), whole, refusal, RuleSet::default()).await);
            }
        };
        let count = u32::try_from(parts.len()).unwrap_or(u32::MAX);
        let mut done: Option<Done<Vec<BatchItem>>> = None;
        for (number, range) in (1..).zip(parts) {
            let part = Part {
                first: range.start,
                commands: commands.get(range).unwrap_or_default(),
                atomic,
                call: self.part_call(call, number),
                number: (number, count),
            };
            match (self.store_part(caller, &part).await, &mut done) {
                (Ok(stored), None) => done = Some(stored),
                (Ok(stored), Some(all)) => {
                    all.value.extend(stored.value);
                    all.receipt = stored.receipt;
                    all.cost = all.cost.saturating_add(stored.cost);
                    all.replayed &= stored.replayed;
                }
                (Err(refusal), None) => return Err(refusal),
                // What is stored is stored: the rest says why it is not, and what was not tried costs nothing.
                (Err(refusal), Some(all)) => {
                    let untried = commands.get(part.first + part.commands.len()..).unwrap_or_default();
                    whole.body.cost = untried.iter().map(units).fold(0, u32::saturating_add);
                    self.refund(caller, &whole);
                    all.value.resize_with(commands.len(), || Err(refusal.clone()));
                    break;
                }
            }
        }
        done.ok_or_else(|| Refusal::InvalidRequest(vec![no_record()]))
    }

    /// The call of one part: it remembers its own reply, under a key that follows from the batch's.
    fn part_call(&self, call: &Call, number: u32) -> Call {
        let derived = |key: IdempotencyKey| {
            let part = self.keys().idempotency_digest(&[b"part", &number.to_be_bytes(), &key.key]);
            IdempotencyKey { key: if number == 1 { key.key } else { part }, ..key }
        };
        Call {
            idempotency: call.idempotency.map(derived),
            bytes: if number == 1 { call.bytes } else { 0 },
            ..*call
        }
    }

    async fn store_part(&self, caller: &Caller, part: &Part<'_>) -> Result<Done<Vec<BatchItem>>, Refusal> {
        let mut draft = Draft::new(caller, &part.call, Act::RecordCreate);
        draft.body.part = part.number;
        draft.body.cost = part.commands.iter().map(units).fold(0, u32::saturating_add);
        draft.body.count = Some(part.commands.len() as u64);
        match self.store().read(|reader| self.recall(reader, caller, &part.call)) {
            Ok(None) => {}
            Ok(Some(Ok(remembered))) => {
                self.refund(caller, &draft);
                return self.replay_part(caller, part, draft, remembered).await;
            }
            Ok(Some(Err(refusal))) => {
                return Err(self.refuse(caller, None, draft, refusal, RuleSet::default()).await);
            }
            Err(_) => {
                let refusal = Refusal::AuditUnavailable;
                return Err(self.refuse(caller, None, draft, refusal, RuleSet::default()).await);
            }
        }
        let mut prepared: Vec<Prepared> = Vec::with_capacity(part.commands.len());
        for (n, command) in part.commands.iter().enumerate() {
            match self.ready_record(caller, command).await {
                Err((refusal, rules)) if part.atomic => {
                    let refusal = at(part.first + n, refusal);
                    return Err(self.refuse(caller, Some(&part.call), draft, refusal, rules).await);
                }
                other => prepared.push(other),
            }
        }
        let policy = caller.policy();
        let again = draft.body.clone();
        let planned =
            self.run(caller, &part.call, draft, |desk| self.plan_part(desk, policy, part, &prepared)).await?;
        match planned {
            Concluded::Fresh(done) => {
                let named = |item: Result<Stored, Refusal>| item.map(|s| self.named_tokens(policy, &s));
                let value = done.value.into_iter().map(named).collect();
                Ok(Done { value, receipt: done.receipt, cost: done.cost, replayed: false })
            }
            Concluded::Replay(remembered) => {
                self.replay_part(caller, part, Draft { body: again }, remembered).await
            }
        }
    }

    fn plan_part(
        &self,
        desk: &mut Desk<'_, '_>,
        policy: &Policy,
        part: &Part<'_>,
        prepared: &[Prepared],
    ) -> Result<Plan<Vec<Result<Stored, Refusal>>>, Stop> {
        let mut plan = Plan::answer(Vec::with_capacity(prepared.len()));
        let mut remembered = Vec::with_capacity(prepared.len());
        let (mut taken, mut relied): (HashSet<BlindRow>, HashSet<Object>) = Default::default();
        for (n, item) in prepared.iter().enumerate() {
            let planned = match item {
                Err((refusal, rules)) => Err((refusal.clone(), *rules)),
                Ok(ready) => self.plan_item(desk, policy, ready, &mut taken)?,
            };
            match (planned, item) {
                (Ok(new), Ok(ready)) => {
                    desk.event.items.extend(items_of(self.record_ref(ready.record), &new.stored));
                    relied.insert(Object::Subject(ready.subject.0));
                    plan.changes.extend(new.changes);
                    remembered.push(Some(Ok(new.remembered)));
                    plan.output.push(Ok(new.stored));
                }
                (Err((refusal, rules)), _) if part.atomic => {
                    return Err(Stop::Refused(at(part.first + n, refusal), rules));
                }
                (Err((refusal, rules)), _) => {
                    desk.event.rules = RuleSet(desk.event.rules.0 | rules.0);
                    remembered.push(refusal.is_remembered().then(|| Err(refusal.clone())));
                    plan.output.push(Err(refusal));
                }
                (Ok(_), Err(_)) => return Err(Refusal::Integrity.into()),
            }
        }
        plan.relied_on.extend(relied);
        report(desk, &plan.output);
        plan.remember = Some(Remembered::Batch(remembered));
        Ok(plan)
    }

    /// One record of a part. `Err` of the outer result: the store cannot be read.
    fn plan_item(
        &self,
        desk: &mut Desk<'_, '_>,
        policy: &Policy,
        ready: &Ready,
        taken: &mut HashSet<BlindRow>,
    ) -> Result<Result<NewRecord, (Refusal, RuleSet)>, Stop> {
        match self.plan_new(desk, policy, ready) {
            // Two records of one batch may not take the same login either.
            Ok(new) if new.logins.iter().any(|login| taken.contains(login)) => {
                Ok(Err((Refusal::AlreadyExists, RuleSet::default())))
            }
            Ok(new) => {
                taken.extend(new.logins.iter().copied());
                Ok(Ok(new))
            }
            Err(Stop::Refused(refusal, rules)) => Ok(Err((refusal, rules))),
            Err(Stop::Read) => Err(Stop::Read),
        }
    }

    /// The reply of a part that was answered before. Refusals that are not kept (C02, C10) are found again by judging again.
    async fn replay_part(
        &self,
        caller: &Caller,
        part: &Part<'_>,
        mut draft: Draft,
        remembered: Remembered,
    ) -> Result<Done<Vec<BatchItem>>, Refusal> {
        draft.body.cost = 0;
        let items = match remembered {
            Remembered::Batch(items) if items.len() == part.commands.len() => items,
            _ => {
                let refusal = Refusal::IdempotencyMismatch;
                return Err(self.refuse(caller, None, draft, refusal, RuleSet::default()).await);
            }
        };
        let mut judged = Vec::with_capacity(items.len());
        for (item, command) in items.iter().zip(part.commands) {
            judged.push(match item {
                Some(_) => None,
                None => Some(match self.ready_record(caller, command).await {
                    Err((refusal, _)) => refusal,
                    Ok(_) => Refusal::Conflict,
                }),
            });
        }
        let policy = caller.policy();
        self.replay(caller, draft, |desk| {
            let mut answers = Vec::with_capacity(items.len());
            for (item, judged) in items.iter().zip(&judged) {
                answers.push(match (item, judged) {
                    (Some(Ok(record)), _) => match self.mint_again(desk, policy, record) {
                        Ok(stored) => Ok(stored),
                        Err(Stop::Refused(refusal, _)) => Err(refusal),
                        Err(Stop::Read) => return Err(Stop::Read),
                    },
                    (Some(Err(refusal)), _) => Err(refusal.clone()),
                    (None, judged) => Err(judged.clone().unwrap_or(Refusal::Conflict)),
                });
            }
            desk.event.subjects.sort_unstable();
            desk.event.subjects.dedup();
            Ok(answers)
        })
        .await
    }
}

fn at(index: usize, refusal: Refusal) -> Refusal {
    Refusal::At(u32::try_from(index).unwrap_or(u32::MAX), Box::new(refusal))
}

fn no_record() -> Fault {
    Fault::new("/records", "out_of_range", "Send 1 to 1000 records.")
}

/// What the event says beside its items: subjects once, and how it ended when nothing was stored.
fn report(desk: &mut Desk<'_, '_>, output: &[Result<Stored, Refusal>]) {
    desk.event.subjects.sort_unstable();
    desk.event.subjects.dedup();
    if desk.event.items.len() > MAX_ITEMS {
        // More fields than an event can name: it names the records.
        let whole = |item: &EventItem| EventItem { field: FieldNo(0), ..*item };
        desk.event.items = desk.event.items.iter().map(whole).collect();
        desk.event.items.dedup();
    }
    let stored = output.iter().any(Result::is_ok);
    if let (false, Some(Err(refusal))) = (stored, output.first()) {
        desk.event.outcome = refusal.outcome();
        desk.event.code = Some(refusal.code().to_owned());
    }
}

/// The parts of a batch: as many records as one event can report, always the same for the same batch.
fn parts_of(commands: &[CreateRecord], atomic: bool) -> Result<Vec<Range<usize>>, Refusal> {
    let rows = |c: &CreateRecord| {
        let own_terms = c.tokens.uses.is_some() || c.tokens.expires_in.is_some();
        1 + if own_terms { c.fields.len() } else { 0 }
    };
    if atomic {
        if commands.iter().map(rows).sum::<usize>() > MAX_CHANGED {
            let detail = "An atomic batch changes at most 4096 rows: a record is one, and each of its tokens with an \
                          expiry or a number of uses another. Send fewer records, or not atomic.";
            return Err(Refusal::InvalidRequest(vec![Fault::new("/records", "too_many_rows", detail)]));
        }
        return Ok(std::iter::once(0..commands.len()).filter(|all| !all.is_empty()).collect());
    }
    let mut parts = Vec::new();
    let (mut start, mut fields, mut changed) = (0, 0, 0);
    for (n, command) in commands.iter().enumerate() {
        let (more_fields, more_rows) = (command.fields.len(), rows(command));
        if n > start && (fields + more_fields > MAX_ITEMS || changed + more_rows > MAX_CHANGED) {
            parts.push(start..n);
            (start, fields, changed) = (n, 0, 0);
        }
        fields += more_fields;
        changed += more_rows;
    }
    if start < commands.len() {
        parts.push(start..commands.len());
    }
    Ok(parts)
}
