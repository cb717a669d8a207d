//! `POST /v1/tokens/revoke`: tokens made useless at once. A direct token's field moves to the next generation; a grant's
//! token to the grant's next. Tokens that are not found answer so, and nothing of the others is lost.

use crate::crypto::{Keyring, RefKind};
use crate::domain::event::{Act, EventItem};
use crate::domain::record::RecordHead;
use crate::domain::rule::RuleSet;
use crate::domain::token::{Pointer, PointerKind};
use crate::domain::{Generation, GrantId, Object, RecordId, Ref8, Sensitive, Version};
use crate::storage::Change;
use crate::vault::Vault;
use crate::vault::call::{Call, Draft};
use crate::vault::caller::Caller;
use crate::vault::commit::{Concluded, Desk, Done, Plan, Stop};
use crate::vault::refusal::{Refusal, RuleName};
use crate::vault::remember::Remembered;
use std::collections::BTreeMap;

impl Vault {
    /// Revokes tokens; `false` for each that is not found.
    pub async fn revoke_tokens(
        &self,
        caller: &Caller,
        call: &Call,
        tokens: &[Sensitive<String>],
    ) -> Result<Done<Vec<bool>>, Refusal> {
        let mut draft = Draft::new(caller, call, Act::TokenRevoke);
        if let Err(denial) = caller.policy().judge_act(&caller.asker(), "token.revoke") {
            let refusal = Refusal::Denied(RuleName(denial.rule));
            return Err(self.refuse(caller, Some(call), draft, refusal, denial.all).await);
        }
        if let Err(refusal) = self.charge(caller, &mut draft, u32::try_from(tokens.len()).unwrap_or(u32::MAX))
        {
            return Err(self.refuse(caller, None, draft, refusal, RuleSet::default()).await);
        }
        // EXPOSE: opened in place, without I/O.
        let pointers: Vec<_> = tokens.iter().map(|t| self.keys().open_token(t.expose())).collect();
        match self.run(caller, call, draft, |desk| self.plan_revoke(desk, caller, &pointers)).await? {
            Concluded::Fresh(done) => Ok(done),
            Concluded::Replay(Remembered::Items(items)) => {
                self.replay(caller, Draft::new(caller, call, Act::TokenRevoke), |_| Ok(items.clone())).await
            }
            Concluded::Replay(_) => {
                let draft = Draft::new(caller, call, Act::TokenRevoke);
                Err(self.refuse(caller, None, draft, Refusal::IdempotencyMismatch, RuleSet::default()).await)
            }
        }
    }

    fn plan_revoke(
        &self,
        desk: &mut Desk<'_, '_>,
        caller: &Caller,
        pointers: &[Option<Pointer>],
    ) -> Result<Plan<Vec<bool>>, Stop> {
        let mut plan = Plan::answer(vec![false; pointers.len()]);
        let mut heads: BTreeMap<RecordId, RecordHead> = BTreeMap::new();
        for (index, pointer) in pointers.iter().enumerate() {
            let Some(pointer) = pointer else {
                desk.event.tokens.forged += 1;
                self.rehearse(desk.reader, None, false)?;
                continue;
            };
            let mine = caller.policy().audience_has(pointer.audience, caller.client());
            let record = match pointer.kind {
                _ if !mine => None,
                PointerKind::Record => self.bump_record(desk, pointer, &mut heads)?,
                PointerKind::Grant => self.bump_grant(desk, pointer, &mut plan)?,
            };
            let reference =
                record.map_or(Ref8([0; 8]), |r| self.reference(RefKind::Record, &r.0.get().to_be_bytes()));
            let outcome = if record.is_some() { 0 } else { 2 };
            desk.event.items.push(EventItem { record: reference, field: pointer.field, outcome });
            if record.is_none() {
                desk.event.tokens.revoked += 1;
                self.rehearse(desk.reader, Some(pointer), mine && pointer.kind == PointerKind::Grant)?;
            }
            if let Some(slot) = plan.output.get_mut(index) {
                *slot = record.is_some();
            }
        }
        for (record, head) in heads {
            let Some(old) = self.load_record(desk.reader, record)? else { continue };
            let (seal, key) = self.keys().rehead(old.stored(), &head).map_err(|_| Refusal::Integrity)?;
            plan.relied_on.push(Object::Record(record.0));
            plan.changes.push(Change::Rehead { head, seal, key, was: old.row.head.head_version });
        }
        plan.remember = Some(Remembered::Items(plan.output.clone()));
        Ok(plan)
    }

    fn bump_record(
        &self,
        desk: &mut Desk<'_, '_>,
        pointer: &Pointer,
        heads: &mut BTreeMap<RecordId, RecordHead>,
    ) -> Result<Option<RecordId>, Stop> {
        let record = RecordId(pointer.locator);
        let Some(loaded) = self.load_record(desk.reader, record)? else { return Ok(None) };
        let present = Keyring::directory(&loaded.row.sealed).unwrap_or_default().contains(&pointer.field);
        let current = loaded.row.head.generation(pointer.field) == Some(pointer.generation);
        if !present || !current {
            return Ok(None);
        }
        let fresh = RecordHead {
            head_version: Version(loaded.row.head.head_version.0 + 1),
            ..loaded.row.head.clone()
        };
        let head = heads.entry(record).or_insert(fresh);
        for (field, generation) in &mut head.generations {
            // The same token twice in one request is revoked once.
            if *field == pointer.field && *generation == pointer.generation {
                *generation = Generation(generation.0.wrapping_add(1));
            }
        }
        Ok(Some(record))
    }

    fn bump_grant(
        &self,
        desk: &mut Desk<'_, '_>,
        pointer: &Pointer,
        plan: &mut Plan<Vec<bool>>,
    ) -> Result<Option<RecordId>, Stop> {
        let id = GrantId(pointer.locator);
        let Some((version, mut grant)) = self.load_grant(desk.reader, id)? else { return Ok(None) };
        if grant.generation != pointer.generation || !grant.fields.contains(&pointer.field) {
            return Ok(None);
        }
        grant.generation = Generation(grant.generation.0.wrapping_add(1));
        let earlier =
            plan.changes.iter().any(|c| matches!(c, Change::PutGrant { row, .. } if row.grant == id));
        if !earlier {
            plan.relied_on.push(Object::Grant(id.0));
            let row = self.grant_row(&grant, Version(version.0 + 1));
            plan.changes.push(Change::PutGrant { row, was: Some(version) });
        }
        Ok(Some(grant.record))
    }
}
