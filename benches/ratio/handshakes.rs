//! Full TLS handshakes with a client certificate: a connection, one small request, the end; again and again.

use crate::load::Target;
use crate::server::{Server, vault_binary};
use crate::table::{Row, median, verdict};
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, ExtendedKeyUsagePurpose, IsCa, KeyPair,
    KeyUsagePurpose, SanType,
};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Handshakes under way at once.
const AT_ONCE: usize = 16;

/// What a client shows.
pub(crate) struct Identity {
    certificate: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

/// The row: our rate of handshakes over that of a bare server that asks for a client certificate as well.
pub(crate) async fn row(directory: &Path, rounds: usize, seconds: f64) -> Result<Row> {
    let (authority, identity) = issue(directory)?;
    let bare = Server::bare(directory, 2, Some(&authority))?;
    let vault = Server::served(directory, configured(directory, &authority)?)?;
    let (mut rates, mut costs) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let theirs = turn(&bare, &identity, "POST /16", seconds).await?;
        let ours = turn(&vault, &identity, "GET /live", seconds).await?;
        rates.push(ours.0 / theirs.0);
        costs.push(ours.1 / theirs.1);
    }
    let (rate, cost) = (median(rates), median(costs));
    vault.stop()?;
    Ok(Row {
        path: "full handshakes with a client certificate".to_owned(),
        must: "R ≥ 0.8".to_owned(),
        heroic: "R ≥ 0.9".to_owned(),
        reached: format!("R {rate:.2}, C {cost:.2}"),
        verdict: verdict(rate, 0.8, 0.9, true),
        notes: "of the bare server with client certificates".to_owned(),
    })
}

/// Handshakes a second, and processor seconds of the server for each.
async fn turn(server: &Server, identity: &Identity, line: &str, seconds: f64) -> Result<(f64, f64)> {
    let target = server.target.showing(&identity.certificate, &identity.key)?;
    let (done, before, began) = (Arc::new(AtomicU64::new(0)), server.cpu(), Instant::now());
    let until = began + Duration::from_secs_f64(seconds);
    let request =
        format!("{line} HTTP/1.1\r\nhost: {}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n", target.host);
    let tasks: Vec<_> = (0..AT_ONCE)
        .map(|_| {
            let (target, request, done) = (target.clone(), request.clone(), done.clone());
            tokio::spawn(async move {
                while Instant::now() < until {
                    once(&target, &request).await?;
                    done.fetch_add(1, Ordering::Relaxed);
                }
                Ok::<_, Error>(())
            })
        })
        .collect();
    for task in tasks {
        task.await.map_err(Error::other)??;
    }
    let count = done.load(Ordering::Relaxed).max(1) as f64;
    Ok((count / began.elapsed().as_secs_f64(), (server.cpu() - before) / count))
}

async fn once(target: &Target, request: &str) -> Result<()> {
    let tcp = TcpStream::connect(target.address).await?;
    tcp.set_nodelay(true)?;
    let mut stream = target.tls.connect(target.name.clone(), tcp).await?;
    stream.write_all(request.as_bytes()).await?;
    let mut reply = [0; 1_024];
    let read = stream.read(&mut reply).await?;
    if reply[..read].starts_with(b"HTTP/1.1 200") {
        return Ok(());
    }
    Err(Error::other(format!("refused: {}", String::from_utf8_lossy(&reply[..read.min(80)]))))
}

/// An authority (its certificate in a file) and a certificate of the client `storefront`.
fn issue(directory: &Path) -> Result<(PathBuf, Identity)> {
    let mut params = CertificateParams::default();
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().map_err(Error::other)?)
        .map_err(Error::other)?;
    let mut leaf = CertificateParams::default();
    leaf.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    leaf.subject_alt_names =
        vec![SanType::URI("strongroom:client:storefront".try_into().map_err(Error::other)?)];
    let key = KeyPair::generate().map_err(Error::other)?;
    let certificate = leaf.signed_by(&key, &issuer).map_err(Error::other)?;
    let file = directory.join("clients.pem");
    std::fs::write(&file, issuer.pem())?;
    let key = PrivateKeyDer::try_from(key.serialize_der()).map_err(Error::other)?;
    Ok((file, Identity { certificate: certificate.der().clone(), key }))
}

/// A production vault's settings, with limits out of the way.
fn configured(directory: &Path, authority: &Path) -> Result<PathBuf> {
    let (data, tls) = (directory.join("served"), directory.join("served-tls"));
    std::fs::create_dir_all(&tls)?;
    strongroom::http::tls::generate_development_certificate(&tls).map_err(Error::other)?;
    let policy = directory.join("served.policy.toml");
    let sample = include_str!("../../config/policy.toml");
    std::fs::write(
        &policy,
        sample.replace(
            "networks = [\"10.1.0.0/16\"]\nauth = [\"key\"]",
            "networks = [\"127.0.0.0/8\"]\nauth = [\"mtls\"]",
        ),
    )?;
    let made = Command::new(vault_binary())
        .args(["init", "--single-operator", "--data-dir"])
        .arg(&data)
        .arg("--policy")
        .arg(&policy)
        .stdout(Stdio::null())
        .status()?;
    if !made.success() {
        return Err(Error::other("the vault for handshakes could not be made"));
    }
    let free = || std::net::TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr());
    let text = format!(
        "data_dir = {data:?}\n[listen]\naddress = \"{}\"\n[metrics]\naddress = \"{}\"\n[tls]\ncertificate = {:?}\n\
         key = {:?}\nclient_ca = {authority:?}\n[limits]\nnetwork_requests_per_second = 1000000\nnetwork_burst = 2000000\n\
         [http]\nmax_connections_per_peer = 65536\n",
        free()?,
        free()?,
        tls.join("cert.pem"),
        tls.join("key.pem"),
    );
    let file = directory.join("served.toml");
    std::fs::write(&file, text)?;
    Ok(file)
}
