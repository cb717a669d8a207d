//! A40 in small: killed at random moments under load, nothing acknowledged is lost and the log is whole.

use crate::client::Session;
use crate::vault::{Vault, path, run};
use serde_json::json;
use std::sync::Mutex;
use std::time::Duration;

#[test]
fn p7_what_was_acknowledged_before_a_kill_is_there_after_it() {
    let mut vault = Vault::start();
    let mut journal: Vec<(String, String)> = Vec::new();
    for round in 0..6_u64 {
        let written = Mutex::new(Vec::new());
        let subject = vault.subject();
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let (written, subject) = (&written, &subject);
                let mut session = Session::new(&vault.target, vault.key("storefront"));
                scope.spawn(move || {
                    for n in 0.. {
                        let name = format!("Round {round} thread {thread} number {n}");
                        let body = json!({"subject": subject, "collection": "contact", "purpose": "order_fulfilment",
                            "fields": {"name": name}});
                        match session.try_call("POST", "/v1/records", Some(&body.to_string())) {
                            Ok(answer) if answer.status == 201 => {
                                let token = answer.json()["tokens"]["name"].as_str().unwrap().to_owned();
                                written.lock().unwrap().push((token, name));
                            }
                            _ => return,
                        }
                    }
                });
            }
            std::thread::sleep(Duration::from_millis(60 + 37 * round));
            let dir = std::mem::replace(&mut vault, Vault::start()).kill();
            vault = Vault::start_in(dir, &[]);
        });
        journal.extend(written.into_inner().unwrap());
    }
    assert!(journal.len() > 50, "{} records were acknowledged", journal.len());
    for page in journal.chunks(500) {
        let tokens: Vec<&str> = page.iter().map(|(token, _)| token.as_str()).collect();
        let read = vault.post(
            "storefront",
            "/v1/detokenize",
            &json!({"purpose": "order_fulfilment", "tokens": tokens}),
        );
        for (item, (_, name)) in read.json()["results"].as_array().unwrap().iter().zip(page) {
            assert_eq!(item["value"].as_str(), Some(name.as_str()), "{item}");
        }
    }
    let dir = vault.stop();
    let (whole, out, err) = run(&["audit", "verify", "--data-dir", path(&dir.path().join("data"))]);
    assert!(whole, "{out}{err}");
    assert!(out.contains("in 7 boots") || out.contains("boots"), "{out}");
}
