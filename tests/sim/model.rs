//! What must be so: plain maps, brought forward event by event in the order of the log, and every answer compared with
//! them at the place where its event stands.

use crate::ops::{Answer, Op, Reply, Told};
use std::collections::{BTreeMap, HashMap};
use strongroom::domain::Ref8;
use strongroom::domain::event::{EventBody, Outcome};
use strongroom::vault::TokenState;

#[derive(Default)]
struct Subject {
    /// Each decision with the position of its event.
    consents: Vec<(u64, bool)>,
    /// Records whose names no client was told, by the request that made them.
    nameless: BTreeMap<[u8; 16], Nameless>,
}

/// Records as asked for, and how many of them were made: of a batch some may be refused.
struct Nameless {
    emails: Vec<String>,
    count: usize,
}

struct Record {
    subject: String,
    name: String,
    /// Each value of the address with the position from which it holds.
    emails: Vec<(u64, String)>,
    made: u64,
    erased: Option<u64>,
    version: u32,
}

struct Token {
    record: String,
    field: String,
    uses: Option<u32>,
    dead: bool,
}

/// A request that was done, what was told, and its id.
type Finished = (Op, Option<Answer>, [u8; 16]);

/// The state at one position of the log.
#[derive(Default)]
pub(crate) struct Model {
    subjects: BTreeMap<String, Subject>,
    records: BTreeMap<String, Record>,
    tokens: HashMap<String, Token>,
    links: HashMap<String, String>,
    references: HashMap<Ref8, String>,
    /// Requests that were done under a key, with what was told.
    done: HashMap<(&'static str, u64), Finished>,
}

/// One event that a simulated request wrote, with what became of the request.
pub(crate) struct Step<'a> {
    pub(crate) op: &'a Op,
    pub(crate) client: &'static str,
    pub(crate) key: Option<u64>,
    pub(crate) request: [u8; 16],
    /// Head of the log when it was asked.
    pub(crate) began: u64,
    pub(crate) position: u64,
    pub(crate) event: &'a EventBody,
    /// What the client was told; `None`: nothing.
    pub(crate) reply: Option<&'a Reply>,
}

type Checked = Result<(), String>;

macro_rules! must {
    ($so:expr, $($why:tt)*) => { if !$so { return Err(format!($($why)*)); } };
}

impl Model {
    /// The names whose references the log may use.
    pub(crate) fn name(&mut self, reference: Option<Ref8>, record: &str) {
        if let Some(reference) = reference {
            self.references.insert(reference, record.to_owned());
        }
    }

    /// An event of the vault's own: it may have carried out what the ledger names.
    pub(crate) fn own(&mut self, position: u64, event: &EventBody) {
        self.erase(position, event);
    }

    fn erase(&mut self, position: u64, event: &EventBody) {
        for item in event.items.iter().filter(|item| item.outcome == 0) {
            let record = self.references.get(&item.record).and_then(|name| self.records.get_mut(name));
            if let Some(record) = record {
                record.erased.get_or_insert(position);
            }
        }
    }

    /// One request, at its event.
    pub(crate) fn take(&mut self, step: &Step<'_>) -> Checked {
        let allowed = step.event.outcome == Outcome::Allowed;
        let answer = step.reply.map(|r| &r.answer);
        if let Some(Err(code)) = answer {
            let honest = ["audit_unavailable", "storage_full", "overloaded"].contains(&code.as_str());
            must!(!allowed || honest, "refused with {code}, but its event says it was done");
            must!(allowed || step.event.code.is_some(), "refused with {code}, but its event has no code");
            if !allowed {
                return Ok(());
            }
        }
        if let (false, Op::Reveal { purpose, tokens }, Some(Ok(told))) = (allowed, step.op, answer) {
            // An answer in which every item is refused: its event says so of the whole.
            must!(
                !matches!(told, Answer::Items(items) if items.iter().any(Result::is_ok)),
                "shown, but not on the log"
            );
            return self.reveal(step, purpose, tokens, Some(told));
        }
        if !allowed {
            must!(!matches!(answer, Some(Ok(_))), "answered, but its event says {:?}", step.event.outcome);
            return Ok(());
        }
        let told = answer.and_then(|a| a.as_ref().ok());
        if let Some(key) = step.key
            && let Some((op, before, first)) = self.done.get(&(step.client, key)).cloned()
        {
            must!(op == *step.op, "a key of another request was taken");
            must!(step.reply.is_none_or(|r| r.replayed), "done twice under one key");
            if let (Some(before), Some(now)) = (&before, told) {
                must!(same(before, now), "a retry was told {now:?} after {before:?}");
            }
            if let (None, Some(now)) = (before, told) {
                self.learn(step, now, first)?;
                self.done.insert((step.client, key), (op, Some(now.clone()), first));
            }
            return Ok(());
        }
        must!(step.reply.is_none_or(|r| !r.replayed), "called a repetition of nothing");
        if let Some(key) = step.key {
            self.done.insert((step.client, key), (step.op.clone(), told.cloned(), step.request));
        }
        self.apply(step, told)
    }

