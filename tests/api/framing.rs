//! A01, A02, A03, A08: requests no proper client would send, over raw TLS connections.

use crate::client::{Answer, read_answer};
use crate::vault::Vault;
use std::io::{Read, Write};
use std::time::{Duration, Instant};

const BODY: &str = "{\"region\":\"DE\",\"age_attested\":true}";

/// Sends bytes and reads answers until the connection ends or falls silent; (statuses, whether it was closed).
fn exchange(vault: &Vault, bytes: &[u8]) -> (Vec<u16>, bool) {
    let mut stream = vault.target.connect();
    stream.sock.set_read_timeout(Some(Duration::from_millis(1_500))).unwrap();
    stream.write_all(bytes).unwrap();
    let mut answers = Vec::new();
    loop {
        match read_answer(&mut stream) {
            Ok(Answer { status, .. }) => answers.push(status),
            Err(error) => {
                let silent =
                    matches!(error.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut);
                return (answers, !silent);
            }
        }
    }
}

fn post(vault: &Vault, framing: &str, body: &str) -> Vec<u8> {
    let key = vault.key("storefront");
    format!(
        "POST /v1/subjects HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\n{framing}\r\n\r\n{body}"
    )
    .into_bytes()
}

#[test]
fn a01_ambiguous_framing_is_refused_and_the_connection_closed() {
    let vault = Vault::start();
    let length = BODY.len();
    let chunked = format!("{length:x}\r\n{BODY}\r\n0\r\n\r\n");
    for framing in [
        format!("Content-Length: {length}\r\nTransfer-Encoding: chunked"),
        format!("Transfer-Encoding: chunked\r\nContent-Length: {length}"),
        format!("Content-Length: {length}\r\nContent-Length: 3"),
        format!("Content-Length: +{length}"),
        format!("Content-Length: -{length}"),
        format!("Content-Length: {length}, {length}"),
        format!("Content-Length: 0x{length:x}"),
        "Transfer-Encoding: xchunked".to_owned(),
        "Transfer-Encoding: chunked, identity".to_owned(),
        "Transfer-Encoding : chunked".to_owned(),
        "X: a\r\n folded".to_owned(),
    ] {
        let (answers, closed) = exchange(&vault, &post(&vault, &framing, &chunked));
        assert_eq!(answers.first(), Some(&400), "{framing}");
        assert!(answers.len() == 1 && closed, "{framing}: {answers:?}, closed {closed}");
    }
    let (answers, _) = exchange(&vault, &post(&vault, "Transfer-Encoding: chunked", &chunked));
    assert_eq!(answers, [201], "proper chunks are taken");
}

#[test]
fn a01_hosts_targets_and_versions_are_strict() {
    let vault = Vault::start();
    let key = vault.key("storefront");
    let get = |line: &str, hosts: &str, more: &str| {
        format!("{line}\r\n{hosts}Authorization: Bearer {key}\r\n{more}\r\n").into_bytes()
    };
    for (what, bytes) in [
        ("no host", get("GET /v1/whoami HTTP/1.1", "", "")),
        ("two hosts", get("GET /v1/whoami HTTP/1.1", "Host: a\r\nHost: b\r\n", "")),
        ("absolute target", get("GET http://x/v1/whoami HTTP/1.1", "Host: localhost\r\n", "")),
        (
            "upgrade",
            get("GET /v1/whoami HTTP/1.1", "Host: localhost\r\n", "Upgrade: h2c\r\nConnection: upgrade\r\n"),
        ),
        ("prior knowledge", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec()),
    ] {
        assert_eq!(exchange(&vault, &bytes).0.first(), Some(&400), "{what}");
    }
    let three = get("GET /v1/whoami HTTP/1.1", "Host: localhost\r\n", "").repeat(3);
    assert_eq!(exchange(&vault, &three).0, [200, 200, 200], "each of three in a row has exactly one answer");
}

