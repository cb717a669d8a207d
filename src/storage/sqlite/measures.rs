//! What the store measures of itself: how long commits take and how many sets share one fsync. For the metrics.

use crate::domain::measure::{Counted, Histogram};

/// Upper bounds of a commit's time, microseconds.
const COMMIT_MICROS: [u64; 10] = [250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 500_000, 2_500_000];
/// Upper bounds of the sets in a batch.
const BATCH_SETS: [u64; 8] = [1, 2, 4, 8, 16, 64, 256, 1_024];

pub(super) struct Counters {
    pub(super) commit_micros: Histogram<10>,
    pub(super) batch_sets: Histogram<8>,
}

impl Default for Counters {
    fn default() -> Self {
        Self { commit_micros: Histogram::new(&COMMIT_MICROS), batch_sets: Histogram::new(&BATCH_SETS) }
    }
}

/// Measures of a store.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Measures {
    /// Microseconds from the beginning of a batch to its durable end.
    pub commit_micros: Counted,
    /// Change sets that shared one fsync.
    pub batch_sets: Counted,
}

impl Counters {
    pub(super) fn measures(&self) -> Measures {
        Measures { commit_micros: self.commit_micros.counted(), batch_sets: self.batch_sets.counted() }
    }
}
