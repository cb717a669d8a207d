//! What outlives a restart, as bytes: a head (position in the log, every client's levels and counts) and chunks of
//! subjects. `vault` seals and stores them; here they are only written and read, strictly.
//!
//! The head is taken after its position: whatever the log says up to there was charged before, so it is inside. What is
//! charged meanwhile is counted twice after a crash, never not at all (I11).

use super::account::{Account, Span};
use super::clients::lock;
use super::seen::{CHUNK, HARD_CAP, Seen, Taken};
use super::{Declared, Limits};
use crate::domain::codec::{Reader, Writer};
use crate::domain::{ClientNo, Timestamp};
use std::collections::BTreeMap;

const FORM: u8 = 1;
/// The row of the head; chunks are `span << 24 | index`.
const HEAD: (ClientNo, u32, i64) = (ClientNo(0), 0, 0);
const SPAN_SHIFT: u32 = 24;

/// A position of the log, with the first bytes of its hash.
pub type Position = (u64, [u8; 12]);

/// One row to keep: who, which part, which period, and its bytes.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Piece {
    /// The client; 0 for the head.
    pub client: ClientNo,
    /// 0 for the head, else kind of set and number of chunk.
    pub rule: u32,
    /// The period.
    pub day: i64,
    /// Its encoding.
    pub body: Vec<u8>,
}

impl Piece {
    /// Whether it is the head, which names what else there must be.
    pub fn is_head(&self) -> bool {
        (self.client, self.rule, self.day) == HEAD
    }
}

/// A snapshot, to be confirmed once it is durable.
pub struct Snapshot {
    /// Rows to write, all in one commit.
    pub pieces: Vec<Piece>,
    /// Rows of these rules before this period are of no use any more.
    pub stale: [(std::ops::Range<u32>, i64); 2],
    marks: Vec<(ClientNo, u64, [Taken; 2])>,
}

fn rules(span: Span) -> std::ops::Range<u32> {
    let first = (span as u32) << SPAN_SHIFT;
    first..first + (1 << SPAN_SHIFT)
}

impl Limits {
    /// What there is to keep. `position` must have been read before this call. `None`: nothing changed since the last.
    pub fn snapshot(&self, position: Position, now: Timestamp) -> Option<Snapshot> {
        let accounts = self.clients.all();
        if accounts.iter().all(|(_, account)| lock(account).is_written()) {
            return None;
        }
        Some(self.full_snapshot(position, now))
    }

    /// The same, whether anything changed or not: it moves the position on.
    pub fn full_snapshot(&self, position: Position, now: Timestamp) -> Snapshot {
        let accounts = self.clients.all();
        let (mut pieces, mut marks) = (Vec::new(), Vec::new());
        let mut head = Writer::new(FORM);
        head.u64(position.0).fixed(&position.1);
        head.u32(u32::try_from(accounts.len()).unwrap_or(u32::MAX));
        for (client, account) in accounts {
            let mut account = lock(&account);
            let ago = self.clients.now_ms().saturating_sub(account.cost.last_ms);
            head.u16(client.0).i64(now.0.div_euclid(1_000).saturating_sub(ago));
            for level in account.cost.levels {
                head.u64(level);
            }
            let taken = Span::ALL.map(|span| {
                let seen = account.seen_mut(span);
                // A set whose period is over is empty from here on: its chunks are stale.
                seen.roll(span.period(now));
                head.i64(seen.period).u32(u32::try_from(seen.len()).unwrap_or(u32::MAX)).bool(seen.exhausted);
                let (chunks, taken) = seen.unwritten();
                pieces.extend(
                    chunks.into_iter().map(|(i, chunk)| piece(client, span, (seen.period, i), &chunk)),
                );
                taken
            });
            marks.push((client, account.changes, taken));
        }
        let (client, rule, day) = HEAD;
        pieces.push(Piece { client, rule, day, body: head.finish() });
        Snapshot { pieces, stale: Span::ALL.map(|span| (rules(span), span.period(now))), marks }
    }

    /// A snapshot is durable.
    pub fn confirm(&self, snapshot: &Snapshot) {
        for (client, changes, taken) in &snapshot.marks {
            self.clients.with(*client, |account, _| {
                account.written = *changes;
                for (span, taken) in Span::ALL.into_iter().zip(taken) {
                    account.seen_mut(span).confirm(*taken);
                }
            });
        }
    }

    /// Takes what a ledger says, before the first request. Time that has passed since its last entry has passed here.
    pub fn adopt(&self, ledger: Ledger, now: Timestamp) {
        let now_ms = self.clients.now_ms();
        for (client, mut account) in ledger.accounts {
            let ago = now.0.div_euclid(1_000).saturating_sub(account.cost.last_ms).max(0);
            account.cost.last_ms = now_ms.saturating_sub(ago);
            account.requests.last_ms = now_ms;
            account.bytes.last_ms = now_ms;
            self.clients.adopt(client, account);
        }
    }
}

