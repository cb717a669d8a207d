//! Dates as files write them, read strictly into `YYYY-MM-DD`: a format names year, month and day once each, and a text that
//! does not follow it to the letter is no date. Nothing is guessed: 03/04 means what the format says.

use crate::domain::date::Date;

/// A format such as `%Y%m%d` or `%-d.%-m.%Y`.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(in crate::cli) struct DateFormat(Vec<Step>);

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Step {
    Year,
    Month { padded: bool },
    Day { padded: bool },
    Char(char),
}

const FORM: &str =
    "write each of %Y, %m and %d once (%-m and %-d where no zero stands in front), such as \"%Y%m%d\"";

impl DateFormat {
    /// Reads a format, or says how to write one.
    pub(in crate::cli) fn parse(text: &str) -> Result<Self, String> {
        let mut steps = Vec::new();
        let mut rest = text.chars();
        while let Some(c) = rest.next() {
            if c != '%' {
                steps.push(Step::Char(c));
                continue;
            }
            let mut letter = rest.next();
            let padded = letter != Some('-');
            if !padded {
                letter = rest.next();
            }
            steps.push(match letter {
                Some('Y') if padded => Step::Year,
                Some('m') => Step::Month { padded },
                Some('d') => Step::Day { padded },
                Some('%') if padded => Step::Char('%'),
                _ => return Err(FORM.to_owned()),
            });
        }
        let count = |wanted: fn(&Step) -> bool| steps.iter().filter(|step| wanted(step)).count();
        let each = [
            count(|s| matches!(s, Step::Year)),
            count(|s| matches!(s, Step::Month { .. })),
            count(|s| matches!(s, Step::Day { .. })),
        ];
        // Two numbers of open width side by side could be read in two ways.
        let open = |s: &Step| matches!(s, Step::Month { padded: false } | Step::Day { padded: false });
        let number = |s: &Step| !matches!(s, Step::Char(_));
        let ambiguous = steps.windows(2).any(|w| matches!(w, [a, b] if open(a) && number(b)));
        if each == [1, 1, 1] && !ambiguous { Ok(Self(steps)) } else { Err(FORM.to_owned()) }
    }

    /// The date a text writes, if it is one.
    pub(in crate::cli) fn read(&self, text: &str) -> Option<Date> {
        let (mut year, mut month, mut day) = (0, 0, 0);
        let mut rest = text;
        for step in &self.0 {
            match step {
                Step::Char(c) => rest = rest.strip_prefix(*c)?,
                Step::Year => (year, rest) = number(rest, 4, true)?,
                Step::Month { padded } => (month, rest) = number(rest, 2, *padded)?,
                Step::Day { padded } => (day, rest) = number(rest, 2, *padded)?,
            }
        }
        let date = Date::new(year, u8::try_from(month).ok()?, u8::try_from(day).ok()?)?;
        rest.is_empty().then_some(date)
    }
}

/// A number of exactly (or at most) so many ASCII digits at the start of a text.
fn number(text: &str, width: usize, exact: bool) -> Option<(u16, &str)> {
    let digits = text.bytes().take(width).take_while(u8::is_ascii_digit).count();
    if digits == 0 || (exact && digits != width) {
        return None;
    }
    let (digits, rest) = text.split_at_checked(digits)?;
    Some((digits.parse().ok()?, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(format: &str, text: &str) -> Option<String> {
        DateFormat::parse(format).unwrap().read(text).map(|date| date.to_string())
    }

    #[test]
    fn a_date_is_read_to_the_letter_of_its_format() {
        for (format, text, wanted) in [
            ("%Y%m%d", "19151111", "1915-11-11"),
            ("%Y-%m-%d", "1990-02-28", "1990-02-28"),
            ("%d/%m/%Y", "03/04/1990", "1990-04-03"),
            ("%m/%d/%Y", "03/04/1990", "1990-03-04"),
            ("%-d.%-m.%Y", "3.4.1990", "1990-04-03"),
            ("%-d.%-m.%Y", "13.12.1990", "1990-12-13"),
            ("%Y年%m月%d日", "1990年04月03日", "1990-04-03"),
            ("%Y%%%m%d", "1990%0403", "1990-04-03"),
        ] {
            assert_eq!(read(format, text).as_deref(), Some(wanted), "{format} {text}");
        }
    }

    #[test]
    fn what_is_no_date_of_the_format_is_not_guessed_at() {
        for (format, text) in [
            ("%Y%m%d", "19900231"),
            ("%Y%m%d", "1990023"),
            ("%Y%m%d", "199002281"),
            ("%Y%m%d", "1990-02-28"),
            ("%Y%m%d", " 19900228"),
            ("%Y%m%d", "90-02-28"),
            ("%Y%m%d", "١٩٩٠٠٢٢٨"),
            ("%d/%m/%Y", "3/4/1990"),
            ("%d/%m/%Y", "13/13/1990"),
            ("%-d.%-m.%Y", "003.4.1990"),
            ("%-d.%-m.%Y", "3..1990"),
            ("%Y-%m-%d", "+990-02-28"),
            ("%Y-%m-%d", ""),
        ] {
            assert_eq!(read(format, text), None, "{format} {text}");
        }
    }

    #[test]
    fn a_format_that_could_be_read_in_two_ways_is_refused() {
        for bad in [
            "", "%Y", "%Y%m", "%Y%m%d%d", "%y%m%d", "%Y%j", "%-Y%m%d", "%Y%-m%-d", "%", "%Y%m%d%", "%-m%d/%Y",
        ] {
            assert!(DateFormat::parse(bad).is_err(), "{bad}");
        }
        assert!(DateFormat::parse("%Y/%m%-d").is_ok());
    }

    proptest::proptest! {
        #[test]
        fn every_date_comes_back_from_its_own_writing(days in -40_000i64..60_000, text: String) {
            let date = Date::from_days(days).unwrap();
            let compact = date.to_string().replace('-', "");
            proptest::prop_assert_eq!(read("%Y%m%d", &compact), Some(date.to_string()));
            let _ = read("%-d.%-m.%Y", &text);
            let _ = DateFormat::parse(&text);
        }
    }
}
