//! Measures without names: counts in fixed buckets. Counting is one atomic addition; nothing here holds a value, only how
//! many and how long.

use std::sync::atomic::{AtomicU64, Ordering};

/// How many observations lay below each of `N` fixed bounds.
#[derive(Debug)]
pub struct Histogram<const N: usize> {
    bounds: &'static [u64; N],
    slots: [AtomicU64; N],
    beyond: AtomicU64,
    sum: AtomicU64,
}

/// A histogram as it stands: cumulative counts by bound, the count of all, their sum.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Counted {
    /// (upper bound, observations at or below it)
    pub below: Vec<(u64, u64)>,
    /// All observations.
    pub count: u64,
    /// Their sum.
    pub sum: u64,
}

impl<const N: usize> Histogram<N> {
    /// Nothing observed yet; bounds rise.
    pub fn new(bounds: &'static [u64; N]) -> Self {
        let zero = || AtomicU64::new(0);
        Self { bounds, slots: std::array::from_fn(|_| zero()), beyond: zero(), sum: zero() }
    }

    /// Counts one observation.
    pub fn observe(&self, value: u64) {
        let slot = self.bounds.iter().zip(&self.slots).find(|(bound, _)| value <= **bound);
        slot.map_or(&self.beyond, |(_, slot)| slot).fetch_add(1, Ordering::Relaxed);
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// How it stands.
    pub fn counted(&self) -> Counted {
        let mut count = 0;
        let below = self.bounds.iter().zip(&self.slots).map(|(bound, slot)| {
            count += slot.load(Ordering::Relaxed);
            (*bound, count)
        });
        let below = below.collect();
        Counted {
            below,
            count: count + self.beyond.load(Ordering::Relaxed),
            sum: self.sum.load(Ordering::Relaxed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_cumulative_and_bounds_belong_to_them() {
        let histogram = Histogram::new(&[10, 100]);
        [0, 10, 11, 100, 101, 5_000].into_iter().for_each(|n| histogram.observe(n));
        let counted = histogram.counted();
        assert_eq!(counted.below, [(10, 2), (100, 4)]);
        assert_eq!((counted.count, counted.sum), (6, 5_222));
    }
}
