//! Limits that last: what clients have used of their cost and subjects is a projection of the log (architecture, idea 4).
//!
//! Every few seconds it is written down, sealed, with the position of the log it includes; at the start it is read back and
//! the log after that position is counted on top. A crash loses no charge of a request that was answered: an answer
//! follows its event, the event names cost and subjects, and the position is read before the snapshot is taken, so an
//! event is in the snapshot, in the tail, or (charged just before a crash) in both: never in neither. What is doubted is
//! used up, never given back (I11): a seal that fails, a chunk that is missing, a log that does not chain or is too long.

use crate::audit::{self, Row};
use crate::crypto::Table;
use crate::domain::disclosure::LogHead;
use crate::domain::event::{Act, EventBody, Principal};
use crate::domain::record::RowSeal;
use crate::domain::{ClientNo, Timestamp, Version};
use crate::limits::{Ledger, Piece, Position};
use crate::policy::{ClientLimits, Policy};
use crate::storage::{LimitRow, ReadError};
use crate::vault::Vault;
use crate::vault::charge::declared;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// Most events counted at a start; a few seconds' work. Snapshots keep the tail far shorter.
const MOST_EVENTS: u64 = 1_000_000;
/// A snapshot is written though nothing changed when the log is so far ahead of the last.
const FAR_BEHIND: u64 = 50_000;
/// Without a snapshot the log of so long is counted: after it every bucket has drained and every set begun anew.
const HORIZON: Duration = Duration::from_secs(48 * 3_600);
/// Rows read at a time.
const PAGE: usize = 1_024;

/// What was last written.
#[derive(Default)]
pub(in crate::vault) struct Kept {
    position: AtomicU64,
    hour: AtomicI64,
}

/// Where counting begins: after this position, whose hash this is.
struct Start {
    position: u64,
    hash: [u8; 32],
}

/// The log cannot be counted on.
enum Doubt {
    Read(ReadError),
    Log(&'static str),
}

impl From<ReadError> for Doubt {
    fn from(error: ReadError) -> Self {
        Self::Read(error)
    }
}

fn row_key(client: ClientNo, rule: u32, day: i64, position: u64) -> [u8; 22] {
    let mut key = [0; 22];
    let parts = client.0.to_be_bytes().into_iter().chain(rule.to_be_bytes());
    let parts = parts.chain(day.to_be_bytes()).chain(position.to_be_bytes());
    key.iter_mut().zip(parts).for_each(|(to, from)| *to = from);
    key
}

/// The subjects an event counted against its client: those of a detokenize or a search, nothing else's.
fn counted(body: &EventBody) -> &[crate::domain::Ref8] {
    if matches!(body.act, Act::Detokenize | Act::Search) { &body.subjects } else { &[] }
}

impl Vault {
    /// Writes down what clients have used, if anything changed. `false`: it could not be written, and is tried again.
    pub async fn keep_limits(&self) -> bool {
        // First the position, then the counters: what is on the log up to here was charged before.
        let head = self.store().log_head();
        let (position, now): (Position, _) = ((head.size, head.hash12), self.now());
        let behind = head.size.saturating_sub(self.kept.position.load(Ordering::Relaxed));
        let snapshot = if behind > FAR_BEHIND {
            Some(self.limits().full_snapshot(position, now))
        } else {
            self.limits().snapshot(position, now)
        };
        let Some(snapshot) = snapshot else { return true };
        let rows = snapshot.pieces.iter().map(|piece| self.limit_row(piece, head.size)).collect();
        let hour = now.0.div_euclid(3_600_000_000);
        let stale =
            if self.kept.hour.load(Ordering::Relaxed) == hour { Vec::new() } else { snapshot.stale.to_vec() };
        if let Err(error) = self.store().keep_limits(rows, stale).await {
            tracing::warn!(
                event = "limits_not_kept",
                code = error.to_string(),
                "limits could not be written down"
            );
            return false;
        }
        self.limits().confirm(&snapshot);
        self.kept.position.store(head.size, Ordering::Relaxed);
        self.kept.hour.store(hour, Ordering::Relaxed);
        true
    }

    fn limit_row(&self, piece: &Piece, position: u64) -> LimitRow {
        let Piece { client, rule, day, body } = piece;
        let key = row_key(*client, *rule, *day, position);
        let seal = self.keys().seal_row(Table::Limits, &key, Version(1), body);
        let state = [&seal.0[..], body].concat();
        LimitRow { client: *client, rule: *rule, day: *day, audit_pos: position, state }
    }

    /// The bytes of a row whose seal holds.
    fn limit_piece(&self, row: &LimitRow) -> Option<Piece> {
        let (seal, body) = row.state.split_first_chunk::<17>()?;
        let key = row_key(row.client, row.rule, row.day, row.audit_pos);
        let holds = self.keys().check_row(Table::Limits, &key, Version(1), body, &RowSeal(*seal)).is_ok();
        holds.then(|| Piece { client: row.client, rule: row.rule, day: row.day, body: body.to_vec() })
    }

