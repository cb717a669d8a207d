//! A08 and row 37: what is older or weaker than we speak is refused, certificates prove what they say or nothing, and
//! handshakes cost us little more than those who ask for them.

use super::process::Process;
use super::tools::{beside, figure, is_sound};
use crate::client::{Tls, read_answer, request};
use crate::pki::{Authority, Identity, Leaf, uri};
use crate::served::{Plan, Served};
use crate::vault::Vault;
use rustls::client::ResolvesClientCert;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::sign::CertifiedKey;
use rustls::{
    ClientConfig, ClientConnection, RootCertStore, SignatureScheme, StreamOwned, SupportedProtocolVersion,
};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A ClientHello written by hand: what no library of today would say.
fn hello(version: [u8; 2], suites: &[u16], extensions: &[u8]) -> Vec<u8> {
    let suites: Vec<u8> = suites.iter().flat_map(|s| s.to_be_bytes()).collect();
    let mut body = [version.as_slice(), &[7; 32], &[0]].concat();
    body.extend(u16::try_from(suites.len()).unwrap().to_be_bytes());
    body.extend(suites);
    body.extend([1, 0]);
    if !extensions.is_empty() {
        body.extend(u16::try_from(extensions.len()).unwrap().to_be_bytes());
        body.extend(extensions);
    }
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    let message = [&[1][..], &length[1..], &body].concat();
    let size = u16::try_from(message.len()).unwrap().to_be_bytes();
    [&[22, 3, 1][..], &size, &message].concat()
}

/// Groups, signature algorithms and point formats as any client names them.
const ORDINARY: &[u8] = b"\0\x0a\0\x06\0\x04\0\x1d\0\x17\0\x0d\0\x0a\0\x08\x04\x03\x08\x04\x04\x01\x02\x01\0\x0b\0\x02\x01\0\0\x17\0\0";

/// The first byte of what is answered: 22 a handshake that goes on, 21 an alert, 0 nothing.
fn answered(vault: &Vault, bytes: &[u8]) -> u8 {
    let mut tcp = TcpStream::connect(vault.target.address).unwrap();
    tcp.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    tcp.write_all(bytes).unwrap();
    let mut heard = Vec::new();
    let mut some = [0; 512];
    while heard.is_empty() {
        match tcp.read(&mut some) {
            Ok(0) => break,
            Ok(n) => heard.extend(&some[..n]),
            Err(error) => {
                assert!(!super::tools::is_silence(&error), "neither an answer nor an end");
                break;
            }
        }
    }
    heard.first().copied().unwrap_or(0)
}

