//! One line, sent: the person, then each record, as the clients the mapping names. What the vault refuses rejects the line, or one
//! record of it; what says that nothing will be taken any more ends the import.

use super::journal::{Counts, Decision, Journal, Open};
use super::mapping::OnDuplicate;
use super::plan::{LineFault, Planned, PlannedRecord};
use crate::cli::Failed;
use crate::cli::remote::{Ask, Link, Problem, Told};
use serde::Deserialize;
use std::cell::RefCell;
use std::collections::BTreeMap;
use zeroize::Zeroizing;

/// Rules that are about the caller, not the line: no other line would fare better.
const OF_THE_CALLER: [&str; 5] =
    ["client_suspended", "key_expired", "network_not_allowed", "throttled_by_alert", "purpose_not_granted"];

/// What every line shares.
pub(super) struct Shared<'a> {
    pub(super) link: &'a Link,
    pub(super) journal: &'a RefCell<Journal>,
    pub(super) on_duplicate: OnDuplicate,
    pub(super) subject_client: &'a str,
    pub(super) wants_tokens: bool,
}

/// How a line ended.
#[derive(Default)]
pub(super) struct Ended {
    pub(super) counts: Counts,
    pub(super) faults: Vec<LineFault>,
    pub(super) tokens: Zeroizing<Vec<u8>>,
}

#[derive(Deserialize)]
struct Subject {
    subject: String,
    created: bool,
}

#[derive(Deserialize)]
struct Stored {
    record: String,
    tokens: BTreeMap<String, String>,
}

#[derive(Deserialize)]
struct Held {
    items: Vec<HeldRecord>,
}

#[derive(Deserialize)]
struct HeldRecord {
    record: String,
}

/// Sends a line, of which an earlier run may have left something open. `Err`: the import ends here and can be resumed.
pub(super) async fn send(shared: &Shared<'_>, line: &Planned<'_>, earlier: Open) -> Result<Ended, Failed> {
    let mut ended = Ended { counts: Counts { lines: 1, ..Counts::default() }, ..Ended::default() };
    let key = shared.key(line.line, "subject");
    let ask = ask(shared.subject_client, "POST", "/v1/subjects".to_owned(), (key, line.subject_body()));
    let told = shared.link.ask(&ask).await?;
    if !told.is_ok() {
        ended.faults = rejected(&told, None)?;
        return Ok(ended);
    }
    let subject: Subject = told.json()?;
    if subject.created {
        ended.counts.created = 1;
    } else {
        ended.counts.found = 1;
    }
    if subject.created && !earlier.created {
        shared.journal.borrow_mut().created(line.line)?;
    }
    let decisions = match earlier.decided.filter(|decided| decided.len() == line.records.len()) {
        // Under its idempotency key the person counts as new for a day, however often the line is sent.
        _ if subject.created => vec![Decision::Create; line.records.len()],
        Some(decided) => decided,
        None if shared.on_duplicate == OnDuplicate::Fail && !earlier.created => {
            ended.faults.push(LineFault::new(None, "/external_ref", "duplicate"));
            return Ok(ended);
        }
        None => match shared.decide(line, &subject.subject).await? {
            Ok(decisions) => decisions,
            Err(faults) => {
                ended.faults = faults;
                return Ok(ended);
            }
        },
    };
    for (record, decision) in line.records.iter().zip(&decisions) {
        shared.record(line, (record, decision), &subject.subject, &mut ended).await?;
    }
    Ok(ended)
}

