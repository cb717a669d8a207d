//! A12: descriptors run out. The vault refuses, keeps its log, and is itself again as soon as there are some.

use super::process::Process;
use super::tools::{figure, is_silence, until};
use crate::client::{Target, Tls, read_answer, request};
use crate::vault::{binary, path, run};
use serde_json::Value;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A development vault under a limit of descriptors.
struct Starved {
    dir: tempfile::TempDir,
    child: Child,
    target: Target,
    credentials: Value,
}

impl Starved {
    fn start(descriptors: u32) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("credentials.json");
        let log = std::fs::File::create(dir.path().join("log")).unwrap();
        let child = Command::new("sh")
            .args(["-c", &format!("ulimit -n {descriptors} && exec \"$0\" \"$@\"")])
            .arg(binary())
            .args(["dev", "--listen", "127.0.0.1:0", "--data-dir"])
            .arg(dir.path().join("data"))
            .arg("--credentials-out")
            .arg(&out)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        let deadline = Instant::now() + Duration::from_secs(60);
        let credentials: Value = loop {
            match std::fs::read_to_string(&out).ok().and_then(|text| serde_json::from_str(&text).ok()) {
                Some(credentials) => break credentials,
                None => std::thread::sleep(Duration::from_millis(20)),
            }
            assert!(
                Instant::now() < deadline,
                "{}",
                std::fs::read_to_string(dir.path().join("log")).unwrap()
            );
        };
        let ca = std::path::PathBuf::from(credentials["ca_cert"].as_str().unwrap());
        let target = Target::new(credentials["base_url"].as_str().unwrap(), &ca);
        Self { dir, child, target, credentials }
    }
    fn key(&self) -> &str {
        self.credentials["clients"]["storefront"]["key"].as_str().unwrap()
    }
    fn log(&self) -> String {
        std::fs::read_to_string(self.dir.path().join("log")).unwrap()
    }
    /// The end by a signal, so that the log is complete; every event of an act.
    fn events(mut self, act: &str) -> usize {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        assert!(self.child.wait().unwrap().success(), "{}", self.log());
        let data = self.dir.path().join("data");
        let (ok, out, err) =
            run(&["audit", "query", "--data-dir", path(&data), "--act", act, "--limit", "10000"]);
        assert!(ok, "{err}");
        let (whole, _, err) = run(&["audit", "verify", "--data-dir", path(&data)]);
        assert!(whole, "{err}");
        out.lines().count()
    }
}

impl Drop for Starved {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Begins a connection from one of a hundred addresses and does not wait for it: the queue of the system is short.
fn knock(to: SocketAddr, n: u8) -> TcpStream {
    use rustix::net::{AddressFamily, SocketFlags, SocketType, bind, connect, socket_with};
    let made = socket_with(AddressFamily::INET, SocketType::STREAM, SocketFlags::NONBLOCK, None).unwrap();
    bind(&made, &SocketAddr::from((Ipv4Addr::new(127, 0, 0, 2 + n), 0))).unwrap();
    let begun = connect(&made, &to);
    assert!(matches!(begun, Ok(()) | Err(rustix::io::Errno::INPROGRESS)), "{begun:?}");
    let tcp = TcpStream::from(made);
    tcp.set_nonblocking(false).unwrap();
    tcp
}

/// Asks on a kept connection; the status.
fn ask(stream: &mut Tls, key: &str) -> u16 {
    stream.write_all(&request("GET", "/v1/whoami", Some(key), None, &[])).unwrap();
    read_answer(stream).unwrap().status
}

/// P1 and P10 with no descriptor left: nothing is served unrecorded, and nothing ends.
#[test]
fn a12_five_hundred_connections_on_few_descriptors_are_outlived() {
    // What it needs to serve at all, and a few: the very 64 of the list do not suffice for four listeners and the readers.
    let vault = Starved::start(96);
    let process = Process::of(vault.dir.path());
    let key = vault.key().to_owned();
    let mut early = vault.target.connect();
    assert_eq!(ask(&mut early, &key), 200);
    let base = process.descriptors();
    let mut crowd: Vec<TcpStream> =
        (0..500_u16).map(|n| knock(vault.target.address, u8::try_from(n % 100).unwrap())).collect();
    until("descriptors run out", Duration::from_secs(10), || process.descriptors() >= 90);
    // Who was there before is served and recorded meanwhile.
    let mut served = 1;
    for _ in 0..50 {
        assert_eq!(ask(&mut early, &key), 200, "{}", vault.log());
        served += 1;
    }
    assert!(process.lives(), "it ended: {}", vault.log());
    assert!(process.descriptors() <= 100, "{} descriptors", process.descriptors());
    // Stalled sockets are cut after the handshake's time, and the next ones take their places: nobody has to help.
    let mut late = crowd.pop().unwrap();
    late.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    let mut byte = [0];
    assert!(late.read(&mut byte).is_err_and(|e| is_silence(&e)), "it waits in the queue of the system");
    drop(late);
    drop(crowd);
    let begun = Instant::now();
    until("it accepts again by itself", Duration::from_secs(60), || {
        let Ok(tcp) = TcpStream::connect(vault.target.address) else { return false };
        let mut stream = vault.target.over(tcp);
        stream.sock.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
        let sent = stream.write_all(&request("GET", "/live", None, None, &[]));
        sent.and_then(|()| read_answer(&mut stream)).is_ok_and(|answer| answer.status == 200)
    });
    let recovered = begun.elapsed();
    until("descriptors are given back", Duration::from_secs(20), || process.descriptors() <= base + 3);
    for _ in 0..5 {
        assert_eq!(ask(&mut vault.target.connect(), &key), 200);
        served += 1;
    }
    assert!(!vault.log().contains("panic"), "{}", vault.log());
    drop(early);
    assert_eq!(vault.events("whoami"), served, "every answer has its event");
    figure(&format!(
        "A12: base {base} of 96 descriptors; accepts again {recovered:.1?} after the crowd left"
    ));
}
