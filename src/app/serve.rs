//! `strongroom serve`: settings, vault, listeners, upkeep, and a two-step shutdown that drains and flushes.

use crate::app::admin::{self, Admin};
use crate::app::keep::Keeping;
use crate::app::links::{self, LinkPlan};
use crate::app::meter::{Metered, Traces};
use crate::app::open::{self, Tuning};
use crate::app::public::PublicPlan;
use crate::app::reload;
use crate::app::stop::{Ended, Signals, until_stopped};
use crate::app::watch;
use crate::cli::Failed;
use crate::config::{self, Settings};
use crate::crypto::password::PasswordParams;
use crate::domain::clock::SystemClock;
use crate::domain::entropy::OsEntropy;
use crate::http::api::ROUTES;
use crate::http::capacity::Capacity;
use crate::http::edge::{BodyLimits, EdgeSettings, EntropyFactory, ServerSettings};
use crate::http::link::Links;
use crate::http::pipeline::Serving;
use crate::http::problem::Code;
use crate::http::public;
use crate::http::server;
use crate::policy::Cidr;
use crate::telemetry::alerts::Alerts;
use crate::telemetry::links::LinkMetrics;
use crate::telemetry::traces::{self, Exporter};
use crate::telemetry::{log, metrics::Metrics, sink};
use crate::vault::{NetworkLabel, Networks, Vault};
use actix_web::web;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Runs `serve`.
pub(in crate::app) fn run(config: &Path) -> Result<(), Failed> {
    // Kept to tell at a SIGHUP what has changed since.
    let text = std::fs::read_to_string(config).unwrap_or_default();
    let settings = open::settings(config)?;
    log::init(&settings.log.level);
    let links = LinkPlan::of(&settings, Arc::new(SystemClock::default()))?;
    let place = open::place_of(&settings);
    let vault = open::vault(&place, &tuning_of(&settings)?)?;
    stays_on_loopback(&vault, &settings)?;
    let listener = listen(settings.listen.address, "listen.address")?;
    let admin_socket = admin::bind(&settings.data_dir)?;
    let metrics_listener = listen(settings.metrics.address, "metrics.address")?;
    let public = super::public::open(&settings, &vault)?;
    tracing::info!(
        event = "serving",
        address = settings.listen.address.to_string().as_str(),
        metrics = settings.metrics.address.to_string().as_str(),
        public = settings.public.address.map_or_else(|| "off".to_owned(), |at| at.to_string()).as_str(),
        "the vault is being served"
    );
    let server = server_settings(&settings);
    let telling = Telling {
        requests: settings.log.requests,
        alerts: settings.alerts.clone(),
        traces: settings.telemetry.traces.clone(),
        data_dir: settings.data_dir.clone(),
    };
    super::block_on(async {
        reload::settings(vault.clone(), config, text)?;
        let on = Listeners { api: listener, metrics: metrics_listener, links, public, admin: admin_socket };
        serve(vault, on, body_rules(&settings), server, telling).await
    })
}

/// A development vault has generous limits and demo clients; whoever serves it by `serve` shows it to nobody else either.
fn stays_on_loopback(vault: &Vault, settings: &Settings) -> Result<(), Failed> {
    let named = [
        ("listen.address", Some(settings.listen.address)),
        ("metrics.address", Some(settings.metrics.address)),
        ("public.address", settings.public.address),
    ];
    let away = |(_, at): &(&str, Option<std::net::SocketAddr>)| at.is_some_and(|at| !at.ip().is_loopback());
    match named.into_iter().find(away).filter(|_| vault.is_development()) {
        Some((key, _)) => Err(Failed::new(format!(
            "{key}: this is a development vault, which listens on loopback only; write 127.0.0.1, or make a vault with \
             `strongroom init`"
        ))),
        None => Ok(()),
    }
}

/// Sockets and connections of a server.
pub(in crate::app) struct Listeners {
    pub(in crate::app) api: TcpListener,
    pub(in crate::app) metrics: TcpListener,
    pub(in crate::app) links: LinkPlan,
    pub(in crate::app) public: Option<PublicPlan>,
    /// The admin socket, taken.
    pub(in crate::app) admin: admin::Bound,
}

/// What a server tells of itself, and about what.
pub(in crate::app) struct Telling {
    pub(in crate::app) requests: bool,
    pub(in crate::app) alerts: config::Alerts,
    pub(in crate::app) traces: traces::Settings,
    pub(in crate::app) data_dir: PathBuf,
}

