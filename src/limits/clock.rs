//! Our monotonic clock as `governor` wants it (I9).

use crate::domain::Clock;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// `governor` counts from the instant at which a limiter was made; two limiters over one store must count from the same.
/// So the first look at a clock made by [`GovernorClock::since_zero`] shows zero, every later one the time.
pub(super) struct GovernorClock {
    clock: Arc<dyn Clock>,
    looked: AtomicBool,
}

impl GovernorClock {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { clock, looked: AtomicBool::new(true) }
    }
    pub(super) fn since_zero(&self) -> Self {
        Self { clock: Arc::clone(&self.clock), looked: AtomicBool::new(false) }
    }
}

impl Clone for GovernorClock {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.clock))
    }
}

impl governor::clock::Clock for GovernorClock {
    type Instant = Duration;
    fn now(&self) -> Duration {
        if !self.looked.load(Ordering::Relaxed) && !self.looked.swap(true, Ordering::Relaxed) {
            return Duration::ZERO;
        }
        self.clock.monotonic()
    }
}
