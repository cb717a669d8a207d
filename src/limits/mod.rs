//! Rate limits and budgets by typed key: what may be asked for how often, counted in records × sensitivity, not requests.
//!
//! Keys are bytes or integers of ours, never a header (theme 2); stores of keys are capped with one bucket shared by all
//! further keys (I10, A11); time is a parameter (I9). A charge that does not fit consumes nothing.

mod clients;
mod clock;
mod keyed;
mod state;
mod store;
mod subjects;

pub use clients::Declared;
pub use state::{State, Verdict};
pub use subjects::SubjectsSeen;

use crate::domain::{ClientNo, Clock};
use clients::Clients;
use clock::GovernorClock;
use keyed::Keyed;
use serde::Deserialize;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;
use subjects::Subjects;

/// Vault-wide limits; those of a client are in its [`Declared`].
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Requests a second from one network.
    pub network_requests_per_second: NonZeroU32,
    /// How many of them may come at once.
    pub network_burst: NonZeroU32,
    /// Failed authentications in ten minutes from one network.
    pub failed_auth_per_ten_minutes: NonZeroU32,
    /// Body bytes a second from one client; four seconds' worth, but at least 8 MiB, may come at once.
    pub client_bytes_per_second: NonZeroU32,
    /// Cost an hour of reads of one subject by all clients together.
    pub subject_reads_per_hour: NonZeroU32,
    /// Checks a minute of one credential, by whichever spelling.
    pub verify_per_subject_per_minute: NonZeroU32,
    /// Checks a minute from one source.
    pub verify_per_source_per_minute: NonZeroU32,
    /// Requests a minute from one network to the public pages.
    pub public_per_network_per_minute: NonZeroU32,
    /// Most keys one limiter remembers.
    pub max_keys: usize,
}

impl Default for Settings {
    fn default() -> Self {
        let number = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        Self {
            network_requests_per_second: number(5_000),
            network_burst: number(10_000),
            failed_auth_per_ten_minutes: number(30),
            client_bytes_per_second: number(16 << 20),
            subject_reads_per_hour: number(600),
            verify_per_subject_per_minute: number(10),
            verify_per_source_per_minute: number(120),
            public_per_network_per_minute: number(600),
            max_keys: 100_000,
        }
    }
}

impl Settings {
    /// Practically unlimited, for a development vault and its benchmarks.
    pub fn generous() -> Self {
        let number = |n: u32| NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN);
        Self {
            network_requests_per_second: number(1_000_000),
            network_burst: number(2_000_000),
            failed_auth_per_ten_minutes: number(1_000_000),
            client_bytes_per_second: number(1 << 30),
            subject_reads_per_hour: number(1_000_000_000),
            verify_per_subject_per_minute: number(1_000_000),
            verify_per_source_per_minute: number(1_000_000),
            public_per_network_per_minute: number(1_000_000),
            max_keys: 100_000,
        }
    }
}

/// All limiters of a node.
pub struct Limits {
    networks: Keyed<[u8; 16]>,
    failures: Keyed<[u8; 16]>,
    subject_reads: Keyed<u64>,
    verifications: Keyed<[u8; 16]>,
    sources: Keyed<[u8; 16]>,
    public: Keyed<[u8; 16]>,
    clients: Clients,
    subjects: Subjects,
}

const HOUR: Duration = Duration::from_secs(3_600);

impl Limits {
    /// Limiters with full quotas.
    pub fn new(settings: Settings, clock: Arc<dyn Clock>) -> Self {
        let (time, cap) = (GovernorClock(Arc::clone(&clock)), settings.max_keys);
        let second = Duration::from_secs(1);
        let networks = state::Rule::new("network", settings.network_requests_per_second, second);
        let failures =
            state::Rule::new("failed_auth", settings.failed_auth_per_ten_minutes, Duration::from_secs(600));
        let subject = state::Rule::new("subject", settings.subject_reads_per_hour, HOUR);
        let minute = Duration::from_secs(60);
        let checks = state::Rule::new("verify_subject", settings.verify_per_subject_per_minute, minute);
        let public = state::Rule::new("public", settings.public_per_network_per_minute, minute);
        let sources = state::Rule::new("verify_source", settings.verify_per_source_per_minute, minute);
        Self {
            networks: Keyed::new(networks.with_burst(settings.network_burst), cap, &time),
            failures: Keyed::new(failures, cap, &time),
            subject_reads: Keyed::new(subject, cap, &time),
            verifications: Keyed::new(checks, cap, &time),
            sources: Keyed::new(sources, cap, &time),
            public: Keyed::new(public, cap, &time),
            clients: Clients::new(settings.client_bytes_per_second, time),
            subjects: Subjects::new(clock),
        }
    }

