//! Certificate authorities, client certificates and revocation lists to test with, good and bad.

use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType,
    SerialNumber,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::sync::atomic::{AtomicU64, Ordering};
use time::{Duration, OffsetDateTime};

/// A certificate chain, leaf first, and the leaf's key.
pub(crate) struct Identity {
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
    pub(crate) serial: u64,
}

impl Clone for Identity {
    fn clone(&self) -> Self {
        Self { chain: self.chain.clone(), key: self.key.clone_key(), serial: self.serial }
    }
}

/// What a client certificate says; the default is a good one without a name.
pub(crate) struct Leaf {
    pub(crate) uris: Vec<String>,
    pub(crate) common_name: String,
    pub(crate) usage: ExtendedKeyUsagePurpose,
    /// Its life in seconds from now.
    pub(crate) life: (i64, i64),
}

impl Default for Leaf {
    fn default() -> Self {
        Self {
            uris: Vec::new(),
            common_name: "somebody".to_owned(),
            usage: ExtendedKeyUsagePurpose::ClientAuth,
            life: (-3_600, 86_400),
        }
    }
}

/// The URI that names a client.
pub(crate) fn uri(client: &str) -> String {
    format!("strongroom:client:{client}")
}

/// A certificate authority.
pub(crate) struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// Itself first, then those above it but the root.
    above: Vec<CertificateDer<'static>>,
}

static SERIAL: AtomicU64 = AtomicU64::new(1);

fn from_now(seconds: i64) -> OffsetDateTime {
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    OffsetDateTime::from_unix_timestamp(i64::try_from(now.as_secs()).unwrap()).unwrap()
        + Duration::seconds(seconds)
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    params
}

impl Authority {
    pub(crate) fn new(name: &str) -> Self {
        let issuer = CertifiedIssuer::self_signed(authority(name), KeyPair::generate().unwrap()).unwrap();
        Self { issuer, above: Vec::new() }
    }

    /// An authority below this one.
    pub(crate) fn below(&self, name: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::signed_by(authority(name), key, &self.issuer).unwrap();
        let mut above = vec![issuer.der().clone()];
        above.extend(self.above.iter().cloned());
        Self { issuer, above }
    }

    pub(crate) fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for a client.
    pub(crate) fn client(&self, name: &str) -> Identity {
        self.issue(Leaf { uris: vec![uri(name)], ..Leaf::default() })
    }

    pub(crate) fn issue(&self, leaf: Leaf) -> Identity {
        let serial = SERIAL.fetch_add(1, Ordering::Relaxed);
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, leaf.common_name);
        params.subject_alt_names =
            leaf.uris.into_iter().map(|uri| SanType::URI(uri.try_into().unwrap())).collect();
        params.extended_key_usages = vec![leaf.usage];
        params.serial_number = Some(SerialNumber::from(serial));
        (params.not_before, params.not_after) = (from_now(leaf.life.0), from_now(leaf.life.1));
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let mut chain = vec![certificate.der().clone()];
        chain.extend(self.above.iter().cloned());
        Identity { chain, key: PrivateKeyDer::try_from(key.serialize_der()).unwrap(), serial }
    }

    /// A revocation list that ends so many seconds from now.
    pub(crate) fn crl(&self, revoked: &[&Identity], ends: i64) -> String {
        let revoked = revoked.iter().map(|identity| RevokedCertParams {
            serial_number: SerialNumber::from(identity.serial),
            revocation_time: from_now(-60),
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: from_now(-86_400),
            next_update: from_now(ends),
            crl_number: SerialNumber::from(SERIAL.fetch_add(1, Ordering::Relaxed)),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.issuer).unwrap().pem().unwrap()
    }
}

/// A server certificate for `localhost` and its key, both PEM, and the PEM of who signed it.
pub(crate) fn server(life: (i64, i64)) -> (String, String, String) {
    let root = Authority::new("server root");
    let mut params = CertificateParams::new(["localhost".to_owned(), "127.0.0.1".to_owned()]).unwrap();
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    (params.not_before, params.not_after) = (from_now(life.0), from_now(life.1));
    let key = KeyPair::generate().unwrap();
    let certificate = params.signed_by(&key, &root.issuer).unwrap();
    (certificate.pem(), key.serialize_pem(), root.pem())
}
