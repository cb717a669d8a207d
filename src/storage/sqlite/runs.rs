//! The sorted runs of the projection: which keys occur at which positions of a stretch of the log, packed in chunks.
//!
//! For the index. A run covers a block of positions, and its place says which: run `n` of level `l` covers
//! `n << bits(l) .. (n + 1) << bits(l)`, so a number of finished blocks names all runs there are. Thirty-two runs of a level
//! become one of the next. Runs are only ever written whole and read; they decide nothing, and a malformed one is an error.
//!
//! A chunk's row carries its first entry; its body holds the rest, ascending. An entry is a varint whose lowest bit says
//! whether the key is a new one: `position step << 1` or `position in the run << 1 | 1` and then the step of the key.

use super::rows::signed;
use crate::storage::errors::ReadError;
use rusqlite::{Connection, params};
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Where the levels end: runs of this one are not merged any further.
const TOP: u8 = 2;
/// A chunk is full here: four of them fill a page of the table, and none needs an overflow page.
const FULL: usize = 900;

pub(super) const TABLE: &str = "CREATE TABLE IF NOT EXISTS chunks(level INTEGER NOT NULL, run INTEGER NOT NULL, kind INTEGER NOT NULL, \
     k INTEGER NOT NULL, pos INTEGER NOT NULL, body BLOB NOT NULL, PRIMARY KEY(level, run, kind, k, pos)) STRICT, WITHOUT ROWID;";

/// Kind of key, first eight bytes of the key, position.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) struct Entry {
    pub(super) kind: u8,
    pub(super) key: u64,
    pub(super) pos: u64,
}

/// How many positions a block holds, and how many runs make one of the next level, as powers of two.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) block: u32,
    pub(super) fan: u32,
}

/// Blocks of 1 024 positions; runs of 1 024, 32 768 and 1 048 576.
pub(super) const SHAPE: Shape = Shape { block: 10, fan: 5 };

impl Shape {
    /// The runs there are when that many blocks are finished, newest first.
    pub(super) fn runs(self, blocks: u64) -> impl Iterator<Item = (u8, u64)> {
        (0..=TOP).flat_map(move |level| {
            let end = blocks >> (self.fan * u32::from(level));
            let first = if level == TOP { 0 } else { (end >> self.fan) << self.fan };
            (first..end).rev().map(move |run| (level, run))
        })
    }
    /// The first position of a run.
    pub(super) fn base(self, level: u8, run: u64) -> u64 {
        run << (self.block + self.fan * u32::from(level))
    }
    /// The block a position belongs to.
    pub(super) fn block_of(self, pos: u64) -> u64 {
        pos >> self.block
    }
    /// The levels above 0 that are complete once this many blocks are, each with the number of its new run.
    fn completed(self, blocks: u64) -> impl Iterator<Item = (u8, u64)> {
        (1..=TOP)
            .map(move |level| (level, self.fan * u32::from(level)))
            .take_while(move |(_, bits)| blocks.trailing_zeros() >= *bits)
            .map(move |(level, bits)| (level, (blocks >> bits).saturating_sub(1)))
    }
}

/// Order of keys as SQLite orders integers.
fn column(key: u64) -> i64 {
    (key ^ (1 << 63)).cast_signed()
}
fn from_column(k: i64) -> u64 {
    k.cast_unsigned() ^ (1 << 63)
}

/// Writes block `block` from its entries (ascending, each once), and merges what is complete by it.
pub(super) fn add(conn: &Connection, shape: Shape, block: u64, entries: &[Entry]) -> Result<(), ReadError> {
    let mut packer = Packer::new(conn, shape, (0, block));
    entries.iter().try_for_each(|entry| packer.put(*entry))?;
    packer.flush()?;
    shape.completed(block + 1).try_for_each(|(level, run)| merge(conn, shape, level, run))
}

/// Positions of a key in one run below `below`, newest first, appended to `out` until it holds `limit`.
pub(super) fn find(
    conn: &Connection,
    (shape, level, run): (Shape, u8, u64),
    (kind, key, below): (u8, u64, u64),
    limit: usize,
    out: &mut Vec<u64>,
) -> Result<(), ReadError> {
    let base = shape.base(level, run);
    if base >= below {
        return Ok(());
    }
    let mut statement = conn.prepare_cached(
        "SELECT k, pos, body FROM chunks WHERE level = ?1 AND run = ?2 AND kind = ?3 AND (k, pos) <= (?4, ?5) \
         ORDER BY k DESC, pos DESC",
    )?;
    let mut rows = statement.query(params![level, signed(run), kind, column(key), signed(below - 1)])?;
    while let Some(row) = rows.next()? {
        let first = Entry { kind, key: from_column(row.get(0)?), pos: super::rows::count(row.get(1)?)? };
        let body = super::rows::blob(row.get_ref(2)?)?;
        let here = unpack(first, base, body)?;
        let wanted = here.iter().rev().filter(|e| e.key == key && e.pos < below).map(|e| e.pos);
        out.extend(wanted.take(limit - out.len()));
        if out.len() == limit || first.key != key {
            break;
        }
    }
    Ok(())
}

