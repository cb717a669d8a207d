//! The verbs, one file each: the only room that joins policy, keys, store and limits. A verb reads, asks the judge, builds
//! a change set and commits it; what it opened is released by the receipt of its own event (I1, I2).

mod act_as;
mod call;
mod caller;
mod charge;
mod clients;
mod commit;
mod compare;
mod consent;
mod context;
mod credential;
mod declared;
mod early;
mod erase;
mod established;
mod govern;
mod keep;
mod load;
mod local_socket;
mod locators;
mod networks;
mod offline;
mod operate;
mod own_event;
mod record_batch;
mod record_create;
mod record_rows;
mod record_rules;
mod record_update;
mod record_view;
mod refusal;
mod remember;
mod remembered;
mod reveal;
mod rows;
mod search;
mod settings;
mod setup;
mod subject_create;
mod subject_update;
mod subject_view;
mod sums;
mod survey;
mod throttle;
mod token_export;
mod token_inspect;
mod token_mint;
mod token_revoke;
mod unsubscribe;
mod whoami;

pub use crate::audit::Query as AuditQuery;
pub use crate::limits::State as QuotaState;
pub use crate::policy::Cidr;
pub use crate::policy::{Difference, PolicyDiff, Turn};
pub use crate::policy::{Notice, NoticeEntry, NoticeSection};
pub use call::{Call, IdempotencyKey};
pub use caller::{Caller, Certificate, Proof};
pub use charge::Quotas;
pub use clients::{ClientError, ClientSummary};
pub use commit::Done;
pub use compare::{Comparison, compare_rows};
pub use consent::{ConsentCommand, ConsentView, RecordedConsent};
pub use context::{RegisterContext, RegisteredContext};
pub use credential::{VerifyAnswer, VerifyBy, VerifyCommand};
pub use declared::{AdmittedRegion, DeclaredField};
pub use erase::{CERTIFICATE_STATE, CertificateView, LedgerLook, SettleError, look_at_ledger};
pub use govern::{GovernError, compile as compile_policy};
pub use local_socket::LocalSocket;
pub use networks::{NetworkLabel, Networks, prefix};
pub use offline::{LogReader, check_policy, diff_policies, explain_read, notice_of, verify_log};
pub use operate::{Gauges, REFUSING};
pub use record_batch::BatchItem;
pub use record_create::{CreateRecord, FieldInput, StoredTokens, TokenWish};
pub use record_rules::{MAX_TOKEN_LIFE, token_life_fault};
pub use record_update::UpdateRecord;
pub use record_view::RecordView;
pub use refusal::{Fault, Refusal, RuleName};
pub use reveal::{Item, MAX_STREAMED, RevealCommand, RevealStream, RevealedChunk, ShownItem};
pub use search::{Hit, SearchAnswer, SearchBy, SearchCommand};
pub use setup::{InitError, OpenError, Parts, VaultFacts};
pub use subject_create::{CreateSubject, CreatedSubject};
pub use subject_update::{AnchorCommand, UpdateSubject};
pub use subject_view::{RecordPage, SubjectView};
pub use survey::{GoverningPolicy, Inspection, Survey, survey};
pub use token_export::{ExportPage, ExportedRecord};
pub use token_inspect::{TokenState, TokenView};
pub use token_mint::MintCommand;
pub use whoami::Whoami;

use crate::crypto::password::PasswordPool;
#[cfg(test)]
mod tests;

use crate::crypto::{Dummy, Keyring};
use crate::domain::date::Date;
use crate::domain::{Clock, Timestamp};
use crate::limits::Limits;
use crate::policy::Policy;
use crate::storage::Store;
use arc_swap::ArcSwap;
use clients::Clients;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// An open vault.
pub struct Vault {
    store: Store,
    keys: Keyring,
    dummy: Dummy,
    policy: ArcSwap<Policy>,
    clients: ArcSwap<Clients>,
    networks: Networks,
    limits: Limits,
    passwords: PasswordPool,
    clock: Arc<dyn Clock>,
    locators: locators::Locators,
    integrity_failures: AtomicU64,
    forged_tokens: AtomicU64,
    sums: sums::Sums,
    unsettled: erase::Unsettled,
    kept: keep::Kept,
    public_url: std::sync::OnceLock<String>,
}

impl Vault {
    pub(in crate::vault) fn store(&self) -> &Store {
        &self.store
    }
    pub(in crate::vault) fn keys(&self) -> &Keyring {
        &self.keys
    }
    pub(in crate::vault) fn dummy(&self) -> &Dummy {
        &self.dummy
    }
    pub(in crate::vault) fn clients(&self) -> arc_swap::Guard<Arc<Clients>> {
        self.clients.load()
    }
    pub(in crate::vault) fn networks(&self) -> &Networks {
        &self.networks
    }
    pub(in crate::vault) fn limits(&self) -> &Limits {
        &self.limits
    }
    pub(in crate::vault) fn passwords(&self) -> &PasswordPool {
        &self.passwords
    }
    /// The policy that governs now.
    pub fn policy(&self) -> Arc<Policy> {
        self.policy.load_full()
    }
    /// The vault's time: never behind the clock floor.
    pub fn now(&self) -> Timestamp {
        self.store.now()
    }
    /// Today, UTC.
    pub(in crate::vault) fn today(&self) -> Date {
        Date::from_days(self.now().day()).unwrap_or(Date { year: 9999, month: 12, day: 31 })
    }
    /// The clock durations are measured with.
    pub fn clock(&self) -> &Arc<dyn Clock> {
        &self.clock
    }
    /// Notes a stored row that failed its check: counted, shown in readiness and metrics, answered as not found.
    pub(in crate::vault) fn integrity_failed(&self) {
        self.integrity_failures.fetch_add(1, Ordering::Relaxed);
        tracing::error!(event = "integrity_failed", "a stored row failed its seal; run `strongroom doctor`");
    }
    /// How many stored rows failed their checks since the start.
    pub fn integrity_failures(&self) -> u64 {
        self.integrity_failures.load(Ordering::Relaxed)
    }
    /// Notes tokens that did not open.
    pub(in crate::vault) fn note_forged(&self, count: u32) {
        self.forged_tokens.fetch_add(u64::from(count), Ordering::Relaxed);
    }
    /// How many tokens did not open since the start.
    pub fn forged_tokens(&self) -> u64 {
        self.forged_tokens.load(Ordering::Relaxed)
    }
}
