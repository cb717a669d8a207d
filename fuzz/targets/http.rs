//! What reads the first bytes of a connection: the look-out for bare line feeds, the PROXY protocol, forwarded headers, query
//! strings, trace contexts. However reads are cut, the same is seen; nothing past a header is touched; what a client writes to
//! the left of its own address changes nothing; one spelling is read as one thing.

use super::lines::Lines;
use super::proxy_protocol::read;
use super::{ForwardedHeader, ProxyProtocol, ProxyRules, origin};
use crate::http::edge::{Query, TraceParent};
use crate::vault::Cidr;
use actix_web::http::header::{FORWARDED, HeaderMap, HeaderName, HeaderValue};
use futures_util::FutureExt;
use std::net::{IpAddr, Ipv4Addr};

/// The bytes after they were followed in pieces of these sizes, over and over.
fn followed(bytes: &[u8], pieces: &[usize]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    let (mut lines, mut rest) = (Lines::default(), out.as_mut_slice());
    for size in pieces.iter().cycle() {
        let (piece, after) = rest.split_at_mut((*size).clamp(1, rest.len().max(1)).min(rest.len()));
        lines.follow(piece);
        rest = after;
        if rest.is_empty() {
            break;
        }
    }
    out
}

fn heads(data: &[u8]) {
    let Some((cuts, bytes)) = data.split_first_chunk::<3>() else { return };
    let whole = followed(bytes, &[usize::MAX]);
    let pieces: Vec<usize> = cuts.iter().map(|cut| 1 + usize::from(*cut % 40)).collect();
    assert_eq!(followed(bytes, &pieces), whole, "reads that are cut elsewhere are seen otherwise");
    assert_eq!(followed(bytes, &[1]), whole, "read byte by byte, another thing is seen");
    let changed: Vec<usize> = (0..bytes.len()).filter(|at| bytes.get(*at) != whole.get(*at)).collect();
    assert_eq!(bytes.len(), whole.len());
    for at in &changed {
        // A bare line feed, a fragment, or a name that is too long: each is made what the parser refuses.
        let (byte, before) = (bytes.get(*at).copied(), bytes.get(..*at).unwrap_or_default());
        let name = before.rsplit(|b| *b == b'\n').next().unwrap_or_default();
        let long_name = name.len() >= 64 && !name.contains(&b':');
        assert!(matches!(byte, Some(b'\n' | b'#')) || long_name, "another byte was changed: {byte:?}");
        assert_eq!(whole.get(*at), Some(&0));
    }
    // The first head, up to its first bare line feed or its empty line.
    let bare = bytes.iter().enumerate().find(|(at, byte)| {
        **byte == b'\n' && at.checked_sub(1).and_then(|before| bytes.get(before)) != Some(&b'\r')
    });
    let begun = bytes.chunks(2).take_while(|pair| *pair == b"\r\n").count() * 2;
    let head = bytes.get(begun..).and_then(|rest| rest.windows(4).position(|four| four == b"\r\n\r\n"));
    if let Some((at, _)) = bare
        && head.is_none_or(|end| at < begun + end)
    {
        assert!(changed.first().is_some_and(|first| *first <= at), "a bare line feed in a head went by");
    }
}

fn proxied(data: &[u8]) {
    let Some((which, bytes)) = data.split_first() else { return };
    let version = if which & 1 == 0 { ProxyProtocol::V1 } else { ProxyProtocol::V2 };
    let told = |bytes: &[u8]| {
        let mut rest = bytes;
        let found = read(&mut rest, version).now_or_never();
        (found.unwrap_or_else(|| unreachable!("bytes are always ready")), rest.len())
    };
    let (found, left) = told(bytes);
    let used = bytes.len() - left;
    assert!(used <= if which & 1 == 0 { 108 } else { 16 + 1_024 }, "read further than any header goes");
    let Ok(from) = found else { return };
    let header = bytes.get(..used).unwrap_or_default();
    assert_eq!(told(header), (Ok(from), 0), "what follows a header changes it");
    assert_eq!(told(&[header, b"\x16\x03\x01"].concat()), (Ok(from), 3), "a header swallowed the handshake");
    assert!(used == 0 || told(header.get(..used - 1).unwrap_or_default()).0.is_err(), "half a header is one");
    if let (Some(address), ProxyProtocol::V1) = (from, version) {
        let text = String::from_utf8_lossy(header);
        let word = text.split(' ').nth(2).and_then(|word| word.parse::<IpAddr>().ok());
        assert_eq!(word.map(|word| word.to_canonical()), Some(address));
    }
}

