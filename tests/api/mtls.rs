//! A08 and theme 19: client certificates on the wire. Which are taken, which are not, and what happens to connections that
//! are open when trust changes.

use crate::client::{read_answer, request};
use crate::pki::{Authority, Identity, Leaf, server, uri};
use crate::served::{Plan, Served};
use rcgen::ExtendedKeyUsagePurpose;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use std::io::Write;
use std::time::{Duration, Instant};

/// Storefront by certificate, billing by both, mailer by key.
const MODES: [&str; 3] = [r#"["mtls"]"#, r#"["mtls", "key"]"#, r#"["key"]"#];
const YEAR: i64 = 365 * 86_400;
const SOON: Duration = Duration::from_secs(5);

fn plan() -> Plan {
    Plan { auth: MODES, ..Plan::new() }
}

fn served(ca: &Authority, revoked: &[&Identity]) -> Served {
    plan().trusting(&ca.pem(), Some(&ca.crl(revoked, 86_400))).serve()
}

#[test]
fn each_mode_takes_what_it_asks_for_and_every_failure_answers_alike() {
    let ca = Authority::new("clients");
    let served = served(&ca, &[]);
    let identities = ["storefront", "billing", "mailer"].map(|name| (name, ca.client(name)));
    let unknown = ca.client("nobody");
    for (name, identity) in &identities {
        let key = Some(served.key(name));
        let (key_alone, certificate_alone, both) = match *name {
            "storefront" => (401, 200, 401),
            "billing" => (401, 401, 200),
            _ => (200, 401, 200),
        };
        assert_eq!(served.whoami(None, key), key_alone, "{name} by key");
        assert_eq!(served.whoami(Some(identity), None), certificate_alone, "{name} by certificate");
        assert_eq!(served.whoami(Some(identity), key), both, "{name} by both");
        assert_eq!(served.whoami(Some(&unknown), key), 401, "{name} with another's certificate");
        assert_eq!(served.whoami(Some(identity), Some("srk_guess")), 401, "{name} with a guessed key");
    }
    assert_eq!(served.whoami(None, None), 401);
    let bodies = [
        served.target.send("GET", "/v1/whoami", None, None),
        served.target.with(&unknown).send("GET", "/v1/whoami", None, None),
        served.target.with(&identities[0].1).send("GET", "/v1/whoami", Some(served.key("mailer")), None),
        served.target.with(&identities[0].1).send_with(
            "GET",
            "/v1/whoami",
            None,
            None,
            &[("Authorization", "Basic x")],
        ),
    ];
    let bare = |json: serde_json::Value| {
        let mut json = json;
        json["request_id"].take();
        json
    };
    for answer in &bodies {
        assert_eq!(answer.status, 401);
        assert_eq!(bare(answer.json()), bare(bodies[0].json()), "one answer for every failure");
    }
    let whoami = served.events("whoami");
    let by = |key: bool, certificate: bool| {
        whoami
            .iter()
            .filter(|e| e.get("key").is_some() == key && e.get("tls_client").is_some() == certificate)
            .count()
    };
    assert_eq!((by(true, false), by(false, true), by(true, true)), (1, 1, 2), "{whoami:?}");
}

#[test]
fn only_certificates_of_the_authority_for_clients_with_one_name_that_stand_are_taken() {
    let (ca, stranger) = (Authority::new("clients"), Authority::new("clients"));
    let named = |uris: &[String]| Leaf { uris: uris.to_vec(), ..Leaf::default() };
    let mine = uri("storefront");
    let revoked = ca.client("storefront");
    let served = served(&ca, &[&revoked]);
    let good = ca.client("storefront");
    assert_eq!(served.whoami(Some(&good), None), 200);
    let spiffe = ca.issue(named(&["spiffe://shop/storefront".to_owned(), mine.clone()]));
    assert_eq!(served.whoami(Some(&spiffe), None), 200, "names of other systems do no harm");
    let by_name = Leaf { common_name: "storefront".to_owned(), ..Leaf::default() };
    let for_servers =
        Leaf { usage: ExtendedKeyUsagePurpose::ServerAuth, ..named(std::slice::from_ref(&mine)) };
    for (what, identity, kind) in [
        ("no name", ca.issue(named(&[])), "certificate_name"),
        ("a common name only", ca.issue(by_name), "certificate_name"),
        ("two names", ca.issue(named(&[mine.clone(), uri("billing")])), "certificate_name"),
        ("its name twice", ca.issue(named(&[mine.clone(), mine.clone()])), "certificate_name"),
        ("a name in capitals", ca.issue(named(&[uri("STOREFRONT")])), "certificate_name"),
        ("an empty name", ca.issue(named(&[uri("")])), "certificate_name"),
        (
            "another scheme",
            ca.issue(named(&["https://strongroom:client:storefront".to_owned()])),
            "certificate_name",
        ),
        ("another authority of the same name", stranger.client("storefront"), "certificate_authority"),
        ("no authority", Authority::new("other").client("storefront"), "certificate_authority"),
        (
            "expired",
            ca.issue(Leaf { life: (-YEAR, -60), ..named(std::slice::from_ref(&mine)) }),
            "certificate_expired",
        ),
        (
            "not valid yet",
            ca.issue(Leaf { life: (3_600, YEAR), ..named(std::slice::from_ref(&mine)) }),
            "certificate_expired",
        ),
        ("for servers", ca.issue(for_servers), "certificate_purpose"),
        ("revoked", revoked, "certificate_revoked"),
    ] {
        let name = format!("strongroom_handshake_failures_total{{kind=\"{kind}\"}}");
        let before = served.metric(&name);
        assert_eq!(served.whoami(Some(&identity), None), 0, "{what}");
        assert_eq!(
            served.whoami(Some(&identity), Some(served.key("mailer"))),
            0,
            "{what}, beside a good key"
        );
        served.until(&format!("{what} is counted as {kind}"), SOON, || served.metric(&name) == before + 2);
    }
    assert_eq!(served.whoami(Some(&good), None), 200);
    assert_eq!(served.whoami(None, Some(served.key("mailer"))), 200, "others go on without");
}

#[test]
fn intermediate_authorities_need_lists_too_and_long_chains_are_refused_at_once() {
    let root = Authority::new("root");
    let issuing = root.below("issuing");
    let both = root.crl(&[], 86_400) + &issuing.crl(&[], 86_400);
    let served = plan().trusting(&root.pem(), Some(&both)).serve();
    assert_eq!(served.whoami(Some(&issuing.client("storefront")), None), 200);
    let unlisted = root.below("unlisted").client("storefront");
    assert_eq!(served.whoami(Some(&unlisted), None), 0, "no list: nobody can tell whether it is revoked");
    // Row 37: many authorities of one name, so that a careless search tries every order.
    let mut last = root.below("same");
    for _ in 0..30 {
        last = last.below("same");
    }
    let mut pathological = last.client("storefront");
    let others: Vec<_> =
        (0..30).flat_map(|_| root.below("same").client("storefront").chain.split_off(1)).collect();
    pathological.chain.extend(others);
    let begun = Instant::now();
    for _ in 0..20 {
        assert_eq!(served.whoami(Some(&pathological), None), 0);
    }
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert_eq!(served.whoami(Some(&issuing.client("storefront")), None), 200);
}

#[test]
fn i11_a_list_that_has_expired_refuses_every_certificate_and_no_key() {
    let ca = Authority::new("clients");
    let served = plan().trusting(&ca.pem(), Some(&ca.crl(&[], -60))).serve();
    assert_eq!(served.whoami(Some(&ca.client("storefront")), None), 0);
    assert_eq!(served.whoami(None, Some(served.key("mailer"))), 200);
    assert!(served.log().contains("tls_crl_expired"), "{}", served.log());
    assert!(served.metric("strongroom_handshake_failures_total{kind=\"revocation_unknown\"}") >= 1);
    served.put("crl.pem", &ca.crl(&[], 86_400));
    let good = ca.client("storefront");
    served.until("the new list is taken", SOON, || served.whoami(Some(&good), None) == 200);
}

#[test]
fn a_list_that_expires_while_connections_are_open_ends_them() {
    let ca = Authority::new("clients");
    let served = plan().trusting(&ca.pem(), Some(&ca.crl(&[], 12))).serve();
    let mut open = served.target.with(&ca.client("storefront")).connect();
    let ask = request("GET", "/v1/whoami", None, None, &[]);
    let begun = Instant::now();
    let mut answered = 0;
    while begun.elapsed() < Duration::from_secs(20) {
        let answer = open.write_all(&ask).and_then(|()| read_answer(&mut open));
        match answer.map(|answer| answer.status) {
            Ok(200) => answered += 1,
            Ok(401) | Err(_) => break,
            Ok(other) => panic!("{other}"),
        }
        std::thread::sleep(Duration::from_millis(200));
    }
    assert!(answered > 0 && begun.elapsed() < Duration::from_secs(18), "{answered} in {:?}", begun.elapsed());
}

#[test]
fn a_set_that_cannot_be_used_stops_the_start_and_says_what_to_do() {
    let ca = Authority::new("clients");
    let other = Authority::new("other");
    for (crl, told) in [
        (Some("nonsense".to_owned()), "`client_crl`"),
        (Some(other.crl(&[], 86_400)), "lacks the list"),
        (None, "`client_crl`"),
    ] {
        let mut plan = plan().trusting(&ca.pem(), crl.as_deref());
        if crl.is_none() {
            plan.tls += &format!("client_crl = {:?}\n", plan.dir.path().join("tls/missing.pem"));
        }
        let ended =
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| plan.serve().log())).unwrap_err();
        let said = ended.downcast_ref::<String>().unwrap();
        assert!(said.contains("it ended") && said.contains(told), "{said}");
    }
}

