//! The audit event, version 1: who asked for what, for which purpose, about whom, and how it ended.
//!
//! It names subjects and records only by keyed reference and never holds a value, a token or a key (I6).

use super::disclosure::EventTicket;
use super::rule::RuleSet;
use super::token::TokenCounts;
use super::{FieldNo, Id16, Object, PolicyVersion, Ref8, Timestamp, Version};

/// What kind of act an event reports.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
#[repr(u8)]
pub enum Act {
    /// First event of a process on this vault.
    Boot = 1,
    /// The vault was created.
    Init = 2,
    /// `POST /v1/detokenize`.
    Detokenize = 3,
    /// `POST /v1/search`.
    Search = 4,
    /// `POST /v1/credentials/verify`.
    Verify = 5,
    /// `POST /v1/subjects`.
    SubjectCreate = 6,
    /// `PATCH /v1/subjects/{sub}`.
    SubjectUpdate = 7,
    /// Anchor recorded.
    SubjectAnchor = 8,
    /// Notice recorded.
    SubjectNotice = 9,
    /// Subject metadata or its list of records was read.
    SubjectView = 10,
    /// `POST /v1/records`.
    RecordCreate = 11,
    /// Record metadata was read.
    RecordView = 12,
    /// `PATCH /v1/records/{rec}`.
    RecordUpdate = 13,
    /// `DELETE /v1/records/{rec}`.
    RecordDelete = 14,
    /// `POST /v1/tokens`.
    TokenMint = 15,
    /// `POST /v1/tokens/inspect`.
    TokenInspect = 16,
    /// `POST /v1/tokens/revoke`.
    TokenRevoke = 17,
    /// Consent recorded or withdrawn.
    ConsentRecord = 18,
    /// Consents read.
    ConsentView = 19,
    /// `GET /v1/whoami`.
    Whoami = 20,
    /// Client activated, suspended or resumed.
    ClientChange = 21,
    /// Client key made or withdrawn.
    ClientKeyChange = 22,
    /// A policy version was sealed.
    PolicyChange = 23,
    /// A route that does not exist, with a good credential.
    UnknownRoute = 24,
    /// Refusals before authentication, summed per network, code and minute.
    RefusalSum = 25,
    /// Orderly end of a process.
    Shutdown = 26,
    /// `GET /v1/audit/…`-like queries by the local operator.
    AuditQuery = 27,
    /// `POST /v1/contexts`.
    ContextRegister = 28,
    /// `POST /v1/subjects/{sub}/unsubscribe-link`.
    UnsubscribeLink = 29,
    /// A person followed an unsubscribe link: `POST /u/{sru}`.
    Unsubscribe = 30,
    /// `GET /v1/certificates/{crt}`.
    CertificateView = 31,
    /// TLS material (certificate, client CA, CRL) was taken over, or a bad one refused, while serving.
    TlsReload = 32,
    /// Settings were taken over while serving.
    SettingsReload = 33,
    /// Tokens were exported to the local operator.
    TokenExport = 34,
}

macro_rules! act_names {
    ($($variant:ident => $name:literal,)*) => {
        impl Act {
            /// Every act.
            pub const ALL: &'static [Act] = &[$(Act::$variant,)*];
            /// The name in queries and exports.
            pub fn name(self) -> &'static str { match self { $(Act::$variant => $name,)* } }
        }
    };
}
act_names! {
    Boot => "boot", Init => "init", Detokenize => "detokenize", Search => "search", Verify => "verify",
    SubjectCreate => "subject.create", SubjectUpdate => "subject.update", SubjectAnchor => "subject.anchor",
    SubjectNotice => "subject.notice", SubjectView => "subject.view", RecordCreate => "record.create",
    RecordView => "record.view", RecordUpdate => "record.update", RecordDelete => "record.delete",
    TokenMint => "token.mint", TokenInspect => "token.inspect", TokenRevoke => "token.revoke",
    ConsentRecord => "consent.record", ConsentView => "consent.view", Whoami => "whoami",
    ClientChange => "client.change", ClientKeyChange => "client.key", PolicyChange => "policy.change",
    UnknownRoute => "unknown_route", RefusalSum => "refusal.sum", Shutdown => "shutdown",
    AuditQuery => "audit.query", ContextRegister => "context.register", UnsubscribeLink => "unsubscribe.link",
    Unsubscribe => "unsubscribe", CertificateView => "certificate.view", TlsReload => "tls.reload",
    SettingsReload => "settings.reload", TokenExport => "token.export",
}

impl Act {
    /// Reads a stored act.
    pub fn from_u8(raw: u8) -> Option<Self> {
        Self::ALL.iter().copied().find(|a| *a as u8 == raw)
    }
}

/// Who asked.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Principal {
    /// The vault itself (boot, sums).
    Vault,
    /// A client, by its policy name.
    Client(String),
    /// The owner of the data directory, by uid.
    Local(u32),
}

/// Where the caller came from, as configured labels say; no look-up leaves the machine.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct NetworkFacts {
    /// The /24 or /48 as text, e.g. `10.1.2.0/24`.
    pub prefix: String,
    /// The configured label of the prefix.
    pub label: Option<String>,
    /// Autonomous system number, when configured.
    pub asn: Option<u32>,
    /// Country, when configured.
    pub country: Option<[u8; 2]>,
}

