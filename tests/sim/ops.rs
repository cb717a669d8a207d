//! What a simulated client asks for, what it is told, and how the asking is done: the verbs of the vault as futures.

use std::future::Future;
use std::net::IpAddr;
use std::pin::Pin;
use std::sync::Arc;
use strongroom::domain::value::RawValue;
use strongroom::domain::{Id16, Sensitive};
use strongroom::vault::*;

pub(crate) const CLIENTS: [&str; 2] = ["storefront", "mailer"];

/// A request.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Op {
    Subject,
    Record { subject: String, name: String, email: String },
    Batch { subject: String, emails: Vec<String>, atomic: bool },
    Patch { record: String, email: String },
    Reveal { purpose: &'static str, tokens: Vec<String> },
    Search { email: String },
    Mint { record: String, uses: u32 },
    Revoke { token: String },
    Inspect { tokens: Vec<String> },
    Consent { subject: String, granted: bool },
    Link { subject: String },
    Click { link: String },
    Erase { record: String },
    View { subject: String },
}

/// A record as it is acknowledged.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Told {
    pub(crate) record: String,
    pub(crate) version: u32,
    pub(crate) tokens: Vec<(String, String)>,
}

/// What a client is told.
#[derive(Clone, PartialEq, Debug)]
pub(crate) enum Answer {
    Subject(String),
    Record(Told),
    Batch(Vec<Result<Told, String>>),
    Items(Vec<Result<String, String>>),
    Hits(Vec<String>),
    Flags(Vec<bool>),
    States(Vec<Option<TokenState>>),
    Link(String),
    Erased(String),
    View { records: u64, consent: Option<bool> },
    Done,
}

/// The whole of a reply.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct Reply {
    pub(crate) answer: Result<Answer, String>,
    pub(crate) position: Option<u64>,
    pub(crate) cost: u32,
    pub(crate) replayed: bool,
}

/// Who asks, and under which ids.
#[derive(Clone)]
pub(crate) struct Asking {
    pub(crate) client: &'static str,
    pub(crate) key: String,
    pub(crate) request: Id16,
    pub(crate) idempotency: Option<u64>,
}

pub(crate) type Pending = Pin<Box<dyn Future<Output = Reply>>>;

pub(crate) fn peer(client: &str) -> IpAddr {
    if client == "mailer" { [10, 3, 0, 5].into() } else { [10, 1, 0, 5].into() }
}

fn done<T>(done: Result<Done<T>, Refusal>, f: impl FnOnce(T) -> Answer) -> Reply {
    match done {
        Ok(done) => Reply {
            answer: Ok(f(done.value)),
            position: Some(done.receipt.position),
            cost: done.cost,
            replayed: done.replayed,
        },
        Err(refusal) => Reply {
            answer: Err(refusal.code().to_owned()),
            position: None,
            cost: 0,
            replayed: matches!(refusal, Refusal::Replayed(_)),
        },
    }
}

fn told(stored: StoredTokens) -> Told {
    Told { record: stored.record, version: stored.version, tokens: stored.tokens }
}

fn create(subject: &str, name: &str, email: &str) -> CreateRecord {
    let field = |field: &str, text: &str| FieldInput {
        name: field.to_owned(),
        value: Some(RawValue::Text(Sensitive::text(text))),
    };
    CreateRecord {
        subject: subject.to_owned(),
        collection: String::from("contact"),
        purpose: String::from("order_fulfilment"),
        fields: vec![field("name", name), field("email", email)],
        tokens: TokenWish::default(),
    }
}

fn secret(texts: &[String]) -> Vec<Sensitive<String>> {
    texts.iter().map(|t| Sensitive::text(t)).collect()
}

/// Begins a request.
pub(crate) fn begin(vault: &Arc<Vault>, asking: &Asking, op: &Op) -> Pending {
    let (vault, asking, op) = (Arc::clone(vault), asking.clone(), op.clone());
    Box::pin(async move {
        let caller = match vault.authenticate(Some(&asking.key), peer(asking.client)) {
            Ok(caller) => caller,
            Err(refusal) => return done(Err(refusal), |()| Answer::Done),
        };
        let idempotency = asking.idempotency.map(|key| {
            let body = format!("{op:?}");
            vault.idempotency_key(&Sensitive::new(format!("key-{key}")), "POST", "/sim", body.as_bytes())
        });
        let call = Call {
            request: asking.request,
            received_at: vault.now(),
            ua_family: None,
            bytes: 0,
            idempotency,
        };
        ask(&vault, &caller, &call, op).await
    })
}