    /// Brings back what clients have used, before the first request.
    pub(in crate::vault) fn restore_limits(&self) -> Result<(), ReadError> {
        let now = self.now();
        let (mut ledger, start) = match self.kept_ledger()? {
            Some((ledger, position)) => (ledger, self.start_at(position)),
            None => {
                let (ledger, start) = self.ledger_of_the_log(now)?;
                (ledger, Ok(start))
            }
        };
        for client in ledger.incomplete() {
            self.doubt("subjects that a client has read are missing from the snapshot");
            ledger.exhaust(client, now);
        }
        let counted = start.and_then(|start| self.count_on(&mut ledger, start));
        match counted {
            Ok(()) => {}
            Err(Doubt::Read(error)) => return Err(error),
            Err(Doubt::Log(why)) => {
                self.doubt(why);
                self.policy().clients().for_each(|client| ledger.exhaust(client.no, now));
            }
        }
        self.limits().adopt(ledger, now);
        Ok(())
    }

    fn doubt(&self, why: &'static str) {
        self.integrity_failed();
        tracing::error!(
            event = "limits_unsure",
            code = why,
            "limits count as used up: what was used is not sure"
        );
    }

    /// The snapshot, with its position; `None`: there is none, or none that can be believed.
    fn kept_ledger(&self) -> Result<Option<(Ledger, Position)>, ReadError> {
        let rows = match self.store().read(|reader| reader.limits()) {
            Err(ReadError::Corrupt) => {
                self.doubt("a row of the snapshot is malformed; the log of two days is counted instead");
                return Ok(None);
            }
            read => read?,
        };
        let Some(row) = rows.iter().find(|row| row.client == ClientNo(0) && row.rule == 0 && row.day == 0)
        else {
            return Ok(None);
        };
        let head = self.limit_piece(row).filter(Piece::is_head);
        let Some((mut ledger, position)) = head.and_then(|piece| Ledger::read(&piece.body)) else {
            self.doubt("the head of the snapshot fails its seal; the log of two days is counted instead");
            return Ok(None);
        };
        for row in rows.iter().filter(|row| row.rule != 0) {
            match self.limit_piece(row) {
                Some(piece) => ledger.put_back(&piece),
                // Whether it is needed shows when the sets are counted.
                None => self.doubt("a row of the snapshot fails its seal"),
            }
        }
        Ok(Some((ledger, position)))
    }

    /// The snapshot's position, if it is on this log.
    fn start_at(&self, (position, hash12): Position) -> Result<Start, Doubt> {
        let row = self.store().audit_row(position)?;
        let row = row.filter(|row| LogHead::from_hash(row.pos, &row.hash).hash12 == hash12);
        match row {
            Some(row) => Ok(Start { position, hash: row.hash }),
            None if position == 0 => Ok(Start { position, hash: audit::GENESIS }),
            None => Err(Doubt::Log("the snapshot is of another log, or the log was cut")),
        }
    }

    /// No snapshot: the log of the last two days, on top of full buckets if there is an older one.
    fn ledger_of_the_log(&self, now: Timestamp) -> Result<(Ledger, Start), ReadError> {
        let horizon = Timestamp(now.0.saturating_sub(i64::try_from(HORIZON.as_micros()).unwrap_or(i64::MAX)));
        let (mut low, mut high) = (0, self.store().log_head().size);
        // The last row before the horizon; a row that is gone was archived, and is older.
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            let older = self.store().audit_row(middle)?.is_none_or(|row| row.at < horizon);
            (low, high) = if older { (middle, high) } else { (low, middle - 1) };
        }
        let mut ledger = Ledger::default();
        let Some(before) = self.store().audit_row(low)? else {
            return Ok((ledger, Start { position: low, hash: audit::GENESIS }));
        };
        self.policy().clients().for_each(|client| ledger.fill(client.no, horizon));
        Ok((ledger, Start { position: low, hash: before.hash }))
    }

    /// Counts what the log says after a position.
    fn count_on(&self, ledger: &mut Ledger, start: Start) -> Result<(), Doubt> {
        let end = self.store().log_head().size;
        if end < start.position || end - start.position > MOST_EVENTS {
            return Err(Doubt::Log("the log after the snapshot is too long to count, or was cut"));
        }
        let policy = self.policy();
        let (mut position, mut hash) = (start.position, start.hash);
        while position < end {
            let rows = self.store().audit_range(position + 1, PAGE)?;
            if rows.is_empty() {
                return Err(Doubt::Log("the log has a gap after the snapshot"));
            }
            for row in rows {
                let genuine =
                    row.pos == position + 1 && audit::chain(&hash, &row.link(), &row.body) == row.hash;
                let counted = genuine.then(|| count(ledger, &policy, &row)).flatten();
                counted.ok_or(Doubt::Log("the log after the snapshot does not chain"))?;
                (position, hash) = (row.pos, row.hash);
            }
        }
        Ok(())
    }
}

/// Counts one event; `None`: it is none.
fn count(ledger: &mut Ledger, policy: &Policy, row: &Row) -> Option<()> {
    let body = audit::decode(&row.body).ok()?;
    let Principal::Client(name) = &body.principal else { return Some(()) };
    let subjects = counted(&body);
    if body.cost == 0 && subjects.is_empty() {
        return Some(());
    }
    // A client that the policy no longer declares calls no more.
    let Some(facts) = policy.client(name) else { return Some(()) };
    let (client, limits): (ClientNo, ClientLimits) = (facts.no, facts.limits);
    let subjects = subjects.iter().map(|s| u64::from_be_bytes(s.0));
    ledger.replay(client, &declared(limits, row.at), row.at, (body.cost, subjects));
    Some(())
}
