//! TLS material that is replaced while serving: one atomic swap of the whole set, or the last good one stays.
//!
//! Connections that are open keep what they negotiated, but a client certificate has to stand in the trust of now: whoever
//! shows one is judged again whenever that changes (theme 19).

use super::TlsError;
use super::material::{Material, TlsFiles};
use crate::domain::{Clock, Timestamp};
use arc_swap::ArcSwap;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tokio::sync::watch;

/// The material of now.
pub struct Live {
    files: Option<TlsFiles>,
    current: ArcSwap<Material>,
    trust_no: AtomicU64,
    changed: watch::Sender<u64>,
    stale: AtomicBool,
    clock: Arc<dyn Clock>,
}

impl Live {
    /// Reads the files for the first time. What has expired is served all the same, so that a vault can be started; clients
    /// refuse it, and expired revocation lists refuse every client certificate.
    pub fn open(files: TlsFiles, clock: Arc<dyn Clock>) -> Result<Self, TlsError> {
        let material = Material::load(&files)?;
        for (until, what) in
            [(material.certificate_until, TlsError::Expired), (material.lists_until, TlsError::CrlExpired)]
        {
            if clock.wall() >= until {
                tracing::warn!(event = "tls_expired", code = what.code(), "{what}");
            }
        }
        Ok(Self::of(Some(files), material, clock))
    }

    /// A set that never changes.
    pub fn fixed(config: rustls::ServerConfig, clock: Arc<dyn Clock>) -> Self {
        Self::of(None, Material::fixed(config), clock)
    }

    fn of(files: Option<TlsFiles>, material: Material, clock: Arc<dyn Clock>) -> Self {
        Self {
            files,
            current: ArcSwap::from_pointee(material),
            trust_no: AtomicU64::new(0),
            changed: watch::Sender::new(0),
            stale: AtomicBool::new(false),
            clock,
        }
    }

    /// The whole set.
    pub fn current(&self) -> Arc<Material> {
        self.current.load_full()
    }
    /// The wall clock certificates are judged by.
    pub fn now(&self) -> Timestamp {
        self.clock.wall()
    }
    /// Time since an arbitrary start.
    pub fn monotonic(&self) -> std::time::Duration {
        self.clock.monotonic()
    }
    /// How often the trust has changed.
    pub fn trust_no(&self) -> u64 {
        self.trust_no.load(Ordering::Acquire)
    }
    /// Tells of every change of the trust.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changed.subscribe()
    }
    /// Seconds until the server's certificate and the first revocation list end; `None`: never.
    pub fn seconds_left(&self) -> (Option<u64>, Option<u64>) {
        let (material, now) = (self.current.load(), self.now());
        let left = |until: Timestamp| {
            let micros = u64::try_from(until.0.saturating_sub(now.0)).unwrap_or(0);
            (until != Timestamp(i64::MAX)).then_some(micros / 1_000_000)
        };
        (left(material.certificate_until), left(material.lists_until))
    }
    /// Whether the files on disk are not what is served.
    pub fn is_stale(&self) -> bool {
        self.stale.load(Ordering::Relaxed)
    }

    /// Reads the files again and takes them over whole; `false`: they are what is served already. On an error everything
    /// stays as it was.
    pub fn reload(&self) -> Result<bool, TlsError> {
        let Some(files) = &self.files else { return Ok(false) };
        let read = Material::load(files)
            .and_then(|material| material.fresh(self.now()))
            .and_then(|material| material.no_older(&self.current.load()));
        self.stale.store(read.is_err(), Ordering::Relaxed);
        let mut material = read?;
        let served = self.current.load();
        if material.digest == served.digest {
            return Ok(false);
        }
        let moved = material.trust_digest != served.trust_digest;
        material.trust_no = served.trust_no + u64::from(moved);
        let trust_no = material.trust_no;
        drop(served);
        self.current.store(Arc::new(material));
        if moved {
            self.trust_no.store(trust_no, Ordering::Release);
            self.changed.send_replace(trust_no);
        }
        Ok(true)
    }
}

/// What the file system says of the files, without reading them.
type Stamp = Vec<Option<(u64, u64, i64, i64, i64, i64)>>;

/// Notices that files were changed, and waits until they hold still.
pub struct Watcher {
    files: Option<TlsFiles>,
    last: Stamp,
    tried: Stamp,
}

impl Watcher {
    /// Watches from now.
    pub fn new(live: &Live) -> Self {
        let files = live.files.clone();
        let stamp = stamp(files.as_ref());
        Self { files, last: stamp.clone(), tried: stamp }
    }
    /// Whether to reload: something changed since the last try, and nothing since the last question. A renewal writes more
    /// than one file, and half of one is no set.
    pub fn due(&mut self) -> bool {
        let now = stamp(self.files.as_ref());
        let steady = now == self.last;
        self.last.clone_from(&now);
        let due = steady && now != self.tried;
        if due {
            self.tried = now;
        }
        due
    }
    /// What is there now is being tried by request.
    pub fn tried(&mut self) {
        self.last = stamp(self.files.as_ref());
        self.tried.clone_from(&self.last);
    }
}

fn stamp(files: Option<&TlsFiles>) -> Stamp {
    let Some(files) = files else { return Vec::new() };
    let named =
        [Some(&files.certificate), Some(&files.key), files.client_ca.as_ref(), files.client_crl.as_ref()];
    let facts = |path: &Path| {
        let meta = std::fs::metadata(path).ok()?;
        Some((meta.ino(), meta.len(), meta.mtime(), meta.mtime_nsec(), meta.ctime(), meta.ctime_nsec()))
    };
    named.into_iter().flatten().map(|path| facts(path)).collect()
}
