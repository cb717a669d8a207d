//! Remembered outcomes: one row per client and key for 24 hours, written in the set it belongs to.
//!
//! For the writer and housekeeping. Two equal requests in one batch meet at the primary key; the second gets the first's row.

use super::rows;
use crate::domain::{ClientNo, Timestamp};
use crate::storage::errors::ReadError;
use crate::storage::rows::IdempotencyRow;
use rusqlite::{Connection, params};
use std::time::Duration;

/// How long an outcome is remembered.
pub const REMEMBERED: Duration = Duration::from_secs(24 * 3_600);

/// Rows looked at in one sweep: bounded, whatever the table holds (I10).
const SWEEP: usize = 1_000;

/// Rows written before this instant are forgotten, whether they are deleted yet or not.
pub(super) fn cutoff(now: Timestamp) -> Timestamp {
    Timestamp(now.0.saturating_sub(i64::try_from(REMEMBERED.as_micros()).unwrap_or(i64::MAX)))
}

/// Writes the row unless the key is remembered; `false`: it is.
pub(super) fn remember(conn: &Connection, row: &IdempotencyRow, now: Timestamp) -> rusqlite::Result<bool> {
    let written = conn
        .prepare_cached(
            "INSERT INTO idempotency(client, k, body, at_us, result) VALUES(?1, ?2, ?3, ?4, ?5) ON CONFLICT(client, k) DO \
             UPDATE SET body = excluded.body, at_us = excluded.at_us, result = excluded.result WHERE at_us < ?6",
        )?
        .execute(params![
            row.client.0,
            row.key.as_slice(),
            row.body.as_slice(),
            row.at.0,
            row.result,
            cutoff(now).0
        ])?;
    Ok(written == 1)
}

/// The row that is remembered for a key.
pub(super) fn find(
    conn: &Connection,
    client: ClientNo,
    key: &[u8; 16],
    now: Timestamp,
) -> Result<Option<IdempotencyRow>, ReadError> {
    let mut statement = conn.prepare_cached(
        "SELECT body, at_us, result FROM idempotency WHERE client = ?1 AND k = ?2 AND at_us >= ?3",
    )?;
    let mut found = statement.query(params![client.0, key.as_slice(), cutoff(now).0])?;
    found.next()?.map(|row| rows::idempotency(row, client, key)).transpose()
}

/// Client and key of a row.
pub(super) type Key = (u16, Vec<u8>);
/// Where a sweep goes on: after this row.
pub(super) type Cursor = Option<Key>;

/// Keys to forget among the next rows after `cursor`, and where to go on (`None`: from the start).
pub(super) fn sweep(
    conn: &Connection,
    cursor: Cursor,
    now: Timestamp,
) -> rusqlite::Result<(Vec<Key>, Cursor)> {
    let (client, key) = cursor.unwrap_or((0, Vec::new()));
    let mut statement = conn.prepare_cached(
        "SELECT client, k, at_us FROM idempotency WHERE (client, k) > (?1, ?2) ORDER BY client, k LIMIT ?3",
    )?;
    let seen: Vec<(u16, Vec<u8>, i64)> = statement
        .query_map(params![client, key, i64::try_from(SWEEP).unwrap_or(1)], |r| {
            Ok((r.get(0)?, r.get(1)?, r.get(2)?))
        })?
        .collect::<Result<_, _>>()?;
    let next = seen.last().filter(|_| seen.len() == SWEEP).map(|(c, k, _)| (*c, k.clone()));
    let limit = cutoff(now).0;
    Ok((seen.into_iter().filter(|(_, _, at)| *at < limit).map(|(c, k, _)| (c, k)).collect(), next))
}

/// Deletes rows the sweep found, unless they were written anew meanwhile.
pub(super) fn forget(conn: &Connection, keys: &[Key], now: Timestamp) -> rusqlite::Result<()> {
    let mut statement =
        conn.prepare_cached("DELETE FROM idempotency WHERE client = ?1 AND k = ?2 AND at_us < ?3")?;
    keys.iter().try_for_each(|(c, k)| statement.execute(params![c, k, cutoff(now).0]).map(drop))
}
