//! The server put together: routes from the table, open routes beside them, TLS, timers, and the metrics listener.

use crate::http::api::{ROUTES, Route};
use crate::http::edge;
use crate::http::openapi;
use crate::http::pipeline::{Serving, answer};
use actix_web::dev::Server;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::time::Duration;

/// Timers and sizes of the server.
#[derive(Clone, Debug)]
pub struct ServerSettings {
    /// Worker threads.
    pub workers: usize,
    /// Most connections a worker keeps.
    pub max_connections: usize,
    /// Until the head of a request must be there.
    pub header_timeout: Duration,
    /// Idle connections are kept so long.
    pub keep_alive: Duration,
    /// Requests under way get so long to end at shutdown.
    pub shutdown: Duration,
}

/// The API over TLS.
pub fn api(listener: TcpListener, tls: rustls::ServerConfig, serving: web::Data<Serving>, settings: &ServerSettings) -> std::io::Result<Server> {
    let server = HttpServer::new(move || App::new().app_data(serving.clone()).configure(routes))
        .workers(settings.workers)
        .max_connections(settings.max_connections)
        .max_connection_rate(4_096)
        .backlog(1_024)
        .client_request_timeout(settings.header_timeout)
        .client_disconnect_timeout(Duration::from_secs(1))
        .tls_handshake_timeout(Duration::from_secs(5))
        .keep_alive(settings.keep_alive)
        .shutdown_timeout(settings.shutdown.as_secs())
        .disable_signals()
        .listen_rustls_0_23(listener, tls)?;
    Ok(server.run())
}

/// Metrics in plain HTTP, on a loopback listener of their own.
pub fn metrics(listener: TcpListener, serving: web::Data<Serving>) -> std::io::Result<Server> {
    let server = HttpServer::new(move || {
        App::new().app_data(serving.clone()).route("/metrics", web::get().to(render)).default_service(web::to(nothing))
    })
    .workers(1)
    .max_connections(32)
    .client_request_timeout(Duration::from_secs(5))
    .shutdown_timeout(1)
    .disable_signals()
    .listen(listener)?;
    Ok(server.run())
}

/// Registers every route of the table, the open ones, and the fallback that answers 401 to strangers.
pub fn routes(config: &mut web::ServiceConfig) {
    let mut by_path: BTreeMap<&'static str, Vec<&'static Route>> = BTreeMap::new();
    for route in ROUTES {
        by_path.entry(route.path).or_default().push(route);
    }
    for (path, routes) in by_path {
        let mut resource = web::resource(path);
        for route in routes {
            let method = actix_web::http::Method::from_bytes(route.method.as_bytes()).unwrap_or_default();
            resource = resource.route(web::method(method).to(
                move |serving: web::Data<Serving>, req: HttpRequest, payload: web::Payload| {
                    answer(serving, Some(route), req, payload)
                },
            ));
        }
        config.service(resource.default_service(web::to(fallback)));
    }
    for (path, handler) in [("/live", Open::Live), ("/ready", Open::Ready), ("/openapi.json", Open::OpenApi)] {
        let open = move |serving: web::Data<Serving>, req: HttpRequest| async move { open_route(&serving, &req, handler) };
        config.service(web::resource(path).route(web::get().to(open)).default_service(web::to(fallback)));
    }
    config.default_service(web::to(fallback));
}

async fn fallback(serving: web::Data<Serving>, req: HttpRequest, payload: web::Payload) -> HttpResponse {
    answer(serving, None, req, payload).await
}

#[derive(Clone, Copy)]
enum Open {
    Live,
    Ready,
    OpenApi,
}

/// Routes without credentials, each throttled by network.
fn open_route(serving: &Serving, req: &HttpRequest, open: Open) -> HttpResponse {
    let vault = &serving.vault;
    if let Err(refusal) = vault.admit_network(edge::peer(req)) {
        return crate::http::problem::Problem::from(&refusal).to_response("req_open");
    }
    let state = vault.readiness();
    let (status, body) = match open {
        Open::Live => (200, r#"{"state":"alive"}"#.to_owned()),
        Open::Ready => (if state == "ready" { 200 } else { 503 }, format!(r#"{{"state":"{state}"}}"#)),
        Open::OpenApi => (200, openapi::document()),
    };
    let status = actix_web::http::StatusCode::from_u16(status).unwrap_or_default();
    HttpResponse::build(status)
        .insert_header(("Content-Type", "application/json"))
        .insert_header(("Cache-Control", "no-store"))
        .insert_header(("X-Content-Type-Options", "nosniff"))
        .body(body)
}

async fn render(serving: web::Data<Serving>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header(("Content-Type", "text/plain; version=0.0.4"))
        .insert_header(("Cache-Control", "no-store"))
        .body(serving.meter.render(serving.vault.gauges()))
}

async fn nothing() -> HttpResponse {
    HttpResponse::NotFound().finish()
}