/// The runs below become run `run` of `level`, and cease to be. Each has positions above those of the one before, so of
/// equal keys the earlier run's entries come first, and all of them.
fn merge(conn: &Connection, shape: Shape, level: u8, run: u64) -> Result<(), ReadError> {
    let below = level - 1;
    let parts = (run << shape.fan)..((run + 1) << shape.fan);
    let mut cursors: Vec<Cursor> = parts
        .clone()
        .map(|part| Cursor { at: (below, part), last: None, rest: Vec::new().into_iter() })
        .collect();
    let mut heap = BinaryHeap::with_capacity(cursors.len());
    for (n, cursor) in cursors.iter_mut().enumerate() {
        heap.extend(cursor.next(conn, shape)?.map(|entry| Reverse((entry, n))));
    }
    let mut packer = Packer::new(conn, shape, (level, run));
    while let Some(Reverse((mut entry, n))) = heap.pop() {
        let key = (entry.kind, entry.key);
        let Some(cursor) = cursors.get_mut(n) else { return Err(ReadError::Corrupt) };
        loop {
            packer.put(entry)?;
            match cursor.next(conn, shape)? {
                Some(next) if (next.kind, next.key) == key => entry = next,
                other => {
                    heap.extend(other.map(|entry| Reverse((entry, n))));
                    break;
                }
            }
        }
    }
    packer.flush()?;
    conn.prepare_cached("DELETE FROM chunks WHERE level = ?1 AND run >= ?2 AND run < ?3")?
        .execute(params![below, signed(parts.start), signed(parts.end)])?;
    Ok(())
}

/// Reads a run, one chunk at a time: a merge holds no more than a chunk of each.
struct Cursor {
    at: (u8, u64),
    /// The first entry of the chunk last read.
    last: Option<Entry>,
    rest: std::vec::IntoIter<Entry>,
}

impl Cursor {
    fn next(&mut self, conn: &Connection, shape: Shape) -> Result<Option<Entry>, ReadError> {
        if let Some(entry) = self.rest.next() {
            return Ok(Some(entry));
        }
        let (level, run) = self.at;
        let after = self.last.map_or((-1, 0, 0), |e| (i64::from(e.kind), column(e.key), signed(e.pos)));
        let mut statement = conn.prepare_cached(
            "SELECT kind, k, pos, body FROM chunks WHERE level = ?1 AND run = ?2 AND (kind, k, pos) > (?3, ?4, ?5) \
             ORDER BY kind, k, pos LIMIT 1",
        )?;
        let mut rows = statement.query(params![level, signed(run), after.0, after.1, after.2])?;
        let Some(row) = rows.next()? else { return Ok(None) };
        let first =
            Entry { kind: row.get(0)?, key: from_column(row.get(1)?), pos: super::rows::count(row.get(2)?)? };
        self.last = Some(first);
        self.rest = unpack(first, shape.base(level, run), super::rows::blob(row.get_ref(3)?)?)?.into_iter();
        Ok(self.rest.next())
    }
}

/// Packs ascending entries into chunks of a run.
struct Packer<'c> {
    conn: &'c Connection,
    at: (u8, u64),
    base: u64,
    /// First and last entry of the open chunk.
    open: Option<(Entry, Entry)>,
    body: Vec<u8>,
}

impl<'c> Packer<'c> {
    fn new(conn: &'c Connection, shape: Shape, (level, run): (u8, u64)) -> Self {
        let base = shape.base(level, run);
        Self { conn, at: (level, run), base, open: None, body: Vec::with_capacity(FULL + 32) }
    }
    fn put(&mut self, entry: Entry) -> Result<(), ReadError> {
        match &mut self.open {
            Some((first, last)) if first.kind == entry.kind && self.body.len() < FULL => {
                if last.key == entry.key {
                    varint(&mut self.body, (entry.pos - last.pos) << 1);
                } else {
                    varint(&mut self.body, (entry.pos - self.base) << 1 | 1);
                    varint(&mut self.body, entry.key - last.key);
                }
                *last = entry;
            }
            _ => {
                self.flush()?;
                self.open = Some((entry, entry));
            }
        }
        Ok(())
    }
    fn flush(&mut self) -> Result<(), ReadError> {
        if let Some((first, _)) = self.open.take() {
            let (level, run) = self.at;
            self.conn
                .prepare_cached(
                    "INSERT INTO chunks(level, run, kind, k, pos, body) VALUES(?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT DO NOTHING",
                )?
                .execute(params![level, signed(run), first.kind, column(first.key), signed(first.pos), self.body])?;
            self.body.clear();
        }
        Ok(())
    }
}

/// Seven bits a byte, lowest first, the top bit says that more follow.
fn varint(out: &mut Vec<u8>, mut n: u64) {
    while n >= 0x80 {
        out.push((n & 0x7f) as u8 | 0x80);
        n >>= 7;
    }
    out.push(n as u8);
}

fn read_varint(bytes: &mut &[u8]) -> Option<u64> {
    let (mut n, mut shift) = (0_u64, 0_u32);
    loop {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        n |= u64::from(byte & 0x7f).checked_shl(shift)?;
        if byte & 0x80 == 0 {
            return Some(n);
        }
        shift += 7;
    }
}

fn unpack(first: Entry, base: u64, mut body: &[u8]) -> Result<Vec<Entry>, ReadError> {
    let mut out = Vec::with_capacity(1 + body.len() / 2);
    let mut last = first;
    out.push(first);
    while !body.is_empty() {
        last = step(last, base, &mut body).ok_or(ReadError::Corrupt)?;
        out.push(last);
    }
    Ok(out)
}

fn step(last: Entry, base: u64, body: &mut &[u8]) -> Option<Entry> {
    let n = read_varint(body)?;
    Some(if n & 1 == 0 {
        Entry { pos: last.pos.checked_add(n >> 1)?, ..last }
    } else {
        let key = last.key.checked_add(read_varint(body)?)?;
        Entry { key, pos: base.checked_add(n >> 1)?, ..last }
    })
}

#[cfg(test)]
mod tests;
