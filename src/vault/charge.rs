//! Limits in the verbs' terms: records × sensitivity and distinct subjects, charged before any row is read.

use crate::domain::Ref8;
use crate::limits::{Declared, State, Verdict};
use crate::vault::Vault;
use crate::vault::call::Draft;
use crate::vault::caller::Caller;
use crate::vault::refusal::Refusal;
use std::net::IpAddr;

/// What is left of a client's quotas, for the RateLimit fields.
#[derive(Clone, Copy, Debug)]
pub struct Quotas {
    /// Cost units an hour.
    pub cost: State,
    /// Distinct subjects a day.
    pub subjects: State,
}

fn declared(caller: &Caller) -> Declared {
    let limits = caller.limits();
    Declared {
        requests_per_second: limits.requests_per_second,
        reads_per_hour: limits.reads_per_hour,
        subjects_per_day: limits.subjects_per_day,
    }
}

fn refused(verdict: Verdict, budget: bool) -> Result<State, Refusal> {
    match verdict {
        Verdict::Ok(state) => Ok(state),
        Verdict::Limited { name, retry_after, .. } => {
            let wait = retry_after.as_secs().max(1);
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
        refused(self.limits().request(caller.client(), &declared(caller), u64::from(bytes)), false).map(drop)
    }
    /// What is left of the caller's quotas.
    pub fn quotas(&self, caller: &Caller) -> Quotas {
        let declared = declared(caller);
        Quotas {
            cost: self.limits().cost_state(caller.client(), &declared),
            subjects: self.limits().subjects_state(caller.client(), self.now().day(), &declared),
        }
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
        refused(self.limits().charge(caller.client(), &declared(caller), cost), true)?;
        draft.body.cost = draft.body.cost.saturating_add(cost);
        Ok(())
    }
    /// Counts the subjects of a request against the caller's day; before anything about them is opened.
    pub(in crate::vault) fn charge_subjects(
        &self,
        caller: &Caller,
        subjects: &[Ref8],
    ) -> Result<(), Refusal> {
        let day = self.now().day();
        let keys = subjects.iter().map(|s| u64::from_be_bytes(s.0));
        refused(self.limits().subjects(caller.client(), day, &declared(caller), keys), true).map(drop)
    }
    /// Counts reads of one subject, whoever reads.
    pub(in crate::vault) fn charge_subject_reads(&self, subject: Ref8, cost: u32) -> Result<(), Refusal> {
        refused(self.limits().subject_reads(u64::from_be_bytes(subject.0), cost), false).map(drop)
    }
}

impl Vault {
    /// Checks of one credential, by whichever spelling, and of one source.
    pub(in crate::vault) fn throttle_verification(
        &self,
        subject: [u8; 16],
        source: Option<&str>,
    ) -> Result<(), Refusal> {
        let throttled = |verdict: Verdict, scope: &str| match verdict {
            Verdict::Ok(_) => Ok(()),
            Verdict::Limited { retry_after, .. } => {
                Err(Refusal::Throttled(scope.to_owned(), retry_after.as_secs().max(1)))
            }
        };
        throttled(self.limits().verification(subject), "subject")?;
        match source {
            None => Ok(()),
            Some(source) => {
                let key = self.keys().idempotency_digest(&[b"verify source", source.as_bytes()]);
                throttled(self.limits().verification_source(key), "source")
            }
        }
    }
}
