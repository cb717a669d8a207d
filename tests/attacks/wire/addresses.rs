//! A09 and row 36: what a stranger writes about his address, or about the host, moves no limit.

use super::tools::figure;
use crate::client::{Answer, read_answer, request, socket_from};
use crate::served::{Plan, Served};
use std::io::Write;
use std::net::Ipv4Addr;

/// Every header by which some proxy names the client.
const NAMES: [&str; 16] = [
    "X-Forwarded-For",
    "X-Real-IP",
    "X-Client-IP",
    "CF-Connecting-IP",
    "True-Client-IP",
    "Fastly-Client-IP",
    "X-Cluster-Client-IP",
    "X-Original-Forwarded-For",
    "X-Forwarded",
    "Forwarded-For",
    "X-ProxyUser-Ip",
    "Client-IP",
    "X-Remote-IP",
    "X-Remote-Addr",
    "X-Envoy-External-Address",
    "Via",
];

fn ask(served: &Served, from: Ipv4Addr, key: &str, headers: &[(&str, &str)]) -> Answer {
    let mut stream = served.target.over(socket_from(from, served.target.address));
    stream.write_all(&request("GET", "/v1/whoami", Some(key), None, headers)).unwrap();
    read_answer(&mut stream).unwrap()
}

/// All headers at once, each with this address.
fn claiming(address: &str) -> Vec<(&'static str, String)> {
    let mut all: Vec<_> = NAMES.iter().map(|name| (*name, address.to_owned())).collect();
    all.push(("Forwarded", format!("for={address};proto=https;host=localhost")));
    all
}

fn borrowed<'a>(headers: &'a [(&'static str, String)]) -> Vec<(&'a str, &'a str)> {
    headers.iter().map(|(name, value)| (*name, value.as_str())).collect()
}

/// "Writes itself another address into headers" in the table of attackers.
#[test]
fn l36_a09_no_header_rotates_the_address_that_guesses_are_counted_by() {
    let proxied = "[limits]\nfailed_auth_per_ten_minutes = 12\n[proxy]\nnetworks = [\"127.0.1.1/32\"]\nheader = \"x-forwarded-for\"\n";
    let bare = "[limits]\nfailed_auth_per_ten_minutes = 12\n";
    for (more, from) in [(bare, [127, 0, 0, 1]), (bare, [127, 0, 2, 1]), (proxied, [127, 0, 2, 1])] {
        let served = Plan { more: more.to_owned(), ..Plan::new() }.serve();
        let guesses = (0..40_u8).map(|n| {
            let headers = claiming(&format!("10.{n}.{n}.9"));
            // Another port, another connection, another address of the same network: still the same.
            let source = Ipv4Addr::new(from[0], from[1], from[2], from[3] + n % 100);
            ask(&served, source, &format!("srk_{n:036}"), &borrowed(&headers)).status
        });
        let statuses: Vec<u16> = guesses.collect();
        assert_eq!(statuses[..12], [401; 12], "{statuses:?}");
        assert!(statuses[12..].iter().all(|s| *s == 429), "{statuses:?}");
    }
    let served = Plan { more: proxied.to_owned(), ..Plan::new() }.serve();
    let proxy = Ipv4Addr::new(127, 0, 1, 1);
    let through = |line: &str| ask(&served, proxy, "srk_guess", &[("X-Forwarded-For", line)]).status;
    let statuses: Vec<u16> =
        (0..30).map(|n| through(&format!("10.{n}.0.1, 192.0.{n}.2, 198.51.100.7"))).collect();
    assert!(statuses[12..].iter().all(|s| *s == 429), "entries left of the proxy's own: {statuses:?}");
    assert_eq!(through("198.51.101.7"), 401, "another client of the proxy is not limited for it");
    let garbage = [
        "127.0.0.1",
        "::1",
        "localhost",
        "",
        ",,,",
        "198.51.100.7\t",
        "198.51.100.7, unknown",
        "[::ffff:198.51.100.7]:1",
    ];
    for line in garbage {
        let said = through(line);
        assert!(matches!(said, 400 | 401 | 429), "{line:?}: {said}");
    }
}

/// Limits of a client are its own whatever it writes; and a vault answers to its own names only.
#[test]
fn a09_limits_belong_to_the_client_and_hosts_to_the_list() {
    let policy = |text: String| {
        let was = "limits = { requests_per_second = 200, reads_per_hour = 40000, subjects_per_day = 20000 }";
        assert!(text.contains(was));
        text.replace(
            was,
            "limits = { requests_per_second = 10, reads_per_hour = 400, subjects_per_day = 20 }",
        )
    };
    let listen = "hosts = [\"localhost\", \"vault.example.org\"]";
    let served = Plan { policy, listen, ..Plan::new() }.serve();
    let key = served.key("mailer");
    let mut limited = 0;
    for n in 0..60_u8 {
        let headers = claiming(&format!("10.9.{n}.1"));
        let from = Ipv4Addr::new(127, 0, n, 1);
        let status = ask(&served, from, key, &borrowed(&headers)).status;
        assert!(matches!(status, 200 | 429));
        limited += u32::from(status == 429);
    }
    assert!(limited > 0, "sixty requests in a row from sixty networks are one client's");
    let storefront = served.key("storefront");
    let with_host = |host: &str| {
        let text =
            format!("GET /v1/whoami HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {storefront}\r\n\r\n");
        let mut stream = served.target.connect();
        stream.write_all(text.as_bytes()).unwrap();
        read_answer(&mut stream).unwrap().status
    };
    for host in ["localhost", "LOCALHOST", "localhost:8443", "vault.example.org"] {
        assert_eq!(with_host(host), 200, "{host}");
    }
    for host in [
        "evil.example.org",
        "localhost.evil.example.org",
        "vault.example.org.",
        "xlocalhost",
        "127.0.0.1",
        "[::1]",
        "",
        "localhost:8443:1",
        "localhost, evil.example.org",
        "localhost@evil.example.org",
        "evil.example.org#localhost",
        "localhost:abc",
        "*",
        "localhost/..",
    ] {
        assert_eq!(with_host(host), 400, "{host:?}");
        let answer = {
            let text = format!(
                "GET /v1/whoami HTTP/1.1\r\nHost: {host}\r\nX-Forwarded-Host: localhost\r\nX-Host: localhost\r\nForwarded: host=localhost\r\nAuthorization: Bearer {storefront}\r\n\r\n"
            );
            let mut stream = served.target.connect();
            stream.write_all(text.as_bytes()).unwrap();
            read_answer(&mut stream).unwrap()
        };
        assert_eq!(answer.status, 400, "{host:?} beside headers that name the right one");
        assert!(!String::from_utf8_lossy(&answer.body).contains("evil"), "no host comes back");
    }
    figure(&format!("A09: {limited} of 60 limited whatever address they claimed"));
}
