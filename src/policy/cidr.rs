//! IP networks, as a policy declares them for its clients.

use std::net::{IpAddr, Ipv6Addr};

/// An IP network.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Cidr {
    /// Network address.
    pub address: IpAddr,
    /// Prefix length.
    pub length: u8,
}

impl Cidr {
    /// Every IPv4 loopback address.
    pub(super) const LOOPBACK_V4: Self =
        Self { address: IpAddr::V4(std::net::Ipv4Addr::new(127, 0, 0, 0)), length: 8 };
    /// The IPv6 loopback address.
    pub(super) const LOOPBACK_V6: Self = Self { address: IpAddr::V6(Ipv6Addr::LOCALHOST), length: 128 };

    /// Reads `10.0.0.0/8`, `::1/128`; host bits must be zero.
    pub fn parse(text: &str) -> Option<Self> {
        let (address, length) = text.split_once('/')?;
        let address: IpAddr = address.parse().ok()?;
        let plain = length.bytes().all(|b| b.is_ascii_digit()) && (length == "0" || !length.starts_with('0'));
        let length: u8 = length.parse().ok().filter(|_| plain)?;
        let mapped = matches!(address, IpAddr::V6(v6) if v6.to_ipv4_mapped().is_some());
        let (bits, width) = bits(address);
        (!mapped && length <= width && bits & !mask(length, width) == 0).then_some(Self { address, length })
    }
    /// Whether the address lies inside (IPv4-mapped IPv6 counts as IPv4).
    pub fn contains(&self, address: IpAddr) -> bool {
        let (network, width) = bits(self.address);
        let (bits, other_width) = bits(address.to_canonical());
        width == other_width && bits & mask(self.length, width) == network
    }
}

impl std::fmt::Display for Cidr {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.address, self.length)
    }
}

fn bits(address: IpAddr) -> (u128, u8) {
    match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()), 32),
        IpAddr::V6(v6) => (v6.to_bits(), 128),
    }
}

/// The network bits of an address `width` bits wide.
fn mask(length: u8, width: u8) -> u128 {
    let all = u128::MAX >> (128 - u32::from(width.clamp(1, 128)));
    let host = u32::from(width.saturating_sub(length));
    all & u128::MAX.checked_shl(host).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_hold_their_addresses_and_no_others() {
        for (network, inside, outside) in [
            ("10.1.0.0/16", "10.1.255.255", "10.2.0.0"),
            ("127.0.0.0/8", "::ffff:127.0.0.1", "::1"),
            ("::1/128", "::1", "::2"),
            ("2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"),
            ("192.0.2.7/32", "192.0.2.7", "192.0.2.8"),
            ("0.0.0.0/0", "255.255.255.255", "::"),
            ("::/0", "ffff::", "1.2.3.4"),
        ] {
            let cidr = Cidr::parse(network).unwrap();
            assert!(cidr.contains(inside.parse().unwrap()), "{network} {inside}");
            assert!(!cidr.contains(outside.parse().unwrap()), "{network} {outside}");
            assert_eq!(cidr.to_string(), network);
        }
    }

    #[test]
    fn what_is_not_a_network_is_refused() {
        for bad in [
            "",
            "10.0.0.0",
            "10.0.0.1/8",
            "10.0.0.0/33",
            "10.0.0.0/08",
            "10.0.0.0/+8",
            "::1/127",
            "::/129",
            "x/8",
            "10.0.0/8",
            "::ffff:10.0.0.0/104",
            "10.0.0.0/-1",
            "10.0.0.0/ 8",
            "10.0.0.0/",
        ] {
            assert!(Cidr::parse(bad).is_none(), "{bad}");
        }
    }
}
