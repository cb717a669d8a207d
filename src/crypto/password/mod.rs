//! Passwords: argon2id in a fixed pool of threads with memory allocated once and zeroed between uses. The queue is bounded:
//! a flood gets [`PoolError::Overloaded`] and nobody else notices. An unknown credential runs the same work on a dummy.

mod phc;
mod worker;

use crate::domain::{Clock, Entropy, Sensitive};
use phc::Phc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::sync::oneshot;
use worker::{Job, Work};

/// Longest secret in bytes; longer ones are refused before hashing.
pub const MAX_SECRET: usize = 1_024;
/// The least memory of a hash (OWASP): 19 MiB.
const FLOOR_KIB: u32 = 19 * 1_024;
/// The most memory of a stored hash that is allocated for: 256 MiB.
const MAX_KIB: u32 = 256 * 1_024;
/// The most passes of a stored hash.
const MAX_ITERATIONS: u32 = 10;

/// Costs of a hash.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PasswordParams {
    /// Memory in KiB.
    pub memory_kib: u32,
    /// Passes.
    pub iterations: u32,
    /// Lanes.
    pub lanes: u32,
}

impl Default for PasswordParams {
    fn default() -> Self {
        Self { memory_kib: FLOOR_KIB, iterations: 2, lanes: 1 }
    }
}

impl PasswordParams {
    /// Never below the floor, never above what is read back.
    fn bounded(self) -> Self {
        Self {
            memory_kib: self.memory_kib.clamp(FLOOR_KIB, MAX_KIB),
            iterations: self.iterations.clamp(2, MAX_ITERATIONS),
            lanes: 1,
        }
    }
    /// The most passes at the floor's memory that stay within a budget on this machine.
    pub fn calibrate(budget: Duration, clock: &dyn Clock) -> Self {
        let mut best = Self::default();
        for iterations in 2..=MAX_ITERATIONS {
            let params = Self { iterations, ..best };
            let start = clock.monotonic();
            let hashed = worker::Slot::new(params).hash(b"calibration", &[0; 16], params);
            if hashed.is_none() || clock.monotonic().saturating_sub(start) > budget {
                break;
            }
            best = params;
        }
        best
    }
}

/// Why the pool did not answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum PoolError {
    /// The queue is full.
    #[error("too many credential checks are waiting")]
    Overloaded,
    /// The secret is longer than 1 KiB.
    #[error("the secret is too long")]
    TooLong,
    /// The pool has stopped, or gave no hash.
    #[error("the hashing pool has stopped")]
    Stopped,
}

/// The outcome of a check.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Verdict {
    /// The secret is the one that was hashed.
    pub valid: bool,
    /// The stored hash is weaker than today's parameters.
    pub needs_upgrade: bool,
}

/// The pool.
pub struct PasswordPool {
    queue: SyncSender<Job>,
    waiting: Arc<AtomicU64>,
    shed: AtomicU64,
    params: PasswordParams,
    dummy: Phc,
}

impl PasswordPool {
    /// Starts `slots` threads, each with memory of its own, and a queue of `queue` places.
    pub fn new(params: PasswordParams, slots: usize, queue: usize) -> Self {
        let params = params.bounded();
        let (sender, receiver) = sync_channel(queue.max(1));
        let receiver = Arc::new(Mutex::new(receiver));
        let waiting = Arc::new(AtomicU64::new(0));
        for number in 0..slots.max(1) {
            let (receiver, waiting) = (receiver.clone(), waiting.clone());
            let work = move || worker::run(&receiver, &waiting, params);
            // A thread that cannot start leaves the others; with none the queue fills and says so.
            let _started = std::thread::Builder::new().name(format!("argon2-{number}")).spawn(work).is_ok();
        }
        let shed = AtomicU64::new(0);
        Self {
            queue: sender,
            waiting,
            shed,
            params,
            dummy: Phc { params, salt: [0x5a; 16], hash: [0xa5; 32] },
        }
    }

    /// Hashes a secret; the PHC string is what is sealed and stored.
    pub async fn hash(
        &self,
        secret: Sensitive<String>,
        entropy: &mut dyn Entropy,
    ) -> Result<String, PoolError> {
        let mut salt = [0; 16];
        entropy.fill(&mut salt).map_err(|_| PoolError::Stopped)?;
        let params = self.params;
        let hash = self.submit(secret, params, salt).await?;
        Ok(Phc { params, salt, hash }.to_text())
    }

    /// Checks a secret against a stored hash. Without one, or with one that cannot be read, the same work is done on a
    /// dummy and the answer is no.
    pub async fn verify(&self, phc: Option<&str>, secret: Sensitive<String>) -> Result<Verdict, PoolError> {
        let stored = phc.and_then(Phc::parse);
        let against = stored.as_ref().unwrap_or(&self.dummy);
        let (params, salt, expected) = (against.params, against.salt, against.hash);
        let known = stored.is_some();
        let hash = self.submit(secret, params, salt).await?;
        let equal: bool = subtle::ConstantTimeEq::ct_eq(&hash[..], &expected[..]).into();
        let weaker = params.memory_kib < self.params.memory_kib || params.iterations < self.params.iterations;
        Ok(Verdict { valid: equal && known, needs_upgrade: equal && known && weaker })
    }

    /// Checks that wait for a thread.
    pub fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Relaxed)
    }

    /// Checks that found the queue full since the start.
    pub fn shed(&self) -> u64 {
        self.shed.load(Ordering::Relaxed)
    }

    /// The job and its secret move into the worker: a client that leaves takes no slot with it.
    async fn submit(
        &self,
        secret: Sensitive<String>,
        params: PasswordParams,
        salt: [u8; 16],
    ) -> Result<[u8; 32], PoolError> {
        // EXPOSE: its length is checked before anything is spent on it.
        if secret.expose().len() > MAX_SECRET {
            return Err(PoolError::TooLong);
        }
        let (answer, wait) = oneshot::channel();
        let job = Job { work: Work { secret, params, salt }, answer };
        self.waiting.fetch_add(1, Ordering::Relaxed);
        self.queue.try_send(job).map_err(|error| {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            match error {
                TrySendError::Full(_) => {
                    self.shed.fetch_add(1, Ordering::Relaxed);
                    PoolError::Overloaded
                }
                TrySendError::Disconnected(_) => PoolError::Stopped,
            }
        })?;
        wait.await.ok().flatten().ok_or(PoolError::Stopped)
    }
}

#[cfg(test)]
mod tests;
