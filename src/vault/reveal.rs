//! Detokenize: tokens in, fields out, for a stated purpose. The order is fixed: limits, tokens opened without I/O, the
//! static half of the judge, rows, the subject half, seals opened under the event's ticket, commit, release (I1, I2, I5).

use crate::crypto::{Fields, RefKind};
use crate::domain::disclosure::Undisclosed;
use crate::domain::event::{Act, EventItem};
use crate::domain::field::Form;
use crate::domain::token::{Pointer, PointerKind, TokenCounts};
use crate::domain::value;
use crate::domain::{FieldNo, Object, RecordId, Ref8, Rule, Sensitive};
use crate::policy::{ContextState, FieldLeave, Leave, Policy, Question, Target, Wish};
use crate::storage::{Change, GrantRow, Reader};
use crate::vault::Vault;
use crate::vault::call::{Call, Draft};
use crate::vault::caller::Caller;
use crate::vault::commit::{Concluded, Desk, Done, Plan, Stop};
use crate::vault::refusal::{Refusal, RuleName};
use zeroize::Zeroize;

/// What `POST /v1/detokenize` asks for.
pub struct RevealCommand {
    /// Purpose, by name.
    pub purpose: String,
    /// The tokens, 1 ..= 1 000.
    pub tokens: Vec<Sensitive<String>>,
    /// For whom, by name.
    pub recipient: Option<String>,
    /// The end user acted for (≤ 64 of [A-Za-z0-9._:-]).
    pub on_behalf_of: Option<String>,
    /// Kind and reference of a context.
    pub context: Option<(String, String)>,
    /// The wanted form; `None`: plain where granted, else masked.
    pub form: Option<Form>,
    /// The first failing item refuses all.
    pub atomic: bool,
}

/// One item of the answer.
pub enum Item<T> {
    /// The token at this index opened.
    Shown {
        /// Full name of the field.
        field: String,
        /// In which form.
        form: Form,
        /// The value as JSON, rendered inside the vault.
        json: T,
    },
    /// It did not, or was refused.
    Refused(Refusal),
}

/// An item with its value, released.
pub type ShownItem = Item<Sensitive<Vec<u8>>>;

/// Rendered values of one record: (index of the item, JSON). Zeroed on drop.
#[derive(Zeroize)]
pub(in crate::vault) struct Rendered(Vec<(usize, Vec<u8>)>);

struct Want {
    index: usize,
    pointer: Pointer,
    record: RecordId,
    leave: FieldLeave,
    /// The grant row with one use less; written only if the item is shown.
    spend: Option<GrantRow>,
}

/// Judged items before the commit.
struct Prepared {
    items: Vec<Item<()>>,
    held: Vec<Undisclosed<Rendered>>,
}

impl Vault {
    /// Swaps tokens for fields.
    pub async fn reveal(
        &self,
        caller: &Caller,
        call: &Call,
        command: &RevealCommand,
    ) -> Result<Done<Vec<ShownItem>>, Refusal> {
        let policy = caller.policy().clone();
        let mut draft = Draft::new(caller, call, Act::Detokenize);
        let purpose = policy.purpose(&command.purpose);
        draft.body.purpose = purpose.and_then(|p| policy.purpose_name(p)).map(str::to_owned);
        let recipient = command.recipient.as_deref().map(|name| policy.recipient(name));
        draft.body.recipient = recipient.flatten().and_then(|r| policy.recipient_name(r)).map(str::to_owned);
        draft.body.on_behalf_of =
            command.on_behalf_of.as_ref().map(|name| self.reference(RefKind::OnBehalfOf, name.as_bytes()));
        draft.body.context = command.context.as_ref().map(|(kind, reference)| {
            (kind.clone(), self.reference(RefKind::Context, reference.as_bytes()), Some(false))
        });
        let units = u32::try_from(command.tokens.len()).unwrap_or(u32::MAX);
        if let Err(refusal) = self.charge(caller, &mut draft, units) {
            return Err(self.refuse(caller, None, draft, refusal, Default::default()).await);
        }
        let pointers: Vec<Option<Pointer>> = command.tokens.iter().map(|t| self.open_token(t)).collect();
        let extra = pointers.iter().flatten().map(|p| surcharge(&policy, p.field)).sum();
        if let Err(refusal) = self.charge(caller, &mut draft, extra) {
            return Err(self.refuse(caller, None, draft, refusal, Default::default()).await);
        }
        let question = Question {
            asker: caller.asker(),
            wish: Wish::Read(command.form),
            purpose,
            recipient,
            context: if command.context.is_some() { ContextState::Unverified } else { ContextState::Absent },
            today: self.today(),
        };
        // A read changes nothing but a spent use, and that remembers its key itself: no row in the store of replies.
        let spending = call.idempotency;
        let reading = Call { idempotency: None, ..*call };
        let concluded = self
            .run(caller, &reading, draft, |desk| {
                let leave = policy.judge_request(&question)?;
                self.plan_reveal(
                    desk,
                    caller,
                    &leave,
                    Ask { pointers: &pointers, atomic: command.atomic, spending },
                )
            })
            .await?;
        let Concluded::Fresh(done) = concluded else { return Err(Refusal::Conflict) };
        self.disclose(done)
    }

