//! Making and opening a vault's directory: lock file, modes, version, settings, schema, boot event, loops.
//!
//! For the composition root. Whatever is not as it must be refuses (I11); nothing here depends on how many records there are.

use super::afresh::write_afresh;
use super::audit_rows::{self, Tail};
use super::clock_floor::ClockFloor;
use super::conflicts::Conflicts;
use super::driver::{Loops, Running};
use super::housekeeping::Housekeeper;
use super::index::{Follower, Index};
use super::locators::{self, Block};
use super::look::look;
use super::measures::Counters;
use super::pragmas::{self, Role, connect};
use super::slots::Slots;
use super::watch::Watch;
use super::writer::{QUEUE, Writer};
use super::{
    INDEX_DB, Inner, LEDGER, LOCK, Options, SqliteStore, VAULT_DB, VAULT_WAL, integrity, meta, migrate,
};
use crate::domain::event::{Act, EventBody, Outcome, Principal};
use crate::domain::{Clock, Id16, MAX_COUNTER, Timestamp, VaultId};
use crate::storage::errors::{OpenError, ReadError};
use crate::storage::ledger::Ledger;
use rusqlite::config::DbConfig;
use rusqlite::{Connection, TransactionBehavior};
use rustix::fs::{FlockOperation, flock};
use sha2::{Digest, Sha256};
use std::fs::{DirBuilder, File, OpenOptions, Permissions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};

/// This adapter has one node.
const NODE: u32 = 1;
/// Commit numbers begin here: a snapshot taken before the process began has none.
const FIRST_COMMIT: u64 = 1;

/// Makes an empty file only its owner may read; an existing one is left as it is.
pub(super) fn make_file(path: &Path) -> std::io::Result<()> {
    OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path)?;
    std::fs::set_permissions(path, Permissions::from_mode(0o600))
}

fn lock_directory(dir: &Path) -> Result<File, OpenError> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(dir.join(LOCK))?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(OpenError::Locked),
        Err(errno) => Err(OpenError::Io(errno.into())),
    }
}

impl SqliteStore {
    /// Makes a new vault in `dir` (mode 0700) and opens it.
    pub fn create(
        dir: &Path,
        vault: VaultId,
        options: Options,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        pragmas::check_version()?;
        DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        std::fs::set_permissions(dir, Permissions::from_mode(0o700))?;
        let held = lock_directory(dir)?;
        let path = dir.join(VAULT_DB);
        if path.exists() {
            return Err(OpenError::Exists);
        }
        // Built under another name, so that a crash leaves no half-made vault behind.
        let making = dir.join("vault.db.new");
        let _ = std::fs::remove_file(&making);
        make_file(&making)?;
        let mut conn = connect(&making, Role::Writer, options.busy)?;
        migrate::run(&mut conn, migrate::MIGRATIONS, clock.wall())?;
        let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
        meta::put(&tx, meta::VAULT_ID, &vault.0)?;
        meta::put_u64(&tx, meta::SCHEMA, u64::from(migrate::newest()))?;
        meta::put_u64(&tx, meta::LOCATOR_MARK, locators::FIRST_MARK)?;
        meta::put_i64(&tx, meta::CLOCK_FLOOR, clock.wall().0)?;
        meta::put_u64(&tx, meta::BOOT, 0)?;
        tx.commit()?;
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
        conn.close().map_err(|(_, e)| e)?;
        std::fs::rename(&making, &path)?;
        File::open(dir)?.sync_all()?;
        Self::open_locked(dir, held, options, clock)
    }

    /// Opens the vault in `dir`; one process at a time.
    pub fn open(dir: &Path, options: Options, clock: Arc<dyn Clock>) -> Result<Self, OpenError> {
        pragmas::check_version()?;
        if !dir.join(VAULT_DB).exists() {
            return Err(OpenError::Missing);
        }
        let held = lock_directory(dir)?;
        look(dir, &options)?;
        std::fs::set_permissions(dir, Permissions::from_mode(0o700))?;
        Self::open_locked(dir, held, options, clock)
    }

