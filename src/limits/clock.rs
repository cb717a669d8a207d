//! Our monotonic clock as `governor` wants it (I9).

use crate::domain::Clock;
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone)]
pub(super) struct GovernorClock(pub(super) Arc<dyn Clock>);

impl governor::clock::Clock for GovernorClock {
    type Instant = Duration;
    fn now(&self) -> Duration {
        self.0.monotonic()
    }
}
