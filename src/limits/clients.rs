//! Accounts of clients: a closed set (only authenticated clients have one), each behind a lock of its own.

use super::account::Account;
use super::clock::GovernorClock;
use crate::domain::ClientNo;
use governor::clock::Clock as _;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

pub(super) struct Clients {
    by_client: RwLock<HashMap<ClientNo, Arc<Mutex<Account>>>>,
    clock: GovernorClock,
}

pub(super) fn lock(account: &Mutex<Account>) -> MutexGuard<'_, Account> {
    account.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Clients {
    pub(super) fn new(clock: GovernorClock) -> Self {
        Self { by_client: RwLock::default(), clock }
    }

    /// Milliseconds of the clock that durations are measured with.
    pub(super) fn now_ms(&self) -> i64 {
        i64::try_from(self.clock.now().as_millis()).unwrap_or(i64::MAX)
    }

    /// Works on a client's account at this instant.
    pub(super) fn with<T>(&self, client: ClientNo, f: impl FnOnce(&mut Account, i64) -> T) -> T {
        let known = self.by_client.read().unwrap_or_else(PoisonError::into_inner).get(&client).cloned();
        let account = known.unwrap_or_else(|| {
            let mut all = self.by_client.write().unwrap_or_else(PoisonError::into_inner);
            let fresh = || Arc::new(Mutex::new(Account::new(self.now_ms())));
            Arc::clone(all.entry(client).or_insert_with(fresh))
        });
        let mut account = lock(&account);
        // The clock is read under the lock: two charges are never out of order.
        f(&mut account, self.now_ms())
    }

    /// Every account, by client.
    pub(super) fn all(&self) -> Vec<(ClientNo, Arc<Mutex<Account>>)> {
        let all = self.by_client.read().unwrap_or_else(PoisonError::into_inner);
        let mut all: Vec<_> = all.iter().map(|(client, account)| (*client, Arc::clone(account))).collect();
        all.sort_unstable_by_key(|(client, _)| *client);
        all
    }

    /// Takes an account as it was before a restart.
    pub(super) fn adopt(&self, client: ClientNo, account: Account) {
        let mut all = self.by_client.write().unwrap_or_else(PoisonError::into_inner);
        all.insert(client, Arc::new(Mutex::new(account)));
    }
}
