//! Routes registered from the table, the open ones beside them, and the fallback that answers 401 to strangers.

use crate::http::api::{ROUTES, Route};
use crate::http::edge::{self, EntropyFactory, RequestId, ServerSettings};
use crate::http::link::Links;
use crate::http::openapi;
use crate::http::pipeline::{Serving, answer};
use crate::http::problem::{Code, Problem};
use actix_web::dev::Server;
use actix_web::http::{Method, StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::sync::Arc;

/// The API over TLS.
pub fn api(
    listener: TcpListener,
    links: &Arc<Links>,
    serving: web::Data<Serving>,
    (settings, entropy): (&ServerSettings, EntropyFactory),
) -> std::io::Result<Server> {
    edge::serve_links(vec![listener], links, settings, entropy, move |config| {
        config.app_data(serving.clone());
        routes(config);
    })
}

/// Metrics in plain HTTP, on a loopback listener of their own.
pub fn metrics(
    listener: TcpListener,
    serving: web::Data<Serving>,
    entropy: EntropyFactory,
) -> std::io::Result<Server> {
    let settings = ServerSettings { workers: 1, max_connections: 32, ..ServerSettings::default() };
    edge::serve_loopback_plain(vec![listener], &settings, entropy, move |config| {
        config.app_data(serving.clone());
        config.route("/metrics", web::get().to(render));
        config.route("/alerts", web::get().to(alerts));
        config.default_service(web::to(nothing));
    })
}

/// Registers every route of the table, the open ones, and the fallback.
pub fn routes(config: &mut web::ServiceConfig) {
    let mut by_path: BTreeMap<&'static str, Vec<&'static Route>> = BTreeMap::new();
    for route in ROUTES {
        by_path.entry(route.path).or_default().push(route);
    }
    // Fixed paths first: one with a parameter is matched by an automaton, and every path above costs the ones below it.
    let mut by_path: Vec<_> = by_path.into_iter().collect();
    by_path.sort_by_key(|(path, _)| path.contains('{'));
    for (path, routes) in by_path {
        let mut resource = web::resource(path);
        for route in routes {
            let method = Method::from_bytes(route.method.as_bytes()).unwrap_or_default();
            let handler =
                move |serving: web::Data<Serving>, req: HttpRequest, payload: web::Payload, id: RequestId| {
                    answer(serving, Some(route), req, payload, id)
                };
            resource = resource.route(web::method(method).to(handler));
        }
        config.service(resource.default_service(web::to(fallback)));
    }
    for (path, open) in OPEN.into_iter().zip([Open::Live, Open::Ready, Open::Document]) {
        let handler = move |serving: web::Data<Serving>, req: HttpRequest, id: RequestId| async move {
            let from = serving.vault.clock().monotonic();
            let reply = open_route(&serving, &req, open, id);
            let spent = serving.vault.clock().monotonic().saturating_sub(from);
            let micros = u64::try_from(spent.as_micros()).unwrap_or(u64::MAX);
            serving.meter.probe(path, reply.status().as_u16(), micros);
            reply
        };
        config.service(web::resource(path).route(web::get().to(handler)).default_service(web::to(fallback)));
    }
    config.default_service(web::to(fallback));
}

async fn fallback(
    serving: web::Data<Serving>,
    req: HttpRequest,
    payload: web::Payload,
    id: RequestId,
) -> HttpResponse {
    answer(serving, None, req, payload, id).await
}

/// Paths of the routes that ask for no credential.
pub const OPEN: [&str; 3] = ["/live", "/ready", "/openapi.json"];

#[derive(Clone, Copy)]
enum Open {
    Live,
    Ready,
    Document,
}

/// Routes without credentials, each throttled by network.
fn open_route(serving: &Serving, req: &HttpRequest, open: Open, id: RequestId) -> HttpResponse {
    let vault = &serving.vault;
    let admitted = edge::peer(req).map_or(Ok(()), |peer| vault.admit_network(peer.ip()));
    if let Err(refusal) = admitted {
        return Problem::from(&refusal).to_response(id);
    }
    let state = vault.readiness();
    let (status, body) = match open {
        Open::Live => (StatusCode::OK, r#"{"state":"alive"}"#.to_owned()),
        Open::Ready if state == "ready" => (StatusCode::OK, r#"{"state":"ready"}"#.to_owned()),
        // A state, not a problem: probes read one key.
        Open::Ready => {
            let body = format!(r#"{{"state":"{state}"}}"#);
            return HttpResponse::ServiceUnavailable()
                .insert_header((header::CONTENT_TYPE, crate::http::problem::MEDIA_TYPE))
                .body(body);
        }
        Open::Document => (StatusCode::OK, openapi::document()),
    };
    HttpResponse::build(status).insert_header((header::CONTENT_TYPE, "application/json")).body(body)
}

async fn render(serving: web::Data<Serving>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "text/plain; version=0.0.4"))
        .body(serving.meter.render(serving.vault.gauges()))
}

/// For operators on this machine: what the open route `/ready` does not tell.
async fn alerts(serving: web::Data<Serving>) -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CONTENT_TYPE, "application/json"))
        .body(serving.meter.alerts(serving.vault.readiness()))
}

async fn nothing(id: RequestId) -> HttpResponse {
    Problem::new(Code::NotFound).to_response(id)
}
