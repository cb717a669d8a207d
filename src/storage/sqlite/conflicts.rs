//! Object → last changing commit, for the last 65 536 changes: preconditions without a read.
//!
//! For the writer alone. What fell out of the window counts as changed (fail closed, I11), so a stale snapshot never commits.

use crate::domain::Object;
use std::collections::{HashMap, VecDeque};

/// How many changes are remembered.
pub(super) const WINDOW: usize = 65_536;

pub(super) struct Conflicts {
    last: HashMap<Object, u64>,
    order: VecDeque<(Object, u64)>,
    /// Snapshots older than this may have missed a change that is forgotten.
    floor: u64,
    window: usize,
}

impl Conflicts {
    /// Nothing that happened before `floor` is known.
    pub(super) fn new(floor: u64) -> Self {
        Self::with_window(floor, WINDOW)
    }
    fn with_window(floor: u64, window: usize) -> Self {
        Self { last: HashMap::new(), order: VecDeque::new(), floor, window }
    }
    /// The first object that changed after `read_at`, or may have.
    pub(super) fn check(&self, read_at: u64, relied_on: &[Object]) -> Result<(), Object> {
        let stale = read_at < self.floor;
        let changed = |o: &&Object| stale || self.last.get(o).is_some_and(|commit| *commit > read_at);
        relied_on.iter().find(changed).map_or(Ok(()), |o| Err(*o))
    }
    /// Commit `commit` changes this object.
    pub(super) fn note(&mut self, object: Object, commit: u64) {
        self.last.insert(object, commit);
        self.order.push_back((object, commit));
        while self.order.len() > self.window {
            let Some((oldest, at)) = self.order.pop_front() else { break };
            if self.last.get(&oldest) == Some(&at) {
                self.last.remove(&oldest);
            }
            self.floor = self.floor.max(at);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Locator, Part};

    fn object(n: u64) -> Object {
        Object::Subject(Locator::new(n, Part::truncate(0)).unwrap())
    }

    #[test]
    fn a_change_after_the_snapshot_conflicts_and_one_before_does_not() {
        let mut seen = Conflicts::new(1);
        seen.note(object(1), 5);
        assert_eq!(seen.check(4, &[object(2), object(1)]), Err(object(1)));
        assert_eq!(seen.check(5, &[object(2), object(1)]), Ok(()));
        assert_eq!(seen.check(1, &[object(2)]), Ok(()));
    }

    #[test]
    fn i11_a_snapshot_older_than_the_window_conflicts_whatever_it_relied_on() {
        let mut seen = Conflicts::with_window(0, 3);
        (1..=4).for_each(|n| seen.note(object(n), n));
        assert_eq!(seen.check(0, &[object(9)]), Err(object(9)), "commit 1 is forgotten");
        assert_eq!(seen.check(1, &[object(9)]), Ok(()));
        assert_eq!(seen.check(0, &[]), Ok(()), "nothing relied on, nothing to conflict");
    }

    #[test]
    fn i10_memory_is_bounded_and_a_repeated_object_keeps_its_last_commit() {
        let mut seen = Conflicts::with_window(0, 2);
        for n in 1..=100 {
            seen.note(object(1), n);
        }
        assert_eq!((seen.last.len(), seen.order.len()), (1, 2));
        assert_eq!(seen.check(99, &[object(1)]), Err(object(1)));
        assert_eq!(seen.check(100, &[object(1)]), Ok(()));
    }
}
