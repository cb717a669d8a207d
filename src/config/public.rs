//! `[public]`: the listener for unsubscribe links and the privacy notice. Off until an address is written.

use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;

/// `[public]`
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Public {
    /// Address and port; absent: no listener.
    pub address: Option<SocketAddr>,
    /// Where people reach it, such as `https://mail.example.org`; links are made with it.
    pub url: Option<String>,
    /// Certificate chain of its own, PEM; absent: that of `[tls]`.
    pub certificate: Option<PathBuf>,
    /// Its key, PEM, mode 0600.
    pub key: Option<PathBuf>,
    /// No TLS, for a proxy on this machine that ends it; loopback only.
    pub plain: bool,
}

/// Longest URL that leaves room for the link in a mail header.
const MAX_URL: usize = 200;

/// A base URL that links are appended to: scheme, host, port, and a plain path at most. Nothing that needs an escape in a
/// header or in JSON.
fn is_base(url: &str) -> bool {
    let Some(rest) = url.strip_prefix("https://") else { return false };
    let host = rest.split('/').next().unwrap_or("");
    let plain =
        |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'/' | b'[' | b']' | b'_');
    url.len() <= MAX_URL && !host.is_empty() && rest.bytes().all(plain) && !rest.contains("//")
}

/// Every fault: key and what to write instead.
pub(in crate::config) fn faults(public: &Public) -> Vec<(&'static str, &'static str)> {
    let mut faults = Vec::new();
    if public.url.as_deref().is_some_and(|url| !is_base(url)) {
        faults.push((
            "public.url",
            "write https:// and the host people reach, such as https://mail.example.org",
        ));
    }
    if public.address.is_some() && public.url.is_none() {
        faults.push(("public.url", "is missing beside public.address; links are made with it"));
    }
    match (&public.certificate, &public.key) {
        (None, Some(_)) => {
            faults.push(("public.certificate", "is missing beside public.key; write both or neither"))
        }
        (Some(_), None) => {
            faults.push(("public.key", "is missing beside public.certificate; write both or neither"))
        }
        (Some(_), Some(_)) if public.plain => faults
            .push(("public.plain", "is for a listener without TLS; leave out certificate and key, or this")),
        _ => {}
    }
    if public.plain && public.address.is_some_and(|address| !address.ip().is_loopback()) {
        faults.push(("public.address", "without TLS on loopback only; write 127.0.0.1, or leave out plain"));
    }
    faults
}

#[cfg(test)]
mod tests {
    use super::super::Settings;
    use super::is_base;

    fn keys(section: &str) -> Vec<String> {
        match Settings::parse(&format!("data_dir = \"/d\"\n[public]\n{section}")) {
            Ok(_) => Vec::new(),
            Err(errors) => errors.into_iter().map(|e| e.key).collect(),
        }
    }

    #[test]
    fn the_public_listener_is_off_by_default_and_wants_to_know_its_url() {
        assert_eq!(Settings::parse("data_dir = \"/d\"").unwrap().public.address, None);
        assert_eq!(keys("address = \"0.0.0.0:443\""), ["public.url"]);
        assert!(keys("address = \"0.0.0.0:443\"\nurl = \"https://mail.example.org\"").is_empty());
        assert!(keys("url = \"https://mail.example.org\"").is_empty(), "another node may serve it");
    }

    #[test]
    fn without_tls_it_stays_on_loopback() {
        let url = "url = \"https://m.example.org\"\nplain = true\n";
        assert_eq!(keys(&format!("{url}address = \"0.0.0.0:80\"")), ["public.address"]);
        assert!(keys(&format!("{url}address = \"127.0.0.1:80\"")).is_empty());
        assert_eq!(keys(&format!("{url}certificate = \"/c\"\nkey = \"/k\"")), ["public.plain"]);
        assert_eq!(keys("certificate = \"/c\""), ["public.key"]);
    }

    #[test]
    fn a_url_is_a_plain_https_base() {
        for good in ["https://mail.example.org", "https://m.example.org:8443/privacy/", "https://[::1]:9"] {
            assert!(is_base(good), "{good}");
        }
        for bad in [
            "http://m.example.org",
            "https://",
            "https:///u",
            "https://m.example.org/?a",
            "https://a\"b",
            "https://a>b",
            "https://a b",
            "m.example.org",
            "https://m//u",
        ] {
            assert!(!is_base(bad), "{bad}");
        }
    }
}
