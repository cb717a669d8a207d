//! The closed list of error codes: name, status, whether the same request may succeed later, a fixed sentence.

macro_rules! codes {
    ($($variant:ident = $status:literal, $name:literal, $retryable:literal, $title:literal, $detail:literal;)*) => {
        /// A code of the API's errors.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Code { $(#[doc = $detail] $variant,)* }
        impl Code {
            const ALL: &'static [Self] = &[$(Self::$variant,)*];
            /// Every code, in order of status.
            pub fn all() -> &'static [Self] { Self::ALL }
            /// The name in `code` and at the end of `type`.
            pub fn name(self) -> &'static str { match self { $(Self::$variant => $name,)* } }
            /// The HTTP status.
            pub fn status(self) -> u16 { match self { $(Self::$variant => $status,)* } }
            /// A short title.
            pub fn title(self) -> &'static str { match self { $(Self::$variant => $title,)* } }
            /// What to do, as a fixed sentence.
            pub fn detail(self) -> &'static str { match self { $(Self::$variant => $detail,)* } }
            /// Whether the same request may succeed later, unchanged.
            pub fn retryable(self) -> bool { match self { $(Self::$variant => $retryable,)* } }
        }
    };
}

codes! {
    MalformedJson = 400, "malformed_json", false, "Malformed JSON", "Send one strict JSON value with documented keys and types only; the list of errors says where it failed.";
    InvalidRequest = 400, "invalid_request", false, "Invalid request", "Correct the path, query, headers or the combination of keys as the documentation of this route says.";
    Unauthenticated = 401, "unauthenticated", false, "Not authenticated", "Send a valid key as Authorization: Bearer srk_... in the header.";
    Denied = 403, "denied", false, "Denied", "The policy refuses this; the rule says why and the policy's owners can change it.";
    StepUpRequired = 403, "step_up_required", false, "Step-up required", "Confirm a second factor at POST /v1/sessions/step-up, then repeat the request.";
    ApprovalRequired = 403, "approval_required", false, "Approval required", "Have another person approve this, then repeat the body with the approval's id.";
    NotFound = 404, "not_found", false, "Not found", "Check the address and the id; nothing that you may see has it.";
    MethodNotAllowed = 405, "method_not_allowed", false, "Method not allowed", "Use one of the methods that the Allow header names.";
    RequestTimeout = 408, "request_timeout", true, "Request timeout", "Send the whole body faster on a new connection.";
    Conflict = 409, "conflict", false, "Conflict", "Read the current state and decide anew; other facts are stored under this name.";
    VersionConflict = 409, "version_conflict", false, "Version conflict", "Read the record again and repeat the change with the current version.";
    IdempotencyMismatch = 409, "idempotency_mismatch", false, "Idempotency key reused", "Use a new Idempotency-Key for a different request.";
    IdempotencyInProgress = 409, "idempotency_in_progress", true, "Request in progress", "Wait as Retry-After says and repeat the request under the same Idempotency-Key.";
    LegalHold = 409, "legal_hold", false, "Legal hold", "Wait until the hold is lifted; the data may not be changed or destroyed before.";
    RetentionDuty = 409, "retention_duty", false, "Retention duty", "Wait until the duty to retain has ended; the law asks for this data until then.";
    AlreadyExists = 409, "already_exists", false, "Already exists", "Use the existing object or choose another name.";
    TooLarge = 413, "too_large", false, "Too large", "Split the request; the documentation of this route names the limit.";
    UriTooLong = 414, "uri_too_long", false, "URI too long", "Keep the request target within 8192 bytes.";
    UnsupportedMediaType = 415, "unsupported_media_type", false, "Unsupported media type", "Send Content-Type: application/json in UTF-8 and no Content-Encoding.";
    InvalidField = 422, "invalid_field", false, "Invalid field", "Correct the fields that the list of errors names.";
    CardNumberRefused = 422, "card_number_refused", false, "Card number refused", "Send the payment processor's reference; this vault takes no card numbers.";
    MinorRefused = 422, "minor_refused", false, "Minor refused", "Do not store this person's data; the policy excludes minors.";
    RateLimited = 429, "rate_limited", true, "Rate limited", "Wait as Retry-After says, then send requests more slowly.";
    BudgetExhausted = 429, "budget_exhausted", true, "Budget exhausted", "Wait as Retry-After says; the named budget is used up until then.";
    HeadersTooLarge = 431, "headers_too_large", false, "Headers too large", "Send fewer and shorter header fields.";
    InternalError = 500, "internal_error", true, "Internal error", "Repeat the request later; if it fails again, report the request id to the vault's operators.";
    Sealed = 503, "sealed", true, "Sealed", "Wait until the vault is unsealed by its custodians.";
    Bootstrap = 503, "bootstrap", true, "Not set up", "Finish the set-up of the vault: it has no policy in force yet.";
    AuditUnavailable = 503, "audit_unavailable", true, "Audit unavailable", "Try later; nothing is served while the audit log cannot be written.";
    RollbackSuspected = 503, "rollback_suspected", false, "Rollback suspected", "Stop and tell a security officer; the store seems older than what it has acknowledged.";
    Overloaded = 503, "overloaded", true, "Overloaded", "Wait as Retry-After says and repeat the request.";
    StorageFull = 507, "storage_full", true, "Storage full", "Try later; the vault's operators have to free space first.";
}