    fn apply(&mut self, step: &Step<'_>, told: Option<&Answer>) -> Checked {
        match step.op {
            Op::Subject | Op::Link { .. } => match told {
                Some(told) => self.learn(step, told, step.request),
                None => Ok(()),
            },
            Op::Record { subject, email, .. } => self.made(step, subject, vec![email.clone()], told),
            Op::Batch { subject, emails, .. } => self.made(step, subject, emails.clone(), told),
            Op::Patch { record, email } => {
                let found = self.live(record)?;
                found.emails.push((step.position, email.clone()));
                found.version += 1;
                let version = found.version;
                match told {
                    Some(Answer::Record(told)) => {
                        must!(told.version == version, "version {} of {version}", told.version);
                        self.hold(told, None);
                        Ok(())
                    }
                    _ => Ok(()),
                }
            }
            Op::Mint { record, uses } => {
                self.live(record)?;
                if let Some(Answer::Record(told)) = told {
                    self.hold(told, Some(*uses));
                }
                Ok(())
            }
            Op::Revoke { token } => self.revoke(token, told),
            Op::Consent { subject, granted } => self.decide(subject, *granted, step.position),
            Op::Click { link } => match self.links.get(link).cloned() {
                Some(subject) => self.decide(&subject, false, step.position),
                None => Err(String::from("an unknown link did something")),
            },
            Op::Erase { record } => {
                self.live(record)?;
                self.erase(step.position, step.event);
                must!(self.record(record)?.erased.is_some(), "an erasure whose event names nothing");
                Ok(())
            }
            Op::Reveal { purpose, tokens } => self.reveal(step, purpose, tokens, told),
            Op::Search { email } => self.search(step, email, told),
            Op::Inspect { tokens } => self.inspect(step, tokens, told),
            Op::View { subject } => self.view(step, subject, told),
        }
    }

    fn record(&self, name: &str) -> Result<&Record, String> {
        self.records.get(name).ok_or_else(|| format!("{name} is unknown"))
    }
    fn live(&mut self, name: &str) -> Result<&mut Record, String> {
        let record = self.records.get_mut(name).ok_or_else(|| format!("{name} is unknown"))?;
        if record.erased.is_some() { Err(format!("{name} was erased and is changed")) } else { Ok(record) }
    }
    fn decide(&mut self, subject: &str, granted: bool, position: u64) -> Checked {
        let found = self.subjects.get_mut(subject).ok_or("a decision of nobody")?;
        found.consents.push((position, granted));
        Ok(())
    }
    fn hold(&mut self, told: &Told, uses: Option<u32>) {
        for (field, token) in &told.tokens {
            let (record, field) = (told.record.clone(), field.clone());
            self.tokens.entry(token.clone()).or_insert(Token { record, field, uses, dead: false });
        }
    }

    /// Records were made; their names may be known.
    fn made(
        &mut self,
        step: &Step<'_>,
        subject: &str,
        emails: Vec<String>,
        told: Option<&Answer>,
    ) -> Checked {
        let found = self.subjects.get_mut(subject).ok_or("a record of nobody")?;
        let count = step.event.changed.len();
        must!(count <= emails.len(), "{count} records were made of {}", emails.len());
        found.nameless.insert(step.request, Nameless { emails, count });
        match told {
            Some(told) => self.learn(step, told, step.request),
            None => Ok(()),
        }
    }

