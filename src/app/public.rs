//! The public listener put together: socket, certificate, and where its links lead.

use crate::app::serve::listen;
use crate::cli::Failed;
use crate::config::Settings;
use crate::http::public::PublicListener;
use crate::http::tls;
use crate::vault::Vault;
use std::path::Path;

/// The listener that the settings ask for, if they do; the vault learns where links lead.
pub(in crate::app) fn open(
    settings: &Settings,
    vault: &Vault,
    own: &rustls::ServerConfig,
) -> Result<Option<PublicListener>, Failed> {
    let public = &settings.public;
    if let Some(url) = &public.url {
        vault.announce_public_url(url);
    }
    let Some(address) = public.address else { return Ok(None) };
    let tls = match (&public.certificate, &public.key) {
        _ if public.plain => None,
        (Some(cert), Some(key)) => Some(read(cert, key)?),
        _ => Some(own.clone()),
    };
    Ok(Some(PublicListener { listener: listen(address, "public.address")?, tls }))
}

fn read(cert: &Path, key: &Path) -> Result<rustls::ServerConfig, Failed> {
    let named = |e: tls::TlsError| Failed::new(format!("{} and {}: {e}", cert.display(), key.display()));
    tls::server_config(cert, key).map_err(named)
}

/// The listener of a development vault: loopback, any port, the development certificate. With its URL.
pub(in crate::app) fn development() -> Result<(std::net::TcpListener, String), Failed> {
    let listener = listen(([127, 0, 0, 1], 0).into(), "public address")?;
    let url = format!("https://{}", listener.local_addr()?);
    Ok((listener, url))
}