    fn open_token(&self, token: &Sensitive<String>) -> Option<Pointer> {
        // EXPOSE: opened in place; a forged one stops here, counted, without I/O.
        self.keys().open_token(token.expose())
    }

    fn plan_reveal(
        &self,
        desk: &mut Desk<'_, '_>,
        caller: &Caller,
        leave: &Leave,
        ask: Ask<'_>,
    ) -> Result<Plan<Prepared>, Stop> {
        let mut plan =
            Plan::answer(Prepared { items: Vec::with_capacity(ask.pointers.len()), held: Vec::new() });
        let mut counts = TokenCounts::default();
        let mut wants: Vec<Want> = Vec::with_capacity(ask.pointers.len());
        let mut log =
            vec![EventItem { record: Ref8([0; 8]), field: FieldNo(0), outcome: 2 }; ask.pointers.len()];
        for (index, pointer) in ask.pointers.iter().enumerate() {
            plan.output.items.push(Item::Refused(Refusal::NotFound));
            let Some(pointer) = pointer else {
                counts.forged += 1;
                continue;
            };
            let slot = log.get_mut(index);
            match self.screen(desk, caller, leave, (index, pointer, ask.spending), &wants)? {
                Screened::Wanted(want) => {
                    let reference = self.reference(RefKind::Record, &want.record.0.get().to_be_bytes());
                    if let Some(slot) = slot {
                        *slot = EventItem { record: reference, field: pointer.field, outcome: 2 };
                    }
                    wants.push(want);
                }
                Screened::Denied(rule, all) => {
                    desk.event.rules.0 |= all.0;
                    if let Some(slot) = slot {
                        *slot = EventItem {
                            record: Ref8([0; 8]),
                            field: pointer.field,
                            outcome: 16 + rule as u8,
                        };
                    }
                    set(&mut plan.output.items, index, Item::Refused(Refusal::Denied(RuleName(rule))));
                }
                Screened::Gone => {
                    counts.revoked += 1;
                    self.rehearse(desk.reader, pointer)?;
                }
            }
        }
        // Items of one record are opened together, under one permit.
        wants.sort_by_key(|w| (w.record, w.index));
        for group in wants.chunk_by(|a, b| a.record == b.record) {
            self.open_group(desk, caller, leave, group, (&mut plan, &mut log, &mut counts))?;
        }
        desk.event.tokens = counts;
        desk.event.items = log;
        desk.event.subjects.sort_unstable();
        desk.event.subjects.dedup();
        finish(desk, &plan.output.items, ask.atomic)?;
        plan.output.held.shrink_to_fit();
        Ok(plan)
    }

    /// What can be said of a pointer before its record is read: static rules, audience, grant.
    fn screen(
        &self,
        desk: &mut Desk<'_, '_>,
        caller: &Caller,
        leave: &Leave,
        (index, pointer, spending): (usize, &Pointer, Option<crate::vault::call::IdempotencyKey>),
        earlier: &[Want],
    ) -> Result<Screened, Stop> {
        let policy = caller.policy();
        let field = match policy.judge_field(leave, pointer.field) {
            Ok(field) => field,
            Err(denial) => return Ok(Screened::Denied(denial.rule, denial.all)),
        };
        if !policy.audience_has(pointer.audience, caller.client()) {
            return Ok(Screened::Gone);
        }
        let (record, spend) = match pointer.kind {
            PointerKind::Record => (RecordId(pointer.locator), None),
            PointerKind::Grant => match self.spend(desk, leave, pointer, spending)? {
                // A use asked for twice in one request is there once.
                Some((_, Some(row)))
                    if earlier.iter().flat_map(|w| &w.spend).any(|r| r.grant == row.grant) =>
                {
                    return Ok(Screened::Gone);
                }
                Some(found) => found,
                None => return Ok(Screened::Gone),
            },
        };
        Ok(Screened::Wanted(Want { index, pointer: *pointer, record, leave: field, spend }))
    }

