//! The thread that delivers spans: a bounded queue before it, batches of bounded size, one try each. A span that finds the
//! queue full, and a batch that is not delivered, are dropped and counted (I10).

use super::deliver::{self, Route};
use super::{Settings, Span, otlp};
use crate::domain::Clock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Most spans of one delivery.
const BATCH: usize = 256;
/// How long a span waits for company.
const GATHER: Duration = Duration::from_secs(1);
/// How often a failing collector is complained of.
const COMPLAIN: Duration = Duration::from_secs(60);

/// What became of the spans.
#[derive(Default, Debug)]
pub struct Counts {
    delivered: AtomicU64,
    dropped: AtomicU64,
}

impl Counts {
    /// Spans a collector took.
    pub fn delivered(&self) -> u64 {
        self.delivered.load(Ordering::Relaxed)
    }
    /// Spans that were given up.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }
}

/// Traces cannot be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The file of certificates.
    #[error(
        "[telemetry.traces] ca {0}; write the path of a PEM file with the collector's certificate authority"
    )]
    Ca(&'static str),
    /// No thread.
    #[error("the thread of the traces cannot be started")]
    Thread,
}

/// The sending side. Dropping it ends the thread; [`Exporter::finish`] waits for the last batch.
pub struct Exporter {
    queue: Mutex<Option<SyncSender<Span>>>,
    ended: Mutex<Receiver<()>>,
    counts: Arc<Counts>,
    patience: Duration,
}

impl Exporter {
    /// Starts the thread, or gives `None` when traces are off.
    pub fn start(settings: &Settings, clock: Arc<dyn Clock>) -> Result<Option<Self>, StartError> {
        let Some(endpoint) = settings.endpoint.clone() else { return Ok(None) };
        let tls = match &settings.ca {
            Some(ca) if endpoint.is_https() => Some(deliver::trust(ca).map_err(StartError::Ca)?),
            _ if endpoint.is_https() => return Err(StartError::Ca("is missing")),
            _ => None,
        };
        let timeout = Duration::from_secs(settings.timeout_s);
        let route = Route { endpoint, tls, timeout, clock };
        let counts = Arc::new(Counts::default());
        let (queue, spans) = sync_channel(settings.queue);
        let (end, ended) = sync_channel(1);
        let counted = Arc::clone(&counts);
        let work = move || {
            deliver_all(&route, &spans, &counted);
            // Nobody may be waiting.
            let _told = end.try_send(()).is_ok();
        };
        std::thread::Builder::new().name("traces".to_owned()).spawn(work).map_err(|_| StartError::Thread)?;
        Ok(Some(Self {
            queue: Mutex::new(Some(queue)),
            ended: Mutex::new(ended),
            counts,
            patience: timeout + Duration::from_secs(1),
        }))
    }

    /// Hands a span over, or drops it; never waits.
    pub fn send(&self, span: Span) {
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = queue.as_ref().is_some_and(|queue| queue.try_send(span).is_ok());
        if !taken {
            self.counts.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// What became of the spans.
    pub fn counts(&self) -> &Counts {
        &self.counts
    }

    /// Ends it: what waits is delivered, within one delivery's time; what is not is left behind.
    pub fn finish(&self) {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner).take();
        let ended = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        let _in_time = ended.recv_timeout(self.patience).is_ok();
    }
}

fn deliver_all(route: &Route, spans: &Receiver<Span>, counts: &Counts) {
    let mut complained: Option<Duration> = None;
    loop {
        let (batch, ended) = gather(spans);
        if !batch.is_empty() {
            let number = u64::try_from(batch.len()).unwrap_or(u64::MAX);
            match deliver::post(route, &otlp::body(&batch)) {
                Ok(()) => counts.delivered.fetch_add(number, Ordering::Relaxed),
                Err(error) => {
                    let now = route.clock.monotonic();
                    if complained.is_none_or(|last| now.saturating_sub(last) >= COMPLAIN) {
                        complained = Some(now);
                        let code = crate::domain::io_words(error.kind());
                        tracing::warn!(
                            event = "traces_undelivered",
                            code = code.as_str(),
                            count = number,
                            "the trace collector did not take a batch of spans; they are dropped"
                        );
                    }
                    counts.dropped.fetch_add(number, Ordering::Relaxed)
                }
            };
        }
        if ended {
            return;
        }
    }
}

/// What came within a second of the first span; whether it was the last.
fn gather(spans: &Receiver<Span>) -> (Vec<Span>, bool) {
    let mut batch = Vec::new();
    match spans.recv() {
        Ok(span) => batch.push(span),
        Err(_) => return (batch, true),
    }
    while batch.len() < BATCH {
        match spans.recv_timeout(GATHER) {
            Ok(span) => batch.push(span),
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => return (batch, true),
        }
    }
    (batch, false)
}

#[cfg(test)]
mod tests {
    use super::super::Share;
    use super::*;
    use crate::domain::clock::SystemClock;
    use crate::domain::endpoint::Endpoint;
    use std::io::{Read, Write};
    use std::net::TcpListener;

