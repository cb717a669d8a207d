//! The OpenAPI 3.1 document, generated from the route table and the types the routes read and write.

mod bounds;
mod links;

use crate::http::api::{
    Operation, ROUTES, Route, batch, certificates, consents, contexts, credentials, detokenize, records,
    search, subjects, tokens, unsubscribe, whoami,
};
use serde_json::{Map, Value, json};
use utoipa::openapi::schema::Components;
use utoipa::{OpenApi, ToSchema};

/// Schemas of every body.
#[derive(OpenApi)]
#[openapi(components(schemas(
    subjects::NewSubject,
    subjects::SubjectCreated,
    subjects::SubjectPatch,
    subjects::NewAnchor,
    subjects::Recorded,
    subjects::SubjectShown,
    subjects::Named,
    subjects::RecordShown,
    subjects::RecordList,
    consents::NewConsent,
    consents::Evidence,
    consents::ConsentShown,
    consents::ConsentsShown,
    contexts::NewContext,
    contexts::ContextRegistered,
    records::NewRecord,
    records::TokenWishes,
    records::RecordPatch,
    records::RecordStored,
    records::RecordErased,
    batch::RecordBatch,
    batch::BatchStored,
    batch::BatchItemShown,
    batch::BatchItemError,
    certificates::Certificate,
    certificates::EventShown,
    tokens::NewTokens,
    tokens::TokensMinted,
    tokens::TokenList,
    tokens::ItemError,
    tokens::TokenInspected,
    tokens::TokensInspected,
    tokens::TokenRevoked,
    tokens::TokensRevoked,
    detokenize::Detokenize,
    detokenize::Context,
    Detokenized,
    DetokenizedItem,
    search::Search,
    search::Found,
    search::SearchResult,
    unsubscribe::NewLink,
    unsubscribe::LinkMade,
    unsubscribe::LinkHeaders,
    credentials::Verify,
    credentials::Verdict,
    whoami::Me,
    whoami::Granted,
    whoami::Limits,
    whoami::WindowLeft,
    whoami::Quota,
    ProblemShape,
    FieldError
)))]
struct Schemas;

/// The answer of detokenize (written by hand there, so that values are copied once).
#[derive(ToSchema)]
pub struct Detokenized {
    /// In the order asked.
    pub results: Vec<DetokenizedItem>,
}

/// One detokenized item: a value, or an error.
#[derive(ToSchema)]
pub struct DetokenizedItem {
    /// Position in the request.
    pub index: u32,
    /// The token, when it opened.
    pub token: Option<String>,
    /// Full field name.
    pub field: Option<String>,
    /// A string, or an object of strings for composite types.
    #[schema(value_type = Option<Object>)]
    pub value: Option<()>,
    /// `plain` or `masked`.
    pub format: Option<String>,
    /// What went wrong.
    pub error: Option<tokens::ItemError>,
}

/// A problem (RFC 9457).
#[derive(ToSchema)]
pub struct ProblemShape {
    /// `urn:strongroom:error:<code>`
    pub r#type: String,
    /// Short title.
    pub title: String,
    /// HTTP status.
    pub status: u16,
    /// Stable code.
    pub code: String,
    /// What to do.
    pub detail: String,
    /// The request's id.
    pub request_id: String,
    /// Whether a retry may help.
    pub retryable: bool,
    /// The rule that refused (`denied`).
    pub rule: Option<String>,
    /// The failing item of an atomic request.
    pub index: Option<u32>,
    /// Faults of fields.
    pub errors: Option<Vec<FieldError>>,
}

/// A fault of one field.
#[derive(ToSchema)]
pub struct FieldError {
    /// JSON pointer.
    pub field: String,
    /// Stable code.
    pub code: String,
    /// What to do.
    pub detail: String,
}

