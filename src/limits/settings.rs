//! `[limits]`: what holds for everybody. A client's own limits are in the policy.

use serde::Deserialize;
use std::num::NonZeroU32;

/// Vault-wide limits; those of a client are in its [`Declared`](super::Declared).
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
    /// Checks a minute of one credential, by whichever spelling or token.
    pub verify_per_subject_per_minute: NonZeroU32,
    /// Checks an hour of one credential: what a patient attacker is held to.
    pub verify_per_subject_per_hour: NonZeroU32,
    /// Checks a minute from one source.
    pub verify_per_source_per_minute: NonZeroU32,
    /// Checks a minute by callers from one network, whatever sources they name.
    pub verify_per_network_per_minute: NonZeroU32,
    /// Requests a minute to the public pages from one network.
    pub public_per_network_per_minute: NonZeroU32,
    /// Most keys one limiter remembers.
    pub max_keys: usize,
}

fn number(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).unwrap_or(NonZeroU32::MIN)
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            network_requests_per_second: number(5_000),
            network_burst: number(10_000),
            failed_auth_per_ten_minutes: number(30),
            client_bytes_per_second: number(16 << 20),
            subject_reads_per_hour: number(600),
            verify_per_subject_per_minute: number(10),
            verify_per_subject_per_hour: number(60),
            verify_per_source_per_minute: number(120),
            verify_per_network_per_minute: number(3_000),
            public_per_network_per_minute: number(600),
            max_keys: 100_000,
        }
    }
}

impl Settings {
    /// Practically unlimited, for a development vault and its benchmarks.
    pub fn generous() -> Self {
        Self {
            network_requests_per_second: number(1_000_000),
            network_burst: number(2_000_000),
            failed_auth_per_ten_minutes: number(1_000_000),
            client_bytes_per_second: number(1 << 30),
            subject_reads_per_hour: number(1_000_000_000),
            verify_per_subject_per_minute: number(1_000_000),
            verify_per_subject_per_hour: number(1_000_000_000),
            verify_per_source_per_minute: number(1_000_000),
            verify_per_network_per_minute: number(1_000_000),
            public_per_network_per_minute: number(1_000_000),
            max_keys: 100_000,
        }
    }
}
