//! A37: the log is complete. Every authenticated request, however it ends, is one entry; strangers are summed.

use crate::access::samples::{Things, operations};
use crate::caller::Client;
use crate::client::request;
use crate::vault::{Vault, path, run};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Write;
use std::time::{Duration, Instant};

pub(crate) fn events(vault: &Vault) -> Vec<Value> {
    let data = vault.data();
    let (ok, out, err) = run(&["audit", "query", "--data-dir", path(&data), "--limit", "5000"]);
    assert!(ok, "{err}");
    out.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// P1: every end of every operation, good and refused, by two clients: exactly one entry each.
#[test]
fn a37_every_authenticated_request_is_one_entry_and_strangers_are_summed() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let mut billing = Client::of(&vault, "billing");
    let all = operations(&vault);
    let things = Things::real(&mut shop);
    let mut expected = events(&vault).len();
    let mut ids = BTreeMap::new();
    let mut note = |reply: crate::caller::Reply| {
        *ids.entry(reply.header("x-request-id").unwrap().to_owned()).or_insert(0) += 1;
    };
    for operation in &all {
        for client in [&mut shop, &mut billing] {
            let things = if operation.name == "DeleteRecord" { Things::never() } else { things.clone() };
            note(operation.ask(client, &things));
            note(operation.ask(client, &Things::never()));
            note(client.send(
                (&operation.method, &operation.at(&things)),
                &[("Content-Encoding", "gzip")],
                Some("{}"),
            ));
            note(client.send((&operation.method, &operation.at(&things)), &[], Some("{\"a\":")));
            note(client.send(("DELETE", "/v1/nothing"), &[], None));
        }
    }
    expected += ids.len();
    assert!(ids.len() > 230 && ids.values().all(|n| *n == 1));
    let deadline = Instant::now() + Duration::from_secs(30);
    while events(&vault).len() < expected && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(200));
    }
    let written = events(&vault);
    assert_eq!(written.len(), expected, "one for each, none twice");
    for id in ids.keys() {
        let count = written.iter().filter(|e| e.to_string().contains(id.as_str())).count();
        assert_eq!(count, 1, "{id}");
    }
    const STRANGERS: u64 = 25;
    for _ in 0..STRANGERS {
        let answer = vault.target.send("GET", "/v1/whoami", Some("srk_x"), None);
        assert_eq!(answer.status, 401);
    }
    let dir = vault.stop();
    let data = dir.path().join("data");
    assert!(run(&["audit", "verify", "--data-dir", path(&data)]).0);
    let (_, out, _) = run(&["audit", "query", "--data-dir", path(&data), "--limit", "5000"]);
    let sums: u64 = out
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|e| e.to_string().contains("unauthenticated"))
        .map(|e| e["sums"].as_array().map_or_else(|| count_of(&e), |all| all.iter().map(count_of).sum()))
        .sum();
    assert_eq!(sums, STRANGERS, "{}", out.lines().next().unwrap_or_default());
}

/// The number of refusals an entry, or a part of it, stands for.
fn count_of(entry: &Value) -> u64 {
    ["count", "refusals", "number"].iter().find_map(|key| entry[*key].as_u64()).unwrap_or(0)
}

/// Bodies that are announced and never sent, from connections that go away.
#[test]
fn a37_a_request_that_is_aborted_within_its_body_is_one_entry() {
    let vault = Vault::start();
    let before = events(&vault).len();
    const ABORTED: usize = 12;
    for _ in 0..ABORTED {
        let mut stream = vault.target.connect();
        let whole = request("POST", "/v1/search", Some(vault.key("storefront")), Some(&"x".repeat(400)), &[]);
        stream.write_all(&whole[..whole.len() - 100]).unwrap();
        stream.flush().unwrap();
        std::thread::sleep(Duration::from_millis(200));
        let _ = stream.sock.shutdown(std::net::Shutdown::Both);
    }
    let deadline = Instant::now() + Duration::from_secs(10);
    while events(&vault).len() < before + ABORTED && Instant::now() < deadline {
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(events(&vault).len(), before + ABORTED);
}
