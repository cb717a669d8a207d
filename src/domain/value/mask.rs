//! Masked forms of text. A mask shows a fixed shape: its dots do not tell how long the value is, and it never shows
//! the whole of a value, however short.

use super::Plain;

/// The mark that stands for a value nothing of which is shown.
pub(super) const FULL: &str = "•••";

/// Values shorter than this are not shown even in part.
const SHORTEST_SHOWN: usize = 5;

/// Initials shown at most, so that their number tells little.
const MAX_INITIALS: usize = 3;

/// `A. L.`: the first letters of up to three words. `None` when that would show everything.
pub(super) fn initials(text: &str) -> Option<Plain> {
    let hides_something = text.split_whitespace().any(|word| word.chars().nth(1).is_some());
    if text.chars().count() < SHORTEST_SHOWN || !hides_something {
        return None;
    }
    let mut shown = Plain::new(String::with_capacity(8 * MAX_INITIALS));
    for first in text.split_whitespace().take(MAX_INITIALS).filter_map(|word| word.chars().next()) {
        if !shown.is_empty() {
            shown.push(' ');
        }
        shown.push(first);
        shown.push('.');
    }
    Some(shown)
}

/// `••••4711`: four dots and the last four characters. `None` when the value is too short for that.
pub(super) fn last4(text: &str) -> Option<Plain> {
    let hidden = text.chars().count().checked_sub(4).filter(|hidden| hidden + 4 >= SHORTEST_SHOWN)?;
    let mut shown = Plain::new(String::with_capacity(32));
    shown.push_str("••••");
    shown.extend(text.chars().skip(hidden));
    Some(shown)
}

/// The year of `YYYY-MM-DD`.
pub(super) fn year(date: &str) -> Option<Plain> {
    let (year, _) = date.split_once('-')?;
    Some(Plain::new(year.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(plain: Option<Plain>) -> Option<String> {
        plain.map(|p| p.to_string())
    }

    #[test]
    fn initials_are_at_most_three_and_never_the_whole_name() {
        assert_eq!(text(initials("Ada Lovelace")).unwrap(), "A. L.");
        assert_eq!(text(initials("a b c d e Foo")).unwrap(), "a. b. c.");
        assert_eq!(text(initials("Élodie")).unwrap(), "É.");
        for short in ["", "Li", "Li W", "王小明", "A B C", "A B C D"] {
            assert!(initials(short).is_none(), "{short}");
        }
    }

    #[test]
    fn last_four_has_one_length_and_is_not_used_on_short_values() {
        assert_eq!(text(last4("DE89370400440532013000")).unwrap(), "••••3000");
        assert_eq!(text(last4("12345")).unwrap(), "••••2345");
        assert_eq!(text(last4("äöüßé")).unwrap(), "••••öüßé");
        for short in ["", "1", "1234"] {
            assert!(last4(short).is_none(), "{short}");
        }
    }

    #[test]
    fn the_year_is_all_that_is_left_of_a_date() {
        assert_eq!(text(year("1990-02-28")).unwrap(), "1990");
        assert!(year("").is_none());
    }
}
