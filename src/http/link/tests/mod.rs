//! Addresses from proxies, by their headers and by the PROXY protocol: what is believed, what is passed over, what is refused.

use super::proxy_protocol::{NoHeader, read};
use super::*;
use crate::vault::Cidr;
use actix_web::http::header::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use std::net::IpAddr;

const PROXY: &str = "10.9.0.1";

fn rules(header: Option<ForwardedHeader>) -> ProxyRules {
    let networks = ["10.9.0.0/24", "2001:db8:9::/64"].map(|n| Cidr::parse(n).unwrap()).into();
    ProxyRules { networks, header, protocol: None }
}

fn found(header: ForwardedHeader, source: &str, lines: &[&str]) -> Option<String> {
    let name = match header {
        ForwardedHeader::XForwardedFor => "x-forwarded-for",
        ForwardedHeader::Forwarded => "forwarded",
    };
    let mut headers = HeaderMap::new();
    for line in lines {
        headers.append(HeaderName::from_static(name), HeaderValue::from_str(line).unwrap());
    }
    origin(&rules(Some(header)), source.parse().unwrap(), &headers).ok().map(|ip| ip.to_string())
}

fn xff(lines: &[&str]) -> Option<String> {
    found(ForwardedHeader::XForwardedFor, PROXY, lines)
}

#[test]
fn who_is_no_proxy_speaks_for_himself_whatever_he_writes() {
    for source in ["203.0.113.9", "10.9.1.1", "2001:db8:9:1::1", "::ffff:203.0.113.9"] {
        for line in ["192.0.2.1", "nonsense", "", "10.9.0.1"] {
            let source: IpAddr = source.parse().unwrap();
            let told = found(ForwardedHeader::XForwardedFor, &source.to_string(), &[line]);
            assert_eq!(told, Some(source.to_string()));
        }
    }
}

#[test]
fn hops_are_walked_from_the_right_over_lines_and_past_proxies_only() {
    for (lines, expected) in [
        (&["192.0.2.1"][..], "192.0.2.1"),
        (&["192.0.2.1, 192.0.2.2"], "192.0.2.2"),
        (&["192.0.2.1, 10.9.0.7"], "192.0.2.1"),
        (&["192.0.2.1", "10.9.0.7, 2001:db8:9::7"], "192.0.2.1"),
        (&["192.0.2.9", "192.0.2.1", "10.9.0.7"], "192.0.2.1"),
        (&["10.9.0.5, 10.9.0.6"], "10.9.0.5"),
        (&[], PROXY),
        (&["::ffff:192.0.2.1"], "192.0.2.1"),
        (&["[2001:db8::1]:443"], "2001:db8::1"),
    ] {
        assert_eq!(xff(lines).as_deref(), Some(expected), "{lines:?}");
    }
    for lines in [
        &["192.0.2.1, "][..],
        &["192.0.2.1, x"],
        &["192.0.2.1:port"],
        &["[192.0.2.1]"],
        &["192.0.2.1 192.0.2.2"],
    ] {
        assert_eq!(xff(lines), None, "{lines:?}");
    }
}

#[test]
fn i10_more_proxies_in_a_row_than_anybody_has_are_not_walked() {
    let chain = |n: usize| format!("192.0.2.1{}", ", 10.9.0.7".repeat(n));
    assert_eq!(xff(&[&chain(31)]).as_deref(), Some("192.0.2.1"));
    assert_eq!(xff(&[&chain(32)]), None);
}

#[test]
fn an_unconfigured_header_is_never_read() {
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_static("192.0.2.1"));
    let source: IpAddr = PROXY.parse().unwrap();
    assert_eq!(origin(&rules(None), source, &headers), Ok(source));
    assert_eq!(origin(&rules(Some(ForwardedHeader::Forwarded)), source, &headers), Ok(source));
    assert_eq!(origin(&ProxyRules::default(), source, &headers), Ok(source));
}

#[test]
fn bytes_that_are_no_text_are_refused_only_where_they_would_be_believed() {
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_static("x-forwarded-for"), HeaderValue::from_bytes(b"\xff").unwrap());
    let rules = rules(Some(ForwardedHeader::XForwardedFor));
    assert!(origin(&rules, PROXY.parse().unwrap(), &headers).is_err());
    assert!(origin(&rules, "203.0.113.9".parse().unwrap(), &headers).is_ok());
}

proptest! {
    /// Whatever a client puts left of what the proxy appends, the appended address is found or the request is refused.
    #[test]
    fn a_forged_left_part_never_moves_the_origin(forged in "[ -~]{0,60}", quoted in any::<bool>()) {
        let line = format!("{forged}, 192.0.2.7");
        let told = xff(&[&line]);
        prop_assert_eq!(told.as_deref(), Some("192.0.2.7"));
        let entry = if quoted { "for=\"192.0.2.7:80\";proto=https" } else { "for=192.0.2.7" };
        let told = found(ForwardedHeader::Forwarded, PROXY, &[&format!("{forged}, {entry}")]);
        prop_assert!(told.is_none() || told.as_deref() == Some("192.0.2.7"), "{:?}", told);
        let apart = found(ForwardedHeader::Forwarded, PROXY, &[&forged, entry]);
        prop_assert_eq!(apart.as_deref(), Some("192.0.2.7"));
    }

    #[test]
    fn headers_of_any_bytes_are_read_or_refused_and_never_more_than_they_are(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        for version in [ProxyProtocol::V1, ProxyProtocol::V2] {
            let mut left = bytes.as_slice();
            let _ = block_on(read(&mut left, version));
            prop_assert!(left.len() <= bytes.len());
        }
    }
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(future)
}

#[test]
fn a_proxy_header_ends_where_tls_begins() {
    let hello = b"\x16\x03\x01";
    let v1 = b"PROXY TCP4 192.0.2.1 10.0.0.1 1 443\r\n".as_slice();
    let v2 = b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c\xc0\0\x02\x01\x0a\0\0\x01\0\x01\x01\xbb".as_slice();
    for (version, header) in [(ProxyProtocol::V1, v1), (ProxyProtocol::V2, v2)] {
        let bytes = [header, hello].concat();
        let mut left = bytes.as_slice();
        assert_eq!(block_on(read(&mut left, version)), Ok(Some("192.0.2.1".parse().unwrap())));
        assert_eq!(left, hello);
        for end in 0..header.len() {
            assert_eq!(block_on(read(&mut &header[..end], version)), Err(NoHeader), "cut at {end}");
        }
    }
    let longest = [b"PROXY UNKNOWN ".as_slice(), &[b'x'; 91], b"\r\n"].concat();
    assert_eq!(block_on(read(&mut longest.as_slice(), ProxyProtocol::V1)), Ok(None));
    let longer = [b"PROXY UNKNOWN ".as_slice(), &[b'x'; 92], b"\r\n"].concat();
    assert_eq!(block_on(read(&mut longer.as_slice(), ProxyProtocol::V1)), Err(NoHeader));
}

#[test]
fn every_reason_has_a_name_of_its_own() {
    let mut names: Vec<_> = Refused::ALL.iter().map(|why| why.name()).collect();
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    assert!(Refused::ALL.iter().all(|why| !why.is_certificate() || why.in_handshake()));
}
