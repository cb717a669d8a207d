//! Units in several windows at once: one leaky bucket a window, all of which must have room, or none is charged.
//!
//! A bucket's level is kept in units × milliseconds of its window, so that it means the same under another quota: a
//! policy or setting that changes gives nothing back. Arithmetic is whole numbers only; a level drains by its quota in
//! every millisecond and is whole again after one window. In any stretch of time of length t at most quota × (1 + t /
//! window) units pass. Time is a parameter (I9) and may be of any base, as long as one bucket sees one base.

use super::state::{State, Verdict};
use std::time::Duration;

/// A quota over a window, under the name refusals give.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Window {
    pub(super) name: &'static str,
    pub(super) quota: u64,
    pub(super) length_ms: u64,
}

/// How full the buckets of some windows are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Levels<const N: usize> {
    pub(super) levels: [u64; N],
    pub(super) last_ms: i64,
}

impl Window {
    /// The level at which nothing fits any more.
    fn capacity(&self) -> u64 {
        self.quota.saturating_mul(self.length_ms)
    }
    fn remaining(&self, level: u64) -> u64 {
        self.capacity().saturating_sub(level) / self.length_ms.max(1)
    }
    fn state(&self, level: u64) -> State {
        let window = Duration::from_millis(self.length_ms);
        State {
            quota: self.quota,
            window_seconds: ceil_seconds(window),
            remaining: self.remaining(level),
            reset_seconds: ceil_seconds(self.drained_after(level)),
        }
    }
    /// Time in which so much drains; a quota of zero never drains, and waiting longer than a window helps nobody.
    fn drained_after(&self, level: u64) -> Duration {
        match self.quota {
            0 => Duration::from_millis(self.length_ms),
            quota => Duration::from_millis(level.div_ceil(quota)),
        }
    }
    /// Whether `units` are more than ever fit at once: no wait helps, the request must be split.
    fn never_holds(&self, units: u64) -> bool {
        units > self.quota
    }
    /// How long until `units` fit; `None`: now.
    fn wait(&self, level: u64, units: u64) -> Option<Duration> {
        let (needed, capacity) = (units.saturating_mul(self.length_ms), self.capacity());
        if self.never_holds(units) {
            return Some(Duration::from_millis(self.length_ms));
        }
        let over = level.saturating_add(needed).saturating_sub(capacity);
        (over > 0).then(|| self.drained_after(over))
    }
}

impl<const N: usize> Levels<N> {
    /// Empty buckets.
    pub(super) fn empty(now_ms: i64) -> Self {
        Self { levels: [0; N], last_ms: now_ms }
    }

    /// Every bucket full to the brim, whatever its quota.
    pub(super) fn fill(&mut self, now_ms: i64) {
        *self = Self { levels: [u64::MAX; N], last_ms: now_ms };
    }

    /// Lets time pass. A clock set back drains nothing; a bucket whose window is not declared is empty, and one that a
    /// larger quota filled beyond the present one is merely full.
    fn drain(&mut self, windows: &[Option<Window>; N], now_ms: i64) {
        let passed = u64::try_from(now_ms.saturating_sub(self.last_ms)).unwrap_or(0);
        for (level, window) in self.levels.iter_mut().zip(windows) {
            *level = window
                .map_or(0, |w| (*level).min(w.capacity()).saturating_sub(w.quota.saturating_mul(passed)));
        }
        self.last_ms = self.last_ms.max(now_ms);
    }

    /// Charges all windows, or none: then one that can never hold so much is named, else the one that makes the caller
    /// wait longest.
    pub(super) fn charge(&mut self, windows: &[Option<Window>; N], now_ms: i64, units: u64) -> Verdict {
        self.drain(windows, now_ms);
        let mut refused: Option<((bool, Duration), Verdict)> = None;
        for (level, window) in self.levels.iter().zip(windows) {
            let Some(window) = window else { continue };
            let Some(wait) = window.wait(*level, units) else { continue };
            let weight = (window.never_holds(units), wait);
            if refused.is_none_or(|(heaviest, _)| weight >= heaviest) {
                refused = Some((weight, Verdict::limited(window.name, wait, window.state(*level))));
            }
        }
        if let Some((_, verdict)) = refused {
            return verdict;
        }
        self.add(windows, units);
        Verdict::Ok(self.tightest(windows))
    }

    /// What was charged once already: it is added whether it fits or not, so that a replay never gives anything back.
    pub(super) fn replay(&mut self, windows: &[Option<Window>; N], now_ms: i64, units: u64) {
        self.drain(windows, now_ms);
        self.add(windows, units);
    }

    /// Takes back what was charged for nothing.
    pub(super) fn refund(&mut self, windows: &[Option<Window>; N], now_ms: i64, units: u64) {
        self.drain(windows, now_ms);
        for (level, window) in self.levels.iter_mut().zip(windows) {
            *level = level.saturating_sub(window.map_or(0, |w| units.saturating_mul(w.length_ms)));
        }
    }

    fn add(&mut self, windows: &[Option<Window>; N], units: u64) {
        for (level, window) in self.levels.iter_mut().zip(windows) {
            let units = window.map_or(0, |w| units.saturating_mul(w.length_ms));
            *level = level.saturating_add(units);
        }
    }

    /// Where the windows stand at this instant; changes nothing.
    pub(super) fn states(
        &self,
        windows: &[Option<Window>; N],
        now_ms: i64,
    ) -> impl Iterator<Item = (&'static str, State)> {
        let mut now = self.clone();
        now.drain(windows, now_ms);
        let pairs = now.levels.into_iter().zip(*windows);
        pairs.filter_map(|(level, window)| window.map(|w| (w.name, w.state(level))))
    }

    /// The window with the fewest units left; of two alike the longer one.
    fn tightest(&self, windows: &[Option<Window>; N]) -> State {
        let mut found = None;
        for (level, window) in self.levels.iter().zip(windows) {
            let Some(window) = window else { continue };
            let left = window.remaining(*level);
            if found.is_none_or(|(least, _, _)| left <= least) {
                found = Some((left, window, *level));
            }
        }
        found.map_or(State::default(), |(_, window, level)| window.state(level))
    }

    /// The same, at this instant.
    pub(super) fn state(&self, windows: &[Option<Window>; N], now_ms: i64) -> State {
        let mut now = self.clone();
        now.drain(windows, now_ms);
        now.tightest(windows)
    }
}

pub(super) fn ceil_seconds(d: Duration) -> u64 {
    d.as_secs() + u64::from(d.subsec_nanos() > 0)
}
