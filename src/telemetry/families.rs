//! The table of metrics: name, kind, labels, meaning. A metric that is not here is not rendered; `docs/metrics.md` is made
//! from it.

use super::alerts::Alert;

/// The kind of a family.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// Only rises.
    Counter,
    /// Rises and falls.
    Gauge,
    /// Observations in buckets.
    Histogram,
}

impl Kind {
    /// As `# TYPE` writes it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Histogram => "histogram",
        }
    }
}

/// One metric.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Family {
    /// Name; its end is its unit.
    pub name: &'static str,
    /// Kind.
    pub kind: Kind,
    /// Labels, each from a closed set.
    pub labels: &'static [&'static str],
    /// What it means.
    pub meaning: &'static str,
}

const fn counter(name: &'static str, labels: &'static [&'static str], meaning: &'static str) -> Family {
    Family { name, kind: Kind::Counter, labels, meaning }
}
const fn gauge(name: &'static str, meaning: &'static str) -> Family {
    Family { name, kind: Kind::Gauge, labels: &[], meaning }
}
const fn histogram(name: &'static str, labels: &'static [&'static str], meaning: &'static str) -> Family {
    Family { name, kind: Kind::Histogram, labels, meaning }
}

/// Every metric.
pub const FAMILIES: &[Family] = &[
    counter("strongroom_requests_total", &["route", "status"], "Requests by route template and status class"),
    histogram("strongroom_request_seconds", &["route"], "Time of a request by route template"),
    counter("strongroom_refusals_total", &["code"], "Refused requests by error code"),
    counter(
        "strongroom_edge_refusals_total",
        &["code"],
        "Requests refused before a route was found: size, host, framing; by error code",
    ),
    counter("strongroom_forged_tokens_total", &[], "Tokens that did not authenticate"),
    counter("strongroom_integrity_failures_total", &[], "Stored rows that failed their seal"),
    counter("strongroom_panics_total", &[], "Panics contained"),
    gauge("strongroom_ready", "1 when the vault serves"),
    Family {
        name: "strongroom_alert",
        kind: Kind::Gauge,
        labels: &["alert"],
        meaning: "1 while an alert is raised",
    },
    gauge("strongroom_audit_events", "Events on the audit log"),
    histogram("strongroom_commit_seconds", &[], "Time from the beginning of a batch to its durable end"),
    histogram("strongroom_commit_batch_sets", &[], "Change sets that shared one fsync"),
    gauge("strongroom_wal_pages", "Pages of the write-ahead log, 4096 bytes each"),
    gauge("strongroom_disk_free_bytes", "Free space in the data directory for the process's user"),
    gauge("strongroom_clock_behind_seconds", "How far the wall clock is behind the last event; 0 is good"),
    gauge(
        "strongroom_client_key_end_timestamp_seconds",
        "When the first active client is left without a key, Unix time; absent without keys",
    ),
    gauge("strongroom_limiter_keys", "Keys the limiters keep"),
    gauge("strongroom_argon2_queue", "Password checks that wait for a hashing thread"),
    counter("strongroom_argon2_shed_total", &[], "Password checks refused because the queue was full"),
    gauge("strongroom_connections", "TLS connections open"),
    counter("strongroom_connections_refused_total", &["reason"], "Connections refused or cut, by reason"),
    counter("strongroom_handshake_failures_total", &["kind"], "TLS handshakes that failed, by kind"),
    counter("strongroom_tls_reloads_total", &["outcome"], "TLS material read again, by outcome"),
    Family {
        name: "strongroom_tls_expires_seconds",
        kind: Kind::Gauge,
        labels: &["what"],
        meaning: "Seconds until certificate or client_crl ends; absent for what does not end",
    },
    gauge("strongroom_tls_stale", "1 while the last good TLS set is served instead of the files"),
    counter(
        "strongroom_trace_spans_total",
        &["result"],
        "Spans delivered to the trace collector, or dropped",
    ),
    counter("strongroom_log_lines_dropped_total", &[], "Lines of the log dropped because nobody read them"),
    Family {
        name: "strongroom_build_info",
        kind: Kind::Gauge,
        labels: &["version"],
        meaning: "1; the label names the release",
    },
    gauge("strongroom_uptime_seconds", "Since the process began to serve"),
    gauge("process_resident_memory_bytes", "Resident memory of the process"),
    gauge("process_open_fds", "Open file descriptors of the process"),
    gauge("process_max_fds", "Most file descriptors the process may open"),
];

/// `docs/metrics.md`.
pub fn reference() -> String {
    let mut out = String::from(
        "# Metrics and alerts\n\nGenerated from the code; do not edit.\n\n`GET /metrics` on the metrics listener (`metrics.address`, loopback) in the \
         Prometheus text format; `GET /alerts` there has\nthe state and the raised alerts as JSON. No label comes from user data: routes are \
         templates, codes and alerts are closed\nlists, what is not on them is counted as `other`. Counters begin at 0 with the process.\n\n\
         | metric | kind | labels | meaning |\n|---|---|---|---|\n",
    );
    for family in FAMILIES {
        let labels: Vec<String> = family.labels.iter().map(|label| format!("`{label}`")).collect();
        out += &format!(
            "| `{}` | {} | {} | {} |\n",
            family.name,
            family.kind.name(),
            labels.join(", "),
            family.meaning
        );
    }
    out += "\n## Alerts\n\n`strongroom_alert{alert=\"…\"}` is 1 while it is raised; each change is a line of the log (`alert_raised`, `alert_cleared`). Looked at \
            every two seconds.\nWhile one marked *refuses* is raised, `GET /ready` answers 503 with its name as `state` and every request 503 `audit_unavailable`; \
            take the\nvault out of the balancer, do not restart it in a loop. The others are warnings: the vault serves.\n\n| alert | | raised when | what to do |\n|---|---|---|---|\n";
    for alert in Alert::ALL {
        let refuses = if alert.refuses() { "refuses" } else { "warns" };
        out += &format!("| `{}` | {refuses} | {} | {} |\n", alert.name(), alert.when(), alert.todo());
    }
    out
}
