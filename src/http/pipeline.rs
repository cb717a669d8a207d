//! The one way of a request: network limit, key, client limit, body, strict JSON, verb, reply. Cheap refusals come first;
//! after authentication every end is one event on the log before a byte leaves (P1).

use crate::domain::Sensitive;
use crate::domain::event::{Act, Outcome};
use crate::http::api::{self, Operation, ROUTES, Route};
use crate::http::capacity::{BodyPlace, Capacity};
use crate::http::edge::{self, RequestId};
use crate::http::exchange::{Exchange, Failure, Reply};
pub use crate::http::measured::Meter;
use crate::http::measured::{Seen, note, noted};
use crate::http::problem::{Code, Problem};
use crate::http::request;
use crate::vault::{Call, Caller, Proof, QuotaState, Refusal, Vault};
use actix_web::body::BodyStream;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::FutureExt;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

/// Days before a key's end from which replies say so.
const KEY_WARNING: Duration = Duration::from_secs(14 * 86_400);

/// What every worker shares.
pub struct Serving {
    /// The vault.
    pub vault: Arc<Vault>,
    /// Where it is measured.
    pub meter: Arc<dyn Meter>,
    /// How bodies are read.
    pub body: edge::BodyLimits,
    /// What large requests may take.
    pub capacity: Capacity,
}

impl Serving {
    /// A request that the edge refuses before anything reads it: it counts against its network, which is told so once it
    /// is over its limit, and is summed on the log like every refusal of a stranger.
    pub(in crate::http) fn turn_away(&self, peer: IpAddr, problem: Problem) -> Problem {
        let problem =
            self.vault.admit_network(peer).map_or_else(|limited| Problem::from(&limited), |()| problem);
        self.meter.refusal(problem.code.name());
        self.vault.sum_refusal(peer, problem.code.name());
        problem
    }
}

/// Answers one request of a route, or of none (`None`: unknown path or method), in a task of its own: a client that goes
/// away drops the wait for the answer, never the request, so that what was begun ends on the log (P1).
pub async fn answer(
    serving: web::Data<Serving>,
    route: Option<&'static Route>,
    req: HttpRequest,
    payload: web::Payload,
    id: RequestId,
) -> HttpResponse {
    let task = actix_web::rt::spawn(answered(serving, route, req, payload, id));
    // The task contains its panics; it is cancelled only with its worker.
    task.await.unwrap_or_else(|_| Problem::new(Code::InternalError).to_response(id))
}

/// The request from its head to its answer. A panic is contained: 500, counted.
async fn answered(
    serving: web::Data<Serving>,
    route: Option<&'static Route>,
    req: HttpRequest,
    mut payload: web::Payload,
    id: RequestId,
) -> HttpResponse {
    let clock = serving.vault.clock();
    let (started, from) = (clock.wall(), clock.monotonic());
    // Boxed, so that the task is small where it is moved to be spawned.
    let handling = Box::pin(handle(&serving, route, &req, &mut payload, id));
    let handled = std::panic::AssertUnwindSafe(handling).catch_unwind();
    let response = match handled.await {
        Ok(response) => response,
        Err(_) => {
            serving.meter.panicked();
            note(&req, |noted| noted.code = Some(Code::InternalError.name()));
            Problem::new(Code::InternalError).to_response(id)
        }
    };
    let spent = clock.monotonic().saturating_sub(from);
    let ((noted, trace), status) = (noted(&req), response.status().as_u16());
    serving.meter.request(&Seen {
        route: route.map_or("other", |r| r.path),
        method: route.map_or("other", |r| r.method),
        act: route.map_or(Act::UnknownRoute, |r| r.act).name(),
        outcome: if status < 400 { Outcome::Allowed } else { outcome_of(status) }.name(),
        status,
        started,
        micros: u64::try_from(spent.as_micros()).unwrap_or(u64::MAX),
        id,
        trace,
        noted,
    });
    // A refused client must not hold its connection by never ending its body.
    if response.status().is_success() { response } else { edge::close_unread(response, payload) }
}