    fn open_group(
        &self,
        desk: &mut Desk<'_, '_>,
        caller: &Caller,
        leave: &Leave,
        group: &[Want],
        (plan, log, counts): (&mut Plan<Prepared>, &mut [EventItem], &mut TokenCounts),
    ) -> Result<(), Stop> {
        let Some(first) = group.first() else { return Ok(()) };
        let policy = caller.policy();
        let record = self.load_record(desk.reader, first.record)?;
        let subject_of = record.as_ref().map(|r| r.row.head.subject);
        let subject = match subject_of {
            Some(id) => self.load_subject(desk.reader, id)?,
            None => None,
        };
        let (Some(record), Some(subject)) = (record, subject) else {
            counts.erased += u32::try_from(group.len()).unwrap_or(u32::MAX);
            return self.rehearse(desk.reader, &first.pointer);
        };
        let head = &record.row.head;
        let current = |w: &&Want| {
            w.pointer.kind == PointerKind::Grant
                || head.generation(w.pointer.field) == Some(w.pointer.generation)
        };
        let present = crate::crypto::Keyring::directory(&record.row.sealed).unwrap_or_default();
        let live: Vec<&Want> = group
            .iter()
            .filter(current)
            .filter(|w| present.binary_search(&w.pointer.field).is_ok())
            .collect();
        counts.revoked += u32::try_from(group.len() - live.len()).unwrap_or(u32::MAX);
        if live.is_empty() {
            return self.rehearse(desk.reader, &first.pointer);
        }
        plan.relied_on.extend([Object::Record(head.record.0), Object::Subject(head.subject.0)]);
        let subject_ref = self.subject_ref(head.subject);
        desk.event.subjects.push(subject_ref);
        // Budgets of subjects stand before anything about them is opened.
        self.charge_subjects(caller, &[subject_ref])?;
        let cost = live.iter().map(|w| 1 + surcharge(policy, w.pointer.field)).sum();
        self.charge_subject_reads(subject_ref, cost)?;
        counts.live += u32::try_from(live.len()).unwrap_or(u32::MAX);
        let leaves: smallvec::SmallVec<[FieldLeave; 8]> = live.iter().map(|w| w.leave).collect();
        let facts =
            crate::domain::subject::RecordFacts { collection: head.collection, created_at: head.created_at };
        let target = Target { record: head.record, version: head.version, read_at: desk.reader.read_at() };
        match policy.judge_subject(leave, &leaves, &subject.state, facts, target) {
            Err(denial) => {
                desk.event.rules.0 |= denial.all.0;
                for want in live {
                    note(log, want.index, 16 + denial.rule as u8);
                    set(
                        &mut plan.output.items,
                        want.index,
                        Item::Refused(Refusal::Denied(RuleName(denial.rule))),
                    );
                }
            }
            Ok(permit) => match self.keys().open(permit, desk.ticket, record.stored()) {
                Err(_) => self.integrity_failed(),
                Ok(opened) => {
                    for want in &live {
                        if let Some(row) = &want.spend {
                            plan.relied_on.push(Object::Grant(row.grant.0));
                            let was = Some(crate::domain::Version(row.version.0 - 1));
                            plan.changes.push(Change::PutGrant { row: row.clone(), was });
                        }
                        note(log, want.index, u8::from(want.leave.form() == Form::Masked));
                        let Some(facts) = policy.field_facts(want.pointer.field) else { continue };
                        let shown =
                            Item::Shown { field: facts.full_name.clone(), form: want.leave.form(), json: () };
                        set(&mut plan.output.items, want.index, shown);
                    }
                    plan.output.held.push(opened.dangerous_map(|fields| render(policy, &live, fields)));
                }
            },
        }
        Ok(())
    }

    fn disclose(&self, done: Done<Prepared>) -> Result<Done<Vec<ShownItem>>, Refusal> {
        let Done { value: Prepared { items, held }, receipt, cost, replayed } = done;
        let mut values: Vec<Option<Vec<u8>>> = items.iter().map(|_| None).collect();
        for held in held {
            let mut rendered = held.release(&receipt).map_err(|_| Refusal::AuditUnavailable)?;
            // EXPOSE: the receipt of this very event released it; the values move on into the reply.
            for (index, json) in rendered.expose_mut().0.drain(..) {
                if let Some(slot) = values.get_mut(index) {
                    *slot = Some(json);
                }
            }
        }
        let shown = items.into_iter().zip(values).map(|(item, value)| match (item, value) {
            (Item::Shown { field, form, .. }, Some(json)) => {
                Item::Shown { field, form, json: Sensitive::new(json) }
            }
            (Item::Refused(refusal), _) => Item::Refused(refusal),
            (Item::Shown { .. }, None) => Item::Refused(Refusal::NotFound),
        });
        Ok(Done { value: shown.collect(), receipt, cost, replayed })
    }

