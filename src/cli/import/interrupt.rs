//! SIGINT and SIGTERM during an import: the first stops taking lines on and lets those under way end, the second does not wait.
//! Either way the journal knows where to go on, so nothing is lost and nothing is stored twice.

use std::future::pending;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// The two signals, from when it is made.
pub(super) struct Interrupts {
    int: Option<Signal>,
    term: Option<Signal>,
}

impl Interrupts {
    /// Listens. Where that cannot be had, a signal ends the process as it always did, which loses nothing either.
    pub(super) fn listen() -> Self {
        Self { int: signal(SignalKind::interrupt()).ok(), term: signal(SignalKind::terminate()).ok() }
    }
    /// The next one.
    pub(super) async fn next(&mut self) {
        tokio::select! {
            () = one(&mut self.int) => {}
            () = one(&mut self.term) => {}
        }
    }
}

async fn one(signal: &mut Option<Signal>) {
    let came = match signal {
        Some(signal) => signal.recv().await.is_some(),
        None => false,
    };
    if !came {
        pending::<()>().await;
    }
}
