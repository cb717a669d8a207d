//! Ledger and rows brought together: at the start, before anything is served, and by upkeep for what a client left open.
//!
//! At the start the ledger is right: a record it names and that is there was brought back by an older copy of the database,
//! or its erasure was cut off by a crash. It is erased, with an event that says so. While serving, a line whose erasure was
//! refused is taken back.

use super::ledger::{Line, Planned};
use super::mark::{SETTLED, decode, encode, reached};
use crate::domain::disclosure::EventTicket;
use crate::domain::entropy::{Entropy, OsEntropy};
use crate::domain::event::{Act, Event, EventBody, EventItem, Outcome, Principal};
use crate::domain::{CommitNo, ControlKind, FieldNo, Id16, MAX_COUNTER, Object, RecordId};
use crate::storage::{Change, ChangeSet, CommitError, LedgerError, ReadError};
use crate::vault::Vault;
use std::collections::BTreeMap;

/// Most erasures in one commit.
const AT_ONCE: usize = 250;
/// How far the settled mark may stay behind: what is read again at each start.
const MARK_EVERY: u64 = 256 * 1024;
/// Why a vault does not serve: what its ledger says could not be carried out.
#[derive(Debug, thiserror::Error)]
pub enum SettleError {
    /// The file.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
    /// A line is not this vault's.
    #[error("line {0} of erasures.log is not one this vault wrote; put the right file back")]
    Foreign(usize),
    /// The store.
    #[error("the store cannot be read: {0}")]
    Read(#[from] ReadError),
    /// The commit.
    #[error("what erasures.log names could not be erased: {0}")]
    Commit(#[from] CommitError),
    /// No randomness.
    #[error("the operating system gave no random bytes")]
    Entropy,
}

impl Vault {
    /// Erases what the ledger names and what is there nevertheless; how many.
    pub async fn settle_ledger(&self) -> Result<usize, SettleError> {
        let mut marks = self.store().read(|r| r.controls(ControlKind::LedgerMark))?;
        let version = marks.iter().find(|row| row.id == SETTLED).map(|row| row.version);
        marks.retain(|row| self.control_holds(row));
        let settled = marks.iter().find(|row| row.id == SETTLED);
        let from = settled.and_then(|row| decode(&row.body)).unwrap_or(0);
        let length = self.store().ledger().length();
        let known = reached(&marks);
        if length < known {
            return Err(LedgerError::Short.into());
        }
        // One record may have been asked for by several at once: each erasure stands or is taken back for itself.
        let mut named: BTreeMap<(RecordId, Id16), Planned> = BTreeMap::new();
        let (mut number, mut given, mut at) = (0, 0, 0);
        let mark = self.store().locator_mark();
        self.store().ledger().lines_from(0, |text| {
            number += 1;
            let is_settled = at < from;
            at += text.len() as u64 + 1;
            // Of what is settled only the counters matter still, and only those a lowered mark would give out again.
            if is_settled && Line::counter(text).is_some_and(|counter| counter < mark) {
                return Ok(());
            }
            match Line::read(self.keys(), text).ok_or(SettleError::Foreign(number))? {
                Line::Erase(planned) => {
                    given = given.max(planned.record.0.counter());
                    if !is_settled {
                        named.insert((planned.record, planned.certificate), planned);
                    }
                }
                Line::Void(record, certificate, _) => {
                    named.remove(&(record, certificate));
                }
            }
            Ok::<_, SettleError>(())
        })?;
        let mut named: Vec<Planned> = named.into_values().collect();
        // One erasure a record: two that stand are of one end that nobody saw.
        named.dedup_by_key(|planned| planned.record);
        // A counter the ledger names was given out, also when an older copy of the database does not know it any more.
        self.store().set_locator_mark((given + 1).min(MAX_COUNTER)).await?;
        let mut erased = 0;
        for some in named.chunks(AT_ONCE) {
            erased += self.erase_again(some).await?;
        }
        if length > known || length.saturating_sub(from) >= MARK_EVERY {
            let change = self.put_control(ControlKind::LedgerMark, SETTLED, encode(length), version);
            self.commit_settled(vec![change], Vec::new()).await?;
        }
        if erased > 0 {
            tracing::warn!(
                event = "ledger_settled",
                count = erased,
                "records that the erasure ledger names were there and are erased again"
            );
        }
        Ok(erased)
    }

    async fn erase_again(&self, some: &[Planned]) -> Result<usize, SettleError> {
        let (mut changes, mut items) = (Vec::new(), Vec::new());
        self.store().read(|reader| {
            for planned in some {
                let Some(row) = reader.record(planned.record)? else { continue };
                // An older database gives locators out again: what was stored after the erasure is another record.
                if row.head.created_at > planned.at && self.head_holds(&row.head, &row.seal) {
                    continue;
                }
                let key = reader.key(planned.record, row.head.version)?;
                items.push(EventItem {
                    record: self.record_ref(planned.record),
                    field: FieldNo(0),
                    outcome: 0,
                });
                let known = reader.control(ControlKind::Certificate, planned.certificate)?.is_some();
                match key {
                    Some(key) if !known => {
                        let loaded = crate::vault::load::LoadedRecord { row, key };
                        changes.extend(self.erasure(planned, &loaded));
                    }
                    _ => changes.push(Change::Erase { record: planned.record, was: row.head.head_version }),
                }
            }
            Ok(())
        })?;
        if !items.is_empty() {
            let count = items.len();
            self.commit_settled(changes, items).await?;
            return Ok(count);
        }
        Ok(0)
    }

    async fn commit_settled(&self, changes: Vec<Change>, items: Vec<EventItem>) -> Result<(), SettleError> {
        let request = Id16(OsEntropy.array().map_err(|_| SettleError::Entropy)?);
        let mut body = EventBody::new(request, self.now(), Principal::Vault, Act::RecordDelete);
        body.outcome = Outcome::Allowed;
        body.policy = self.policy().version();
        body.changed = changes.iter().filter_map(|c| self.changed_row(c)).collect();
        body.count = Some(items.len() as u64);
        body.items = items;
        let read_at = self.store().read(|r| Ok(r.read_at()))?;
        let objects: Vec<Object> = changes.iter().map(Change::object).collect();
        let mut set = ChangeSet::observed(Event { ticket: EventTicket::next(), body }, read_at, objects);
        for change in changes {
            set = set.with(change);
        }
        self.store().commit(set).await?;
        Ok(())
    }

    /// Erasures whose end nobody saw: those that were not done are taken back in the ledger, with an event. Its commit is
    /// behind whatever was still on its way when nobody waited any more: only then it is sure whether the record stayed.
    pub async fn settle_open_erasures(&self) {
        for (record, certificate) in self.unsettled.take() {
            let reported = self.report_unseen(record).await;
            let there = self.store().read(|reader| reader.record(record).map(|row| row.is_some()));
            let settled = match there {
                _ if !reported => false,
                Ok(false) => true,
                Ok(true) => self.write_ledger(Line::Void(record, certificate, self.now())).await.is_ok(),
                Err(_) => false,
            };
            if !settled {
                self.unsettled.note(record, certificate);
            }
        }
    }

    /// An event that an erasure ended unseen; whether it is durable.
    async fn report_unseen(&self, record: RecordId) -> bool {
        let Ok(request) = OsEntropy.array() else { return false };
        let mut body = EventBody::new(Id16(request), self.now(), Principal::Vault, Act::RecordDelete);
        body.policy = self.policy().version();
        body.items = vec![EventItem { record: self.record_ref(record), field: FieldNo(0), outcome: 2 }];
        let event = Event { ticket: EventTicket::next(), body };
        self.store().commit(ChangeSet::observed(event, CommitNo(u64::MAX), [])).await.is_ok()
    }
}
