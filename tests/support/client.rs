//! A small HTTP/1.1 client over rustls: it sends exactly what it is told, also what no proper client would.

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

pub(crate) type Tls = StreamOwned<ClientConnection, TcpStream>;

#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) address: SocketAddr,
    config: Arc<ClientConfig>,
    roots: RootCertStore,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v.as_str())
    }
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }
    pub(crate) fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }
}

impl Target {
    pub(crate) fn new(base: &str, ca: &Path) -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_file_iter(ca).unwrap() {
            roots.add(certificate.unwrap()).unwrap();
        }
        let mut config = ClientConfig::builder().with_root_certificates(roots.clone()).with_no_client_auth();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let address = base.strip_prefix("https://").unwrap().parse().unwrap();
        Self { address, config: Arc::new(config), roots }
    }

    /// The same server, to be met with a client certificate.
    pub(crate) fn with(&self, identity: &crate::pki::Identity) -> Self {
        let builder = ClientConfig::builder().with_root_certificates(self.roots.clone());
        let config = builder.with_client_auth_cert(identity.chain.clone(), identity.key.clone_key()).unwrap();
        Self { config: Arc::new(config), ..self.clone() }
    }

    /// The same server, to be trusted by another root.
    pub(crate) fn trusting(&self, ca: &str) -> Self {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(ca.as_bytes()).unwrap()).unwrap();
        let config = ClientConfig::builder().with_root_certificates(roots.clone()).with_no_client_auth();
        Self { address: self.address, config: Arc::new(config), roots }
    }

    /// A TLS connection over a socket that is there already.
    pub(crate) fn over(&self, tcp: TcpStream) -> Tls {
        tcp.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        StreamOwned::new(ClientConnection::new(self.config.clone(), name).unwrap(), tcp)
    }

    pub(crate) fn connect(&self) -> Tls {
        let tcp = TcpStream::connect(self.address).unwrap();
        tcp.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        tcp.set_nodelay(true).unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        StreamOwned::new(ClientConnection::new(self.config.clone(), name).unwrap(), tcp)
    }

    /// Sends bytes as they are and reads one answer.
    pub(crate) fn raw(&self, bytes: &[u8]) -> Answer {
        let mut stream = self.connect();
        stream.write_all(bytes).unwrap();
        read_answer(&mut stream).unwrap()
    }

    pub(crate) fn send(&self, method: &str, path: &str, key: Option<&str>, body: Option<&str>) -> Answer {
        self.send_with(method, path, key, body, &[])
    }

    pub(crate) fn send_with(
        &self,
        method: &str,
        path: &str,
        key: Option<&str>,
        body: Option<&str>,
        headers: &[(&str, &str)],
    ) -> Answer {
        let mut stream = self.connect();
        stream.write_all(&request(method, path, key, body, headers)).unwrap();
        read_answer(&mut stream).unwrap()
    }
}

/// The bytes of a proper request.
pub(crate) fn request(
    method: &str,
    path: &str,
    key: Option<&str>,
    body: Option<&str>,
    headers: &[(&str, &str)],
) -> Vec<u8> {
    let mut text = format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n");
    if let Some(key) = key {
        text.push_str(&format!("Authorization: Bearer {key}\r\n"));
    }
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if let Some(body) = body {
        let has_type = headers.iter().any(|(n, _)| n.eq_ignore_ascii_case("content-type"));
        if !has_type {
            text.push_str("Content-Type: application/json\r\n");
        }
        text.push_str(&format!("Content-Length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    text.push_str(body.unwrap_or(""));
    text.into_bytes()
}

/// Reads one answer with a `Content-Length`, in chunks, or without a body.
pub(crate) fn read_answer(stream: &mut impl Read) -> std::io::Result<Answer> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        if stream.read(&mut byte)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        head.push(byte[0]);
        assert!(head.len() < 65_536);
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<(String, String)> =
        lines.filter_map(|l| l.split_once(": ")).map(|(n, v)| (n.to_owned(), v.to_owned())).collect();
    let chunked = headers.iter().any(|(n, v)| n.eq_ignore_ascii_case("transfer-encoding") && v == "chunked");
    if chunked {
        return Ok(Answer { status, headers, body: read_chunks(stream)? });
    }
    let length = headers
        .iter()
        .find(|(n, _)| n.eq_ignore_ascii_case("content-length"))
        .map_or(0, |(_, v)| v.parse().unwrap());
    let mut body = vec![0; length];
    stream.read_exact(&mut body)?;
    Ok(Answer { status, headers, body })
}

/// Reads chunks up to the last, empty one.
fn read_chunks(stream: &mut impl Read) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let size = usize::from_str_radix(read_line(stream)?.trim(), 16).unwrap();
        let mut chunk = vec![0; size];
        stream.read_exact(&mut chunk)?;
        assert_eq!(read_line(stream)?, "\r\n");
        if size == 0 {
            return Ok(body);
        }
        body.extend_from_slice(&chunk);
    }
}

/// A line with its end.
pub(crate) fn read_line(stream: &mut impl Read) -> std::io::Result<String> {
    let mut line = Vec::new();
    while !line.ends_with(b"\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        line.push(byte[0]);
    }
    Ok(String::from_utf8(line).unwrap())
}

/// A socket from another address of this machine.
pub(crate) fn socket_from(source: std::net::Ipv4Addr, to: SocketAddr) -> TcpStream {
    use rustix::net::{AddressFamily, SocketType, bind, connect, socket};
    let made = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
    bind(&made, &SocketAddr::from((source, 0))).unwrap();
    connect(&made, &to).unwrap();
    TcpStream::from(made)
}

/// A kept connection for many requests.
pub(crate) struct Session {
    stream: Tls,
    key: String,
}

impl Session {
    pub(crate) fn new(target: &Target, key: &str) -> Self {
        Self { stream: target.connect(), key: key.to_owned() }
    }
    pub(crate) fn try_call(
        &mut self,
        method: &str,
        path: &str,
        body: Option<&str>,
    ) -> std::io::Result<Answer> {
        self.stream.write_all(&request(method, path, Some(&self.key), body, &[]))?;
        read_answer(&mut self.stream)
    }
    pub(crate) fn call(&mut self, method: &str, path: &str, body: Option<&str>) -> Answer {
        self.try_call(method, path, body).unwrap()
    }
}