/// How a request or item ended.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
#[repr(u8)]
pub enum Outcome {
    /// Done, in full or in part (see the items).
    Allowed = 1,
    /// Refused by a rule of the policy.
    Denied = 2,
    /// No such thing, as far as the caller may know.
    NotFound = 3,
    /// The request was malformed or a value invalid.
    Invalid = 4,
    /// Over a limit or budget.
    Limited = 5,
    /// Conflict with the present state, or idempotency mismatch.
    Conflict = 6,
    /// The vault could not (overload, storage, integrity).
    Failed = 7,
    /// Card number or minor: refused and nothing kept.
    Refused = 8,
}

impl Outcome {
    /// Reads a stored outcome.
    pub fn from_u8(raw: u8) -> Option<Self> {
        [
            Self::Allowed,
            Self::Denied,
            Self::NotFound,
            Self::Invalid,
            Self::Limited,
            Self::Conflict,
            Self::Failed,
            Self::Refused,
        ]
        .into_iter()
        .find(|o| *o as u8 == raw)
    }
    /// The name in queries and exports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Denied => "denied",
            Self::NotFound => "not_found",
            Self::Invalid => "invalid",
            Self::Limited => "limited",
            Self::Conflict => "conflict",
            Self::Failed => "failed",
            Self::Refused => "refused",
        }
    }
}

/// One item of an event: 11 bytes in the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct EventItem {
    /// Keyed reference of the record (zero for a token that did not open).
    pub record: Ref8,
    /// The field.
    pub field: FieldNo,
    /// How it ended: 0 plain, 1 masked, 2 not found, 16 + rule number = denied by that rule.
    pub outcome: u8,
}

/// A row this event changed, so that an old row put back is noticed (I4).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChangedRow {
    /// Which row. The log stores a keyed reference made by the caller.
    pub reference: Ref8,
    /// 1 subject, 2 record, 3 grant, 4 control, 5 external reference.
    pub kind: u8,
    /// Its new version.
    pub version: Version,
    /// Its new seal, 17 bytes.
    pub seal: [u8; 17],
}

impl ChangedRow {
    /// The `kind` byte of an object.
    pub fn kind_of(object: &Object) -> u8 {
        match object {
            Object::Subject(_) => 1,
            Object::Record(_) => 2,
            Object::Grant(_) => 3,
            Object::Control(..) => 4,
            Object::ExternalRef(_) => 5,
        }
    }
}

/// Most items one event carries; a stream writes one event per chunk.
pub const MAX_ITEMS: usize = 1_000;

/// The event itself. `EventBody` is what is encoded; the ticket ties it to what it discloses.
pub struct Event {
    /// The process-local ticket; never encoded.
    pub ticket: EventTicket,
    /// What is written.
    pub body: EventBody,
}

/// What an event says. Fields that are not known stay `None` or empty.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EventBody {
    /// The request's id.
    pub request: Id16,
    /// When the request was received.
    pub received_at: Timestamp,
    /// Who.
    pub principal: Principal,
    /// With which key.
    pub key_id: Option<Id16>,
    /// With which client certificate: the first 16 bytes of the SHA-256 of its DER.
    pub tls_client: Option<Id16>,
    /// Keyed pseudonym of the end user acted for.
    pub on_behalf_of: Option<Ref8>,
    /// From where.
    pub network: Option<NetworkFacts>,
    /// Family of the user agent (`curl`, `python`, …; a closed list).
    pub ua_family: Option<String>,
    /// What.
    pub act: Act,
    /// For which purpose (policy name).
    pub purpose: Option<String>,
    /// For which recipient (policy name).
    pub recipient: Option<String>,
    /// Subjects touched, by keyed reference.
    pub subjects: Vec<Ref8>,
    /// Records and fields touched.
    pub items: Vec<EventItem>,
    /// Token states.
    pub tokens: TokenCounts,
    /// Kind of the context, keyed reference, verified?
    pub context: Option<(String, Ref8, Option<bool>)>,
    /// How it ended.
    pub outcome: Outcome,
    /// The error code, when it did not end well (`denied`, `not_found`, …).
    pub code: Option<String>,
    /// Every rule that failed.
    pub rules: RuleSet,
    /// The policy that judged.
    pub policy: PolicyVersion,
    /// What it cost.
    pub cost: u32,
    /// Bytes of the request body.
    pub bytes: u32,
    /// Rows changed.
    pub changed: Vec<ChangedRow>,
    /// Part i of n (streams), 1-based; (1, 1) otherwise.
    pub part: (u32, u32),
    /// A count, for sums (refusals before authentication) and lists.
    pub count: Option<u64>,
}

impl EventBody {
    /// An event that says only who, what and when; everything else is filled in as it is learnt.
    pub fn new(request: Id16, received_at: Timestamp, principal: Principal, act: Act) -> Self {
        Self {
            request,
            received_at,
            principal,
            key_id: None,
            tls_client: None,
            on_behalf_of: None,
            network: None,
            ua_family: None,
            act,
            purpose: None,
            recipient: None,
            subjects: Vec::new(),
            items: Vec::new(),
            tokens: TokenCounts::default(),
            context: None,
            outcome: Outcome::Failed,
            code: None,
            rules: RuleSet::default(),
            policy: PolicyVersion(0),
            cost: 0,
            bytes: 0,
            changed: Vec::new(),
            part: (1, 1),
            count: None,
        }
    }
}

impl Act {
    /// Whether the act changes rows (a conflict is then the caller's to resolve), or only reads.
    pub fn changes_state(self) -> bool {
        !matches!(
            self,
            Self::Detokenize
                | Self::Search
                | Self::Verify
                | Self::SubjectView
                | Self::RecordView
                | Self::TokenInspect
                | Self::ConsentView
                | Self::Whoami
                | Self::UnknownRoute
                | Self::AuditQuery
                | Self::CertificateView
                | Self::TokenExport
        )
    }
}
