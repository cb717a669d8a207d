//! The scan: one pass over the bytes with a small fixed stack; memory is taken only for objects with very many keys.

use super::unescape::Key;
use super::{JsonFault, Reason};
use smallvec::SmallVec;

/// Deepest nesting of arrays and objects.
pub const MAX_DEPTH: usize = 16;
/// Most values (containers count too) in one body.
pub const MAX_VALUES: usize = 120_000;
/// Longest key, in bytes as sent.
pub const MAX_KEY_BYTES: usize = 128;
/// Up to here keys are compared pairwise when the object closes; beyond, they are sorted.
const PAIRWISE: usize = 16;

/// Checks that the bytes are one JSON value as this vault accepts it.
pub fn check(bytes: &[u8]) -> Result<(), JsonFault> {
    check_text(bytes).map(|_| ()).map_err(|(reason, _)| reason.into())
}

/// The text, or what is wrong with it and what stands before that.
pub(super) fn check_text(bytes: &[u8]) -> Result<&str, (Reason, &str)> {
    let (text, whole) = match std::str::from_utf8(bytes) {
        Ok(text) => (text, true),
        Err(error) => {
            let before = bytes.get(..error.valid_up_to()).unwrap_or_default();
            (std::str::from_utf8(before).unwrap_or_default(), false)
        }
    };
    if text.starts_with('\u{feff}') {
        return Err((Reason::NotUtf8, ""));
    }
    let mut scan = Scan { text, at: 0, values: 0, open: SmallVec::new(), keys: SmallVec::new() };
    let read = scan.document();
    let before = text.get(..scan.at).unwrap_or_default();
    match read {
        Ok(()) if whole => Ok(text),
        Err(reason) if whole => Err((reason, before)),
        // What has a fault before that already is not looked at again.
        _ => Err((Reason::NotUtf8, if before.len() == text.len() { text } else { "" })),
    }
}

struct Scan<'a> {
    text: &'a str,
    at: usize,
    values: usize,
    /// One entry per open container: `Some(first key)` for an object, `None` for an array.
    open: SmallVec<[Option<usize>; MAX_DEPTH]>,
    keys: SmallVec<[Key<'a>; 32]>,
}