/// "Listens on the network" in the table of attackers: forward secrecy or nothing.
#[test]
fn a08_old_versions_and_suites_without_forward_secrecy_are_refused() {
    let vault = Vault::start();
    let tls12 = [3, 3];
    assert_eq!(
        answered(&vault, &hello(tls12, &[0xc02b, 0xc02f], ORDINARY)),
        22,
        "TLS 1.2 with forward secrecy"
    );
    let modern: &[u16] = &[0xc02b, 0xc02f, 0xc02c, 0xc009, 0xc013, 0x002f, 0x0035, 0x000a];
    for (what, version) in
        [("SSL 3", [3, 0]), ("TLS 1.0", [3, 1]), ("TLS 1.1", [3, 2]), ("TLS 0", [0, 0]), ("2.0", [2, 0])]
    {
        assert_ne!(answered(&vault, &hello(version, modern, ORDINARY)), 22, "{what}");
    }
    for (what, suites) in [
        ("RSA key exchange", &[0x002f, 0x0035, 0x003c, 0x009c, 0x009d][..]),
        ("3DES and RC4", &[0x000a, 0xc012, 0x0005, 0xc011, 0xc007]),
        ("CBC with forward secrecy", &[0xc009, 0xc013, 0xc00a, 0xc014, 0xc023, 0xc027]),
        ("anonymous", &[0x0018, 0x001b, 0x0034, 0xc018, 0xc019]),
        ("no encryption", &[0x0000, 0x0001, 0x0002, 0xc006, 0xc010]),
        ("export", &[0x0003, 0x0006, 0x0008, 0x0014]),
        ("static ECDH", &[0xc004, 0xc005, 0xc02d, 0xc031]),
        ("finite field DH", &[0x0033, 0x0039, 0x009e, 0x009f]),
        ("a shared key", &[0x008c, 0x00a8, 0xc035]),
        ("nothing known", &[0x1a1a, 0xffff]),
        ("none", &[]),
    ] {
        assert_ne!(answered(&vault, &hello(tls12, suites, ORDINARY)), 22, "{what}");
    }
    let heartbeat = [ORDINARY, b"\0\x0f\0\x01\x01"].concat();
    assert_eq!(
        answered(&vault, &hello(tls12, &[0xc02b, 0xc02f], &heartbeat)),
        22,
        "an extension nobody takes up"
    );
    for (what, bytes) in [
        ("SSL 2", b"\x80\x2e\x01\0\x02\0\x15\0\0\0\x10\x01\0\x80\x02\0\x80\x03\0\x80\x04\0\x80\x05\0\x80\x06\0\x40\x07\0\xc0".to_vec()),
        ("an alert first", b"\x15\x03\x03\0\x02\x02\x28".to_vec()),
        ("data first", b"\x17\x03\x03\0\x05hello".to_vec()),
        ("a heartbeat first", b"\x18\x03\x02\0\x03\x01\x40\0".to_vec()),
        ("a record of no length", b"\x16\x03\x01\0\0".repeat(50)),
        ("a record that is too long", [&b"\x16\x03\x01\xff\xff"[..], &[0; 70_000]].concat()),
        ("a hello of no length", b"\x16\x03\x01\0\x04\x01\0\0\0".to_vec()),
        ("a hello of 16 MiB", b"\x16\x03\x01\0\x04\x01\xff\xff\xff".to_vec()),
        ("half an extension", hello(tls12, &[0xc02b], b"\0\x0a\xff\xff\0")),
        ("text", b"EHLO example.org\r\n".to_vec()),
    ] {
        assert_ne!(answered(&vault, &bytes), 22, "{what}");
    }
    is_sound(&vault);
}

fn roots(vault: &Vault) -> RootCertStore {
    let ca = std::fs::read(vault.credentials["ca_cert"].as_str().unwrap()).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(&ca).unwrap()).unwrap();
    roots
}

fn connect(config: &Arc<ClientConfig>, address: std::net::SocketAddr) -> Tls {
    let tcp = TcpStream::connect(address).unwrap();
    tcp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    StreamOwned::new(ClientConnection::new(Arc::clone(config), name).unwrap(), tcp)
}

/// Nothing is resumed, so there is nothing to replay: a request can never arrive before its handshake.
#[test]
fn a08_there_is_no_early_data_and_nothing_to_resume_in_either_version() {
    let vault = Vault::start();
    for version in [&rustls::version::TLS13, &rustls::version::TLS12] {
        let versions: &[&SupportedProtocolVersion] = &[version];
        let config =
            ClientConfig::builder_with_protocol_versions(versions).with_root_certificates(roots(&vault));
        let mut config = config.with_no_client_auth();
        config.enable_early_data = true;
        config.resumption = rustls::client::Resumption::in_memory_sessions(32);
        let config = Arc::new(config);
        for n in 0..4 {
            let mut stream = connect(&config, vault.target.address);
            assert!(stream.conn.early_data().is_none(), "nobody offers to take early data");
            stream.write_all(&request("GET", "/live", None, None, &[])).unwrap();
            assert_eq!(read_answer(&mut stream).unwrap().status, 200);
            assert_eq!(stream.conn.protocol_version(), Some(version.version));
            assert_eq!(stream.conn.handshake_kind(), Some(rustls::HandshakeKind::Full), "{n}");
            assert_eq!(stream.conn.tls13_tickets_received(), 0);
            assert!(!stream.conn.is_early_data_accepted());
        }
    }
    let agreed = |vault: &Vault| {
        let config = ClientConfig::builder().with_root_certificates(roots(vault)).with_no_client_auth();
        let mut stream = connect(&Arc::new(config), vault.target.address);
        stream.write_all(&request("GET", "/live", None, None, &[])).unwrap();
        read_answer(&mut stream).unwrap();
        stream.conn.negotiated_key_exchange_group().map(|group| group.name())
    };
    assert_eq!(agreed(&vault), Some(rustls::NamedGroup::X25519MLKEM768), "who can, agrees on a hybrid");
    is_sound(&vault);
}

