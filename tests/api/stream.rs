//! Detokenize as lines: in order, in parts, each audited before it leaves.

use crate::caller::Client;
use crate::client::{read_line, request};
use crate::vault::{Vault, path, run};
use serde_json::{Value, json};
use std::io::Write;

const LINES: (&str, &str) = ("Accept", "application/x-ndjson");

fn parts_on_log(dir: &std::path::Path) -> usize {
    let args = ["audit", "query", "--data-dir", path(dir), "--act", "detokenize", "--limit", "1000"];
    let (ok, out, err) = run(&args);
    assert!(ok, "{err}");
    out.lines().count()
}

#[test]
fn tokens_stream_back_in_order_with_a_last_line_and_one_event_a_part() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let (_, ada) = shop.ada();
    let (name, email) = (ada["tokens"]["name"].clone(), ada["tokens"]["email"].clone());
    let tokens: Vec<Value> = (0..2_500)
        .map(|n| {
            if n == 1_700 {
                json!("srx_forged")
            } else if n % 2 == 0 {
                name.clone()
            } else {
                email.clone()
            }
        })
        .collect();
    let body = json!({"purpose": "order_fulfilment", "tokens": tokens}).to_string();
    let reply = shop.send(("POST", "/v1/detokenize"), &[LINES], Some(&body)).is(200);
    assert_eq!(reply.header("content-type"), Some("application/x-ndjson"));
    assert!(reply.header("strongroom-cost").unwrap().parse::<u32>().unwrap() > 2_500);
    let text = reply.text();
    let lines: Vec<Value> = text.lines().map(|l| serde_json::from_str(l).unwrap()).collect();
    assert_eq!(lines.len(), 2_501);
    assert_eq!(lines[2_500], json!({"done": true, "count": 2_500, "errors": 1}));
    for (n, line) in lines[..2_500].iter().enumerate() {
        assert_eq!(line["index"], n);
        let expected = if n % 2 == 0 { "Ada Lovelace" } else { "ada@example.org" };
        match n {
            1_700 => assert_eq!(line, &crate::caller::not_found(n)),
            _ => assert_eq!((&line["value"], &line["token"]), (&json!(expected), &tokens[n])),
        }
    }
    let stopped = vault.stop();
    let data = stopped.path().join("data");
    assert!(run(&["audit", "verify", "--data-dir", path(&data)]).0);
    assert_eq!(parts_on_log(&data), 3);
}

#[test]
fn what_refuses_the_whole_request_is_a_problem_and_no_stream() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let (_, ada) = shop.ada();
    let token = &ada["tokens"]["name"];
    let mut ask = |body: Value| shop.send(("POST", "/v1/detokenize"), &[LINES], Some(&body.to_string()));
    ask(json!({"purpose": "billing", "tokens": [token]})).denied("purpose_not_granted");
    let reply = ask(json!({"purpose": "order_fulfilment", "tokens": [token], "atomic": true}));
    assert_eq!(reply.refused(400, "invalid_request").pointers(), ["/atomic"]);
    let none: [Value; 0] = [];
    let reply = ask(json!({"purpose": "order_fulfilment", "tokens": none}));
    assert_eq!(reply.refused(400, "invalid_request").pointers(), ["/tokens"]);
    let many = vec!["x"; 100_001];
    let reply = ask(json!({"purpose": "order_fulfilment", "tokens": many}));
    assert_eq!(reply.refused(400, "invalid_request").pointers(), ["/tokens"]);
    // Without the header the old limit stands, and says how to get more.
    let body = json!({"purpose": "order_fulfilment", "tokens": vec!["x"; 1_001]});
    assert_eq!(shop.post("/v1/detokenize", body).refused(400, "invalid_request").pointers(), ["/tokens"]);
}

#[test]
fn p1_a_stream_that_is_cut_has_audited_little_beyond_what_was_read() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let (_, ada) = shop.ada();
    let tokens = vec![ada["tokens"]["name"].clone(); 100_000];
    let body = json!({"purpose": "order_fulfilment", "tokens": tokens}).to_string();
    let mut stream = vault.target.connect();
    let key = vault.key("storefront");
    stream.write_all(&request("POST", "/v1/detokenize", Some(key), Some(&body), &[LINES])).unwrap();
    while read_line(&mut stream).unwrap() != "\r\n" {}
    let first = read_line(&mut stream).unwrap();
    assert!(!first.is_empty());
    // What the sockets take is sent; a client that stops reading stops the vault there.
    std::thread::sleep(std::time::Duration::from_millis(1_500));
    drop(stream);
    std::thread::sleep(std::time::Duration::from_millis(500));
    let stopped = vault.stop();
    let audited = parts_on_log(&stopped.path().join("data"));
    assert!((1..=60).contains(&audited), "{audited} of 100 parts");
}

#[test]
fn a_client_reads_some_streams_at_once_and_no_more() {
    let vault = Vault::start();
    let mut shop = Client::of(&vault, "storefront");
    let (_, ada) = shop.ada();
    let tokens = vec![ada["tokens"]["name"].clone(); 60_000];
    let body = json!({"purpose": "order_fulfilment", "tokens": tokens}).to_string();
    let key = vault.key("storefront");
    let open: Vec<_> = (0..8)
        .map(|_| {
            let mut stream = vault.target.connect();
            stream.write_all(&request("POST", "/v1/detokenize", Some(key), Some(&body), &[LINES])).unwrap();
            assert!(read_line(&mut stream).unwrap().starts_with("HTTP/1.1 200"));
            stream
        })
        .collect();
    let small = json!({"purpose": "order_fulfilment", "tokens": [ada["tokens"]["name"]]}).to_string();
    let reply = shop.send(("POST", "/v1/detokenize"), &[LINES], Some(&small)).refused(429, "rate_limited");
    assert_eq!((reply.json()["scope"].as_str(), reply.header("retry-after")), (Some("streams"), Some("5")));
    shop.post("/v1/detokenize", serde_json::from_str(&small).unwrap()).is(200);
    drop(open);
    let mut freed = false;
    for _ in 0..100 {
        std::thread::sleep(std::time::Duration::from_millis(50));
        freed = shop.send(("POST", "/v1/detokenize"), &[LINES], Some(&small)).status() == 200;
        if freed {
            break;
        }
    }
    assert!(freed, "a stream whose client left gives its place back");
}