async fn handle(
    serving: &Serving,
    route: Option<&'static Route>,
    req: &HttpRequest,
    payload: &mut web::Payload,
    id: RequestId,
) -> HttpResponse {
    let vault = &serving.vault;
    let peer = edge::peer(req).map_or(IpAddr::V6(Ipv6Addr::UNSPECIFIED), |peer| peer.ip());
    let stranger = |problem: Problem| {
        serving.meter.refusal(problem.code.name());
        note(req, |noted| noted.code = Some(problem.code.name()));
        vault.sum_refusal(peer, problem.code.name());
        problem.to_response(id)
    };
    let local = edge::local_peer(req);
    if let (None, Err(refusal)) = (local, vault.admit_network(peer)) {
        return stranger(Problem::from(&refusal));
    }
    if let Some(refusal) = vault.refuses() {
        return stranger(Problem::from(&refusal));
    }
    let authenticated = match local {
        Some(at) => act_as(vault, req, at.uid),
        None => authenticate(vault, req, peer),
    };
    let caller = match authenticated {
        Ok(caller) => Arc::new(caller),
        Err(problem) => return stranger(*problem),
    };
    note(req, |noted| noted.client = Some(caller.shared_name()));
    let mut call = Call {
        request: id.0,
        received_at: vault.now(),
        ua_family: request::ua_family(req),
        bytes: request::announced_bytes(req),
        idempotency: None,
    };
    let act = route.map_or(Act::UnknownRoute, |r| r.act);
    let ended = run(serving, route, (req, payload), &caller, &mut call).await;
    let problem = match ended {
        Ok(reply) => {
            note(req, |noted| noted.cost = reply.cost);
            return write_reply(vault, &caller, reply);
        }
        Err(Failure::Refused(refusal)) => Problem::from(&refusal),
        Err(Failure::Early(problem)) => {
            let outcome = outcome_of(problem.code.status());
            match vault.report(&caller, &call, act, (problem.code.name(), outcome)).await {
                Ok(()) => *problem,
                Err(refusal) => Problem::from(&refusal),
            }
        }
    };
    serving.meter.refusal(problem.code.name());
    note(req, |noted| noted.code = Some(problem.code.name()));
    let mut response = problem.to_response(id);
    quota_headers(&mut response, vault, &caller);
    response
}

fn authenticate(vault: &Vault, req: &HttpRequest, peer: IpAddr) -> Result<Caller, Box<Problem>> {
    let key = request::bearer(req);
    // EXPOSE: looked up by its keyed digest; the buffer wipes itself.
    let read = key.as_ref().map(|k| k.expose().as_str());
    let link = edge::link(req);
    let certificate = link.as_ref().and_then(|link| link.certificate());
    // A credential that cannot be read is not none: it must not leave the certificate to stand alone.
    let presented = read.or_else(|| request::has_credential(req).then_some(""));
    let caller = if link.as_ref().is_none_or(|link| link.stands()) {
        vault.authenticate_by(Proof { key: presented, certificate }, peer)
    } else {
        Err(Refusal::Unauthenticated)
    };
    caller.map_err(|refusal| {
        // A network that is locked is not locked for longer by what it tries meanwhile.
        let failed = matches!(refusal, Refusal::Unauthenticated);
        let throttled = failed.then(|| vault.count_failed_authentication(peer).err()).flatten();
        Box::new(Problem::from(&throttled.unwrap_or(refusal)))
    })
}

/// On the admin socket the kernel has said who calls; the request says which client it acts as, and brings no key.
fn act_as(vault: &Vault, req: &HttpRequest, uid: u32) -> Result<Caller, Box<Problem>> {
    let client = request::act_as(req).map_err(Box::new)?;
    vault.act_as(client, uid).map_err(|refusal| Box::new(Problem::from(&refusal)))
}

/// Everything after authentication, up to the verb's answer.
async fn run(
    serving: &Serving,
    route: Option<&'static Route>,
    (req, payload): (&HttpRequest, &mut web::Payload),
    caller: &Arc<Caller>,
    call: &mut Call,
) -> Result<Reply, Failure> {
    let vault = &serving.vault;
    let early = |problem: Problem| Failure::Early(Box::new(problem));
    let act = route.map_or(Act::UnknownRoute, |r| r.act);
    if let Some(refusal) = vault.refused_caller(caller, call, act).await {
        return Err(Failure::Refused(refusal));
    }
    vault.admit_request(caller, call.bytes).map_err(|refusal| early(Problem::from(&refusal)))?;
    let Some(route) = route else { return Err(early(no_route(req))) };
    // Held until the verb has answered: a large body stays in memory as long as it is worked on.
    let (body, _place) = read(serving, route, (req, payload), caller.client()).await.map_err(early)?;
    let query = edge::Query::parse(req.query_string(), route.query).map_err(early)?;
    // EXPOSE: digested and parsed in place; wiped when this function ends.
    let bytes = body.expose().as_slice();
    let announced = call.bytes;
    call.bytes = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    if call.bytes > announced {
        // Chunks announce nothing: what came is charged once it is known.
        vault.admit_request(caller, call.bytes).map_err(|refusal| early(Problem::from(&refusal)))?;
    }
    if let Some(key) = request::idempotency_key(req).map_err(early)?.filter(|_| route.method != "GET") {
        call.idempotency = Some(vault.idempotency_key(&key, route.method, req.uri().path(), bytes));
    }
    if let Some(head) = request::checkpoint(req).map_err(early)? {
        vault.prove_checkpoint(head).map_err(|refusal| early(Problem::from(&refusal)))?;
    }
    if let Some(refusal) = vault.remembered_refusal(caller, call, route.act).await {
        return Err(Failure::Refused(refusal));
    }
    let matched = req.match_info();
    let params = PARAMETERS.iter().filter_map(|n| Some((*n, matched.get(n)?.to_owned()))).collect();
    let (capacity, streams) = (&serving.capacity, request::takes_lines(req));
    let exchange = Exchange { vault, caller, capacity, streams, call, params, query, body: bytes };
    api::run(route.operation, &exchange).await
}

