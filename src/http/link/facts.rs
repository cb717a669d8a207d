//! What is known of one connection: both its addresses, its client certificate while that stands, and its age.

use super::accept::Links;
use super::forwarded::{Unreadable, origin};
use crate::domain::Timestamp;
use crate::http::tls::{Material, Standing};
use crate::vault::Certificate;
use actix_web::http::header::HeaderMap;
use rustls_pki_types::CertificateDer;
use std::cell::Cell;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

/// One connection.
pub struct Link {
    links: Arc<Links>,
    /// The other end of the socket.
    socket: SocketAddr,
    /// Whom it connects for: by the PROXY protocol, else the socket's other end.
    source: IpAddr,
    born: Duration,
    proved: Option<Proved>,
}

/// A client certificate the connection proved, and when it was last found to stand.
struct Proved {
    chain: Vec<CertificateDer<'static>>,
    certificate: Certificate,
    trust_no: Cell<u64>,
    until: Cell<Timestamp>,
    fallen: Cell<bool>,
}

impl Link {
    pub(super) fn new(links: Arc<Links>, socket: SocketAddr, source: IpAddr) -> Self {
        let born = links.live.monotonic();
        Self { links, socket, source, born, proved: None }
    }

    /// Adds the chain that a handshake proved by this material; `false`: it stands no longer in the trust of now.
    pub(super) fn prove(&mut self, chain: Vec<CertificateDer<'static>>, by: &Material) -> bool {
        let live = &self.links.live;
        let trust_no = live.trust_no();
        let standing = match &by.trust {
            Some(trust) if by.trust_no == trust_no => trust.standing(&chain, live.now()),
            // The trust changed while hands were shaken.
            _ => self.judge(&chain),
        };
        let Some(standing) = standing else { return false };
        self.proved = Some(Proved {
            chain,
            certificate: standing.certificate,
            trust_no: Cell::new(trust_no),
            until: Cell::new(standing.until),
            fallen: Cell::new(false),
        });
        true
    }

    fn judge(&self, chain: &[CertificateDer<'_>]) -> Option<Standing> {
        self.links.live.current().trust.as_ref()?.judge(chain, self.links.live.now())
    }

    /// Whether the connection may go on: it showed no certificate, or one that stands in the trust of now. The whole chain is
    /// judged again after every change of the trust and when something of it ends, else remembered; what fell stays fallen.
    pub fn stands(&self) -> bool {
        let Some(proved) = &self.proved else { return true };
        let live = &self.links.live;
        let trust_no = live.trust_no();
        if !proved.fallen.get() && (proved.trust_no.get() != trust_no || live.now() >= proved.until.get()) {
            match self.judge(&proved.chain) {
                Some(standing) => {
                    proved.trust_no.set(trust_no);
                    proved.until.set(standing.until);
                }
                None => proved.fallen.set(true),
            }
        }
        !proved.fallen.get()
    }

    /// The certificate, while it stands.
    pub fn certificate(&self) -> Option<&Certificate> {
        self.proved.as_ref().map(|proved| &proved.certificate).filter(|_| self.stands())
    }

    /// When it must be looked at again for what ends by itself.
    pub(super) fn until(&self) -> Option<Timestamp> {
        self.proved.as_ref().map(|proved| proved.until.get())
    }

    /// Whether it is so old that the next reply is its last.
    pub fn is_aged(&self) -> bool {
        self.links.live.monotonic().saturating_sub(self.born) >= self.links.limits.max_age
    }

    /// The other end of the socket.
    pub fn socket(&self) -> SocketAddr {
        self.socket
    }

    /// Whom the connection is for.
    pub(super) fn source(&self) -> IpAddr {
        self.source
    }

    /// The address a request with these headers is from.
    pub fn origin(&self, headers: &HeaderMap) -> Result<IpAddr, Unreadable> {
        origin(&self.links.rules, self.source, headers)
    }
}
