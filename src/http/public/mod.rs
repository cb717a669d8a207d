//! The public listener: an unsubscribe page with one button, what the button does, and the privacy notice. Nothing else.
//!
//! Off unless configured. It serves no route of the API and the API serves none of its. `GET` never acts (mail scanners
//! follow links); `POST` is RFC 8058's one click and the page's button alike. The same answer for every link, known or not
//! (I5); the link never reaches a log, a metric or a page (I6). Everyone is a stranger here: each request is throttled by
//! network before its body is read (I10).

mod click;
pub(in crate::http) mod pages;

pub use pages::notice_html;

use crate::http::edge::{self, BodyLimits, EdgeSettings, EntropyFactory, RequestId, ServerSettings, Voice};
use crate::http::link::{Links, ProxyRules};
use crate::http::pipeline::Serving;
use crate::http::problem::Problem;
use crate::http::request;
use crate::vault::{Call, Refusal};
use actix_web::dev::Server;
use actix_web::http::{Method, header};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::FutureExt;
use std::net::{IpAddr, Ipv6Addr, TcpListener};
use std::sync::Arc;
use std::time::Duration;

/// The routes, as metrics name them.
pub const ROUTES: [&str; 2] = ["/u/{sru}", "/notice"];

/// The longest body of a click: one form field, in whichever encoding.
const MAX_BODY: usize = 4_096;
/// The longest request target.
const MAX_URI: usize = 1_024;

/// The listener as configured. Without TLS it is loopback only, for a proxy on the same machine that ends TLS.
pub struct PublicListener {
    /// The socket.
    pub listener: TcpListener,
    /// Its TLS connections; `None`: plain.
    pub links: Option<Arc<Links>>,
    /// Whose forwarded header a plain listener believes.
    pub proxies: ProxyRules,
}

/// Builds the server.
pub fn serve(
    on: PublicListener,
    serving: web::Data<Serving>,
    settings: &ServerSettings,
    entropy: EntropyFactory,
) -> std::io::Result<Server> {
    let edge = EdgeSettings {
        max_uri: MAX_URI,
        hosts: Vec::new(),
        voice: Voice::Pages,
        plain_proxies: on.proxies,
        ..settings.edge.clone()
    };
    let settings = ServerSettings {
        workers: 1,
        max_connections: 1_024,
        keep_alive: Duration::from_secs(15),
        edge,
        ..settings.clone()
    };
    let routes = move |config: &mut web::ServiceConfig| {
        config.app_data(serving.clone());
        config.service(web::resource("/u/{sru}").default_service(web::to(link)));
        config.service(web::resource("/notice").default_service(web::to(notice)));
        config.default_service(web::to(nothing));
    };
    match &on.links {
        Some(links) => edge::serve_links(vec![on.listener], links, &settings, entropy, routes),
        None => edge::serve_loopback_plain(vec![on.listener], &settings, entropy, routes),
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Link,
    Notice,
    Nothing,
}

async fn link(
    serving: web::Data<Serving>,
    req: HttpRequest,
    payload: web::Payload,
    id: RequestId,
) -> HttpResponse {
    answer(serving, Asked::Link, req, payload, id).await
}
async fn notice(
    serving: web::Data<Serving>,
    req: HttpRequest,
    payload: web::Payload,
    id: RequestId,
) -> HttpResponse {
    answer(serving, Asked::Notice, req, payload, id).await
}
async fn nothing(
    serving: web::Data<Serving>,
    req: HttpRequest,
    payload: web::Payload,
    id: RequestId,
) -> HttpResponse {
    answer(serving, Asked::Nothing, req, payload, id).await
}

/// Answers one request; a panic is contained, counted, and answered as a failure.
async fn answer(
    serving: web::Data<Serving>,
    asked: Asked,
    req: HttpRequest,
    mut payload: web::Payload,
    id: RequestId,
) -> HttpResponse {
    let started = serving.vault.clock().monotonic();
    let handled =
        std::panic::AssertUnwindSafe(handle(&serving, asked, (&req, &mut payload), id)).catch_unwind();
    let response = match handled.await {
        Ok(response) => response,
        Err(_) => {
            serving.meter.panicked();
            pages::refusal(500, None)
        }
    };
    let spent = serving.vault.clock().monotonic().saturating_sub(started);
    let template = match asked {
        Asked::Link => "/u/{sru}",
        Asked::Notice => "/notice",
        Asked::Nothing => "other",
    };
    let micros = u64::try_from(spent.as_micros()).unwrap_or(u64::MAX);
    serving.meter.probe(template, response.status().as_u16(), micros);
    if response.status().is_success() { response } else { edge::close_unread(response, payload) }
}

async fn handle(
    serving: &Serving,
    asked: Asked,
    (req, payload): (&HttpRequest, &mut web::Payload),
    id: RequestId,
) -> HttpResponse {
    let vault = &serving.vault;
    let peer = edge::peer(req).map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.ip());
    let refused = |problem: &Problem| {
        serving.meter.refusal(problem.code.name());
        vault.sum_refusal(peer, problem.code.name());
        pages::refusal(problem.code.status(), problem.retry_after)
    };
    if let Err(refusal) = vault.admit_public(peer) {
        return refused(&Problem::from(&refusal));
    }
    match (asked, req.method()) {
        (Asked::Link, &Method::GET) => pages::ask(vault.policy().notice()),
        (Asked::Notice, &Method::GET) => pages::notice(vault.policy().notice()),
        (Asked::Link, &Method::POST) => match follow(serving, (req, payload), peer, id).await {
            Ok(()) => pages::done(vault.policy().notice()),
            Err(problem) => refused(&problem),
        },
        (Asked::Nothing, _) => refused(&Problem::from(&Refusal::NotFound)),
        (Asked::Link, _) => allowing(refused(&Problem::method_not_allowed("GET, POST")), "GET, POST"),
        (Asked::Notice, _) => allowing(refused(&Problem::method_not_allowed("GET")), "GET"),
    }
}

/// A click: read, understood, durable. The link is named by nobody but the vault.
async fn follow(
    serving: &Serving,
    (req, payload): (&HttpRequest, &mut web::Payload),
    peer: IpAddr,
    id: RequestId,
) -> Result<(), Problem> {
    let limits = BodyLimits { max_bytes: MAX_BODY, ..serving.body };
    let encoding = click::encoding(req.headers())?;
    let body = edge::read_body(req.headers(), payload, &limits).await?;
    // EXPOSE: one form field is looked for.
    let bytes = body.expose().as_slice();
    click::check(encoding, bytes)?;
    let vault = &serving.vault;
    if let Some(refusal) = vault.refuses() {
        return Err(Problem::from(&refusal));
    }
    let call = Call {
        request: id.0,
        received_at: vault.now(),
        ua_family: request::ua_family(req),
        bytes: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        idempotency: None,
    };
    let text = zeroize::Zeroizing::new(req.match_info().get("sru").unwrap_or("").to_owned());
    vault.unsubscribe(&text, &call, peer).await.map_err(|refusal| Problem::from(&refusal))
}

fn allowing(mut reply: HttpResponse, methods: &'static str) -> HttpResponse {
    reply.headers_mut().insert(header::ALLOW, header::HeaderValue::from_static(methods));
    reply
}
