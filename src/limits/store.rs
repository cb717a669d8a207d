//! A store of limiter states that cannot grow beyond its cap: further keys share one bucket (I10; governor#171).

use governor::nanos::Nanos;
use governor::state::StateStore;
use governor::state::keyed::ShrinkableKeyedStateStore;
use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

const SHARDS: usize = 16;

struct Shard<K> {
    states: HashMap<K, u64>,
    overflow: Option<u64>,
}

/// A handle to the store; clones share it, so that it can be looked into beside the limiter that owns one.
pub(super) struct CappedStore<K> {
    shards: Arc<[Mutex<Shard<K>>]>,
    /// Picks the shard; keyed at random, so that nobody can aim at one.
    hasher: RandomState,
    cap: Arc<AtomicUsize>,
}

impl<K> Clone for CappedStore<K> {
    fn clone(&self) -> Self {
        Self { shards: Arc::clone(&self.shards), hasher: self.hasher.clone(), cap: Arc::clone(&self.cap) }
    }
}

impl<K: Hash + Eq> CappedStore<K> {
    pub(super) fn new(cap: usize) -> Self {
        let shard = || Mutex::new(Shard { states: HashMap::new(), overflow: None });
        Self {
            shards: std::iter::repeat_with(shard).take(SHARDS).collect(),
            hasher: RandomState::new(),
            cap: Arc::new(AtomicUsize::new(cap / SHARDS)),
        }
    }
    /// Changes the cap. Keys beyond a smaller one stay until they are whole again.
    pub(super) fn set_cap(&self, cap: usize) {
        self.cap.store(cap / SHARDS, Ordering::Relaxed);
    }
    fn is_full(&self, keys: usize) -> bool {
        keys >= self.cap.load(Ordering::Relaxed)
    }
    fn shard(&self, key: &K) -> Option<MutexGuard<'_, Shard<K>>> {
        let index = usize::try_from(self.hasher.hash_one(key) % SHARDS as u64).unwrap_or(0);
        self.shards.get(index).map(lock)
    }
    /// The state a key is judged by, without changing anything.
    pub(super) fn peek(&self, key: &K) -> Option<Nanos> {
        let shard = self.shard(key)?;
        let own = shard.states.get(key).copied();
        own.or(if self.is_full(shard.states.len()) { shard.overflow } else { None }).map(Nanos::from)
    }
}

fn lock<K>(shard: &Mutex<Shard<K>>) -> MutexGuard<'_, Shard<K>> {
    // Nothing panics while it is held, and a number is never half written.
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<K: Hash + Eq + Clone> StateStore for CappedStore<K> {
    type Key = K;
    fn measure_and_replace<T, F, E>(&self, key: &K, f: F) -> Result<T, E>
    where
        F: Fn(Option<Nanos>) -> Result<(T, Nanos), E>,
    {
        let Some(mut shard) = self.shard(key) else { return f(None).map(|(outcome, _)| outcome) };
        if let Some(state) = shard.states.get_mut(key) {
            let (outcome, next) = f(Some(Nanos::from(*state)))?;
            *state = next.as_u64();
            return Ok(outcome);
        }
        if self.is_full(shard.states.len()) {
            let (outcome, next) = f(shard.overflow.map(Nanos::from))?;
            shard.overflow = Some(next.as_u64());
            return Ok(outcome);
        }
        let (outcome, next) = f(None)?;
        shard.states.insert(key.clone(), next.as_u64());
        Ok(outcome)
    }
}

impl<K: Hash + Eq + Clone> ShrinkableKeyedStateStore<K> for CappedStore<K> {
    fn retain_recent(&self, drop_below: Nanos) {
        for shard in self.shards.iter() {
            lock(shard).states.retain(|_, state| *state > drop_below.as_u64());
        }
    }
    fn shrink_to_fit(&self) {
        for shard in self.shards.iter() {
            lock(shard).states.shrink_to_fit();
        }
    }
    fn len(&self) -> usize {
        self.shards.iter().map(|shard| lock(shard).states.len()).sum()
    }
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
