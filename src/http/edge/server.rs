//! The servers: actix-web over rustls, and plain on loopback; HTTP/1.1 only, every time and count bounded.

use super::guard::{EdgeSettings, EntropyFactory, Guard};
use super::request_id::IdSource;
use crate::domain::clock::SystemClock;
use crate::http::link::{self, LinkLimits, Links, ProxyRules};
use crate::http::tls::Live;
use actix_web::dev::Server;
use actix_web::web::ServiceConfig;
use actix_web::{App, HttpServer, middleware};
use std::io;
use std::net::TcpListener;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

/// How the server runs.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ServerSettings {
    /// Worker threads.
    pub workers: usize,
    /// Pending connections per listener.
    pub backlog: u32,
    /// Connections per worker.
    pub max_connections: usize,
    /// TLS handshakes under way per worker.
    pub max_connection_rate: usize,
    /// Time for a request head.
    pub client_request_timeout: Duration,
    /// Time for an orderly end of a connection.
    pub client_disconnect_timeout: Duration,
    /// Idle time of a kept connection.
    pub keep_alive: Duration,
    /// Time for a TLS handshake.
    pub tls_handshake_timeout: Duration,
    /// Time in which requests under way may end at shutdown.
    pub shutdown_timeout: Duration,
    /// Limits of a request's head.
    pub edge: EdgeSettings,
}

impl Default for ServerSettings {
    fn default() -> Self {
        Self {
            workers: 2,
            backlog: 1_024,
            max_connections: 4_096,
            max_connection_rate: 1_024,
            client_request_timeout: Duration::from_secs(5),
            client_disconnect_timeout: Duration::from_secs(2),
            keep_alive: Duration::from_secs(75),
            tls_handshake_timeout: Duration::from_secs(5),
            shutdown_timeout: Duration::from_secs(20),
            edge: EdgeSettings::default(),
        }
    }
}

/// Listens beyond loopback without TLS.
const PLAIN_BEYOND_LOOPBACK: &str = "a listener without TLS must be bound to a loopback address";

/// Builds a TLS server on a fixed certificate, without client certificates, proxies or caps of its own. The `tls`
/// configuration comes from [`crate::http::tls::server_config`].
pub fn serve<F>(
    listeners: Vec<TcpListener>,
    tls: &rustls::ServerConfig,
    settings: &ServerSettings,
    entropy: EntropyFactory,
    routes: F,
) -> io::Result<Server>
where
    F: Fn(&mut ServiceConfig) + Clone + Send + 'static,
{
    let live = Arc::new(Live::fixed(tls.clone(), Arc::new(SystemClock::default())));
    let links = Links::new(live, ProxyRules::default(), LinkLimits::default(), None);
    serve_links(listeners, &links, settings, entropy, routes)
}

/// Builds the TLS server of these connections. `routes` is run once per worker; the guard and the 404 are around it already.
/// Signals are left to the caller, who stops it by its handle.
pub fn serve_links<F>(
    listeners: Vec<TcpListener>,
    links: &Arc<Links>,
    settings: &ServerSettings,
    entropy: EntropyFactory,
    routes: F,
) -> io::Result<Server>
where
    F: Fn(&mut ServiceConfig) + Clone + Send + 'static,
{
    let edge = settings.edge.clone();
    link::serve(listeners, links, settings, move || {
        let guard = Rc::new(Guard { ids: IdSource::new(entropy()), settings: edge.clone() });
        App::new()
            .wrap(middleware::from_fn(move |request, next| {
                let guard = Rc::clone(&guard);
                async move { guard.pass(request, next).await }
            }))
            .configure(routes.clone())
    })
}

/// Builds a server without TLS, on loopback only: the metrics listener, and a development vault.
pub fn serve_loopback_plain<F>(
    listeners: Vec<TcpListener>,
    settings: &ServerSettings,
    entropy: EntropyFactory,
    routes: F,
) -> io::Result<Server>
where
    F: Fn(&mut ServiceConfig) + Clone + Send + 'static,
{
    for listener in &listeners {
        if !listener.local_addr()?.ip().to_canonical().is_loopback() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, PLAIN_BEYOND_LOOPBACK));
        }
    }
    let edge = settings.edge.clone();
    let app = move || {
        let guard = Rc::new(Guard { ids: IdSource::new(entropy()), settings: edge.clone() });
        App::new()
            .wrap(middleware::from_fn(move |request, next| {
                let guard = Rc::clone(&guard);
                async move { guard.pass(request, next).await }
            }))
            .configure(routes.clone())
    };
    let mut server = HttpServer::new(app)
        .workers(settings.workers.max(1))
        .backlog(settings.backlog)
        .max_connections(settings.max_connections)
        .client_request_timeout(settings.client_request_timeout)
        .client_disconnect_timeout(settings.client_disconnect_timeout)
        .keep_alive(settings.keep_alive)
        .tcp_nodelay(true)
        .shutdown_timeout(settings.shutdown_timeout.as_secs())
        .disable_signals();
    for listener in listeners {
        server = server.listen(listener)?;
    }
    Ok(server.run())
}
