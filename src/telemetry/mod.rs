//! Logs and metrics: what leaves the process about itself. An allow-list of fields, fixed sentences, closed label sets;
//! never a value, a token, a key, or a panic's message (I6).

pub mod alerts;
pub mod events;
pub mod families;
pub mod links;
pub mod log;
pub mod metrics;
pub mod sink;
pub mod traces;

use std::sync::atomic::{AtomicU64, Ordering};

static PANICS: AtomicU64 = AtomicU64::new(0);

/// Panics are logged by place only: their messages may hold what was being worked on. A command that never started the
/// log says so too: a process must not end without a word.
pub fn install_panic_hook() {
    std::panic::set_hook(Box::new(|info| {
        PANICS.fetch_add(1, Ordering::Relaxed);
        let (file, line) = info.location().map_or(("?", 0), |at| (at.file(), at.line()));
        log::ensure();
        tracing::error!(event = "panic", file, line, "a panic was contained or ends the process");
    }));
}

/// Panics since the start.
pub fn panics() -> u64 {
    PANICS.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests;
