//! Distinct subjects a client reads in a day, counted exactly: a scraper that asks slowly still runs into it (A22).

use super::state::{State, Verdict};
use crate::domain::{ClientNo, Clock};
use smallvec::SmallVec;
use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

const DAY: u64 = 86_400;
/// Most subjects remembered for one client, whatever the policy declares (8 MiB or so).
const HARD_CAP: usize = 500_000;

/// The subjects one client has read on one day.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SubjectsSeen {
    /// The client.
    pub client: ClientNo,
    /// Days since the epoch.
    pub day: i64,
    /// Locators, ascending.
    pub subjects: Vec<u64>,
}

struct Day {
    day: i64,
    seen: HashSet<u64>,
}

pub(super) struct Subjects {
    days: Mutex<HashMap<ClientNo, Day>>,
    clock: Arc<dyn Clock>,
}

impl Subjects {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        Self { days: Mutex::default(), clock }
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ClientNo, Day>> {
        self.days.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn see(
        &self,
        client: ClientNo,
        day: i64,
        quota: u32,
        subjects: impl Iterator<Item = u64>,
    ) -> Verdict {
        let quota = HARD_CAP.min(usize::try_from(quota).unwrap_or(HARD_CAP));
        let mut days = self.lock();
        let entry = days.entry(client).or_insert_with(|| Day { day, seen: HashSet::new() });
        // A clock set back does not give yesterday's quota again.
        if entry.day < day {
            *entry = Day { day, seen: HashSet::new() };
        }
        let room = quota.saturating_sub(entry.seen.len());
        let mut new: SmallVec<[u64; 32]> = SmallVec::new();
        let mut fits = true;
        for subject in subjects.filter(|subject| !entry.seen.contains(subject)) {
            // Subjects named twice are counted once; they are sorted out before the buffer grows past what can fit.
            if new.len() >= room.saturating_mul(2).max(32) {
                dedup(&mut new);
                if new.len() > room {
                    fits = false;
                    break;
                }
            }
            new.push(subject);
        }
        dedup(&mut new);
        let reset = self.until_midnight();
        if !fits || new.len() > room {
            return Verdict::limited("subjects", Duration::from_secs(reset), state(quota, room, reset));
        }
        entry.seen.extend(new.iter().copied());
        Verdict::Ok(state(quota, room - new.len(), reset))
    }

    fn until_midnight(&self) -> u64 {
        let seconds = u64::try_from(self.clock.wall().0.div_euclid(1_000_000)).unwrap_or(0);
        DAY - seconds % DAY
    }

    pub(super) fn snapshot(&self) -> Vec<SubjectsSeen> {
        let sorted = |(client, day): (&ClientNo, &Day)| {
            let mut subjects: Vec<u64> = day.seen.iter().copied().collect();
            subjects.sort_unstable();
            SubjectsSeen { client: *client, day: day.day, subjects }
        };
        let mut all: Vec<_> = self.lock().iter().map(sorted).collect();
        all.sort_unstable_by_key(|seen| seen.client);
        all
    }

    pub(super) fn restore(&self, seen: Vec<SubjectsSeen>) {
        let mut days = self.lock();
        for SubjectsSeen { client, day, subjects } in seen {
            let entry = days.entry(client).or_insert_with(|| Day { day, seen: HashSet::new() });
            if entry.day < day {
                *entry = Day { day, seen: HashSet::new() };
            }
            if entry.day == day {
                let room = HARD_CAP.saturating_sub(entry.seen.len());
                entry.seen.extend(subjects.into_iter().take(room));
            }
        }
    }

    pub(super) fn housekeep(&self) {
        let today = self.clock.wall().day();
        let mut days = self.lock();
        days.retain(|_, entry| entry.day >= today);
        days.shrink_to_fit();
    }
}

fn dedup(subjects: &mut SmallVec<[u64; 32]>) {
    subjects.sort_unstable();
    subjects.dedup();
}

fn state(quota: usize, remaining: usize, reset_seconds: u64) -> State {
    State { quota: quota as u64, window_seconds: DAY, remaining: remaining as u64, reset_seconds }
}
