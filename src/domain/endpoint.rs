//! Where the process may send something of itself: plain HTTP to this machine, or HTTPS. Anything else is no endpoint, so
//! that nothing leaves the machine in the clear by a slip in a setting.

use serde::{Deserialize, Deserializer, de};
use std::net::IpAddr;

/// An address of HTTP on loopback, or of HTTPS.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Endpoint {
    https: bool,
    host: String,
    port: u16,
    path: String,
}

impl Endpoint {
    /// Reads `http://127.0.0.1:4318/v1/traces` or `https://host/path`; no user, query or fragment.
    pub fn parse(text: &str) -> Option<Self> {
        let (scheme, rest) = text.split_once("://")?;
        let https = match scheme {
            "http" => false,
            "https" => true,
            _ => return None,
        };
        let (authority, path) = match rest.find('/') {
            Some(at) => rest.split_at_checked(at)?,
            None => (rest, "/"),
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '/' | '-' | '_' | '.' | '~');
        if !path.chars().all(plain) || path.len() > 1_024 {
            return None;
        }
        let (host, port) = split(authority)?;
        let port = match port {
            None if https => 443,
            None => 80,
            Some(port) => port.parse().ok().filter(|port| *port > 0)?,
        };
        let loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback());
        let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '.');
        let is_name = !host.is_empty() && host.len() <= 253 && host.chars().all(named);
        let fits = (is_name || host.parse::<IpAddr>().is_ok()) && (https || loopback);
        fits.then(|| Self { https, host: host.to_owned(), port, path: path.to_owned() })
    }

    /// Whether TLS is spoken.
    pub fn is_https(&self) -> bool {
        self.https
    }
    /// Name or IP address, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }
    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }
    /// The path, `/` at least.
    pub fn path(&self) -> &str {
        &self.path
    }
    /// Host and port as a `Host` header writes them.
    pub fn authority(&self) -> String {
        if self.host.contains(':') {
            format!("[{}]:{}", self.host, self.port)
        } else {
            format!("{}:{}", self.host, self.port)
        }
    }
}

/// Host without brackets, and the port if one is written.
fn split(authority: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest.split_once(']')?;
        return match after {
            "" => Some((host, None)),
            after => Some((host, Some(after.strip_prefix(':')?))),
        };
    }
    match authority.split_once(':') {
        Some((host, port)) => Some((host, Some(port))),
        None => Some((authority, None)),
    }
}

impl<'de> Deserialize<'de> for Endpoint {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let text = <std::borrow::Cow<'de, str>>::deserialize(d)?;
        Self::parse(&text).ok_or_else(|| de::Error::custom("http on loopback, or https"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine_and_https_may_leave_it() {
        for (text, authority, path) in [
            ("http://127.0.0.1:4318/v1/traces", "127.0.0.1:4318", "/v1/traces"),
            ("http://[::1]:4318/v1/traces", "[::1]:4318", "/v1/traces"),
            ("http://localhost/x", "localhost:80", "/x"),
            ("https://collector.example.org/v1/traces", "collector.example.org:443", "/v1/traces"),
            ("https://192.0.2.7:8443", "192.0.2.7:8443", "/"),
        ] {
            let endpoint = Endpoint::parse(text).unwrap();
            assert_eq!((endpoint.authority().as_str(), endpoint.path()), (authority, path));
            assert_eq!(endpoint.is_https(), text.starts_with("https"));
        }
        for text in [
            "",
            "127.0.0.1:4318",
            "http://192.0.2.7:4318/v1/traces",
            "http://collector.example.org/v1/traces",
            "http://localhost.example.org/",
            "http://127.0.0.1.example.org/",
            "ftp://127.0.0.1/",
            "https://user:secret@example.org/",
            "https://example.org/?key=secret",
            "https://example.org/#x",
            "https://example.org:0/",
            "https://example.org:99999/",
            "https:///x",
            "https://[::1/x",
            "https://a b/",
            "https://example.org/\r\nX: y",
        ] {
            assert_eq!(Endpoint::parse(text), None, "{text}");
        }
    }
}
