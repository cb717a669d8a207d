//! What the process around the vault asks of it: readiness, gauges, checkpoints, idempotency digests, the log's pages.

use crate::audit::{self, Query};
use crate::crypto::RefKind;
use crate::domain::disclosure::LogHead;
use crate::domain::{RecordId, Ref8, Sensitive, SubjectId, Timestamp};
use crate::storage::{ClockHealth, Measures, ReadError};
use crate::vault::Vault;
use crate::vault::call::IdempotencyKey;
use crate::vault::refusal::Refusal;

/// Measures of the vault, for metrics.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Gauges {
    /// Events on the log.
    pub audit_position: u64,
    /// Pages of the write-ahead log.
    pub wal_pages: u64,
    /// Keys the limiters keep.
    pub limiter_keys: u64,
    /// Stored rows that failed their checks.
    pub integrity_failures: u64,
    /// Tokens that did not open since the start.
    pub forged_tokens: u64,
    /// Password checks that wait.
    pub argon2_queue: u64,
    /// Password checks that were shed since the start.
    pub argon2_shed: u64,
    /// Whether it serves.
    pub ready: bool,
    /// Microseconds the wall clock is behind the last event.
    pub clock_behind_us: u64,
    /// When the last key of a client ends, of the active client that ends first.
    pub key_expiry: Option<Timestamp>,
    /// Commits: microseconds, and sets that shared an fsync.
    pub commits: Measures,
}

/// States of `/ready` in which nothing is served; each is an alert of the same name.
pub const REFUSING: [&str; 3] = [STOPPED, REPLACED, CLOCK];
const STOPPED: &str = "audit_unavailable";
const REPLACED: &str = "store_replaced";
const CLOCK: &str = "clock";

