//! The end of serving, in two steps. The first signal stops accepting, closes what is idle and lets requests under way
//! finish; the second ends it at once. Either way the log is closed in order afterwards.

use actix_web::dev::Server;
use futures_util::future::join_all;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};

/// How serving ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(in crate::app) enum Ended {
    /// Every request under way was answered.
    Drained,
    /// Some were not, in the time they had.
    TimedOut,
    /// A second signal did not wait for them.
    Forced,
    /// Nobody asked for it.
    Failed,
}

impl Ended {
    fn word(self) -> &'static str {
        match self {
            Self::Drained => "drained",
            Self::TimedOut => "timed_out",
            Self::Forced => "forced",
            Self::Failed => "failed",
        }
    }
    /// Says it in the log.
    pub(in crate::app) fn tell(self) {
        let state = self.word();
        match self {
            Self::Drained => {
                tracing::info!(event = "shutdown", state, "the vault has stopped serving; all was answered");
            }
            Self::TimedOut => tracing::warn!(
                event = "shutdown",
                state,
                "the vault has stopped serving; requests were cut off at http.drain_timeout_s"
            ),
            Self::Forced => tracing::warn!(
                event = "shutdown",
                state,
                "the vault has stopped serving at a second signal; requests under way were cut off"
            ),
            Self::Failed => {
                tracing::error!(event = "shutdown", state, "the vault has stopped serving by itself")
            }
        }
    }
}

/// SIGTERM and SIGINT.
pub(in crate::app) struct Signals {
    term: Signal,
    int: Signal,
}

impl Signals {
    /// From here on a signal is an orderly end: taken before anything is served, so that none comes too early.
    pub(in crate::app) fn new() -> std::io::Result<Self> {
        Ok(Self { term: signal(SignalKind::terminate())?, int: signal(SignalKind::interrupt())? })
    }
    async fn next(&mut self) {
        tokio::select! {
            _ = self.term.recv() => {}
            _ = self.int.recv() => {}
        }
    }
}

/// Serves until told to stop, then until all is answered, the drain time is over, or a second signal comes.
pub(in crate::app) async fn until_stopped(
    servers: Vec<Server>,
    mut signals: Signals,
    drain: Duration,
    clock: &dyn crate::domain::Clock,
) -> std::io::Result<Ended> {
    let handles: Vec<_> = servers.iter().map(Server::handle).collect();
    let mut serving = std::pin::pin!(join_all(servers));
    let failed = |ended: Vec<std::io::Result<()>>| ended.into_iter().collect::<std::io::Result<()>>();
    tokio::select! {
        ended = &mut serving => return failed(ended).map(|()| Ended::Failed),
        () = signals.next() => {}
    }
    tracing::info!(event = "stopping", "no connection is accepted any more; requests under way may finish");
    let began = clock.monotonic();
    // The command is sent by the call; what it returns only waits.
    let _sent: Vec<_> = handles.iter().map(|handle| handle.stop(true)).collect();
    tokio::select! {
        ended = &mut serving => {
            failed(ended)?;
            let late = clock.monotonic().saturating_sub(began) >= drain;
            Ok(if late { Ended::TimedOut } else { Ended::Drained })
        }
        () = signals.next() => Ok(Ended::Forced),
    }
}
