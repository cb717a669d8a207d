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
        // As the start takes it: the last line with a hole at its beginning is what a torn write left, not a line.
        if text.starts_with(b"\0") && file.fill_buf()?.is_empty() {
            break;
        }
        let ours = std::str::from_utf8(text).ok().and_then(|text| Line::read(keys, text));
        if ours.is_none() {
            look.foreign = Some(number);
            break;
        }
        look.whole += line.len() as u64;
    }
    Ok(look)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::entropy::OsEntropy;
    use crate::domain::{Id16, Locator, Part, RecordId, Timestamp, VaultId};

    #[test]
    fn only_a_torn_last_line_is_no_line_and_everything_else_that_is_not_ours_is_named() {
        let keys = Keyring::create(VaultId([3; 16]), true, &mut OsEntropy).unwrap();
        let record = RecordId(Locator::new(9, Part::truncate(77)).unwrap());
        let line = Line::Void(record, Id16([0xab; 16]), Timestamp(5)).write(&keys);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("erasures.log");
        let whole = line.len() as u64 + 1;
        let torn = format!("{line}\n\0\0{}\n", &line[2..]);
        for (text, look) in [
            (format!("{line}\n"), (whole, None)),
            (format!("{line}\n{}", &line[..20]), (whole, None)),
            (torn.clone(), (whole, None)),
            (format!("{torn}{line}\n"), (whole, Some(2))),
            (format!("{line}\nx\0{}\n", &line[2..]), (whole, Some(2))),
            (format!("{line}\n{}", "1".repeat(300)), (whole, Some(2))),
        ] {
            std::fs::write(&path, &text).unwrap();
            let (whole, foreign) = look;
            assert_eq!(look_at_ledger(&path, &keys).unwrap(), LedgerLook { whole, foreign }, "{text:?}");
        }
    }
}
