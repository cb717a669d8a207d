//! A checkpoint: how large the log was and how its last hash began, small enough for a header or a sheet of paper.
//!
//! Written as `<size>:<base64url 12>` (the `Strongroom-Checkpoint` header). Whoever keeps one outside the vault can
//! later tell a log that was truncated, rolled back or rewritten (P3, A35): an unkeyed chain alone cannot.

use crate::domain::disclosure::LogHead;
use data_encoding::BASE64URL_NOPAD;
use std::fmt;
use std::str::FromStr;

/// The size of the log and the first 12 bytes of its head hash at that size.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct Checkpoint {
    /// Number of events.
    pub size: u64,
    /// First 12 bytes of the hash of event `size`; zero for an empty log.
    pub hash12: [u8; 12],
}

/// The text is not a checkpoint.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("not a checkpoint; write `<size>:<16 characters of base64url>` exactly as the vault gave it")]
pub struct InvalidCheckpoint;

impl From<LogHead> for Checkpoint {
    fn from(head: LogHead) -> Self {
        Self { size: head.size, hash12: head.hash12 }
    }
}

impl From<Checkpoint> for LogHead {
    fn from(at: Checkpoint) -> Self {
        Self { size: at.size, hash12: at.hash12 }
    }
}

impl fmt::Display for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.size, BASE64URL_NOPAD.encode(&self.hash12))
    }
}

impl FromStr for Checkpoint {
    type Err = InvalidCheckpoint;

    /// Reads the one spelling [`Display`](fmt::Display) writes: no sign, no leading zero, no padding.
    fn from_str(text: &str) -> Result<Self, InvalidCheckpoint> {
        let (size, hash) = text.split_once(':').ok_or(InvalidCheckpoint)?;
        let canonical = size.bytes().all(|b| b.is_ascii_digit()) && (size == "0" || !size.starts_with('0'));
        if !canonical || hash.len() != 16 {
            return Err(InvalidCheckpoint);
        }
        let hash12 = BASE64URL_NOPAD.decode(hash.as_bytes()).map_err(|_| InvalidCheckpoint)?;
        Ok(Self {
            size: size.parse().map_err(|_| InvalidCheckpoint)?,
            hash12: hash12.try_into().map_err(|_| InvalidCheckpoint)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn a_checkpoint_is_written_and_read_back(size: u64, hash12: [u8; 12]) {
            let at = Checkpoint { size, hash12 };
            proptest::prop_assert_eq!(at.to_string().parse(), Ok(at));
            proptest::prop_assert_eq!(Checkpoint::from(LogHead::from(at)), at);
        }
        #[test]
        fn whatever_is_read_has_one_spelling(text in "[0-9+]{0,3}:[A-Za-z0-9_=+/-]{15,17}") {
            if let Ok(at) = text.parse::<Checkpoint>() {
                proptest::prop_assert_eq!(at.to_string(), text);
            }
        }
    }

    #[test]
    fn anything_else_is_refused() {
        let bad = [
            "",
            ":",
            "1",
            "1:",
            "1:AAAA",
            "01:AAAAAAAAAAAAAAAA",
            "+1:AAAAAAAAAAAAAAAA",
            "-1:AAAAAAAAAAAAAAAA",
            ":AAAAAAAAAAAAAAAA",
            "1:AAAAAAAAAAAAAAA=",
            "1:AAAAAAAAAAAAAA+A",
            " 1:AAAAAAAAAAAAAAAA",
            "1:AAAAAAAAAAAAAAAA ",
            "1:AAAAAAAAAAAAAAAA\n",
            "18446744073709551616:AAAAAAAAAAAAAAAA",
        ];
        for text in bad {
            assert_eq!(text.parse::<Checkpoint>(), Err(InvalidCheckpoint), "{text:?}");
        }
    }
}
