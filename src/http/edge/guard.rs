//! The guard around every route: id first, then the checks that need no route, then the headers every reply carries.

use super::headers::{TraceParent, set, set_fixed};
use super::request_id::{IdSource, RequestId};
use crate::domain::Entropy;
use crate::http::link::{Link, ProxyRules, origin};
use crate::http::pipeline::Serving;
use crate::http::problem::{Code, MEDIA_TYPE, Problem};
use crate::http::public::pages;
use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::{ConnectionType, StatusCode, header};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpRequest, HttpResponse, Resource, web};
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;

/// Makes the source of randomness of one worker.
pub type EntropyFactory = Arc<dyn Fn() -> Box<dyn Entropy> + Send + Sync>;

/// Limits of a request's head.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EdgeSettings {
    /// Longest request target in bytes (`414`).
    pub max_uri: usize,
    /// Most header fields (`431`); the framework itself refuses more than 96.
    pub max_headers: usize,
    /// Most bytes of names and values of all header fields (`431`).
    pub max_header_bytes: usize,
    /// Host names this vault answers to, without port; empty: any.
    pub hosts: Vec<String>,
    /// How refusals are said.
    pub voice: Voice,
    /// Whose forwarded header is believed where there is no TLS; a TLS listener knows from its connections.
    pub plain_proxies: ProxyRules,
}

/// How a listener says its refusals.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum Voice {
    /// `application/problem+json`, to programs.
    #[default]
    Problems,
    /// Pages, to people; with the headers that pages need.
    Pages,
}

impl Default for EdgeSettings {
    fn default() -> Self {
        Self {
            max_uri: 8_192,
            max_headers: 64,
            max_header_bytes: 16_384,
            hosts: Vec::new(),
            voice: Voice::Problems,
            plain_proxies: ProxyRules::default(),
        }
    }
}

/// One worker's guard.
pub(super) struct Guard {
    pub(super) ids: IdSource,
    pub(super) settings: EdgeSettings,
}

impl Guard {
    /// The middleware's body.
    pub(super) async fn pass<B: MessageBody + 'static>(
        &self,
        request: ServiceRequest,
        next: Next<B>,
    ) -> Result<ServiceResponse<BoxBody>, Error> {
        let Ok(id) = self.ids.next() else {
            let reply = Problem::new(Code::InternalError).to_response(RequestId::UNKNOWN);
            return Ok(request.into_response(reply));
        };
        request.extensions_mut().insert(id);
        let link = request.conn_data::<Rc<Link>>().map(Rc::clone);
        let checked = self
            .check(&request)
            .and_then(|()| locate(&request, link.as_deref(), &self.settings.plain_proxies));
        if let Err(problem) = checked {
            super::refused::count(problem.code);
            let problem = metered(&request, problem);
            let reply = match self.settings.voice {
                Voice::Problems => problem.to_response(id),
                Voice::Pages => pages::refusal(problem.code.status(), problem.retry_after),
            };
            return Ok(request.into_response(self.dressed(reply, id)));
        }
        let trace =
            request.headers().get("traceparent").and_then(|v| v.to_str().ok()).and_then(TraceParent::parse);
        if let Some(trace) = trace {
            request.extensions_mut().insert(trace);
        }
        match next.call(request).await {
            Ok(answered) => {
                let (request, reply) = answered.map_into_boxed_body().into_parts();
                let mut reply = self.dressed(self.own(reply, id), id);
                if link.is_some_and(|link| link.is_aged() || !link.stands()) {
                    reply.head_mut().set_connection_type(ConnectionType::Close);
                }
                Ok(ServiceResponse::new(request, reply))
            }
            // Routes answer `Ok` with an error reply; what comes here is the framework's and has lost its request.
            Err(error) => Err(Problem::new(code_for(error.as_response_error().status_code())).into()),
        }
    }

    fn check(&self, request: &ServiceRequest) -> Result<(), Problem> {
        let head = request.head();
        if head.uri.path_and_query().map_or(0, |target| target.as_str().len()) > self.settings.max_uri {
            return Err(Code::UriTooLong.into());
        }
        let bytes: usize = head.headers.iter().map(|(n, v)| n.as_str().len() + v.len()).sum();
        if head.headers.iter().count() > self.settings.max_headers || bytes > self.settings.max_header_bytes {
            return Err(Code::HeadersTooLarge.into());
        }
        if head.headers.contains_key(header::UPGRADE) || head.uri.authority().is_some() {
            return Err(Code::InvalidRequest.into());
        }
        self.check_host(request)?;
        if plain_path(head.uri.path()) { Ok(()) } else { Err(Code::NotFound.into()) }
    }

    fn check_host(&self, request: &ServiceRequest) -> Result<(), Problem> {
        let mut hosts = request.headers().get_all(header::HOST);
        let (first, second) = (hosts.next(), hosts.next());
        if second.is_some() {
            return Err(Code::InvalidRequest.into());
        }
        if self.settings.hosts.is_empty() {
            return Ok(());
        }
        let host = first.and_then(|v| v.to_str().ok()).unwrap_or("");
        let name = match host.rsplit_once(':') {
            Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
            _ => host,
        };
        let known = self.settings.hosts.iter().any(|known| known.eq_ignore_ascii_case(name));
        if known { Ok(()) } else { Err(Code::InvalidRequest.into()) }
    }

    /// Replaces error replies that are not ours: the framework's texts may repeat what was sent (fact F6).
    fn own(&self, reply: HttpResponse, id: RequestId) -> HttpResponse {
        let status = reply.status();
        if !status.is_client_error() && !status.is_server_error() {
            return reply;
        }
        if self.settings.voice == Voice::Pages {
            let ours = reply.extensions().contains::<pages::Ours>();
            return if ours { reply } else { pages::refusal(status.as_u16(), None) };
        }
        if let Some(problem) = reply.extensions().get::<Problem>().cloned() {
            return problem.to_response(id);
        }
        let ours = reply
            .headers()
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes() == MEDIA_TYPE.as_bytes());
        if ours { reply } else { Problem::new(code_for(status)).to_response(id) }
    }

    fn dressed(&self, mut reply: HttpResponse, id: RequestId) -> HttpResponse {
        let headers = reply.headers_mut();
        set(headers, "x-request-id", id.name());
        set_fixed(headers, "cache-control", "no-store");
        set_fixed(headers, "x-content-type-options", "nosniff");
        set_fixed(headers, "strict-transport-security", "max-age=31536000");
        if self.settings.voice == Voice::Pages {
            pages::dress(headers);
        }
        reply
    }
}

