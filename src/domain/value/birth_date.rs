//! A birth date: `YYYY-MM-DD`, a date that exists, 1850 or later. Whether it lies in the future or shows a minor (C10)
//! is asked where the time is known.

use super::{Invalid, Plain};
use crate::domain::date::Date;

const FIRST_YEAR: u16 = 1850;

/// Reads a birth date.
pub(super) fn parse(typed: &str) -> Result<Plain, Invalid> {
    let wrong = Invalid::whole("not_a_date", "Write the date as YYYY-MM-DD.");
    let date = Date::parse(typed.trim()).ok_or(wrong)?;
    if date.year < FIRST_YEAR {
        return Err(Invalid::whole("date_too_early", "Write a birth date of 1850 or later."));
    }
    Ok(Plain::new(date.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_dates_that_exist_since_1850_are_read() {
        assert_eq!(parse(" 1990-02-28 ").unwrap().as_str(), "1990-02-28");
        assert_eq!(parse("1850-01-01").unwrap().as_str(), "1850-01-01");
        assert_eq!(parse("1849-12-31").unwrap_err().code, "date_too_early");
        for bad in ["", "1990-02-30", "1990-2-3", "28.02.1990", "1990-02-28T00:00:00Z", "١٩٩٠-٠٢-٢٨"]
        {
            assert_eq!(parse(bad).unwrap_err().code, "not_a_date", "{bad}");
        }
    }
}
