//! A limiter with a capped store of keys. Another rule over the same store keeps what every key has used (hot reload).

use super::clock::GovernorClock;
use super::state::{Rule, Verdict};
use super::store::CappedStore;
use governor::clock::Clock as _;
use governor::middleware::StateInformationMiddleware;
use governor::{NotUntil, RateLimiter};
use std::hash::Hash;
use std::num::NonZeroU32;
use std::time::Duration;

pub(super) struct Keyed<K: Hash + Eq + Clone> {
    limiter: RateLimiter<K, CappedStore<K>, GovernorClock, StateInformationMiddleware>,
    store: CappedStore<K>,
    rule: Rule,
    clock: GovernorClock,
}

impl<K: Hash + Eq + Clone> Keyed<K> {
    pub(super) fn new(rule: Rule, cap: usize, clock: &GovernorClock) -> Self {
        Self::over(CappedStore::new(cap), rule, clock)
    }

    /// Another rule and cap over the same keys: the part of its window that a key has used stays used.
    pub(super) fn under(&self, rule: Rule, cap: usize) -> Self {
        self.store.set_cap(cap);
        Self::over(self.store.clone(), rule, &self.clock)
    }

    fn over(store: CappedStore<K>, rule: Rule, clock: &GovernorClock) -> Self {
        let limiter = RateLimiter::new(rule.quota(), store.clone(), clock.since_zero());
        Self { limiter, store, rule, clock: clock.clone() }
    }

    /// What charging one unit would answer, without charging it.
    pub(super) fn peek(&self, key: &K) -> Verdict {
        let full_again = self.store.peek(key).map_or(Duration::ZERO, Duration::from);
        self.rule.peeked(full_again.saturating_sub(self.clock.now()))
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