    fn settings(port: u16, queue: usize) -> Settings {
        let endpoint = Endpoint::parse(&format!("http://127.0.0.1:{port}/v1/traces"));
        Settings { endpoint, queue, timeout_s: 1, sample: Share(Share::WHOLE), ..Settings::default() }
    }

    fn start(port: u16, queue: usize) -> Exporter {
        Exporter::start(&settings(port, queue), Arc::new(SystemClock::default())).unwrap().unwrap()
    }

    /// Answers one delivery and gives what was sent.
    fn collect(listener: &TcpListener, answer: &str) -> String {
        let (mut tcp, _) = listener.accept().unwrap();
        tcp.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
        let mut seen = Vec::new();
        let mut part = [0; 4_096];
        while !seen.ends_with(b"}]}]}") {
            match tcp.read(&mut part).unwrap() {
                0 => break,
                n => seen.extend(&part[..n]),
            }
        }
        tcp.write_all(answer.as_bytes()).unwrap();
        String::from_utf8(seen).unwrap()
    }

    #[test]
    fn spans_arrive_in_one_batch_and_the_rest_when_it_ends() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let exporter = start(listener.local_addr().unwrap().port(), 64);
        for _ in 0..3 {
            exporter.send(otlp::sample());
        }
        let collector = std::thread::spawn(move || collect(&listener, "HTTP/1.1 200 OK\r\n\r\n"));
        exporter.finish();
        let seen = collector.join().unwrap();
        assert!(
            seen.starts_with("POST /v1/traces HTTP/1.1\r\n") && seen.contains("application/json"),
            "{seen}"
        );
        assert_eq!(seen.matches("spanId").count(), 3);
        assert_eq!((exporter.counts().delivered(), exporter.counts().dropped()), (3, 0));
        exporter.send(otlp::sample());
        assert_eq!(exporter.counts().dropped(), 1, "after the end a span is dropped");
    }

    #[test]
    fn i10_a_collector_that_hangs_or_refuses_costs_spans_and_nothing_else() {
        let silent = TcpListener::bind("127.0.0.1:0").unwrap();
        let exporter = start(silent.local_addr().unwrap().port(), 16);
        let clock = SystemClock::default();
        let from = clock.monotonic();
        for _ in 0..10_000 {
            exporter.send(otlp::sample());
        }
        assert!(clock.monotonic().saturating_sub(from) < Duration::from_secs(5), "sending never waits");
        exporter.finish();
        assert!(exporter.counts().dropped() >= 9_000 && exporter.counts().delivered() == 0);

        let refusing = TcpListener::bind("127.0.0.1:0").unwrap();
        let exporter = start(refusing.local_addr().unwrap().port(), 16);
        exporter.send(otlp::sample());
        let collector = std::thread::spawn(move || collect(&refusing, "HTTP/1.1 503 No\r\n\r\n"));
        exporter.finish();
        collector.join().unwrap();
        assert_eq!((exporter.counts().delivered(), exporter.counts().dropped()), (0, 1));
    }

    #[test]
    fn a_name_of_this_machine_finds_the_collector_on_whichever_of_its_addresses_it_listens() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let named = format!("http://localhost:{}/v1/traces", listener.local_addr().unwrap().port());
        let settings = Settings { endpoint: Endpoint::parse(&named), ..settings(1, 16) };
        let exporter = Exporter::start(&settings, Arc::new(SystemClock::default())).unwrap().unwrap();
        exporter.send(otlp::sample());
        let collector = std::thread::spawn(move || collect(&listener, "HTTP/1.1 200 OK\r\n\r\n"));
        exporter.finish();
        assert!(collector.join().unwrap().contains("Host: localhost:"));
        assert_eq!(exporter.counts().delivered(), 1);
    }

    #[test]
    fn without_an_endpoint_nothing_starts_and_https_needs_somebody_to_trust() {
        let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
        assert!(Exporter::start(&Settings::default(), clock.clone()).unwrap().is_none());
        let endpoint = Endpoint::parse("https://collector.example.org/v1/traces");
        let https = Settings { endpoint, ..Settings::default() };
        assert!(Exporter::start(&https, clock.clone()).is_err());
        let empty = tempfile::NamedTempFile::new().unwrap();
        let told =
            Exporter::start(&Settings { ca: Some(empty.path().to_owned()), ..https }, clock).err().unwrap();
        assert!(told.to_string().contains("holds no certificate"), "{told}");
    }
}
