//! Keys compared by what they mean: `"\u0061"` and `"a"` are one key.

use std::cmp::Ordering;

/// A key as it stands in the text: the bytes between the quotes, already checked by the scanner.
#[derive(Clone, Copy)]
pub(super) struct Key<'a> {
    pub(super) raw: &'a str,
    pub(super) escaped: bool,
}

impl Key<'_> {
    /// UTF-8 orders as its scalar values do, so both branches give one order.
    pub(super) fn compare(&self, other: &Self) -> Ordering {
        if self.escaped || other.escaped {
            Scalars(self.raw).cmp(Scalars(other.raw))
        } else {
            self.raw.as_bytes().cmp(other.raw.as_bytes())
        }
    }
    pub(super) fn same(&self, other: &Self) -> bool {
        self.compare(other) == Ordering::Equal
    }
}

/// The scalar values an escaped text stands for.
struct Scalars<'a>(&'a str);

impl Iterator for Scalars<'_> {
    type Item = u32;
    fn next(&mut self) -> Option<u32> {
        let mut chars = self.0.chars();
        let first = chars.next()?;
        if first != '\\' {
            self.0 = chars.as_str();
            return Some(u32::from(first));
        }
        let kind = chars.next()?;
        self.0 = chars.as_str();
        Some(match kind {
            'b' => 8,
            'f' => 12,
            'n' => 10,
            'r' => 13,
            't' => 9,
            'u' => self.unit(),
            other => u32::from(other),
        })
    }
}

impl Scalars<'_> {
    fn unit(&mut self) -> u32 {
        let high = self.hex();
        if !(0xd800..0xdc00).contains(&high) {
            return high;
        }
        self.0 = self.0.get(2..).unwrap_or("");
        let low = self.hex();
        0x1_0000 + ((high & 0x3ff) << 10) + (low & 0x3ff)
    }
    fn hex(&mut self) -> u32 {
        let (digits, rest) = self.0.split_at_checked(4).unwrap_or((self.0, ""));
        self.0 = rest;
        u32::from_str_radix(digits, 16).unwrap_or(0)
    }
}
