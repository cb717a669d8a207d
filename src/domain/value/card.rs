//! Finds card numbers in text (C02): a run of 13 to 19 digits of an issuer's length and range that passes Luhn.
//!
//! Separators are taken out and digits of other scripts folded first. A run is maximal, so a longer number that merely
//! contains such digits is left alone — but what people write *next to* a card number (an expiry, a check number, a
//! house number) must not hide it, so whole blocks of digits within a longer run are looked at as well: an unbroken
//! block, or blocks grouped as cards are printed. Copies of the digits are zeroed on drop.

use super::{digits, tax_schemes};
use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use zeroize::Zeroizing;

const LENGTHS: std::ops::RangeInclusive<usize> = 13..=19;

/// How numbers are grouped on cards.
const GROUPINGS: &[&[usize]] = &[&[4, 4, 4, 4], &[4, 4, 4, 4, 3], &[4, 6, 5], &[4, 6, 4], &[4, 4, 5]];

/// Issuers: first and last prefix (same number of digits), shortest and longest number.
const ISSUERS: &[(u32, u32, usize, usize)] = &[
    (4, 4, 13, 13),       // Visa
    (4, 4, 16, 16),       // Visa
    (4, 4, 19, 19),       // Visa
    (51, 55, 16, 16),     // Mastercard
    (2221, 2720, 16, 16), // Mastercard
    (34, 34, 15, 15),     // American Express
    (37, 37, 15, 15),     // American Express
    (6011, 6011, 16, 19), // Discover
    (644, 659, 16, 19),   // Discover
    (300, 305, 14, 19),   // Diners Club
    (3095, 3095, 14, 19), // Diners Club
    (36, 36, 14, 19),     // Diners Club
    (38, 39, 14, 19),     // Diners Club
    (3528, 3589, 16, 19), // JCB
    (62, 62, 16, 19),     // UnionPay
    (81, 81, 16, 19),     // UnionPay
    (5018, 5018, 13, 19), // Maestro
    (5020, 5020, 13, 19), // Maestro
    (5038, 5038, 13, 19), // Maestro
    (5893, 5893, 13, 19), // Maestro
    (6304, 6304, 13, 19), // Maestro
    (6390, 6390, 13, 19), // Maestro
    (67, 67, 13, 19),     // Maestro
    (2200, 2204, 16, 19), // Mir
    (508, 508, 16, 16),   // RuPay
    (636, 636, 16, 19),   // InterPayment
    (9792, 9792, 16, 16), // Troy
];

/// Whether a card number is in the text. Lines are looked at one by one, then as one text: a number may be wrapped.
pub(super) fn is_in(text: &str) -> bool {
    may_hold(text) && (scan(text, true) || (text.contains(is_line_break) && scan(text, false)))
}

/// Whether there are digits enough for a card at all. Latin letters have no digit in any compatibility form; any other
/// character beyond ASCII may have some, so it is left to the scan.
fn may_hold(text: &str) -> bool {
    let digits = text.chars().map(|c| match c {
        c if c.is_ascii_digit() => 1,
        c if c.is_ascii() || matches!(c, '\u{c0}'..='\u{24f}') => 0,
        _ => *LENGTHS.start(),
    });
    digits.sum::<usize>() >= *LENGTHS.start()
}

/// What a character is to a run of digits.
enum Sign {
    Digit(u32),
    Separator(char),
    Letter,
    Break,
}

fn sign(c: char, newline_breaks: bool) -> Sign {
    if let Some(digit) = digits::value(c) {
        return Sign::Digit(u32::from(digit));
    }
    match c {
        _ if newline_breaks && is_line_break(c) => Sign::Break,
        _ if c.is_whitespace() => Sign::Separator(' '),
        _ if is_dash_or_dot(c) || is_invisible(c) || is_combining_mark(c) => Sign::Separator(c),
        _ if c.is_alphabetic() => Sign::Letter,
        _ => Sign::Break,
    }
}

