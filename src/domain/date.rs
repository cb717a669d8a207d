//! Calendar dates without times (birth dates, contract dates).

/// A Gregorian date, years 1 ..= 9999.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
pub struct Date {
    /// Year.
    pub year: u16,
    /// Month, 1 ..= 12.
    pub month: u8,
    /// Day of the month, from 1.
    pub day: u8,
}

impl Date {
    /// A date that exists, or `None`.
    pub fn new(year: u16, month: u8, day: u8) -> Option<Self> {
        let leap = (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400);
        let last = match month {
            1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
            4 | 6 | 9 | 11 => 30,
            2 if leap => 29,
            2 => 28,
            _ => return None,
        };
        let valid = (1..=9999).contains(&year) && (1..=last).contains(&day);
        valid.then_some(Self { year, month, day })
    }
    /// Reads `YYYY-MM-DD`, nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let b = text.as_bytes();
        let digits = |range: std::ops::Range<usize>| -> Option<u16> {
            b.get(range)?
                .iter()
                .try_fold(0u16, |n, c| c.is_ascii_digit().then(|| n * 10 + u16::from(c - b'0')))
        };
        if b.len() != 10 || b.get(4) != Some(&b'-') || b.get(7) != Some(&b'-') {
            return None;
        }
        Self::new(digits(0..4)?, u8::try_from(digits(5..7)?).ok()?, u8::try_from(digits(8..10)?).ok()?)
    }
    /// The date of a day number since 1970-01-01.
    pub fn from_days(days: i64) -> Option<Self> {
        let (y, m, d) = civil_from_days(days);
        Self::new(u16::try_from(y).ok()?, u8::try_from(m).ok()?, u8::try_from(d).ok()?)
    }
    /// Completed years between this date and `on`; 29 February counts as 1 March in common years. `None` if in the future.
    pub fn age_on(self, on: Self) -> Option<u16> {
        if on < self {
            return None;
        }
        let had_birthday = (on.month, on.day) >= (self.month, self.day);
        Some(on.year - self.year - u16::from(!had_birthday))
    }
}

impl std::fmt::Display for Date {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:04}-{:02}-{:02}", self.year, self.month, self.day)
    }
}

/// Year, month, day of a day number since 1970-01-01 (proleptic Gregorian).
pub fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let z = days + 719_468;
    let era = z.div_euclid(146_097);
    let doe = z.rem_euclid(146_097);
    let yoe = (doe - doe / 1_460 + doe / 36_524 - doe / 146_096) / 365;
    let doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    let mp = (5 * doy + 2) / 153;
    let month = if mp < 10 { mp + 3 } else { mp - 9 };
    (yoe + era * 400 + i64::from(month <= 2), month, doy - (153 * mp + 2) / 5 + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_dates_that_exist_are_read() {
        assert_eq!(Date::parse("2024-02-29").unwrap().to_string(), "2024-02-29");
        for bad in [
            "2023-02-29",
            "2023-00-10",
            "2023-13-01",
            "2023-1-01",
            "20230101",
            "0000-01-01",
            "2023-01-32",
            "+023-01-01",
        ] {
            assert!(Date::parse(bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn a_leap_day_child_has_its_birthday_on_the_first_of_march() {
        let born = Date::parse("2008-02-29").unwrap();
        assert_eq!(born.age_on(Date::parse("2026-02-28").unwrap()), Some(17));
        assert_eq!(born.age_on(Date::parse("2026-03-01").unwrap()), Some(18));
        assert_eq!(born.age_on(Date::parse("2007-01-01").unwrap()), None);
    }

    #[test]
    fn day_numbers_agree_with_the_calendar_over_eight_centuries() {
        let mut date = Date::new(1600, 1, 1).unwrap();
        for days in -135_140..157_000 {
            assert_eq!(Date::from_days(days), Some(date));
            date = Date::new(date.year, date.month, date.day + 1)
                .or_else(|| Date::new(date.year, date.month + 1, 1))
                .or_else(|| Date::new(date.year + 1, 1, 1))
                .unwrap();
        }
    }
}