/// A path of plain segments: what the router sees is what was sent. No route of ours needs an escape, so none is taken.
fn plain_path(path: &str) -> bool {
    let Some(rest) = path.strip_prefix('/') else { return false };
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    path == "/" || rest.split('/').all(|s| !s.is_empty() && s != "." && s != ".." && s.bytes().all(plain))
}

/// What the guard refuses costs its network a request and is counted like any refusal of a stranger (A37).
fn metered(request: &ServiceRequest, problem: Problem) -> Problem {
    let serving = request.app_data::<web::Data<Serving>>();
    match (serving, peer(request.request())) {
        (Some(serving), Some(peer)) => serving.turn_away(peer.ip(), problem),
        _ => problem,
    }
}

fn code_for(status: StatusCode) -> Code {
    match status.as_u16() {
        401 => Code::Unauthenticated,
        404 => Code::NotFound,
        405 => Code::MethodNotAllowed,
        408 => Code::RequestTimeout,
        413 => Code::TooLarge,
        414 => Code::UriTooLong,
        415 => Code::UnsupportedMediaType,
        431 => Code::HeadersTooLarge,
        503 => Code::Overloaded,
        400..500 => Code::InvalidRequest,
        _ => Code::InternalError,
    }
}

/// Whom the request is from, as far as proxies we are configured to believe say so.
#[derive(Clone, Copy)]
struct Origin(SocketAddr);

/// Works out once whom the request is from.
fn locate(request: &ServiceRequest, link: Option<&Link>, plain: &ProxyRules) -> Result<(), Problem> {
    let (from, socket) = match (link, request.peer_addr()) {
        (Some(link), _) => (link.origin(request.headers()), link.socket()),
        (None, Some(peer)) => (origin(plain, peer.ip().to_canonical(), request.headers()), peer),
        (None, None) => return Ok(()),
    };
    let from = from.map_err(|_| Problem::new(Code::InvalidRequest))?;
    request.extensions_mut().insert(Origin(SocketAddr::new(from, socket.port())));
    Ok(())
}

/// The address the request is from: the other end of the socket, or whom a configured proxy there says it stands for. What
/// anybody else writes into a header changes nothing.
pub fn peer(request: &HttpRequest) -> Option<SocketAddr> {
    let origin = request.extensions().get::<Origin>().map(|origin| origin.0);
    origin.or_else(|| request.peer_addr())
}

/// What is known of the request's connection; none without TLS.
pub fn link(request: &HttpRequest) -> Option<Rc<Link>> {
    request.conn_data::<Rc<Link>>().map(Rc::clone)
}

/// A resource whose other methods (HEAD and OPTIONS too) answer `405` with `allow`.
pub fn resource(path: &str, allow: &'static str) -> Resource {
    web::resource(path).default_service(web::to(move || async move {
        Err::<HttpResponse, _>(Problem::method_not_allowed(allow))
    }))
}
