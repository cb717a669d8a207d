//! The offline verifier: reads a log row by row and names the first position where it is not the log that was
//! written (P11, A35).
//!
//! Knows nothing of the store: rows come from an iterator, so the same code checks a live database, a backup and an
//! export. One chain runs over all boots; memory grows with the number of boots, not of events. An unkeyed chain
//! cannot tell a log rewritten from end to end: that takes a [`Checkpoint`] kept elsewhere.

use super::bounds::item_is_well_formed;
use super::chain::{GENESIS, Link, chain};
use super::checkpoint::Checkpoint;
use super::decode::{Malformed, decode};
use crate::domain::Timestamp;
use crate::domain::disclosure::LogHead;
use crate::domain::event::{Act, EventBody, Outcome};
use std::collections::{BTreeMap, HashSet};
use std::fmt::Display;

/// One row of the log as the store holds it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Row {
    /// Position, from 1.
    pub pos: u64,
    /// The node that wrote it.
    pub node: u32,
    /// The boot of that node.
    pub boot: u64,
    /// The event's number within the boot, from 0.
    pub seq: u64,
    /// When it was committed.
    pub at: Timestamp,
    /// The encoded event.
    pub body: Vec<u8>,
    /// The hash stored with it.
    pub hash: [u8; 32],
}

impl Row {
    /// The row's place in its chain.
    pub fn link(&self) -> Link {
        Link { node: self.node, boot: self.boot, seq: self.seq, at: self.at }
    }
}

/// Where and why a log does not verify.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("audit log broken at position {position}: {reason}")]
pub struct Broken {
    /// The first bad position.
    pub position: u64,
    /// What is wrong there.
    pub reason: Reason,
}

/// What is wrong at a position.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum Reason {
    /// The store could not read the row.
    #[error("the row cannot be read ({0})")]
    Unreadable(String),
    /// Rows are missing, repeated or out of order.
    #[error("found position {found} in its place: rows are missing, repeated or out of order")]
    Position {
        /// The position that stands there.
        found: u64,
    },
    /// The row neither follows the one before in its boot nor starts a boot at 0.
    #[error("sequence number {found} where {expected} was due: events are missing or out of order")]
    Sequence {
        /// The number due.
        expected: u64,
        /// The number found.
        found: u64,
    },
    /// A boot that had ended goes on or starts again.
    #[error("boot {boot} of node {node} appears a second time")]
    BootReused {
        /// The node.
        node: u32,
        /// The boot.
        boot: u64,
    },
    /// A boot begins with something else than its boot event.
    #[error("the boot's first event is not a boot event")]
    NotBoot,
    /// A boot event amid a boot.
    #[error("a boot event amid a boot")]
    StrayBoot,
    /// The vault was created elsewhere than where a vault is created.
    #[error(
        "an init event elsewhere than at position 2: a vault is created once, right after its first boot event"
    )]
    StrayInit,
    /// The hash does not follow from the row and the one before.
    #[error("the hash does not match: this row or its link to the one before was altered")]
    Hash,
    /// Committed before the one before it.
    #[error("the commit time lies before that of the row before")]
    Time,
    /// The body is no canonical event.
    #[error("the body is malformed: {0}")]
    Body(#[from] Malformed),
    /// An item says what no item can.
    #[error("an item of the event is not well-formed")]
    Item,
    /// The log ends before the checkpoint.
    #[error(
        "the log ends here, but a checkpoint of {expected} events was given: it was truncated or rolled back"
    )]
    Truncated {
        /// Size the checkpoint promises.
        expected: u64,
    },
    /// The log at the checkpoint's size is another one.
    #[error("the hash here is not the checkpoint's: the log was rewritten or rolled back and continued")]
    Checkpoint,
}

/// What a log that verifies contains.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Summary {
    /// Number of events.
    pub events: u64,
    /// Number of boots.
    pub boots: u64,
    /// When the first event was committed.
    pub first: Option<Timestamp>,
    /// When the last event was committed.
    pub last: Option<Timestamp>,
    /// The head of the log.
    pub head: LogHead,
    /// The whole hash of the last event.
    pub hash: [u8; 32],
    /// Events per act.
    pub acts: BTreeMap<Act, u64>,
    /// Events per outcome, in the order of [`Outcome`]'s numbers.
    pub outcomes: BTreeMap<u8, u64>,
}

impl Summary {
    /// How many events ended so.
    pub fn ended(&self, outcome: Outcome) -> u64 {
        self.outcomes.get(&(outcome as u8)).copied().unwrap_or(0)
    }
}