async fn ask(vault: &Vault, caller: &Caller, call: &Call, op: Op) -> Reply {
    match op {
        Op::Subject => {
            let command = CreateSubject {
                region: String::from("DE"),
                birth_date: None,
                age_attested: Some(true),
                external_ref: None,
                notice_version: None,
            };
            done(vault.create_subject(caller, call, &command).await, |made| Answer::Subject(made.subject))
        }
        Op::Record { subject, name, email } => {
            let command = create(&subject, &name, &email);
            done(vault.create_record(caller, call, &command).await, |stored| Answer::Record(told(stored)))
        }
        Op::Batch { subject, emails, atomic } => {
            let commands: Vec<_> = emails.iter().map(|e| create(&subject, "Ada", e)).collect();
            done(vault.create_records(caller, call, &commands, atomic).await, |items| {
                let item = |i: BatchItem| i.map(told).map_err(|r| r.code().to_owned());
                Answer::Batch(items.into_iter().map(item).collect())
            })
        }
        Op::Patch { record, email } => {
            let Some(id) = vault.record_named(&record) else { return unnamed() };
            let value = Some(RawValue::Text(Sensitive::text(&email)));
            let fields = vec![FieldInput { name: String::from("email"), value }];
            let purpose = String::from("order_fulfilment");
            let command = UpdateRecord { purpose, fields, if_version: None };
            done(vault.update_record(caller, call, Some(id), &command).await, |stored| {
                Answer::Record(told(stored))
            })
        }
        Op::Reveal { purpose, tokens } => {
            let command = RevealCommand {
                purpose: purpose.to_owned(),
                tokens: secret(&tokens),
                recipient: None,
                on_behalf_of: None,
                context: None,
                form: None,
                atomic: false,
            };
            done(vault.reveal(caller, call, &command).await, |items| {
                Answer::Items(items.iter().map(shown).collect())
            })
        }
        Op::Search { email } => {
            let command = SearchCommand {
                collection: String::from("contact"),
                purpose: String::from("order_fulfilment"),
                by: SearchBy::Equals(String::from("email"), Sensitive::text(&email)),
                context: None,
                on_behalf_of: None,
            };
            done(vault.search(caller, call, &command).await, |found| {
                Answer::Hits(found.hits.into_iter().map(|hit| hit.record).collect())
            })
        }
        op => ask_more(vault, caller, call, op).await,
    }
}

async fn ask_more(vault: &Vault, caller: &Caller, call: &Call, op: Op) -> Reply {
    match op {
        Op::Mint { record, uses } => {
            let tokens = TokenWish { uses: Some(uses), ..TokenWish::default() };
            let command = MintCommand { record, fields: vec![String::from("email")], tokens };
            done(vault.mint_tokens(caller, call, &command).await, |stored| Answer::Record(told(stored)))
        }
        Op::Revoke { token } => {
            done(vault.revoke_tokens(caller, call, &secret(&[token])).await, Answer::Flags)
        }
        Op::Inspect { tokens } => done(vault.inspect_tokens(caller, call, &secret(&tokens)).await, |views| {
            Answer::States(views.into_iter().map(|v| v.map(|v| v.state)).collect())
        }),
        Op::Consent { subject, granted } => {
            let Some(id) = vault.subject_named(&subject) else { return unnamed() };
            let command = ConsentCommand {
                purpose: String::from("newsletter"),
                recipient: None,
                granted,
                channel: String::from("web-form"),
                text_sha256: None,
                notice_version: None,
                at: None,
            };
            done(vault.record_consent(caller, call, Some(id), &command).await, |()| Answer::Done)
        }
        Op::Link { subject } => {
            let Some(id) = vault.subject_named(&subject) else { return unnamed() };
            // EXPOSE: the simulated person's own link.
            done(vault.unsubscribe_link(caller, call, id, "newsletter").await, |link| {
                Answer::Link(link.expose().clone())
            })
        }
        Op::Click { link } => {
            let text = link.rsplit('/').next().unwrap_or_default();
            let clicked = vault.unsubscribe(text, call, [192, 0, 2, 1].into()).await;
            let answer = clicked.map(|()| Answer::Done).map_err(|r| r.code().to_owned());
            Reply { answer, position: None, cost: 0, replayed: false }
        }
        Op::Erase { record } => {
            let Some(id) = vault.record_named(&record) else { return unnamed() };
            done(vault.delete_record(caller, call, id).await, Answer::Erased)
        }
        Op::View { subject } => {
            let Some(id) = vault.subject_named(&subject) else { return unnamed() };
            done(vault.view_subject(caller, call, id).await, |view| Answer::View {
                records: view.collections.iter().map(|(_, n)| n).sum(),
                consent: view.state.consents.last().map(|c| c.granted),
            })
        }
        _ => unnamed(),
    }
}

fn unnamed() -> Reply {
    Reply { answer: Err(String::from("unnamed")), position: None, cost: 0, replayed: false }
}

fn shown(item: &ShownItem) -> Result<String, String> {
    match item {
        // EXPOSE: a simulated value.
        Item::Shown { json, .. } => Ok(String::from_utf8_lossy(json.expose()).into_owned()),
        Item::Refused(refusal) => Err(refusal.code().to_owned()),
    }
}
