//! Distinct subjects of one period (a UTC day or hour), counted exactly: a scraper that asks slowly still runs into it (A22).
//!
//! Subjects are kept in the order of their coming, in chunks: a chunk that is full never changes, so that a snapshot
//! writes only what is new. A set that could not be read back is exhausted: it counts as full until its period ends (I11).

use smallvec::SmallVec;
use std::collections::HashSet;

/// Most subjects remembered for one client and period, whatever the policy declares (8 MiB or so).
pub(super) const HARD_CAP: usize = 500_000;
/// Subjects a chunk holds.
pub(super) const CHUNK: usize = 4_096;

/// New subjects of one request.
pub(super) type New = SmallVec<[u64; 32]>;

#[derive(Clone, Default)]
pub(super) struct Seen {
    /// Periods since the epoch.
    pub(super) period: i64,
    pub(super) exhausted: bool,
    set: HashSet<u64>,
    /// Full chunks that are written; their subjects are in `set` alone.
    full: usize,
    /// Subjects after those, in order.
    tail: Vec<u64>,
    /// How many of `tail` are written.
    written: usize,
}

/// What a snapshot took of a set, to be confirmed once it is durable.
#[derive(Clone, Copy)]
pub(super) struct Taken {
    period: i64,
    first: usize,
    count: usize,
}

impl Seen {
    pub(super) fn new(period: i64) -> Self {
        Self { period, ..Self::default() }
    }

    /// Full until its period ends.
    pub(super) fn exhausted(period: i64) -> Self {
        Self { period, exhausted: true, ..Self::default() }
    }

    /// A new period begins with an empty set; a clock set back does not give an old one again.
    pub(super) fn roll(&mut self, period: i64) {
        if self.period < period {
            *self = Self::new(period);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.set.len()
    }

    /// How many more fit under a quota.
    pub(super) fn room(&self, quota: u32) -> usize {
        let quota = HARD_CAP.min(usize::try_from(quota).unwrap_or(HARD_CAP));
        if self.exhausted { 0 } else { quota.saturating_sub(self.set.len()) }
    }

    /// Those that were not seen yet, each once; `None` when they are more than `room`.
    pub(super) fn new_among(&self, room: usize, subjects: impl Iterator<Item = u64>) -> Option<New> {
        let mut new = New::new();
        for subject in subjects.filter(|subject| !self.set.contains(subject)) {
            // Subjects named twice are counted once; they are sorted out before the buffer grows past what can fit.
            if new.len() >= room.saturating_mul(2).max(32) {
                dedup(&mut new);
                if new.len() > room {
                    return None;
                }
            }
            new.push(subject);
        }
        dedup(&mut new);
        (new.len() <= room).then_some(new)
    }

    /// Counts subjects; what is beyond the cap is not kept, because nothing fits beyond it anyway.
    pub(super) fn extend(&mut self, subjects: impl IntoIterator<Item = u64>) {
        for subject in subjects {
            if self.set.len() < HARD_CAP && self.set.insert(subject) {
                self.tail.push(subject);
            }
        }
    }

    /// Chunks to write: (index, subjects), and the mark to confirm them by.
    pub(super) fn unwritten(&self) -> (Vec<(usize, Vec<u64>)>, Taken) {
        let taken = Taken { period: self.period, first: self.full, count: self.tail.len() };
        let fresh = self.tail.len() > self.written;
        let chunks = self.tail.chunks(CHUNK).enumerate().filter(|_| fresh);
        (chunks.map(|(i, chunk)| (self.full + i, chunk.to_vec())).collect(), taken)
    }

    /// What was taken is durable.
    pub(super) fn confirm(&mut self, taken: Taken) {
        if self.period != taken.period || self.full != taken.first || self.tail.len() < taken.count {
            return;
        }
        let whole = taken.count / CHUNK;
        self.tail.drain(..whole * CHUNK);
        self.full += whole;
        self.written = taken.count % CHUNK;
    }

    /// Puts back a written chunk; they come in order. `false`: it is not the next one, or not of its size.
    pub(super) fn put_back(&mut self, index: usize, of: usize, subjects: &[u64]) -> bool {
        let expected = of.saturating_sub(index.saturating_mul(CHUNK)).min(CHUNK);
        let in_order = self.full == index && self.tail.is_empty();
        if !in_order || subjects.len() != expected || expected == 0 {
            return false;
        }
        let before = self.set.len();
        self.set.extend(subjects.iter().copied());
        if expected == CHUNK {
            self.full += 1;
        } else {
            self.tail = subjects.to_vec();
            self.written = subjects.len();
        }
        self.set.len() == before + subjects.len()
    }
}

fn dedup(subjects: &mut New) {
    subjects.sort_unstable();
    subjects.dedup();
}
