//! What a field costs beyond the unit of its token. It is charged when the item is known to be there, or to be refused by a
//! rule that is told: an erased, revoked, foreign or forged token costs one unit alike, so that no number tells them apart
//! (I5).

use crate::domain::FieldNo;
use crate::policy::Policy;
use crate::vault::Vault;
use crate::vault::caller::Caller;
use crate::vault::commit::{Desk, Stop};
use crate::vault::refusal::Refusal;
use std::cell::Cell;

/// Units beyond one a token: of the present plan, and charged by all plans of the request.
#[derive(Default)]
pub(in crate::vault::reveal) struct Beyond {
    planned: Cell<u32>,
    charged: Cell<u32>,
}

impl Beyond {
    /// A plan begins; what an earlier one charged counts for it.
    pub(in crate::vault::reveal) fn plan_anew(&self) {
        self.planned.set(0);
    }
}

/// What a field costs beyond the one unit charged before its token was opened.
pub(in crate::vault::reveal) fn surcharge(policy: &Policy, field: FieldNo) -> u32 {
    policy.field_facts(field).map_or(0, |f| u32::from(f.sensitivity).saturating_sub(1))
}

impl Vault {
    /// Charges for fields that are there, and writes it into the event.
    pub(in crate::vault::reveal) fn charge_beyond(
        &self,
        desk: &mut Desk<'_, '_>,
        caller: &Caller,
        beyond: &Beyond,
        fields: impl Iterator<Item = FieldNo>,
    ) -> Result<(), Stop> {
        let extra = fields.map(|field| surcharge(caller.policy(), field)).sum();
        let planned = beyond.planned.get().saturating_add(extra);
        let missing = planned.saturating_sub(beyond.charged.get());
        if missing > 0 {
            self.charge_units(caller, missing)?;
            beyond.charged.set(planned);
        }
        beyond.planned.set(planned);
        desk.event.cost = desk.event.cost.saturating_add(extra);
        Ok(())
    }

    /// After the last plan: what its event does not say is taken back.
    pub(in crate::vault::reveal) fn settle_beyond(
        &self,
        caller: &Caller,
        beyond: &Beyond,
        refused: Option<&Refusal>,
    ) {
        // These ends are reported by an event that knows nothing of the plan.
        let unsaid =
            matches!(refused, Some(Refusal::Overloaded | Refusal::AuditUnavailable | Refusal::StorageFull));
        let said = if unsaid { 0 } else { beyond.planned.get() };
        self.refund_units(caller, beyond.charged.get().saturating_sub(said));
    }
}
