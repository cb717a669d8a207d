//! The closed lists of the log: every field a line may carry, every event that may be told. What is not listed here is not
//! written (fields) or fails a test that reads the sources (events and fields); `docs/logs.md` is made from it.

/// Field, and what it holds.
pub const FIELDS: &[(&str, &str)] = &[
    ("level", "`error`, `warn`, `info` or `debug`"),
    ("event", "Name of the event, from the list below"),
    ("message", "A fixed sentence"),
    ("file", "Source file of a panic"),
    ("line", "Line of a panic, or of a fault in the settings file"),
    ("code", "A code, a kind or the names of settings: words of our own"),
    ("count", "How many"),
    ("state", "A state of `/ready`"),
    ("address", "An address the configuration names"),
    ("metrics", "The address of metrics"),
    ("public", "The address of the public pages, or `off`"),
    ("alert", "Name of an alert"),
    ("method", "Method of the route, or `other`"),
    ("route", "Route template, or `other`; never a path"),
    ("status", "HTTP status"),
    ("micros", "Microseconds"),
    ("request_id", "The id that the reply and the audit event carry"),
    ("client", "The client's name in the policy, once it proved its key"),
];

/// Event, gravest level, what it means and what to do.
pub const EVENTS: &[(&str, &str, &str)] = &[
    ("bench_left", "warn", "The benchmark's directory could not be removed; remove it by hand"),
    ("link_again", "debug", "A command tries its connection to a vault again"),
    (
        "local_peer_refused",
        "warn",
        "Another user than the vault's owner called the admin socket, and was refused",
    ),
    ("socket_left", "warn", "The admin socket could not be removed; the next start replaces it"),
    ("admin_end", "warn", "The admin socket did not end in order; look at the lines before"),
    ("serving", "info", "The vault serves: the API on `address`, metrics and public pages on theirs"),
    (
        "stopping",
        "info",
        "A signal asked for the end: nothing is accepted any more, requests under way may finish",
    ),
    (
        "tls_expired",
        "warn",
        "The certificate or the revocation list had ended at the start; clients refuse it, or it refuses all",
    ),
    ("shutdown", "info", "It has stopped serving; requests in flight were finished and their events written"),
    ("shutdown_unreported", "error", "It stopped, but could not write so to the audit log; look at the disk"),
    (
        "panic",
        "error",
        "A defect of ours, told by place only; contained, or the end of the process. Report it",
    ),
    (
        "integrity_failed",
        "error",
        "A stored row failed its seal and is answered as not found; run `strongroom doctor`",
    ),
    (
        "ledger_settled",
        "warn",
        "Records that the erasure ledger names were there (an older database was put back, or a crash) and are erased again",
    ),
    ("settings_reloaded", "info", "SIGHUP: the settings named by `code` were taken over"),
    (
        "settings_need_restart",
        "warn",
        "SIGHUP: the settings named by `code` changed and take effect with the next start",
    ),
    (
        "settings_refused",
        "error",
        "SIGHUP: the settings file has a fault at this line and setting; nothing was taken over. `strongroom config check` says more",
    ),
    (
        "reload_unreported",
        "error",
        "Settings were taken over and could not be written so to the audit log; look at the disk",
    ),
    (
        "limits_not_kept",
        "warn",
        "What clients have used could not be written down; a crash now would replay more of the log",
    ),
    (
        "limits_unsure",
        "error",
        "What clients have used is not sure, so it counts as used up until its period ends: the snapshot or the log was altered",
    ),
    (
        "tls_reloaded",
        "info",
        "New TLS material (certificate, key, client CA, revocation list) is being served on `address`",
    ),
    (
        "tls_refused",
        "error",
        "New TLS material was not taken over on `address`; the last good set is served. `code` says why",
    ),
    (
        "tls_unreported",
        "error",
        "A change of TLS material could not be written to the audit log; look at the disk",
    ),
    (
        "mtls_without_ca",
        "warn",
        "The policy asks `count` clients for certificates and `tls.client_ca` is not set: they cannot call",
    ),
    ("alert_raised", "error", "An alert was raised; `docs/metrics.md` says what to do"),
    ("alert_cleared", "warn", "It was cleared"),
    (
        "traces_undelivered",
        "warn",
        "The trace collector did not take a batch; told once a minute, `strongroom_trace_spans_total` counts",
    ),
    ("request", "info", "A request ended; only with `log.requests = true`"),
];

/// Whether a line may carry this field.
pub(in crate::telemetry) fn is_field(name: &str) -> bool {
    name != "level" && FIELDS.iter().any(|(known, _)| *known == name)
}

/// `docs/logs.md`.
pub fn reference() -> String {
    let mut out = String::from(
        "# Logs\n\nGenerated from the code; do not edit.\n\nOne JSON object a line on standard error, printable ASCII, without times: \
         the service manager has those. Values are texts.\n\
         A serving process never waits for whoever reads them: what finds 2048 lines waiting is dropped and counted\n(`strongroom_log_lines_dropped_total`). \
         The audit log is another thing: it is in the database, complete and \
         verifiable; these lines are for operators.\n\n## Fields\n\nNo line has any other. None holds a path, a query, a header, a value, a \
         token or a key.\n\n| field | holds |\n|---|---|\n",
    );
    for (field, holds) in FIELDS {
        out += &format!("| `{field}` | {holds} |\n");
    }
    out += "\n## Events\n\nThe level is the gravest an event is told at; `log.level` names the least grave that is written.\n\n| event | level | meaning |\n|---|---|---|\n";
    for (event, level, meaning) in EVENTS {
        out += &format!("| `{event}` | {level} | {meaning} |\n");
    }
    out
}