/// Names of path parameters.
const PARAMETERS: [&str; 6] = ["sub", "rec", "crt", "purpose", "name", "version"];

/// The body of a route that has one; a route without one takes none.
async fn read(
    serving: &Serving,
    route: &Route,
    (req, payload): (&HttpRequest, &mut web::Payload),
    client: crate::domain::ClientNo,
) -> Result<(Sensitive<Vec<u8>>, Option<BodyPlace>), Problem> {
    if !route.has_body {
        let none = edge::BodyLimits { max_bytes: 0, ..serving.body };
        return Ok((edge::read_body(req.headers(), payload, &none).await?, None));
    }
    let large = match route.operation {
        Operation::CreateRecords => true,
        Operation::Detokenize => request::takes_lines(req),
        _ => false,
    };
    let known = usize::try_from(request::announced_bytes(req)).unwrap_or(usize::MAX);
    let ordinary = known > 0 && known <= serving.body.max_bytes;
    if !large || ordinary {
        return Ok((edge::json_body(req, payload, &serving.body).await?, None));
    }
    let place = serving.capacity.large_body(client).await?;
    let limits = serving.body.with_max_bytes(LARGE_BODY);
    let limits = edge::BodyLimits { deadline: limits.deadline * 6, ..limits };
    Ok((edge::json_body(req, payload, &limits).await?, Some(place)))
}

/// Bytes of a batch or of a list of tokens to stream.
const LARGE_BODY: usize = 8 << 20;

/// 405 with the methods that exist for a known path, else 404.
fn no_route(req: &HttpRequest) -> Problem {
    let path = req.match_pattern().unwrap_or_default();
    let open = ["/live", "/ready", "/openapi.json"].contains(&path.as_str());
    let mut methods: Vec<&str> = ROUTES.iter().filter(|r| r.path == path).map(|r| r.method).collect();
    methods.extend(open.then_some("GET"));
    if methods.is_empty() {
        Problem::new(Code::NotFound)
    } else {
        Problem::method_not_allowed(methods.join(", "))
    }
}

fn outcome_of(status: u16) -> Outcome {
    match status {
        404 | 405 => Outcome::NotFound,
        403 => Outcome::Denied,
        429 => Outcome::Limited,
        409 => Outcome::Conflict,
        400..=499 => Outcome::Invalid,
        _ => Outcome::Failed,
    }
}

fn write_reply(vault: &Vault, caller: &Caller, mut reply: Reply) -> HttpResponse {
    let status = StatusCode::from_u16(reply.status).unwrap_or_default();
    let mut response = match reply.lines.take() {
        Some(lines) => HttpResponse::build(status)
            .insert_header((header::CONTENT_TYPE, request::NDJSON))
            .body(BodyStream::new(lines)),
        None => edge::json_reply(status, edge::ZeroingBody::new(std::mem::take(&mut reply.body))),
    };
    let headers = response.headers_mut();
    edge::checkpoint_header(headers, &reply.head);
    edge::cost_header(headers, u64::from(reply.cost));
    if reply.replayed {
        headers.insert(HeaderName::from_static("idempotency-replayed"), HeaderValue::from_static("true"));
    }
    let ending = caller.key_expires_at().filter(|end| vault.now().plus(KEY_WARNING) > *end);
    if let Some(Ok(at)) = ending.map(|end| HeaderValue::from_str(&end.to_rfc3339())) {
        headers.insert(HeaderName::from_static("strongroom-key-expires"), at);
    }
    quota_headers(&mut response, vault, caller);
    response
}

fn quota_headers(response: &mut HttpResponse, vault: &Vault, caller: &Caller) {
    let quotas = vault.quotas(caller);
    let shown = |name, s: QuotaState| edge::Quota {
        name,
        quota: s.quota,
        window_seconds: s.window_seconds,
        remaining: s.remaining,
        reset_seconds: s.reset_seconds,
    };
    edge::rate_limit_headers(
        response.headers_mut(),
        &[shown("cost", quotas.cost), shown("subjects", quotas.subjects)],
    );
}
