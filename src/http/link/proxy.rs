//! The proxies this vault stands behind, by network: nobody else may say for whom a connection or request is.

use crate::vault::Cidr;
use std::net::IpAddr;

/// Which header of a proxy names the client.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ForwardedHeader {
    /// `X-Forwarded-For`.
    XForwardedFor,
    /// `Forwarded` (RFC 7239).
    Forwarded,
}

/// Which header of the PROXY protocol a proxy sends before TLS.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ProxyProtocol {
    /// The one line of text.
    V1,
    /// The binary one.
    V2,
}

/// What holds for connections from proxies. The default knows none.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct ProxyRules {
    /// Their networks.
    pub networks: Vec<Cidr>,
    /// The header they write; `None`: no header is believed.
    pub header: Option<ForwardedHeader>,
    /// The protocol they speak, then required of them; `None`: none.
    pub protocol: Option<ProxyProtocol>,
}

impl ProxyRules {
    /// Whether the address is one of a proxy.
    pub fn trusts(&self, address: IpAddr) -> bool {
        self.networks.iter().any(|network| network.contains(address))
    }
}
