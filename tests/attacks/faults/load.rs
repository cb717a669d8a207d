//! Mixed load by one client, until the connection breaks.

use super::journal::{Gone, Journal, Kept};
use crate::client::{Answer, Target, Tls, read_answer, request};
use serde_json::{Value, json};
use std::io::Write;

/// A small generator of its own: the same seed does the same.
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

pub(super) struct Load<'a> {
    stream: Tls,
    key: &'a str,
    dice: Dice,
    journal: &'a mut Journal,
    /// Makes every value its own.
    mark: String,
    made: u64,
}

/// A number in letters: its digits could be taken for a card's.
fn letters(seed: u64) -> String {
    (0..16).map(|n| char::from(b'a' + (seed >> (4 * n) & 0xf) as u8)).collect()
}

/// The connection broke: what was asked may have happened.
struct Broken;

impl<'a> Load<'a> {
    pub(super) fn new(target: &Target, key: &'a str, journal: &'a mut Journal, seed: u64) -> Self {
        Self { stream: target.connect(), key, dice: Dice(seed | 1), journal, mark: letters(seed), made: 0 }
    }

    /// Goes on until the connection breaks, or for so many requests.
    pub(super) fn run(&mut self, most: usize) {
        if self.journal.subject.is_empty() {
            let body = json!({"region": "DE", "age_attested": true});
            match self.ask("POST", "/v1/subjects", &body, &[]) {
                Ok(made) => self.journal.subject = made.json()["subject"].as_str().unwrap().to_owned(),
                Err(Broken) => return,
            }
        }
        for _ in 0..most {
            let done = match self.dice.roll(100) {
                0..24 => self.create(1),
                24..32 => self.create(5),
                32..44 => self.patch(),
                44..52 => self.erase(),
                52..74 => self.disclose(),
                74..82 => self.search(),
                82..90 => self.mint_and_revoke(),
                90..95 => self.consent(),
                _ => self.stream(),
            };
            if done.is_err() {
                return;
            }
        }
    }

    fn ask(
        &mut self,
        method: &str,
        path: &str,
        body: &Value,
        headers: &[(&str, &str)],
    ) -> Result<Answer, Broken> {
        let bytes = request(method, path, Some(self.key), Some(&body.to_string()), headers);
        self.stream.write_all(&bytes).map_err(|_| Broken)?;
        let answer = read_answer(&mut self.stream).map_err(|_| Broken)?;
        // Told so, nothing happened: a stopping or overloaded vault says 503.
        if answer.status == 503 {
            return Err(Broken);
        }
        self.journal.answers += 1;
        assert!(answer.status < 500, "{method} {path}: {} {}", answer.status, answer.json());
        Ok(answer)
    }

    fn person(&mut self) -> (String, String) {
        self.made += 1;
        let n = self.made;
        (format!("k{}-{n}@example.org", self.mark), format!("Name {} {n}", self.mark))
    }

    fn create(&mut self, count: usize) -> Result<(), Broken> {
        let people: Vec<(String, String)> = (0..count).map(|_| self.person()).collect();
        let subject = self.journal.subject.clone();
        let one = |(email, name): &(String, String)| {
            json!({"subject": subject, "collection": "contact", "purpose": "order_fulfilment",
                "fields": {"name": name, "email": email}})
        };
        let records: Vec<Value> = people.iter().map(one).collect();
        let answer = if count == 1 {
            self.ask("POST", "/v1/records", &records[0], &[])
        } else {
            self.ask("POST", "/v1/records/batch", &json!({"records": records, "atomic": true}), &[])
        };
        let Ok(answer) = answer else {
            self.journal.unanswered.push(people);
            return Err(Broken);
        };
        let json = answer.json();
        if answer.status == 409 {
            // Refused beside another's change: nothing of it may be there, which the check sees.
            self.journal.unanswered.push(people);
            return Ok(());
        }
        let made: Vec<Value> = if count == 1 {
            assert_eq!(answer.status, 201, "{json}");
            vec![json]
        } else {
            json["results"].as_array().unwrap_or_else(|| panic!("{json}")).clone()
        };
        for (made, (email, name)) in made.iter().zip(people) {
            let text = |at: &str| {
                made.pointer(at).and_then(Value::as_str).unwrap_or_else(|| panic!("{made}")).to_owned()
            };
            self.journal.kept.push(Kept {
                record: text("/record"),
                name: text("/tokens/name"),
                email_token: text("/tokens/email"),
                email,
                names: vec![name],
                gone: Gone::No,
            });
        }
        Ok(())
    }

    /// One of the client's living records.
    fn some(&mut self) -> Option<usize> {
        let living: Vec<usize> = (0..self.journal.kept.len())
            .rev()
            .filter(|n| self.journal.kept[*n].gone == Gone::No)
            .take(40)
            .collect();
        (!living.is_empty()).then(|| living[self.dice.roll(living.len() as u64) as usize])
    }