    /// What a client is told of something made by the request `first`, at once or by a later retry.
    fn learn(&mut self, step: &Step<'_>, told: &Answer, first: [u8; 16]) -> Checked {
        match (step.op, told) {
            (Op::Subject, Answer::Subject(name)) => {
                must!(!self.subjects.contains_key(name), "the locator of {name} was given twice");
                self.subjects.insert(name.clone(), Subject::default());
            }
            (Op::Record { subject, name, .. }, Answer::Record(told)) => {
                self.christen(step, (subject, name), first, &[Some(told)])?;
            }
            (Op::Batch { subject, .. }, Answer::Batch(items)) => {
                let told: Vec<_> = items.iter().map(|item| item.as_ref().ok()).collect();
                self.christen(step, (subject, "Ada"), first, &told)?;
            }
            (Op::Link { subject }, Answer::Link(link)) => {
                self.links.insert(link.clone(), subject.clone());
            }
            (Op::Patch { .. }, Answer::Record(told)) => self.hold(told, None),
            (Op::Mint { uses, .. }, Answer::Record(told)) => self.hold(told, Some(*uses)),
            (Op::Subject | Op::Record { .. } | Op::Batch { .. } | Op::Link { .. }, other) => {
                return Err(format!("an answer of another kind: {other:?}"));
            }
            _ => {}
        }
        Ok(())
    }

    fn christen(
        &mut self,
        step: &Step<'_>,
        (subject, name): (&str, &str),
        first: [u8; 16],
        told: &[Option<&Told>],
    ) -> Checked {
        let nameless = self.subjects.get_mut(subject).and_then(|s| s.nameless.remove(&first));
        let Nameless { emails, count } = nameless.ok_or("records were told that no event made")?;
        let named = told.iter().flatten().count();
        must!(emails.len() == told.len(), "{} records of {}", told.len(), emails.len());
        // A retry leaves out what is no longer there.
        must!(named == count || step.request != first, "{named} records were told and {count} made");
        for (told, email) in
            told.iter().zip(emails).filter_map(|(told, email)| told.map(|told| (told, email)))
        {
            must!(!self.records.contains_key(&told.record), "the locator of {} was given twice", told.record);
            let record = Record {
                subject: subject.to_owned(),
                name: name.to_owned(),
                emails: vec![(step.position, email)],
                made: step.position,
                erased: None,
                version: 1,
            };
            self.records.insert(told.record.clone(), record);
            self.hold(told, None);
        }
        Ok(())
    }

    fn revoke(&mut self, token: &str, told: Option<&Answer>) -> Checked {
        let live = self.opens(token);
        if let Some(Answer::Flags(flags)) = told {
            must!(flags.len() == 1 && flags[0] == live, "revoked {flags:?}, but it was live: {live}");
        }
        let Some(found) = self.tokens.get(token).filter(|_| live) else { return Ok(()) };
        if found.uses.is_some() {
            self.tokens.get_mut(token).into_iter().for_each(|t| t.dead = true);
            return Ok(());
        }
        let (record, field) = (found.record.clone(), found.field.clone());
        let same = |t: &&mut Token| t.uses.is_none() && t.record == record && t.field == field;
        self.tokens.values_mut().filter(same).for_each(|t| t.dead = true);
        Ok(())
    }

    /// Whether the token leads anywhere (uses aside).
    fn opens(&self, token: &str) -> bool {
        self.tokens
            .get(token)
            .is_some_and(|t| !t.dead && self.records.get(&t.record).is_some_and(|r| r.erased.is_none()))
    }

    fn reveal(
        &mut self,
        step: &Step<'_>,
        purpose: &str,
        tokens: &[String],
        told: Option<&Answer>,
    ) -> Checked {
        let items = match told {
            Some(Answer::Items(items)) => Some(items),
            Some(other) => return Err(format!("a reveal was told {other:?}")),
            None => None,
        };
        for (index, text) in tokens.iter().enumerate() {
            let item = items.and_then(|items| items.get(index));
            let opens = self.opens(text);
            let Some(token) = self.tokens.get(text) else { return Err(String::from("an unknown token")) };
            let record = self.record(&token.record)?;
            let consents = self.subjects.get(&record.subject).map(|s| s.consents.clone()).unwrap_or_default();
            let consent = purpose != "newsletter" || consents.last().is_some_and(|(_, given)| *given);
            let spent = token.uses == Some(0);
            let may = opens && consent && !spent;
            let value = match token.field.as_str() {
                "email" => record.emails.last().map(|(_, e)| e.clone()).unwrap_or_default(),
                _ => record.name.clone(),
            };
            match item {
                Some(Ok(shown)) => {
                    must!(opens, "{text} of {} opened after its end", token.record);
                    must!(consent, "{text} was read for {purpose} after its withdrawal");
                    must!(!spent, "{text} opened beyond its uses");
                    must!(*shown == format!("\"{value}\""), "{text} showed {shown} for {value}");
                }
                Some(Err(code)) => {
                    // Consent that came between the reading and the event was not seen.
                    let late = purpose == "newsletter"
                        && consents.last().is_some_and(|(at, given)| *given && *at > step.began);
                    must!(!may || late, "{text} was refused with {code} and is live");
                }
                None => {}
            }
            let shown = item.map_or(may, Result::is_ok);
            if let Some(uses) = self.tokens.get_mut(text).and_then(|t| t.uses.as_mut())
                && shown
            {
                *uses = uses.saturating_sub(1);
            }
        }
        Ok(())
    }

