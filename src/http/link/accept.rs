//! From an accepted socket to a TLS connection: the peer's cap, the proxy's header, the handshake. All within one deadline,
//! and whatever fails is counted without a word of what was sent.

use super::caps::{Caps, Slot};
use super::facts::Link;
use super::proxy::ProxyRules;
use super::proxy_protocol;
use super::stream::Wire;
use crate::http::tls::Live;
use rustls::CertificateError;
use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;

/// Counts and times of connections.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct LinkLimits {
    /// Connections of one peer.
    pub per_peer: u32,
    /// Connections of one address that is a proxy's.
    pub per_proxy: u32,
    /// Age from which a connection is closed after its next reply; half a minute later in any case.
    pub max_age: Duration,
}

impl Default for LinkLimits {
    fn default() -> Self {
        Self { per_peer: 512, per_proxy: 4_096, max_age: Duration::from_secs(3_600) }
    }
}

/// Why a connection came to nothing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Refused {
    /// Its peer has too many.
    PeerCap,
    /// Its proxy has too many.
    ProxyCap,
    /// A proxy sent no PROXY header, or not one of the configured version.
    ProxyHeader,
    /// The client certificate stood at the handshake and no longer does.
    Cut,
    /// The handshake took too long, or the handshakes under way left no room.
    Timeout,
    /// No TLS, or none this vault speaks.
    Protocol,
    /// The client went away.
    Closed,
    /// The client certificate has expired or is not valid yet.
    CertificateExpired,
    /// It is revoked.
    CertificateRevoked,
    /// Its revocation cannot be told: no list, or one that has expired.
    RevocationUnknown,
    /// It is of an authority this vault does not know.
    CertificateAuthority,
    /// It is not for clients.
    CertificatePurpose,
    /// It names no client, or more than one.
    CertificateName,
}

impl Refused {
    /// Every reason.
    pub const ALL: [Self; 13] = [
        Self::PeerCap,
        Self::ProxyCap,
        Self::ProxyHeader,
        Self::Cut,
        Self::Timeout,
        Self::Protocol,
        Self::Closed,
        Self::CertificateExpired,
        Self::CertificateRevoked,
        Self::RevocationUnknown,
        Self::CertificateAuthority,
        Self::CertificatePurpose,
        Self::CertificateName,
    ];
    /// Its name in metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::PeerCap => "peer_cap",
            Self::ProxyCap => "proxy_cap",
            Self::ProxyHeader => "proxy_header",
            Self::Cut => "certificate_fell",
            Self::Timeout => "timeout",
            Self::Protocol => "protocol",
            Self::Closed => "closed",
            Self::CertificateExpired => "certificate_expired",
            Self::CertificateRevoked => "certificate_revoked",
            Self::RevocationUnknown => "revocation_unknown",
            Self::CertificateAuthority => "certificate_authority",
            Self::CertificatePurpose => "certificate_purpose",
            Self::CertificateName => "certificate_name",
        }
    }
    /// A failed handshake, rather than a connection that never got so far or got further.
    pub fn in_handshake(self) -> bool {
        !matches!(self, Self::PeerCap | Self::ProxyCap | Self::ProxyHeader | Self::Cut)
    }
    /// A client certificate was shown and not taken.
    pub fn is_certificate(self) -> bool {
        self.in_handshake() && !matches!(self, Self::Timeout | Self::Protocol | Self::Closed)
    }
}

/// Where connections are counted (this room may not know the registry).
pub trait LinkMeter: Send + Sync {
    /// A connection from here came to nothing.
    fn refused(&self, from: IpAddr, why: Refused);
}

/// What all connections of a listener share.
pub struct Links {
    pub(super) live: Arc<Live>,
    pub(super) rules: ProxyRules,
    pub(super) limits: LinkLimits,
    pub(super) caps: Arc<Caps>,
    pub(super) meter: Option<Arc<dyn LinkMeter>>,
}

