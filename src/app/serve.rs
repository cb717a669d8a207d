//! `strongroom serve`: settings, vault, listeners, upkeep, and a two-step shutdown that drains and flushes.

use crate::app::admin::{self, Admin};
use crate::app::meter::Metered;
use crate::app::open::{self, Tuning};
use crate::cli::{Failed, Place};
use crate::config::{RootProviderKind, Settings};
use crate::crypto::password::PasswordParams;
use crate::domain::entropy::OsEntropy;
use crate::http::api::ROUTES;
use crate::http::edge::{BodyLimits, EdgeSettings, EntropyFactory, ServerSettings};
use crate::http::pipeline::Serving;
use crate::http::problem::Code;
use crate::http::server;
use crate::http::tls;
use crate::policy::Cidr;
use crate::telemetry::{log, metrics::Metrics};
use crate::vault::{NetworkLabel, Networks, Vault};
use actix_web::dev::ServerHandle;
use actix_web::web;
use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// Runs `serve`.
pub(in crate::app) fn run(config: &Path) -> Result<(), Failed> {
    let settings = Settings::load(config).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(|e| format!("{}: {e}", config.display())).collect();
        Failed::new(lines.join("\n"))
    })?;
    log::init(&settings.log.level);
    let (cert, key) = match (&settings.tls.certificate, &settings.tls.key) {
        (Some(cert), Some(key)) => (cert.clone(), key.clone()),
        _ => {
            return Err(Failed::new(
                "[tls] certificate and key are missing; a vault is served over TLS only",
            ));
        }
    };
    let place = place_of(&settings);
    let vault = open::vault(&place, &tuning_of(&settings)?)?;
    let listener = listen(settings.listen.address, "listen.address")?;
    let admin_socket = admin::bind(&settings.data_dir)?;
    let metrics_listener = listen(settings.metrics.address, "metrics.address")?;
    let named = |e: tls::TlsError| Failed::new(format!("{} and {}: {e}", cert.display(), key.display()));
    let tls = tls::server_config(&cert, &key).map_err(named)?;
    tracing::info!(
        event = "serving",
        address = settings.listen.address.to_string().as_str(),
        "the vault is being served"
    );
    let server = server_settings(&settings);
    super::block_on(serve(
        vault,
        Listeners { api: listener, metrics: metrics_listener, tls, admin: admin_socket },
        body_rules(&settings),
        server,
    ))
}

/// Sockets and TLS of a server.
pub(in crate::app) struct Listeners {
    pub(in crate::app) api: TcpListener,
    pub(in crate::app) metrics: TcpListener,
    pub(in crate::app) tls: rustls::ServerConfig,
    /// The admin socket, taken.
    pub(in crate::app) admin: admin::Bound,
}

/// Serves until SIGTERM or SIGINT, then drains, flushes and reports its end.
pub(in crate::app) async fn serve(
    vault: Arc<Vault>,
    on: Listeners,
    body: BodyLimits,
    settings: ServerSettings,
) -> Result<(), Failed> {
    let failed =
        |e: std::io::Error| Failed::new(format!("cannot serve: {}", crate::domain::io_words(e.kind())));
    let routes: Vec<&'static str> = ROUTES.iter().map(|r| r.path).collect();
    let codes: Vec<&'static str> = Code::all().iter().map(|c| c.name()).collect();
    let meter = Arc::new(Metered(Arc::new(Metrics::new(&routes, &codes))));
    let serving = web::Data::new(Serving { vault: vault.clone(), meter, body });
    let entropy: EntropyFactory = Arc::new(|| Box::new(OsEntropy));
    let admin = Admin::start(serving.clone(), on.admin)?;
    let api = server::api(on.api, &on.tls, serving.clone(), (&settings, entropy.clone())).map_err(failed)?;
    let metrics = server::metrics(on.metrics, serving, entropy).map_err(failed)?;
    let handles = [api.handle(), metrics.handle()];
    let upkeep = actix_web::rt::spawn(upkeep(vault.clone()));
    actix_web::rt::spawn(stop_on_signal(handles));
    let (api, metrics) = tokio::join!(api, metrics);
    admin.stop().await;
    upkeep.abort();
    vault.flush_refusals().await;
    vault.report_shutdown().await;
    tracing::info!(event = "shutdown", "the vault has stopped serving");
    api.and(metrics).map_err(failed)
}

async fn stop_on_signal(handles: [ServerHandle; 2]) {
    let (Ok(mut term), Ok(mut int)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        return;
    };
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
    for handle in handles {
        handle.stop(true).await;
    }
}

/// Once a minute: sums of refusals to the log, idle limiter keys forgotten.
async fn upkeep(vault: Arc<Vault>) {
    loop {
        tokio::time::sleep(Duration::from_secs(60)).await;
        vault.flush_refusals().await;
        vault.housekeep();
    }
}

/// Binds a listener that does not block, as the server wants it.
pub(in crate::app) fn listen(address: std::net::SocketAddr, setting: &str) -> Result<TcpListener, Failed> {
    let refused = |e: std::io::Error| {
        Failed::new(format!(
            "cannot listen on {address}: {}; choose another {setting}",
            crate::domain::io_words(e.kind())
        ))
    };
    let listener = TcpListener::bind(address).map_err(refused)?;
    listener.set_nonblocking(true).map_err(refused)?;
    Ok(listener)
}

fn place_of(settings: &Settings) -> Place {
    let path = settings.root.path.clone();
    let (key, passphrase) = match settings.root.provider {
        RootProviderKind::KeyFile => (path, None),
        RootProviderKind::Passphrase => (None, path),
    };
    Place { data_dir: settings.data_dir.clone(), root_key_file: key, root_passphrase_file: passphrase }
}

fn tuning_of(settings: &Settings) -> Result<Tuning, Failed> {
    let labels = settings.networks.iter().map(|n| {
        let cidr = Cidr::parse(&n.cidr)
            .ok_or_else(|| Failed::new(format!("[[networks]] cidr {:?} is not a network", n.cidr)))?;
        let country = n.country.as_ref().and_then(|c| c.as_bytes().try_into().ok());
        Ok(NetworkLabel { cidr, label: n.label.clone(), asn: n.asn, country })
    });
    let p = &settings.passwords;
    Ok(Tuning {
        limits: settings.limits.clone(),
        passwords: PasswordParams { memory_kib: p.memory_kib, iterations: p.iterations, lanes: 1 },
        slots: p.threads,
        queue: p.queue,
        networks: Networks::new(labels.collect::<Result<Vec<_>, Failed>>()?),
    })
}

fn body_rules(settings: &Settings) -> BodyLimits {
    BodyLimits {
        max_bytes: 1 << 20,
        deadline: Duration::from_secs(settings.http.body_timeout_s),
        grace: Duration::from_secs(2),
        min_rate: settings.http.min_body_rate,
    }
}

fn server_settings(settings: &Settings) -> ServerSettings {
    ServerSettings {
        workers: settings.listen.workers.unwrap_or_else(cores),
        max_connections: settings.http.max_connections,
        client_request_timeout: Duration::from_secs(settings.http.header_timeout_s),
        keep_alive: Duration::from_secs(settings.http.keep_alive_s),
        edge: EdgeSettings { hosts: settings.listen.hosts.clone(), ..EdgeSettings::default() },
        ..ServerSettings::default()
    }
}

/// One worker a core.
pub(in crate::app) fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}
