//! `GET /local/tokens?client=&collection=&after=`: one page of a client's tokens, one event. Never a value.

use super::{Local, by, refused, shown, told};
use crate::domain::spelling;
use crate::http::edge::{Query, RequestId};
use crate::http::problem::Code;
use crate::vault::Vault;
use actix_web::{HttpRequest, HttpResponse, web};
use serde_json::{Value, json};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/local/tokens", web::get().to(page));
}

/// Which of the two names the policy does not declare, and what was meant; the owner of the vault typed them.
fn undeclared(vault: &Vault, (client, collection): (&str, Option<&str>)) -> String {
    let policy = vault.policy();
    let known: Vec<&str> = policy.clients().map(|facts| facts.name.as_str()).collect();
    if !known.contains(&client) {
        return format!("the policy declares no such client: {}", spelling::instead(client, &known));
    }
    let known: Vec<&str> = policy.collections().map(|(_, name)| name).collect();
    let name = collection.unwrap_or("");
    format!("the policy declares no such collection: {}", spelling::instead(name, &known))
}

async fn page(local: web::Data<Local>, req: HttpRequest, id: RequestId) -> HttpResponse {
    let query = match Query::parse(req.query_string(), &["client", "collection", "after"]) {
        Ok(query) => query,
        Err(problem) => return problem.to_response(id),
    };
    let vault = &local.serving.vault;
    let after = match query.get("after") {
        None => None,
        Some(name) => match vault.record_named(name) {
            Some(record) => Some(record),
            None => {
                return told(
                    Code::InvalidRequest,
                    "the place to go on from is not a record of this vault",
                    id,
                );
            }
        },
    };
    let asked = (query.get("client").unwrap_or(""), query.get("collection"));
    match vault.export_tokens(by(&req), asked, after).await {
        Ok(page) => {
            let record = |r: &crate::vault::ExportedRecord| {
                let tokens: serde_json::Map<String, Value> = r
                    .tokens
                    .iter()
                    .map(|(name, token)| (name.clone(), Value::from(token.as_str())))
                    .collect();
                json!({ "subject": r.subject, "record": r.record, "tokens": tokens })
            };
            let records: Vec<Value> = page.records.iter().map(record).collect();
            shown(&json!({ "records": records, "next": page.next }))
        }
        Err(crate::vault::Refusal::NotFound) => told(Code::NotFound, &undeclared(vault, asked), id),
        Err(refusal) => refused(&refusal, id),
    }
}
