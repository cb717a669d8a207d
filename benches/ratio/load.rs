//! The load generator: keep-alive HTTP/1.1 over TLS 1.3, one request in flight a connection, as little parsing as will do.

use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject};
use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::net::{SocketAddr, ToSocketAddrs};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

/// A server to talk to.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    pub(crate) host: String,
    pub(crate) name: ServerName<'static>,
    pub(crate) tls: TlsConnector,
    roots: rustls::RootCertStore,
}

impl Target {
    /// From `https://host:port` and the certificate that vouches for it.
    pub(crate) fn new(base_url: &str, ca: &Path) -> Result<Self> {
        let host = base_url.trim_start_matches("https://").trim_end_matches('/').to_owned();
        let address = host.to_socket_addrs()?.next().ok_or(ErrorKind::NotFound)?;
        let bare = host.rsplit_once(':').map_or(host.as_str(), |(name, _)| name).to_owned();
        let mut roots = rustls::RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(ca).map_err(Error::other)? {
            roots.add(certificate.map_err(Error::other)?).map_err(Error::other)?;
        }
        let config = rustls::ClientConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
            .with_root_certificates(roots.clone())
            .with_no_client_auth();
        let name = ServerName::try_from(bare).map_err(Error::other)?;
        Ok(Self { address, host, name, tls: TlsConnector::from(Arc::new(config)), roots })
    }

    /// The same, showing a client certificate; nothing is resumed, so that every handshake is a full one.
    pub(crate) fn showing(
        &self,
        certificate: &CertificateDer<'static>,
        key: &rustls_pki_types::PrivateKeyDer<'static>,
    ) -> Result<Self> {
        let mut config = rustls::ClientConfig::builder_with_protocol_versions(&[&rustls::version::TLS13])
            .with_root_certificates(self.roots.clone())
            .with_client_auth_cert(vec![certificate.clone()], key.clone_key())
            .map_err(Error::other)?;
        config.resumption = rustls::client::Resumption::disabled();
        Ok(Self { tls: TlsConnector::from(Arc::new(config)), ..self.clone() })
    }
}

/// One connection.
struct Connection {
    stream: TlsStream<TcpStream>,
    buffer: Vec<u8>,
}

/// A reply: its status and where its body lies in the buffer.
struct Reply {
    status: u16,
    body: std::ops::Range<usize>,
}

impl Connection {
    async fn open(target: &Target) -> Result<Self> {
        let tcp = TcpStream::connect(target.address).await?;
        tcp.set_nodelay(true)?;
        let stream = target.tls.connect(target.name.clone(), tcp).await?;
        Ok(Self { stream, buffer: Vec::with_capacity(64 * 1024) })
    }

    async fn exchange(&mut self, request: &[u8]) -> Result<Reply> {
        self.stream.write_all(request).await?;
        self.stream.flush().await?;
        self.buffer.clear();
        loop {
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(ErrorKind::UnexpectedEof.into());
            }
            let Some((status, start, length)) = head(&self.buffer) else { continue };
            let end = match length {
                Some(length) => start + length,
                None if self.buffer.ends_with(LAST_CHUNK) => self.buffer.len(),
                None => continue,
            };
            if self.buffer.len() >= end {
                return Ok(Reply { status, body: start..end });
            }
        }
    }
}

/// Whether a reply says no inside a 200: an item that failed, a password that did not match, nothing found.
fn refuses(body: &[u8]) -> bool {
    let text = std::str::from_utf8(body).unwrap_or("\"error\"");
    ["\"error\":", "\"valid\":false", "\"records\":[]", "\"done\":false"]
        .iter()
        .any(|mark| text.contains(mark))
}

/// How a reply in chunks ends.
const LAST_CHUNK: &[u8] = b"\r\n0\r\n\r\n";

/// Status, start of the body and its length (`None`: in chunks), once the head is complete.
fn head(bytes: &[u8]) -> Option<(u16, usize, Option<usize>)> {
    let end = bytes.windows(4).position(|w| w == b"\r\n\r\n")?;
    let text = std::str::from_utf8(&bytes[..end]).ok()?;
    let status = text.get(9..12)?.parse().ok()?;
    let length = text
        .lines()
        .find_map(|line| line.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("content-length")))
        .and_then(|(_, value)| value.trim().parse().ok());
    let chunked = text.to_ascii_lowercase().contains("transfer-encoding: chunked");
    Some((status, end + 4, length.or(if chunked { None } else { Some(0) })))
}

