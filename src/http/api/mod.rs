//! The routes of `/v1`, one noun a file, and the table that lists them all: what is not in the table does not exist.

pub mod batch;
pub mod certificates;
pub mod consents;
pub mod contexts;
pub mod credentials;
pub mod detokenize;
pub mod records;
pub mod search;
pub mod stream;
pub mod subjects;
pub mod tokens;
pub mod unsubscribe;
pub mod whoami;

use crate::domain::event::Act;
use crate::http::exchange::{Exchange, Failure, Reply};
use futures_util::future::LocalBoxFuture;

/// Every authenticated operation.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Operation {
    /// `GET /v1/whoami`
    Whoami,
    /// `POST /v1/subjects`
    CreateSubject,
    /// `PATCH /v1/subjects/{sub}`
    UpdateSubject,
    /// `GET /v1/subjects/{sub}`
    ViewSubject,
    /// `GET /v1/subjects/{sub}/records`
    ListRecords,
    /// `POST /v1/subjects/{sub}/anchors`
    RecordAnchor,
    /// `PUT /v1/subjects/{sub}/notices/{version}`
    RecordNotice,
    /// `GET /v1/subjects/{sub}/consents`
    ViewConsents,
    /// `PUT /v1/subjects/{sub}/consents/{purpose}`
    RecordConsent,
    /// `PUT /v1/subjects/{sub}/consents/{purpose}/recipients/{name}`
    RecordRecipientConsent,
    /// `POST /v1/records`
    CreateRecord,
    /// `POST /v1/records/batch`
    CreateRecords,
    /// `GET /v1/records/{rec}`
    ViewRecord,
    /// `PATCH /v1/records/{rec}`
    UpdateRecord,
    /// `DELETE /v1/records/{rec}`
    DeleteRecord,
    /// `GET /v1/certificates/{crt}`
    ViewCertificate,
    /// `POST /v1/tokens`
    MintTokens,
    /// `POST /v1/tokens/inspect`
    InspectTokens,
    /// `POST /v1/tokens/revoke`
    RevokeTokens,
    /// `POST /v1/detokenize`
    Detokenize,
    /// `POST /v1/search`
    Search,
    /// `POST /v1/credentials/verify`
    VerifyCredential,
    /// `POST /v1/contexts`
    RegisterContext,
    /// `POST /v1/subjects/{sub}/unsubscribe-link`
    UnsubscribeLink,
}

/// One line of the route table.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// The operation.
    pub operation: Operation,
    /// Method.
    pub method: &'static str,
    /// Path template.
    pub path: &'static str,
    /// The act its events name.
    pub act: Act,
    /// What a client must be granted, in words, for documents and the authorisation matrix.
    pub permission: &'static str,
    /// One line for the OpenAPI document.
    pub summary: &'static str,
    /// Status of success.
    pub success: u16,
    /// Whether it takes a JSON body.
    pub has_body: bool,
    /// Names of query parameters.
    pub query: &'static [&'static str],
}

macro_rules! routes {
    ($($operation:ident $method:literal $path:literal $act:ident $permission:literal $success:literal $body:literal $query:expr, $summary:literal;)*) => {
        /// Every authenticated route. No route without a line here.
        pub const ROUTES: &[Route] = &[$(Route {
            operation: Operation::$operation, method: $method, path: $path, act: Act::$act, permission: $permission,
            summary: $summary, success: $success, has_body: $body, query: $query,
        },)*];
    };
}