/// Verifies a whole log, and that it is or continues the log of `expectation`.
pub fn verify<E: Display>(
    rows: impl Iterator<Item = Result<Row, E>>,
    expectation: Option<Checkpoint>,
) -> Result<Summary, Broken> {
    let mut verifier = Verifier::new(expectation)?;
    for row in rows {
        match row {
            Ok(row) => drop(verifier.push(&row)?),
            Err(error) => return Err(verifier.broken(Reason::Unreadable(error.to_string()))),
        }
    }
    verifier.finish()
}

/// The verifier, one row at a time.
#[derive(Debug)]
pub struct Verifier {
    expectation: Option<Checkpoint>,
    previous: Option<Link>,
    boots: HashSet<(u32, u64)>,
    summary: Summary,
}

impl Verifier {
    /// Starts before the first row.
    pub fn new(expectation: Option<Checkpoint>) -> Result<Self, Broken> {
        let head = LogHead::from_hash(0, &GENESIS);
        if expectation.is_some_and(|at| at.size == 0 && at != Checkpoint::from(head)) {
            return Err(Broken { position: 0, reason: Reason::Checkpoint });
        }
        let summary = Summary {
            events: 0,
            boots: 0,
            first: None,
            last: None,
            head,
            hash: GENESIS,
            acts: BTreeMap::new(),
            outcomes: BTreeMap::new(),
        };
        Ok(Self { expectation, previous: None, boots: HashSet::new(), summary })
    }

    /// Takes the next row; gives its event back, for whoever wants to look at it on the way.
    pub fn push(&mut self, row: &Row) -> Result<EventBody, Broken> {
        self.judge(row).map_err(|reason| self.broken(reason))
    }

    /// Ends the log here.
    pub fn finish(self) -> Result<Summary, Broken> {
        match self.expectation {
            Some(at) if self.summary.events < at.size => {
                Err(self.broken(Reason::Truncated { expected: at.size }))
            }
            _ => Ok(self.summary),
        }
    }

    /// Something is wrong with the row that is due.
    fn broken(&self, reason: Reason) -> Broken {
        Broken { position: self.summary.events.saturating_add(1), reason }
    }

    fn judge(&mut self, row: &Row) -> Result<EventBody, Reason> {
        let pos = self.summary.events.saturating_add(1);
        if row.pos != pos {
            return Err(Reason::Position { found: row.pos });
        }
        let starts = self.follows(row)?;
        if chain(&self.summary.hash, &row.link(), &row.body) != row.hash {
            return Err(Reason::Hash);
        }
        if self.previous.is_some_and(|previous| row.at < previous.at) {
            return Err(Reason::Time);
        }
        let body = decode(&row.body)?;
        self.begins_well(starts, body.act)?;
        if !body.items.iter().all(|item| item_is_well_formed(body.act, item)) {
            return Err(Reason::Item);
        }
        let head = LogHead::from_hash(pos, &row.hash);
        if self.expectation.is_some_and(|at| at.size == pos && at.hash12 != head.hash12) {
            return Err(Reason::Checkpoint);
        }
        self.accept(row, &body, head);
        Ok(body)
    }

    /// Whether the row starts a boot; an error when it neither does nor follows.
    fn follows(&self, row: &Row) -> Result<bool, Reason> {
        let (node, boot, found) = (row.node, row.boot, row.seq);
        let expected = match self.previous {
            Some(p) if (p.node, p.boot) == (node, boot) => p.seq.checked_add(1),
            _ if self.boots.contains(&(node, boot)) => return Err(Reason::BootReused { node, boot }),
            _ => Some(0),
        };
        match expected {
            Some(expected) if expected == found => Ok(found == 0),
            expected => Err(Reason::Sequence { expected: expected.unwrap_or(u64::MAX), found }),
        }
    }

    /// A boot begins with its boot event; the vault's creation follows the first of them, and neither comes again.
    fn begins_well(&self, starts: bool, act: Act) -> Result<(), Reason> {
        match act {
            Act::Boot if starts => Ok(()),
            Act::Boot => Err(Reason::StrayBoot),
            _ if starts => Err(Reason::NotBoot),
            Act::Init if self.summary.events != 1 => Err(Reason::StrayInit),
            _ => Ok(()),
        }
    }

    fn accept(&mut self, row: &Row, body: &EventBody, head: LogHead) {
        if self.boots.insert((row.node, row.boot)) {
            self.summary.boots += 1;
        }
        self.previous = Some(row.link());
        let summary = &mut self.summary;
        summary.events = row.pos;
        summary.first.get_or_insert(row.at);
        summary.last = Some(row.at);
        summary.head = head;
        summary.hash = row.hash;
        *summary.acts.entry(body.act).or_default() += 1;
        *summary.outcomes.entry(body.outcome as u8).or_default() += 1;
    }
}
