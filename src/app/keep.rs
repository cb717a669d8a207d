//! Limits that last: every five seconds what clients have used is written down, and once more at the end.

use crate::vault::Vault;
use std::sync::Arc;
use std::time::Duration;

/// How much of the log a start has to count at most, in time.
const EVERY: Duration = Duration::from_secs(5);

/// The upkeep that writes it down while the vault serves.
pub(in crate::app) struct Keeping {
    vault: Arc<Vault>,
    task: tokio::task::JoinHandle<()>,
}

impl Keeping {
    /// Begins.
    pub(in crate::app) fn start(vault: Arc<Vault>) -> Self {
        let kept = Arc::clone(&vault);
        let task = actix_web::rt::spawn(async move {
            loop {
                tokio::time::sleep(EVERY).await;
                // What could not be written is logged, and tried again.
                let _kept: bool = kept.keep_limits().await;
            }
        });
        Self { vault, task }
    }

    /// Ends, after the last request: nothing is left for the next start to count.
    pub(in crate::app) async fn end(self) {
        self.task.abort();
        self.vault.keep_limits().await;
    }
}
