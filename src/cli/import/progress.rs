//! How far an import is: a bar on a terminal, a line every few seconds elsewhere, nothing when quiet. Numbers only.

use super::journal::Counts;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::{IsTerminal, Write};
use std::time::Duration;
use tokio::time::Instant;

/// How often a line is written where there is no terminal.
const EVERY: Duration = Duration::from_secs(5);

/// Progress of an import.
pub(super) enum Progress {
    Quiet,
    Bar(ProgressBar),
    Lines { bytes: u64, started: Instant, last: Instant },
}

impl Progress {
    /// Progress through so many bytes.
    pub(super) fn new(bytes: u64, quiet: bool) -> Self {
        let now = Instant::now();
        if quiet {
            return Self::Quiet;
        }
        if !std::io::stderr().is_terminal() {
            return Self::Lines { bytes, started: now, last: now };
        }
        let bar = ProgressBar::new(bytes);
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {percent:>3} %  {msg}  {eta} left") {
            bar.set_style(style);
        }
        Self::Bar(bar)
    }
    /// Shows where the import is.
    pub(super) fn at(&mut self, read: u64, counts: &Counts) {
        let text = format!("{} lines, {} rejected", counts.lines, counts.rejected);
        match self {
            Self::Quiet => {}
            Self::Bar(bar) => {
                bar.set_message(text);
                bar.set_position(read);
            }
            Self::Lines { bytes, started, last } => {
                if last.elapsed() < EVERY {
                    return;
                }
                *last = Instant::now();
                let percent = read.saturating_mul(100) / (*bytes).max(1);
                // Nothing is lost when nobody reads this.
                let _told = writeln!(
                    std::io::stderr(),
                    "{percent} %: {text} after {} s",
                    started.elapsed().as_secs()
                )
                .is_ok();
            }
        }
    }
    /// Ends it.
    pub(super) fn end(&self) {
        if let Self::Bar(bar) = self {
            bar.finish_and_clear();
        }
    }
}
