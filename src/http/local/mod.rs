//! The admin socket of a running vault, `D/admin.sock`: the routes of `/v1` for an owner who acts as a client, and a few of
//! its own below `/local`, which no other listener has.
//!
//! Its own routes manage clients, report, and export tokens; each change and each export is an event of `local:<uid>`. They
//! must never show a stored value, nor do anything as a client that `/v1` would not (I2).

mod clients;
mod reports;
mod socket;
mod tokens;

pub use socket::{BoundSocket, bind};

use crate::http::edge::{self, EntropyFactory, RequestId, ServerSettings};
use crate::http::pipeline::Serving;
use crate::http::problem::{Code, MEDIA_TYPE, Problem};
use crate::http::server;
use crate::vault::Refusal;
use actix_web::dev::Server;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::Serialize;
use std::os::unix::net::UnixListener;

/// What the admin socket serves.
pub struct Local {
    /// The same vault, meter and body limits as the network's listener.
    pub serving: web::Data<Serving>,
}

/// The server of the admin socket, for the user `owner` alone.
pub fn server(
    listener: UnixListener,
    owner: u32,
    local: web::Data<Local>,
    (settings, entropy): (&ServerSettings, EntropyFactory),
) -> std::io::Result<Server> {
    edge::serve_local(listener, owner, settings, entropy, move |config| {
        config.app_data(local.serving.clone());
        config.app_data(local.clone());
        clients::routes(config);
        reports::routes(config);
        tokens::routes(config);
        server::routes(config);
    })
}

/// The principal of an event caused here. The server lets the owner through only, so a peer is always known.
fn by(request: &HttpRequest) -> crate::domain::event::Principal {
    crate::domain::event::Principal::Local(edge::local_peer(request).map_or(u32::MAX, |peer| peer.uid))
}

fn shown(body: &impl Serialize) -> HttpResponse {
    let bytes = edge::ZeroingBody::new(serde_json::to_vec(body).unwrap_or_default());
    edge::json_reply(StatusCode::OK, bytes)
}

fn refused(refusal: &Refusal, id: RequestId) -> HttpResponse {
    Problem::from(refusal).to_response(id)
}

/// A refusal in a sentence of our own, for the command that shows it.
fn told(code: Code, detail: &str, id: RequestId) -> HttpResponse {
    let body = serde_json::json!({ "type": format!("urn:strongroom:error:{}", code.name()), "title": code.title(),
        "status": code.status(), "code": code.name(), "detail": detail, "request_id": id.to_string(), "retryable": false });
    HttpResponse::build(StatusCode::from_u16(code.status()).unwrap_or(StatusCode::CONFLICT))
        .insert_header((header::CONTENT_TYPE, MEDIA_TYPE))
        .body(body.to_string())
}