    /// The same reads and the same opening on a dummy, so that an item that is not found takes its time (I5).
    pub(in crate::vault) fn rehearse(&self, reader: &mut Reader<'_>, pointer: &Pointer) -> Result<(), Stop> {
        let record = RecordId(pointer.locator);
        let row = reader.record(record)?;
        let key = reader.key(record, crate::domain::Version(1))?;
        let subject = reader.subject(crate::domain::SubjectId(pointer.locator))?;
        std::hint::black_box((&row, &key, &subject));
        self.dummy().open(self.keys());
        Ok(())
    }
}

/// A grant's record, and its row with one use less where a use is spent.
type Spent = (RecordId, Option<GrantRow>);

struct Ask<'a> {
    pointers: &'a [Option<Pointer>],
    atomic: bool,
    spending: Option<crate::vault::call::IdempotencyKey>,
}

enum Screened {
    Wanted(Want),
    Denied(Rule, crate::domain::rule::RuleSet),
    Gone,
}

fn set<T>(items: &mut [Item<T>], index: usize, item: Item<T>) {
    if let Some(slot) = items.get_mut(index) {
        *slot = item;
    }
}

fn note(log: &mut [EventItem], index: usize, outcome: u8) {
    if let Some(slot) = log.get_mut(index) {
        slot.outcome = outcome;
    }
}

/// What a field costs beyond the one unit charged before its token was opened.
fn surcharge(policy: &Policy, field: FieldNo) -> u32 {
    policy.field_facts(field).map_or(0, |f| u32::from(f.sensitivity).saturating_sub(1))
}

fn render(policy: &Policy, wants: &[&Want], fields: &Fields) -> Rendered {
    let mut out = Vec::with_capacity(wants.len());
    for want in wants {
        let number = want.pointer.field;
        let found = fields.0.iter().find(|(f, _)| *f == number.0);
        let (Some((_, canonical)), Some(facts)) = (found, policy.field_facts(number)) else { continue };
        let mut json = Vec::with_capacity(canonical.len() * 2 + 16);
        value::write_json(facts.kind, canonical, want.leave.form(), facts.mask, &mut json);
        out.push((want.index, json));
    }
    Rendered(out)
}

/// The event's outcome from its items; in an atomic request the first failing item is the answer.
fn finish(desk: &mut Desk<'_, '_>, items: &[Item<()>], atomic: bool) -> Result<(), Stop> {
    let first = items.iter().enumerate().find_map(|(i, item)| match item {
        Item::Refused(refusal) => Some((i, refusal.clone())),
        Item::Shown { .. } => None,
    });
    let Some((index, refusal)) = first else { return Ok(()) };
    if atomic {
        let index = u32::try_from(index).unwrap_or(u32::MAX);
        return Err(Stop::Refused(Refusal::At(index, Box::new(refusal)), desk.event.rules));
    }
    if !items.iter().any(|i| matches!(i, Item::Shown { .. })) {
        desk.event.outcome = refusal.outcome();
        desk.event.code = Some(refusal.code().to_owned());
    }
    Ok(())
}

impl Vault {
    /// Checks a grant and plans the spending of a use. `None`: revoked, expired, spent, for another field or purpose.
    fn spend(
        &self,
        desk: &mut Desk<'_, '_>,
        leave: &Leave,
        pointer: &Pointer,
        spending: Option<crate::vault::call::IdempotencyKey>,
    ) -> Result<Option<Spent>, Stop> {
        let id = crate::domain::GrantId(pointer.locator);
        let Some((version, mut grant)) = self.load_grant(desk.reader, id)? else { return Ok(None) };
        let now = self.now();
        let valid = grant.generation == pointer.generation
            && grant.audience == pointer.audience
            && grant.fields.contains(&pointer.field)
            && grant.expires_at.is_none_or(|end| now < end)
            && (grant.purpose.is_none() || grant.purpose == leave.question().purpose);
        let retried = matches!((spending, grant.last_use), (Some(key), Some((last, at)))
            if key.key == last && now < at.plus(std::time::Duration::from_secs(60)));
        match grant.uses_left {
            _ if !valid => Ok(None),
            None => Ok(Some((grant.record, None))),
            Some(_) if retried => Ok(Some((grant.record, None))),
            Some(0) => Ok(None),
            Some(left) => {
                grant.uses_left = Some(left - 1);
                grant.last_use = spending.map(|key| (key.key, now));
                Ok(Some((grant.record, Some(self.grant_row(&grant, crate::domain::Version(version.0 + 1))))))
            }
        }
    }
}
