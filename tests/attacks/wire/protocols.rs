//! A07: HTTP/1.1 is spoken and nothing else, however the other side asks for more.

use super::tools::{figure, hear, is_sound};
use crate::client::{Target, read_answer, request};
use crate::vault::Vault;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// The preface of HTTP/2 with its settings, and frames that floods are made of.
fn http2() -> Vec<Vec<u8>> {
    let preface = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    let settings = b"\0\0\0\x04\0\0\0\0\0";
    let reset = b"\0\0\x04\x03\0\0\0\0\x01\0\0\0\x08";
    let continuation = b"\0\0\x01\x09\0\0\0\0\x01a";
    vec![
        preface.to_vec(),
        [&preface[..], settings].concat(),
        [&preface[..], &settings.repeat(2_000)].concat(),
        [&preface[..], settings, &reset.repeat(2_000)].concat(),
        [&preface[..], settings, &continuation.repeat(2_000)].concat(),
        settings.to_vec(),
    ]
}

/// What is agreed with a client that offers these protocols; `Err`: no connection.
fn agreed(vault: &Vault, offered: &[&[u8]]) -> Result<Option<Vec<u8>>, std::io::Error> {
    let ca = std::fs::read(vault.credentials["ca_cert"].as_str().unwrap()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&ca).unwrap()).unwrap();
    let mut config = ClientConfig::builder().with_root_certificates(roots).with_no_client_auth();
    config.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
    let tcp = TcpStream::connect(vault.target.address)?;
    tcp.set_read_timeout(Some(Duration::from_secs(20)))?;
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = StreamOwned::new(ClientConnection::new(Arc::new(config), name).unwrap(), tcp);
    stream.write_all(&request("GET", "/live", None, None, &[]))?;
    assert_eq!(read_answer(&mut stream)?.status, 200);
    Ok(stream.conn.alpn_protocol().map(<[u8]>::to_vec))
}

/// "Sends hostile input" in the table of attackers: what is not spoken cannot be flooded.
#[test]
fn a07_http_2_and_3_are_never_agreed_and_never_guessed() {
    let vault = Vault::start();
    let h1 = Some(b"http/1.1".to_vec());
    for offered in
        [&[&b"h2"[..], b"http/1.1"][..], &[b"http/1.1", b"h2"], &[b"h3", b"h2", b"http/1.1"], &[b"http/1.1"]]
    {
        assert_eq!(agreed(&vault, offered).unwrap(), h1, "{offered:?}");
    }
    assert_eq!(agreed(&vault, &[]).unwrap(), None);
    for alone in [&b"h2"[..], b"h2c", b"h3", b"http/1.0", b"HTTP/1.1", b"spdy/3.1", b"acme-tls/1"] {
        let said = agreed(&vault, &[alone]);
        assert!(said.is_err(), "{}: {said:?}", String::from_utf8_lossy(alone));
    }
    for bytes in http2() {
        let heard = hear(&vault.target, &bytes);
        assert!(
            heard.closed && heard.statuses.iter().all(|s| *s == 400) && heard.statuses.len() <= 1,
            "{heard:?}"
        );
    }
    let key = vault.key("storefront");
    for (upgrade, more) in [
        ("h2c", "HTTP2-Settings: AAMAAABkAAQAAP__\r\nConnection: Upgrade, HTTP2-Settings\r\n"),
        ("h2c", "Connection: upgrade\r\n"),
        ("h2", "Connection: Upgrade\r\n"),
        (
            "websocket",
            "Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n",
        ),
        ("TLS/1.2", "Connection: upgrade\r\n"),
        ("connect-ip", ""),
    ] {
        let ask = format!(
            "GET /v1/whoami HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nUpgrade: {upgrade}\r\n{more}\r\n"
        );
        let heard = hear(&vault.target, ask.as_bytes());
        assert_eq!(heard.statuses, [400], "{upgrade}");
    }
    is_sound(&vault);
}

/// Every listener is one: the metrics speak no HTTP/2 in the clear, the public pages none at all.
#[test]
fn a07_no_listener_takes_http_2_by_prior_knowledge() {
    let vault = Vault::start();
    let metrics = vault.credentials["metrics_url"].as_str().unwrap();
    let address: SocketAddr =
        metrics.strip_prefix("http://").unwrap().strip_suffix("/metrics").unwrap().parse().unwrap();
    let pages = vault.credentials["public_url"].as_str().unwrap();
    let pages = Target::new(pages, std::path::Path::new(vault.credentials["ca_cert"].as_str().unwrap()));
    let mut count = 0;
    for bytes in http2() {
        let mut tcp = TcpStream::connect(address).unwrap();
        tcp.set_read_timeout(Some(Duration::from_secs(8))).unwrap();
        let _ = tcp.write_all(&bytes);
        let mut heard = Vec::new();
        let _ = tcp.read_to_end(&mut heard);
        // A settings frame of the server would begin with its length and the type 4.
        assert!(heard.is_empty() || heard.starts_with(b"HTTP/1.1 4"), "{heard:?}");
        let public = hear(&pages, &bytes);
        assert!(public.closed && public.statuses.iter().all(|s| *s == 400), "{public:?}");
        count += 2;
    }
    is_sound(&vault);
    figure(&format!("A07: {count} prefaces refused beside the API"));
}
