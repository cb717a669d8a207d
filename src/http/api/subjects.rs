//! `/v1/subjects`: a person as far as the vault needs to know one.

use crate::domain::Sensitive;
use crate::domain::event::Act;
use crate::domain::subject::{AgeClass, SubjectStatus};
use crate::http::exchange::{Exchange, Failure, Reply, instant};
use crate::vault::{AnchorCommand, CreateSubject, Fault, RecordPage, RecordView, UpdateSubject};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A new subject.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSubject {
    /// ISO 3166-1 alpha-2.
    pub region: String,
    /// `YYYY-MM-DD`; checked for majority, then dropped.
    #[schema(value_type = Option<String>)]
    pub birth_date: Option<Sensitive<String>>,
    /// Majority was attested.
    pub age_attested: Option<bool>,
    /// The client's own reference, 1–256 bytes; kept only as a keyed digest.
    #[schema(value_type = Option<String>)]
    pub external_ref: Option<Sensitive<String>>,
    /// The notice the person was shown.
    pub notice_version: Option<String>,
}

/// A subject's name.
#[derive(Serialize, ToSchema)]
pub struct SubjectCreated {
    /// `sub_…`
    pub subject: String,
    /// `false`: it was there with the same facts.
    pub created: bool,
}

/// Changes of a subject.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SubjectPatch {
    /// New region.
    pub region: Option<String>,
    /// A birth date learnt later.
    #[schema(value_type = Option<String>)]
    pub birth_date: Option<Sensitive<String>>,
    /// `vip`, `staff`; replaces the present flags.
    pub flags: Option<Vec<String>>,
}

/// A retention anchor.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAnchor {
    /// `account_closed`, `contract_ended`, …
    pub event: String,
    /// When it happened, RFC 3339.
    pub at: String,
}

/// An empty answer.
#[derive(Serialize, ToSchema)]
pub struct Recorded {
    /// Always true.
    pub recorded: bool,
}

/// What is known of a subject.
#[derive(Serialize, ToSchema)]
pub struct SubjectShown {
    /// `sub_…`
    pub subject: String,
    /// Region.
    pub region: String,
    /// `active`, `restricted`, `erasing`, `partly_erased`, `erased`.
    pub state: &'static str,
    /// `adult`, `adult_attested`, `minor`.
    pub age_class: &'static str,
    /// When it was created.
    pub created_at: String,
    /// Notices shown.
    pub notices: Vec<Named>,
    /// Retention anchors.
    pub anchors: Vec<Named>,
    /// Number of consents that stand.
    pub consents: usize,
    /// Flags.
    pub flags: Vec<String>,
    /// Records held, by collection.
    pub collections: std::collections::BTreeMap<String, u64>,
    /// Legal holds in force.
    pub holds: usize,
}

/// A name and a time.
#[derive(Serialize, ToSchema)]
pub struct Named {
    /// Name.
    pub name: String,
    /// Time.
    pub at: String,
}

/// A record's metadata.
#[derive(Serialize, ToSchema)]
pub struct RecordShown {
    /// `rec_…`
    pub record: String,
    /// `sub_…`
    pub subject: String,
    /// Collection.
    pub collection: String,
    /// Version.
    pub version: u32,
    /// Fields present.
    pub fields: Vec<String>,
    /// When it was stored.
    pub created_at: String,
    /// When it ends.
    pub expires_at: Option<String>,
}

/// A page of records.
#[derive(Serialize, ToSchema)]
pub struct RecordList {
    /// Records, newest first.
    pub items: Vec<RecordShown>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
}

impl From<RecordView> for RecordShown {
    fn from(view: RecordView) -> Self {
        Self {
            record: view.record,
            subject: view.subject,
            collection: view.collection,
            version: view.version,
            fields: view.fields,
            created_at: view.created_at.to_rfc3339(),
            expires_at: view.expires_at.map(|at| at.to_rfc3339()),
        }
    }
}

/// `POST /v1/subjects`
pub async fn create(x: &Exchange<'_>) -> Result<Reply, Failure> {
    let body: NewSubject = x.json()?;
    let command = CreateSubject {
        region: body.region,
        birth_date: body.birth_date,
        age_attested: body.age_attested,
        external_ref: body.external_ref,
        notice_version: body.notice_version,
    };
    let done = x.vault.create_subject(x.caller, x.call, &command).await?;
    let status = if done.value.created { 201 } else { 200 };
    let shown = SubjectCreated { subject: done.value.subject.clone(), created: done.value.created };
    Ok(Reply::json(status, &done, &shown))
}

