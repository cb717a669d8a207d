//! Limiters: one with a capped store of keys, one for a single counter.

use super::clock::GovernorClock;
use super::state::{Rule, Verdict};
use super::store::CappedStore;
use governor::clock::{Clock as _, Reference as _};
use governor::middleware::StateInformationMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{NotUntil, RateLimiter};
use std::hash::Hash;
use std::num::NonZeroU32;
use std::time::Duration;

pub(super) struct Keyed<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, CappedStore<K>, GovernorClock, StateInformationMiddleware>,
    store: CappedStore<K>,
    rule: Rule,
    start: Duration,
    clock: GovernorClock,
}

impl<K: Hash + Eq + Clone> Keyed<K> {
    pub(super) fn new(rule: Rule, cap: usize, clock: &GovernorClock) -> Self {
        let start = clock.now();
        let store = CappedStore::new(cap);
        let limiter = RateLimiter::new(rule.quota(), store.clone(), clock.clone());
        Self { limiter, store, rule, start, clock: clock.clone() }
    }

    /// What charging one unit would answer, without charging it.
    pub(super) fn peek(&self, key: &K) -> Verdict {
        let full_again = self.store.peek(key).map_or(Duration::ZERO, Duration::from);
        self.rule.peeked(full_again.saturating_sub(self.clock.now().duration_since(self.start).into()))
    }

    pub(super) fn charge(&self, key: &K, units: u32) -> Verdict {
        let Some(n) = NonZeroU32::new(units) else { return self.rule.full() };
        match self.limiter.check_key_n(key, n) {
            Ok(Ok(snapshot)) => self.rule.allowed(&snapshot),
            Ok(Err(until)) => refuse(&self.rule, units, &until, self.clock.now()),
            Err(_) => self.rule.never(),
        }
    }

    pub(super) fn housekeep(&self) {
        self.limiter.retain_recent();
        self.limiter.shrink_to_fit();
    }

    pub(super) fn len(&self) -> usize {
        self.limiter.len()
    }
}

fn refuse(rule: &Rule, units: u32, until: &NotUntil<Duration>, now: Duration) -> Verdict {
    rule.refused(units, until.wait_time_from(now))
}

pub(super) struct Single {
    limiter: RateLimiter<NotKeyed, InMemoryState, GovernorClock, StateInformationMiddleware>,
    rule: Rule,
    clock: GovernorClock,
}

impl Single {
    pub(super) fn new(rule: Rule, clock: &GovernorClock) -> Self {
        let limiter = RateLimiter::direct_with_clock(rule.quota(), clock.clone()).with_middleware();
        Self { limiter, rule, clock: clock.clone() }
    }

    pub(super) fn charge(&self, units: u32) -> Verdict {
        let Some(n) = NonZeroU32::new(units) else { return self.rule.full() };
        match self.limiter.check_n(n) {
            Ok(Ok(snapshot)) => self.rule.allowed(&snapshot),
            Ok(Err(until)) => refuse(&self.rule, units, &until, self.clock.now()),
            Err(_) => self.rule.never(),
        }
    }
}