/// Waits until a kept connection is refused or closed; the time it took.
fn cut_off(open: &mut crate::client::Tls) -> Duration {
    let begun = Instant::now();
    let ask = request("GET", "/v1/whoami", None, None, &[]);
    loop {
        match open.write_all(&ask).and_then(|()| read_answer(open)) {
            Ok(answer) if answer.status == 200 => {}
            Ok(answer) => {
                assert_eq!(answer.status, 401);
                return begun.elapsed();
            }
            Err(_) => return begun.elapsed(),
        }
        assert!(begun.elapsed() < Duration::from_secs(30), "never cut off");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_client_revoked_while_connected_is_cut_off_and_others_are_not() {
    let ca = Authority::new("clients");
    let served = served(&ca, &[]);
    let (bad, good) = (ca.client("storefront"), ca.client("storefront"));
    let ask = request("GET", "/v1/whoami", None, None, &[]);
    let [mut busy, mut idle, mut other] =
        [&bad, &bad, &good].map(|identity| served.target.with(identity).connect());
    for stream in [&mut busy, &mut idle, &mut other] {
        stream.write_all(&ask).unwrap();
        assert_eq!(read_answer(stream).unwrap().status, 200);
    }
    served.put("crl.pem", &ca.crl(&[&bad], 86_400));
    assert!(cut_off(&mut busy) < SOON);
    idle.sock.set_read_timeout(Some(SOON)).unwrap();
    let mut byte = [0];
    let closed = std::io::Read::read(&mut idle, &mut byte);
    let waiting = closed.as_ref().is_err_and(|e| e.kind() == std::io::ErrorKind::WouldBlock);
    assert!(!waiting && closed.ok().is_none_or(|n| n == 0), "an idle one is closed without being asked");
    other.write_all(&ask).unwrap();
    assert_eq!(read_answer(&mut other).unwrap().status, 200);
    assert_eq!(served.whoami(Some(&bad), None), 0);
    assert!(served.metric("strongroom_connections_refused_total{reason=\"certificate_fell\"}") >= 2);
    assert_eq!(served.metric("strongroom_tls_reloads_total{outcome=\"taken\"}"), 1);
    let event = served.events("tls.reload").remove(0);
    assert_eq!((event["principal"].as_str(), event["outcome"].as_str()), (Some("vault"), Some("allowed")));
}

#[test]
fn an_authority_taken_away_takes_its_clients_with_it() {
    let (old, new) = (Authority::new("old"), Authority::new("new"));
    let served = plan().trusting(&(old.pem() + &new.pem()), None).serve();
    let mut leaving = served.target.with(&old.client("storefront")).connect();
    let mut staying = served.target.with(&new.client("storefront")).connect();
    let ask = request("GET", "/v1/whoami", None, None, &[]);
    for stream in [&mut leaving, &mut staying] {
        stream.write_all(&ask).unwrap();
        assert_eq!(read_answer(stream).unwrap().status, 200);
    }
    served.put("clients.pem", &new.pem());
    served.signal("HUP");
    assert!(cut_off(&mut leaving) < SOON);
    staying.write_all(&ask).unwrap();
    assert_eq!(read_answer(&mut staying).unwrap().status, 200);
    assert_eq!(served.whoami(Some(&old.client("storefront")), None), 0);
}

#[test]
fn the_servers_certificate_is_renewed_without_restart_and_a_bad_pair_changes_nothing() {
    let served = plan().serve();
    let mut kept = served.target.connect();
    let ask = request("GET", "/live", None, None, &[]);
    kept.write_all(&ask).unwrap();
    assert_eq!(read_answer(&mut kept).unwrap().status, 200);
    let (certificate, key, root) = server((-3_600, YEAR));
    let (expired, its_key, _) = server((-YEAR, -60));
    let live = |target: &crate::client::Target| {
        let mut stream = target.connect();
        stream.write_all(&ask).and_then(|()| read_answer(&mut stream)).is_ok()
    };
    let refused = || served.metric("strongroom_tls_reloads_total{outcome=\"refused\"}");
    // Half of a renewal is no set.
    served.put("cert.pem", &certificate);
    served.until("the half set is refused", SOON, || refused() == 1);
    served.until("it is said", SOON, || served.metric("strongroom_tls_stale") == 1);
    assert!(live(&served.target), "the last good one is served");
    assert!(served.log().contains("tls_pair"), "{}", served.log());
    served.put("key.pem", &key);
    let renewed = served.target.trusting(&root);
    served.until("the whole set is served", SOON, || live(&renewed));
    served.until("it says so", SOON, || served.metric("strongroom_tls_stale") == 0);
    assert!(!live(&served.target), "and the old one no longer");
    kept.write_all(&ask).unwrap();
    assert_eq!(read_answer(&mut kept).unwrap().status, 200, "connections without a certificate go on");
    served.put("key.pem", &its_key);
    served.put("cert.pem", &expired);
    served.until("an expired one is refused", SOON, || refused() == 2);
    assert!(live(&renewed) && served.log().contains("tls_expired"));
    served.put("cert.pem", &certificate);
    served.put("key.pem", &key);
    std::fs::set_permissions(
        served.dir.path().join("tls/key.pem"),
        std::os::unix::fs::PermissionsExt::from_mode(0o644),
    )
    .unwrap();
    served.until("a key that others may read is refused", SOON, || refused() == 3);
    assert!(live(&renewed));
    let outcomes: Vec<_> = served
        .events("tls.reload")
        .iter()
        .map(|e| e["code"].as_str().unwrap_or("taken").to_owned())
        .collect();
    assert_eq!(outcomes, ["tls_key_mode", "tls_expired", "taken", "tls_pair"]);
}

#[test]
fn nothing_is_resumed_so_no_session_outlives_its_trust() {
    let ca = Authority::new("clients");
    let served = served(&ca, &[]);
    let target = served.target.with(&ca.client("storefront"));
    for _ in 0..3 {
        let mut stream = target.connect();
        stream.write_all(&request("GET", "/v1/whoami", None, None, &[])).unwrap();
        assert_eq!(read_answer(&mut stream).unwrap().status, 200);
        assert_eq!(stream.conn.handshake_kind(), Some(rustls::HandshakeKind::Full));
        assert_eq!(stream.conn.tls13_tickets_received(), 0);
    }
}

#[test]
fn an_old_connection_is_closed_with_its_next_reply() {
    let plan = Plan { more: "[http]\nmax_connection_age_s = 1\n".to_owned(), ..Plan::new() };
    let served = plan.serve();
    let mut stream = served.target.connect();
    let ask = request("GET", "/v1/whoami", Some(served.key("mailer")), None, &[]);
    stream.write_all(&ask).unwrap();
    assert_ne!(read_answer(&mut stream).unwrap().header("connection"), Some("close"));
    std::thread::sleep(Duration::from_millis(1_200));
    stream.write_all(&ask).unwrap();
    let last = read_answer(&mut stream).unwrap();
    assert_eq!((last.status, last.header("connection")), (200, Some("close")));
    assert!(stream.write_all(&ask).and_then(|()| read_answer(&mut stream)).is_err());
}

#[test]
fn the_documented_commands_make_what_the_vault_takes_and_refuses() {
    let openssl = std::process::Command::new("openssl").arg("version").output();
    if !openssl.is_ok_and(|out| out.status.success()) {
        // The authority of this test is OpenSSL itself; the others make their own.
        return;
    }
    let page = include_str!("../../docs/mutual-tls.md");
    let begin = page.find("mkdir -m 700 clients-ca").unwrap();
    let script = page[begin..].split("```").next().unwrap();
    let plan = plan();
    let ca = plan.dir.path().join("clients-ca");
    let shell = |script: &str, dir: &std::path::Path| {
        let out =
            std::process::Command::new("bash").args(["-euc", script]).current_dir(dir).output().unwrap();
        assert!(out.status.success(), "{}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8(out.stdout).unwrap()
    };
    shell(script, plan.dir.path());
    let read = |name: &str| std::fs::read_to_string(ca.join(name)).unwrap();
    let identity = Identity {
        chain: vec![CertificateDer::from_pem_slice(read("storefront.pem").as_bytes()).unwrap()],
        key: PrivateKeyDer::from_pem_slice(read("storefront.key").as_bytes()).unwrap(),
        serial: 1,
    };
    let served = plan.trusting(&read("ca.pem"), Some(&read("crl.pem"))).serve();
    assert_eq!(served.whoami(Some(&identity), None), 200);
    let id = shell("openssl x509 -in storefront.pem -outform DER | sha256sum | cut -c1-32", &ca);
    assert_eq!(served.events("whoami")[0]["tls_client"].as_str(), Some(id.trim()));
    let revoke = page
        .lines()
        .filter(|l| l.starts_with("openssl ca -config ca.cnf -revoke") || l.contains("-out crl.pem.new"));
    shell(&revoke.collect::<Vec<_>>().join("\n"), &ca);
    served.put("crl.pem", &read("crl.pem"));
    served.until("it is revoked", SOON, || served.whoami(Some(&identity), None) == 0);
    assert!(served.metric("strongroom_tls_expires_seconds{what=\"client_crl\"}") > 6 * 86_400);
}

#[test]
fn refused_certificates_are_summed_on_the_log_and_an_unverifiable_policy_is_told() {
    let ca = Authority::new("clients");
    let mut served = served(&ca, &[]);
    for _ in 0..3 {
        assert_eq!(served.whoami(Some(&ca.issue(Leaf::default())), None), 0);
    }
    assert!(!served.log().contains("mtls_without_ca"));
    served.signal("TERM");
    assert!(served.ended(Duration::from_secs(20)).success());
    let sums = served.events("refusal.sum");
    let sum = sums.iter().find(|e| e["code"] == "client_certificate_refused").unwrap();
    assert_eq!((sum["count"].as_u64(), sum["network"]["prefix"].as_str()), (Some(3), Some("127.0.0.0/24")));
    let served = plan().serve();
    served.until("it is told", SOON, || served.log().contains("mtls_without_ca"));
}
