//! One delivery: a POST over plain HTTP to this machine or over TLS 1.3, within a deadline, on a connection of its own. Runs
//! on the exporter's thread only. Follows no redirect, sends no credential, reads no more of the answer than its status.

use crate::domain::Clock;
use crate::domain::endpoint::Endpoint;
use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// Most bytes of an answer that are looked at.
const ANSWER: usize = 4_096;

/// Where to, how trusted, how long.
pub(super) struct Route {
    pub(super) endpoint: Endpoint,
    pub(super) tls: Option<Arc<ClientConfig>>,
    pub(super) timeout: Duration,
    pub(super) clock: Arc<dyn Clock>,
}

/// TLS as a client, trusting the certificates of one file and no others.
pub(super) fn trust(ca: &Path) -> Result<Arc<ClientConfig>, &'static str> {
    let certificates = CertificateDer::pem_file_iter(ca).map_err(|_| "cannot be read")?;
    let mut roots = RootCertStore::empty();
    for certificate in certificates {
        let certificate = certificate.map_err(|_| "holds something that is no PEM certificate")?;
        roots.add(certificate).map_err(|_| "holds a certificate that cannot be trusted")?;
    }
    if roots.is_empty() {
        return Err("holds no certificate");
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&rustls::version::TLS13])
        .map_err(|_| "cannot be used with TLS 1.3")?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
}

/// Delivers a body; `Ok` only on an answer of 2xx.
pub(super) fn post(route: &Route, body: &[u8]) -> io::Result<()> {
    let until = route.clock.monotonic() + route.timeout;
    let left = || {
        let left = until.saturating_sub(route.clock.monotonic());
        if left.is_zero() { Err(io::Error::from(io::ErrorKind::TimedOut)) } else { Ok(left) }
    };
    let tcp = connect(route, &left)?;
    tcp.set_nodelay(true)?;
    let bound = tcp.try_clone()?;
    let within = || -> io::Result<()> {
        let left = left()?;
        bound.set_read_timeout(Some(left))?;
        bound.set_write_timeout(Some(left))
    };
    within()?;
    match &route.tls {
        None => exchange(tcp, &route.endpoint, body, &within),
        Some(tls) => {
            let name = ServerName::try_from(route.endpoint.host().to_owned()).map_err(io::Error::other)?;
            let connection = ClientConnection::new(tls.clone(), name).map_err(io::Error::other)?;
            exchange(StreamOwned::new(connection, tcp), &route.endpoint, body, &within)
        }
    }
}

/// The first of the endpoint's addresses that answers.
fn connect(route: &Route, left: &impl Fn() -> io::Result<Duration>) -> io::Result<TcpStream> {
    let mut last = io::Error::from(io::ErrorKind::NotFound);
    for address in (route.endpoint.host(), route.endpoint.port()).to_socket_addrs()?.take(8) {
        // A name of this machine must not lead elsewhere, whatever resolves it.
        if route.tls.is_none() && !address.ip().is_loopback() {
            last = io::ErrorKind::AddrNotAvailable.into();
            continue;
        }
        match TcpStream::connect_timeout(&address, left()?) {
            Ok(tcp) => return Ok(tcp),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn exchange(
    mut stream: impl Read + Write,
    to: &Endpoint,
    body: &[u8],
    within: &impl Fn() -> io::Result<()>,
) -> io::Result<()> {
    let head = format!(
        "POST {} HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
        to.path(),
        to.authority(),
        body.len()
    );
    stream.write_all(head.as_bytes())?;
    for part in body.chunks(16_384) {
        within()?;
        stream.write_all(part)?;
    }
    stream.flush()?;
    let mut answer = Vec::new();
    let mut part = [0; 512];
    while answer.len() < ANSWER && !answer.contains(&b'\n') {
        within()?;
        match stream.read(&mut part)? {
            0 => break,
            n => answer.extend(part.iter().take(n)),
        }
    }
    if is_success(&answer) { Ok(()) } else { Err(io::ErrorKind::InvalidData.into()) }
}

/// Whether a status line says 2xx.
fn is_success(answer: &[u8]) -> bool {
    let status = answer.strip_prefix(b"HTTP/1.").and_then(|rest| rest.get(2..5));
    status.is_some_and(|s| s.first() == Some(&b'2') && s.iter().all(u8::is_ascii_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_status_of_2xx_is_a_delivery() {
        for (answer, delivered) in [
            ("HTTP/1.1 200 OK\r\n", true),
            ("HTTP/1.0 202 \r\n", true),
            ("HTTP/1.1 301 Moved\r\n", false),
            ("HTTP/1.1 503 Later\r\n", false),
            ("HTTP/2 200\r\n", false),
            ("HTTP/1.1 2x0 OK", false),
            ("200", false),
            ("", false),
        ] {
            assert_eq!(is_success(answer.as_bytes()), delivered, "{answer}");
        }
    }
}
