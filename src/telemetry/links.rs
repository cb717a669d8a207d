//! Counters of connections: what came to nothing, and TLS material. Closed label sets; nothing a client sent is in them.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Name, kind, what it means.
pub(super) const DESCRIPTIONS: &[(&str, &str, &str)] = &[
    ("strongroom_connections", "gauge", "TLS connections open"),
    ("strongroom_connections_refused_total", "counter", "Connections refused or cut, by reason"),
    ("strongroom_handshake_failures_total", "counter", "TLS handshakes that failed, by kind"),
    ("strongroom_tls_reloads_total", "counter", "TLS material read again, by outcome"),
    ("strongroom_tls_expires_seconds", "gauge", "Seconds until certificate or client_crl ends"),
    ("strongroom_tls_stale", "gauge", "1 while the last good TLS set is served instead of the files"),
];

/// Counters of connections and TLS material.
#[derive(Default)]
pub struct LinkMetrics {
    open: AtomicU64,
    refused: Vec<(&'static str, AtomicU64)>,
    handshakes: Vec<(&'static str, AtomicU64)>,
    taken: AtomicU64,
    rejected: AtomicU64,
    stale: AtomicBool,
    certificate: AtomicU64,
    lists: AtomicU64,
}

/// There is nothing that ends.
const NEVER: u64 = u64::MAX;

impl LinkMetrics {
    /// Counters for these reasons and kinds; others are not counted.
    pub fn new(refused: &[&'static str], handshakes: &[&'static str]) -> Self {
        let counters = |names: &[&'static str]| names.iter().map(|name| (*name, AtomicU64::new(0))).collect();
        Self { refused: counters(refused), handshakes: counters(handshakes), ..Self::default() }
    }
    /// Connections open now.
    pub fn open(&self, count: u64) {
        self.open.store(count, Ordering::Relaxed);
    }
    /// A connection or handshake came to nothing.
    pub fn refused(&self, reason: &'static str) {
        let all = self.refused.iter().chain(&self.handshakes);
        all.filter(|(name, _)| *name == reason).for_each(|(_, slot)| {
            slot.fetch_add(1, Ordering::Relaxed);
        });
    }
    /// TLS material was read again, and taken or not.
    pub fn reloaded(&self, taken: bool) {
        let slot = if taken { &self.taken } else { &self.rejected };
        slot.fetch_add(1, Ordering::Relaxed);
    }
    /// Whether what is served is not what lies on disk.
    pub fn stale(&self, stale: bool) {
        self.stale.store(stale, Ordering::Relaxed);
    }

    /// Seconds until certificate and revocation lists end; `None` for what never does.
    pub fn expires(&self, certificate: Option<u64>, lists: Option<u64>) {
        self.certificate.store(certificate.unwrap_or(NEVER), Ordering::Relaxed);
        self.lists.store(lists.unwrap_or(NEVER), Ordering::Relaxed);
    }

    /// Writes all of them.
    pub fn render(&self, out: &mut String) {
        for (name, kind, meaning) in DESCRIPTIONS {
            // Writing to a string cannot fail.
            let _ = write!(out, "# HELP {name} {meaning}\n# TYPE {name} {kind}\n");
            let mut line = |label: &str, value: u64| {
                let _ = writeln!(out, "{name}{label} {value}");
            };
            let all = |slots: &[(&'static str, AtomicU64)], key: &str| -> Vec<(String, u64)> {
                let read = |(name, slot): &(&str, AtomicU64)| {
                    (format!("{{{key}=\"{name}\"}}"), slot.load(Ordering::Relaxed))
                };
                slots.iter().map(read).collect()
            };
            match *name {
                "strongroom_connections" => line("", self.open.load(Ordering::Relaxed)),
                "strongroom_connections_refused_total" => {
                    all(&self.refused, "reason").iter().for_each(|(label, n)| line(label, *n));
                }
                "strongroom_handshake_failures_total" => {
                    all(&self.handshakes, "kind").iter().for_each(|(label, n)| line(label, *n));
                }
                "strongroom_tls_reloads_total" => {
                    line("{outcome=\"taken\"}", self.taken.load(Ordering::Relaxed));
                    line("{outcome=\"refused\"}", self.rejected.load(Ordering::Relaxed));
                }
                "strongroom_tls_expires_seconds" => {
                    for (what, slot) in [("certificate", &self.certificate), ("client_crl", &self.lists)] {
                        let left = slot.load(Ordering::Relaxed);
                        if left != NEVER {
                            line(&format!("{{what=\"{what}\"}}"), left);
                        }
                    }
                }
                _ => line("", u64::from(self.stale.load(Ordering::Relaxed))),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_is_rendered_under_a_described_name() {
        let metrics = LinkMetrics::new(&["peer_cap"], &["timeout"]);
        metrics.open(3);
        metrics.refused("peer_cap");
        metrics.refused("timeout");
        metrics.refused("timeout");
        metrics.refused("203.0.113.9");
        metrics.reloaded(true);
        metrics.reloaded(false);
        metrics.stale(true);
        metrics.expires(Some(77), None);
        let mut text = String::new();
        metrics.render(&mut text);
        for line in [
            "strongroom_connections 3",
            "strongroom_connections_refused_total{reason=\"peer_cap\"} 1",
            "strongroom_handshake_failures_total{kind=\"timeout\"} 2",
            "strongroom_tls_reloads_total{outcome=\"taken\"} 1",
            "strongroom_tls_reloads_total{outcome=\"refused\"} 1",
            "strongroom_tls_stale 1",
            "strongroom_tls_expires_seconds{what=\"certificate\"} 77",
        ] {
            assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
        }
        assert!(!text.contains("203.0.113.9") && !text.contains("client_crl\""));
    }
}
