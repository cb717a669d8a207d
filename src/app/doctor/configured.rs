//! The settings file: listeners, TLS, limits, traces; what it allows, read as an attacker would.

use crate::app::doctor::files::private;
use crate::app::machine;
use crate::app::serve::cores;
use crate::cli::doctor::{Finding, Standing};
use crate::config::Settings;
use crate::http::tls;
use crate::limits;

pub(super) fn findings(settings: &Settings) -> Vec<Finding> {
    let mut found =
        vec![listener(settings), hosts(settings), limits(settings), files(settings), traces(settings)];
    found.extend(certificate(settings));
    if settings.log.level == "debug" {
        found.push(Finding::new("log level", Standing::Warn, "debug: write info for daily use"));
    }
    found
}

fn listener(settings: &Settings) -> Finding {
    let address = settings.listen.address;
    let reach = if address.ip().is_loopback() { "this machine only" } else { "other machines, over TLS" };
    Finding::new(
        "listeners",
        Standing::Ok,
        format!("API on {address} ({reach}); metrics on {} (loopback)", settings.metrics.address),
    )
}

fn hosts(settings: &Settings) -> Finding {
    Finding::of(
        "host names",
        settings.listen.address.ip().is_loopback() || !settings.listen.hosts.is_empty(),
        "requests that name another host are refused, or come from this machine only",
        (Standing::Warn, "any Host is answered: write the vault's names into listen.hosts"),
    )
}

fn certificate(settings: &Settings) -> Vec<Finding> {
    let (Some(certificate), Some(key)) = (&settings.tls.certificate, &settings.tls.key) else {
        let detail = "missing: serve refuses to start; write [tls] certificate and key";
        return vec![Finding::new("TLS", Standing::Fail, detail)];
    };
    for file in [certificate, key] {
        if let Err(e) = std::fs::metadata(file) {
            let detail = format!("{}: {}", file.display(), crate::domain::io_words(e.kind()));
            return vec![Finding::new("TLS", Standing::Fail, detail)];
        }
    }
    let pair = match tls::server_config(certificate, key) {
        Ok(_) => Finding::new("TLS", Standing::Ok, "certificate and key belong together"),
        Err(error) => {
            let detail = format!("{} and {}: {error}", certificate.display(), key.display());
            Finding::new("TLS", Standing::Fail, detail)
        }
    };
    vec![pair, private("TLS key", key, key)]
}

/// A limit a hundred times its default guards nothing.
fn limits(settings: &Settings) -> Finding {
    let (own, usual) = (&settings.limits, limits::Settings::default());
    let generous: Vec<&str> = [
        ("network_requests_per_second", own.network_requests_per_second, usual.network_requests_per_second),
        ("network_burst", own.network_burst, usual.network_burst),
        ("failed_auth_per_ten_minutes", own.failed_auth_per_ten_minutes, usual.failed_auth_per_ten_minutes),
        ("client_bytes_per_second", own.client_bytes_per_second, usual.client_bytes_per_second),
        ("subject_reads_per_hour", own.subject_reads_per_hour, usual.subject_reads_per_hour),
        (
            "verify_per_subject_per_minute",
            own.verify_per_subject_per_minute,
            usual.verify_per_subject_per_minute,
        ),
        (
            "verify_per_source_per_minute",
            own.verify_per_source_per_minute,
            usual.verify_per_source_per_minute,
        ),
    ]
    .into_iter()
    .filter(|(_, own, usual)| own.get() / 100 >= usual.get())
    .map(|(name, ..)| name)
    .collect();
    if generous.is_empty() {
        return Finding::new("limits", Standing::Ok, "within a hundred times their defaults");
    }
    let detail =
        format!("so generous that they guard nothing: limits.{}; lower them", generous.join(", limits."));
    Finding::new("limits", Standing::Warn, detail)
}

/// Each connection takes a descriptor, and the store needs some whatever comes.
fn files(settings: &Settings) -> Finding {
    let workers = settings.listen.workers.unwrap_or_else(cores);
    let wanted = u64::try_from(workers.saturating_mul(settings.http.max_connections))
        .unwrap_or(u64::MAX)
        .saturating_add(128);
    match machine::most_files() {
        Some(most) if most < wanted => {
            let detail = format!(
                "{most}, but {wanted} may be needed: raise LimitNOFILE, or lower http.max_connections"
            );
            Finding::new("file descriptors", Standing::Warn, detail)
        }
        _ => Finding::new("file descriptors", Standing::Ok, "enough for every connection"),
    }
}

fn traces(settings: &Settings) -> Finding {
    let Some(endpoint) = &settings.telemetry.traces.endpoint else {
        return Finding::new("traces", Standing::Ok, "off");
    };
    let how = if endpoint.is_https() { "over TLS" } else { "on this machine" };
    let detail = format!(
        "spans go to {} {how}: routes, client names, request ids, never values",
        endpoint.authority()
    );
    Finding::new("traces", Standing::Ok, detail)
}
