//! What TLS rests on at one moment: certificate, key, client authorities and revocation lists, read together and taken
//! together, so that no handshake sees half of a change.

use super::client::{Trust, end_of};
use super::{TlsError, read_named};
use crate::domain::Timestamp;
use rustls::crypto::aws_lc_rs;
use rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use rustls::{RootCertStore, ServerConfig, version};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use sha2::{Digest, Sha256};
use std::path::PathBuf;
use std::sync::Arc;
use x509_parser::prelude::{CertificateRevocationList, FromDer, X509Certificate};

/// Where the material lies.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct TlsFiles {
    /// The server's certificate chain, PEM.
    pub certificate: PathBuf,
    /// Its key, PEM, mode 0600.
    pub key: PathBuf,
    /// The authorities client certificates come from, PEM; `None`: no client certificate is asked for.
    pub client_ca: Option<PathBuf>,
    /// Their revocation lists, PEM; `None`: nothing is ever revoked.
    pub client_crl: Option<PathBuf>,
}

/// One whole set.
pub struct Material {
    /// What a handshake is made with.
    pub config: Arc<ServerConfig>,
    /// Who is taken for a client; `None`: nobody by certificate.
    pub trust: Option<Arc<Trust>>,
    /// Counts changes of the trust.
    pub(in crate::http) trust_no: u64,
    /// When the server's certificate ends.
    pub(super) certificate_until: Timestamp,
    /// When the first revocation list ends.
    pub(super) lists_until: Timestamp,
    /// Of each issuer when its newest list was made.
    pub(super) lists_of: ListsOf,
    /// Of everything, and of what the trust is made of.
    pub(super) digest: [u8; 32],
    pub(super) trust_digest: [u8; 32],
}

/// Issuers of revocation lists (their names, DER) and when the newest list of each was made.
pub(super) type ListsOf = Vec<(Vec<u8>, Timestamp)>;

/// Nothing ends it.
const NEVER: Timestamp = Timestamp(i64::MAX);

impl Material {
    /// Reads the whole set. What has expired is read all the same; see [`fresh`](Self::fresh).
    pub fn load(files: &TlsFiles) -> Result<Self, TlsError> {
        super::install_provider();
        let chain_pem = read_named(&files.certificate, "certificate", TlsError::Certificate)?.1;
        let chain = CertificateDer::pem_slice_iter(&chain_pem).collect::<Result<Vec<_>, _>>();
        let chain = chain.ok().filter(|chain| !chain.is_empty()).ok_or(TlsError::Certificate)?;
        let (mode, key_pem) = read_named(&files.key, "key", TlsError::Key)?;
        if mode & 0o077 != 0 {
            return Err(TlsError::KeyMode);
        }
        let key = PrivateKeyDer::from_pem_slice(&key_pem).map_err(|_| TlsError::Key)?;
        let certificate_until = chain.first().and_then(|leaf| end_of(leaf)).ok_or(TlsError::Certificate)?;
        let clients = Clients::load(files)?;
        let trust_digest = clients.as_ref().map_or([0; 32], |clients| clients.digest);
        let lists_until = clients.as_ref().map_or(NEVER, |clients| clients.lists_until);
        let lists_of = clients.as_ref().map_or_else(Vec::new, |clients| clients.lists_of.clone());
        let trust = clients.map(Clients::trust).transpose()?.map(Arc::new);
        let mut digest = Sha256::new();
        for part in [Sha256::digest(&chain_pem), Sha256::digest(&key_pem), trust_digest.into()] {
            digest.update(part);
        }
        Ok(Self {
            config: Arc::new(config(chain, key, trust.as_deref())?),
            trust,
            trust_no: 0,
            certificate_until,
            lists_until,
            lists_of,
            digest: digest.finalize().into(),
            trust_digest,
        })
    }

    /// When the server's certificate and the first revocation list end; `None`: never, or there is none.
    pub fn ends(&self) -> (Option<Timestamp>, Option<Timestamp>) {
        let end = |until: Timestamp| (until != NEVER).then_some(until);
        (end(self.certificate_until), end(self.lists_until))
    }

    /// A fixed set that asks for no client certificate.
    pub(super) fn fixed(config: ServerConfig) -> Self {
        Self {
            config: Arc::new(config),
            trust: None,
            trust_no: 0,
            certificate_until: NEVER,
            lists_until: NEVER,
            lists_of: Vec::new(),
            digest: [0; 32],
            trust_digest: [0; 32],
        }
    }

    /// Refuses a set with a revocation list older than the one served: it would give back what was revoked.
    pub fn no_older(self, served: &Self) -> Result<Self, TlsError> {
        let older = |(issuer, made): &(Vec<u8>, Timestamp)| {
            served.lists_of.iter().any(|(name, newest)| name == issuer && made < newest)
        };
        if self.lists_of.iter().any(older) { Err(TlsError::CrlOlder) } else { Ok(self) }
    }

    /// Refuses a set in which something has expired.
    pub fn fresh(self, now: Timestamp) -> Result<Self, TlsError> {
        if now >= self.certificate_until {
            return Err(TlsError::Expired);
        }
        if now >= self.lists_until {
            return Err(TlsError::CrlExpired);
        }
        Ok(self)
    }
}

