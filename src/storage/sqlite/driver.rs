//! Who turns the store's three loops (writer, upkeep, index) and waits for the ledger: threads of their own, or a
//! simulation, one step at a time on its own thread, so that one seed is one history (I9).
//!
//! For `open` and whoever simulates. The steps are the very turns the threads take; production never makes a [`Stepper`].

use super::housekeeping::Housekeeper;
use super::index::Follower;
use super::slots::lock;
use super::writer::{Halt, Job, LARGEST_BATCH, Writer};
use super::{Inner, SqliteStore};
use crate::storage::errors::OpenError;
use crate::storage::ledger::LedgerError;
use rusqlite::Connection;
use std::collections::VecDeque;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use tokio::sync::oneshot;

/// Who runs a store.
#[derive(Clone, Default)]
pub enum Driver {
    /// Three threads.
    #[default]
    Threads,
    /// Whoever holds the other end.
    Stepped(Arc<Stepper>),
}

/// What a step does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Step {
    /// The writer takes at most so many waiting jobs as one batch, then truncates if keys were destroyed.
    Write(usize),
    /// One tick of upkeep.
    Upkeep,
    /// The index follows the log once.
    Index,
    /// One waiting line is written to the ledger of erasures.
    Ledger,
}

/// The loops of one store, turned from outside. One for each store that is opened.
#[derive(Default)]
pub struct Stepper {
    loops: Mutex<Option<Stepped>>,
    lines: Mutex<VecDeque<Line>>,
}

type Line = (String, oneshot::Sender<Result<u64, LedgerError>>);

pub(super) struct Loops {
    pub(super) writer: Writer,
    pub(super) queue: Receiver<Job>,
    pub(super) housekeeper: Housekeeper,
    pub(super) follower: Follower,
}

struct Stepped {
    loops: Loops,
    ticks: u32,
    index: Option<Connection>,
}

impl Stepper {
    /// Takes one step; nothing happens once the store has ended or stopped.
    pub fn step(&self, step: Step) {
        let mut turned = lock(&self.loops);
        let Some(stepped) = turned.as_mut() else { return };
        let inner = Arc::clone(&stepped.loops.writer.inner);
        let done = match step {
            Step::Write(most) => stepped.write(most).map(drop),
            Step::Upkeep => stepped.tick(),
            Step::Index => {
                stepped.loops.follower.turn(&mut stepped.index);
                Ok(())
            }
            Step::Ledger => {
                self.write_line(&inner);
                Ok(())
            }
        };
        if let Err(Halt(code)) = done {
            inner.stop(code);
        }
        if inner.stopped() {
            // Whoever waits learns it: the senders go with the queue.
            *turned = None;
            lock(&self.lines).clear();
        }
    }

    /// How many lines wait for [`Step::Ledger`].
    pub fn lines(&self) -> usize {
        lock(&self.lines).len()
    }

    fn write_line(&self, inner: &Inner) {
        let Some((line, done)) = lock(&self.lines).pop_front() else { return };
        // The caller may have gone; the line stands.
        let _ = done.send(inner.ledger.append(&line));
    }

    /// The orderly end: what waits is written, the WAL emptied.
    fn end(&self) {
        let Some(mut stepped) = lock(&self.loops).take() else { return };
        let inner = Arc::clone(&stepped.loops.writer.inner);
        let written = stepped.write(usize::MAX).and_then(|()| stepped.loops.writer.finish());
        if let Err(Halt(code)) = written {
            inner.stop(code);
        }
    }
}

impl Stepped {
    fn write(&mut self, most: usize) -> Result<(), Halt> {
        let batch: Vec<Job> = self.loops.queue.try_iter().take(most.min(LARGEST_BATCH)).collect();
        self.loops.writer.turn(batch).map(drop)
    }
    fn tick(&mut self) -> Result<(), Halt> {
        self.ticks = self.ticks.wrapping_add(1);
        self.loops.housekeeper.tick(self.ticks)
    }
}

/// What keeps the loops turning until the store is dropped.
pub(super) enum Running {
    Threads { ends: Vec<SyncSender<()>>, others: Vec<JoinHandle<()>>, writer: Option<JoinHandle<()>> },
    Stepped(Arc<Stepper>),
}

impl Running {
    pub(super) fn begin(loops: Loops, driver: &Driver) -> Result<Self, OpenError> {
        if let Driver::Stepped(stepper) = driver {
            *lock(&stepper.loops) = Some(Stepped { loops, ticks: 0, index: None });
            return Ok(Self::Stepped(Arc::clone(stepper)));
        }
        let Loops { writer, queue, housekeeper, follower } = loops;
        let writer = spawn("store-writer", move || writer.run(&queue))?;
        let (a, first) = sync_channel(0);
        let (b, second) = sync_channel(0);
        let others = vec![
            spawn("store-upkeep", move || housekeeper.run(&first))?,
            spawn("store-index", move || follower.run(&second))?,
        ];
        Ok(Self::Threads { ends: vec![a, b], others, writer: Some(writer) })
    }

    pub(super) fn end(&mut self, jobs: &SyncSender<Job>) {
        match self {
            Self::Threads { ends, others, writer } => {
                ends.clear();
                for thread in others.drain(..) {
                    let _ = thread.join();
                }
                // A full queue is drained by the writer, so this waits at most for it; a stopped writer has hung up.
                let _ = jobs.send(Job::End);
                if let Some(writer) = writer.take() {
                    let _ = writer.join();
                }
            }
            Self::Stepped(stepper) => stepper.end(),
        }
    }
}

fn spawn(name: &str, f: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    Ok(std::thread::Builder::new().name(name.to_owned()).spawn(f)?)
}

impl SqliteStore {
    /// Appends to the ledger where waiting for the disk holds nobody up; where the line ends.
    pub async fn append_ledger(&self, line: String) -> Result<u64, LedgerError> {
        match &self.running {
            Running::Threads { .. } => {
                let ledger = Arc::clone(&self.inner.ledger);
                let written = tokio::task::spawn_blocking(move || ledger.append(&line)).await;
                written.unwrap_or(Err(LedgerError::Closed))
            }
            Running::Stepped(stepper) => {
                let (done, written) = oneshot::channel();
                lock(&stepper.lines).push_back((line, done));
                written.await.unwrap_or(Err(LedgerError::Closed))
            }
        }
    }
}
