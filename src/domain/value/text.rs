//! Shared text rules: NFC, trimmed, white space collapsed, no control characters, bounded length; and the fold that
//! makes equivalent spellings meet in a blind index.
//!
//! Never guesses: look-alike letters of other scripts stay apart, and what cannot be kept is refused, not dropped.

use super::{Invalid, Plain};
use icu_casemap::CaseMapper;
use unicode_normalization::UnicodeNormalization;

/// Raw bytes beyond which a single-line text is refused before any work is done on it.
const RAW_CAP: usize = 8 * 1024;

const CONTROL: Invalid = Invalid::whole("control_character", "Remove the control characters.");
const TOO_LONG: Invalid = Invalid::whole("too_long", "Shorten the value; it is over the limit of its type.");

/// One line of at most `max` characters. White space of any kind (tabs and newlines too) collapses to one space.
pub(super) fn single_line(text: &str, max: usize) -> Result<Plain, Invalid> {
    if text.len() > RAW_CAP {
        return Err(TOO_LONG);
    }
    if text.chars().any(|c| c.is_control() && !c.is_whitespace()) {
        return Err(CONTROL);
    }
    let line =
        if text.is_ascii() { collapse(text.chars(), text.len()) } else { collapse(text.nfc(), text.len()) };
    if line.chars().count() > max { Err(TOO_LONG) } else { Ok(line) }
}

/// The same, but empty is an error: for parts that must say something.
pub(super) fn required_line(text: &str, max: usize) -> Result<Plain, Invalid> {
    let line = single_line(text, max)?;
    if line.is_empty() {
        Err(Invalid::whole("empty", "Write a value; it may not be empty here."))
    } else {
        Ok(line)
    }
}

/// Text of at most `max` bytes that keeps its lines and inner white space.
pub(super) fn multi_line(text: &str, max: usize) -> Result<Plain, Invalid> {
    if text.len() > 4 * max {
        return Err(TOO_LONG);
    }
    if text.chars().any(|c| c.is_control() && !matches!(c, '\n' | '\r' | '\t')) {
        return Err(CONTROL);
    }
    let mut kept = Plain::new(String::with_capacity(text.len()));
    kept.extend(text.trim().nfc());
    // NFC maps no white space to anything else, so what was trimmed stays trimmed.
    if kept.len() > max { Err(TOO_LONG) } else { Ok(kept) }
}

/// The normaliser of text in blind indexes: compatibility caseless form (Unicode D146: NFKC of the default case fold),
/// white space collapsed. `ß` meets `SS`, full width meets ASCII; Turkish dotless `ı` stays apart from `i`, dotted `İ`
/// folds to `i` with a dot above, as the default fold has it.
pub(super) fn fold(text: &str) -> Plain {
    if text.is_ascii() {
        return collapse(text.chars().map(|c| c.to_ascii_lowercase()), text.len());
    }
    let mapper = CaseMapper::new();
    let decomposed = Plain::new(text.nfd().collect());
    let folded = Plain::new(mapper.fold_string(&decomposed).into_owned());
    let compatible = Plain::new(folded.nfkd().collect());
    let folded = Plain::new(mapper.fold_string(&compatible).into_owned());
    collapse(folded.nfkc(), folded.len())
}

/// Letters and digits of an identifier: compatibility form, upper case, without the separators people type.
/// `None` when anything else is in it or more than `max` remain.
pub(super) fn compact(text: &str, is_separator: fn(char) -> bool, max: usize) -> Option<Plain> {
    if text.len() > RAW_CAP {
        return None;
    }
    let mut out = Plain::new(String::with_capacity(max));
    for c in text.nfkc() {
        if c.is_whitespace() || is_separator(c) {
            continue;
        }
        let c = super::digits::to_ascii(c).unwrap_or(c).to_ascii_uppercase();
        if !c.is_ascii_alphanumeric() || out.len() == max {
            return None;
        }
        out.push(c);
    }
    Some(out)
}

