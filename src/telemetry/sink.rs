//! Where lines go: standard error. A serving process writes them from a thread of its own behind a bounded queue, so that
//! whoever should read them and does not can never hold up a request; what finds the queue full is dropped and counted
//! (I10). Commands write at once.

use std::io::Write as _;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::Duration;

/// Lines that may wait.
const QUEUE: usize = 2_048;
/// How long an end waits for the lines before it.
const PATIENCE: Duration = Duration::from_secs(1);

static LINES: OnceLock<SyncSender<Entry>> = OnceLock::new();
static DROPPED: AtomicU64 = AtomicU64::new(0);

enum Entry {
    Line(String),
    /// Everything before it is written.
    Flush(SyncSender<()>),
}

/// From now on lines wait in a queue.
pub fn queue() {
    let (sender, lines) = sync_channel(QUEUE);
    let started = std::thread::Builder::new().name("log".to_owned()).spawn(move || drain(&lines)).is_ok();
    if started {
        // A second server in one process keeps the first queue; this one's thread ends with its sender.
        let _first = LINES.set(sender).is_ok();
    }
}

fn drain(lines: &Receiver<Entry>) {
    for entry in lines {
        match entry {
            Entry::Line(line) => put(&line),
            // Who waited may have gone.
            Entry::Flush(done) => drop(done.try_send(())),
        }
    }
}

fn put(line: &str) {
    // Nowhere else to say it when standard error is closed.
    let _written = std::io::stderr().lock().write_all(line.as_bytes()).is_ok();
}

/// Writes a line, or lets it wait, or drops it.
pub(in crate::telemetry) fn write(line: String) {
    match LINES.get() {
        None => put(&line),
        Some(lines) if lines.try_send(Entry::Line(line)).is_err() => {
            DROPPED.fetch_add(1, Ordering::Relaxed);
        }
        Some(_) => {}
    }
}

/// Waits, not long, until what was told before is written.
pub fn flush() {
    let (done, written) = sync_channel(1);
    if LINES.get().is_some_and(|lines| lines.try_send(Entry::Flush(done)).is_ok()) {
        let _in_time = written.recv_timeout(PATIENCE).is_ok();
    }
}

/// Lines dropped since the start.
pub fn dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}
