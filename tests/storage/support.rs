//! Rows, sets and adapters for the suite.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use strongroom::audit;
use strongroom::domain::clock::ManualClock;
use strongroom::domain::disclosure::{EventTicket, Receipt};
use strongroom::domain::event::{Act, Event, EventBody, Outcome, Principal};
use strongroom::domain::record::{RecordHead, RecordStatus, RowSeal, WrappedKey};
use strongroom::domain::*;
use strongroom::storage::*;

pub(crate) const VAULT: VaultId = VaultId([7; 16]);
pub(crate) const START: Timestamp = Timestamp(1_800_000_000_000_000);

/// A place where a store can be made and opened again; one for each adapter.
pub(crate) trait Adapter: Sized {
    fn new() -> Self;
    fn clock(&self) -> &Arc<ManualClock>;
    fn create(&self) -> Store;
    fn reopen(&self) -> Store;
}

pub(crate) struct Sqlite {
    home: tempfile::TempDir,
    clock: Arc<ManualClock>,
}

impl Sqlite {
    pub(crate) fn dir(&self) -> PathBuf {
        self.home.path().join("vault")
    }
    pub(crate) fn copy_to(&self, to: &Path) {
        std::fs::create_dir_all(to).unwrap();
        for file in ["vault.db", "vault.db-wal"] {
            if self.dir().join(file).exists() {
                std::fs::copy(self.dir().join(file), to.join(file)).unwrap();
            }
        }
    }
}

impl Adapter for Sqlite {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap(), clock: Arc::new(ManualClock::at(START)) }
    }
    fn clock(&self) -> &Arc<ManualClock> {
        &self.clock
    }
    fn create(&self) -> Store {
        Store::create(&self.dir(), VAULT, self.clock.clone()).unwrap()
    }
    fn reopen(&self) -> Store {
        Store::open(&self.dir(), Options::default(), self.clock.clone()).unwrap()
    }
}

pub(crate) fn block_on<F: Future>(f: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(f)
}

pub(crate) fn at(counter: u64) -> Locator {
    Locator::new(counter, Part::truncate(5)).unwrap()
}
pub(crate) fn seal(byte: u8) -> RowSeal {
    RowSeal([byte; 17])
}
pub(crate) fn id(n: u64) -> Id16 {
    let mut out = [0; 16];
    out[..8].copy_from_slice(&n.to_be_bytes());
    Id16(out)
}
pub(crate) fn event(n: u64, act: Act) -> Event {
    let mut body = EventBody::new(id(n), START, Principal::Client("shop".into()), act);
    body.outcome = Outcome::Allowed;
    Event { ticket: EventTicket::next(), body }
}
pub(crate) fn set(read_at: CommitNo) -> ChangeSet {
    relying(read_at, &[])
}
pub(crate) fn relying(read_at: CommitNo, on: &[Object]) -> ChangeSet {
    ChangeSet::observed(event(1, Act::Detokenize), read_at, on.iter().copied())
}
pub(crate) fn commit(store: &Store, set: ChangeSet) -> Result<Receipt, CommitError> {
    block_on(store.commit(set))
}
pub(crate) fn read_at(store: &Store) -> CommitNo {
    store.read(|r| Ok(r.read_at())).unwrap()
}
pub(crate) fn subject(n: u64, version: u32, state: &[u8]) -> SubjectRow {
    SubjectRow { subject: SubjectId(at(n)), version: Version(version), state: state.to_vec(), seal: seal(1) }
}
pub(crate) fn put_subject(n: u64, version: u32, state: &[u8]) -> Change {
    let was = (version > 1).then(|| Version(version - 1));
    Change::PutSubject { row: subject(n, version, state), was }
}
pub(crate) fn head(n: u64, version: u32, head_version: u32) -> RecordHead {
    RecordHead {
        record: RecordId(at(n)),
        subject: SubjectId(at(1)),
        collection: CollectionNo(3),
        version: Version(version),
        head_version: Version(head_version),
        status: RecordStatus::Live,
        created_at: START,
        expires_at: Some(Timestamp(START.0 + 5)),
        generations: vec![(FieldNo(2), Generation(9)), (FieldNo(4), Generation(1))],
    }
}
/// One field, number 2: a directory entry, a commitment and some ciphertext.
pub(crate) fn record(n: u64, version: u32, head_version: u32) -> RecordRow {
    let sealed = [&[1, 0, 1, 0, 2, 0, 0, 0, 8][..], &[0xaa; 32], &[version as u8; 8]].concat();
    RecordRow { head: head(n, version, head_version), seal: seal(2), sealed }
}
pub(crate) fn key(byte: u8) -> WrappedKey {
    WrappedKey { kek: 1, bytes: [byte; 48] }
}
pub(crate) fn blind(byte: u8) -> BlindRow {
    BlindRow { field: FieldNo(2), version: 1, h: [byte; 16] }
}
pub(crate) fn grant(n: u64, version: u32) -> GrantRow {
    GrantRow {
        grant: GrantId(at(n)),
        record: RecordId(at(20)),
        version: Version(version),
        body: vec![version as u8; 5],
        expires_at: None,
        seal: seal(3),
    }
}
pub(crate) fn control(n: u64, version: u32) -> ControlRow {
    ControlRow {
        kind: ControlKind::ClientKey,
        id: id(n),
        version: Version(version),
        body: vec![version as u8; 7],
        seal: seal(4),
    }
}
pub(crate) fn idempotency(key: u8, result: &[u8], at: Timestamp) -> IdempotencyRow {
    IdempotencyRow { client: ClientNo(6), key: [key; 16], body: [2; 16], at, result: result.to_vec() }
}
pub(crate) fn all_rows(store: &Store) -> Vec<audit::Row> {
    store.audit_range(1, 10_000).unwrap()
}

/// Recomputes the chain, and that no position or sequence number is missing.
pub(crate) fn verify_chain(rows: &[audit::Row]) {
    let (mut hash, mut boot, mut seq, mut last_at) = ([0; 32], 0, 0, Timestamp(0));
    for (row, pos) in rows.iter().zip(1..) {
        assert_eq!(row.pos, pos);
        if row.boot != boot {
            assert_eq!(row.boot, boot + 1, "boots are consecutive");
            boot = row.boot;
            assert_eq!(row.seq, 0, "a boot begins with 0");
        } else {
            assert_eq!(row.seq, seq + 1, "no gap in the sequence");
        }
        assert!(row.at >= last_at, "time on the log never goes back");
        (seq, last_at) = (row.seq, row.at);
        let link = audit::Link { node: row.node, boot, seq, at: row.at };
        hash = audit::chain(&hash, &link, &row.body);
        assert_eq!(row.hash, hash, "row {pos}");
    }
}

/// The keys under which an event is found.
pub(crate) fn keys_of(body: &EventBody) -> Vec<(u8, [u8; 16])> {
    let mut keys = Vec::new();
    keys.extend(audit::index_keys(body));
    keys
}
