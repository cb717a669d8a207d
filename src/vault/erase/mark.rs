//! How far the ledger reaches, written by every erasure in its own commit, so that a ledger that lost lines is noticed.
//!
//! A ledger that was removed, or replaced by an older copy, would let an old database bring erased records back. So the
//! commit of an erasure says where its line ended; a start with a shorter file is refused (I11). The rows are few and fixed
//! in number, whatever is erased: lines that follow one another fall into different rows, and so erasures that run beside
//! each other do not wait for one row.

use crate::domain::{ControlKind, Id16, codec};
use crate::storage::{Change, ControlRow, ReadError, Reader};
use crate::vault::Vault;

/// How many rows. Lines are between 107 and 119 bytes long, so neighbours never share a row.
const ROWS: u64 = 64;
const SHORTEST: u64 = 107;

/// Up to where every line is settled: what a start need not read again.
pub(in crate::vault) const SETTLED: Id16 = Id16([0; 16]);

impl Vault {
    /// The change that writes down that the ledger reaches to `end`; it belongs into the commit that rests on that line.
    pub(in crate::vault) fn ledger_reaches(
        &self,
        reader: &mut Reader<'_>,
        end: u64,
    ) -> Result<Change, ReadError> {
        let mut id = SETTLED;
        // Never zero, which is the settled row's.
        id.0[0] = u8::try_from(1 + end / SHORTEST % ROWS).unwrap_or(1);
        let known = reader.control(ControlKind::LedgerMark, id)?;
        let was = known.as_ref().map(|row| row.version);
        let before = known.filter(|row| self.control_holds(row)).and_then(|row| decode(&row.body));
        let end = before.map_or(end, |before| before.max(end));
        Ok(self.put_control(ControlKind::LedgerMark, id, encode(end), was))
    }
}

/// How long the ledger must be, by rows whose seals hold.
pub(in crate::vault) fn reached<'r>(rows: impl IntoIterator<Item = &'r ControlRow>) -> u64 {
    rows.into_iter().filter_map(|row| decode(&row.body)).max().unwrap_or(0)
}

pub(in crate::vault) fn encode(mark: u64) -> Vec<u8> {
    let mut w = codec::Writer::new(1);
    w.u64(mark);
    w.finish()
}

pub(in crate::vault) fn decode(bytes: &[u8]) -> Option<u64> {
    let mut r = codec::Reader::new(bytes, 1)?;
    let mark = r.u64()?;
    r.end().map(|()| mark)
}
