//! IP addresses (C09): stored as their network, /24 for IPv4 and /48 for IPv6, unless the policy keeps them whole.

use super::{Invalid, Plain};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// Reads an address, or a network as [`parse`] writes it. With `full` an address stays whole.
pub(super) fn parse(typed: &str, full: bool) -> Result<Plain, Invalid> {
    read(typed.trim(), full)
        .ok_or(Invalid::whole("not_ip", "Write an IPv4 or IPv6 address, e.g. 203.0.113.7."))
}

fn read(typed: &str, full: bool) -> Option<Plain> {
    let (address, network) = match typed.split_once('/') {
        None => (typed.parse::<IpAddr>().ok()?.to_canonical(), false),
        Some((address, prefix)) => {
            let address = address.parse::<IpAddr>().ok()?;
            (prefix == prefix_of(address)).then_some((address, true))?
        }
    };
    Some(Plain::new(if full && !network { address.to_string() } else { network_of(address) }))
}

fn prefix_of(address: IpAddr) -> &'static str {
    if address.is_ipv4() { "24" } else { "48" }
}

fn network_of(address: IpAddr) -> String {
    let network = match address {
        IpAddr::V4(v4) => IpAddr::V4(Ipv4Addr::from_bits(v4.to_bits() & !0xff)),
        IpAddr::V6(v6) => IpAddr::V6(Ipv6Addr::from_bits(v6.to_bits() & (u128::MAX << 80))),
    };
    format!("{network}/{}", prefix_of(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c09_addresses_are_truncated_to_their_network() {
        for (typed, kept) in [
            ("203.0.113.77", "203.0.113.0/24"),
            (" 203.0.113.0/24 ", "203.0.113.0/24"),
            ("2001:DB8:1:2:3:4:5:6", "2001:db8:1::/48"),
            ("2001:db8:1::/48", "2001:db8:1::/48"),
            ("::ffff:203.0.113.77", "203.0.113.0/24"),
            ("::1", "::/48"),
        ] {
            assert_eq!(parse(typed, false).unwrap().as_str(), kept, "{typed}");
            assert_eq!(parse(kept, false).unwrap().as_str(), kept);
            assert_eq!(parse(kept, true).unwrap().as_str(), kept);
        }
    }

    #[test]
    fn the_policy_may_keep_addresses_whole() {
        assert_eq!(parse("203.0.113.77", true).unwrap().as_str(), "203.0.113.77");
        assert_eq!(parse("2001:DB8:0:0::6", true).unwrap().as_str(), "2001:db8::6");
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for bad in [
            "",
            "203.0.113",
            "203.0.113.256",
            "203.0.113.7:80",
            "fe80::1%eth0",
            "203.0.113.0/16",
            "2001:db8::/32",
            "x/24",
            "010.1.1.1",
            "::ffff:1.2.3.0/24",
        ] {
            assert_eq!(parse(bad, false).unwrap_err().code, "not_ip", "{bad}");
        }
    }
}
