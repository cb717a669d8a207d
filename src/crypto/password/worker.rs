//! One hashing thread: takes jobs, hashes in memory it keeps, wipes it after each.

use super::PasswordParams;
use crate::domain::Sensitive;
use argon2::{Algorithm, Argon2, Block, Params, Version};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::Receiver;
use std::sync::{Mutex, PoisonError};
use tokio::sync::oneshot::Sender;

/// What to hash.
pub(super) struct Work {
    pub(super) secret: Sensitive<String>,
    pub(super) params: PasswordParams,
    pub(super) salt: [u8; 16],
}

/// A job and who waits for it.
pub(super) struct Job {
    pub(super) work: Work,
    pub(super) answer: Sender<Option<[u8; 32]>>,
}

/// Memory of one thread.
pub(super) struct Slot {
    blocks: Vec<Block>,
}

impl Slot {
    /// Allocates for these costs.
    pub(super) fn new(params: PasswordParams) -> Self {
        let count = usize::try_from(params.memory_kib).unwrap_or(0);
        Self { blocks: vec![Block::default(); count] }
    }

    /// Hashes; `None` only for costs that argon2 itself refuses.
    pub(super) fn hash(&mut self, secret: &[u8], salt: &[u8; 16], costs: PasswordParams) -> Option<[u8; 32]> {
        let params = Params::new(costs.memory_kib, costs.iterations, costs.lanes, Some(32)).ok()?;
        let argon = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
        let needed = argon.params().block_count();
        let mut out = [0; 32];
        let done = match self.blocks.get_mut(..needed) {
            Some(memory) => argon.hash_password_into_with_memory(secret, salt, &mut out, memory),
            // A stored hash with other costs: memory for this one, within the bounds it was parsed with.
            None => argon.hash_password_into_with_memory(
                secret,
                salt,
                &mut out,
                vec![Block::default(); needed].as_mut_slice(),
            ),
        };
        self.blocks.iter_mut().for_each(|block| *block = Block::default());
        done.ok().map(|()| out)
    }
}

/// Works until the pool is dropped.
pub(super) fn run(queue: &Mutex<Receiver<Job>>, waiting: &AtomicU64, params: PasswordParams) {
    let mut slot = Slot::new(params);
    loop {
        let next = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(Job { work, answer }) = next else { return };
        waiting.fetch_sub(1, Ordering::Relaxed);
        // A client that left is not worth the work.
        if answer.is_closed() {
            continue;
        }
        // EXPOSE: hashed here and wiped with the job.
        let hash = slot.hash(work.secret.expose().as_bytes(), &work.salt, work.params);
        // Nobody waiting any more is no fault.
        let _told = answer.send(hash).is_ok();
    }
}
