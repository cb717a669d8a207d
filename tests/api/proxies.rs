//! A09, theme 2, row 36: whose address counts. Headers and PROXY lines of configured proxies are believed, of others never.

use crate::client::{Answer, read_answer, request, socket_from};
use crate::served::{Plan, Served};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::time::Duration;

const PROXY: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 1);
const STRANGER: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);
/// Where the policy's clients may call from, and somewhere else.
const HOME: &str = "203.0.113.9";
const AWAY: &str = "198.51.100.7";

fn behind(settings: &str) -> Served {
    let more = format!("[proxy]\nnetworks = [\"127.0.0.1/32\"]\n{settings}\n");
    Plan { networks: r#"["203.0.113.0/24", "2001:db8:5::/48"]"#, more, ..Plan::new() }.serve()
}

/// Sends `whoami` from an address, after these bytes, with these headers; `None`: no answer.
fn ask(served: &Served, from: Ipv4Addr, first: &[u8], headers: &[(&str, &str)]) -> Option<Answer> {
    ask_as(served, Some(served.key("mailer")), (from, first), headers)
}

fn ask_as(
    served: &Served,
    key: Option<&str>,
    (from, first): (Ipv4Addr, &[u8]),
    headers: &[(&str, &str)],
) -> Option<Answer> {
    let mut tcp = socket_from(from, served.target.address);
    tcp.write_all(first).ok()?;
    let mut stream = served.target.over(tcp);
    stream.write_all(&request("GET", "/v1/whoami", key, None, headers)).ok()?;
    read_answer(&mut stream).ok()
}

#[test]
fn a_proxys_header_is_read_from_right_to_left_to_the_first_that_is_no_proxy() {
    let served = behind("header = \"x-forwarded-for\"");
    let status = |value: &str| ask(&served, PROXY, b"", &[("X-Forwarded-For", value)]).unwrap().status;
    for (value, expected) in [
        (HOME.to_owned(), 200),
        (AWAY.to_owned(), 403),
        (format!("{HOME}, {AWAY}"), 403),
        (format!("{AWAY}, {HOME}"), 200),
        (format!("nonsense, {HOME}"), 200),
        (format!("{HOME}, 127.0.0.1"), 200),
        (format!("{HOME},{AWAY},127.0.0.1"), 403),
        (format!("{HOME}:4711"), 200),
        ("2001:db8:5::1".to_owned(), 200),
        ("[2001:db8:5::1]:443".to_owned(), 200),
        (format!("::ffff:{HOME}"), 200),
        ("127.0.0.1".to_owned(), 403),
        (format!("{HOME}, nonsense"), 400),
        (format!("{HOME}, "), 400),
        ("unknown".to_owned(), 400),
        (format!("{HOME}, 127.0.0.1, nonsense, 127.0.0.1"), 400),
    ] {
        assert_eq!(status(&value), expected, "{value}");
    }
    assert_eq!(ask(&served, PROXY, b"", &[]).unwrap().status, 403, "without it, the proxy asks for itself");
    let lines = [("X-Forwarded-For", HOME), ("X-Forwarded-For", AWAY)];
    assert_eq!(ask(&served, PROXY, b"", &lines).unwrap().status, 403, "lines are one list");
    for header in ["Forwarded", "X-Real-IP", "CF-Connecting-IP", "True-Client-IP"] {
        let value = if header == "Forwarded" { format!("for={HOME}") } else { HOME.to_owned() };
        assert_eq!(
            ask(&served, PROXY, b"", &[(header, &value)]).unwrap().status,
            403,
            "{header} is not the one"
        );
    }
    let events = served.events("whoami");
    let from = |prefix: &str| events.iter().filter(|e| e["network"]["prefix"] == prefix).count();
    assert!(from("203.0.113.0/24") >= 5 && from("198.51.100.0/24") >= 3 && from("2001:db8:5::/48") == 2);
}

#[test]
fn the_forwarded_header_is_read_by_its_grammar() {
    let served = behind("header = \"forwarded\"");
    for (value, expected) in [
        (format!("for={HOME}"), 200),
        (format!("For=\"{HOME}:4711\";proto=https;by=127.0.0.1"), 200),
        ("for=\"[2001:db8:5::1]\"".to_owned(), 200),
        (format!("for={HOME}, for={AWAY};proto=http"), 403),
        (format!("for={AWAY}, proto=https;for={HOME}"), 200),
        (format!("for={HOME}, for=127.0.0.1"), 200),
        (format!("for=\"{HOME}, for={AWAY}"), 400),
        (format!("for=\"{HOME}\", for=\"{AWAY}"), 400),
        (format!("for={HOME}, for=_hidden"), 400),
        (format!("for={HOME}, proto=https"), 400),
        (format!("for={HOME};for={AWAY}"), 400),
        (format!("for=\"x\" {HOME}"), 400),
    ] {
        let answer = ask(&served, PROXY, b"", &[("Forwarded", &value)]).unwrap();
        assert_eq!(answer.status, expected, "{value}");
    }
    assert_eq!(ask(&served, PROXY, b"", &[("X-Forwarded-For", HOME)]).unwrap().status, 403);
}

#[test]
fn a09_what_a_stranger_writes_into_headers_changes_nothing() {
    for settings in ["header = \"x-forwarded-for\"", "header = \"forwarded\""] {
        let served = behind(settings);
        for (header, value) in [
            ("X-Forwarded-For", HOME),
            ("Forwarded", "for=203.0.113.9"),
            ("X-Real-IP", HOME),
            ("CF-Connecting-IP", HOME),
            ("X-Forwarded-For", "nonsense"),
        ] {
            let answer = ask(&served, STRANGER, b"", &[(header, value)]).unwrap();
            assert_eq!((answer.status, answer.json()["rule"].as_str()), (403, Some("network_not_allowed")));
        }
        assert!(served.events("whoami").iter().all(|e| e["network"]["prefix"] == "127.0.0.0/24"));
    }
}

#[test]
fn row_36_guesses_are_counted_by_an_address_that_cannot_be_chosen() {
    let served = behind("header = \"x-forwarded-for\"");
    let guess = |from: Ipv4Addr, forwarded: &str| {
        let headers = [
            ("X-Forwarded-For", forwarded),
            ("Forwarded", &format!("for={forwarded}")),
            ("X-Real-IP", forwarded),
            ("CF-Connecting-IP", forwarded),
        ];
        ask_as(&served, Some("srk_guess"), (from, b""), &headers).unwrap().status
    };
    let until_limited = |from: Ipv4Addr, forwarded: &dyn Fn(u8) -> String| {
        (0..60).map(|n| guess(from, &forwarded(n))).find(|status| *status != 401)
    };
    assert_eq!(until_limited(STRANGER, &|n| format!("10.{n}.0.1")), Some(429), "rotated by a stranger");
    assert_eq!(
        until_limited(PROXY, &|n| format!("10.{n}.0.1, 198.51.100.1")),
        Some(429),
        "rotated left of what the proxy wrote"
    );
    assert_eq!(guess(PROXY, "198.51.99.1"), 401, "another client of the proxy is not limited for it");
}

fn v2(family: u8, addresses: &[u8]) -> Vec<u8> {
    let mut header = b"\r\n\r\n\0\r\nQUIT\n\x21".to_vec();
    header.push(family);
    header.extend(u16::try_from(addresses.len()).unwrap().to_be_bytes());
    header.extend(addresses);
    header
}

fn v2_of(source: &str) -> Vec<u8> {
    match source.parse().unwrap() {
        IpAddr::V4(v4) => v2(0x11, &[v4.octets().as_slice(), &[10, 0, 0, 1, 0, 80, 1, 187]].concat()),
        IpAddr::V6(v6) => {
            v2(0x21, &[v6.octets().as_slice(), &[0; 16], &[0, 80, 1, 187, 4, 0, 1, 0]].concat())
        }
    }
}

fn v1_of(source: &str) -> Vec<u8> {
    let (family, target) = if source.contains(':') { ("TCP6", "2001:db8::1") } else { ("TCP4", "10.0.0.1") };
    format!("PROXY {family} {source} {target} 4711 443\r\n").into_bytes()
}

#[test]
fn the_proxy_protocol_is_required_of_proxies_and_refused_from_others() {
    type Header = fn(&str) -> Vec<u8>;
    let versions: [(&str, Header, Header); 2] = [("v1", v1_of, v2_of), ("v2", v2_of, v1_of)];
    for (version, good, other) in versions {
        let served = behind(&format!("protocol = \"{version}\""));
        let status = |from, first: &[u8]| ask(&served, from, first, &[]).map(|answer| answer.status);
        assert_eq!(status(PROXY, &good(HOME)), Some(200), "{version}");
        assert_eq!(status(PROXY, &good("2001:db8:5::7")), Some(200), "{version}");
        assert_eq!(status(PROXY, &good(AWAY)), Some(403), "{version}: for whom it is not allowed");
        assert_eq!(status(PROXY, b""), None, "{version}: a proxy that says nothing");
        assert_eq!(status(PROXY, &other(HOME)), None, "{version}: the other version");
        assert_eq!(status(STRANGER, &good(HOME)), None, "{version}: a stranger's header is no TLS");
        assert_eq!(status(STRANGER, b""), Some(403), "{version}: a stranger connects as himself");
        let headers = [("X-Forwarded-For", HOME), ("Forwarded", "for=203.0.113.9")];
        let spoofed = ask(&served, PROXY, &good(AWAY), &headers).unwrap();
        assert_eq!(spoofed.status, 403, "{version}: no header is believed unless configured");
        let refused = "strongroom_connections_refused_total{reason=\"proxy_header\"}";
        served.until("they are counted", Duration::from_secs(5), || served.metric(refused) == 2);
        let prefixes: Vec<_> =
            served.events("whoami").iter().map(|e| e["network"]["prefix"].clone()).collect();
        assert!(
            prefixes.iter().any(|p| p == "203.0.113.0/24") && prefixes.iter().any(|p| p == "2001:db8:5::/48")
        );
    }
}

#[test]
fn malformed_headers_of_the_proxy_protocol_end_the_connection() {
    let v1 = behind("protocol = \"v1\"");
    for bad in [
        "PROXY TCP4 203.0.113.9 10.0.0.1 4711\r\n",
        "PROXY TCP4 203.0.113.9 10.0.0.1 4711 443 x\r\n",
        "PROXY TCP4 203.0.113.9 10.0.0.1 04711 443\r\n",
        "PROXY TCP4 203.0.113.9 10.0.0.1 4711 99999\r\n",
        "PROXY TCP4 2001:db8:5::1 10.0.0.1 4711 443\r\n",
        "PROXY TCP6 203.0.113.9 10.0.0.1 4711 443\r\n",
        "PROXY UDP4 203.0.113.9 10.0.0.1 4711 443\r\n",
        "PROXY  TCP4 203.0.113.9 10.0.0.1 4711 443\r\n",
        "proxy TCP4 203.0.113.9 10.0.0.1 4711 443\r\n",
        "PROXY TCP4 203.0.113.9 10.0.0.1 4711 443\n",
        "PROXY TCP4 203.0.113.999 10.0.0.1 4711 443\r\n",
        &format!("PROXY UNKNOWN {}\r\n", "x".repeat(120)),
    ] {
        assert!(ask(&v1, PROXY, bad.as_bytes(), &[]).is_none(), "{bad:?}");
    }
    assert_eq!(ask(&v1, PROXY, b"PROXY UNKNOWN\r\n", &[]).unwrap().status, 403, "the proxy asks for itself");
    let v2_served = behind("protocol = \"v2\"");
    let good = v2_of(HOME);
    let with = |at: usize, byte: u8| {
        let mut bad = good.clone();
        bad[at] = byte;
        bad
    };
    for bad in [with(0, b'\n'), with(11, 0), with(12, 0x11), with(12, 0x22), with(13, 0x12), with(13, 0x31)] {
        assert!(ask(&v2_served, PROXY, &bad, &[]).is_none(), "{bad:?}");
    }
    assert!(ask(&v2_served, PROXY, &v2(0x11, &[203, 0, 113, 9]), &[]).is_none(), "too short for its family");
    assert!(ask(&v2_served, PROXY, &v2(0x11, &[9; 2_000]), &[]).is_none(), "longer than anybody's");
    let with_more =
        v2(0x11, &[[203, 0, 113, 9].as_slice(), &[10, 0, 0, 1, 0, 80, 1, 187], &[4, 0, 3, 1, 2, 3]].concat());
    assert_eq!(ask(&v2_served, PROXY, &with_more, &[]).unwrap().status, 200, "extensions are passed over");
    let local = with(12, 0x20);
    assert_eq!(ask(&v2_served, PROXY, &local, &[]).unwrap().status, 403, "its health check is its own");
}

#[test]
fn a_peer_has_so_many_connections_and_others_have_theirs() {
    let more = "[http]\nmax_connections_per_peer = 5\n[proxy]\nnetworks = [\"127.0.0.3/32\"]\nheader = \"forwarded\"\nmax_connections_per_proxy = 9\n";
    let served = Plan { more: more.to_owned(), ..Plan::new() }.serve();
    let connect = |from: Ipv4Addr| {
        let mut stream = served.target.over(socket_from(from, served.target.address));
        let ask = request("GET", "/v1/whoami", Some(served.key("mailer")), None, &[]);
        stream.write_all(&ask).and_then(|()| read_answer(&mut stream)).ok().map(|_| stream)
    };
    let proxy = Ipv4Addr::new(127, 0, 0, 3);
    let held: Vec<_> = (0..12).filter_map(|_| connect(PROXY)).collect();
    assert_eq!(held.len(), 5);
    assert!(connect(STRANGER).is_some(), "another peer is served");
    let by_proxy: Vec<_> = (0..12).filter_map(|_| connect(proxy)).collect();
    assert_eq!(by_proxy.len(), 9, "a proxy has a cap of its own");
    let refused =
        |reason: &str| served.metric(&format!("strongroom_connections_refused_total{{reason=\"{reason}\"}}"));
    assert_eq!((refused("peer_cap"), refused("proxy_cap")), (7, 3));
    drop(held);
    served.until("places are given back", Duration::from_secs(5), || connect(PROXY).is_some());
}

#[test]
fn behind_the_proxy_protocol_each_client_of_the_proxy_has_a_cap_of_his_own() {
    let more =
        "[http]\nmax_connections_per_peer = 3\n[proxy]\nnetworks = [\"127.0.0.1/32\"]\nprotocol = \"v1\"\n";
    let plan = Plan { networks: r#"["203.0.113.0/24"]"#, more: more.to_owned(), ..Plan::new() };
    let served = plan.serve();
    let connect = |source: &str| {
        let mut tcp = TcpStream::connect(served.target.address).unwrap();
        tcp.write_all(&v1_of(source)).unwrap();
        let mut stream = served.target.over(tcp);
        let ask = request("GET", "/v1/whoami", Some(served.key("mailer")), None, &[]);
        stream.write_all(&ask).and_then(|()| read_answer(&mut stream)).ok().map(|_| stream)
    };
    let held: Vec<_> = (0..8).filter_map(|_| connect(HOME)).collect();
    assert_eq!(held.len(), 3);
    assert!(connect("203.0.113.10").is_some());
}

#[test]
fn a_stalled_handshake_is_ended_and_counted() {
    let served = Plan::new().serve();
    let stalled: Vec<_> = (0..10).map(|_| TcpStream::connect(served.target.address).unwrap()).collect();
    let timeouts = "strongroom_handshake_failures_total{kind=\"timeout\"}";
    served.until("they are ended", Duration::from_secs(15), || served.metric(timeouts) == 10);
    assert_eq!(served.whoami(None, Some(served.key("mailer"))), 200);
    drop(stalled);
    let mut noise = TcpStream::connect(served.target.address).unwrap();
    noise.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    let protocol = "strongroom_handshake_failures_total{kind=\"protocol\"}";
    served.until("no TLS is counted as that", Duration::from_secs(5), || served.metric(protocol) == 1);
}