impl Account {
    fn is_written(&self) -> bool {
        self.changes == self.written
    }
}

fn piece(client: ClientNo, span: Span, (day, index): (i64, usize), chunk: &[u64]) -> Piece {
    let rule = rules(span).start | u32::try_from(index).unwrap_or(0);
    Piece { client, rule, day, body: chunk.iter().flat_map(|s| s.to_be_bytes()).collect() }
}

/// What clients have used, between the store and the limiters: read back, completed from the log, then adopted. Its time
/// is the wall clock's.
#[derive(Default)]
pub struct Ledger {
    accounts: BTreeMap<ClientNo, Account>,
    /// Subjects each set must have.
    counts: BTreeMap<(ClientNo, u8), usize>,
}

impl Ledger {
    /// Reads a head; `None`: it is not one.
    pub fn read(head: &[u8]) -> Option<(Self, Position)> {
        let mut r = Reader::new(head, FORM)?;
        let position = (r.u64()?, r.array()?);
        let mut ledger = Self::default();
        for _ in 0..r.u32()? {
            let client = ClientNo(r.u16()?);
            let mut account = Account::new(r.i64()?);
            for level in &mut account.cost.levels {
                *level = r.u64()?;
            }
            for span in Span::ALL {
                let (period, count, exhausted) = (r.i64()?, usize::try_from(r.u32()?).ok()?, r.bool()?);
                *account.seen_mut(span) = if exhausted { Seen::exhausted(period) } else { Seen::new(period) };
                if count > HARD_CAP {
                    return None;
                }
                ledger.counts.insert((client, span as u8), count);
            }
            if ledger.accounts.insert(client, account).is_some() {
                return None;
            }
        }
        r.end()?;
        Some((ledger, position))
    }

    /// Puts a chunk back, in the order of rules. Chunks of other periods are leftovers and are passed over.
    pub fn put_back(&mut self, piece: &Piece) {
        let Some(span) = Span::ALL.into_iter().find(|span| rules(*span).contains(&piece.rule)) else {
            return;
        };
        let of = self.counts.get(&(piece.client, span as u8)).copied().unwrap_or(0);
        let Some(account) = self.accounts.get_mut(&piece.client) else { return };
        let seen = account.seen_mut(span);
        let index = usize::try_from(piece.rule - rules(span).start).unwrap_or(usize::MAX);
        let (subjects, rest) = piece.body.as_chunks::<8>();
        if seen.period != piece.day || seen.exhausted || index.saturating_mul(CHUNK) >= of || !rest.is_empty()
        {
            return;
        }
        let subjects: Vec<u64> = subjects.iter().map(|s| u64::from_be_bytes(*s)).collect();
        // What does not fit is missed by `incomplete`.
        let _fits = seen.put_back(index, of, &subjects);
    }

    /// Clients of whose subjects some are missing.
    pub fn incomplete(&self) -> Vec<ClientNo> {
        let lacks = |(client, span): &(ClientNo, u8), count: usize| {
            let seen = self.accounts.get(client).zip(Span::ALL.into_iter().find(|s| *s as u8 == *span));
            seen.is_none_or(|(account, span)| {
                let seen = account.seen(span);
                !seen.exhausted && seen.len() != count
            })
        };
        let mut found: Vec<_> =
            self.counts.iter().filter(|(key, count)| lacks(key, **count)).map(|((c, _), _)| *c).collect();
        found.dedup();
        found
    }

    /// Counts what an event says was charged and seen, at the time of its commit. Events come in order.
    pub fn replay(
        &mut self,
        client: ClientNo,
        declared: &Declared,
        at: Timestamp,
        (cost, subjects): (u32, impl Iterator<Item = u64> + Clone),
    ) {
        self.account(client, at).replay(declared, at, cost, subjects);
    }

    /// Leaves a client nothing: what it used is not known.
    pub fn exhaust(&mut self, client: ClientNo, now: Timestamp) {
        self.account(client, now).exhaust(now);
    }

    /// Begins with full buckets of cost: what was charged before is not known, but drains in time.
    pub fn fill(&mut self, client: ClientNo, at: Timestamp) {
        self.account(client, at).cost.fill(at.0.div_euclid(1_000));
    }

    fn account(&mut self, client: ClientNo, at: Timestamp) -> &mut Account {
        self.accounts.entry(client).or_insert_with(|| Account::new(at.0.div_euclid(1_000)))
    }
}
