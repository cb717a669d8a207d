//! Metrics as the server's meter.

use crate::http::pipeline::Meter;
use crate::telemetry::links::LinkMetrics;
use crate::telemetry::metrics::Metrics;
use crate::vault::Gauges;
use std::sync::Arc;

/// The process's metrics behind the server's trait.
pub(in crate::app) struct Metered(pub(in crate::app) Arc<Metrics>, pub(in crate::app) Arc<LinkMetrics>);

impl Meter for Metered {
    fn request(&self, route: &'static str, status: u16, micros: u64) {
        self.0.request(route, status / 100, micros);
    }
    fn refusal(&self, code: &'static str) {
        self.0.refusal(code);
    }
    fn panicked(&self) {
        self.0.panics();
    }
    fn render(&self, gauges: Gauges) -> String {
        self.0.audit_position(gauges.audit_position);
        self.0.wal_pages(gauges.wal_pages);
        self.0.limiter_keys(gauges.limiter_keys);
        self.0.integrity_failures(gauges.integrity_failures);
        self.0.forged_tokens(gauges.forged_tokens);
        self.0.argon2_queue(gauges.argon2_queue);
        self.0.ready(gauges.ready);
        let mut text = self.0.render();
        self.1.render(&mut text);
        text
    }
}
