//! One client that does one thing after the other and writes down where the disk's journal stood: what a cut at any point
//! of it must keep, must not have, and may have.

use crate::client::{Answer, Target, Tls, read_answer, request};
use crate::served::{Plan, Served};
use crate::vault::{path, run};
use serde_json::{Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};

/// A change of one record.
#[derive(Clone, Debug)]
enum What {
    Stored(String),
    Renamed(String),
    Erased,
}

#[derive(Clone, Debug)]
struct Done {
    what: What,
    /// The journal's length before it was asked and after it was answered.
    asked: u64,
    answered: Option<u64>,
}

/// A record and everything done to it.
#[derive(Clone, Debug)]
pub(super) struct Story {
    record: String,
    pub(super) token: String,
    done: Vec<Done>,
}

impl Story {
    /// The names it may have after a cut; `None` stands for no record.
    pub(super) fn may_be(&self, cut: u64) -> Vec<Option<String>> {
        let mut may = vec![None];
        for done in &self.done {
            if done.asked > cut {
                break;
            }
            let then = match &done.what {
                What::Stored(name) | What::Renamed(name) => Some(name.clone()),
                What::Erased => None,
            };
            if done.answered.is_some_and(|at| at <= cut) {
                may.clear();
            }
            may.push(then);
        }
        may
    }
}

impl Story {
    /// Everything that was ever true of it.
    pub(super) fn ever(&self) -> Vec<Option<String>> {
        let name = |done: &Done| match &done.what {
            What::Stored(name) | What::Renamed(name) => Some(name.clone()),
            What::Erased => None,
        };
        std::iter::once(None).chain(self.done.iter().map(name)).collect()
    }
}

/// A plan whose limits stand in no test's way.
pub(super) fn roomy() -> Plan {
    let more = "[limits]\nsubject_reads_per_hour = 1000000000\nnetwork_requests_per_second = 100000\n";
    Plan { more: more.to_owned(), ..Plan::new() }
}

/// Holds the log to its chain.
#[track_caller]
pub(super) fn verifies(served: &Served, what: &str) {
    let (whole, out, err) = run(&["audit", "verify", "--data-dir", path(&served.data())]);
    assert!(whole, "{what}: {out}{err}");
}

/// The client.
pub(super) struct Script {
    target: Target,
    key: String,
    stream: Option<Tls>,
    journal: Option<PathBuf>,
    subject: String,
    pub(super) stories: Vec<Story>,
    made: usize,
}

impl Script {
    pub(super) fn new(target: &Target, key: &str, journal: Option<&Path>) -> Self {
        let journal = journal.map(Path::to_path_buf);
        let (target, key) = (target.clone(), key.to_owned());
        Self { target, key, stream: None, journal, subject: String::new(), stories: Vec::new(), made: 0 }
    }

    fn at(&self) -> u64 {
        self.journal.as_ref().and_then(|path| std::fs::metadata(path).ok()).map_or(0, |m| m.len())
    }

    pub(super) fn ask(&mut self, method: &str, path: &str, body: Option<&Value>) -> Option<Answer> {
        if self.stream.is_none() {
            // A vault that ended has no socket to connect to.
            let tcp = std::net::TcpStream::connect(self.target.address).ok()?;
            self.stream = Some(self.target.over(tcp));
        }
        let stream = self.stream.as_mut()?;
        let body = body.map(Value::to_string);
        let sent = stream.write_all(&request(method, path, Some(&self.key), body.as_deref(), &[]));
        let answer = sent.ok().and_then(|()| read_answer(stream).ok());
        if answer.as_ref().is_none_or(|a| a.header("connection") == Some("close")) {
            self.stream = None;
        }
        answer
    }

    /// Makes the subject, if there is none. Whether there is one now.
    pub(super) fn begin(&mut self) -> bool {
        if self.subject.is_empty() {
            let body = json!({"region": "DE", "age_attested": true});
            let answer = self.ask("POST", "/v1/subjects", Some(&body));
            let Some(answer) = answer.filter(|a| a.status == 201) else { return false };
            self.subject = answer.json()["subject"].as_str().unwrap().to_owned();
        }
        true
    }

