//! `batch_calendar`: hours of the day (UTC) in which a client's windows are wider, for nightly runs that are announced.
//!
//! Only windows shorter than a day widen. What is declared for a day is the ceiling of theft and stands at every hour
//! (docs/decisions/0006).

use crate::domain::Timestamp;

/// Most entries of a calendar.
pub(super) const MOST: usize = 4;
/// Widest an entry can make a window.
const MOST_TIMES: u32 = 100;
/// Longest an entry can be: half a day, or the exception would be the rule.
const LONGEST_MIN: u16 = 12 * 60;
const DAY_MIN: u16 = 24 * 60;

/// One entry: from a minute of the day until another, so many times as much.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Entry {
    from: u16,
    until: u16,
    times: u32,
}

/// When a client's windows are wider, and how much.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Calendar([Option<Entry>; MOST]);

impl Calendar {
    /// By how much windows are multiplied at an instant; 1 outside every entry. Of two entries the wider counts.
    pub fn times_at(&self, now: Timestamp) -> u32 {
        let minute = now.0.div_euclid(60_000_000).rem_euclid(i64::from(DAY_MIN));
        let holds = |e: &Entry| {
            let (from, until) = (i64::from(e.from), i64::from(e.until));
            if from < until { (from..until).contains(&minute) } else { minute >= from || minute < until }
        };
        self.0.iter().flatten().filter(|e| holds(e)).map(|e| e.times).max().unwrap_or(1)
    }

    /// Adds an entry, or says what is wrong with it.
    pub(super) fn add(&mut self, text: &str) -> Result<(), &'static str> {
        let entry = parse(text)?;
        let free = self.0.iter_mut().find(|slot| slot.is_none());
        *free.ok_or("is one entry too many; a calendar has at most 4.")? = Some(entry);
        Ok(())
    }
}

fn parse(text: &str) -> Result<Entry, &'static str> {
    const FORM: &str =
        "is no entry of a calendar; write \"HH:MM-HH:MM xN\" in UTC, as in \"02:00-04:00 x10\".";
    let (span, times) = text.split_once(" x").ok_or(FORM)?;
    let (from, until) = span.split_once('-').ok_or(FORM)?;
    let (from, until) = (minute(from).ok_or(FORM)?, minute(until).ok_or(FORM)?);
    let plain = (1..=3).contains(&times.len()) && times.bytes().all(|b| b.is_ascii_digit());
    let times: u32 = times.parse().ok().filter(|_| plain).ok_or(FORM)?;
    if !(2..=MOST_TIMES).contains(&times) {
        return Err("multiplies by a number that is not from 2 to 100; write one that is, as in x10.");
    }
    let length = (until + DAY_MIN - from) % DAY_MIN;
    if length == 0 || length > LONGEST_MIN {
        return Err(
            "is empty or longer than 12 hours; write the hours of the run, or a larger limit for all day.",
        );
    }
    Ok(Entry { from, until, times })
}

/// `HH:MM` as a minute of the day.
fn minute(text: &str) -> Option<u16> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |digits: &str| {
        (digits.len() == 2 && digits.bytes().all(|b| b.is_ascii_digit()))
            .then(|| digits.parse().ok())
            .flatten()
    };
    let (hours, minutes): (u16, u16) = (two(hours)?, two(minutes)?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hour: i64, minute: i64) -> Timestamp {
        Timestamp((20_000 * 1_440 + hour * 60 + minute) * 60_000_000)
    }

    #[test]
    fn an_entry_widens_from_its_first_minute_until_before_its_last() {
        let mut calendar = Calendar::default();
        calendar.add("02:00-04:00 x10").unwrap();
        calendar.add("03:30-05:00 x3").unwrap();
        calendar.add("23:00-01:00 x2").unwrap();
        for (hour, minute, times) in [
            (1, 59, 1),
            (2, 0, 10),
            (3, 59, 10),
            (4, 0, 3),
            (5, 0, 1),
            (22, 59, 1),
            (23, 0, 2),
            (0, 59, 2),
            (1, 0, 1),
        ] {
            assert_eq!(calendar.times_at(at(hour, minute)), times, "{hour}:{minute}");
        }
        assert_eq!(Calendar::default().times_at(at(3, 0)), 1);
    }

    #[test]
    fn an_entry_has_one_form() {
        let bad = [
            "",
            "02:00-04:00",
            "02:00-04:00 10",
            "2:00-4:00 x10",
            "02:00 - 04:00 x10",
            "02:00-24:00 x10",
            "02:60-04:00 x10",
            "02:00-04:00 x1",
            "02:00-04:00 x0",
            "02:00-04:00 x101",
            "02:00-04:00 x-2",
            "02:00-04:00 x+2",
            "02:00-04:00 x0010",
            "02:00-04:00 x",
            "+2:00-04:00 x10",
            "24:00-02:00 x10",
            "02:00-+4:00 x10",
            "02:00-04:00 x1.5",
            "02:00-02:00 x2",
            "02:00-14:01 x2",
            "02:00-04:00 UTC x10",
        ];
        for text in bad {
            assert!(Calendar::default().add(text).is_err(), "{text}");
        }
        let mut calendar = Calendar::default();
        assert!((0..MOST).all(|_| calendar.add("02:00-14:00 x100").is_ok()));
        assert!(calendar.add("02:00-14:00 x100").is_err(), "a fifth entry");
    }
}
