//! Rate limits and budgets by typed key: what may be asked for how often, counted in records × sensitivity, not requests.
//!
//! Keys are bytes or integers of ours, never a header (theme 2); stores of keys are capped with one bucket shared by all
//! further keys (I10, A11); time is a parameter (I9). A charge that does not fit consumes nothing. What a client has used
//! of its cost and its subjects outlives a restart ([`Snapshot`], [`Ledger`]); every limit outlives a change of settings.

mod account;
mod clients;
mod clock;
mod declared;
mod kept;
mod keyed;
mod keys;
mod seen;
mod settings;
mod state;
mod store;
mod windows;

pub use declared::Declared;
pub use kept::{Ledger, Piece, Position, Snapshot};
pub use keys::Check;
pub use settings::Settings;
pub use state::{State, Verdict};

use crate::domain::{ClientNo, Clock, Timestamp};
use arc_swap::ArcSwap;
use clients::Clients;
use clock::GovernorClock;
use keys::Keys;
use std::net::IpAddr;
use std::sync::Arc;

/// All limiters of a node.
pub struct Limits {
    keys: ArcSwap<Keys>,
    clients: Clients,
}

impl Limits {
    /// Limiters with full quotas.
    pub fn new(settings: Settings, clock: Arc<dyn Clock>) -> Self {
        let time = GovernorClock::new(clock);
        Self { keys: ArcSwap::from_pointee(Keys::new(&settings, &time)), clients: Clients::new(time) }
    }

    /// Takes other settings over while serving: every counter goes on where it stood.
    pub fn reload(&self, settings: &Settings) {
        self.keys.rcu(|keys| keys.under(settings));
    }

    /// One request from the network of this socket peer (its /24, or /64 for IPv6).
    pub fn network(&self, peer: IpAddr) -> Verdict {
        self.keys.load().networks.charge(&network_key(peer), 1)
    }

    /// One request to the public pages from the network of this socket peer.
    pub fn public(&self, peer: IpAddr) -> Verdict {
        self.keys.load().public.charge(&network_key(peer), 1)
    }

    /// One failed authentication from this peer's network. `Limited` says that the network is to be turned away.
    pub fn failed_auth(&self, peer: IpAddr) -> Verdict {
        self.keys.load().failures.charge(&network_key(peer), 1)
    }

    /// Whether this peer's network may try to authenticate at all; consumes nothing.
    pub fn may_authenticate(&self, peer: IpAddr) -> Verdict {
        self.keys.load().failures.peek(&network_key(peer))
    }

    /// One request of a client, with a body of this size.
    pub fn request(&self, client: ClientNo, declared: &Declared, bytes: u64) -> Verdict {
        let keys = self.keys.load();
        self.clients.with(client, |account, now| account.request(declared, (&keys.bytes, bytes), now))
    }

    /// Cost (records × sensitivity) against every window of the client. All or nothing.
    pub fn charge(&self, client: ClientNo, declared: &Declared, cost: u32) -> Verdict {
        self.clients.with(client, |account, now| account.charge(declared, now, cost))
    }

    /// Takes a charge back: the event of this request will say that it cost nothing, and a start counts what events say.
    pub fn refund(&self, client: ClientNo, declared: &Declared, cost: u32) {
        self.clients.with(client, |account, now| {
            account.cost.refund(&declared.cost(), now, u64::from(cost));
            account.changes += 1;
        });
    }

    /// Whether a credential may be checked; consumes nothing.
    pub fn may_verify(&self, check: &Check<'_>) -> Verdict {
        self.keys.load().may_check(check)
    }

    /// One check of a credential. `Limited` names `subject`, `source` or `network`.
    pub fn verify(&self, check: &Check<'_>) -> Verdict {
        self.keys.load().check(check)
    }

    /// Where a client's cost and its subjects stand: of each the window with the fewest units left.
    pub fn states(&self, client: ClientNo, declared: &Declared, now: Timestamp) -> (State, State) {
        self.clients.with(client, |account, now_ms| {
            (account.cost.state(&declared.cost(), now_ms), account.subjects_state(declared, now))
        })
    }

    /// Every window of a client by the name of its setting.
    pub fn windows(
        &self,
        client: ClientNo,
        declared: &Declared,
        now: Timestamp,
    ) -> Vec<(&'static str, State)> {
        self.clients.with(client, |account, now_ms| {
            let (requests, cost) = (declared.requests(), declared.cost());
            let requests = account.requests.states(&requests, now_ms);
            let cost = account.cost.states(&cost, now_ms);
            requests.chain(cost).chain(account.subjects_states(declared, now)).collect()
        })
    }

    /// Cost against what may be read of one subject (its locator) in an hour. All or nothing.
    pub fn subject_reads(&self, subject: u64, cost: u32) -> Verdict {
        self.keys.load().subject_reads.charge(&subject, cost)
    }

    /// Subjects a client is about to read at this instant. Those already seen in the day (and in the hour) are free; if
    /// the new ones do not all fit, none is counted.
    pub fn subjects(
        &self,
        client: ClientNo,
        now: Timestamp,
        declared: &Declared,
        subjects: impl Iterator<Item = u64> + Clone,
    ) -> Verdict {
        self.clients.with(client, |account, _| account.see(declared, now, subjects))
    }

    /// Forgets keys whose quota is whole again. Call it every minute or so.
    pub fn housekeep(&self) {
        self.keys.load().housekeep();
    }

    /// Keys remembered by all keyed limiters, for the metrics.
    pub fn keys(&self) -> usize {
        self.keys.load().len()
    }
}

/// The network an address belongs to: /24, or /64 for IPv6; an IPv4-mapped address counts as the IPv4 it is.
fn network_key(peer: IpAddr) -> [u8; 16] {
    match peer.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            std::net::Ipv4Addr::new(a, b, c, 0).to_ipv6_mapped().octets()
        }
        IpAddr::V6(v6) => (u128::from_be_bytes(v6.octets()) >> 64 << 64).to_be_bytes(),
    }
}

#[cfg(test)]
mod tests;