fn forwarded(data: &[u8]) {
    let Some(([which, own], value)) = data.split_first_chunk::<2>() else { return };
    let header = if which & 1 == 0 { ForwardedHeader::XForwardedFor } else { ForwardedHeader::Forwarded };
    let networks = ["10.0.0.0/8", "2001:db8::/32"].into_iter().filter_map(Cidr::parse).collect();
    let rules = ProxyRules { networks, header: Some(header), protocol: None };
    let name = match header {
        ForwardedHeader::XForwardedFor => HeaderName::from_static("x-forwarded-for"),
        ForwardedHeader::Forwarded => FORWARDED,
    };
    let ask = |source: [u8; 4], lines: &[&[u8]]| {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(name.clone(), HeaderValue::from_bytes(line).ok()?);
        }
        Some(origin(&rules, IpAddr::V4(Ipv4Addr::from(source)), &headers))
    };
    let stranger = [192, 0, 2, *own];
    if ask([10, 0, 0, *own], &[value]).is_none() {
        return;
    }
    assert_eq!(ask(stranger, &[value]), Some(Ok(IpAddr::from(stranger))), "a stranger was believed");
    // A proxy that writes a stranger's address behind what the stranger sent, as a line of its own.
    let said: &[u8] = match header {
        ForwardedHeader::XForwardedFor => b"198.51.100.9",
        ForwardedHeader::Forwarded => b"for=198.51.100.9",
    };
    let peer = Ok(IpAddr::from([198, 51, 100, 9]));
    // Only bytes that no header of ours may have refuse the request they came with.
    let readable = HeaderValue::from_bytes(value).is_ok_and(|value| value.to_str().is_ok());
    let behind = ask([10, 0, 0, 1], &[value, said]);
    assert!(behind == Some(peer) || !readable, "what a client sent moved its address");
    let joined = [value, b",", said].concat();
    let together = ask([10, 0, 0, 1], &[&joined]);
    assert!(together.is_none_or(|found| found == peer || found.is_err()), "it moved it in one line");
    if header == ForwardedHeader::XForwardedFor {
        assert!(together == Some(peer) || !readable, "what a client sent in the same line moved its address");
    }
}

fn queries(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(parent) = TraceParent::parse(text) {
        let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
        let again = format!("00-{}-{}-", hex(&parent.trace), hex(&parent.parent));
        assert!(text.starts_with(&again) && text.len() == 55, "a trace context with two spellings");
    }
    let names: &[&str] = &["limit", "cursor", "purpose"];
    let Ok(query) = Query::parse(text, &["limit", "cursor", "purpose"]) else { return };
    let given = names.iter().filter(|name| query.get(name).is_some()).count();
    assert_eq!(given, text.split('&').filter(|pair| !pair.is_empty()).count(), "a pair was passed over");
    for value in names.iter().filter_map(|name| query.get(name)) {
        assert!(!value.chars().any(char::is_control), "a control character came through");
    }
    if let Ok(limit) = query.limit() {
        assert!((1..=200).contains(&limit));
    }
}

/// The target.
pub(crate) fn run(data: &[u8]) {
    let Some((how, rest)) = data.split_first() else { return };
    match how % 4 {
        0 => heads(rest),
        1 => proxied(rest),
        2 => forwarded(rest),
        _ => queries(rest),
    }
}
