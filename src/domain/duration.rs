//! Durations as the API and the policy write them: `^[1-9][0-9]{0,4}(s|m|h|d|mo|y)$`; a month is 30 days, a year 365.

use std::time::Duration;

/// Reads a duration, or `None` when it has another form.
pub fn parse(text: &str) -> Option<Duration> {
    let split = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(split);
    if number.is_empty() || number.len() > 5 || number.starts_with('0') {
        return None;
    }
    let seconds: u64 = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        "mo" => 30 * 86_400,
        "y" => 365 * 86_400,
        _ => return None,
    };
    number.parse::<u64>().ok().map(|n| Duration::from_secs(n * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_documented_forms_are_read() {
        assert_eq!(parse("90d"), Some(Duration::from_secs(90 * 86_400)));
        assert_eq!(parse("13mo"), Some(Duration::from_secs(13 * 30 * 86_400)));
        for bad in ["", "0d", "5", "d", "-1d", "1.5h", "123456s", "1w", "1 d", "1D", "٣d"] {
            assert!(parse(bad).is_none(), "{bad}");
        }
    }
}
