//! What one client has used: requests, bytes, cost in every window, subjects of the day and of the hour.

use super::declared::{COST, Declared};
use super::seen::Seen;
use super::state::{State, Verdict};
use super::windows::{Levels, Window, ceil_seconds};
use crate::domain::Timestamp;
use std::time::Duration;

const HOUR_US: i64 = 3_600_000_000;
const DAY_US: i64 = 24 * HOUR_US;

/// The two sets of subjects of a client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Span {
    Day = 1,
    Hour = 2,
}

impl Span {
    pub(super) const ALL: [Self; 2] = [Self::Day, Self::Hour];
    fn length_us(self) -> i64 {
        match self {
            Self::Day => DAY_US,
            Self::Hour => HOUR_US,
        }
    }
    /// The period an instant lies in.
    pub(super) fn period(self, now: Timestamp) -> i64 {
        now.0.div_euclid(self.length_us())
    }
    fn name(self) -> &'static str {
        match self {
            Self::Day => "subjects_per_day",
            Self::Hour => "subjects_per_hour",
        }
    }
    /// Time until a period ends.
    fn rest(self, period: i64, now: Timestamp) -> Duration {
        let end = period.saturating_add(1).saturating_mul(self.length_us());
        Duration::from_micros(u64::try_from(end.saturating_sub(now.0)).unwrap_or(0))
    }
}

pub(super) struct Account {
    pub(super) requests: Levels<1>,
    pub(super) bytes: Levels<1>,
    pub(super) cost: Levels<COST>,
    pub(super) day: Seen,
    pub(super) hour: Seen,
    /// Counts changes of what is kept over a restart, and how many of them are written.
    pub(super) changes: u64,
    pub(super) written: u64,
}

impl Account {
    pub(super) fn new(now_ms: i64) -> Self {
        Self {
            requests: Levels::empty(now_ms),
            bytes: Levels::empty(now_ms),
            cost: Levels::empty(now_ms),
            day: Seen::default(),
            hour: Seen::default(),
            changes: 0,
            written: 0,
        }
    }

    pub(super) fn seen(&self, span: Span) -> &Seen {
        match span {
            Span::Day => &self.day,
            Span::Hour => &self.hour,
        }
    }
    pub(super) fn seen_mut(&mut self, span: Span) -> &mut Seen {
        match span {
            Span::Day => &mut self.day,
            Span::Hour => &mut self.hour,
        }
    }

    pub(super) fn request(
        &mut self,
        declared: &Declared,
        bytes: (&[Option<Window>; 1], u64),
        now_ms: i64,
    ) -> Verdict {
        let verdict = self.requests.charge(&declared.requests(), now_ms, 1);
        if !verdict.is_ok() || bytes.1 == 0 {
            return verdict;
        }
        match self.bytes.charge(bytes.0, now_ms, bytes.1) {
            Verdict::Ok(_) => verdict,
            limited @ Verdict::Limited { .. } => limited,
        }
    }

    pub(super) fn charge(&mut self, declared: &Declared, now_ms: i64, cost: u32) -> Verdict {
        let verdict = self.cost.charge(&declared.cost(), now_ms, u64::from(cost));
        self.changes += u64::from(verdict.is_ok());
        verdict
    }

    /// Counts subjects in both sets, or in none; the refusal with the longer wait is named.
    pub(super) fn see(
        &mut self,
        declared: &Declared,
        now: Timestamp,
        subjects: impl Iterator<Item = u64> + Clone,
    ) -> Verdict {
        let mut found = [None, None];
        let mut refused: Option<(Duration, Verdict)> = None;
        for (span, slot) in Span::ALL.into_iter().zip(&mut found) {
            let Some(quota) = quota(declared, span) else { continue };
            let seen = self.seen_mut(span);
            seen.roll(span.period(now));
            let room = seen.room(quota);
            *slot = seen.new_among(room, subjects.clone());
            if slot.is_none() {
                let (wait, state) = (span.rest(seen.period, now), self.span_state(span, quota, now));
                if refused.as_ref().is_none_or(|(longest, _)| wait > *longest) {
                    refused = Some((wait, Verdict::limited(span.name(), wait, state)));
                }
            }
        }
        if let Some((_, verdict)) = refused {
            return verdict;
        }
        for (span, new) in Span::ALL.into_iter().zip(found) {
            let new = new.unwrap_or_default();
            self.changes += u64::from(!new.is_empty());
            self.seen_mut(span).extend(new);
        }
        Verdict::Ok(self.subjects_state(declared, now))
    }

    /// What the log says was charged and seen: counted whether it fits or not.
    pub(super) fn replay(
        &mut self,
        declared: &Declared,
        at: Timestamp,
        cost: u32,
        subjects: impl Iterator<Item = u64> + Clone,
    ) {
        if cost > 0 {
            self.cost.replay(&declared.cost(), at.0.div_euclid(1_000), u64::from(cost));
        }
        let mut subjects = subjects.peekable();
        for span in Span::ALL {
            if quota(declared, span).is_none() || subjects.peek().is_none() {
                continue;
            }
            let seen = self.seen_mut(span);
            seen.roll(span.period(at));
            seen.extend(subjects.clone());
        }
        self.changes += 1;
    }

    /// Nothing is left: of the cost now, of the subjects until their periods end.
    pub(super) fn exhaust(&mut self, now: Timestamp) {
        self.cost.fill(now.0.div_euclid(1_000));
        self.day = Seen::exhausted(Span::Day.period(now));
        self.hour = Seen::exhausted(Span::Hour.period(now));
        self.changes += 1;
    }

    fn span_state(&self, span: Span, quota: u32, now: Timestamp) -> State {
        let seen = self.seen(span);
        let current = seen.period >= span.period(now);
        let room = if current { seen.room(quota) } else { Seen::default().room(quota) };
        let whole = Seen::default().room(quota) as u64;
        State {
            quota: whole,
            window_seconds: ceil_seconds(Duration::from_micros(span.length_us().unsigned_abs())),
            remaining: room as u64,
            reset_seconds: ceil_seconds(span.rest(seen.period.max(span.period(now)), now)),
        }
    }

    /// Each set of subjects that has a quota.
    pub(super) fn subjects_states(
        &self,
        declared: &Declared,
        now: Timestamp,
    ) -> impl Iterator<Item = (&'static str, State)> {
        let spans = Span::ALL.into_iter();
        spans.filter_map(move |span| Some((span.name(), self.span_state(span, quota(declared, span)?, now))))
    }

    /// The set with the fewest subjects left; of two alike the day's.
    pub(super) fn subjects_state(&self, declared: &Declared, now: Timestamp) -> State {
        let all = self.subjects_states(declared, now).map(|(_, state)| state);
        all.min_by_key(|state| state.remaining).unwrap_or_default()
    }
}

fn quota(declared: &Declared, span: Span) -> Option<u32> {
    match span {
        Span::Day => Some(declared.subjects_per_day),
        Span::Hour => declared.subjects_per_hour,
    }
}
