//! The admin socket beside a vault, and the one way in which commands reach a vault: through that socket, served by whoever
//! has the vault open, or by the command itself for as long as it runs.

use crate::app::open;
use crate::app::serve::{cores, settled};
use crate::cli::remote::{AdminSocket, ClientKeys, Link, Tls};
use crate::cli::{Failed, Place, Reach};
use crate::domain::entropy::OsEntropy;
use crate::http::capacity::Capacity;
use crate::http::edge::{BodyLimits, EntropyFactory, ServerSettings};
use crate::http::local::{self, BoundSocket, Local};
use crate::http::measured::{Meter, Seen};
use crate::http::pipeline::Serving;
use crate::vault::{Gauges, Vault};
use actix_web::dev::ServerHandle;
use actix_web::web;
use std::os::unix::net::UnixListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// A running admin socket.
pub(in crate::app) struct Admin {
    handle: ServerHandle,
    ended: actix_web::rt::task::JoinHandle<std::io::Result<()>>,
    socket: BoundSocket,
}

/// The admin socket's name, taken; whoever connects waits until it is served.
pub(in crate::app) struct Bound(UnixListener, BoundSocket);

/// Takes the admin socket of a data directory whose store is open in this process.
pub(in crate::app) fn bind(data_dir: &Path) -> Result<Bound, Failed> {
    let (listener, socket) = local::bind(data_dir).map_err(|e| {
        let why = crate::domain::io_words(e.kind());
        Failed::new(format!("cannot serve {}: {why}", data_dir.join("admin.sock").display()))
    })?;
    Ok(Bound(listener, socket))
}

impl Admin {
    /// Serves the admin socket.
    pub(in crate::app) fn start(serving: web::Data<Serving>, bound: Bound) -> Result<Self, Failed> {
        let refused = |e: std::io::Error| {
            Failed::new(format!("cannot serve the admin socket: {}", crate::domain::io_words(e.kind())))
        };
        let Bound(listener, socket) = bound;
        let settings = ServerSettings {
            workers: cores(),
            shutdown_timeout: Duration::from_secs(5),
            ..ServerSettings::default()
        };
        let entropy: EntropyFactory = Arc::new(|| Box::new(OsEntropy));
        let local = web::Data::new(Local { serving });
        let owner = rustix::process::geteuid().as_raw();
        let server = local::server(listener, owner, local, (&settings, entropy)).map_err(refused)?;
        let handle = server.handle();
        Ok(Self { handle, ended: actix_web::rt::spawn(server), socket })
    }

    /// Ends what is under way, then the server, then the socket's name.
    pub(in crate::app) async fn stop(self) {
        self.handle.stop(true).await;
        if !matches!(self.ended.await, Ok(Ok(()))) {
            tracing::warn!(event = "admin_end", "the admin socket did not end in order");
        }
        drop(self.socket);
    }
}

/// What every server shares, measured by nobody: for a command that serves itself alone.
fn serving(vault: Arc<Vault>, body: BodyLimits) -> web::Data<Serving> {
    web::Data::new(Serving { vault, meter: Arc::new(Unmeasured), body, capacity: Capacity::default() })
}

struct Unmeasured;

impl Meter for Unmeasured {
    fn request(&self, _: &Seen) {}
    fn probe(&self, _: &'static str, _: u16, _: u64) {}
    fn refusal(&self, _: &'static str) {}
    fn panicked(&self) {}
    fn render(&self, _: Gauges) -> String {
        String::new()
    }
    fn alerts(&self, _: &str) -> String {
        String::new()
    }
}

/// Does something with the vault of a place: through its server's admin socket, or, when nobody serves it, through one that
/// this process serves meanwhile.
pub(in crate::app) async fn at<T>(
    place: &Place,
    work: impl AsyncFnOnce(&Link) -> Result<T, Failed>,
) -> Result<T, Failed> {
    if let Some(link) = AdminSocket::find(&place.data_dir).await {
        return work(&link).await;
    }
    let vault = open::for_commands(place)?;
    beside(vault, &place.data_dir, work).await
}

/// Does something with a vault that this process has open.
pub(in crate::app) async fn beside<T>(
    vault: Arc<Vault>,
    data_dir: &Path,
    work: impl AsyncFnOnce(&Link) -> Result<T, Failed>,
) -> Result<T, Failed> {
    settled(&vault).await?;
    let admin = Admin::start(serving(vault.clone(), BodyLimits::default()), bind(data_dir)?)?;
    let link = AdminSocket::find(data_dir).await;
    let result = match link {
        Some(link) => work(&link).await,
        None => Err(Failed::new("the vault's own admin socket does not answer")),
    };
    admin.stop().await;
    vault.flush_refusals().await;
    if !vault.keep_limits().await {
        tracing::warn!(event = "limits_not_kept", "limits could not be written down");
    }
    result
}

/// The same for commands that also reach a vault over TLS.
pub(in crate::app) async fn reached<T>(
    reach: &Reach,
    work: impl AsyncFnOnce(&Link) -> Result<T, Failed>,
) -> Result<T, Failed> {
    match (&reach.data_dir, &reach.url, &reach.cacert) {
        (Some(data_dir), _, _) => {
            let place = Place {
                data_dir: data_dir.clone(),
                root_key_file: reach.root_key_file.clone(),
                root_passphrase_file: reach.root_passphrase_file.clone(),
            };
            at(&place, work).await
        }
        (None, Some(url), Some(ca)) => {
            crate::http::tls::install_provider();
            work(&Link::new(Tls::new(url, ca, ClientKeys::read(&reach.keys)?)?)).await
        }
        _ => Err(Failed::new("write --data-dir DIR, or --url URL with --cacert FILE and --key CLIENT=FILE")),
    }
}