impl Vault {
    /// `ready`, or why not.
    pub fn readiness(&self) -> &'static str {
        let health = self.store().health();
        match health.clock {
            _ if health.stopped => STOPPED,
            _ if health.replaced => REPLACED,
            ClockHealth::Refuse => CLOCK,
            _ => "ready",
        }
    }

    /// What the process cannot be sure of it refuses (I11): a clock far behind the log, a writer that has stopped, a
    /// database that is no longer the one it opened.
    pub fn refuses(&self) -> Option<Refusal> {
        (self.readiness() != "ready").then_some(Refusal::AuditUnavailable)
    }

    /// What can be measured now.
    pub fn gauges(&self) -> Gauges {
        let health = self.store().health();
        Gauges {
            audit_position: self.store().log_head().size,
            wal_pages: u64::from(health.wal_pages),
            limiter_keys: self.limits().keys() as u64,
            integrity_failures: self.integrity_failures(),
            forged_tokens: self.forged_tokens(),
            argon2_queue: self.passwords().waiting(),
            argon2_shed: self.passwords().shed(),
            ready: self.readiness() == "ready",
            clock_behind_us: u64::try_from(health.clock_behind.as_micros()).unwrap_or(u64::MAX),
            key_expiry: self.soonest_key_end(),
            commits: self.store().measures(),
        }
    }

    /// When the first active client is left without a key: the soonest end of a client's last key.
    fn soonest_key_end(&self) -> Option<Timestamp> {
        let active = self.list_clients().into_iter().filter(|client| client.suspended == Some(false));
        let last = |client: crate::vault::ClientSummary| {
            client.keys.into_iter().filter(|(_, _, revoked)| !revoked).map(|(_, until, _)| until).max()
        };
        active.filter_map(last).min()
    }

    /// Whether the wall clock is behind the log by more than it should be, though not so far that nothing is served.
    pub fn clock_is_behind(&self) -> bool {
        self.store().health().clock == ClockHealth::Behind
    }

    /// Forgets idle limiter keys.
    pub fn housekeep(&self) {
        self.limits().housekeep();
    }

    /// Digests an idempotency key and what it is bound to.
    pub fn idempotency_key(
        &self,
        key: &Sensitive<String>,
        method: &str,
        path: &str,
        body: &[u8],
    ) -> IdempotencyKey {
        // EXPOSE: digested with a key of its own; only the digest is kept.
        let key = self.keys().idempotency_digest(&[b"key", key.expose().as_bytes()]);
        let body = self.keys().idempotency_digest(&[b"body", method.as_bytes(), path.as_bytes(), body]);
        IdempotencyKey { key, body }
    }

    /// Whether a checkpoint a client kept is on this log; if not, the log was rolled back or is another one.
    pub fn prove_checkpoint(&self, kept: LogHead) -> Result<(), Refusal> {
        let head = self.store().log_head();
        if kept == head {
            return Ok(());
        }
        let row = self.store().audit_row(kept.size).map_err(|_| Refusal::AuditUnavailable)?;
        let proven = row.is_some_and(|row| LogHead::from_hash(row.pos, &row.hash) == kept);
        if proven { Ok(()) } else { Err(Refusal::RollbackSuspected) }
    }

    /// The head of the log.
    pub fn log_head(&self) -> LogHead {
        self.store().log_head()
    }

    /// The reference the log uses for a subject or record given by its public name.
    pub fn reference_of(&self, name: &str) -> Option<(Option<Ref8>, Option<Ref8>)> {
        let subject = self
            .subject_named(name)
            .map(|SubjectId(l)| self.reference(RefKind::Subject, &l.get().to_be_bytes()));
        let record = self
            .record_named(name)
            .map(|RecordId(l)| self.reference(RefKind::Record, &l.get().to_be_bytes()));
        (subject.is_some() || record.is_some()).then_some((subject, record))
    }

    /// Rows the query matches, newest first.
    pub fn audit_query(&self, query: &Query) -> Result<Vec<audit::Row>, ReadError> {
        let limit = query.limit.clamp(1, 10_000);
        let mut found = Vec::new();
        let mut before = None;
        while found.len() < limit {
            let page: Vec<u64> = match query.index_key() {
                Some((kind, key)) => self.store().audit_positions(kind, &key, before, 1_000)?,
                None => (1..before.unwrap_or(self.store().log_head().size + 1)).rev().take(1_000).collect(),
            };
            let Some(last) = page.last().copied() else { break };
            for pos in page {
                let Some(row) = self.store().audit_row(pos)? else { continue };
                if found.len() < limit
                    && audit::decode(&row.body).is_ok_and(|body| query.matches(&body, row.at))
                {
                    found.push(row);
                }
            }
            before = Some(last);
        }
        Ok(found)
    }

    /// The last events, newest first.
    pub fn audit_tail(&self, count: usize) -> Result<Vec<audit::Row>, ReadError> {
        self.store().audit_tail(count)
    }
}

impl audit::Names for Vault {
    fn field(&self, field: crate::domain::FieldNo) -> Option<String> {
        self.policy().field_facts(field).map(|f| f.full_name.clone())
    }
}

impl Vault {
    /// A development vault.
    pub fn is_development(&self) -> bool {
        self.keys().is_development()
    }

    /// The orderly end of this process, on the log.
    pub async fn report_shutdown(&self) {
        use crate::domain::entropy::{Entropy, OsEntropy};
        use crate::domain::event::{Act, Event, EventBody, Outcome, Principal};
        let Ok(request) = OsEntropy.array() else { return };
        let mut body =
            EventBody::new(crate::domain::Id16(request), self.now(), Principal::Vault, Act::Shutdown);
        body.outcome = Outcome::Allowed;
        let event = Event { ticket: crate::domain::disclosure::EventTicket::next(), body };
        let set = crate::storage::ChangeSet::observed(event, crate::domain::CommitNo(u64::MAX), []);
        if self.store().commit(set).await.is_err() {
            tracing::error!(
                event = "shutdown_unreported",
                "the end of this process could not be written to the log"
            );
        }
    }
}
