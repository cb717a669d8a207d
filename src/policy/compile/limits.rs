//! A client's limits: several windows at once, each of which can bind (theme 3).

use super::Compiler;
use crate::policy::facts::ClientLimits;
use crate::policy::source::Limits;
use std::ops::Range;
use toml::Spanned;

impl Default for ClientLimits {
    /// Where the policy is silent: generous, but no dump in a day.
    fn default() -> Self {
        Self {
            requests_per_second: 500,
            reads_per_second: None,
            reads_per_minute: None,
            reads_per_hour: 100_000,
            reads_per_day: None,
            subjects_per_hour: None,
            subjects_per_day: 50_000,
            batch_calendar: Default::default(),
        }
    }
}

/// A declared window: its key, its quota, and where it stands in the file (nowhere: it is the default).
type Declared = (&'static str, u32, Option<Range<usize>>);

impl Compiler<'_, '_> {
    pub(super) fn limits(&mut self, limits: &Limits, path: &str) -> ClientLimits {
        let path = format!("{path}.limits");
        let standard = ClientLimits::default();
        let written = [
            ("requests_per_second", &limits.requests_per_second),
            ("reads_per_second", &limits.reads_per_second),
            ("reads_per_minute", &limits.reads_per_minute),
            ("reads_per_hour", &limits.reads_per_hour),
            ("reads_per_day", &limits.reads_per_day),
            ("subjects_per_hour", &limits.subjects_per_hour),
            ("subjects_per_day", &limits.subjects_per_day),
        ];
        for (name, value) in written {
            let Some(value) = value.as_ref().filter(|value| *value.get_ref() == 0) else { continue };
            let message =
                String::from("is 0, so the client could never call; write 1 or more, or leave it out.");
            self.faults.at(value.span(), &format!("{path}.{name}"), message);
        }
        let value = |value: &Option<Spanned<u32>>| value.as_ref().map(|value| *value.get_ref());
        let mut compiled = ClientLimits {
            requests_per_second: value(&limits.requests_per_second).unwrap_or(standard.requests_per_second),
            reads_per_second: value(&limits.reads_per_second),
            reads_per_minute: value(&limits.reads_per_minute),
            reads_per_hour: value(&limits.reads_per_hour).unwrap_or(standard.reads_per_hour),
            reads_per_day: value(&limits.reads_per_day),
            subjects_per_hour: value(&limits.subjects_per_hour),
            subjects_per_day: value(&limits.subjects_per_day).unwrap_or(standard.subjects_per_day),
            batch_calendar: standard.batch_calendar,
        };
        self.ordered(limits, &compiled, &path);
        self.calendar(limits, &mut compiled, &path);
        compiled
    }

    /// A longer window that holds less than a shorter one leaves the shorter one without meaning: one of the two is a slip.
    fn ordered(&mut self, limits: &Limits, compiled: &ClientLimits, path: &str) {
        let span = |value: &Option<Spanned<u32>>| value.as_ref().map(Spanned::span);
        let declared = |name, quota: Option<u32>, value| quota.map(|quota| (name, quota, span(value)));
        let reads = [
            declared("reads_per_second", compiled.reads_per_second, &limits.reads_per_second),
            declared("reads_per_minute", compiled.reads_per_minute, &limits.reads_per_minute),
            declared("reads_per_hour", Some(compiled.reads_per_hour), &limits.reads_per_hour),
            declared("reads_per_day", compiled.reads_per_day, &limits.reads_per_day),
        ];
        let subjects = [
            declared("subjects_per_hour", compiled.subjects_per_hour, &limits.subjects_per_hour),
            declared("subjects_per_day", Some(compiled.subjects_per_day), &limits.subjects_per_day),
        ];
        self.ascending(reads.into_iter().flatten().collect(), path);
        self.ascending(subjects.into_iter().flatten().collect(), path);
    }

    fn ascending(&mut self, windows: Vec<Declared>, path: &str) {
        for pair in windows.windows(2) {
            let [(short, less, short_at), (long, more, long_at)] = pair else { continue };
            // The one that is written is the one to correct; two defaults fit each other.
            let Some((name, at)) =
                long_at.clone().map(|at| (*long, at)).or(short_at.clone().map(|at| (*short, at)))
            else {
                continue;
            };
            if less > more {
                let note = if long_at.is_none() { " (the default)" } else { "" };
                let message = format!(
                    "{long} = {more}{note} is less than {short} = {less}, which could never be used up; raise the longer \
                     window, lower the shorter, or leave it out."
                );
                self.faults.at(at, &format!("{path}.{name}"), message);
            }
        }
    }

    /// A calendar widens what is shorter than a day, so there must be a ceiling for the day that it does not lift.
    fn calendar(&mut self, limits: &Limits, compiled: &mut ClientLimits, path: &str) {
        for (i, entry) in limits.batch_calendar.iter().enumerate() {
            if let Err(wrong) = compiled.batch_calendar.add(entry.get_ref()) {
                let message = format!("`{}` {wrong}", entry.get_ref());
                self.faults.at(entry.span(), &format!("{path}.batch_calendar[{i}]"), message);
            }
        }
        if let (Some(first), None) = (limits.batch_calendar.first(), &limits.reads_per_day) {
            let message = String::from(
                "widens the reads of an hour without a ceiling for the day; write reads_per_day too, which it does not lift.",
            );
            self.faults.at(first.span(), &format!("{path}.batch_calendar"), message);
        }
    }
}