fn metered(vault: &Vault, telling: &Telling, links: Arc<LinkMetrics>) -> Result<Metered, Failed> {
    let mut routes: Vec<&'static str> = ROUTES.iter().map(|r| r.path).collect();
    routes.extend(server::OPEN);
    routes.extend(public::ROUTES);
    let codes: Vec<&'static str> = Code::all().iter().map(|c| c.name()).collect();
    let clock = vault.clock().clone();
    let exporter = Exporter::start(&telling.traces, clock.clone()).map_err(|e| Failed::new(e.to_string()))?;
    Ok(Metered {
        metrics: Metrics::new(&routes, &codes),
        alerts: Alerts::default(),
        traces: exporter.map(|exporter| Traces { exporter, settings: telling.traces.clone() }),
        requests: telling.requests,
        data_dir: telling.data_dir.clone(),
        started: clock.monotonic(),
        clock,
        links,
    })
}

/// Serves until SIGTERM or SIGINT, then drains, flushes and reports its end.
pub(in crate::app) async fn serve(
    vault: Arc<Vault>,
    on: Listeners,
    body: BodyLimits,
    settings: ServerSettings,
    telling: Telling,
) -> Result<(), Failed> {
    let failed =
        |e: std::io::Error| Failed::new(format!("cannot serve: {}", crate::domain::io_words(e.kind())));
    let signals = Signals::new().map_err(failed)?;
    settled(&vault).await?;
    sink::queue();
    let counters = links::metrics();
    let meter = Arc::new(metered(&vault, &telling, counters.clone())?);
    let capacity = Capacity::default();
    let serving = web::Data::new(Serving { vault: vault.clone(), meter: meter.clone(), body, capacity });
    let here = links::Listener::of(None, &on.api);
    let entropy: EntropyFactory = Arc::new(|| Box::new(OsEntropy));
    let admin = Admin::start(serving.clone(), on.admin)?;
    let LinkPlan { live, rules, limits } = on.links;
    links::warn_of_clients(&live, &vault);
    let counted = links::Counted { metrics: counters.clone(), vault: vault.clone() };
    let links = Links::new(live.clone(), rules, limits, Some(Arc::new(counted)));
    let api = server::api(on.api, &links, serving.clone(), (&settings, entropy.clone())).map_err(failed)?;
    let metrics = server::metrics(on.metrics, serving.clone(), entropy.clone()).map_err(failed)?;
    let mut servers = vec![api, metrics];
    let mut pages = None;
    if let Some(plan) = on.public {
        let (listener, followed) = plan.ready(&vault);
        servers.push(public::serve(listener, serving, &settings, entropy).map_err(failed)?);
        pages = followed;
    }
    let upkeep = actix_web::rt::spawn(upkeep(vault.clone()));
    let watch = actix_web::rt::spawn(watch::watch(vault.clone(), meter.clone(), telling.alerts));
    let keeping = Keeping::start(vault.clone());
    let material = actix_web::rt::spawn(links::look_after(links, live, counters, (vault.clone(), here)));
    let drain = settings.shutdown_timeout;
    let ended = until_stopped(servers, signals, drain, vault.clock().as_ref()).await;
    admin.stop().await;
    upkeep.abort();
    watch.abort();
    material.abort();
    pages.iter().for_each(actix_web::rt::task::JoinHandle::abort);
    vault.flush_refusals().await;
    keeping.end().await;
    vault.report_shutdown().await;
    if let Some(traces) = &meter.traces {
        traces.exporter.finish();
    }
    if let Ok(ended) = &ended {
        ended.tell();
    }
    sink::flush();
    match ended {
        Ok(Ended::Failed) => Err(Failed::new("the server ended by itself; see the log")),
        ended => ended.map(|_| ()).map_err(failed),
    }
}

/// What the erasure ledger names is gone before anything is served.
pub(in crate::app) async fn settled(vault: &Vault) -> Result<(), Failed> {
    vault.settle_ledger().await.map(drop).map_err(|e| Failed::new(format!("not served: {e}")))
}

/// Once a minute: sums of refusals to the log, idle limiter keys forgotten.
async fn upkeep(vault: Arc<Vault>) {
    loop {
        tokio::time::sleep(Duration::from_secs(60)).await;
        vault.flush_refusals().await;
        vault.settle_open_erasures().await;
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
        shutdown_timeout: Duration::from_secs(settings.http.drain_timeout_s),
        edge: EdgeSettings { hosts: settings.listen.hosts.clone(), ..EdgeSettings::default() },
        ..ServerSettings::default()
    }
}

/// One worker a core.
pub(in crate::app) fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, std::num::NonZero::get)
}
