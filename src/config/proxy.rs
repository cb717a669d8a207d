//! `[proxy]`: the proxies in front of the vault, and what of theirs is believed.

use super::check::Fault;
use super::kind::is_network;
use serde::Deserialize;

/// `[proxy]`
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Proxy {
    /// Their networks; nobody else is believed.
    pub networks: Vec<String>,
    /// The header they name the client in; absent: none is believed.
    pub header: Option<ProxyHeader>,
    /// The PROXY protocol they speak, then required of them.
    pub protocol: ProxyVersion,
    /// Connections of one proxy.
    pub max_connections_per_proxy: u32,
}

impl Default for Proxy {
    fn default() -> Self {
        Self {
            networks: Vec::new(),
            header: None,
            protocol: ProxyVersion::Off,
            max_connections_per_proxy: 4_096,
        }
    }
}

/// The header a proxy names the client in.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ProxyHeader {
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded`, RFC 7239.
    Forwarded,
}

/// The version of the PROXY protocol.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ProxyVersion {
    /// None.
    Off,
    /// Text.
    V1,
    /// Binary.
    V2,
}

impl Proxy {
    /// What types alone cannot say.
    pub(in crate::config) fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (at, network) in self.networks.iter().enumerate() {
            let which = format!("entry {}", at + 1);
            if !is_network(network) {
                let advice = "is no network; write one such as 10.9.0.0/24, no bit set beyond its length";
                faults.push(("proxy.networks", format!("{which} {advice}")));
            } else if network.ends_with("/0") {
                let advice =
                    "is every address, and whoever is a proxy is believed; write where your proxies are";
                faults.push(("proxy.networks", format!("{which} {advice}")));
            }
        }
        let believed = self.header.is_some() || self.protocol != ProxyVersion::Off;
        if believed && self.networks.is_empty() {
            let advice = "names no proxy, so nothing would be believed; write their networks";
            faults.push(("proxy.networks", advice.to_owned()));
        }
        if !believed && !self.networks.is_empty() {
            let advice = "changes nothing without proxy.header or proxy.protocol; write one of them";
            faults.push(("proxy.networks", advice.to_owned()));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Settings;

    fn told(text: &str) -> Vec<String> {
        let parsed = Settings::parse(&format!("data_dir = \"x\"\n[proxy]\n{text}"));
        parsed.err().into_iter().flatten().map(|e| e.to_string()).collect()
    }

    #[test]
    fn networks_of_proxies_are_checked_and_named_by_their_place() {
        assert!(told("networks = [\"10.9.0.0/24\", \"2001:db8::/64\"]\nheader = \"forwarded\"").is_empty());
        for (bad, part) in [
            ("10.9.0.1/24", "entry 2 is no network"),
            ("10.8.0.0", "entry 2 is no network"),
            ("proxy.example", "entry 2 is no network"),
            ("0.0.0.0/0", "entry 2 is every address"),
            ("::/0", "entry 2 is every address"),
        ] {
            let errors = told(&format!("networks = [\"10.9.0.0/24\", \"{bad}\"]\nprotocol = \"v2\""));
            assert_eq!(errors.len(), 1, "{bad}");
            assert!(
                errors[0].starts_with("line 3: proxy.networks: ") && errors[0].contains(part),
                "{errors:?}"
            );
            assert!(!errors[0].contains(bad), "a value is not repeated");
        }
    }

    #[test]
    fn settings_that_would_do_nothing_are_refused() {
        assert!(told("header = \"x-forwarded-for\"")[0].contains("names no proxy"));
        assert!(told("protocol = \"v1\"")[0].contains("names no proxy"));
        assert!(told("networks = [\"10.9.0.0/24\"]")[0].contains("changes nothing"));
        for text in
            ["header = \"x-real-ip\"", "protocol = \"v3\"", "protocol = \"V1\"", "networks = \"10.9.0.0/24\""]
        {
            assert_eq!(told(text).len(), 1, "{text}");
        }
    }

    #[test]
    fn without_the_section_nobody_is_believed() {
        let proxy = Settings::parse("data_dir = \"x\"").unwrap().proxy;
        assert!(proxy.networks.is_empty() && proxy.header.is_none());
        assert_eq!(proxy.protocol, super::ProxyVersion::Off);
    }
}