fn collapse(chars: impl Iterator<Item = char>, capacity: usize) -> Plain {
    let mut out = Plain::new(String::with_capacity(capacity));
    let mut gap = false;
    for c in chars {
        if c.is_whitespace() {
            gap = !out.is_empty();
            continue;
        }
        if std::mem::take(&mut gap) {
            out.push(' ');
        }
        out.push(c);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_composed_trimmed_and_collapsed() {
        for (typed, kept) in [
            ("  Ada \t Lovelace\n", "Ada Lovelace"),
            ("Zoe\u{308}", "Zo\u{eb}"),
            ("a\u{a0}\u{2003}b", "a b"),
            ("a\u{2028}b\u{85}c", "a b c"),
            ("", ""),
            (" \u{3000} ", ""),
            ("\u{301}", "\u{301}"),
            ("\u{202e}abc", "\u{202e}abc"),
            ("\u{200b}x", "\u{200b}x"),
        ] {
            assert_eq!(single_line(typed, 20).unwrap().as_str(), kept, "{typed:?}");
        }
    }

    #[test]
    fn control_characters_and_excess_are_refused() {
        for bad in ["a\0b", "\u{7}", "\u{1f}", "\u{1e}x", "\u{9f}", "\u{1b}[31m"] {
            assert_eq!(single_line(bad, 20).unwrap_err().code, "control_character", "{bad:?}");
            assert_eq!(multi_line(bad, 20).unwrap_err().code, "control_character", "{bad:?}");
        }
        assert!(single_line(&"ß".repeat(200), 200).is_ok());
        assert_eq!(single_line(&"ß".repeat(201), 200).unwrap_err().code, "too_long");
        assert_eq!(single_line(&" ".repeat(9000), 200).unwrap_err().code, "too_long");
        assert_eq!(multi_line(&"x".repeat(21), 20).unwrap_err().code, "too_long");
        assert_eq!(required_line("  ", 9).unwrap_err().code, "empty");
    }

    #[test]
    fn free_text_keeps_its_lines() {
        assert_eq!(multi_line("\n a\r\n\tb  c \n", 99).unwrap().as_str(), "a\r\n\tb  c");
    }

    #[test]
    fn a53_equivalent_spellings_fold_together() {
        for (a, b) in [
            ("Zoë", "ZOE\u{308}"),
            ("Straße", "STRASSE"),
            ("Ａｄａ", "ada"),
            ("ﬁn", "FIN"),
            ("Σίσυφος", "ΣΊΣΥΦΟΣ"),
            ("\u{1e9e}", "ss"),
            ("I", "i"),
            ("\u{130}", "i\u{307}"),
            ("\u{212a}", "k"),
            ("a\u{a0}b", "A  b"),
            ("\u{345}\u{301}\u{3b1}", "\u{301}\u{3b9}\u{3b1}"),
        ] {
            assert_eq!(fold(a), fold(b), "{a} {b}");
        }
    }

    #[test]
    fn a53_lookalikes_and_the_turkish_dotless_i_stay_apart() {
        for (a, b) in
            [("Anna", "Аnna"), ("о", "o"), ("ı", "i"), ("İ", "i"), ("ο", "o"), ("l", "I"), ("ä", "a")]
        {
            assert_ne!(fold(a), fold(b), "{a} {b}");
        }
    }

    proptest::proptest! {
        #[test]
        fn folding_and_lines_are_idempotent(text: String) {
            let once = fold(&text);
            proptest::prop_assert_eq!(&*fold(&once), &*once);
            proptest::prop_assert_eq!(&*fold(&text.nfc().collect::<String>()), &*once);
            proptest::prop_assert_eq!(&*fold(&text.nfd().collect::<String>()), &*once);
            if let Ok(line) = single_line(&text, 999) {
                proptest::prop_assert_eq!(&*single_line(&line, 999).unwrap(), &*line);
                proptest::prop_assert_eq!(&*fold(&line), &*once);
            }
            if let Ok(kept) = multi_line(&text, 9999) {
                proptest::prop_assert_eq!(&*multi_line(&kept, 9999).unwrap(), &*kept);
            }
        }
    }
}