    /// One change; `None` when it was not acknowledged.
    pub(super) fn step(&mut self) -> Option<()> {
        self.made += 1;
        let n = self.made;
        let name = format!("Name number {n}");
        match n % 4 {
            1 | 2 => self.store(name),
            3 => self.rename(name),
            _ => self.erase(name),
        }
    }

    fn store(&mut self, name: String) -> Option<()> {
        let asked = self.at();
        let body = json!({"subject": self.subject, "collection": "contact", "purpose": "order_fulfilment",
            "fields": {"name": name, "email": format!("p{}@example.org", self.made)}});
        let answer = self.ask("POST", "/v1/records", Some(&body)).filter(|a| a.status == 201)?;
        let done = Done { what: What::Stored(name), asked, answered: Some(self.at()) };
        let text = |at: &str| answer.json().pointer(at).and_then(Value::as_str).unwrap().to_owned();
        self.stories.push(Story { record: text("/record"), token: text("/tokens/name"), done: vec![done] });
        Some(())
    }

    /// The latest but so many of the records nobody tried to erase.
    fn living(&self, back: usize) -> Option<usize> {
        let whole = |story: &Story| !story.done.iter().any(|d| matches!(d.what, What::Erased));
        (0..self.stories.len()).rev().filter(|n| whole(&self.stories[*n])).nth(back)
    }

    fn rename(&mut self, name: String) -> Option<()> {
        let Some(n) = self.living(0) else { return self.store(name) };
        let path = format!("/v1/records/{}", self.stories[n].record);
        let body = json!({"purpose": "order_fulfilment", "fields": {"name": name}});
        self.change(n, What::Renamed(name), |script| script.ask("PATCH", &path, Some(&body)))
    }

    fn erase(&mut self, name: String) -> Option<()> {
        let Some(n) = self.living(1) else { return self.store(name) };
        let path = format!("/v1/records/{}", self.stories[n].record);
        self.change(n, What::Erased, |script| script.ask("DELETE", &path, None))
    }

    fn change(&mut self, n: usize, what: What, ask: impl FnOnce(&mut Self) -> Option<Answer>) -> Option<()> {
        let asked = self.at();
        let answer = ask(self);
        let done = answer.is_some_and(|a| a.status == 200);
        let answered = done.then(|| self.at());
        self.stories[n].done.push(Done { what, asked, answered });
        done.then_some(())
    }

    /// The vault was started again: what was connected is not any more.
    pub(super) fn reconnect(&mut self) {
        self.stream = None;
    }

    /// What the vault says to a read right now.
    pub(super) fn explain(&mut self) -> String {
        let token = self.stories[0].token.clone();
        format!("{:?}", self.value(&token))
    }

    pub(super) fn subject(&self) -> &str {
        &self.subject
    }

    /// The latest record nobody tried to erase: its story's place and its name.
    pub(super) fn last_living(&self) -> (usize, String) {
        let n = self.living(0).unwrap();
        (n, self.stories[n].record.clone())
    }

    /// Reads a token's value: `Err` when nothing was said about it.
    pub(super) fn value(&mut self, token: &str) -> Result<Option<String>, String> {
        let body = json!({"purpose": "order_fulfilment", "tokens": [token]});
        let answer = self.ask("POST", "/v1/detokenize", Some(&body)).ok_or("no answer")?;
        let item = answer.json()["results"][0].clone();
        match item["value"].as_str() {
            Some(value) => Ok(Some(value.to_owned())),
            None if item["error"]["code"] == "not_found" => Ok(None),
            None => Err(format!("{} {}", answer.status, answer.json())),
        }
    }

    /// What the vault says of the stories that it may not, as they stood at a cut.
    pub(super) fn wrong(&mut self, cut: u64) -> Vec<String> {
        let mut wrong = Vec::new();
        for story in self.stories.clone() {
            let may = story.may_be(cut);
            match self.value(&story.token) {
                Ok(found) if may.contains(&found) => {}
                found => wrong.push(format!("{found:?}, not one of {may:?}: {story:?}")),
            }
        }
        wrong
    }
}