fn is_line_break(c: char) -> bool {
    matches!(c, '\n'..='\r' | '\u{85}' | '\u{2028}' | '\u{2029}')
}

/// Dashes, dots, slashes, stars and bars of any script, the full stops a domain name takes for dots among them. Commas and
/// semicolons part the items of a list, so they end a number.
fn is_dash_or_dot(c: char) -> bool {
    let ascii =
        matches!(c, '-' | '.' | '/' | '_' | '\\' | '*' | '|' | '+' | ':' | '\'' | '~' | '=' | '(' | ')');
    let dash = matches!(
        c,
        '\u{58a}' | '\u{5be}' | '\u{2010}'
            ..='\u{2015}' | '\u{2043}' | '\u{2212}' | '\u{2e3a}' | '\u{301c}' | '\u{3030}' | '\u{30fc}'
    );
    let dot = matches!(c, '\u{b7}' | '\u{2022}' | '\u{2027}' | '\u{3002}' | '\u{30fb}');
    ascii || dash || dot || matches!(c, '\u{2044}' | '\u{2215}' | '\u{fe58}')
}

/// Characters that leave no mark on paper, so that the digits around them read as one number.
fn is_invisible(c: char) -> bool {
    let joiner = matches!(c, '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{feff}');
    // Fillers and marks that are drawn as nothing.
    let filler =
        matches!(c, '\u{115f}' | '\u{1160}' | '\u{2800}' | '\u{3164}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}');
    joiner
        || filler
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{e0000}'..='\u{e007f}')
}

fn scan(text: &str, newline_breaks: bool) -> bool {
    let mut run = Run::default();
    for c in text.chars() {
        let hit = if c.is_ascii() || digits::value(c).is_some() {
            run.take(sign(c, newline_breaks))
        } else {
            // Circled, superscript and mathematical digits are digits in compatibility form.
            std::iter::once(c).nfkc().any(|c| run.take(sign(c, newline_breaks)))
        };
        if hit {
            return true;
        }
    }
    run.holds_card()
}

/// A maximal run of digits, with the blocks it is written in.
#[derive(Default)]
struct Run {
    digits: Zeroizing<Vec<u32>>,
    /// (where the block starts, the separator before it).
    blocks: Vec<(usize, char)>,
    /// The separators since the last digit.
    pending: Option<char>,
    /// The run follows two letters directly, as the digits of an IBAN do.
    after_country: bool,
    /// Letters directly before.
    letters: u8,
}

impl Run {
    /// Takes the next sign; `true` when it ended a run that holds a card number.
    fn take(&mut self, sign: Sign) -> bool {
        match sign {
            Sign::Digit(digit) => {
                if self.digits.is_empty() {
                    self.after_country = self.letters == 2;
                    self.blocks.push((0, '\0'));
                    // A gap before the first digit parts nothing.
                    self.pending = None;
                } else if let Some(separator) = self.pending.take() {
                    self.blocks.push((self.digits.len(), separator));
                }
                self.digits.push(digit);
                self.letters = 0;
                false
            }
            Sign::Separator(separator) => {
                // Of several separators the first that is no space names the gap.
                self.pending = self.pending.filter(|p| *p != ' ').or(Some(separator));
                self.letters = 0;
                false
            }
            Sign::Letter => self.end(true),
            Sign::Break => self.end(false),
        }
    }

    fn end(&mut self, letter: bool) -> bool {
        let hit = self.holds_card();
        self.digits.clear();
        self.blocks.clear();
        self.pending = None;
        self.letters = if letter { self.letters.saturating_add(1) } else { 0 };
        hit
    }

    fn holds_card(&self) -> bool {
        self.digits.len() >= *LENGTHS.start()
            && (is_card(&self.digits) || self.a_block_is_card() || self.a_grouping_is_card())
    }