/// `PATCH /v1/subjects/{sub}`
pub async fn update(x: &Exchange<'_>) -> Result<Reply, Failure> {
    let body: SubjectPatch = x.json()?;
    let subject = x.subject(Act::SubjectUpdate).await?;
    let command = UpdateSubject { region: body.region, birth_date: body.birth_date, flags: body.flags };
    let done = x.vault.update_subject(x.caller, x.call, subject, &command).await?;
    Ok(Reply::json(200, &done, &Recorded { recorded: true }))
}

/// `POST /v1/subjects/{sub}/anchors`
pub async fn anchor(x: &Exchange<'_>) -> Result<Reply, Failure> {
    let body: NewAnchor = x.json()?;
    let at = instant("/at", &body.at)?;
    let subject = x.subject(Act::SubjectAnchor).await?;
    let done =
        x.vault.record_anchor(x.caller, x.call, subject, &AnchorCommand { event: body.event, at }).await?;
    Ok(Reply::json(200, &done, &Recorded { recorded: true }))
}

/// `PUT /v1/subjects/{sub}/notices/{version}`
pub async fn notice(x: &Exchange<'_>) -> Result<Reply, Failure> {
    let subject = x.subject(Act::SubjectNotice).await?;
    let done = x.vault.record_notice(x.caller, x.call, subject, x.path("version")).await?;
    Ok(Reply::json(200, &done, &Recorded { recorded: true }))
}

/// `GET /v1/subjects/{sub}`
pub async fn view(x: &Exchange<'_>) -> Result<Reply, Failure> {
    let subject = x.subject(Act::SubjectView).await?;
    let done = x.vault.view_subject(x.caller, x.call, subject).await?;
    let state = &done.value.state;
    let named = |list: &[crate::domain::subject::Anchor]| {
        list.iter().map(|a| Named { name: a.event.clone(), at: a.at.to_rfc3339() }).collect()
    };
    let standing = |c: &&crate::domain::subject::Consent| state.consent_stands(c.purpose, c.recipient);
    let mut pairs: Vec<_> =
        state.consents.iter().filter(standing).map(|c| (c.purpose, c.recipient)).collect();
    pairs.sort_unstable();
    pairs.dedup();
    let shown = SubjectShown {
        subject: done.value.subject.clone(),
        region: state.region.as_str().to_owned(),
        state: status_name(state.status),
        age_class: match state.age {
            AgeClass::AdultByDate => "adult",
            AgeClass::AdultAttested => "adult_attested",
            AgeClass::Minor => "minor",
        },
        created_at: state.created_at.to_rfc3339(),
        notices: named(&state.notices),
        anchors: named(&state.anchors),
        consents: pairs.len(),
        flags: state.flags.clone(),
        collections: done.value.collections.iter().cloned().collect(),
        holds: state.holds.len(),
    };
    Ok(Reply::json(200, &done, &shown))
}

fn status_name(status: SubjectStatus) -> &'static str {
    match status {
        SubjectStatus::Active => "active",
        SubjectStatus::Restricted => "restricted",
        SubjectStatus::Erasing => "erasing",
        SubjectStatus::PartlyErased => "partly_erased",
        SubjectStatus::Erased => "erased",
    }
}

/// `GET /v1/subjects/{sub}/records`
pub async fn records(x: &Exchange<'_>) -> Result<Reply, Failure> {
    let limit = match x.query("limit") {
        None => 50,
        Some(text) => text
            .parse()
            .ok()
            .filter(|n| (1..=200).contains(n))
            .ok_or_else(|| Fault::new("/limit", "out_of_range", "Write a whole number from 1 to 200."))?,
    };
    let name = x.query("collection").unwrap_or("");
    let collection = match name {
        "" => None,
        name => Some(x.caller.policy().collection(name).ok_or_else(|| {
            Fault::new("/collection", "unknown_collection", "Name one of the policy's collections.")
        })?),
    };
    let subject = x.subject(Act::SubjectView).await?;
    let filter = format!("{}?{name}", x.path("sub"));
    let before = match x.query("cursor") {
        None => None,
        Some(cursor) => Some(x.vault.open_cursor(x.caller, &filter, cursor).ok_or_else(|| {
            Fault::new("/cursor", "bad_cursor", "Use the cursor of the last page unchanged, within 24 hours.")
        })?),
    };
    let done =
        x.vault.list_records(x.caller, x.call, subject, RecordPage { collection, before, limit }).await?;
    let next_cursor = done.value.1.map(|record| x.vault.seal_cursor(x.caller, &filter, record));
    let items = done.value.0.iter().cloned().map(RecordShown::from).collect();
    Ok(Reply::json(200, &done, &RecordList { items, next_cursor }))
}
