//! A trace collector that takes everything and keeps it, in a thread of the test.

use serde_json::Value;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

pub(crate) struct Collector {
    pub(crate) url: String,
    bodies: Arc<Mutex<Vec<Vec<u8>>>>,
}

impl Collector {
    pub(crate) fn start() -> Self {
        Self::listen("http", None)
    }

    /// The same behind TLS.
    pub(crate) fn start_tls(config: rustls::ServerConfig) -> Self {
        Self::listen("https", Some(Arc::new(config)))
    }

    fn listen(scheme: &str, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("{scheme}://{}/v1/traces", listener.local_addr().unwrap());
        let bodies = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&bodies);
        std::thread::spawn(move || {
            for tcp in listener.incoming() {
                let Ok(mut tcp) = tcp else { return };
                tcp.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
                let body = match &tls {
                    None => answer(&mut tcp),
                    Some(tls) => {
                        let connection = rustls::ServerConnection::new(tls.clone()).unwrap();
                        answer(&mut rustls::StreamOwned::new(connection, tcp))
                    }
                };
                kept.lock().unwrap().extend((!body.is_empty()).then_some(body));
            }
        });
        Self { url, bodies }
    }

    /// Everything that was sent so far.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.bodies.lock().unwrap().concat()
    }

    pub(crate) fn spans(&self) -> Vec<Value> {
        let bodies = self.bodies.lock().unwrap();
        let parsed = bodies.iter().map(|body| serde_json::from_slice::<Value>(body).unwrap());
        parsed
            .flat_map(|body| body["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().unwrap().clone())
            .collect()
    }

    /// Waits until so many spans have come.
    pub(crate) fn wait(&self, count: usize) -> Vec<Value> {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            let spans = self.spans();
            if spans.len() >= count {
                return spans;
            }
            assert!(Instant::now() < deadline, "{} of {count} spans came", spans.len());
            std::thread::sleep(Duration::from_millis(50));
        }
    }
}

fn answer(stream: &mut (impl Read + Write)) -> Vec<u8> {
    let body = read(stream);
    // Who has gone wants no answer.
    let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}");
    let _ = stream.flush();
    body
}

/// The body of one request, by its announced length.
fn read(tcp: &mut impl Read) -> Vec<u8> {
    let mut seen = Vec::new();
    let mut part = [0; 4_096];
    loop {
        let end = seen.windows(4).position(|w| w == b"\r\n\r\n").map(|at| at + 4);
        if let Some(end) = end {
            let head = String::from_utf8_lossy(&seen[..end]).to_ascii_lowercase();
            let length: usize = head
                .lines()
                .find_map(|l| l.strip_prefix("content-length: "))
                .unwrap()
                .trim()
                .parse()
                .unwrap();
            if seen.len() >= end + length {
                return seen[end..].to_vec();
            }
        }
        match tcp.read(&mut part).unwrap_or(0) {
            0 => return Vec::new(),
            n => seen.extend(&part[..n]),
        }
    }
}

/// An attribute of a span, as text.
pub(crate) fn attribute(span: &Value, key: &str) -> Option<String> {
    let found = span["attributes"].as_array().unwrap().iter().find(|a| a["key"] == key)?;
    let value = &found["value"];
    value["stringValue"].as_str().or_else(|| value["intValue"].as_str()).map(str::to_owned)
}
