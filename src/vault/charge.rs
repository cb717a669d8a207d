//! Limits in the verbs' terms: records × sensitivity and distinct subjects, charged before any row is read.

use crate::domain::{Ref8, Timestamp};
use crate::limits::{Check, Declared, State, Verdict};
use crate::policy::ClientLimits;
use crate::vault::Vault;
use crate::vault::call::Draft;
use crate::vault::caller::Caller;
use crate::vault::refusal::Refusal;
use std::net::IpAddr;
use std::time::Duration;

/// What is left of a client's quotas, for the RateLimit fields.
#[derive(Clone, Copy, Debug)]
pub struct Quotas {
    /// Cost units, in the window with the fewest left.
    pub cost: State,
    /// Distinct subjects, of the day or of the hour, whichever has fewer left.
    pub subjects: State,
}

/// The client's limits as they are in force at this instant.
pub(in crate::vault) fn declared(limits: ClientLimits, now: Timestamp) -> Declared {
    let limits = limits.at(now);
    Declared {
        requests_per_second: limits.requests_per_second,
        reads_per_second: limits.reads_per_second,
        reads_per_minute: limits.reads_per_minute,
        reads_per_hour: limits.reads_per_hour,
        reads_per_day: limits.reads_per_day,
        subjects_per_hour: limits.subjects_per_hour,
        subjects_per_day: limits.subjects_per_day,
    }
}

/// Whole seconds after which the same would fit: rounded up, or a client that waits as told is refused again.
fn seconds(wait: Duration) -> u64 {
    (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1)
}

fn refused(verdict: Verdict, budget: bool) -> Result<State, Refusal> {
    match verdict {
        Verdict::Ok(state) => Ok(state),
        Verdict::Limited { name, retry_after, .. } => {
            let wait = seconds(retry_after);
            Err(if budget {
                Refusal::BudgetExhausted(name.to_owned(), wait)
            } else {
                Refusal::Limited(name.to_owned(), wait)
            })
        }
    }
}

impl Vault {
    /// One request from this network; refused before any key is looked at.
    pub fn admit_network(&self, peer: IpAddr) -> Result<(), Refusal> {
        refused(self.limits().network(peer), false).map(drop)
    }
    /// Whether this network may present keys at all; consumes nothing.
    pub(in crate::vault) fn may_authenticate(&self, peer: IpAddr) -> Result<(), Refusal> {
        refused(self.limits().may_authenticate(peer), false).map(drop)
    }
    /// One request to the public pages from this network, beside what any request costs it.
    pub fn admit_public(&self, peer: IpAddr) -> Result<(), Refusal> {
        self.admit_network(peer)?;
        refused(self.limits().public(peer), false).map(drop)
    }
    /// A failed authentication from this network.
    pub fn count_failed_authentication(&self, peer: IpAddr) -> Result<(), Refusal> {
        refused(self.limits().failed_auth(peer), false).map(drop)
    }
    /// One request of this client, with the bytes it announces; before the body is read.
    pub fn admit_request(&self, caller: &Caller, bytes: u32) -> Result<(), Refusal> {
        refused(self.limits().request(caller.client(), &self.declared(caller), u64::from(bytes)), false)
            .map(drop)
    }
    /// What is left of the caller's quotas.
    pub fn quotas(&self, caller: &Caller) -> Quotas {
        let now = self.now();
        let (cost, subjects) = self.limits().states(caller.client(), &declared(caller.limits(), now), now);
        Quotas { cost, subjects }
    }
    /// Every window of the caller by the name of its setting in the policy.
    pub fn windows(&self, caller: &Caller) -> Vec<(&'static str, State)> {
        let now = self.now();
        self.limits().windows(caller.client(), &declared(caller.limits(), now), now)
    }
    fn declared(&self, caller: &Caller) -> Declared {
        declared(caller.limits(), self.now())
    }
    /// Charges cost units; the event says so too.
    pub(in crate::vault) fn charge(
        &self,
        caller: &Caller,
        draft: &mut Draft,
        cost: u32,
    ) -> Result<(), Refusal> {
        if cost == 0 {
            return Ok(());
        }
        self.charge_units(caller, cost)?;
        draft.body.cost = draft.body.cost.saturating_add(cost);
        Ok(())
    }
    /// Charges cost units that the caller of this writes into its event.
    pub(in crate::vault) fn charge_units(&self, caller: &Caller, cost: u32) -> Result<(), Refusal> {
        refused(self.limits().charge(caller.client(), &self.declared(caller), cost), true).map(drop)
    }
    /// Takes back units that no event says were charged.
    pub(in crate::vault) fn refund_units(&self, caller: &Caller, cost: u32) {
        if cost > 0 {
            self.limits().refund(caller.client(), &self.declared(caller), cost);
        }
    }
    /// A request that turned out to repeat an earlier one: its reply is minted again and costs nothing, as its event says.
    pub(in crate::vault) fn refund(&self, caller: &Caller, draft: &Draft) {
        self.refund_units(caller, draft.body.cost);
    }
    /// Counts the subjects of a request against the caller's day and hour; before anything about them is opened. What is
    /// counted is named in the event of a detokenize or a search, and nothing else: a replay counts the same
    /// ([`crate::vault::keep`]).
    pub(in crate::vault) fn charge_subjects(
        &self,
        caller: &Caller,
        subjects: &[Ref8],
    ) -> Result<(), Refusal> {
        let now = self.now();
        let keys = subjects.iter().map(|s| u64::from_be_bytes(s.0));
        let declared = declared(caller.limits(), now);
        refused(self.limits().subjects(caller.client(), now, &declared, keys), true).map(drop)
    }
    /// Counts reads of one subject, whoever reads.
    pub(in crate::vault) fn charge_subject_reads(&self, subject: Ref8, cost: u32) -> Result<(), Refusal> {
        refused(self.limits().subject_reads(u64::from_be_bytes(subject.0), cost), false).map(drop)
    }
    /// A check of a credential; `spend` counts it, else it is only asked whether there may be one.
    pub(in crate::vault) fn throttle_verification(
        &self,
        check: &Check<'_>,
        spend: bool,
    ) -> Result<(), Refusal> {
        let limits = self.limits();
        match if spend { limits.verify(check) } else { limits.may_verify(check) } {
            Verdict::Ok(_) => Ok(()),
            Verdict::Limited { name, retry_after, .. } => {
                Err(Refusal::Throttled(name.to_owned(), seconds(retry_after)))
            }
        }
    }
}
