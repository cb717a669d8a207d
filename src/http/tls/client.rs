//! Client certificates: whom a certificate names, and until when it can stand.
//!
//! A certificate names its client by one URI `strongroom:client:<name>` among its alternative names, never by its common
//! name: what a person may write freely into a request proves nothing.

use crate::domain::Timestamp;
use crate::vault::Certificate;
use rustls::client::danger::HandshakeSignatureValid;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{CertificateError, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use rustls_pki_types::{CertificateDer, UnixTime};
use std::sync::Arc;
use std::time::Duration;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

/// What precedes a client's name.
const PREFIX: &str = "strongroom:client:";
/// Longest name, as in the policy.
const MAX_NAME: usize = 64;
/// More certificates between a client and its authority than anybody has; checked before any signature is.
const MAX_INTERMEDIATES: usize = 4;

/// A certificate that stands, and until when it can without being looked at again.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Standing {
    /// Who.
    pub certificate: Certificate,
    /// The first end among its chain's and the revocation lists'.
    pub until: Timestamp,
}

/// Whom this vault takes for a client: the authorities and revocation lists of one moment.
pub struct Trust {
    verifier: Arc<dyn ClientCertVerifier>,
    lists_until: Timestamp,
}

impl Trust {
    /// Trust in what this verifier takes, whose revocation lists hold until then.
    pub(super) fn new(verifier: Arc<dyn ClientCertVerifier>, lists_until: Timestamp) -> Self {
        Self { verifier: Arc::new(NamedClients(verifier)), lists_until }
    }
    /// The same as the library asks for it.
    pub(super) fn verifier(&self) -> Arc<dyn ClientCertVerifier> {
        Arc::clone(&self.verifier)
    }
    /// Whether a chain, leaf first, stands now; everything is checked again.
    pub fn judge(&self, chain: &[CertificateDer<'_>], now: Timestamp) -> Option<Standing> {
        let (leaf, intermediates) = chain.split_first()?;
        let at = UnixTime::since_unix_epoch(Duration::from_micros(u64::try_from(now.0).ok()?));
        self.verifier.verify_client_cert(leaf, intermediates, at).ok()?;
        self.standing(chain, now)
    }
    /// What a chain says that a handshake has just verified by this very trust: nothing is verified again.
    pub(in crate::http) fn standing(&self, chain: &[CertificateDer<'_>], now: Timestamp) -> Option<Standing> {
        let leaf = chain.first()?;
        let certificate = Certificate::new(&client_name(leaf)?, leaf);
        let ends = chain.iter().map(|c| end_of(c)).collect::<Option<Vec<_>>>()?;
        let until = ends.into_iter().chain([self.lists_until]).min()?;
        (now < until).then_some(Standing { certificate, until })
    }
}

/// The one client a certificate names.
pub(super) fn client_name(der: &[u8]) -> Option<String> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    let names = certificate.subject_alternative_name().ok()??;
    let mut ours = names.value.general_names.iter().filter_map(|name| match name {
        GeneralName::URI(uri) => uri.strip_prefix(PREFIX),
        _ => None,
    });
    let (name, second) = (ours.next()?, ours.next());
    let plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'_' | b'-');
    // As the policy spells names.
    let begins = name.starts_with(|c: char| c.is_ascii_lowercase());
    let fits = begins && name.len() <= MAX_NAME && name.bytes().all(plain);
    (fits && second.is_none()).then(|| name.to_owned())
}

/// When a certificate ends.
pub(super) fn end_of(der: &[u8]) -> Option<Timestamp> {
    let (_, certificate) = X509Certificate::from_der(der).ok()?;
    // The last second still counts.
    let seconds = certificate.validity().not_after.timestamp().checked_add(1)?;
    seconds.checked_mul(1_000_000).map(Timestamp)
}

/// The library's verifier, and the name on top.
#[derive(Debug)]
struct NamedClients(Arc<dyn ClientCertVerifier>);

impl ClientCertVerifier for NamedClients {
    fn offer_client_auth(&self) -> bool {
        true
    }
    /// Clients that prove themselves by a key alone connect without.
    fn client_auth_mandatory(&self) -> bool {
        false
    }
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.0.root_hint_subjects()
    }
    fn verify_client_cert(
        &self,
        leaf: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        if intermediates.len() > MAX_INTERMEDIATES {
            return Err(Error::InvalidCertificate(CertificateError::UnknownIssuer));
        }
        let verified = self.0.verify_client_cert(leaf, intermediates, now)?;
        match client_name(leaf) {
            Some(_) => Ok(verified),
            None => Err(Error::InvalidCertificate(CertificateError::ApplicationVerificationFailure)),
        }
    }
    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls12_signature(message, cert, signed)
    }
    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.0.verify_tls13_signature(message, cert, signed)
    }
    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.supported_verify_schemes()
    }
}
