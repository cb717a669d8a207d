//! Connections that attack: what was answered to bytes nobody should send, and how honest callers fared meanwhile.

use crate::client::{Target, Tls, read_answer, request, socket_from};
use crate::vault::Vault;
use std::io::{ErrorKind, Read, Write};
use std::net::Ipv4Addr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// A figure of a test, shown by `--no-capture`.
pub(super) fn figure(text: &str) {
    let _ = writeln!(std::io::stderr(), "figure: {text}");
}

/// What a connection answered.
#[derive(PartialEq, Eq, Debug)]
pub(super) struct Heard {
    /// Statuses in their order.
    pub(super) statuses: Vec<u16>,
    /// The other side ended it.
    pub(super) closed: bool,
}

/// Nothing to read yet.
pub(super) fn is_silence(error: &std::io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut)
}

/// Sends bytes and hears all answers until the connection ends or has been silent for a while.
pub(super) fn hear(target: &Target, bytes: &[u8]) -> Heard {
    let mut stream = target.connect();
    stream.sock.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    // Who is refused early may find the connection closed before all is sent.
    let _ = stream.write_all(bytes);
    listen(&mut stream)
}

/// Hears what a connection still answers.
pub(super) fn listen(stream: &mut Tls) -> Heard {
    let mut statuses = Vec::new();
    loop {
        match read_answer(stream) {
            Ok(answer) => statuses.push(answer.status),
            Err(error) => return Heard { statuses, closed: !is_silence(&error) },
        }
    }
}

/// A connection from another address of this machine.
pub(super) fn connect_from(target: &Target, source: Ipv4Addr) -> Tls {
    target.over(socket_from(source, target.address))
}

/// Whether a connection was ended by the other side; never waits.
pub(super) fn is_cut(stream: &mut Tls) -> bool {
    stream.sock.set_nonblocking(true).unwrap();
    let mut rest = [0; 4_096];
    let cut = loop {
        match stream.read(&mut rest) {
            Ok(0) => break true,
            Ok(_) => {}
            Err(error) => break !is_silence(&error),
        }
    };
    stream.sock.set_nonblocking(false).unwrap();
    cut
}

/// Times of honest requests, in milliseconds.
pub(super) struct Times(Vec<f64>);

impl Times {
    fn at(&self, share: f64) -> f64 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a place in a list")]
        let place = (share * (self.0.len() - 1) as f64).round() as usize;
        self.0[place]
    }
    pub(super) fn count(&self) -> usize {
        self.0.len()
    }
    pub(super) fn p99(&self) -> f64 {
        self.at(0.99)
    }
    pub(super) fn median(&self) -> f64 {
        self.at(0.5)
    }
}

/// Asks `whoami` of a kept connection about fifty times a second until told to stop; every answer has to be 200.
pub(super) fn honest(target: &Target, key: &str, until: &dyn Fn() -> bool) -> Times {
    let mut stream = target.connect();
    let ask = request("GET", "/v1/whoami", Some(key), None, &[]);
    let mut times = Vec::new();
    while !until() {
        let begun = Instant::now();
        stream.write_all(&ask).unwrap();
        let answer = read_answer(&mut stream).unwrap();
        assert_eq!(answer.status, 200, "an honest caller was refused: {}", answer.json());
        let spent = begun.elapsed();
        times.push(spent.as_secs_f64() * 1e3);
        std::thread::sleep(Duration::from_millis(20).saturating_sub(spent));
    }
    times.sort_by(f64::total_cmp);
    Times(times)
}

/// Runs an attack with an honest caller beside; the honest caller's times before and meanwhile.
pub(super) fn beside<T: Send>(
    (target, key): (&Target, &str),
    attack: impl FnOnce() -> T + Send,
) -> (Times, Times, T) {
    let begun = Instant::now();
    let calm = honest(target, key, &|| begun.elapsed() > Duration::from_millis(1_500));
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let attacker = scope.spawn(|| {
            let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(attack));
            over.store(true, Ordering::Release);
            result
        });
        let meanwhile = honest(target, key, &|| over.load(Ordering::Acquire));
        match attacker.join().unwrap() {
            Ok(made) => (calm, meanwhile, made),
            Err(panic) => std::panic::resume_unwind(panic),
        }
    })
}

/// Waits until something holds.
#[track_caller]
pub(super) fn until(what: &str, within: Duration, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + within;
    while !holds() {
        assert!(Instant::now() < deadline, "not in {within:?}: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// The value of a line of the metrics; 0 when there is none.
pub(super) fn metric(text: &str, name: &str) -> u64 {
    text.lines().find_map(|l| l.strip_prefix(name)?.strip_prefix(' ')?.parse().ok()).unwrap_or(0)
}

/// What the log of a vault says.
pub(super) fn log_of(vault: &Vault) -> String {
    std::fs::read_to_string(vault.dir.path().join("log")).unwrap()
}

/// The vault still serves, and no panic was contained.
#[track_caller]
pub(super) fn is_sound(vault: &Vault) {
    assert_eq!(vault.get("storefront", "/v1/whoami").status, 200);
    assert_eq!(metric(&vault.metrics(), "strongroom_panics_total"), 0, "{}", log_of(vault));
    assert!(!log_of(vault).contains("\"event\":\"panic\""));
}
