//! The API over TLS as a transport, with client keys. Only the CA given is trusted; a proxy or the system's list is not asked.

use super::keys::ClientKeys;
use super::sender::Sender;
use super::{LinkError, Transport};
use crate::cli::Failed;
use crate::domain::io_words;
use futures_util::FutureExt;
use futures_util::future::LocalBoxFuture;
use hyper::header::{self, HeaderName, HeaderValue};
use rustls::{ClientConfig, RootCertStore, version};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// A vault at an `https://` address.
pub struct Tls {
    host: String,
    address: (String, u16),
    name: ServerName<'static>,
    connector: TlsConnector,
    keys: ClientKeys,
}

impl Tls {
    /// The vault at `url`, trusted through the CA in `ca`, called with `keys`.
    pub fn new(url: &str, ca: &Path, keys: ClientKeys) -> Result<Self, Failed> {
        let wrong = || Failed::new("write --url as https://HOST:PORT, without a path");
        let uri: hyper::Uri = url.parse().map_err(|_| wrong())?;
        let authority = uri.authority().filter(|a| !a.as_str().contains('@')).ok_or_else(wrong)?;
        if uri.scheme_str() != Some("https") || !matches!(uri.path(), "" | "/") || uri.query().is_some() {
            return Err(wrong());
        }
        let bare = authority.host().trim_start_matches('[').trim_end_matches(']').to_owned();
        let name = ServerName::try_from(bare.clone()).map_err(|_| wrong())?;
        Ok(Self {
            host: authority.to_string(),
            address: (bare, authority.port_u16().unwrap_or(443)),
            name,
            connector: TlsConnector::from(Arc::new(config(ca)?)),
            keys,
        })
    }
}

fn config(ca: &Path) -> Result<ClientConfig, Failed> {
    let refused = || Failed::new(format!("{}: holds no PEM certificate that can be read", ca.display()));
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(ca).map_err(|_| refused())? {
        roots.add(certificate.map_err(|_| refused())?).map_err(|_| refused())?;
    }
    if roots.is_empty() {
        return Err(refused());
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .map_err(|_| refused())?
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

impl Transport for Tls {
    fn connect(&self) -> LocalBoxFuture<'_, Result<Sender, LinkError>> {
        async move {
            let (host, port) = &self.address;
            let tcp = TcpStream::connect((host.as_str(), *port)).await;
            let tcp = tcp.map_err(|e| LinkError::Unreachable(io_words(e.kind())))?;
            // Small requests go out at once; a connection that refuses the option works all the same.
            let _undelayed = tcp.set_nodelay(true).is_ok();
            let tls = self.connector.connect(self.name.clone(), tcp).await.map_err(|e| match e.kind() {
                std::io::ErrorKind::InvalidData => LinkError::Tls,
                _ => LinkError::Broken,
            })?;
            Sender::over(tls).await
        }
        .boxed_local()
    }
    fn credential(&self, client: Option<&str>) -> Result<Option<(HeaderName, HeaderValue)>, LinkError> {
        let client = client.ok_or(LinkError::LocalOnly)?;
        let no_key = || LinkError::NoKey(client.to_owned());
        let key = self.keys.of(client).ok_or_else(no_key)?;
        // EXPOSE: sent to the vault it belongs to; marked, so that nothing prints it.
        let mut value = HeaderValue::from_str(&format!("Bearer {}", key.expose())).map_err(|_| no_key())?;
        value.set_sensitive(true);
        Ok(Some((header::AUTHORIZATION, value)))
    }
    fn host(&self) -> &str {
        &self.host
    }
    fn is_local(&self) -> bool {
        false
    }
}
