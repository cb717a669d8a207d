//! A server on loopback over real TLS, talked to with a raw client.

mod limits;
mod units;

use super::*;
use crate::domain::Entropy;
use crate::domain::entropy::OsEntropy;
use crate::http::tls::{generate_development_certificate, server_config};
use actix_web::dev::ServerHandle;
use actix_web::http::StatusCode;
use actix_web::web::{self, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
struct Command {
    purpose: String,
}

const LIMITS: BodyLimits = BodyLimits {
    max_bytes: 1_000,
    deadline: Duration::from_millis(1_500),
    grace: Duration::from_millis(400),
    min_rate: 500,
};

async fn echo(
    request: HttpRequest,
    mut payload: Payload,
) -> Result<HttpResponse, crate::http::problem::Problem> {
    let body = json_body(&request, &mut payload, &LIMITS).await?;
    // EXPOSE: a test body.
    let command: Command = crate::http::json::parse(body.expose())?;
    Ok(json_reply(
        StatusCode::OK,
        ZeroingBody::new(format!("{{\"got\":{}}}", command.purpose.len()).into_bytes()),
    ))
}

async fn listing(request: HttpRequest) -> Result<HttpResponse, crate::http::problem::Problem> {
    let query = Query::parse(request.query_string(), &["limit"])?;
    let peer = peer(&request).unwrap().ip();
    Ok(HttpResponse::Ok().body(format!("{} {peer}", query.limit()?)))
}

fn routes(config: &mut ServiceConfig) {
    config
        .service(resource("/echo", "POST").route(web::post().to(echo)))
        .service(resource("/list", "GET").route(web::get().to(listing)))
        .service(resource("/framework", "POST").route(web::post().to(|_: web::Json<Command>| async { "" })))
        .service(resource("/n/{number}", "GET").route(web::get().to(|_: web::Path<u8>| async { "" })));
}

struct Rig {
    address: SocketAddr,
    handle: ServerHandle,
    trust: CertificateDer<'static>,
}

fn rig_with(settings: &ServerSettings) -> Rig {
    let dir = tempfile::tempdir().unwrap();
    let files = generate_development_certificate(dir.path()).unwrap();
    let tls = server_config(&files.certificate, &files.key).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let entropy: EntropyFactory = Arc::new(|| Box::new(OsEntropy) as Box<dyn Entropy>);
    let server = serve(vec![listener], &tls, settings, entropy, routes).unwrap();
    let handle = server.handle();
    actix_web::rt::spawn(server);
    Rig { address, handle, trust: CertificateDer::from_pem_file(&files.ca).unwrap() }
}

fn rig() -> Rig {
    rig_with(&ServerSettings {
        workers: 1,
        shutdown_timeout: Duration::from_secs(1),
        ..ServerSettings::default()
    })
}

impl Rig {
    async fn connect(&self, alpn: &[&[u8]]) -> TlsStream<TcpStream> {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(self.trust.clone()).unwrap();
        let mut config = rustls::ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
        config.alpn_protocols = alpn.iter().map(|p| p.to_vec()).collect();
        let socket = TcpStream::connect(self.address).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, socket).await.unwrap()
    }

    /// Sends bytes on a connection of its own and reads one reply.
    async fn send(&self, request: &str) -> String {
        let mut stream = self.connect(&[b"http/1.1"]).await;
        stream.write_all(request.as_bytes()).await.unwrap();
        reply(&mut stream).await
    }
    async fn get(&self, path: &str) -> String {
        self.send(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n")).await
    }
    async fn post(&self, path: &str, headers: &str, body: &str) -> String {
        let length = body.len();
        let head =
            format!("POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {length}\r\n{headers}\r\n");
        self.send(&(head + body)).await
    }
}

/// Reads until a whole reply is there (by its length) or the server closes.
async fn reply(stream: &mut TlsStream<TcpStream>) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        let text = String::from_utf8_lossy(&bytes).to_string();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = header(head, "content-length").and_then(|l| l.parse::<usize>().ok()).unwrap_or(0);
            if body.len() >= length {
                return text;
            }
        }
        match tokio::time::timeout(Duration::from_secs(20), stream.read(&mut buffer)).await.expect("no reply")
        {
            Ok(0) | Err(_) => return text,
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
        }
    }
}

fn header<'a>(reply: &'a str, name: &str) -> Option<&'a str> {
    let head = reply.split("\r\n\r\n").next()?;
    head.lines().skip(1).find_map(|line| {
        let (n, value) = line.split_once(':')?;
        n.eq_ignore_ascii_case(name).then(|| value.trim())
    })
}

fn status(reply: &str) -> u16 {
    reply.split(' ').nth(1).and_then(|s| s.parse().ok()).unwrap_or(0)
}

/// Status and code of a reply that must be a problem with all that belongs to one.
fn problem(reply: &str) -> (u16, String) {
    assert_eq!(header(reply, "content-type"), Some("application/problem+json"), "{reply}");
    let body = reply.split_once("\r\n\r\n").unwrap().1;
    let json: serde_json::Value = serde_json::from_str(body).unwrap();
    assert_eq!(json["request_id"].as_str(), header(reply, "x-request-id"));
    assert_eq!(json["status"].as_u64(), Some(u64::from(status(reply))));
    (status(reply), json["code"].as_str().unwrap().to_owned())
}

const JSON: &str = "Content-Type: application/json\r\n";
