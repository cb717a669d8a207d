//! TLS: certificate and key from PEM files, TLS 1.3 (1.2 with forward secrecy), HTTP/1.1 only, nothing resumed.
//!
//! It must never read a key that others may read, and never say in an error what a file holds. No tickets, no session store
//! and no 0-RTT: a client cut off stays cut off (theme 19), and resumption saves this server nothing.

mod client;
mod live;
mod material;

pub use client::{Standing, Trust};
pub use live::{Live, Watcher};
pub use material::{Material, TlsFiles};

use rustls::ServerConfig;
use rustls::crypto::aws_lc_rs;
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// Why TLS could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate file could not be used.
    #[error("the TLS certificate file cannot be read as PEM certificates; check `certificate`")]
    Certificate,
    /// The key file could not be used.
    #[error("the TLS key file cannot be read as one PEM private key; check `key`")]
    Key,
    /// A file could not be read at all.
    #[error("the file that `{setting}` names: {}; check the setting and the file", crate::domain::io_words(*.kind))]
    Unread {
        /// The setting.
        setting: &'static str,
        /// The code of a file that holds something else.
        code: &'static str,
        /// Why.
        kind: std::io::ErrorKind,
    },
    /// Others may read the key.
    #[error("the TLS key file must be a regular file that its owner alone may read (mode 0600 or 0400)")]
    KeyMode,
    /// They do not belong together, or the library takes neither.
    #[error("the TLS certificate and key do not belong together or are of an unsupported kind")]
    Pair,
    /// The certificate has expired.
    #[error("the TLS certificate has expired; renew it")]
    Expired,
    /// The client authorities could not be used.
    #[error("the client CA file cannot be read as PEM certificates of authorities; check `client_ca`")]
    ClientCa,
    /// The revocation lists could not be used.
    #[error(
        "the client CRL file cannot be read as PEM revocation lists with a next update; check `client_crl`"
    )]
    ClientCrl,
    /// An authority has no list.
    #[error("the client CRL file lacks the list of an authority in `client_ca`; put one for each into it")]
    CrlOfCa,
    /// A list is older than the one served.
    #[error("a client CRL is older than the one in force; put the newest one in its place, or restart")]
    CrlOlder,
    /// A list has expired.
    #[error("a client CRL has expired, so client certificates are refused; issue a new one")]
    CrlExpired,
    /// The development certificate could not be made or written.
    #[error(
        "the development certificate could not be written; check that the directory exists and holds none yet"
    )]
    Development,
}

impl TlsError {
    /// A short name for log and audit.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unread { code, .. } => code,
            Self::Certificate => "tls_certificate",
            Self::Key => "tls_key",
            Self::KeyMode => "tls_key_mode",
            Self::Pair => "tls_pair",
            Self::Expired => "tls_expired",
            Self::ClientCa => "tls_client_ca",
            Self::ClientCrl => "tls_client_crl",
            Self::CrlOfCa => "tls_crl_of_ca",
            Self::CrlOlder => "tls_crl_older",
            Self::CrlExpired => "tls_crl_expired",
            Self::Development => "tls_development",
        }
    }
}

const MAX_PEM: u64 = 1 << 20;

/// Installs the cryptographic provider of the process; later calls change nothing.
pub fn install_provider() {
    // An error says that one is installed already.
    let _ = aws_lc_rs::default_provider().install_default();
}

/// Reads certificate chain and key and makes the server's configuration.
pub fn server_config(certificate: &Path, key: &Path) -> Result<ServerConfig, TlsError> {
    let files = TlsFiles {
        certificate: certificate.to_path_buf(),
        key: key.to_path_buf(),
        client_ca: None,
        client_crl: None,
    };
    Ok(ServerConfig::clone(&Material::load(&files)?.config))
}

/// Reads the file that a setting names; `unfit` is for what is there and is no file of the kind.
fn read_named(
    path: &Path,
    setting: &'static str,
    unfit: TlsError,
) -> Result<(u32, Zeroizing<Vec<u8>>), TlsError> {
    let code = unfit.code();
    read(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::InvalidData => unfit,
        kind => TlsError::Unread { setting, code, kind },
    })
}

/// Reads a regular file of bounded size; its mode is taken from the very file that is read.
fn read(path: &Path) -> std::io::Result<(u32, Zeroizing<Vec<u8>>)> {
    // A FIFO would block the open for ever.
    let flags = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0);
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    let facts = file.metadata()?;
    if !facts.is_file() || facts.len() > MAX_PEM {
        return Err(std::io::ErrorKind::InvalidData.into());
    }
    let mut bytes = Zeroizing::new(Vec::with_capacity(usize::try_from(facts.len()).unwrap_or(0) + 1));
    file.take(MAX_PEM).read_to_end(&mut bytes)?;
    Ok((facts.mode(), bytes))
}

/// Files of a development certificate.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DevelopmentFiles {
    /// The certificate authority that clients are to trust.
    pub ca: PathBuf,
    /// The server's certificate.
    pub certificate: PathBuf,
    /// The server's key.
    pub key: PathBuf,
}

/// Makes a certificate authority and a certificate for `localhost`, `127.0.0.1` and `::1`, each file with mode 0600. The
/// authority's key is dropped: it signs this one certificate. Existing files are not overwritten.
pub fn generate_development_certificate(dir: &Path) -> Result<DevelopmentFiles, TlsError> {
    let files = DevelopmentFiles {
        ca: dir.join("ca.pem"),
        certificate: dir.join("cert.pem"),
        key: dir.join("key.pem"),
    };
    let (ca, leaf, key) = generate().map_err(|_| TlsError::Development)?;
    for (path, text) in [(&files.ca, ca.as_str()), (&files.certificate, &leaf), (&files.key, key.as_str())] {
        create(path)
            .and_then(|mut file| file.write_all(text.as_bytes()))
            .map_err(|_| TlsError::Development)?;
    }
    Ok(files)
}

fn generate() -> Result<(String, String, Zeroizing<String>), rcgen::Error> {
    use rcgen::{
        BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    };
    let mut ca = CertificateParams::default();
    ca.distinguished_name.push(DnType::CommonName, "Strongroom development CA");
    ca.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    ca.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let ca = CertifiedIssuer::self_signed(ca, KeyPair::generate()?)?;
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut leaf = CertificateParams::new(names)?;
    leaf.distinguished_name.push(DnType::CommonName, "Strongroom development server");
    leaf.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    leaf.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = leaf.signed_by(&key, &ca)?;
    Ok((ca.pem(), certificate.pem(), Zeroizing::new(key.serialize_pem())))
}

fn create(path: &Path) -> std::io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(test)]
mod tests;