    fn open_locked(
        dir: &Path,
        held: File,
        options: Options,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, OpenError> {
        let path = dir.join(VAULT_DB);
        make_file(&path)?;
        make_file(&dir.join(INDEX_DB))?;
        write_afresh(&dir.join(VAULT_WAL))?;
        let mut conn = connect(&path, Role::Writer, options.busy)?;
        // Until it is accepted, its end must not write either.
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
        if options.quick_check {
            integrity::quick_check(&conn)?;
        }
        let schema = migrate::run(&mut conn, migrate::MIGRATIONS, clock.wall())?;
        integrity::check_schema(&conn)?;
        let vault = VaultId(meta::need(&conn, meta::VAULT_ID)?);
        if u64::from_be_bytes(meta::need(&conn, meta::SCHEMA)?) != u64::from(schema) {
            meta::put_u64(&conn, meta::SCHEMA, u64::from(schema))?;
        }
        let ledger = Ledger::open(&dir.join(LEDGER)).map_err(OpenError::Io)?;
        let (tail, floor, mark) = boot(&mut conn, vault, clock.as_ref())?;
        conn.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
        let inner = Arc::new(Inner {
            dir: dir.to_owned(),
            vault,
            clock: ClockFloor::new(clock, floor),
            options,
            commits: AtomicU64::new(FIRST_COMMIT),
            head: Mutex::new(tail.head()),
            slots: Slots::default(),
            block: Mutex::new(Block::spent(mark)),
            ceiling: AtomicU64::new(MAX_COUNTER),
            stopped: AtomicBool::new(false),
            wal_pages: AtomicU32::new(0),
            watch: Watch::new(path, dir.join(VAULT_WAL))?,
            counters: Counters::default(),
            checkpointing: Mutex::new(()),
            index: Index::default(),
            ledger: Arc::new(ledger),
            _lock: held,
        });
        start(inner, conn, tail, floor)
    }
}

/// Counts the boot and appends its event, in one transaction. Returns the tail, the clock floor and the locator mark.
fn boot(
    conn: &mut Connection,
    vault: VaultId,
    clock: &dyn Clock,
) -> Result<(Tail, Timestamp, u64), OpenError> {
    let tx = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let last = audit_rows::last(&tx).map_err(|e| match e {
        ReadError::Corrupt => OpenError::Damaged("the end of the audit log"),
        ReadError::Store => OpenError::Damaged("the audit log cannot be read"),
    })?;
    let boot = u64::from_be_bytes(meta::need(&tx, meta::BOOT)?) + 1;
    let floor = i64::from_be_bytes(meta::need(&tx, meta::CLOCK_FLOOR)?);
    let floor = last.as_ref().map_or(floor, |row| floor.max(row.at.0));
    let at = Timestamp(floor.max(clock.wall().0));
    let before = match &last {
        Some(row) => Tail { pos: row.pos, hash: row.hash, node: NODE, boot, next_seq: 0 },
        None => Tail { pos: 0, hash: [0; 32], node: NODE, boot, next_seq: 0 },
    };
    // Randomness is a parameter (I9) and a boot needs none: its number makes the id unique within the vault.
    let digest =
        Sha256::new().chain_update(b"SR1 boot").chain_update(vault.0).chain_update(boot.to_be_bytes());
    let mut id = [0; 16];
    id.iter_mut().zip(digest.finalize()).for_each(|(to, from)| *to = from);
    let mut body = EventBody::new(Id16(id), at, Principal::Vault, Act::Boot);
    body.outcome = Outcome::Allowed;
    body.count = Some(before.pos);
    let tail = audit_rows::append(&tx, &before, at, &crate::audit::encode(&body))?;
    meta::put_u64(&tx, meta::BOOT, boot)?;
    let mark = locators::mended(&tx)?;
    tx.commit()?;
    Ok((tail, at, mark))
}

fn start(
    inner: Arc<Inner>,
    mut conn: Connection,
    tail: Tail,
    floor: Timestamp,
) -> Result<SqliteStore, OpenError> {
    let pages = Arc::clone(&inner);
    conn.wal_hook(Some(move |_: &mut rusqlite::hooks::Wal, n: i32| {
        pages.wal_pages.store(u32::try_from(n).unwrap_or(0), Ordering::Release);
        Ok(())
    }))?;
    let (jobs, queue) = sync_channel(QUEUE);
    let writer = Writer {
        conn,
        inner: Arc::clone(&inner),
        tail,
        changed: Conflicts::new(FIRST_COMMIT),
        unanswered: Vec::new(),
        floor_written: floor,
    };
    let busy = inner.options.busy;
    let housekeeper = Housekeeper {
        conn: connect(&inner.vault_db(), Role::Writer, busy)?,
        inner: Arc::clone(&inner),
        jobs: jobs.clone(),
        cursor: None,
        checkpointed: 0,
    };
    let follower =
        Follower { inner: Arc::clone(&inner), log: connect(&inner.vault_db(), Role::Reader, busy)? };
    let loops = Loops { writer, queue, housekeeper, follower };
    let running = Running::begin(loops, &inner.options.driver)?;
    Ok(SqliteStore { inner, jobs, running })
}
