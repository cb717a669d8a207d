//! A client's journal: what it knows, what it cannot know, and what it therefore may find.

use crate::caller::Client;
use serde_json::{Value, json};

/// Whether a record was erased.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Gone {
    No,
    /// The connection broke before the answer.
    Perhaps,
    Yes,
}

/// A record whose creation was acknowledged.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) record: String,
    pub(super) name: String,
    pub(super) email_token: String,
    pub(super) email: String,
    /// What its name may be: one when all is known.
    pub(super) names: Vec<String>,
    pub(super) gone: Gone,
}

/// Everything one client did.
#[derive(Default)]
pub(super) struct Journal {
    pub(super) subject: String,
    pub(super) kept: Vec<Kept>,
    /// Creations that were not answered: (e-mail address, name) of each record of one call, all or none of which are there.
    pub(super) unanswered: Vec<Vec<(String, String)>>,
    /// Tokens whose revocation was acknowledged.
    pub(super) revoked: Vec<String>,
    /// Requests that disclosed something.
    pub(super) disclosed: Vec<String>,
    /// The last consent: known, or what it may be.
    pub(super) consent: Vec<bool>,
    /// Where a search of a round begins: what was checked before needs no second look each time.
    pub(super) checked: usize,
    pub(super) answers: usize,
}

/// The records a search by e-mail address finds.
pub(super) fn find(client: &mut Client, email: &str) -> Vec<Value> {
    let body =
        json!({"collection": "contact", "field": "email", "equals": email, "purpose": "order_fulfilment"});
    client.post("/v1/search", body).is(200).json()["records"].as_array().unwrap().clone()
}

/// The values of tokens, `None` where there is nothing to find.
pub(super) fn read(client: &mut Client, tokens: &[&str]) -> Vec<Option<String>> {
    let mut values = Vec::new();
    for part in tokens.chunks(500) {
        let body = json!({"purpose": "order_fulfilment", "tokens": part});
        let reply = client.post("/v1/detokenize", body).is(200).json();
        for item in reply["results"].as_array().unwrap() {
            let value = item["value"].as_str().map(str::to_owned);
            assert!(value.is_some() || item["error"]["code"] == "not_found", "{item}");
            values.push(value);
        }
    }
    values
}

impl Journal {
    /// Holds the vault to everything that was touched since the last check, or to everything.
    pub(super) fn check(&mut self, client: &mut Client, everything: bool) {
        let from = if everything { 0 } else { self.checked.min(self.kept.len()) };
        self.check_kept(client, from);
        self.check_unanswered(client);
        self.check_consent(client);
        let revoked: Vec<&str> = self.revoked.iter().map(String::as_str).collect();
        assert!(read(client, &revoked).iter().all(Option::is_none), "a revoked token opens");
        self.checked = self.kept.len();
    }

    fn check_kept(&mut self, client: &mut Client, from: usize) {
        let kept = &mut self.kept[from..];
        let names = read(client, &kept.iter().map(|k| k.name.as_str()).collect::<Vec<_>>());
        let emails = read(client, &kept.iter().map(|k| k.email_token.as_str()).collect::<Vec<_>>());
        for ((kept, name), email) in kept.iter_mut().zip(names).zip(emails) {
            assert_eq!(name.is_some(), email.is_some(), "half a record: {kept:?}");
            match (&kept.gone, name) {
                (Gone::Yes, found) => assert_eq!(found, None, "erased, and read again: {kept:?}"),
                (Gone::Perhaps, None) => kept.gone = Gone::Yes,
                (_, None) => panic!("an acknowledged record is lost: {kept:?}"),
                (_, Some(found)) => {
                    assert!(kept.names.contains(&found), "{found} was never stored: {kept:?}");
                    assert_eq!(email.as_deref(), Some(kept.email.as_str()));
                    kept.names = vec![found];
                    kept.gone = Gone::No;
                }
            }
        }
    }

    fn check_unanswered(&mut self, client: &mut Client) {
        for call in std::mem::take(&mut self.unanswered) {
            let found: Vec<Vec<Value>> = call.iter().map(|(email, _)| find(client, email)).collect();
            let there = found.iter().filter(|f| f.len() == 1).count();
            assert!(found.iter().all(|f| f.len() <= 1), "stored twice: {call:?}");
            assert!(
                there == 0 || there == call.len(),
                "{there} of {} records of one call: {call:?}",
                call.len()
            );
            for (records, (email, name)) in found.iter().zip(&call) {
                let Some(record) = records.first() else { continue };
                let token = |field: &str| record["tokens"][field].as_str().unwrap().to_owned();
                let values = read(client, &[&token("name"), &token("email")]);
                assert_eq!(
                    values,
                    [Some(name.clone()), Some(email.clone())],
                    "not all of an unanswered record"
                );
            }
        }
    }

    fn check_consent(&mut self, client: &mut Client) {
        if self.consent.is_empty() {
            return;
        }
        let shown = client.get(&format!("/v1/subjects/{}/consents", self.subject)).is(200).json();
        let entry = shown["current"].as_array().unwrap().iter().find(|c| c["purpose"] == "newsletter");
        match entry.and_then(|e| e["granted"].as_bool()) {
            Some(granted) => {
                assert!(self.consent.contains(&granted), "a consent is not what was acknowledged: {shown}");
                self.consent = vec![granted];
            }
            // The first one of all was never answered.
            None => assert!(self.consent.len() > 1, "an acknowledged consent is lost"),
        }
    }
}
