//! TLS material: what is read, what is refused, what it makes of a handshake.

mod live;
mod trust;

use super::*;
use std::os::unix::fs::PermissionsExt;

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn a_development_certificate_is_written_for_its_owner_alone_and_never_over_another() {
    let dir = tempfile::tempdir().unwrap();
    let files = generate_development_certificate(dir.path()).unwrap();
    for path in [&files.ca, &files.certificate, &files.key] {
        assert_eq!(std::fs::metadata(path).unwrap().mode() & 0o777, 0o600);
    }
    let before = std::fs::read(&files.key).unwrap();
    assert!(generate_development_certificate(dir.path()).is_err());
    assert_eq!(std::fs::read(&files.key).unwrap(), before);
}

#[test]
fn a08_the_configuration_resumes_nothing_and_speaks_http_1_only() {
    let dir = tempfile::tempdir().unwrap();
    let files = generate_development_certificate(dir.path()).unwrap();
    let config = server_config(&files.certificate, &files.key).unwrap();
    assert_eq!(config.alpn_protocols, [b"http/1.1".to_vec()]);
    assert_eq!((config.send_tls13_tickets, config.max_early_data_size), (0, 0));
    assert!(!config.ticketer.enabled() && !config.session_storage.can_cache());
    let provider = config.crypto_provider();
    assert_eq!(provider.kx_groups[0].name(), rustls::NamedGroup::X25519MLKEM768, "hybrid first");
    for suite in &provider.cipher_suites {
        let name = format!("{:?}", suite.suite());
        assert!(
            name.starts_with("TLS13_") || name.starts_with("TLS_ECDHE_"),
            "{name} has no forward secrecy"
        );
    }
}

#[test]
fn a46_a_key_that_others_may_read_or_that_is_no_key_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let files = generate_development_certificate(dir.path()).unwrap();
    for mode in [0o644, 0o640, 0o604, 0o620] {
        set_mode(&files.key, mode);
        assert!(matches!(server_config(&files.certificate, &files.key), Err(TlsError::KeyMode)), "{mode:o}");
    }
    set_mode(&files.key, 0o400);
    assert!(server_config(&files.certificate, &files.key).is_ok());
    let missing = dir.path().join("missing");
    assert!(matches!(
        server_config(&files.certificate, &missing),
        Err(TlsError::Unread { setting: "key", .. })
    ));
    assert!(matches!(
        server_config(&missing, &files.key),
        Err(TlsError::Unread { setting: "certificate", .. })
    ));
    let told = server_config(&missing, &files.key).unwrap_err();
    assert!(told.to_string().contains("no such file") && told.code() == "tls_certificate", "{told}");
    assert!(matches!(server_config(&files.certificate, dir.path()), Err(TlsError::Key)));
    let fifo = dir.path().join("fifo");
    rustix::fs::mknodat(rustix::fs::CWD, &fifo, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    assert!(matches!(server_config(&files.certificate, &fifo), Err(TlsError::Key)));
    let short = dir.path().join("short");
    std::fs::write(&short, "-----BEGIN PRIVATE KEY-----\nCNRY").unwrap();
    set_mode(&short, 0o600);
    let error = server_config(&files.certificate, &short).unwrap_err();
    assert!(matches!(error, TlsError::Key) && !format!("{error} {error:?}").contains("CNRY"));
}

#[test]
fn a46_a_key_of_another_certificate_is_refused() {
    let (one, two) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let one = generate_development_certificate(one.path()).map(|f| (f, one)).unwrap();
    let two = generate_development_certificate(two.path()).map(|f| (f, two)).unwrap();
    assert!(matches!(server_config(&one.0.certificate, &two.0.key), Err(TlsError::Pair)));
}