impl<'a> Scan<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte after white space, left in place.
    fn token(&mut self) -> Option<u8> {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
        self.peek()
    }

    fn document(&mut self) -> Result<(), Reason> {
        loop {
            if self.value()? {
                continue;
            }
            // A value ended: close what ends with it, or go on to the next one.
            loop {
                let Some(top) = self.open.last().copied() else {
                    return if self.token().is_none() { Ok(()) } else { Err(Reason::TrailingData) };
                };
                match (self.token(), top) {
                    (Some(b','), None) => self.at += 1,
                    (Some(b','), Some(_)) => {
                        self.at += 1;
                        self.key()?;
                    }
                    (Some(b']'), None) | (Some(b'}'), Some(_)) => {
                        self.close()?;
                        continue;
                    }
                    _ => return Err(Reason::Syntax),
                }
                break;
            }
        }
    }

    /// Reads a scalar or an empty container (`false`), or opens a container whose first value is next (`true`).
    fn value(&mut self) -> Result<bool, Reason> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(Reason::TooManyValues);
        }
        match self.token() {
            Some(b'{') => self.open(Some(self.keys.len()), b'}'),
            Some(b'[') => self.open(None, b']'),
            Some(b'"') => self.string().map(|_| false),
            Some(b't') => self.literal("true"),
            Some(b'f') => self.literal("false"),
            Some(b'n') => self.literal("null"),
            Some(b'-' | b'0'..=b'9') => self.number().map(|()| false),
            _ => Err(Reason::Syntax),
        }
    }

    fn open(&mut self, container: Option<usize>, end: u8) -> Result<bool, Reason> {
        if self.open.len() == MAX_DEPTH {
            return Err(Reason::TooDeep);
        }
        self.at += 1;
        if self.token() == Some(end) {
            self.at += 1;
            return Ok(false);
        }
        self.open.push(container);
        if container.is_some() {
            self.key()?;
        }
        Ok(true)
    }

    fn close(&mut self) -> Result<(), Reason> {
        self.at += 1;
        if let Some(Some(first)) = self.open.pop() {
            if has_duplicates(self.keys.get_mut(first..).unwrap_or_default()) {
                return Err(Reason::DuplicateKey);
            }
            self.keys.truncate(first);
        }
        Ok(())
    }

    fn key(&mut self) -> Result<(), Reason> {
        if self.token() != Some(b'"') {
            return Err(Reason::Syntax);
        }
        let key = self.string()?;
        if key.raw.len() > MAX_KEY_BYTES {
            return Err(Reason::KeyTooLong);
        }
        if self.token() != Some(b':') {
            return Err(Reason::Syntax);
        }
        self.at += 1;
        self.keys.push(key);
        Ok(())
    }

    /// Reads a string, the opening quote being next.
    fn string(&mut self) -> Result<Key<'a>, Reason> {
        self.at += 1;
        let start = self.at;
        let mut escaped = false;
        loop {
            match self.peek() {
                Some(b'"') => {
                    let raw = self.text.get(start..self.at).ok_or(Reason::Syntax)?;
                    self.at += 1;
                    return Ok(Key { raw, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    let here = self.at;
                    if let Err(reason) = self.escape() {
                        // What stands before it was right.
                        self.at = here;
                        return Err(reason);
                    }
                }
                Some(0..0x20 | 0x7f) => return Err(Reason::BadText),
                Some(_) => self.at += 1,
                None => return Err(Reason::Syntax),
            }
        }
    }

    /// Reads an escape. Of the control characters only tab, line feed and carriage return may be written as one.
    fn escape(&mut self) -> Result<(), Reason> {
        self.at += 1;
        match self.peek() {
            Some(b'"' | b'\\' | b'/' | b'n' | b'r' | b't') => {
                self.at += 1;
                Ok(())
            }
            Some(b'b' | b'f') => Err(Reason::BadText),
            Some(b'u') => match self.hex()? {
                0xd800..=0xdbff => {
                    if self.text.as_bytes().get(self.at..self.at + 2) != Some(b"\\u") {
                        return Err(Reason::BadText);
                    }
                    self.at += 1;
                    if (0xdc00..=0xdfff).contains(&self.hex()?) { Ok(()) } else { Err(Reason::BadText) }
                }
                0xdc00..=0xdfff | 0x7f => Err(Reason::BadText),
                unit if unit < 0x20 && !matches!(unit, 9 | 10 | 13) => Err(Reason::BadText),
                _ => Ok(()),
            },
            _ => Err(Reason::Syntax),
        }
    }

    /// Reads `uXXXX`, the `u` being next.
    fn hex(&mut self) -> Result<u32, Reason> {
        let digits = self.text.as_bytes().get(self.at + 1..self.at + 5).ok_or(Reason::Syntax)?;
        let mut unit = 0;
        for digit in digits {
            unit = unit * 16 + char::from(*digit).to_digit(16).ok_or(Reason::Syntax)?;
        }
        self.at += 5;
        Ok(unit)
    }

    /// Whole numbers that fit an `i64`, one spelling each: no fraction, no exponent, no leading zero, no `-0`.
    fn number(&mut self) -> Result<(), Reason> {
        let start = self.at;
        while matches!(self.peek(), Some(b'-' | b'+' | b'.' | b'e' | b'E' | b'0'..=b'9')) {
            self.at += 1;
        }
        let text = self.text.get(start..self.at).unwrap_or("");
        let digits = text.strip_prefix('-').unwrap_or(text);
        let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
        let one_spelling = text == "0" || !digits.starts_with('0');
        if plain && one_spelling && text.parse::<i64>().is_ok() { Ok(()) } else { Err(Reason::BadNumber) }
    }

    fn literal(&mut self, word: &str) -> Result<bool, Reason> {
        if self.text.as_bytes().get(self.at..).is_some_and(|rest| rest.starts_with(word.as_bytes())) {
            self.at += word.len();
            Ok(false)
        } else {
            Err(Reason::Syntax)
        }
    }
}

fn has_duplicates(keys: &mut [Key<'_>]) -> bool {
    if keys.len() <= PAIRWISE {
        return keys.iter().enumerate().any(|(i, key)| keys.iter().take(i).any(|earlier| earlier.same(key)));
    }
    keys.sort_unstable_by(Key::compare);
    keys.iter().zip(keys.iter().skip(1)).any(|(a, b)| a.same(b))
}