fn config(
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
    trust: Option<&Trust>,
) -> Result<ServerConfig, TlsError> {
    let builder = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&version::TLS13, &version::TLS12])
        .map_err(|_| TlsError::Pair)?;
    let builder = match trust {
        None => builder.with_no_client_auth(),
        Some(trust) => builder.with_client_cert_verifier(trust.verifier()),
    };
    let mut config = builder.with_single_cert(chain, key).map_err(|_| TlsError::Pair)?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    config.session_storage = Arc::new(NoServerSessionStorage {});
    config.send_tls13_tickets = 0;
    config.max_early_data_size = 0;
    Ok(config)
}

/// The client side of a set, read but not yet made into trust.
struct Clients {
    authorities: Vec<CertificateDer<'static>>,
    lists: Vec<CertificateRevocationListDer<'static>>,
    lists_until: Timestamp,
    lists_of: ListsOf,
    digest: [u8; 32],
}

impl Clients {
    fn load(files: &TlsFiles) -> Result<Option<Self>, TlsError> {
        let Some(path) = &files.client_ca else { return Ok(None) };
        let ca_pem = read_named(path, "client_ca", TlsError::ClientCa)?.1;
        let authorities = CertificateDer::pem_slice_iter(&ca_pem).collect::<Result<Vec<_>, _>>();
        let authorities = authorities.ok().filter(|all| !all.is_empty()).ok_or(TlsError::ClientCa)?;
        let mut digest = Sha256::new();
        digest.update(Sha256::digest(&ca_pem));
        let (mut lists, mut lists_until, mut lists_of) = (Vec::new(), NEVER, Vec::new());
        if let Some(path) = &files.client_crl {
            let crl_pem = read_named(path, "client_crl", TlsError::ClientCrl)?.1;
            let read = CertificateRevocationListDer::pem_slice_iter(&crl_pem).collect::<Result<Vec<_>, _>>();
            lists = read.ok().filter(|all| !all.is_empty()).ok_or(TlsError::ClientCrl)?;
            lists_until = end_of_lists(&authorities, &lists)?;
            lists_of = newest_first(&mut lists)?;
            digest.update(Sha256::digest(&crl_pem));
        }
        Ok(Some(Self { authorities, lists, lists_until, lists_of, digest: digest.finalize().into() }))
    }

    fn trust(self) -> Result<Trust, TlsError> {
        let mut roots = RootCertStore::empty();
        for authority in self.authorities {
            roots.add(authority).map_err(|_| TlsError::ClientCa)?;
        }
        let provider = Arc::new(aws_lc_rs::default_provider());
        let mut builder =
            WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider).allow_unauthenticated();
        if !self.lists.is_empty() {
            // Of the whole chain; an authority without a list, or with one that ended, refuses (I11).
            builder = builder.with_crls(self.lists).enforce_revocation_expiration();
        }
        let verifier = builder.build().map_err(|_| TlsError::ClientCrl)?;
        Ok(Trust::new(verifier, self.lists_until))
    }
}

/// Puts newer lists before older ones: of two of one issuer the library believes the first. Says how new each issuer's is.
fn newest_first(lists: &mut Vec<CertificateRevocationListDer<'static>>) -> Result<ListsOf, TlsError> {
    let mut dated = Vec::with_capacity(lists.len());
    for list in lists.drain(..) {
        let facts = {
            let (_, read) = CertificateRevocationList::from_der(&list).map_err(|_| TlsError::ClientCrl)?;
            let made = Timestamp(read.last_update().timestamp().saturating_mul(1_000_000));
            (made, read.crl_number().cloned(), read.issuer().as_raw().to_vec())
        };
        dated.push((facts, list));
    }
    dated.sort_by(|((a, m, _), _), ((b, n, _), _)| b.cmp(a).then_with(|| n.cmp(m)));
    let mut newest: ListsOf = Vec::new();
    for ((made, _, issuer), list) in dated {
        if !newest.iter().any(|(name, _)| *name == issuer) {
            newest.push((issuer, made));
        }
        lists.push(list);
    }
    Ok(newest)
}

/// When the first list ends; every authority must have one, or all its clients would be refused.
fn end_of_lists(
    authorities: &[CertificateDer<'_>],
    lists: &[CertificateRevocationListDer<'_>],
) -> Result<Timestamp, TlsError> {
    let mut until = NEVER;
    let mut issuers = Vec::new();
    for list in lists {
        let (_, list) = CertificateRevocationList::from_der(list).map_err(|_| TlsError::ClientCrl)?;
        let end = list.next_update().ok_or(TlsError::ClientCrl)?.timestamp();
        until = until.min(Timestamp(end.saturating_mul(1_000_000)));
        issuers.push(list.issuer().as_raw().to_vec());
    }
    for authority in authorities {
        let (_, authority) = X509Certificate::from_der(authority).map_err(|_| TlsError::ClientCa)?;
        if !issuers.iter().any(|issuer| issuer == authority.subject().as_raw()) {
            return Err(TlsError::CrlOfCa);
        }
    }
    Ok(until)
}