    fn search(&self, step: &Step<'_>, email: &str, told: Option<&Answer>) -> Checked {
        let Some(Answer::Hits(hits)) = told else { return Ok(()) };
        let nameless = self.subjects.values().flat_map(|s| s.nameless.values()).flat_map(|n| &n.emails);
        let unknown = nameless.filter(|e| *e == email).count();
        let mut strangers = 0;
        for hit in hits {
            let Some(record) = self.records.get(hit) else {
                strangers += 1;
                continue;
            };
            must!(record.erased.is_none(), "{hit} was found after its erasure");
            let has = record.emails.last().is_some_and(|(_, e)| e == email);
            must!(has, "{hit} was found by a value it does not have");
        }
        must!(strangers <= unknown, "{strangers} records nobody made were found");
        for (name, record) in &self.records {
            let has = record.emails.last().is_some_and(|(at, e)| e == email && *at <= step.began);
            let there = has && record.erased.is_none() && record.made <= step.began;
            must!(!there || hits.contains(name), "{name} was not found by its value");
        }
        Ok(())
    }

    fn inspect(&self, step: &Step<'_>, tokens: &[String], told: Option<&Answer>) -> Checked {
        let Some(Answer::States(states)) = told else { return Ok(()) };
        for (text, state) in tokens.iter().zip(states) {
            let Some(token) = self.tokens.get(text) else { continue };
            let opens = self.opens(text);
            let spent = token.uses == Some(0);
            // Reading alone relies on nothing: an end between the reading and the event was not seen.
            let fresh = step.began + 1 == step.position;
            match state {
                Some(TokenState::Live) => must!((opens && !spent) || !fresh, "{text} is called live"),
                Some(TokenState::Spent) => must!(spent || !fresh, "{text} is called spent"),
                Some(TokenState::Expired) => return Err(format!("{text} is called expired")),
                None => must!(!opens, "{text} is not found and is live"),
            }
        }
        Ok(())
    }

    fn view(&self, step: &Step<'_>, name: &str, told: Option<&Answer>) -> Checked {
        let Some(Answer::View { records, consent }) = told else { return Ok(()) };
        let subject = self.subjects.get(name).ok_or("a view of nobody")?;
        let named = self.records.values().filter(|r| r.subject == name && r.erased.is_none()).count();
        let all = named + subject.nameless.values().map(|n| n.count).sum::<usize>();
        let fresh = step.began + 1 == step.position;
        must!(*records == all as u64 || !fresh, "{name} has {records} records of {all}");
        let latest = subject.consents.last().map(|(_, given)| *given);
        must!(*consent == latest, "{name}: consent is {consent:?}, not {latest:?}");
        Ok(())
    }
}

/// Whether a retry was told the same: tokens that were revoked meanwhile may be left out.
fn same(before: &Answer, now: &Answer) -> bool {
    match (before, now) {
        (Answer::Record(a), Answer::Record(b)) => a.record == b.record && a.version == b.version,
        (Answer::Batch(a), Answer::Batch(b)) => {
            let names = |all: &[Result<Told, String>]| -> Vec<Option<String>> {
                all.iter().map(|i| i.as_ref().ok().map(|t| t.record.clone())).collect()
            };
            a.len() == b.len() && names(a).iter().zip(names(b)).all(|(a, b)| b.is_none() || *a == b)
        }
        (a, b) => a == b,
    }
}