    /// The record is looked at again at the next check.
    fn touched(&mut self, n: usize) {
        self.journal.checked = self.journal.checked.min(n);
    }

    fn patch(&mut self) -> Result<(), Broken> {
        let Some(n) = self.some() else { return Ok(()) };
        self.touched(n);
        let (_, name) = self.person();
        let path = format!("/v1/records/{}", self.journal.kept[n].record);
        let body = json!({"purpose": "order_fulfilment", "fields": {"name": name}});
        let answer = self.ask("PATCH", &path, &body, &[]);
        let names = &mut self.journal.kept[n].names;
        if answer.as_ref().is_ok_and(|a| a.status == 200) {
            *names = vec![name];
        } else {
            names.push(name);
        }
        answer.map(|_| ())
    }

    fn erase(&mut self) -> Result<(), Broken> {
        let Some(n) = self.some() else { return Ok(()) };
        self.touched(n);
        let path = format!("/v1/records/{}", self.journal.kept[n].record);
        let bytes = request("DELETE", &path, Some(self.key), None, &[]);
        let answer = self
            .stream
            .write_all(&bytes)
            .map_err(|_| Broken)
            .and_then(|()| read_answer(&mut self.stream).map_err(|_| Broken));
        let acknowledged = answer.as_ref().is_ok_and(|a| a.status == 200);
        self.journal.kept[n].gone = if acknowledged { Gone::Yes } else { Gone::Perhaps };
        answer.map(|_| ())
    }

    fn disclose(&mut self) -> Result<(), Broken> {
        let Some(n) = self.some() else { return Ok(()) };
        let token = self.journal.kept[n].name.clone();
        let answer = self.ask(
            "POST",
            "/v1/detokenize",
            &json!({"purpose": "order_fulfilment", "tokens": [token]}),
            &[],
        )?;
        let json = answer.json();
        let value = json["results"][0]["value"].as_str().unwrap_or_else(|| panic!("{json}"));
        assert!(self.journal.kept[n].names.iter().any(|name| name == value), "{value}");
        self.disclosed(&answer);
        Ok(())
    }

    fn disclosed(&mut self, answer: &Answer) {
        self.journal.disclosed.push(answer.header("x-request-id").unwrap().to_owned());
    }

    fn search(&mut self) -> Result<(), Broken> {
        let Some(n) = self.some() else { return Ok(()) };
        let email = self.journal.kept[n].email.clone();
        let body = json!({"collection": "contact", "field": "email", "equals": email, "purpose": "order_fulfilment"});
        let answer = self.ask("POST", "/v1/search", &body, &[])?;
        assert_eq!(answer.json()["records"].as_array().unwrap().len(), 1, "{email}");
        self.disclosed(&answer);
        Ok(())
    }

    fn mint_and_revoke(&mut self) -> Result<(), Broken> {
        let Some(n) = self.some() else { return Ok(()) };
        let record = self.journal.kept[n].record.clone();
        let body = json!({"record": record, "fields": ["name"], "expires_in": "1h"});
        let minted = self.ask("POST", "/v1/tokens", &body, &[])?.json();
        let token = minted["tokens"]["name"].as_str().unwrap_or_else(|| panic!("{minted}")).to_owned();
        let answer = self.ask("POST", "/v1/tokens/revoke", &json!({"tokens": [token]}), &[])?;
        assert_eq!(answer.status, 200, "{}", answer.json());
        self.journal.revoked.push(token);
        Ok(())
    }

    fn consent(&mut self) -> Result<(), Broken> {
        let granted = self.dice.roll(2) == 0;
        let path = format!("/v1/subjects/{}/consents/newsletter", self.journal.subject);
        let body = json!({"granted": granted, "evidence": {"channel": "web-form"}});
        let answer = self.ask("PUT", &path, &body, &[]);
        if answer.as_ref().is_ok_and(|a| a.status == 200) {
            self.journal.consent = vec![granted];
        } else if answer.is_err() {
            // Nothing known before it is as good as an answer nobody saw.
            if self.journal.consent.is_empty() {
                self.journal.consent.push(!granted);
            }
            self.journal.consent.push(granted);
        }
        answer.map(|_| ())
    }

    fn stream(&mut self) -> Result<(), Broken> {
        let Some(n) = self.some() else { return Ok(()) };
        let tokens = vec![self.journal.kept[n].email_token.clone(); 1_200];
        let lines = [("Accept", "application/x-ndjson")];
        let answer = self.ask(
            "POST",
            "/v1/detokenize",
            &json!({"purpose": "order_fulfilment", "tokens": tokens}),
            &lines,
        )?;
        let text = String::from_utf8(answer.body.clone()).unwrap();
        let email = &self.journal.kept[n].email;
        let opened = text.lines().filter(|l| l.contains(email.as_str())).count();
        assert_eq!(opened, 1_200, "{} {}", answer.status, text.lines().last().unwrap_or_default());
        self.disclosed(&answer);
        Ok(())
    }
}
