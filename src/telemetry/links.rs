//! Counters of connections: what came to nothing, and TLS material. Closed label sets; nothing a client sent is in them.

use crate::telemetry::metrics::Observed;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

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

    /// All of them, by the names of their families.
    pub fn observed(&self) -> Vec<(&'static str, Observed)> {
        let all = |slots: &[(&'static str, AtomicU64)]| {
            Observed::Labelled(
                slots.iter().map(|(name, slot)| (*name, slot.load(Ordering::Relaxed))).collect(),
            )
        };
        let ends = [("certificate", &self.certificate), ("client_crl", &self.lists)];
        let ends = ends.into_iter().map(|(what, slot)| (what, slot.load(Ordering::Relaxed)));
        let reloads = [("taken", &self.taken), ("refused", &self.rejected)];
        let reloads = reloads.into_iter().map(|(outcome, slot)| (outcome, slot.load(Ordering::Relaxed)));
        vec![
            ("strongroom_connections", Observed::Number(self.open.load(Ordering::Relaxed))),
            ("strongroom_connections_refused_total", all(&self.refused)),
            ("strongroom_handshake_failures_total", all(&self.handshakes)),
            ("strongroom_tls_reloads_total", Observed::Labelled(reloads.collect())),
            (
                "strongroom_tls_expires_seconds",
                Observed::Labelled(ends.filter(|(_, left)| *left != NEVER).collect()),
            ),
            ("strongroom_tls_stale", Observed::Number(u64::from(self.is_stale()))),
        ]
    }

    /// Whether the last good set is served instead of the files.
    pub fn is_stale(&self) -> bool {
        self.stale.load(Ordering::Relaxed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_counter_is_shown_under_a_described_name() {
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
        let observed = metrics.observed();
        let of = |name: &str| observed.iter().find(|(n, _)| *n == name).map(|(_, o)| o.clone()).unwrap();
        let labelled = |pairs: &[(&'static str, u64)]| Observed::Labelled(pairs.to_vec());
        assert_eq!(of("strongroom_connections"), Observed::Number(3));
        assert_eq!(of("strongroom_connections_refused_total"), labelled(&[("peer_cap", 1)]));
        assert_eq!(
            of("strongroom_handshake_failures_total"),
            labelled(&[("timeout", 2)]),
            "nothing a client sent"
        );
        assert_eq!(of("strongroom_tls_reloads_total"), labelled(&[("taken", 1), ("refused", 1)]));
        assert_eq!(of("strongroom_tls_expires_seconds"), labelled(&[("certificate", 77)]));
        assert_eq!(of("strongroom_tls_stale"), Observed::Number(1));
        let described = crate::telemetry::families::FAMILIES;
        assert!(observed.iter().all(|(name, _)| described.iter().any(|family| family.name == *name)));
    }
}
