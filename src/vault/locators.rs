//! Locators for new rows: counters taken from a small local run that the store reserved durably beforehand.

use crate::domain::{Locator, Part};
use crate::storage::{CommitError, LocatorRange, Store};
use std::sync::Mutex;

/// How many counters are fetched at a time.
const RUN: u16 = 1_024;

/// The local run of counters.
#[derive(Default)]
pub(in crate::vault) struct Locators(Mutex<Option<LocatorRange>>);

impl Locators {
    /// A fresh locator in a part.
    pub(in crate::vault) async fn next(&self, store: &Store, part: Part) -> Result<Locator, CommitError> {
        loop {
            if let Some(counter) = self.take() {
                return Locator::new(counter, part).ok_or(CommitError::Full);
            }
            let run = store.allocate(RUN).await?;
            *self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(run);
        }
    }

    fn take(&self) -> Option<u64> {
        let mut guard = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let run = guard.as_mut().filter(|run| run.count > 0)?;
        let counter = run.first;
        run.first += 1;
        run.count -= 1;
        Some(counter)
    }
}
