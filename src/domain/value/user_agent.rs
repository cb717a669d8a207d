//! User agents (C09): only the browser's family is stored, from a closed list, so that no fingerprint is kept.

use super::{Invalid, Plain, text};

/// Marks looked for in order, because every browser also claims to be the ones before it.
const FAMILIES: &[(&[&str], &str)] = &[
    (&["bot/", "bot;", "bot)", "bot ", "crawler", "spider"], "bot"),
    (&["edg/", "edge", "edga/", "edgios/"], "Edge"),
    (&["opr/", "opera"], "Opera"),
    (&["firefox", "fxios/"], "Firefox"),
    (&["chrome", "crios/", "chromium"], "Chrome"),
    (&["safari"], "Safari"),
    (&["curl"], "curl"),
    (&["python"], "python"),
];

const MAX_CHARS: usize = 1024;

/// Reads a user agent string (or a family as stored) into its family.
pub(super) fn parse(typed: &str) -> Result<Plain, Invalid> {
    let mut agent = text::required_line(typed, MAX_CHARS)?;
    agent.make_ascii_lowercase();
    let found = FAMILIES.iter().find(|(marks, _)| marks.iter().any(|mark| agent.contains(mark)));
    let family = match found {
        Some((_, family)) => family,
        None if agent.ends_with("bot") => "bot",
        None => "other",
    };
    Ok(Plain::new(family.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c09_only_the_family_of_a_browser_is_kept() {
        let like = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko)";
        for (typed, family) in [
            (format!("{like} Chrome/131.0.0.0 Safari/537.36"), "Chrome"),
            (format!("{like} Chrome/131.0.0.0 Safari/537.36 Edg/131.0.0.0"), "Edge"),
            (format!("{like} Chrome/131.0.0.0 Safari/537.36 OPR/116.0.0.0"), "Opera"),
            ("Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 Version/18.1 Safari/605.1.15".into(), "Safari"),
            ("Mozilla/5.0 (X11; rv:133.0) Gecko/20100101 Firefox/133.0".into(), "Firefox"),
            ("Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)".into(), "bot"),
            ("curl/8.11.0".into(), "curl"),
            ("python-requests/2.32".into(), "python"),
            ("my phone is 0123".into(), "other"),
        ] {
            assert_eq!(parse(&typed).unwrap().as_str(), family, "{typed}");
            assert_eq!(parse(family).unwrap().as_str(), family);
        }
        assert_eq!(parse(" ").unwrap_err().code, "empty");
    }
}