    /// One request from the network of this socket peer (its /24, or /64 for IPv6).
    pub fn network(&self, peer: IpAddr) -> Verdict {
        self.networks.charge(&network_key(peer), 1)
    }

    /// One request to the public pages from the network of this socket peer.
    pub fn public(&self, peer: IpAddr) -> Verdict {
        self.public.charge(&network_key(peer), 1)
    }

    /// One failed authentication from this peer's network. `Limited` says that the network is to be turned away.
    pub fn failed_auth(&self, peer: IpAddr) -> Verdict {
        self.failures.charge(&network_key(peer), 1)
    }

    /// Whether this peer's network may try to authenticate at all; consumes nothing.
    pub fn may_authenticate(&self, peer: IpAddr) -> Verdict {
        self.failures.peek(&network_key(peer))
    }

    /// One request of a client, with a body of this size.
    pub fn request(&self, client: ClientNo, declared: &Declared, bytes: u64) -> Verdict {
        self.clients.request(client, declared, bytes)
    }

    /// Cost (records × sensitivity) against the client's quota of the hour. All or nothing.
    pub fn charge(&self, client: ClientNo, declared: &Declared, cost: u32) -> Verdict {
        self.clients.charge(client, declared, cost)
    }

    /// One check of a credential, by the digest of its canonical name.
    pub fn verification(&self, subject: [u8; 16]) -> Verdict {
        self.verifications.charge(&subject, 1)
    }

    /// One check of any credential from a source, by its digest.
    pub fn verification_source(&self, source: [u8; 16]) -> Verdict {
        self.sources.charge(&source, 1)
    }

    /// Where a client's cost quota stood when it was last charged.
    pub fn cost_state(&self, client: ClientNo, declared: &Declared) -> State {
        self.clients.cost_state(client, declared)
    }

    /// Where a client's day of distinct subjects stands.
    pub fn subjects_state(&self, client: ClientNo, day: i64, declared: &Declared) -> State {
        self.subjects.see(client, day, declared.subjects_per_day, std::iter::empty()).state()
    }

    /// Cost against what may be read of one subject (its locator) in an hour. All or nothing.
    pub fn subject_reads(&self, subject: u64, cost: u32) -> Verdict {
        self.subject_reads.charge(&subject, cost)
    }

    /// Subjects (locators) a client is about to read on this day (days since the epoch). Those already seen that day are
    /// free; if the new ones do not all fit, none is counted.
    pub fn subjects(
        &self,
        client: ClientNo,
        day: i64,
        declared: &Declared,
        subjects: impl Iterator<Item = u64>,
    ) -> Verdict {
        self.subjects.see(client, day, declared.subjects_per_day, subjects)
    }

    /// What clients have read today, to be kept over a restart.
    pub fn snapshot(&self) -> Vec<SubjectsSeen> {
        self.subjects.snapshot()
    }

    /// Takes a snapshot back.
    pub fn restore(&self, seen: Vec<SubjectsSeen>) {
        self.subjects.restore(seen);
    }

    /// Forgets keys whose quota is whole again, and days that are over. Call it every minute or so.
    pub fn housekeep(&self) {
        self.networks.housekeep();
        self.failures.housekeep();
        self.subject_reads.housekeep();
        self.verifications.housekeep();
        self.sources.housekeep();
        self.public.housekeep();
        self.subjects.housekeep();
    }

    /// Keys remembered by all keyed limiters, for the metrics.
    pub fn keys(&self) -> usize {
        let keyed = [
            self.networks.len(),
            self.failures.len(),
            self.verifications.len(),
            self.sources.len(),
            self.public.len(),
        ];
        keyed.iter().sum::<usize>() + self.subject_reads.len()
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
