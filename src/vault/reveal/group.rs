//! The items of one record: read once, judged for the subject, opened under one permit and the event's ticket.

use super::beyond::{Beyond, surcharge};
use super::{Item, Prepared, Rendered, Want};
use crate::crypto::Fields;
use crate::domain::Object;
use crate::domain::event::EventItem;
use crate::domain::field::Form;
use crate::domain::token::{PointerKind, TokenCounts};
use crate::domain::value;
use crate::policy::{Denial, FieldLeave, Leave, Policy, Target};
use crate::storage::Change;
use crate::vault::Vault;
use crate::vault::caller::Caller;
use crate::vault::commit::{Desk, Plan, Stop};
use crate::vault::context::NamedContext;
use crate::vault::refusal::{Refusal, RuleName};

/// The plan, its items on the log, what became of the tokens, and what the fields cost.
type Groups<'a> = (&'a mut Plan<Prepared>, &'a mut [EventItem], &'a mut TokenCounts, &'a Beyond);

impl Vault {
    pub(in crate::vault::reveal) fn open_group(
        &self,
        desk: &mut Desk<'_, '_>,
        caller: &Caller,
        stand: (&Leave, Option<&NamedContext<'_>>),
        group: &[Want],
        (plan, log, counts, beyond): Groups<'_>,
    ) -> Result<(), Stop> {
        let Some(first) = group.first() else { return Ok(()) };
        let policy = caller.policy();
        let grant_seen = first.pointer.kind == PointerKind::Grant;
        let record = self.load_record(desk.reader, first.record)?;
        let subject_of = record.as_ref().map(|r| r.row.head.subject);
        let subject = match subject_of {
            Some(id) => self.load_subject(desk.reader, id)?,
            None => None,
        };
        let (Some(record), Some(subject)) = (record, subject) else {
            counts.erased += u32::try_from(group.len()).unwrap_or(u32::MAX);
            return self.rehearse_in_context(desk, caller, stand, (Some(&first.pointer), grant_seen));
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
            return self.rehearse_in_context(desk, caller, stand, (Some(&first.pointer), grant_seen));
        }
        plan.relied_on.extend([Object::Record(head.record.0), Object::Subject(head.subject.0)]);
        let subject_ref = self.subject_ref(head.subject);
        let leave = &self.in_context(desk, caller, stand, head.subject, &mut plan.relied_on)?;
        if let Err(denial) = policy.judge_context(leave) {
            // Answered as if it were not there; charged as little, and as slowly (I5). The items name the record.
            counts.live += u32::try_from(live.len()).unwrap_or(u32::MAX);
            refuse_all(desk, (plan, log), &live, &denial);
            return self.rehearse(desk.reader, Some(&first.pointer), grant_seen);
        }
        self.charge_beyond(desk, caller, beyond, live.iter().map(|w| w.pointer.field))?;
        // Budgets of subjects stand before anything about them is opened; the log names whom they counted.
        self.charge_subjects(caller, &[subject_ref])?;
        desk.event.subjects.push(subject_ref);
        counts.live += u32::try_from(live.len()).unwrap_or(u32::MAX);
        let leaves: smallvec::SmallVec<[FieldLeave; 8]> = live.iter().map(|w| w.leave).collect();
        let facts =
            crate::domain::subject::RecordFacts { collection: head.collection, created_at: head.created_at };
        let target = Target { record: head.record, version: head.version, read_at: desk.reader.read_at() };
        let permit = match policy.judge_subject(leave, &leaves, &subject.state, facts, target) {
            Ok(permit) => permit,
            Err(denial) => {
                refuse_all(desk, (plan, log), &live, &denial);
                return Ok(());
            }
        };
        // What everybody may read of a person in an hour: used up by who may read, or anybody could lock a person.
        let cost = live.iter().map(|w| 1 + surcharge(policy, w.pointer.field)).sum();
        self.charge_subject_reads(subject_ref, cost)?;
        let Ok(opened) = self.keys().open(permit, desk.ticket, record.stored()) else {
            self.integrity_failed();
            return Ok(());
        };
        for want in &live {
            if let Some(row) = &want.spend {
                plan.relied_on.push(Object::Grant(row.grant.0));
                let was = Some(crate::domain::Version(row.version.0 - 1));
                plan.changes.push(Change::PutGrant { row: row.clone(), was });
            }
            note(log, want.index, u8::from(want.leave.form() == Form::Masked));
            let Some(facts) = policy.field_facts(want.pointer.field) else { continue };
            let shown = Item::Shown { field: facts.full_name.clone(), form: want.leave.form(), json: () };
            set(&mut plan.output.items, want.index, shown);
        }
        plan.output.held.push(opened.dangerous_map(|fields| render(policy, &live, fields)));
        Ok(())
    }
}

pub(in crate::vault::reveal) fn set<T>(items: &mut [Item<T>], index: usize, item: Item<T>) {
    if let Some(slot) = items.get_mut(index) {
        *slot = item;
    }
}

/// The items of a record, all refused by one denial.
fn refuse_all(
    desk: &mut Desk<'_, '_>,
    (plan, log): (&mut Plan<Prepared>, &mut [EventItem]),
    live: &[&Want],
    denial: &Denial,
) {
    desk.event.rules.0 |= denial.all.0;
    for want in live {
        note(log, want.index, 16 + denial.rule as u8);
        set(&mut plan.output.items, want.index, Item::Refused(Refusal::Denied(RuleName(denial.rule))));
    }
}

fn note(log: &mut [EventItem], index: usize, outcome: u8) {
    if let Some(slot) = log.get_mut(index) {
        slot.outcome = outcome;
    }
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