routes! {
    Whoami "GET" "/v1/whoami" Whoami "any client" 200 false &[], "The caller, its grants and what is left of its limits";
    CreateSubject "POST" "/v1/subjects" SubjectCreate "act subject.create" 201 true &[], "Create a subject or find it by its external reference";
    UpdateSubject "PATCH" "/v1/subjects/{sub}" SubjectUpdate "act subject.update" 200 true &[], "Change region, age class or flags";
    ViewSubject "GET" "/v1/subjects/{sub}" SubjectView "act subject.view" 200 false &[], "A subject's state; never a value";
    ListRecords "GET" "/v1/subjects/{sub}/records" SubjectView "act subject.view" 200 false &["collection", "limit", "cursor"], "A subject's records, newest first; metadata only";
    RecordAnchor "POST" "/v1/subjects/{sub}/anchors" SubjectAnchor "act subject.anchor" 200 true &[], "Record an event that starts a retention period";
    RecordNotice "PUT" "/v1/subjects/{sub}/notices/{version}" SubjectNotice "act subject.notice" 200 false &[], "Record that a version of the notice was shown";
    ViewConsents "GET" "/v1/subjects/{sub}/consents" ConsentView "act consent.view" 200 false &[], "Consents as they stand, and their history";
    RecordConsent "PUT" "/v1/subjects/{sub}/consents/{purpose}" ConsentRecord "act consent.record:{purpose}" 200 true &[], "Record a consent for a purpose, or its withdrawal";
    RecordRecipientConsent "PUT" "/v1/subjects/{sub}/consents/{purpose}/recipients/{name}" ConsentRecord "act consent.record:{purpose}" 200 true &[], "Record a consent naming a recipient, or its withdrawal";
    CreateRecord "POST" "/v1/records" RecordCreate "grant write of each field" 201 true &[], "Store a record and get its tokens";
    CreateRecords "POST" "/v1/records/batch" RecordCreate "grant write of each field" 200 true &[], "Store up to 1 000 records, each for itself or all or none";
    ViewRecord "GET" "/v1/records/{rec}" RecordView "act record.view" 200 false &[], "A record's metadata; never a value";
    UpdateRecord "PATCH" "/v1/records/{rec}" RecordUpdate "grant write of each field" 200 true &[], "Change fields; null removes one";
    DeleteRecord "DELETE" "/v1/records/{rec}" RecordDelete "act record.delete, in a collection it writes" 200 false &[], "Erase a record for good: its key is destroyed before the answer";
    ViewCertificate "GET" "/v1/certificates/{crt}" CertificateView "act record.delete, and the erasure was its own" 200 false &[], "The signed certificate of an erasure";
    MintTokens "POST" "/v1/tokens" TokenMint "act token.mint" 201 true &[], "Further tokens for a record";
    InspectTokens "POST" "/v1/tokens/inspect" TokenInspect "member of the token's audience" 200 true &[], "State of tokens; never a value";
    RevokeTokens "POST" "/v1/tokens/revoke" TokenRevoke "act token.revoke" 200 true &[], "Make tokens useless at once";
    Detokenize "POST" "/v1/detokenize" Detokenize "grant plain or masked of each field" 200 true &[], "Swap tokens for fields, for a stated purpose";
    Search "POST" "/v1/search" Search "grant search of the field" 200 true &[], "Find records by a declared field";
    VerifyCredential "POST" "/v1/credentials/verify" Verify "grant verify" 200 true &[], "Check a password; it is never returned";
    RegisterContext "POST" "/v1/contexts" ContextRegister "act context.register:{kind}" 201 true &[], "Register an order, ticket or session of a person, for others to read within";
    UnsubscribeLink "POST" "/v1/subjects/{sub}/unsubscribe-link" UnsubscribeLink "act unsubscribe.link" 200 true &[], "The link that stops a purpose with one click, and the headers of a mail that carry it";
}

/// Runs an operation. Each in a box of its own size: one future that could be any of them would be as large as the largest,
/// and every layer above would move and wipe all of it for each request.
pub fn run<'a>(operation: Operation, x: &'a Exchange<'_>) -> LocalBoxFuture<'a, Result<Reply, Failure>> {
    match operation {
        Operation::Whoami => Box::pin(whoami::show(x)),
        Operation::CreateSubject => Box::pin(subjects::create(x)),
        Operation::UpdateSubject => Box::pin(subjects::update(x)),
        Operation::ViewSubject => Box::pin(subjects::view(x)),
        Operation::ListRecords => Box::pin(subjects::records(x)),
        Operation::RecordAnchor => Box::pin(subjects::anchor(x)),
        Operation::RecordNotice => Box::pin(subjects::notice(x)),
        Operation::ViewConsents => Box::pin(consents::view(x)),
        Operation::RecordConsent => Box::pin(consents::record(x, None)),
        Operation::RecordRecipientConsent => Box::pin(consents::record(x, Some(x.path("name")))),
        Operation::CreateRecord => Box::pin(records::create(x)),
        Operation::CreateRecords => Box::pin(batch::create(x)),
        Operation::ViewRecord => Box::pin(records::view(x)),
        Operation::UpdateRecord => Box::pin(records::update(x)),
        Operation::DeleteRecord => Box::pin(records::delete(x)),
        Operation::ViewCertificate => Box::pin(certificates::view(x)),
        Operation::MintTokens => Box::pin(tokens::mint(x)),
        Operation::InspectTokens => Box::pin(tokens::inspect(x)),
        Operation::RevokeTokens => Box::pin(tokens::revoke(x)),
        Operation::Detokenize => Box::pin(detokenize::swap(x)),
        Operation::Search => Box::pin(search::find(x)),
        Operation::VerifyCredential => Box::pin(credentials::verify(x)),
        Operation::RegisterContext => Box::pin(contexts::register(x)),
        Operation::UnsubscribeLink => Box::pin(unsubscribe::link(x)),
    }
}
