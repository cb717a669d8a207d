//! The clock floor: now = max(wall, the latest time ever written), so that nothing expired revives when a clock is set back.
//!
//! For everything that stamps or compares times. The floor is the time of the last event, which every commit writes for
//! nothing, joined with `meta.clock_floor` (written at most once a second and at the end), for logs whose tail was archived.

use crate::domain::{Clock, Timestamp};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// How far the wall clock may be behind before it is an alert.
pub const CLOCK_ALERT: Duration = Duration::from_secs(5);
/// How far it may be behind before the vault must refuse to serve.
pub const CLOCK_REFUSE: Duration = Duration::from_secs(30);

/// What the wall clock is worth.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ClockHealth {
    /// At or above the floor, or within five seconds.
    Good,
    /// More than five seconds behind: somebody must look.
    Behind,
    /// More than thirty seconds behind: the vault must not serve.
    Refuse,
}

pub(super) struct ClockFloor {
    clock: Arc<dyn Clock>,
    floor: AtomicI64,
}

impl ClockFloor {
    pub(super) fn new(clock: Arc<dyn Clock>, floor: Timestamp) -> Self {
        Self { clock, floor: AtomicI64::new(floor.0) }
    }
    pub(super) fn now(&self) -> Timestamp {
        Timestamp(self.clock.wall().0.max(self.floor.load(Ordering::Acquire)))
    }
    pub(super) fn monotonic(&self) -> Duration {
        self.clock.monotonic()
    }
    /// After a commit: this time is durable now.
    pub(super) fn raise(&self, to: Timestamp) {
        self.floor.fetch_max(to.0, Ordering::AcqRel);
    }
    /// How far the wall clock is behind the floor.
    pub(super) fn behind(&self) -> Duration {
        let behind = self.floor.load(Ordering::Acquire).saturating_sub(self.clock.wall().0);
        Duration::from_micros(u64::try_from(behind).unwrap_or(0))
    }
    pub(super) fn health(&self) -> ClockHealth {
        let behind = self.behind();
        if behind > CLOCK_REFUSE {
            ClockHealth::Refuse
        } else if behind > CLOCK_ALERT {
            ClockHealth::Behind
        } else {
            ClockHealth::Good
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::clock::ManualClock;

    #[test]
    fn time_never_goes_back_below_what_was_written() {
        let clock = Arc::new(ManualClock::at(Timestamp(100_000_000)));
        let floor = ClockFloor::new(clock.clone(), Timestamp(0));
        floor.raise(floor.now());
        clock.advance_us(-4_000_000);
        assert_eq!(floor.now(), Timestamp(100_000_000));
        assert_eq!(floor.health(), ClockHealth::Good);
        clock.advance_us(-2_000_000);
        assert_eq!(floor.health(), ClockHealth::Behind);
        clock.advance_us(-25_000_000);
        assert_eq!(floor.health(), ClockHealth::Refuse);
        clock.advance_us(40_000_000);
        assert_eq!((floor.health(), floor.now()), (ClockHealth::Good, Timestamp(109_000_000)));
    }

    #[test]
    fn the_floor_is_never_lowered() {
        let floor = ClockFloor::new(Arc::new(ManualClock::at(Timestamp(1))), Timestamp(9));
        floor.raise(Timestamp(5));
        assert_eq!(floor.now(), Timestamp(9));
    }
}
