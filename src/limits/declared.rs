//! What the policy declares for a client, as windows.

use super::windows::Window;
use std::num::NonZeroU32;

/// What the policy declares for a client, at this hour. Zero closes that door.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Declared {
    /// Requests a second; a second's worth may come at once.
    pub requests_per_second: u32,
    /// Cost units (records × sensitivity) a second; a window's worth may come at once, in this and all that follow.
    pub reads_per_second: Option<u32>,
    /// Cost units a minute.
    pub reads_per_minute: Option<u32>,
    /// Cost units an hour.
    pub reads_per_hour: u32,
    /// Cost units a day.
    pub reads_per_day: Option<u32>,
    /// Distinct subjects an hour (UTC).
    pub subjects_per_hour: Option<u32>,
    /// Distinct subjects a day (UTC).
    pub subjects_per_day: u32,
}

/// Windows of the cost.
pub(super) const COST: usize = 4;

const fn window(name: &'static str, quota: u32, length_ms: u64) -> Window {
    Window { name, quota: quota as u64, length_ms }
}

impl Declared {
    pub(super) fn requests(&self) -> [Option<Window>; 1] {
        [Some(window("requests_per_second", self.requests_per_second, 1_000))]
    }

    pub(super) fn cost(&self) -> [Option<Window>; COST] {
        [
            self.reads_per_second.map(|quota| window("reads_per_second", quota, 1_000)),
            self.reads_per_minute.map(|quota| window("reads_per_minute", quota, 60_000)),
            Some(window("reads_per_hour", self.reads_per_hour, 3_600_000)),
            self.reads_per_day.map(|quota| window("reads_per_day", quota, 86_400_000)),
        ]
    }
}

const SMALLEST_BYTE_BURST: u64 = 8 << 20;

/// Body bytes of a client: four seconds' worth, but at least 8 MiB, may come at once.
pub(super) fn bytes(per_second: NonZeroU32) -> [Option<Window>; 1] {
    let rate = u64::from(per_second.get());
    let quota = (rate * 4).max(SMALLEST_BYTE_BURST);
    [Some(Window { name: "bytes", quota, length_ms: quota * 1_000 / rate })]
}
