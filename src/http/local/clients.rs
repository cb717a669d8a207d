//! `/local/clients`: what `strongroom client` does on a running vault. A new key is shown in its one reply and nowhere else.

use super::{Local, by, shown, told};
use crate::domain::{Id16, Timestamp, crockford, duration};
use crate::http::edge::{self, BodyLimits, RequestId};
use crate::http::json;
use crate::http::problem::Code;
use crate::vault::{ClientError, ClientSummary};
use actix_web::{HttpRequest, HttpResponse, web};
use serde::{Deserialize, Serialize};

#[derive(Serialize)]
struct Client {
    name: String,
    state: &'static str,
    keys: Vec<Key>,
}

#[derive(Serialize)]
struct Key {
    id: String,
    expires_at: String,
    withdrawn: bool,
    ended: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NewKey {
    expires_in: String,
}

/// A key that is printed and cannot work costs its owner an hour.
const CERTIFICATE_ONLY: &str = "the policy takes this client by its certificate alone, so this key does not work; give it a \
     certificate (docs/mutual-tls.md), or write auth = [\"key\"] in the policy before a vault is made";

impl Client {
    fn of(client: ClientSummary, now: Timestamp) -> Self {
        let key = |(id, until, withdrawn): (Id16, Timestamp, bool)| Key {
            id: crockford::encode("key_", &id.0),
            expires_at: until.to_rfc3339(),
            withdrawn,
            ended: until <= now,
        };
        Self {
            name: client.name,
            state: match client.suspended {
                None => "declared",
                Some(true) => "suspended",
                Some(false) => "active",
            },
            keys: client.keys.into_iter().map(key).collect(),
        }
    }
}

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/local/clients", web::get().to(list));
    config.route("/local/clients/{name}/activate", web::post().to(activate));
    config.route("/local/clients/{name}/resume", web::post().to(activate));
    config.route("/local/clients/{name}/suspend", web::post().to(suspend));
    config.route("/local/clients/{name}/keys", web::post().to(key));
    config.route("/local/clients/{name}/keys/{key}/revoke", web::post().to(revoke));
}

async fn list(local: web::Data<Local>) -> HttpResponse {
    let vault = &local.serving.vault;
    let now = vault.now();
    let clients: Vec<Client> = vault.list_clients().into_iter().map(|c| Client::of(c, now)).collect();
    shown(&serde_json::json!({ "clients": clients }))
}

async fn activate(
    local: web::Data<Local>,
    req: HttpRequest,
    name: web::Path<String>,
    id: RequestId,
) -> HttpResponse {
    set(&local, &req, (&name, false), id).await
}

async fn suspend(
    local: web::Data<Local>,
    req: HttpRequest,
    name: web::Path<String>,
    id: RequestId,
) -> HttpResponse {
    set(&local, &req, (&name, true), id).await
}

async fn set(
    local: &Local,
    req: &HttpRequest,
    (name, suspended): (&str, bool),
    id: RequestId,
) -> HttpResponse {
    match local.serving.vault.set_client(by(req), name, suspended).await {
        Ok(()) => shown(&serde_json::json!({ "name": name, "suspended": suspended })),
        Err(error) => failed(&error, id),
    }
}

async fn key(
    local: web::Data<Local>,
    req: HttpRequest,
    name: web::Path<String>,
    mut payload: web::Payload,
    id: RequestId,
) -> HttpResponse {
    let limits = BodyLimits { max_bytes: 1_024, ..BodyLimits::default() };
    let body = match edge::json_body(&req, &mut payload, &limits).await {
        Ok(body) => body,
        Err(problem) => return problem.to_response(id),
    };
    // EXPOSE: a duration; the buffer is the edge's.
    let asked: NewKey = match json::parse(body.expose()) {
        Ok(asked) => asked,
        Err(fault) => return crate::http::problem::Problem::from(fault).to_response(id),
    };
    let Some(life) = duration::parse(&asked.expires_in) else {
        return told(
            Code::InvalidRequest,
            "write --expires-in as a number and s, m, h or d, such as 30d",
            id,
        );
    };
    let vault = &local.serving.vault;
    let useless = vault.policy().client(&name).is_some_and(|facts| !facts.accepts_key);
    match vault.new_client_key(by(&req), &name, life).await {
        Err(error) => failed(&error, id),
        Ok((key_id, key, until)) => {
            let key_id = crockford::encode("key_", &key_id.0);
            // EXPOSE: shown to its owner once; the vault keeps only a keyed digest, and the reply wipes itself.
            let body = serde_json::json!({ "id": key_id, "key": key.expose(), "expires_at": until.to_rfc3339(), "note": useless.then_some(CERTIFICATE_ONLY) });
            shown(&body)
        }
    }
}

async fn revoke(
    local: web::Data<Local>,
    req: HttpRequest,
    path: web::Path<(String, String)>,
    id: RequestId,
) -> HttpResponse {
    let (name, key) = path.into_inner();
    let Some(key_id) = crockford::decode("key_", &key) else {
        return told(
            Code::InvalidRequest,
            "a key id is key_ and 26 characters; `client list` shows them",
            id,
        );
    };
    match local.serving.vault.revoke_client_key(by(&req), &name, Id16(key_id)).await {
        Ok(()) => shown(&serde_json::json!({ "name": name, "withdrawn": key })),
        Err(error) => failed(&error, id),
    }
}

/// The sentences of [`ClientError`] are fixed and name nothing that was sent.
fn failed(error: &ClientError, id: RequestId) -> HttpResponse {
    let code = match error {
        ClientError::Undeclared | ClientError::NotActive | ClientError::NoSuchKey => Code::NotFound,
        ClientError::TwoKeys => Code::AlreadyExists,
        ClientError::Life => Code::InvalidRequest,
        ClientError::Commit(_) => Code::AuditUnavailable,
    };
    told(code, &error.to_string(), id)
}