/// A certificate shown without the key that belongs to it.
#[derive(Debug)]
struct Stolen(Arc<CertifiedKey>);

impl ResolvesClientCert for Stolen {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        Some(Arc::clone(&self.0))
    }
    fn has_certs(&self) -> bool {
        true
    }
}

/// Whether somebody with this chain and this key is answered, in either version.
fn answered_as(served: &Served, chain: &[CertificateDer<'static>], key: &PrivateKeyDer<'static>) -> bool {
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(key).unwrap();
    let shown = Arc::new(CertifiedKey::new(chain.to_vec(), key));
    let ca = std::fs::read(served.dir.path().join("tls/ca.pem")).unwrap();
    [&rustls::version::TLS13, &rustls::version::TLS12].iter().any(|version| {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(&ca).unwrap()).unwrap();
        let builder = ClientConfig::builder_with_protocol_versions(&[version]).with_root_certificates(roots);
        let config = builder.with_client_cert_resolver(Arc::new(Stolen(Arc::clone(&shown))));
        let mut stream = connect(&Arc::new(config), served.target.address);
        let sent = stream.write_all(&request("GET", "/v1/whoami", None, None, &[]));
        sent.and_then(|()| read_answer(&mut stream)).is_ok_and(|answer| answer.status == 200)
    })
}

