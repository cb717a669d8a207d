//! What the process tells of itself, behind the server's trait: metrics, the line a request may be, its span, alerts.

use crate::domain::entropy::{Entropy, OsEntropy};
use crate::http::edge;
use crate::http::measured::{Meter, Seen};
use crate::telemetry::alerts::{Alert, Alerts};
use crate::telemetry::links::LinkMetrics;
use crate::telemetry::metrics::{Metrics, Observed};
use crate::telemetry::traces::{self, Exporter, Share, Span};
use crate::vault::Gauges;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

/// Everything that measures.
pub(in crate::app) struct Metered {
    pub(in crate::app) metrics: Metrics,
    pub(in crate::app) alerts: Alerts,
    pub(in crate::app) traces: Option<Traces>,
    /// Whether each request is a line.
    pub(in crate::app) requests: bool,
    /// Whose free space is shown.
    pub(in crate::app) data_dir: PathBuf,
    pub(in crate::app) clock: std::sync::Arc<dyn crate::domain::Clock>,
    pub(in crate::app) started: Duration,
    /// Connections and TLS material.
    pub(in crate::app) links: std::sync::Arc<LinkMetrics>,
}

/// Traces that are on.
pub(in crate::app) struct Traces {
    pub(in crate::app) exporter: Exporter,
    pub(in crate::app) settings: traces::Settings,
}

impl Traces {
    /// The trace of a request, if it gets a span: that of its caller, or a new one.
    fn chosen(&self, seen: &Seen) -> Option<([u8; 16], Option<[u8; 8]>)> {
        if let Some(parent) = seen.trace {
            // A stranger does not decide what is recorded; the share does.
            let follows = self.settings.follow_parent && parent.sampled && seen.noted.client.is_some();
            let taken = follows || self.settings.sample.takes(&parent.trace);
            return taken.then_some((parent.trace, Some(parent.parent)));
        }
        if self.settings.sample == Share(0) {
            return None;
        }
        let trace: [u8; 16] = OsEntropy.array().ok()?;
        self.settings.sample.takes(&trace).then_some((trace, None))
    }

    fn tell(&self, seen: &Seen) {
        let Some((trace, parent)) = self.chosen(seen) else { return };
        let Ok(id) = OsEntropy.array() else { return };
        self.exporter.send(Span {
            trace,
            id,
            parent,
            started: seen.started.0,
            micros: seen.micros,
            route: seen.route,
            method: seen.method,
            status: seen.status,
            act: seen.act,
            outcome: seen.outcome,
            code: seen.noted.code,
            client: seen.noted.client.clone(),
            cost: seen.noted.cost,
            request: seen.id.to_string(),
        });
    }
}

impl Meter for Metered {
    fn request(&self, seen: &Seen) {
        self.metrics.request(seen.route, seen.status / 100, seen.micros);
        if self.requests {
            tracing::info!(
                event = "request",
                method = seen.method,
                route = seen.route,
                status = u64::from(seen.status),
                micros = seen.micros,
                request_id = seen.id.to_string().as_str(),
                client = seen.noted.client.as_deref().unwrap_or(""),
                code = seen.noted.code.unwrap_or(""),
                "a request ended"
            );
        }
        if let Some(traces) = &self.traces {
            traces.tell(seen);
        }
    }
    fn probe(&self, route: &'static str, status: u16, micros: u64) {
        self.metrics.request(route, status / 100, micros);
    }
    fn refusal(&self, code: &'static str) {
        self.metrics.refusal(code);
    }
    fn panicked(&self) {
        self.metrics.panics();
    }
    fn render(&self, gauges: Gauges) -> String {
        let mut observed = of_vault(gauges);
        observed.extend(self.of_process());
        self.metrics.render(&observed)
    }
    fn alerts(&self, state: &str) -> String {
        self.alerts.to_json(state)
    }
}

fn of_vault(gauges: Gauges) -> BTreeMap<&'static str, Observed> {
    use Observed::{Counts, Micros, Number, Times};
    let mut observed = BTreeMap::from([
        ("strongroom_forged_tokens_total", Number(gauges.forged_tokens)),
        ("strongroom_integrity_failures_total", Number(gauges.integrity_failures)),
        ("strongroom_ready", Number(u64::from(gauges.ready))),
        ("strongroom_audit_events", Number(gauges.audit_position)),
        ("strongroom_wal_pages", Number(gauges.wal_pages)),
        ("strongroom_limiter_keys", Number(gauges.limiter_keys)),
        ("strongroom_argon2_queue", Number(gauges.argon2_queue)),
        ("strongroom_argon2_shed_total", Number(gauges.argon2_shed)),
        ("strongroom_clock_behind_seconds", Micros(gauges.clock_behind_us)),
        ("strongroom_commit_seconds", Times(gauges.commits.commit_micros)),
        ("strongroom_commit_batch_sets", Counts(gauges.commits.batch_sets)),
    ]);
    if let Some(end) = gauges.key_expiry {
        let micros = u64::try_from(end.0).unwrap_or(0);
        observed.insert("strongroom_client_key_end_timestamp_seconds", Micros(micros));
    }
    observed
}

impl Metered {
    fn of_process(&self) -> BTreeMap<&'static str, Observed> {
        use Observed::{Labelled, Micros, Number};
        let uptime = self.clock.monotonic().saturating_sub(self.started);
        let raised = Alert::ALL.iter().map(|alert| (alert.name(), u64::from(self.alerts.is_raised(*alert))));
        let mut observed = BTreeMap::from([
            ("strongroom_alert", Labelled(raised.collect())),
            ("strongroom_edge_refusals_total", Labelled(edge::refused())),
            ("strongroom_log_lines_dropped_total", Number(crate::telemetry::sink::dropped())),
            ("strongroom_uptime_seconds", Micros(u64::try_from(uptime.as_micros()).unwrap_or(u64::MAX))),
        ]);
        if let Some(traces) = &self.traces {
            let counts = traces.exporter.counts();
            let spans = vec![("delivered", counts.delivered()), ("dropped", counts.dropped())];
            observed.insert("strongroom_trace_spans_total", Labelled(spans));
        }
        observed.extend(self.links.observed());
        let facts = [
            ("strongroom_disk_free_bytes", super::machine::free_bytes(&self.data_dir)),
            ("process_resident_memory_bytes", super::machine::resident_bytes()),
            ("process_open_fds", super::machine::open_files()),
            ("process_max_fds", super::machine::most_files()),
        ];
        observed.extend(facts.into_iter().filter_map(|(name, value)| Some((name, Number(value?)))));
        observed
    }
}
