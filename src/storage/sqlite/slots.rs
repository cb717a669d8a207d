//! One read-only connection per calling thread, each in a slot the checkpointer can reach.
//!
//! For the reader and the checkpointer. An open read transaction keeps the WAL from being truncated, so whoever
//! truncates locks every slot and ends its transaction (*quiesce*); an idle one is ended within a tick (I10).

use super::Inner;
use super::pragmas::{Role, connect};
use crate::storage::errors::ReadError;
use rusqlite::Connection;
use std::cell::{Cell, RefCell};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

/// A read transaction is renewed at this age even when nothing was committed.
pub(super) const OLDEST_SNAPSHOT: Duration = Duration::from_millis(50);

/// A thread's connection and the snapshot that is open on it.
#[derive(Default)]
pub(super) struct Slot {
    conn: Option<Connection>,
    snapshot: Option<Snapshot>,
}

#[derive(Clone, Copy)]
struct Snapshot {
    read_at: u64,
    began: Duration,
}

/// Every slot of one store.
#[derive(Default)]
pub(super) struct Slots(Mutex<Vec<Weak<Mutex<Slot>>>>);

struct Mine {
    store: Weak<Inner>,
    slot: Arc<Mutex<Slot>>,
}

thread_local! {
    static MINE: RefCell<Vec<Mine>> = const { RefCell::new(Vec::new()) };
    static READING: Cell<bool> = const { Cell::new(false) };
}

/// Held while this thread reads: a read inside a read would wait for itself.
pub(super) struct Reading(());

impl Reading {
    pub(super) fn begin() -> Result<Self, ReadError> {
        if READING.try_with(|r| r.replace(true)).unwrap_or(true) {
            Err(ReadError::Store)
        } else {
            Ok(Self(()))
        }
    }
}
impl Drop for Reading {
    fn drop(&mut self) {
        let _ = READING.try_with(|r| r.set(false));
    }
}

pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // A panic elsewhere leaves these values whole: each is changed in one step.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The calling thread's slot, made at its first read.
pub(super) fn mine(store: &Arc<Inner>) -> Result<Arc<Mutex<Slot>>, ReadError> {
    let found = MINE.try_with(|mine| {
        let mine = mine.borrow();
        mine.iter().find(|m| Weak::as_ptr(&m.store) == Arc::as_ptr(store)).map(|m| Arc::clone(&m.slot))
    });
    if let Some(slot) = found.map_err(|_| ReadError::Store)? {
        return Ok(slot);
    }
    let slot = Arc::new(Mutex::new(Slot::default()));
    store.slots.register(&slot);
    let entry = Mine { store: Arc::downgrade(store), slot: Arc::clone(&slot) };
    MINE.try_with(|mine| {
        let mut mine = mine.borrow_mut();
        mine.retain(|m| m.store.strong_count() > 0);
        mine.push(entry);
    })
    .map_err(|_| ReadError::Store)?;
    Ok(slot)
}

impl Slot {
    /// A connection inside a snapshot that is at least as new as the returned commit number.
    pub(super) fn renew(&mut self, store: &Inner) -> Result<(&Connection, u64), ReadError> {
        let now = store.clock.monotonic();
        // Loaded before the transaction begins: the snapshot can only be newer.
        let commits = store.commits();
        if self
            .snapshot
            .is_some_and(|s| s.read_at != commits || now.saturating_sub(s.began) >= OLDEST_SNAPSHOT)
        {
            self.end()?;
        }
        if self.conn.is_none() {
            let made = connect(&store.vault_db(), Role::Reader, store.options.busy);
            self.conn = Some(made.map_err(|_| ReadError::Store)?);
        }
        let conn = self.conn.as_ref().ok_or(ReadError::Store)?;
        let read_at = match self.snapshot {
            Some(open) => open.read_at,
            None => {
                conn.prepare_cached("BEGIN")?.execute([])?;
                self.snapshot = Some(Snapshot { read_at: commits, began: now });
                commits
            }
        };
        Ok((conn, read_at))
    }
    /// Ends the snapshot; the connection stays. If that fails the connection goes, and the snapshot with it.
    pub(super) fn end(&mut self) -> Result<(), ReadError> {
        if self.snapshot.take().is_none() {
            return Ok(());
        }
        let Some(conn) = self.conn.take() else { return Ok(()) };
        conn.prepare_cached("COMMIT")?.execute([])?;
        self.conn = Some(conn);
        Ok(())
    }
}

impl Slots {
    fn register(&self, slot: &Arc<Mutex<Slot>>) {
        let mut all = lock(&self.0);
        all.retain(|s| s.strong_count() > 0);
        all.push(Arc::downgrade(slot));
    }
    /// Runs `f` while no thread has a snapshot open and none can open one.
    pub(super) fn quiesced<T>(&self, f: impl FnOnce() -> T) -> T {
        let all = lock(&self.0);
        let slots: Vec<_> = all.iter().filter_map(Weak::upgrade).collect();
        let mut held: Vec<_> = slots.iter().map(|s| lock(s)).collect();
        for slot in &mut held {
            // A snapshot that does not end takes its connection with it, so none is left either way.
            let _ = slot.end();
        }
        f()
    }
    /// Ends snapshots nobody renewed; a slot in use is left alone.
    pub(super) fn end_idle(&self, now: Duration) {
        let slots: Vec<_> = lock(&self.0).iter().filter_map(Weak::upgrade).collect();
        for slot in slots {
            if let Ok(mut slot) = slot.try_lock()
                && slot.snapshot.is_some_and(|s| now.saturating_sub(s.began) >= OLDEST_SNAPSHOT)
            {
                let _ = slot.end();
            }
        }
    }
    #[cfg(test)]
    pub(super) fn count(&self) -> usize {
        lock(&self.0).iter().filter(|s| s.strong_count() > 0).count()
    }
    /// At the end of the store: every connection is closed.
    pub(super) fn close(&self) {
        let slots: Vec<_> = lock(&self.0).drain(..).filter_map(|s| s.upgrade()).collect();
        for slot in slots {
            *lock(&slot) = Slot::default();
        }
    }
}
