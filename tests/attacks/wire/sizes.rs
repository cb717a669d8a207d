//! A03, and rows 5 and 7 of what others were hurt by: what is too large, too many, or grows when it is read.

use super::contract::{Operation, World, operations};
use super::process::Process;
use super::tools::{figure, hear, is_silence, is_sound};
use crate::client::{Target, Tls, read_answer};
use crate::vault::Vault;
use std::io::Write;
use std::time::{Duration, Instant};

/// A POST with this framing, without its body.
fn head(key: &str, path: &str, framing: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\
         Content-Type: application/json\r\n{framing}\r\n\r\n"
    )
}

/// Sends the same piece until the other side has had enough; the status it said, and how many bytes it took.
fn endless(target: &Target, head: &str, piece: &[u8], most: usize) -> (Option<u16>, usize) {
    let mut stream = target.connect();
    stream.sock.set_read_timeout(Some(Duration::from_secs(12))).unwrap();
    stream.write_all(head.as_bytes()).unwrap();
    let (mut sent, begun) = (0, Instant::now());
    while sent < most && stream.write_all(piece).is_ok() {
        sent += piece.len();
        assert!(begun.elapsed() < Duration::from_secs(15), "served for 15 s");
        if most == usize::MAX {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
    (said(&mut stream), sent)
}

fn said(stream: &mut Tls) -> Option<u16> {
    match read_answer(stream) {
        Ok(answer) => Some(answer.status),
        Err(error) => {
            assert!(!is_silence(&error), "neither an answer nor an end");
            None
        }
    }
}

/// "Sends hostile input" in the table of attackers: limits before parsing, everything bounded.
#[test]
fn a03_what_is_without_measure_is_refused_in_bounded_memory() {
    let vault = Vault::start();
    let process = Process::of(vault.dir.path());
    let (key, target) = (vault.key("storefront"), &vault.target);
    vault.get("storefront", "/v1/whoami");
    process.forget_peak();
    let before = process.resident();
    let get = |target: &str, headers: &str| {
        format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n{headers}\r\n")
    };
    let line = |n: usize| format!("X-{n}: a\r\n");
    for (what, request, allowed) in [
        ("100000 headers", get("/v1/whoami", &(0..100_000).map(line).collect::<String>()), &[431, 400][..]),
        (
            "some headers more than are taken",
            get("/v1/whoami", &(0..70).map(line).collect::<String>()),
            &[431],
        ),
        ("1 MiB in one header", get("/v1/whoami", &format!("X: {}\r\n", "a".repeat(1 << 20))), &[431, 400]),
        (
            "a header name of 64 KiB",
            get("/v1/whoami", &format!("{}: a\r\n", "x".repeat(65_536))),
            &[431, 400],
        ),
        ("a target of 64 KiB", get(&format!("/{}", "a".repeat(60_000)), ""), &[414]),
        ("a query of 64 KiB", get(&format!("/v1/whoami?{}", "a".repeat(60_000)), ""), &[414]),
        ("a method of 64 KiB", format!("{} / HTTP/1.1\r\n\r\n", "A".repeat(65_536)), &[400]),
        ("a megabyte without a line end", "A".repeat(1 << 20), &[400, 431]),
        ("a megabyte of empty lines", "\r\n".repeat(1 << 19), &[400, 431]),
        ("a gigabyte announced", head(key, "/v1/subjects", "Content-Length: 1073741824"), &[413]),
        (
            "a gigabyte announced for a batch",
            head(key, "/v1/records/batch", "Content-Length: 1073741824"),
            &[413],
        ),
        ("more than 64 bits hold", head(key, "/v1/subjects", "Content-Length: 18446744073709551615"), &[413]),
        (
            "a gzip bomb",
            head(key, "/v1/subjects", "Content-Length: 9\r\nContent-Encoding: gzip") + "123456789",
            &[415],
        ),
        (
            "brotli",
            head(key, "/v1/records/batch", "Content-Length: 2\r\nContent-Encoding: br") + "{}",
            &[415],
        ),
    ] {
        let heard = hear(target, request.as_bytes());
        let fits = heard.statuses.len() <= 1 && heard.statuses.iter().all(|status| allowed.contains(status));
        assert!(fits, "{what}: {heard:?}");
        assert!(
            heard.closed || ["a target", "a query", "some headers"].iter().any(|open| what.starts_with(open)),
            "{what}: {heard:?}"
        );
    }
    let grown = process.peak().saturating_sub(before);
    assert!(grown < 64, "{grown} MiB");
    is_sound(&vault);
}

/// The same for bodies that never end.
#[test]
fn a03_bodies_without_end_are_cut_off_in_bounded_memory() {
    let vault = Vault::start();
    let process = Process::of(vault.dir.path());
    let (key, target) = (vault.key("storefront"), &vault.target);
    vault.get("storefront", "/v1/whoami");
    process.forget_peak();
    let before = process.resident();
    let chunk = format!("4000\r\n{}\r\n", " ".repeat(0x4000));
    let extension = format!("1;{}\r\n \r\n", "a=b;".repeat(3_000));
    let (chunk, extension) = (chunk.as_bytes(), extension.as_bytes());
    let one = |path: &str| {
        let head = head(key, path, "Transfer-Encoding: chunked");
        // What comes after the refusal is thrown away for two seconds, so that the refusal can be read.
        let (status, sent) = endless(target, &head, chunk, usize::MAX);
        assert!(matches!(status, None | Some(413)), "{path}: {status:?} after {sent}");
        for (piece, most) in [(&b"1\r\n \r\n"[..], 12 << 10), (extension, 8 << 20)] {
            let (status, _) = endless(target, &head, piece, most);
            assert_eq!(status, Some(408), "{path}: chunks of one byte are too slow");
        }
        sent >> 10
    };
    let figures: Vec<usize> = std::thread::scope(|scope| {
        let paths = ["/v1/subjects", "/v1/detokenize", "/v1/records/batch"];
        let one = &one;
        let all = paths.map(|path| scope.spawn(move || one(path)));
        all.map(|asked| asked.join().unwrap()).into()
    });
    let trailer = "X: y\r\n".repeat(500);
    let open = head(key, "/v1/subjects", "Transfer-Encoding: chunked") + "2\r\n{}\r\n0\r\n";
    let (status, sent) = endless(target, &open, trailer.as_bytes(), 4 << 20);
    assert!(sent < 4 << 20 || status.is_some(), "trailers without end: {status:?} after {sent}");
    let grown = process.peak().saturating_sub(before);
    assert!(grown < 64, "{grown} MiB");
    is_sound(&vault);
    figure(&format!("A03: +{grown} MiB; KiB taken of endless bodies {figures:?}"));
}

/// The worst documents of a size: very many small things.
fn expanding(size: usize) -> Vec<(&'static str, String)> {
    let repeated = |piece: &str| piece.repeat(size / piece.len()).trim_end_matches(',').to_owned();
    let keys: String = (0..size / 10).map(|n| format!("\"{n:05x}\":1,")).collect();
    vec![
        ("empty texts", format!("{{\"tokens\":[{}]}}", repeated("\"\","))),
        ("numbers", format!("{{\"tokens\":[{}]}}", repeated("0,"))),
        ("empty arrays", format!("{{\"records\":[{}]}}", repeated("[],"))),
        ("empty objects", format!("{{\"records\":[{}]}}", repeated("{},"))),
        ("nulls", format!("{{\"fields\":[{}]}}", repeated("null,"))),
        ("keys", format!("{{\"fields\":{{{}}}}}", keys.trim_end_matches(','))),
        ("nested arrays", format!("{{\"records\":[{}]}}", repeated("[[[[[[[]]]]]]],"))),
        ("escapes", format!("{{\"purpose\":\"{}\"}}", repeated("\\u00e9"))),
        ("quotes", format!("{{\"purpose\":\"{}\"}}", repeated("\\\""))),
    ]
}

/// The same row: a body within its limit that grows many times when it is read.
#[test]
fn l05_a_body_within_its_limit_does_not_expand_in_memory() {
    let world = World::new();
    let process = Process::of(world.vault.dir.path());
    process.forget_peak();
    let before = process.resident();
    let routes: Vec<Operation> = operations();
    for (what, body) in expanding(1_000_000) {
        std::thread::scope(|scope| {
            for operation in &routes {
                let (key, target) = (world.vault.key("storefront"), &world.vault.target);
                let path =
                    operation.template.replace("{sub}", &world.subject).replace("{rec}", &world.record);
                let path = path.replace("{purpose}", "newsletter").replace("{name}", "partner-x");
                let body = &body;
                scope.spawn(move || {
                    let answer = target.send(&operation.method, &path, Some(key), Some(body));
                    assert!((400..500).contains(&answer.status), "{what} at {path}: {}", answer.status);
                });
            }
        });
    }
    let large = &expanding(8_000_000)[..4];
    for (what, body) in large {
        let batch = world.vault.target.send(
            "POST",
            "/v1/records/batch",
            Some(world.vault.key("storefront")),
            Some(body),
        );
        assert!((400..500).contains(&batch.status), "{what}: {}", batch.status);
    }
    let most = process.peak().saturating_sub(before);
    assert!(most < 160, "{most} MiB for {} bodies of 1 MB at once", routes.len());
    is_sound(&world.vault);
    figure(&format!("row 5: at most +{most} MiB for {} bodies of 1 MB at once", routes.len()));
}

/// Row 7: who needs no credential cannot fill memory.
#[test]
fn l07_floods_of_every_open_route_take_no_memory() {
    let vault = Vault::start();
    let process = Process::of(vault.dir.path());
    let pages = vault.credentials["public_url"].as_str().unwrap().to_owned();
    let pages = Target::new(&pages, std::path::Path::new(vault.credentials["ca_cert"].as_str().unwrap()));
    let flood = |target: &Target, request: &str, count: usize| {
        let mut stream = target.connect();
        for _ in 0..count / 20 {
            stream.write_all(request.repeat(20).as_bytes()).unwrap();
            for _ in 0..20 {
                assert!(read_answer(&mut stream).unwrap().status < 500);
            }
        }
    };
    let get = |target: &str, more: &str| format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n");
    let long = "x".repeat(200);
    let api = [
        get("/live", ""),
        get("/ready", ""),
        get("/openapi.json", ""),
        get("/v1/whoami", ""),
        get("/v1/whoami", &format!("Authorization: Bearer srk_{long}\r\n")),
        get(&format!("/v1/{long}"), ""),
        get(&format!("/v1/%41{long}"), ""),
    ];
    let open = [get("/notice", ""), get(&format!("/u/sru_{long}"), ""), get(&format!("/{long}"), "")];
    for request in &api {
        flood(&vault.target, request, 40);
    }
    open.iter().for_each(|request| flood(&pages, request, 40));
    let before = process.resident();
    let count = if std::env::var_os("STRONGROOM_LONG").is_some() { 40_000 } else { 2_000 };
    std::thread::scope(|scope| {
        let flood = &flood;
        for request in &api {
            scope.spawn(|| flood(&vault.target, request, count));
        }
        for request in &open {
            scope.spawn(|| flood(&pages, request, count));
        }
    });
    let grown = process.resident().saturating_sub(before);
    assert!(grown < 48, "{grown} MiB");
    is_sound(&vault);
    let total = count * (api.len() + open.len());
    figure(&format!("row 7: {total} requests without credential: +{grown} MiB"));
}
