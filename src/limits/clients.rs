//! Limiters of clients: a closed set, each with quotas of its own, made anew when the policy declares others.

use super::HOUR;
use super::clock::GovernorClock;
use super::keyed::Single;
use super::state::{Rule, State, Verdict};
use crate::domain::ClientNo;
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

/// What the policy declares for a client. Zero closes that door.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Declared {
    /// Requests a second; a second's worth may come at once.
    pub requests_per_second: u32,
    /// Cost units (records × sensitivity) an hour; an hour's worth may come at once.
    pub reads_per_hour: u32,
    /// Distinct subjects a day (UTC).
    pub subjects_per_day: u32,
}

struct ClientLimits {
    declared: Declared,
    requests: Option<Single>,
    bytes: Single,
    cost: Option<Single>,
    /// The cost quota as last charged: replies show it without charging.
    seen: Mutex<State>,
}

pub(super) struct Clients {
    by_client: RwLock<HashMap<ClientNo, Arc<ClientLimits>>>,
    bytes_per_second: NonZeroU32,
    clock: GovernorClock,
}

const SMALLEST_BYTE_BURST: u32 = 8 << 20;

impl Clients {
    pub(super) fn new(bytes_per_second: NonZeroU32, clock: GovernorClock) -> Self {
        Self { by_client: RwLock::default(), bytes_per_second, clock }
    }

    pub(super) fn request(&self, client: ClientNo, declared: &Declared, bytes: u64) -> Verdict {
        let limits = self.of(client, declared);
        let verdict = charge(limits.requests.as_ref(), "requests", 1);
        if !verdict.is_ok() || bytes == 0 {
            return verdict;
        }
        match limits.bytes.charge(u32::try_from(bytes).unwrap_or(u32::MAX)) {
            Verdict::Ok(_) => verdict,
            limited @ Verdict::Limited { .. } => limited,
        }
    }

    pub(super) fn charge(&self, client: ClientNo, declared: &Declared, cost: u32) -> Verdict {
        let limits = self.of(client, declared);
        let verdict = charge(limits.cost.as_ref(), "cost", cost);
        *limits.seen.lock().unwrap_or_else(PoisonError::into_inner) = verdict.state();
        verdict
    }

    pub(super) fn cost_state(&self, client: ClientNo, declared: &Declared) -> State {
        *self.of(client, declared).seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn of(&self, client: ClientNo, declared: &Declared) -> Arc<ClientLimits> {
        let known = self.by_client.read().unwrap_or_else(PoisonError::into_inner).get(&client).cloned();
        if let Some(limits) = known.filter(|limits| limits.declared == *declared) {
            return limits;
        }
        let mut all = self.by_client.write().unwrap_or_else(PoisonError::into_inner);
        let entry = all.entry(client).or_insert_with(|| self.make(declared));
        if entry.declared != *declared {
            *entry = self.make(declared);
        }
        Arc::clone(entry)
    }

    fn make(&self, declared: &Declared) -> Arc<ClientLimits> {
        let single = |name, units, period| {
            NonZeroU32::new(units).map(|units| Single::new(Rule::new(name, units, period), &self.clock))
        };
        let second = Duration::from_secs(1);
        let burst = self.bytes_per_second.saturating_mul(NonZeroU32::MIN.saturating_add(3));
        let burst = burst.max(NonZeroU32::MIN.saturating_add(SMALLEST_BYTE_BURST - 1));
        Arc::new(ClientLimits {
            declared: *declared,
            requests: single("requests", declared.requests_per_second, second),
            bytes: Single::new(
                Rule::new("bytes", self.bytes_per_second, second).with_burst(burst),
                &self.clock,
            ),
            cost: single("cost", declared.reads_per_hour, HOUR),
            seen: Mutex::new(State {
                quota: declared.reads_per_hour.into(),
                window_seconds: HOUR.as_secs(),
                remaining: declared.reads_per_hour.into(),
                reset_seconds: 0,
            }),
        })
    }
}

/// A quota of zero has no limiter: nothing fits.
fn charge(limiter: Option<&Single>, name: &'static str, units: u32) -> Verdict {
    match limiter {
        Some(limiter) => limiter.charge(units),
        None => Verdict::limited(name, HOUR, State::default()),
    }
}
