//! A02: those who send as slowly as they can, or nothing at all, are cut off; others do not notice, and nothing stays behind.

use super::process::Process;
use super::tools::{beside, connect_from, figure, is_cut, is_sound, until};
use crate::client::{Target, Tls};
use crate::vault::Vault;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

/// Most of what one address may have open is 512.
const OF_ONE: u8 = 200;

/// One who goes slowly.
struct Slow {
    stream: Tls,
    drip: &'static [u8],
    cut: Option<Duration>,
}

impl Slow {
    fn new(target: &Target, from: u8, head: &str, drip: &'static [u8]) -> Self {
        let mut stream = connect_from(target, Ipv4Addr::new(127, 0, 0, from));
        stream.write_all(head.as_bytes()).unwrap();
        Self { stream, drip, cut: None }
    }
    /// Sends a little more, and notices when it has been cut off.
    fn go_on(&mut self, begun: Instant) {
        let over = self.stream.write_all(self.drip).is_err() || is_cut(&mut self.stream);
        if self.cut.is_none() && over {
            self.cut = Some(begun.elapsed());
        }
    }
}

fn crowd(target: &Target, key: &str) -> Vec<Slow> {
    let head = format!("GET /v1/whoami HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n");
    let with = |framing: &str, key: &str| {
        format!(
            "POST /v1/subjects HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\
             Content-Type: application/json\r\n{framing}\r\n\r\n"
        )
    };
    let mut all = Vec::new();
    for n in 0..OF_ONE {
        all.push(Slow::new(target, 3 + n % 2, &head, b"X: y\r\n"));
        let (framing, drip): (_, &[u8]) = match n % 3 {
            0 => ("Content-Length: 5000", b" "),
            1 => ("Transfer-Encoding: chunked", b"1\r\n \r\n"),
            // Says nothing more at all.
            _ => ("Content-Length: 5000", b""),
        };
        let key = if n % 5 == 0 { "srk_nobody" } else { key };
        all.push(Slow::new(target, 5 + n % 2, &with(framing, key), drip));
    }
    all
}

/// Sockets that never begin the handshake, or stop within it.
fn stalled(target: &Target) -> Vec<TcpStream> {
    let one = |n: u8| {
        let mut tcp = crate::client::socket_from(Ipv4Addr::new(127, 0, 0, 7), target.address);
        if n.is_multiple_of(2) {
            tcp.write_all(b"\x16\x03\x01\x02\x00\x01").unwrap();
        }
        tcp
    };
    (0..100).map(one).collect()
}

/// Waits until a bare socket is closed; how long after the beginning.
fn closed(tcp: &mut TcpStream, begun: Instant) -> Duration {
    tcp.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let mut rest = Vec::new();
    let ended = tcp.read_to_end(&mut rest);
    assert!(!ended.is_err_and(|e| super::tools::is_silence(&e)), "a stalled socket was kept for 20 s");
    begun.elapsed()
}

/// "Sends hostile input" in the table of attackers: everything is bounded.
#[test]
fn a02_who_goes_slowly_is_cut_off_and_honest_callers_do_not_notice() {
    let vault = Vault::start();
    let process = Process::of(vault.dir.path());
    let key = vault.key("mailer");
    let settle = vault.get("storefront", "/v1/whoami");
    assert_eq!(settle.status, 200);
    std::thread::sleep(Duration::from_millis(300));
    let (descriptors, resident) = (process.descriptors(), process.resident());
    let (calm, meanwhile, (slowest, most, grown)) = beside((&vault.target, key), || {
        let mut stalled = stalled(&vault.target);
        let begun = Instant::now();
        let mut slow = crowd(&vault.target, vault.key("storefront"));
        let gathered = begun.elapsed();
        let most = process.descriptors();
        let mut grown = 0;
        while slow.iter().any(|s| s.cut.is_none()) && begun.elapsed() < gathered + Duration::from_secs(20) {
            slow.iter_mut().filter(|s| s.cut.is_none()).for_each(|s| s.go_on(begun));
            grown = grown.max(process.resident().saturating_sub(resident));
            std::thread::sleep(Duration::from_millis(500));
        }
        let kept = slow.iter().filter(|s| s.cut.is_none()).count();
        assert_eq!(kept, 0, "so many were still served after 20 s");
        let last = slow.iter().filter_map(|s| s.cut).max().unwrap().saturating_sub(gathered);
        let sockets = stalled.iter_mut().map(|tcp| closed(tcp, begun)).max().unwrap();
        assert!(sockets < gathered + Duration::from_secs(15), "{sockets:?}");
        (last, most, grown)
    });
    assert!(slowest <= Duration::from_secs(15), "cut off only after {slowest:?}");
    assert!(most >= descriptors + 400, "the attackers were there: {most} of {descriptors}");
    assert!(grown < 64, "{grown} MiB");
    let bound = 250.0_f64.max(calm.p99() * 10.0);
    assert!(meanwhile.count() > 50 && meanwhile.p99() < bound, "{} ms, {} calm", meanwhile.p99(), calm.p99());
    until("descriptors are given back", Duration::from_secs(20), || process.descriptors() <= descriptors + 4);
    is_sound(&vault);
    figure(&format!(
        "A02: 500 cut within {slowest:.1?}; honest p99 {:.0} ms, calm {:.0}; +{grown} MiB; descriptors {descriptors} to {most}",
        meanwhile.p99(),
        calm.p99()
    ));
}

/// The same for who asks and does not listen.
#[test]
fn a02_who_reads_nothing_of_his_answers_is_not_waited_for() {
    let vault = Vault::start();
    let process = Process::of(vault.dir.path());
    let key = vault.key("storefront");
    let ask = format!("GET /openapi.json HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\n\r\n");
    vault.get("storefront", "/v1/whoami");
    let before = process.resident();
    let (_, meanwhile, held) = beside((&vault.target, vault.key("mailer")), || {
        let mut held: Vec<Tls> = (0..60).map(|_| vault.target.connect()).collect();
        for stream in &mut held {
            stream.sock.set_write_timeout(Some(Duration::from_millis(50))).unwrap();
            for _ in 0..100 {
                if stream.write_all(ask.as_bytes()).is_err() {
                    break;
                }
            }
        }
        std::thread::sleep(Duration::from_secs(2));
        held
    });
    let grown = process.resident().saturating_sub(before);
    assert!(grown < 128, "{grown} MiB for answers nobody reads");
    assert!(meanwhile.median() < 250.0, "{} ms", meanwhile.median());
    drop(held);
    is_sound(&vault);
    figure(&format!("A02: 60 who read nothing: +{grown} MiB, honest p99 {:.0} ms", meanwhile.p99()));
}
