//! Whom a certificate names, and until when it stands.

use super::*;
use crate::domain::Timestamp;
use crate::http::tls::client::client_name;
use rcgen::{
    BasicConstraints, CertificateParams, CertificateRevocationListParams, CertifiedIssuer, DnType,
    ExtendedKeyUsagePurpose, IsCa, KeyIdMethod, KeyPair, KeyUsagePurpose, RevokedCertParams, SanType,
    SerialNumber,
};
use rustls_pki_types::CertificateDer;
use time::OffsetDateTime;

/// Noon of the tests.
pub(super) const NOW: i64 = 1_795_510_200;

pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp((NOW + seconds) * 1_000_000)
}

fn instant(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(NOW + seconds).unwrap()
}

pub(super) struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    pub(super) fn new(name: &str) -> Self {
        let mut params = CertificateParams::default();
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
        Self(CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap())
    }
    pub(super) fn pem(&self) -> String {
        self.0.pem()
    }
    /// A client certificate with these URIs that ends so many seconds from now.
    pub(super) fn client(&self, uris: &[&str], serial: u64, ends: i64) -> CertificateDer<'static> {
        let mut params = CertificateParams::default();
        params.subject_alt_names = uris.iter().map(|uri| SanType::URI((*uri).try_into().unwrap())).collect();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params.serial_number = Some(SerialNumber::from(serial));
        (params.not_before, params.not_after) = (instant(-3_600), instant(ends));
        params.signed_by(&KeyPair::generate().unwrap(), &self.0).unwrap().der().clone()
    }
    pub(super) fn crl(&self, revoked: &[u64], ends: i64) -> String {
        self.crl_made(-86_400, revoked, ends)
    }
    pub(super) fn crl_made(&self, made: i64, revoked: &[u64], ends: i64) -> String {
        let revoked = revoked.iter().map(|serial| RevokedCertParams {
            serial_number: SerialNumber::from(*serial),
            revocation_time: instant(-60),
            reason_code: None,
            invalidity_date: None,
        });
        let params = CertificateRevocationListParams {
            this_update: instant(made),
            next_update: instant(ends),
            crl_number: SerialNumber::from(1),
            issuing_distribution_point: None,
            revoked_certs: revoked.collect(),
            key_identifier_method: KeyIdMethod::Sha256,
        };
        params.signed_by(&self.0).unwrap().pem().unwrap()
    }
}

/// A set on disk: certificate and key of the server, and what clients are judged by.
pub(super) fn files(dir: &Path, ca: &str, crl: Option<&str>) -> TlsFiles {
    let made = generate_development_certificate(dir).unwrap();
    let put = |name: &str, text: &str| {
        std::fs::write(dir.join(name), text).unwrap();
        dir.join(name)
    };
    TlsFiles {
        certificate: made.certificate,
        key: made.key,
        client_ca: Some(put("clients.pem", ca)),
        client_crl: crl.map(|crl| put("crl.pem", crl)),
    }
}

#[test]
fn a_certificate_names_exactly_one_client_by_its_uri_and_never_otherwise() {
    let ca = Authority::new("clients");
    let named = |uris: &[&str]| client_name(&ca.client(uris, 1, 60));
    assert_eq!(named(&["strongroom:client:storefront"]).as_deref(), Some("storefront"));
    assert_eq!(named(&["spiffe://a/b", "strongroom:client:a-b_1"]).as_deref(), Some("a-b_1"));
    for uris in [
        &[][..],
        &["strongroom:client:"],
        &["strongroom:client:Storefront"],
        &["strongroom:client:1st"],
        &["strongroom:client:a/b"],
        &["strongroom:client:a b"],
        &["STRONGROOM:client:storefront"],
        &["x-strongroom:client:storefront"],
        &["strongroom:client:a", "strongroom:client:b"],
        &["strongroom:client:a", "strongroom:client:a"],
        &["strongroom:client:a", "strongroom:client:"],
    ] {
        assert_eq!(named(uris), None, "{uris:?}");
    }
    assert_eq!(named(&[&format!("strongroom:client:{}", "a".repeat(65))]), None);
    assert!(named(&[&format!("strongroom:client:{}", "a".repeat(64))]).is_some());
    assert_eq!(client_name(b""), None);
    assert_eq!(client_name(&[0x30; 64]), None);
}

#[test]
fn a_chain_stands_until_the_first_of_its_ends_or_the_lists() {
    let ca = Authority::new("clients");
    let leaf = |ends| [ca.client(&["strongroom:client:storefront"], 7, ends)];
    let trust = |revoked: &[u64], ends: i64| {
        let dir = tempfile::tempdir().unwrap();
        Material::load(&files(dir.path(), &ca.pem(), Some(&ca.crl(revoked, ends)))).unwrap().trust.unwrap()
    };
    let stands = trust(&[], 500).judge(&leaf(900), at(0)).unwrap();
    assert_eq!((stands.certificate.client.as_str(), stands.until), ("storefront", at(500)));
    let stands = trust(&[], 900).judge(&leaf(500), at(0)).unwrap();
    assert_eq!(stands.until, at(501), "the last second of a certificate counts");
    assert!(trust(&[], 500).judge(&leaf(900), at(500)).is_none(), "the list has ended");
    assert!(trust(&[], 900).judge(&leaf(500), at(501)).is_none(), "the certificate has ended");
    assert!(trust(&[7], 500).judge(&leaf(900), at(0)).is_none(), "revoked");
    assert!(trust(&[8], 500).judge(&leaf(900), at(0)).is_some(), "another is revoked");
    assert!(trust(&[], 500).judge(&[], at(0)).is_none());
    let other = Authority::new("clients");
    let foreign = [other.client(&["strongroom:client:storefront"], 7, 900)];
    assert!(trust(&[], 500).judge(&foreign, at(0)).is_none(), "of another authority of the same name");
}

#[test]
fn more_certificates_than_anybody_has_between_are_refused_before_any_is_looked_at() {
    let ca = Authority::new("clients");
    let dir = tempfile::tempdir().unwrap();
    let trust = Material::load(&files(dir.path(), &ca.pem(), None)).unwrap().trust.unwrap();
    let leaf = ca.client(&["strongroom:client:storefront"], 7, 900);
    let with = |extra: usize| {
        let mut chain = vec![leaf.clone()];
        chain.extend(std::iter::repeat_n(ca.0.der().clone(), extra));
        trust.judge(&chain, at(0)).is_some()
    };
    assert!(with(0) && with(4));
    assert!(!with(5));
}

#[test]
fn of_two_lists_of_an_authority_the_newer_one_is_believed_and_an_older_one_is_not_taken_over() {
    let ca = Authority::new("clients");
    let leaf = [ca.client(&["strongroom:client:storefront"], 7, 900)];
    let (old, new) = (ca.crl_made(-86_400, &[], 800), ca.crl_made(-60, &[7], 900));
    let load = |text: &str| {
        let dir = tempfile::tempdir().unwrap();
        Material::load(&files(dir.path(), &ca.pem(), Some(text))).unwrap()
    };
    for text in [format!("{old}{new}"), format!("{new}{old}")] {
        assert!(load(&text).trust.unwrap().judge(&leaf, at(0)).is_none(), "revoked by the newer list");
    }
    assert!(matches!(load(&old).no_older(&load(&new)), Err(TlsError::CrlOlder)));
    assert!(load(&new).no_older(&load(&old)).is_ok() && load(&new).no_older(&load(&new)).is_ok());
}
