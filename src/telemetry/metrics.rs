//! Prometheus metrics with fixed names and closed label sets: no label comes from user data. Counting is atomics only.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

/// Name, kind, what it means: the documented list.
pub const DESCRIPTIONS: &[(&str, &str, &str)] = &[
    ("strongroom_requests_total", "counter", "Requests by route template and status class"),
    ("strongroom_request_seconds", "histogram", "Time of a request, by bucket"),
    ("strongroom_refusals_total", "counter", "Refused requests by error code"),
    ("strongroom_panics_total", "counter", "Panics contained"),
    ("strongroom_forged_tokens_total", "counter", "Tokens that did not authenticate"),
    ("strongroom_audit_events", "gauge", "Events on the audit log"),
    ("strongroom_wal_pages", "gauge", "Pages of the write-ahead log"),
    ("strongroom_limiter_keys", "gauge", "Keys the limiters keep"),
    ("strongroom_integrity_failures", "gauge", "Stored rows that failed their seal since the start"),
    ("strongroom_argon2_queue", "gauge", "Password checks that wait for a hashing thread"),
    ("strongroom_ready", "gauge", "1 when the vault serves"),
];

/// The gauges, in the order of [`DESCRIPTIONS`].
#[derive(Clone, Copy)]
enum Gauge {
    AuditEvents,
    WalPages,
    LimiterKeys,
    IntegrityFailures,
    Argon2Queue,
    Ready,
}

impl Gauge {
    const COUNT: usize = Gauge::Ready as usize + 1;
}

/// Upper bounds of the latency buckets, in microseconds.
const BUCKETS: [u64; 10] = [250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 250_000, 1_000_000, 10_000_000];
/// Status classes 1xx to 5xx.
const CLASSES: usize = 5;