    /// The digits of block `first` up to (not including) block `last`.
    fn span(&self, first: usize, last: usize) -> Option<&[u32]> {
        let start = self.blocks.get(first)?.0;
        let end = self.blocks.get(last).map_or(self.digits.len(), |b| b.0);
        self.digits.get(start..end)
    }

    fn a_block_is_card(&self) -> bool {
        (0..self.blocks.len()).any(|i| self.span(i, i + 1).is_some_and(is_card))
    }

    /// Blocks grouped as on a card. Not in a printed IBAN (two digits that follow a letter, then blocks of four), and
    /// not where the grouping goes on with further blocks of four: then it is part of a longer number.
    fn a_grouping_is_card(&self) -> bool {
        let iban = self.after_country && self.span(0, 1).is_some_and(|block| block.len() == 2);
        !iban
            && (0..self.blocks.len()).any(|at| GROUPINGS.iter().any(|grouping| self.grouped_at(at, grouping)))
    }

    fn grouped_at(&self, at: usize, grouping: &[usize]) -> bool {
        let end = at + grouping.len();
        let length = |i: usize| self.span(i, i + 1).map_or(0, <[u32]>::len);
        let separator = |i: usize| self.blocks.get(i).map(|b| b.1);
        let fits = end <= self.blocks.len() && (at..end).zip(grouping).all(|(i, n)| length(i) == *n);
        let Some(between) = separator(at + 1) else { return false };
        let even = fits && (at + 1..end).all(|i| separator(i) == Some(between));
        // A grouping in fours goes on in fours; one that ends otherwise is whole.
        let in_fours = grouping.last() == Some(&4) && grouping.get(1) == Some(&4);
        let goes_on = |edge: Option<char>, neighbour: usize| {
            in_fours && edge == Some(between) && length(neighbour) == 4
        };
        even && !goes_on(separator(end), end)
            && !(at > 0 && goes_on(separator(at), at - 1))
            && self.span(at, end).is_some_and(is_card)
    }
}

fn is_card(digits: &[u32]) -> bool {
    LENGTHS.contains(&digits.len()) && has_issuer(digits) && tax_schemes::luhn(digits)
}