#[test]
fn a01_bare_line_feeds_in_a_head_are_refused_and_bodies_may_have_them() {
    let vault = Vault::start();
    let key = vault.key("storefront");
    let whole = format!("GET /v1/whoami HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n");
    let feeds: Vec<usize> = whole.match_indices("\r\n").map(|(at, _)| at).collect();
    for at in &feeds {
        let mut bare = whole.clone();
        bare.remove(*at);
        for before in ["", whole.as_str()] {
            let (answers, closed) = exchange(&vault, format!("{before}{bare}{whole}").as_bytes());
            let expected: &[u16] = if before.is_empty() { &[400] } else { &[200, 400] };
            assert!(answers == expected && closed, "without the one at {at}: {answers:?}, closed {closed}");
        }
    }
    assert_eq!(exchange(&vault, whole.replace("\r\n", "\n").as_bytes()), (vec![400], true));
    assert_eq!(exchange(&vault, format!("\n{whole}").as_bytes()), (vec![400], true));
    let pretty = "{\n  \"region\": \"DE\",\n\n  \"age_attested\": true\n}\n";
    let length = post(&vault, &format!("Content-Length: {}", pretty.len()), pretty);
    let chunks = format!("{:x}\r\n{pretty}\r\n0\r\n\r\n", pretty.len());
    let chunked = post(&vault, "Transfer-Encoding: chunked", &chunks);
    let after = whole.as_bytes();
    let all = [length.as_slice(), after, &chunked, after].concat();
    assert_eq!(exchange(&vault, &all).0, [201, 200, 201, 200]);
}

#[test]
fn a03_heads_without_measure_are_refused() {
    let vault = Vault::start();
    let key = vault.key("storefront");
    let with = |headers: &str| {
        format!("GET /v1/whoami HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n{headers}\r\n")
            .into_bytes()
    };
    let many: String = (0..90).map(|n| format!("X-{n}: a\r\n")).collect();
    assert_eq!(exchange(&vault, &with(&many)).0, [431]);
    assert_eq!(exchange(&vault, &with(&format!("X: {}\r\n", "a".repeat(40_000)))).0, [431]);
    let announced = post(&vault, "Content-Length: 1073741824", "{");
    let mut stream = vault.target.connect();
    stream.write_all(&announced).unwrap();
    assert_eq!(read_answer(&mut stream).unwrap().status, 413, "a gigabyte is refused before it is sent");
    let mut rest = Vec::new();
    assert!(stream.read_to_end(&mut rest).is_err() || rest.is_empty(), "and the connection ends");
}

#[test]
fn a02_a_body_that_trickles_is_cut_off_and_others_do_not_notice() {
    let vault = Vault::start();
    let begun = Instant::now();
    let mut stalled: Vec<_> = (0..20)
        .map(|_| {
            let mut stream = vault.target.connect();
            stream.write_all(&post(&vault, "Content-Length: 5000", "{")).unwrap();
            stream
        })
        .collect();
    for _ in 0..20 {
        assert_eq!(vault.get("storefront", "/v1/whoami").status, 200);
    }
    for stream in &mut stalled {
        assert_eq!(read_answer(stream).unwrap().status, 408);
        let mut rest = Vec::new();
        assert!(stream.read_to_end(&mut rest).is_err() || rest.is_empty(), "closed");
    }
    assert!(begun.elapsed() < Duration::from_secs(15));
}

#[test]
fn a08_a_stranger_without_tls_gets_nothing_readable() {
    let vault = Vault::start();
    let mut tcp = std::net::TcpStream::connect(vault.target.address).unwrap();
    tcp.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    tcp.write_all(b"GET /live HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = tcp.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
}

#[test]
fn failed_guesses_of_a_network_are_counted_and_slowed_down() {
    let dir = tempfile::tempdir().unwrap();
    let (vault, stop) = crate::cli::served(&dir);
    let mut last = 0;
    for n in 0..60 {
        let answer = vault.send("GET", "/v1/whoami", Some(&format!("srk_guess{n}")), None);
        last = answer.status;
        if last == 429 {
            assert!(answer.header("Retry-After").unwrap().parse::<u64>().unwrap() >= 1);
            break;
        }
        assert_eq!(last, 401);
    }
    assert_eq!(last, 429, "a production vault slows guessing down");
    stop();
}

#[test]
fn a02_a_refused_client_cannot_hold_its_connection_with_an_endless_body() {
    let vault = Vault::start();
    let (good, bad) = (vault.key("storefront"), "srk_nobody");
    for (key, path, kind, status) in [
        (bad, "/v1/subjects", "application/json", 401),
        (good, "/v1/subjects", "text/plain", 415),
        (good, "/v1/nothing", "application/json", 404),
        (good, "/v1/whoami", "application/json", 405),
    ] {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nContent-Type: {kind}\r\n\
             Transfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n"
        );
        let mut stream = vault.target.connect();
        stream.write_all(head.as_bytes()).unwrap();
        assert_eq!(read_answer(&mut stream).unwrap().status, status, "{path}");
        let begun = Instant::now();
        let mut rest = Vec::new();
        assert!(stream.read_to_end(&mut rest).is_err() || rest.is_empty());
        assert!(begun.elapsed() < Duration::from_secs(8), "{path}: held for {:?}", begun.elapsed());
    }
}