fn bodies(operation: Operation) -> (Option<&'static str>, &'static str) {
    match operation {
        Operation::Whoami => (None, "Me"),
        Operation::CreateSubject => (Some("NewSubject"), "SubjectCreated"),
        Operation::UpdateSubject => (Some("SubjectPatch"), "Recorded"),
        Operation::ViewSubject => (None, "SubjectShown"),
        Operation::ListRecords => (None, "RecordList"),
        Operation::RecordAnchor => (Some("NewAnchor"), "Recorded"),
        Operation::RecordNotice => (None, "Recorded"),
        Operation::ViewConsents => (None, "ConsentsShown"),
        Operation::RecordConsent | Operation::RecordRecipientConsent => (Some("NewConsent"), "Recorded"),
        Operation::CreateRecord => (Some("NewRecord"), "RecordStored"),
        Operation::ViewRecord => (None, "RecordShown"),
        Operation::UpdateRecord => (Some("RecordPatch"), "RecordStored"),
        Operation::CreateRecords => (Some("RecordBatch"), "BatchStored"),
        Operation::DeleteRecord => (None, "RecordErased"),
        Operation::ViewCertificate => (None, "Certificate"),
        Operation::MintTokens => (Some("NewTokens"), "TokensMinted"),
        Operation::InspectTokens => (Some("TokenList"), "TokensInspected"),
        Operation::RevokeTokens => (Some("TokenList"), "TokensRevoked"),
        Operation::Detokenize => (Some("Detokenize"), "Detokenized"),
        Operation::Search => (Some("Search"), "SearchResult"),
        Operation::VerifyCredential => (Some("Verify"), "Verdict"),
        Operation::RegisterContext => (Some("NewContext"), "ContextRegistered"),
        Operation::UnsubscribeLink => (Some("NewLink"), "LinkMade"),
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("#/components/schemas/{name}") })
}

fn operation(route: &Route) -> Value {
    let (request, reply) = bodies(route.operation);
    let path =
        route.path.split('/').filter_map(|s| s.strip_prefix('{')?.strip_suffix('}')).map(
            |name| json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } }),
        );
    let query =
        route.query.iter().map(|name| json!({ "name": name, "in": "query", "schema": bounds::query(name) }));
    let mut parameters: Vec<Value> = path.chain(query).collect();
    if route.method != "GET" {
        parameters.push(json!({ "name": "Idempotency-Key", "in": "header", "schema": { "type": "string", "pattern": "^[!-~]{1,255}$" } }));
    }
    let problem = json!({ "description": "A problem; see docs/errors.md",
        "content": { "application/problem+json": { "schema": reference("ProblemShape") } } });
    let mut responses = Map::new();
    let mut success =
        json!({ "description": "Done", "content": { "application/json": { "schema": reference(reply) } } });
    if let (Some(links), Some(object)) = (links::links(route.operation), success.as_object_mut()) {
        object.insert("links".to_owned(), links);
    }
    responses.insert(route.success.to_string(), success.clone());
    if route.operation == Operation::CreateSubject {
        responses.insert("200".to_owned(), success);
    }
    responses.insert("default".to_owned(), problem);
    let mut shown = json!({ "operationId": format!("{:?}", route.operation), "summary": route.summary,
        "x-permission": route.permission, "parameters": parameters, "responses": responses,
        "security": [{ "key": [] }] });
    if let (Some(name), Some(object)) = (request, shown.as_object_mut()) {
        let body =
            json!({ "required": true, "content": { "application/json": { "schema": reference(name) } } });
        object.insert("requestBody".to_owned(), body);
    }
    shown
}

/// The document, pretty-printed, always the same bytes for the same program.
pub fn document() -> String {
    let components: Components = Schemas::openapi().components.unwrap_or_default();
    let mut schemas = serde_json::to_value(&components).unwrap_or_default();
    let mut schemas = schemas.get_mut("schemas").map(Value::take).unwrap_or_default();
    bounds::tighten(&mut schemas);
    let mut paths: Map<String, Value> = Map::new();
    for route in ROUTES {
        let entry = paths.entry(route.path.to_owned()).or_insert_with(|| json!({}));
        if let Some(object) = entry.as_object_mut() {
            object.insert(route.method.to_ascii_lowercase(), operation(route));
        }
    }
    let open = |summary: &str| {
        json!({ "get": { "summary": summary, "security": [], "responses": {
            "200": { "description": "Yes" }, "default": { "description": "No" } } } })
    };
    paths.insert("/live".to_owned(), open("Whether the process lives"));
    paths.insert("/ready".to_owned(), open("Whether it serves; 503 names the state"));
    paths.insert("/openapi.json".to_owned(), open("This document"));
    let document = json!({
        "openapi": "3.1.0",
        "info": { "title": "Strongroom", "version": "1", "license": { "name": "Apache-2.0", "identifier": "Apache-2.0" },
            "description": "A vault for personal data: opaque tokens in, fields out, for a stated purpose, audited first." },
        "paths": paths,
        "components": { "schemas": schemas, "securitySchemes": { "key": { "type": "http", "scheme": "bearer" } } }
    });
    let mut text = serde_json::to_string_pretty(&document).unwrap_or_default();
    text.push('\n');
    text
}
