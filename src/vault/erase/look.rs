//! The ledger of erasures looked at from beside: is every line one that this vault wrote, and how far does it reach. For
//! `doctor`; it changes nothing, and what a crash cut short at the end is no line yet.

use super::ledger::Line;
use crate::crypto::Keyring;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

/// Longest line, as the store writes them.
const MAX_LINE: u64 = 256;

/// What was found.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct LedgerLook {
    /// Bytes of its whole lines.
    pub whole: u64,
    /// The first line, from 1, that is not this vault's.
    pub foreign: Option<usize>,
}

/// Looks at the ledger at `path`.
pub fn look_at_ledger(path: &Path, keys: &Keyring) -> std::io::Result<LedgerLook> {
    let mut file = BufReader::new(File::open(path)?);
    let mut look = LedgerLook::default();
    for number in 1.. {
        let mut line = Vec::new();
        // One more than a line may have: a longer one is not ours, however long it goes on.
        (&mut file).take(MAX_LINE + 1).read_until(b'\n', &mut line)?;
        let Some(text) = line.strip_suffix(b"\n") else {
            if line.len() as u64 > MAX_LINE {
                look.foreign = Some(number);
            }
            break;
        };
        let ours = std::str::from_utf8(text).ok().and_then(|text| Line::read(keys, text));
        if ours.is_none() {
            look.foreign = Some(number);
            break;
        }
        look.whole += line.len() as u64;
    }
    Ok(look)
}
