//! The one way of a request: network limit, key, client limit, body, strict JSON, verb, reply. Cheap refusals come first;
//! after authentication every end is one event on the log before a byte leaves (P1).

use crate::domain::clock::Clock;
use crate::domain::entropy::{Entropy, OsEntropy};
use crate::domain::event::{Act, Outcome};
use crate::domain::{Id16, crockford};
use crate::http::api::{self, ROUTES, Route};
use crate::http::edge;
use crate::http::exchange::{Exchange, Failure, Reply};
use crate::http::problem::{Code, Problem};
use crate::vault::{Call, Caller, Vault};
use actix_web::{HttpRequest, HttpResponse, web};
use futures_util::FutureExt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

/// Days before a key's end from which replies say so.
const KEY_WARNING: Duration = Duration::from_secs(14 * 86_400);

/// Measures the composition root brings (this room may not know them).
pub trait Meter: Send + Sync {
    /// A request ended: route template, status, microseconds.
    fn request(&self, route: &'static str, status: u16, micros: u64);
    /// A request was refused with this code.
    fn refusal(&self, code: &'static str);
    /// A panic was contained.
    fn panicked(&self);
    /// The Prometheus text, with the vault's gauges.
    fn render(&self, gauges: crate::vault::Gauges) -> String;
}

/// What every worker shares.
pub struct Serving {
    /// The vault.
    pub vault: Arc<Vault>,
    /// Where it is measured.
    pub meter: Arc<dyn Meter>,
    /// How bodies are read.
    pub body: edge::BodyRules,
}

/// Answers one request of a route, or of none (`None`: unknown path or method). A panic is contained: 500, counted.
pub async fn answer(
    serving: web::Data<Serving>,
    route: Option<&'static Route>,
    req: HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let clock: Arc<dyn Clock> = serving.vault.clock().clone();
    let started = clock.monotonic();
    let Ok(id) = OsEntropy.array().map(Id16) else {
        return Problem::new(Code::Overloaded).retry_after(1).to_response("req_0");
    };
    let text = crockford::encode("req_", &id.0);
    let handled = std::panic::AssertUnwindSafe(handle(&serving, route, &req, payload, (id, &text))).catch_unwind();
    let response = match handled.await {
        Ok(response) => response,
        Err(_) => {
            serving.meter.panicked();
            Problem::new(Code::Internal).to_response(&text)
        }
    };
    let spent = clock.monotonic().saturating_sub(started);
    let template = route.map_or("other", |r| r.path);
    serving.meter.request(template, response.status().as_u16(), u64::try_from(spent.as_micros()).unwrap_or(u64::MAX));
    response
}

async fn handle(
    serving: &Serving,
    route: Option<&'static Route>,
    req: &HttpRequest,
    payload: web::Payload,
    (id, text): (Id16, &str),
) -> HttpResponse {
    let vault = &serving.vault;
    let peer = edge::peer(req);
    let stranger = |problem: Problem| {
        serving.meter.refusal(problem.code_name());
        vault.sum_refusal(peer, problem.code_name());
        problem.to_response(text)
    };
    if let Err(refusal) = vault.admit_network(peer) {
        return stranger(Problem::from(&refusal));
    }
    let caller = match authenticate(vault, req, peer) {
        Ok(caller) => caller,
        Err(problem) => return stranger(*problem),
    };
    let mut call = Call {
        request: id,
        received_at: vault.now(),
        ua_family: edge::ua_family(req),
        bytes: edge::announced_bytes(req),
        idempotency: None,
    };
    let act = route.map_or(Act::UnknownRoute, |r| r.act);
    let ended = run(serving, route, (req, payload), &caller, &mut call).await;
    let problem = match ended {
        Ok(reply) => return write_reply(vault, &caller, reply, text),
        Err(Failure::Refused(refusal)) => Problem::from(&refusal),
        Err(Failure::Early(problem)) => {
            let outcome = outcome_of(problem.status());
            match vault.report(&caller, &call, act, (problem.code_name(), outcome)).await {
                Ok(()) => *problem,
                Err(refusal) => Problem::from(&refusal),
            }
        }
    };
    serving.meter.refusal(problem.code_name());
    let mut response = problem.to_response(text);
    edge::quota_headers(response.headers_mut(), &vault.quotas(&caller));
    response
}

fn authenticate(vault: &Vault, req: &HttpRequest, peer: IpAddr) -> Result<Caller, Box<Problem>> {
    let key = edge::bearer(req).map_err(Box::new)?;
    // EXPOSE: looked up by its keyed digest; the buffer wipes itself.
    let presented = key.as_ref().map(|k| k.expose().as_str());
    vault.authenticate(presented, peer).map_err(|refusal| {
        let throttled = vault.count_failed_authentication(peer).err();
        Box::new(Problem::from(&throttled.unwrap_or(refusal)))
    })
}

/// Everything after authentication, up to the verb's answer.
async fn run(
    serving: &Serving,
    route: Option<&'static Route>,
    (req, payload): (&HttpRequest, web::Payload),
    caller: &Caller,
    call: &mut Call,
) -> Result<Reply, Failure> {
    let vault = &serving.vault;
    let early = |problem: Problem| Failure::Early(Box::new(problem));
    vault.admit_request(caller, call.bytes).map_err(|refusal| early(Problem::from(&refusal)))?;
    let Some(route) = route else { return Err(early(no_route(req))) };
    let body = if route.has_body {
        edge::read_body(req, payload, &serving.body).await.map_err(early)?
    } else {
        edge::no_body(req).map_err(early)?
    };
    let query = edge::parse_query(req, route.query).map_err(early)?;
    // EXPOSE: digested and parsed in place; wiped when this function ends.
    let bytes = body.expose().as_slice();
    call.bytes = u32::try_from(bytes.len()).unwrap_or(u32::MAX);
    if let Some(key) = edge::idempotency_key(req).map_err(early)?.filter(|_| route.method != "GET") {
        call.idempotency = Some(vault.idempotency_key(&key, route.method, req.uri().path(), bytes));
    }
    if let Some(head) = edge::checkpoint(req).map_err(early)? {
        vault.prove_checkpoint(head).map_err(|refusal| early(Problem::from(&refusal)))?;
    }
    let names = ["sub", "rec", "purpose", "name", "version"];
    let matched = req.match_info();
    let params = names.iter().filter_map(|n| Some((*n, matched.get(n)?.to_owned()))).collect();
    let exchange = Exchange { vault, caller, call, params, query, body: bytes };
    api::run(route.operation, &exchange).await
}

/// 405 with the methods that exist for a known path, else 404.
fn no_route(req: &HttpRequest) -> Problem {
    let path = req.match_pattern().unwrap_or_default();
    let methods: Vec<&str> = ROUTES.iter().filter(|r| r.path == path).map(|r| r.method).collect();
    if methods.is_empty() { Problem::new(Code::NotFound) } else { Problem::new(Code::MethodNotAllowed).allow(&methods.join(", ")) }
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

fn write_reply(vault: &Vault, caller: &Caller, mut reply: Reply, text: &str) -> HttpResponse {
    let status = actix_web::http::StatusCode::from_u16(reply.status).unwrap_or_default();
    let mut builder = HttpResponse::build(status);
    edge::standard_headers(&mut builder, text);
    builder.insert_header(("Content-Type", "application/json"));
    builder.insert_header(("Strongroom-Checkpoint", edge::checkpoint_text(&reply.head)));
    builder.insert_header(("Strongroom-Cost", reply.cost));
    if reply.replayed {
        builder.insert_header(("Idempotency-Replayed", "true"));
    }
    if vault.now().plus(KEY_WARNING) > caller.key_expires_at() {
        builder.insert_header(("Strongroom-Key-Expires", caller.key_expires_at().to_rfc3339()));
    }
    let mut response = builder.body(edge::zeroing_body(std::mem::take(&mut reply.body)));
    edge::quota_headers(response.headers_mut(), &vault.quotas(caller));
    response.map_into_boxed_body()
}