impl Shared<'_> {
    fn key(&self, line: u64, what: &str) -> String {
        format!("{}.{line}.{what}", self.journal.borrow().header.id)
    }

    /// What becomes of each record of a person who was there before; written down before anything is done about it.
    async fn decide(
        &self,
        line: &Planned<'_>,
        subject: &str,
    ) -> Result<Result<Vec<Decision>, Vec<LineFault>>, Failed> {
        let mut held: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for record in &line.records {
            let collection = record.map.collection.as_str();
            if held.contains_key(collection) {
                continue;
            }
            let path = format!("/v1/subjects/{subject}/records?collection={collection}&limit=2");
            let ask =
                Ask { client: Some(self.subject_client), method: "GET", path, idempotency: None, body: None };
            let told = self.link.ask(&ask).await?;
            if !told.is_ok() {
                return Ok(Err(rejected(&told, Some(&record.map.label))?));
            }
            let found: Held = told.json()?;
            held.insert(collection, found.items.into_iter().map(|item| item.record).collect());
        }
        let decide = |record: &PlannedRecord<'_>| match (
            held.get(record.map.collection.as_str()).map_or(&[][..], Vec::as_slice),
            self.on_duplicate,
        ) {
            ([], _) => Decision::Create,
            ([one], OnDuplicate::Update) => Decision::Update(one.clone()),
            (_, OnDuplicate::Update) => Decision::Create,
            (_, OnDuplicate::Skip | OnDuplicate::Fail) => Decision::Skip,
        };
        let decisions: Vec<Decision> = line.records.iter().map(decide).collect();
        self.journal.borrow_mut().decided(line.line, &decisions)?;
        Ok(Ok(decisions))
    }

    async fn record(
        &self,
        line: &Planned<'_>,
        (record, decision): (&PlannedRecord<'_>, &Decision),
        subject: &str,
        ended: &mut Ended,
    ) -> Result<(), Failed> {
        let (method, path, body) = match decision {
            Decision::Skip => {
                ended.counts.skipped += 1;
                return Ok(());
            }
            Decision::Create => ("POST", "/v1/records".to_owned(), record.body(subject)),
            Decision::Update(known) => ("PATCH", format!("/v1/records/{known}"), record.change()),
        };
        let ask = ask(&record.map.client, method, path, (self.key(line.line, &record.map.label), body));
        let told = self.repeated(&ask).await?;
        if !told.is_ok() {
            ended.faults.append(&mut rejected(&told, Some(&record.map.label))?);
            return Ok(());
        }
        match decision {
            Decision::Update(_) => ended.counts.updated += 1,
            _ => ended.counts.stored += 1,
        }
        if self.wants_tokens {
            write_tokens(line, record, (subject, &told.json()?), &mut ended.tokens);
        }
        Ok(())
    }

    /// A record whose rows another commit touched three times over is worth a few more tries.
    async fn repeated(&self, ask: &Ask<'_>) -> Result<Told, Failed> {
        let mut told = self.link.ask(ask).await?;
        for _ in 0..3 {
            if told.status != 409 || told.json::<Problem>().is_ok_and(|p| p.code != "conflict") {
                break;
            }
            told = self.link.ask(ask).await?;
        }
        Ok(told)
    }
}

fn ask<'a>(
    client: &'a str,
    method: &'static str,
    path: String,
    (key, body): (String, hyper::body::Bytes),
) -> Ask<'a> {
    Ask { client: Some(client), method, path, idempotency: Some(key), body: Some(body) }
}

/// The faults a refusal names; `Err` when it is about the caller or the vault, not about this line.
fn rejected(told: &Told, record: Option<&str>) -> Result<Vec<LineFault>, Failed> {
    let problem: Problem = told.json().unwrap_or_default();
    let of_the_caller = problem.rule.as_deref().is_some_and(|rule| OF_THE_CALLER.contains(&rule));
    let of_this_line = matches!(told.status, 400 | 403 | 404 | 409 | 413 | 422) && !of_the_caller;
    if !of_this_line || problem.code.is_empty() {
        return Err(told.failure());
    }
    let fault = |pointer: &str, code: &str| LineFault {
        rule: problem.rule.clone(),
        ..LineFault::new(record, pointer, code)
    };
    if problem.errors.is_empty() {
        return Ok(vec![fault("", &problem.code)]);
    }
    // A card number keeps the one name it has everywhere; other faults are named by their own codes.
    let named = |code: &str| if code == "card_number" { problem.code.clone() } else { code.to_owned() };
    Ok(problem.errors.iter().map(|e| fault(&e.field, &named(&e.code))).collect())
}

fn write_tokens(
    line: &Planned<'_>,
    record: &PlannedRecord<'_>,
    (subject, stored): (&str, &Stored),
    out: &mut Zeroizing<Vec<u8>>,
) {
    #[derive(serde::Serialize)]
    struct Line<'a> {
        external_ref: &'a str,
        subject: &'a str,
        record: &'a str,
        tokens: BTreeMap<String, &'a str>,
    }
    let collection = &record.map.collection;
    let tokens = stored.tokens.iter().map(|(name, token)| (format!("{collection}.{name}"), token.as_str()));
    // EXPOSE: the reference is what the owner of the tokens file finds a line by; the file is his alone.
    let external_ref = line.external_ref.expose();
    let shown = Line { external_ref, subject, record: &stored.record, tokens: tokens.collect() };
    // Texts into memory: writing them cannot fail.
    let _written = serde_json::to_writer(&mut **out, &shown).is_ok();
    out.push(b'\n');
}
