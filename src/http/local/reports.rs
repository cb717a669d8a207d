//! `/local/about`, `/local/policy`, `/local/declared`: what commands ask of a running vault about itself.
//! Names and settings only; nothing of a person.

use super::{Local, shown, told};
use crate::http::edge::RequestId;
use crate::http::problem::Code;
use actix_web::{HttpResponse, web};
use serde_json::{Value, json};

pub(super) fn routes(config: &mut web::ServiceConfig) {
    config.route("/local/about", web::get().to(about));
    config.route("/local/policy", web::get().to(policy));
    config.route("/local/declared", web::get().to(declared));
}

async fn about(local: web::Data<Local>) -> HttpResponse {
    let vault = &local.serving.vault;
    shown(&json!({ "development": vault.is_development(), "readiness": vault.readiness() }))
}

async fn policy(local: web::Data<Local>, id: RequestId) -> HttpResponse {
    match local.serving.vault.policy_text() {
        Ok(text) => shown(&json!({ "text": text })),
        Err(error) => told(Code::AuditUnavailable, &error.to_string(), id),
    }
}

async fn declared(local: web::Data<Local>) -> HttpResponse {
    let vault = &local.serving.vault;
    let fields = vault.declared_fields().into_iter().map(|f| {
        json!({ "collection": f.collection, "name": f.name, "type": f.kind.name(), "ip_full": f.options.ip_full,
            "required": f.required })
    });
    let regions = vault.admitted_regions().into_iter().map(|r| (r.region, Value::from(r.minimum_age)));
    shown(&json!({
        "fields": fields.collect::<Vec<Value>>(),
        "regions": regions.collect::<serde_json::Map<String, Value>>(),
        "unknown_age": vault.takes_unknown_age(),
    }))
}
