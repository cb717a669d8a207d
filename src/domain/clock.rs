//! Wall-clock instants and the clock as a parameter (I9).

use std::time::Duration;

/// Microseconds since 1970-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Default)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// Whole days since the epoch (UTC).
    pub fn day(self) -> i64 {
        self.0.div_euclid(86_400_000_000)
    }
    /// This instant plus a duration, saturating.
    pub fn plus(self, d: Duration) -> Self {
        Self(self.0.saturating_add(i64::try_from(d.as_micros()).unwrap_or(i64::MAX)))
    }
    /// RFC 3339 UTC with milliseconds, as the API writes it: `2026-11-24T08:30:00.000Z`.
    pub fn to_rfc3339(self) -> String {
        let (y, m, d) = super::date::civil_from_days(self.day());
        let us = self.0.rem_euclid(86_400_000_000);
        let (s, ms) = (us / 1_000_000, us / 1_000 % 1_000);
        format!("{y:04}-{m:02}-{d:02}T{:02}:{:02}:{:02}.{ms:03}Z", s / 3600, s / 60 % 60, s % 60)
    }
    /// Reads an RFC 3339 instant (any offset; at most microseconds are kept).
    pub fn parse_rfc3339(text: &str) -> Option<Self> {
        use time::format_description::well_known::Rfc3339;
        let at = time::OffsetDateTime::parse(text, &Rfc3339).ok()?;
        i64::try_from(at.unix_timestamp_nanos() / 1_000).ok().map(Self)
    }
}

/// Where time comes from. `wall` may jump, `monotonic` never goes back.
pub trait Clock: Send + Sync {
    /// The wall clock.
    fn wall(&self) -> Timestamp;
    /// Time since an arbitrary start; for durations, limits and deadlines.
    fn monotonic(&self) -> Duration;
}

/// The machine's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock {
    start: std::time::Instant,
}

impl Default for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one ambient monotonic clock")]
    fn default() -> Self {
        Self { start: std::time::Instant::now() }
    }
}

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one ambient wall clock")]
    fn wall(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }
    fn monotonic(&self) -> Duration {
        self.start.elapsed()
    }
}

/// A clock that stands still until told otherwise; for tests and simulation.
#[derive(Debug, Default)]
pub struct ManualClock {
    now: std::sync::atomic::AtomicI64,
}

impl ManualClock {
    /// A clock standing at `at`.
    pub fn at(at: Timestamp) -> Self {
        Self { now: std::sync::atomic::AtomicI64::new(at.0) }
    }
    /// Moves the clock on (or back, with a negative number of microseconds).
    pub fn advance_us(&self, us: i64) {
        self.now.fetch_add(us, std::sync::atomic::Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn wall(&self) -> Timestamp {
        Timestamp(self.now.load(std::sync::atomic::Ordering::SeqCst))
    }
    fn monotonic(&self) -> Duration {
        Duration::from_micros(u64::try_from(self.wall().0).unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_instant_is_written_and_read_back_with_milliseconds() {
        for text in ["1970-01-01T00:00:00.000Z", "2026-11-24T08:30:00.123Z", "2000-02-29T23:59:59.999Z"] {
            assert_eq!(Timestamp::parse_rfc3339(text).unwrap().to_rfc3339(), text);
        }
        assert_eq!(
            Timestamp::parse_rfc3339("2026-01-01T01:00:00+01:00").unwrap().to_rfc3339(),
            "2026-01-01T00:00:00.000Z"
        );
        assert!(Timestamp::parse_rfc3339("2026-13-01T00:00:00Z").is_none());
    }
}