impl Links {
    /// Connections under this material, these rules and limits.
    pub fn new(
        live: Arc<Live>,
        rules: ProxyRules,
        limits: LinkLimits,
        meter: Option<Arc<dyn LinkMeter>>,
    ) -> Arc<Self> {
        Arc::new(Self { live, rules, limits, caps: Arc::default(), meter })
    }

    /// Connections open now.
    pub fn open(&self) -> u64 {
        self.caps.open()
    }

    pub(super) fn count(&self, from: IpAddr, why: Refused) {
        if let Some(meter) = &self.meter {
            meter.refused(from, why);
        }
    }

    /// Makes a connection of a socket, or drops it.
    pub(super) async fn accept(
        self: &Arc<Self>,
        socket: TcpStream,
        handshakes: &Semaphore,
        deadline: Duration,
    ) -> Result<Wire, Refused> {
        let Ok(peer) = socket.peer_addr() else { return Err(Refused::Closed) };
        // Whom the connection is for, as far as is known yet.
        let from = Cell::new(peer.ip().to_canonical());
        let made = async {
            let slot = self.admit(from.get())?;
            let made = timeout(deadline, self.handshake(socket, (peer, &from), handshakes)).await;
            made.unwrap_or(Err(Refused::Timeout)).map(|made| (slot, made))
        };
        let (slot, (tls, link, second)) = made.await.inspect_err(|why| self.count(from.get(), *why))?;
        Ok(Wire::new(tls, Rc::new(link), Arc::clone(self), (slot, second)))
    }

    fn admit(&self, from: IpAddr) -> Result<Slot, Refused> {
        let (most, why) = if self.rules.trusts(from) {
            (self.limits.per_proxy, Refused::ProxyCap)
        } else {
            (self.limits.per_peer, Refused::PeerCap)
        };
        self.caps.admit(from, most).ok_or(why)
    }

    async fn handshake(
        self: &Arc<Self>,
        mut socket: TcpStream,
        (peer, from): (SocketAddr, &Cell<IpAddr>),
        handshakes: &Semaphore,
    ) -> Result<(tokio_rustls::server::TlsStream<TcpStream>, Link, Option<Slot>), Refused> {
        let _one = handshakes.acquire().await.map_err(|_| Refused::Timeout)?;
        // Small replies leave at once.
        let _fast = socket.set_nodelay(true).is_ok();
        let named = match self.rules.protocol.filter(|_| self.rules.trusts(from.get())) {
            Some(version) => {
                proxy_protocol::read(&mut socket, version).await.map_err(|_| Refused::ProxyHeader)?
            }
            None => None,
        };
        from.set(named.unwrap_or(from.get()));
        // Whom a proxy connects for has a cap of his own, wherever he comes in.
        let second = named.map(|source| self.admit(source)).transpose()?;
        let mut link = Link::new(Arc::clone(self), peer, from.get());
        let material = self.live.current();
        let acceptor = TlsAcceptor::from(Arc::clone(&material.config));
        let tls = acceptor.accept(socket).await.map_err(|error| kind(&error))?;
        if let Some(chain) = tls.get_ref().1.peer_certificates() {
            let chain = chain.iter().map(|c| c.clone().into_owned()).collect();
            if !link.prove(chain, &material) {
                return Err(Refused::Cut);
            }
        }
        Ok((tls, link, second))
    }
}

/// What a failed handshake is counted as.
fn kind(error: &std::io::Error) -> Refused {
    use CertificateError as C;
    let Some(inner) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return Refused::Closed;
    };
    let rustls::Error::InvalidCertificate(fault) = inner else { return Refused::Protocol };
    match fault {
        C::Expired | C::ExpiredContext { .. } | C::NotValidYet | C::NotValidYetContext { .. } => {
            Refused::CertificateExpired
        }
        C::Revoked => Refused::CertificateRevoked,
        C::UnknownRevocationStatus | C::ExpiredRevocationList | C::ExpiredRevocationListContext { .. } => {
            Refused::RevocationUnknown
        }
        C::InvalidPurpose | C::InvalidPurposeContext { .. } => Refused::CertificatePurpose,
        C::ApplicationVerificationFailure => Refused::CertificateName,
        _ => Refused::CertificateAuthority,
    }
}
