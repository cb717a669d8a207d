//! A served vault killed and started again, under whatever environment a fault needs.

use crate::served::{Served, start};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::time::{Duration, Instant};

impl Served {
    /// The end a power failure makes.
    pub(super) fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
    /// Serves the same vault again, at the same addresses.
    pub(super) fn again(&mut self, env: &[(String, String)]) {
        self.child = start(self.dir.path(), env);
        self.wait();
    }
    /// Starts it and waits neither for an answer nor for its end.
    pub(super) fn start_unwatched(&mut self, env: &[(String, String)]) {
        self.child = start(self.dir.path(), env);
    }
    /// The status of readiness, on the listener of metrics.
    pub(super) fn ready(&self) -> u16 {
        let mut tcp = TcpStream::connect(self.metrics).unwrap();
        tcp.write_all(b"GET /ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").unwrap();
        let mut text = String::new();
        tcp.read_to_string(&mut text).unwrap();
        text.split(' ').nth(1).unwrap().parse().unwrap()
    }
    /// Waits until it serves, or ended instead.
    pub(super) fn serves(&mut self) -> bool {
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(self.metrics).is_err() {
            if self.has_ended() || Instant::now() > deadline {
                return false;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        true
    }
    pub(super) fn has_ended(&mut self) -> bool {
        self.child.try_wait().unwrap().is_some()
    }
    pub(super) fn data(&self) -> PathBuf {
        self.dir.path().join("d")
    }
    pub(super) fn process(&self) -> u32 {
        self.child.id()
    }
}