/// "Holds a certificate that was revoked", and everybody who holds none at all.
#[test]
fn a08_a_client_certificate_proves_a_name_or_nothing() {
    let (ca, stranger) = (Authority::new("clients"), Authority::new("clients"));
    let (revoked, good, other) = (ca.client("storefront"), ca.client("storefront"), ca.client("billing"));
    let auth = [r#"["mtls"]"#; 3];
    let plan = Plan { auth, ..Plan::new() };
    let served = plan.trusting(&ca.pem(), Some(&ca.crl(&[&revoked], 86_400))).serve();
    let as_one = |identity: &Identity| answered_as(&served, &identity.chain, &identity.key);
    assert!(as_one(&good), "a good one is taken in either version");
    let named = |life| Leaf { uris: vec![uri("storefront")], life, ..Leaf::default() };
    let purpose = |usage| Leaf { usage, ..named((-60, 3_600)) };
    let unnamed = Leaf { common_name: uri("storefront"), ..Leaf::default() };
    let two_names = Leaf { uris: vec![uri("storefront"), uri("billing")], ..Leaf::default() };
    // Made by a client, with his own certificate as authority.
    let below = ca.below("storefront");
    let forged = below.client("storefront");
    for (what, identity) in [
        ("expired", ca.issue(named((-7_200, -1)))),
        ("not valid yet", ca.issue(named((600, 7_200)))),
        ("of another authority of the same name", stranger.client("storefront")),
        ("for servers", ca.issue(purpose(rcgen::ExtendedKeyUsagePurpose::ServerAuth))),
        ("for signing code", ca.issue(purpose(rcgen::ExtendedKeyUsagePurpose::CodeSigning))),
        ("for stamping times", ca.issue(purpose(rcgen::ExtendedKeyUsagePurpose::TimeStamping))),
        ("revoked", revoked.clone()),
        ("named in its common name alone", ca.issue(unnamed)),
        ("of two names", ca.issue(two_names)),
        ("of an authority whose revocations nobody lists", forged.clone()),
    ] {
        assert!(!as_one(&identity), "{what}");
    }
    let without =
        |chain: Vec<CertificateDer<'static>>, key: &PrivateKeyDer<'static>| answered_as(&served, &chain, key);
    assert!(!without(good.chain.clone(), &other.key), "a certificate without its key");
    assert!(!without(vec![good.chain[0].clone(), stranger.client("x").chain[0].clone()], &other.key));
    assert!(
        !without(vec![other.chain[0].clone(), good.chain[0].clone()], &good.key),
        "somebody else's in front"
    );
    assert!(!without(vec![forged.chain[0].clone()], &forged.key), "a chain with a gap");
    assert!(!without(vec![forged.chain[0].clone(), good.chain[0].clone()], &forged.key), "signed by a leaf");
    let torn: Vec<u8> = good.chain[0].iter().take(good.chain[0].len() / 2).copied().collect();
    assert!(!without(vec![CertificateDer::from(torn)], &good.key), "half a certificate");
    let mut flipped = good.chain[0].to_vec();
    let last = flipped.len() - 3;
    flipped[last] ^= 1;
    assert!(!without(vec![CertificateDer::from(flipped)], &good.key), "a signature that was touched");
    assert!(!without(vec![CertificateDer::from(vec![0x30, 0x80])], &good.key), "no certificate");
    assert!(as_one(&good), "and a good one is taken still");
    assert_eq!(served.metric("strongroom_panics_total"), 0);
}

/// Row 37: chains made to be searched for ever.
#[test]
fn l37_pathological_chains_cost_little() {
    let root = Authority::new("root");
    let served = Plan { auth: [r#"["mtls"]"#; 3], ..Plan::new() }.trusting(&root.pem(), None).serve();
    let process = Process::of(served.dir.path());
    let good = root.client("storefront");
    assert_eq!(served.whoami(Some(&good), None), 200);
    // Many authorities of one name and different keys: a careless search tries every order of them.
    let mut same: Vec<CertificateDer<'static>> = Vec::new();
    for _ in 0..60 {
        same.extend(root.below("same").client("x").chain.into_iter().skip(1));
    }
    let mut last = root.below("same");
    for _ in 0..12 {
        last = last.below("same");
    }
    let mut deep = last.client("storefront");
    deep.chain.extend(same.clone());
    let mut wide = Authority::new("root").below("same").client("storefront");
    wide.chain.extend(same);
    let mut repeated = root.client("storefront");
    repeated.chain = vec![wide.chain[0].clone(); 90];
    for (what, identity) in [("deep", &deep), ("wide", &wide), ("the same again and again", &repeated)] {
        let (before, begun) = (process.processor(), Instant::now());
        for _ in 0..10 {
            assert!(!answered_as(&served, &identity.chain, &identity.key), "{what}");
        }
        let (spent, took) = (process.processor() - before, begun.elapsed());
        assert!(
            spent < 6_000 && took < Duration::from_secs(20),
            "{what}: {spent} ms of processor for 20 handshakes"
        );
        figure(&format!("row 37: {what}: {spent} ms of processor for 20 handshakes"));
    }
    assert_eq!(served.whoami(Some(&good), None), 200);
    assert_eq!(served.metric("strongroom_panics_total"), 0);
}

/// Handshakes as fast as they come, and an honest caller beside them.
#[test]
fn a08_a_burst_of_handshakes_does_not_hold_up_who_is_connected() {
    let vault = Vault::start();
    let process = Process::of(vault.dir.path());
    let config = ClientConfig::builder().with_root_certificates(roots(&vault)).with_no_client_auth();
    let (config, address) = (Arc::new(config), vault.target.address);
    assert_eq!(vault.get("storefront", "/v1/whoami").status, 200);
    std::thread::sleep(Duration::from_millis(300));
    let before = process.descriptors();
    let (calm, meanwhile, done) = beside((&vault.target, vault.key("mailer")), || {
        let end = Instant::now() + Duration::from_secs(3);
        let burst = |whole: bool| {
            let mut done = 0;
            while Instant::now() < end {
                let mut stream = connect(&config, address);
                if whole {
                    stream.conn.complete_io(&mut stream.sock).unwrap();
                } else {
                    // Ours is the dear part; he who leaves then has paid little.
                    stream.conn.write_tls(&mut stream.sock).unwrap();
                    let mut byte = [0];
                    let _ = stream.sock.read(&mut byte);
                }
                done += 1;
            }
            done
        };
        std::thread::scope(|scope| {
            let burst = &burst;
            let all: Vec<_> = (0..4).map(|n| scope.spawn(move || burst(n % 2 == 0))).collect();
            all.into_iter().map(|one| one.join().unwrap()).sum::<u32>()
        })
    });
    assert!(done >= 50, "{done}");
    let bound = 500.0_f64.max(calm.p99() * 10.0);
    assert!(meanwhile.p99() < bound, "{} ms, {} calm", meanwhile.p99(), calm.p99());
    super::tools::until("descriptors are given back", Duration::from_secs(15), || {
        process.descriptors() <= before + 4
    });
    is_sound(&vault);
    figure(&format!(
        "A08: {} handshakes a second from the same two cores; honest p99 {:.0} ms, calm {:.0}",
        done / 3,
        meanwhile.p99(),
        calm.p99()
    ));
}
