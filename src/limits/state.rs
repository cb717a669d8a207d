//! A limiter's rule and its answers, in the terms of the RateLimit fields.

use super::windows::ceil_seconds;
use governor::{Quota, middleware::StateSnapshot};
use std::num::NonZeroU32;
use std::time::Duration;

/// Where a quota stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct State {
    /// Units when whole.
    pub quota: u64,
    /// Seconds in which an empty quota becomes whole.
    pub window_seconds: u64,
    /// Units left.
    pub remaining: u64,
    /// Seconds until it is whole again.
    pub reset_seconds: u64,
}

/// A limiter's answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub enum Verdict {
    /// It fits and was counted.
    Ok(State),
    /// It does not fit; nothing was counted.
    Limited {
        /// Which limit: `network`, `failed_auth`, `bytes`, `subject`, `source`, or the name of the policy's setting.
        name: &'static str,
        /// When the same would fit, at least one second.
        retry_after: Duration,
        /// Where the quota stands.
        state: State,
    },
}

impl Verdict {
    /// Whether it fits.
    pub fn is_ok(&self) -> bool {
        matches!(self, Self::Ok(_))
    }
    /// How long to wait; nothing when it fits.
    pub(super) fn wait(&self) -> Duration {
        match self {
            Self::Ok(_) => Duration::ZERO,
            Self::Limited { retry_after, .. } => *retry_after,
        }
    }
    /// Where the quota stands.
    pub fn state(&self) -> State {
        match self {
            Self::Ok(state) | Self::Limited { state, .. } => *state,
        }
    }
    pub(super) fn limited(name: &'static str, wait: Duration, state: State) -> Self {
        Self::Limited { name, retry_after: wait.max(Duration::from_secs(1)), state }
    }
}

/// Units in a period, under a name.
#[derive(Clone, Copy)]
pub(super) struct Rule {
    name: &'static str,
    /// Time in which one unit comes back.
    unit: Duration,
    burst: NonZeroU32,
}

impl Rule {
    /// `units` per `period`, all of which may come at once.
    pub(super) fn new(name: &'static str, units: NonZeroU32, period: Duration) -> Self {
        Self { name, unit: (period / units.get()).max(Duration::from_nanos(1)), burst: units }
    }
    pub(super) fn with_burst(self, burst: NonZeroU32) -> Self {
        Self { burst, ..self }
    }
    pub(super) fn quota(&self) -> Quota {
        // `with_period` fails on zero only, and `unit` is at least a nanosecond.
        Quota::with_period(self.unit).unwrap_or(Quota::per_second(NonZeroU32::MIN)).allow_burst(self.burst)
    }
    pub(super) fn allowed(&self, snapshot: &StateSnapshot) -> Verdict {
        Verdict::Ok(self.state(u64::from(snapshot.remaining_burst_capacity())))
    }
    /// `n` units would fit after `wait`: what is left now follows from it.
    pub(super) fn refused(&self, n: u32, wait: Duration) -> Verdict {
        let lacking = wait.as_nanos().div_ceil(self.unit.as_nanos());
        let remaining = u64::from(n).saturating_sub(u64::try_from(lacking).unwrap_or(u64::MAX));
        Verdict::limited(self.name, wait, self.state(remaining))
    }
    /// More units than the whole quota: it will never fit, and waiting for less than a window helps nobody.
    pub(super) fn never(&self) -> Verdict {
        Verdict::limited(self.name, self.window(), self.state(0))
    }
    /// One unit of a bucket that is whole again after `missing`.
    pub(super) fn peeked(&self, missing: Duration) -> Verdict {
        let lacking = missing.as_nanos().div_ceil(self.unit.as_nanos());
        let quota = u64::from(self.burst.get());
        let remaining = quota.saturating_sub(u64::try_from(lacking).unwrap_or(u64::MAX));
        if remaining > 0 {
            return Verdict::Ok(self.state(remaining));
        }
        let spare = self.unit.saturating_mul(self.burst.get() - 1);
        Verdict::limited(self.name, missing.saturating_sub(spare), self.state(0))
    }
    pub(super) fn full(&self) -> Verdict {
        Verdict::Ok(self.state(u64::from(self.burst.get())))
    }
    fn window(&self) -> Duration {
        self.unit.saturating_mul(self.burst.get())
    }
    fn state(&self, remaining: u64) -> State {
        let quota = u64::from(self.burst.get());
        let remaining = remaining.min(quota);
        let missing = u32::try_from(quota - remaining).unwrap_or(u32::MAX);
        State {
            quota,
            window_seconds: ceil_seconds(self.window()),
            remaining,
            reset_seconds: if missing == 0 { 0 } else { ceil_seconds(self.unit.saturating_mul(missing)) },
        }
    }
}
