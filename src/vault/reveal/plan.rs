//! What can be said of tokens before their records are read, and the plan that follows: static rules, audience, grants.

use super::{Item, Prepared, Want};
use crate::crypto::RefKind;
use crate::domain::event::EventItem;
use crate::domain::token::{Pointer, PointerKind, TokenCounts};
use crate::domain::{FieldNo, RecordId, Ref8, Rule};
use crate::policy::Leave;
use crate::storage::GrantRow;
use crate::vault::Vault;
use crate::vault::caller::Caller;
use crate::vault::commit::{Desk, Plan, Stop};
use crate::vault::context::NamedContext;
use crate::vault::refusal::{Refusal, RuleName};
use crate::vault::reveal::beyond::Beyond;
use crate::vault::reveal::group::set;
use crate::vault::reveal::release::finish;

/// A grant's record, and its row with one use less where a use is spent.
type Spent = (RecordId, Option<GrantRow>);

pub(in crate::vault::reveal) struct Ask<'a> {
    pub(in crate::vault::reveal) pointers: &'a [Option<Pointer>],
    pub(in crate::vault::reveal) atomic: bool,
    pub(in crate::vault::reveal) spending: Option<crate::vault::call::IdempotencyKey>,
    pub(in crate::vault::reveal) context: Option<&'a NamedContext<'a>>,
    pub(in crate::vault::reveal) beyond: &'a Beyond,
}

/// What every item that is not there for the caller is answered with: not found, or, where the grant asks for a context,
/// that it is not in one. An item out of context is answered the same, so that the answer tells nothing of it (I5).
fn missing(caller: &Caller, leave: &Leave) -> Refusal {
    match caller.policy().judge_context(&leave.in_context(false)) {
        Ok(()) => Refusal::NotFound,
        Err(denial) => Refusal::Denied(RuleName(denial.rule)),
    }
}

enum Screened {
    Wanted(Want),
    Denied(Rule, crate::domain::rule::RuleSet),
    /// Not there for the caller; whether a grant was looked at to know it.
    Gone {
        grant: bool,
    },
}

impl Vault {
    pub(in crate::vault::reveal) fn plan_reveal(
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
        let missing = missing(caller, leave);
        for (index, pointer) in ask.pointers.iter().enumerate() {
            plan.output.items.push(Item::Refused(missing.clone()));
            let Some(pointer) = pointer else {
                counts.forged += 1;
                self.rehearse_in_context(desk, caller, (leave, ask.context), (None, false))?;
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
                    self.charge_beyond(desk, caller, ask.beyond, std::iter::once(pointer.field))?;
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
                Screened::Gone { grant } => {
                    counts.revoked += 1;
                    self.rehearse_in_context(desk, caller, (leave, ask.context), (Some(pointer), grant))?;
                }
            }
        }
        // Items of one record are opened together, under one permit.
        wants.sort_by_key(|w| (w.record, w.index));
        for group in wants.chunk_by(|a, b| a.record == b.record) {
            let stand = (leave, ask.context);
            self.open_group(desk, caller, stand, group, (&mut plan, &mut log, &mut counts, ask.beyond))?;
        }
        if let Some((_, _, verified)) = &mut desk.event.context {
            verified.get_or_insert(false);
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
            return Ok(Screened::Gone { grant: false });
        }
        let (record, spend) = match pointer.kind {
            PointerKind::Record => (RecordId(pointer.locator), None),
            PointerKind::Grant => match self.spend(desk, leave, pointer, spending)? {
                // A use asked for twice in one request is there once.
                Some((_, Some(row)))
                    if earlier.iter().flat_map(|w| &w.spend).any(|r| r.grant == row.grant) =>
                {
                    return Ok(Screened::Gone { grant: true });
                }
                Some(found) => found,
                None => return Ok(Screened::Gone { grant: true }),
            },
        };
        Ok(Screened::Wanted(Want { index, pointer: *pointer, record, leave: field, spend }))
    }
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
