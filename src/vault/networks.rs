//! Where a caller came from, by configured labels only: no look-up leaves the machine.

use crate::domain::event::NetworkFacts;
use crate::policy::Cidr;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A configured label of a network.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NetworkLabel {
    /// The network.
    pub cidr: Cidr,
    /// Its label.
    pub label: String,
    /// Its autonomous system.
    pub asn: Option<u32>,
    /// Its country.
    pub country: Option<[u8; 2]>,
}

/// All configured labels; the most specific network wins.
#[derive(Clone, Default)]
pub struct Networks(Vec<NetworkLabel>);

impl Networks {
    /// Sorts the labels, longest prefix first.
    pub fn new(mut labels: Vec<NetworkLabel>) -> Self {
        labels.sort_by_key(|l| std::cmp::Reverse(l.cidr.length));
        Self(labels)
    }
    /// What the log says of an address: its /24 or /48 and the configured facts.
    pub fn describe(&self, peer: IpAddr) -> NetworkFacts {
        let found = self.0.iter().find(|l| l.cidr.contains(peer));
        NetworkFacts {
            prefix: prefix(peer),
            label: found.map(|l| l.label.clone()),
            asn: found.and_then(|l| l.asn),
            country: found.and_then(|l| l.country),
        }
    }
}

/// The /24 or /48 of an address, as text.
pub fn prefix(peer: IpAddr) -> String {
    match peer.to_canonical() {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            format!("{}/24", Ipv4Addr::new(a, b, c, 0))
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            format!("{}/48", Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_kept_only_as_its_prefix() {
        assert_eq!(prefix("203.0.113.77".parse().unwrap()), "203.0.113.0/24");
        assert_eq!(prefix("2001:db8:1:2:3::4".parse().unwrap()), "2001:db8:1::/48");
        assert_eq!(prefix("::ffff:203.0.113.77".parse().unwrap()), "203.0.113.0/24");
    }
}