/// The registry.
pub struct Metrics {
    routes: Vec<(&'static str, [AtomicU64; CLASSES])>,
    codes: Vec<(&'static str, AtomicU64)>,
    buckets: [AtomicU64; BUCKETS.len()],
    count: AtomicU64,
    sum_micros: AtomicU64,
    panics: AtomicU64,
    forged: AtomicU64,
    gauges: [AtomicU64; Gauge::COUNT],
}

impl Metrics {
    /// A registry for these route templates and error codes; others are counted as `other`.
    pub fn new(routes: &[&'static str], codes: &[&'static str]) -> Self {
        let mut routes: Vec<&'static str> = routes.to_vec();
        routes.push("other");
        routes.sort_unstable();
        routes.dedup();
        let mut codes: Vec<&'static str> = codes.to_vec();
        codes.push("other");
        codes.sort_unstable();
        codes.dedup();
        Self {
            routes: routes.into_iter().map(|r| (r, Default::default())).collect(),
            codes: codes.into_iter().map(|c| (c, AtomicU64::new(0))).collect(),
            buckets: Default::default(),
            count: AtomicU64::new(0),
            sum_micros: AtomicU64::new(0),
            panics: AtomicU64::new(0),
            forged: AtomicU64::new(0),
            gauges: Default::default(),
        }
    }

    /// A request ended.
    pub fn request(&self, route: &'static str, class: u16, micros: u64) {
        let at = self
            .routes
            .binary_search_by_key(&route, |(r, _)| r)
            .or_else(|_| self.routes.binary_search_by_key(&"other", |(r, _)| r));
        let slot = at
            .ok()
            .and_then(|at| self.routes.get(at))
            .and_then(|(_, c)| c.get(usize::from(class).wrapping_sub(1)));
        if let Some(slot) = slot {
            slot.fetch_add(1, Ordering::Relaxed);
        }
        if let Some(bucket) = BUCKETS.iter().zip(&self.buckets).find(|(bound, _)| micros <= **bound) {
            bucket.1.fetch_add(1, Ordering::Relaxed);
        }
        self.count.fetch_add(1, Ordering::Relaxed);
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }
    /// A request was refused.
    pub fn refusal(&self, code: &'static str) {
        let at = self
            .codes
            .binary_search_by_key(&code, |(c, _)| c)
            .or_else(|_| self.codes.binary_search_by_key(&"other", |(c, _)| c));
        if let Some((_, slot)) = at.ok().and_then(|at| self.codes.get(at)) {
            slot.fetch_add(1, Ordering::Relaxed);
        }
    }
    /// A panic was contained.
    pub fn panics(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }
    /// So many tokens did not authenticate since the start.
    pub fn forged_tokens(&self, total: u64) {
        self.forged.fetch_max(total, Ordering::Relaxed);
    }
    fn set(&self, gauge: Gauge, value: u64) {
        if let Some(slot) = self.gauges.get(gauge as usize) {
            slot.store(value, Ordering::Relaxed);
        }
    }
    /// Events on the log.
    pub fn audit_position(&self, value: u64) {
        self.set(Gauge::AuditEvents, value);
    }
    /// Pages of the write-ahead log.
    pub fn wal_pages(&self, value: u64) {
        self.set(Gauge::WalPages, value);
    }
    /// Keys of the limiters.
    pub fn limiter_keys(&self, value: u64) {
        self.set(Gauge::LimiterKeys, value);
    }
    /// Rows that failed their checks.
    pub fn integrity_failures(&self, value: u64) {
        self.set(Gauge::IntegrityFailures, value);
    }
    /// Password checks that wait.
    pub fn argon2_queue(&self, value: u64) {
        self.set(Gauge::Argon2Queue, value);
    }
    /// Whether it serves.
    pub fn ready(&self, ready: bool) {
        self.set(Gauge::Ready, u64::from(ready));
    }

    /// The text exposition format.
    pub fn render(&self) -> String {
        let mut out = String::with_capacity(4_096);
        let mut gauges = self.gauges.iter();
        for (name, kind, meaning) in DESCRIPTIONS {
            // Writing to a string cannot fail.
            let _ = write!(out, "# HELP {name} {meaning}\n# TYPE {name} {kind}\n");
            match *name {
                "strongroom_requests_total" => self.render_requests(name, &mut out),
                "strongroom_request_seconds" => self.render_latency(name, &mut out),
                "strongroom_refusals_total" => {
                    for (code, slot) in &self.codes {
                        let _ = writeln!(out, "{name}{{code=\"{code}\"}} {}", slot.load(Ordering::Relaxed));
                    }
                }
                "strongroom_panics_total" => {
                    let _ =
                        writeln!(out, "{name} {}", self.panics.load(Ordering::Relaxed).max(super::panics()));
                }
                "strongroom_forged_tokens_total" => {
                    let _ = writeln!(out, "{name} {}", self.forged.load(Ordering::Relaxed));
                }
                _ => {
                    let value = gauges.next().map_or(0, |gauge| gauge.load(Ordering::Relaxed));
                    let _ = writeln!(out, "{name} {value}");
                }
            }
        }
        out
    }

    fn render_requests(&self, name: &str, out: &mut String) {
        for (route, classes) in &self.routes {
            for (class, slot) in classes.iter().enumerate() {
                let value = slot.load(Ordering::Relaxed);
                if value > 0 {
                    let _ = writeln!(out, "{name}{{route=\"{route}\",status=\"{}xx\"}} {value}", class + 1);
                }
            }
        }
    }

    fn render_latency(&self, name: &str, out: &mut String) {
        let mut below = 0;
        for (bound, slot) in BUCKETS.iter().zip(&self.buckets) {
            below += slot.load(Ordering::Relaxed);
            let _ = writeln!(out, "{name}_bucket{{le=\"{}\"}} {below}", seconds(*bound));
        }
        let count = self.count.load(Ordering::Relaxed);
        let _ = writeln!(out, "{name}_bucket{{le=\"+Inf\"}} {count}");
        let _ = writeln!(
            out,
            "{name}_sum {}\n{name}_count {count}",
            seconds(self.sum_micros.load(Ordering::Relaxed))
        );
    }
}

/// Microseconds as decimal seconds, exactly.
fn seconds(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_counted_by_template_and_class_and_strangers_as_other() {
        let metrics = Metrics::new(&["/v1/search"], &["denied"]);
        metrics.request("/v1/search", 2, 400);
        metrics.request("/v1/search", 4, 3_000);
        metrics.request("/never/declared", 2, 20_000_000);
        metrics.refusal("denied");
        metrics.refusal("never_declared");
        let text = metrics.render();
        for line in [
            "strongroom_requests_total{route=\"/v1/search\",status=\"2xx\"} 1",
            "strongroom_requests_total{route=\"/v1/search\",status=\"4xx\"} 1",
            "strongroom_requests_total{route=\"other\",status=\"2xx\"} 1",
            "strongroom_refusals_total{code=\"denied\"} 1",
            "strongroom_refusals_total{code=\"other\"} 1",
            "strongroom_request_seconds_bucket{le=\"0.000500\"} 1",
            "strongroom_request_seconds_bucket{le=\"10.000000\"} 2",
            "strongroom_request_seconds_bucket{le=\"+Inf\"} 3",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
        }
        assert!(!text.contains("never"));
    }

    #[test]
    fn each_gauge_is_rendered_under_its_own_name() {
        let metrics = Metrics::new(&[], &[]);
        metrics.audit_position(11);
        metrics.wal_pages(12);
        metrics.limiter_keys(13);
        metrics.integrity_failures(14);
        metrics.argon2_queue(15);
        metrics.ready(true);
        metrics.forged_tokens(9);
        metrics.forged_tokens(7);
        let text = metrics.render();
        for line in [
            "strongroom_audit_events 11",
            "strongroom_wal_pages 12",
            "strongroom_limiter_keys 13",
            "strongroom_integrity_failures 14",
            "strongroom_argon2_queue 15",
            "strongroom_ready 1",
            "strongroom_forged_tokens_total 9",
        ] {
            assert!(text.lines().any(|l| l == line), "{line}");
        }
    }

    #[test]
    fn as_many_gauges_are_described_as_are_kept() {
        assert_eq!(DESCRIPTIONS.iter().filter(|(_, kind, _)| *kind == "gauge").count(), Gauge::COUNT);
    }

    #[test]
    fn every_line_belongs_to_a_described_metric_and_names_are_described_once() {
        let metrics = Metrics::new(&["/v1/search"], &["denied"]);
        metrics.request("/v1/search", 2, 1);
        let mut names: Vec<&str> = DESCRIPTIONS.iter().map(|(name, ..)| *name).collect();
        for line in metrics.render().lines().filter(|line| !line.starts_with('#')) {
            let name = line.split(['{', ' ']).next().unwrap();
            let family = ["_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end));
            assert!(names.contains(&name) || family.is_some_and(|f| names.contains(&f)), "{line}");
        }
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }

    #[test]
    fn a_status_that_is_none_is_counted_nowhere_and_harms_nothing() {
        let metrics = Metrics::new(&["/v1/search"], &[]);
        [0, 6, 200, u16::MAX].into_iter().for_each(|class| metrics.request("/v1/search", class, u64::MAX));
        assert!(!metrics.render().contains("strongroom_requests_total{"));
    }
}