/// Writes the n-th request into the buffer.
pub(crate) type Make = Arc<dyn Fn(u64, &mut Vec<u8>) + Send + Sync>;

/// When to stop.
#[derive(Clone, Copy)]
pub(crate) enum Until {
    /// After this long.
    Elapsed(Duration),
    /// After this many requests, keeping the bodies.
    Count(u64),
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Replies with 2xx that refuse nothing inside.
    pub(crate) good: u64,
    /// Other replies, by status.
    pub(crate) bad: BTreeMap<u16, u64>,
    /// One body that was not 2xx, to say what is wrong.
    pub(crate) complaint: String,
    /// How long it took.
    pub(crate) seconds: f64,
    /// Microseconds from request to reply, sorted.
    pub(crate) latencies: Vec<u32>,
    /// Bodies by request number ([`Until::Count`] only).
    pub(crate) bodies: Vec<(u64, Vec<u8>)>,
    /// Length of the last reply's body.
    pub(crate) reply_length: usize,
}

impl Outcome {
    /// Good replies a second.
    pub(crate) fn rate(&self) -> f64 {
        self.good as f64 / self.seconds.max(1e-9)
    }

    /// The latency below which this share of the replies lies, in milliseconds.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let at = ((self.latencies.len() as f64 - 1.0) * share).max(0.0) as usize;
        f64::from(self.latencies.get(at).copied().unwrap_or(0)) / 1_000.0
    }

    fn merge(&mut self, other: Self) {
        self.good += other.good;
        for (status, count) in other.bad {
            *self.bad.entry(status).or_default() += count;
        }
        if self.complaint.is_empty() {
            self.complaint = other.complaint;
        }
        self.latencies.extend(other.latencies);
        self.bodies.extend(other.bodies);
        self.reply_length = self.reply_length.max(other.reply_length);
    }
}

/// Keeps that many connections busy until the end, and reports.
pub(crate) async fn run(target: &Target, connections: usize, until: Until, make: &Make) -> Result<Outcome> {
    let mut open = Vec::with_capacity(connections);
    for _ in 0..connections {
        open.push(Connection::open(target).await?);
    }
    let next = Arc::new(AtomicU64::new(0));
    let start = Instant::now();
    let tasks: Vec<_> = open
        .into_iter()
        .map(|connection| tokio::spawn(drive(connection, until, start, next.clone(), make.clone())))
        .collect();
    let mut whole = Outcome::default();
    for task in tasks {
        whole.merge(task.await.map_err(Error::other)??);
    }
    whole.seconds = start.elapsed().as_secs_f64();
    whole.latencies.sort_unstable();
    whole.bodies.sort_unstable_by_key(|(number, _)| *number);
    Ok(whole)
}

async fn drive(
    mut connection: Connection,
    until: Until,
    start: Instant,
    next: Arc<AtomicU64>,
    make: Make,
) -> Result<Outcome> {
    let mut outcome = Outcome::default();
    let mut request = Vec::with_capacity(64 * 1024);
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let over = match until {
            Until::Elapsed(time) => start.elapsed() >= time,
            Until::Count(count) => number >= count,
        };
        if over {
            return Ok(outcome);
        }
        request.clear();
        make(number, &mut request);
        let sent = Instant::now();
        let reply = connection.exchange(&request).await?;
        outcome.latencies.push(u32::try_from(sent.elapsed().as_micros()).unwrap_or(u32::MAX));
        let body = &connection.buffer[reply.body];
        outcome.reply_length = body.len();
        if (200..300).contains(&reply.status) && !refuses(body) {
            outcome.good += 1;
            if matches!(until, Until::Count(_)) {
                outcome.bodies.push((number, body.to_vec()));
            }
        } else {
            *outcome.bad.entry(reply.status).or_default() += 1;
            outcome.complaint = String::from_utf8_lossy(body).chars().take(200).collect();
        }
    }
}