fn has_issuer(digits: &[u32]) -> bool {
    ISSUERS.iter().any(|(first, last, shortest, longest)| {
        let width = last.ilog10() as usize + 1;
        let prefix = digits.iter().take(width).fold(0, |n, d| n * 10 + d);
        (*shortest..=*longest).contains(&digits.len()) && (*first..=*last).contains(&prefix)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Test numbers the networks and processors publish.
    const PUBLISHED: &[&str] = &[
        "4111111111111111",
        "4012888888881881",
        "4222222222222",
        "5555555555554444",
        "5105105105105100",
        "2223003122003222",
        "378282246310005",
        "371449635398431",
        "343434343434343",
        "6011111111111117",
        "6011000990139424",
        "6500000000000002",
        "30569309025904",
        "38520000023237",
        "36227206271667",
        "3530111333300000",
        "3566002020360505",
        "6200000000000005",
        "6205500000000000004",
        "6759649826438453",
        "6304000000000000",
        "2200000000000004",
    ];

    fn grouped(number: &str, separator: &str) -> String {
        let blocks: Vec<&str> =
            number.as_bytes().chunks(4).map(|c| std::str::from_utf8(c).unwrap()).collect();
        blocks.join(separator)
    }

    #[test]
    fn c02_every_published_number_is_found_with_any_separator_and_script() {
        for number in PUBLISHED {
            assert!(is_in(number), "{number}");
            for separator in [
                " ", "-", ".", "/", "\u{a0}", "\u{2011}", " - ", "\u{200b}", "\u{2009}", "_", "\n", "\t",
                "\u{b}", "\u{3002}", "\u{202e}", "\r\n", "*", " | ",
            ] {
                assert!(is_in(&grouped(number, separator)), "{number} {separator:?}");
            }
            for zero in ['０', '٠', '۰', '०', '𝟎'] {
                let script: String = number
                    .bytes()
                    .map(|b| char::from_u32(u32::from(zero) + u32::from(b - b'0')).unwrap())
                    .collect();
                assert!(is_in(&script), "{script}");
            }
            assert!(is_in(&number.replace('1', "①").replace('2', "²")));
            for around in
                ["card:{}", "x{}x", "({})", "Karte {}, danke", "zahlt mit\n{}\n12/27", "{}€", "🙂{}🙂"]
            {
                assert!(is_in(&around.replace("{}", number)), "{around}");
            }
        }
    }

    #[test]
    fn c02_what_is_left_unscanned_has_too_few_digits_in_every_form() {
        for c in (0..=0x24f).filter_map(char::from_u32) {
            let most = std::iter::once(c).nfkc().filter(|c| digits::value(*c).is_some()).count();
            let skipped = !may_hold(&c.to_string().repeat(13));
            assert!(!skipped || most == 0, "{c:?}");
        }
        assert!(!may_hold("Lindenstraße 12, 50667 Köln"));
        assert!(!may_hold("411111111111"));
        assert!(may_hold("4111111111111"));
        assert!(may_hold("①"));
    }

    #[test]
    fn c02_an_expiry_or_check_number_beside_it_does_not_hide_a_card() {
        for text in [
            "4111111111111111 12/27",
            "4111111111111111 12/27 123",
            "4111 1111 1111 1111 12/27 123",
            "4111-1111-1111-1111 123",
            "12/27 4111 1111 1111 1111",
            "3782 822463 10005 12/27",
            "Order 5 4111111111111111",
            " 4111111111111111 12/27",
            "card: 4111111111111111 12/27",
            "3782 822463 10005 1234",
            "exp12/27 4111 1111 1111 1111",
            "4111+1111+1111+1111",
            "4111:1111:1111:1111 12/27",
            "4111 (1111) 1111 (1111)",
            "4111\u{3164}1111\u{3164}1111\u{3164}1111",
            "- 4111 1111 1111 1111 123",
            "Visa4111 1111 1111 1111 12/27",
            "4\u{301}111 1111 1111 1111",
            "4\u{fe0f}\u{20e3}111 1111 1111 1111",
            "2026-11-24 4111111111111111",
        ] {
            assert!(is_in(text), "{text}");
        }
    }

    #[test]
    fn c02_longer_numbers_wrong_digits_and_foreign_ranges_are_left_alone() {
        for text in [
            "",
            "4111111111111112",
            "41111111111111111111",
            "00004111111111111111",
            "4111 1111 1111 1111 1111",
            "4111-1111-1111-1111-1111",
            "411111111111",
            "1234567890123452",
            "0000000000000000",
            "99999999999999999999999999",
            "4111 1111, 1111 1111",
            "4111a1111b1111c1111",
            "DE89 3704 0044 0532 0130 00",
            "GB82 WEST 1234 5698 7654 32",
            "+49 30 901820",
            "2026-11-24T08:30:00.000Z",
            "ISBN 978-3-16-148410-0",
        ] {
            assert!(!is_in(text), "{text}");
        }
    }

    #[test]
    fn the_issuer_table_has_prefixes_of_equal_width() {
        for (first, last, shortest, longest) in ISSUERS {
            assert!(first <= last && first.ilog10() == last.ilog10() && shortest <= longest);
        }
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics_and_a_planted_card_is_found(before in "[^0-9]{0,40}", after: String, any: String) {
            let _ = is_in(&any);
            let planted = format!("{before}x4111111111111111x{after}");
            proptest::prop_assert!(is_in(&planted));
        }

        #[test]
        fn an_unbroken_run_of_twenty_digits_or_more_is_never_a_card(digits in "[0-9]{20,60}") {
            proptest::prop_assert!(!is_in(&digits));
        }
    }
}
