//! Whom a request comes from when a proxy hands it on: the forwarded header, read from right to left, past proxies only.
//!
//! The rightmost entry was written by the proxy that connects to us, so it is as good as that proxy; an entry further left
//! counts only when everything right of it is a proxy's. A client may send what it likes: it stands left of its own address.
//! An entry that had to be believed and cannot be read refuses the request (I11).

use super::proxy::{ForwardedHeader, ProxyRules};
use actix_web::http::header::{self, HeaderMap, HeaderName};
use std::net::{IpAddr, SocketAddr};

/// More proxies in a row than anybody has.
const MAX_HOPS: usize = 32;

/// The header cannot be read where it must be believed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Unreadable;

/// The address a request is from: of `source` (the socket's other end, or whom it stands for by the PROXY protocol), unless
/// that is a proxy and the header leads further.
pub fn origin(rules: &ProxyRules, source: IpAddr, headers: &HeaderMap) -> Result<IpAddr, Unreadable> {
    let Some(header) = rules.header.filter(|_| rules.trusts(source)) else { return Ok(source) };
    let name = match header {
        ForwardedHeader::XForwardedFor => HeaderName::from_static("x-forwarded-for"),
        ForwardedHeader::Forwarded => header::FORWARDED,
    };
    let mut from = source;
    let mut hops = 0;
    let lines: Vec<&str> =
        headers.get_all(name).map(|line| line.to_str().map_err(|_| Unreadable)).collect::<Result<_, _>>()?;
    for line in lines.into_iter().rev() {
        let entries = match header {
            ForwardedHeader::XForwardedFor => line.split(',').map(str::trim).map(Some).collect(),
            ForwardedHeader::Forwarded => elements(line).ok_or(Unreadable)?,
        };
        for entry in entries.into_iter().rev() {
            hops += 1;
            from = entry.and_then(address).filter(|_| hops <= MAX_HOPS).ok_or(Unreadable)?;
            if !rules.trusts(from) {
                return Ok(from);
            }
        }
    }
    // Every hop is a proxy: the leftmost one asks for itself.
    Ok(from)
}

/// An address, with or without port: `192.0.2.1`, `192.0.2.1:80`, `2001:db8::1`, `[2001:db8::1]`, `[2001:db8::1]:80`.
fn address(text: &str) -> Option<IpAddr> {
    let bare = || text.parse::<IpAddr>().ok();
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok().map(IpAddr::V6);
    let with_port = || text.parse::<SocketAddr>().ok().map(|at| at.ip());
    bare().or_else(bracketed).or_else(with_port).map(|found| found.to_canonical())
}

/// The `for` of each element of a `Forwarded` line, from left to right; `None`: the line is not of its grammar.
fn elements(line: &str) -> Option<Vec<Option<&str>>> {
    let mut found = Vec::new();
    let mut rest = line;
    loop {
        let (node, after) = element(rest)?;
        found.push(node);
        match after.strip_prefix(',') {
            Some(more) => rest = more,
            None if after.is_empty() => return Some(found),
            None => return None,
        }
    }
}

/// One element: its `for`, and what follows it.
fn element(text: &str) -> Option<(Option<&str>, &str)> {
    let mut node = None;
    let mut rest = text.trim_start_matches([' ', '\t']);
    loop {
        if let Some(after) = rest.strip_prefix(';') {
            rest = after;
            continue;
        }
        if rest.is_empty() || rest.starts_with(',') {
            return Some((node, rest));
        }
        let (name, after) = rest.split_once('=')?;
        let (value, after) = value(after)?;
        if !name.bytes().all(is_token) || name.is_empty() {
            return None;
        }
        if name.eq_ignore_ascii_case("for") && node.replace(value).is_some() {
            return None;
        }
        rest = after.trim_start_matches([' ', '\t']);
        // Only a parameter or an element may follow: a quote that was opened for us must not swallow our proxy's entry.
        if !(rest.is_empty() || rest.starts_with([';', ','])) {
            return None;
        }
    }
}

/// A token or a quoted string without escapes (no address needs one).
fn value(text: &str) -> Option<(&str, &str)> {
    if let Some(quoted) = text.strip_prefix('"') {
        return quoted.split_once('"').filter(|(inside, _)| !inside.contains('\\'));
    }
    let end = text.bytes().position(|b| !is_token(b)).unwrap_or(text.len());
    text.split_at_checked(end).filter(|(token, _)| !token.is_empty())
}

fn is_token(b: u8) -> bool {
    b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b)
}
