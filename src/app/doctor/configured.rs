//! The settings file: listeners, TLS, limits, traces; what it allows, read as an attacker would.

use crate::app::doctor::files::private;
use crate::app::machine;
use crate::app::serve::cores;
use crate::cli::doctor::{Finding, Standing};
use crate::config::Settings;
use crate::domain::Timestamp;
use crate::domain::clock::{Clock, SystemClock};
use crate::http::tls::{self, Material, TlsFiles};
use crate::limits;
use crate::vault::Survey;
use std::time::Duration;

/// From how long before its end a certificate is spoken of.
const SOON: Duration = Duration::from_secs(14 * 86_400);

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
    let mut found = vec![pair, private("TLS key", key, key)];
    let files = TlsFiles {
        certificate: certificate.clone(),
        key: key.clone(),
        client_ca: settings.tls.client_ca.clone(),
        client_crl: settings.tls.client_crl.clone(),
    };
    if found.iter().all(|finding| finding.standing == Standing::Ok) {
        found.extend(whole_set(&files));
    }
    found
}

/// The whole set, as serve takes it: client authorities and revocation lists too, and when what ends.
fn whole_set(files: &TlsFiles) -> Vec<Finding> {
    let material = match Material::load(files) {
        Ok(material) => material,
        Err(error) => return vec![Finding::new("client CA", Standing::Fail, error.to_string())],
    };
    let now = SystemClock::default().wall();
    let (certificate, lists) = material.ends();
    let mut found = Vec::new();
    found.extend(certificate.map(|until| ends("TLS certificate", until, now)));
    if files.client_ca.is_some() {
        let detail = "client certificates of these authorities are taken";
        found.push(Finding::new("client CA", Standing::Ok, detail));
        found.push(match lists {
            Some(until) => ends("client CRL", until, now),
            None => Finding::new(
                "client CRL",
                Standing::Warn,
                "none: a stolen client certificate holds until its end; write tls.client_crl",
            ),
        });
    }
    found
}

/// What has an end: broken beyond it, spoken of two weeks before.
fn ends(measure: &'static str, until: Timestamp, now: Timestamp) -> Finding {
    let day = until.to_rfc3339();
    if until <= now {
        return Finding::new(measure, Standing::Fail, format!("ended {day}; put a new one in its place"));
    }
    let standing = if until <= now.plus(SOON) { Standing::Warn } else { Standing::Ok };
    let what = if standing == Standing::Warn { "; renew it" } else { "" };
    Finding::new(measure, standing, format!("ends {day}{what}"))
}

/// Clients that the policy asks for certificates which nothing could verify.
pub(super) fn certificates_asked(settings: &Settings, survey: &Survey) -> Option<Finding> {
    let asked = &survey.policy.as_ref()?.certificates;
    (settings.tls.client_ca.is_none() && !asked.is_empty()).then(|| {
        let detail = format!(
            "the policy asks {} for certificates and tls.client_ca is not set: they cannot call",
            asked.join(", ")
        );
        Finding::new("client CA", Standing::Warn, detail)
    })
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_ends_is_spoken_of_two_weeks_before_and_broken_after() {
        let day = 86_400_000_000;
        let at = |days: i64| ends("TLS certificate", Timestamp(days * day), Timestamp(0)).standing;
        assert_eq!(
            [at(90), at(13), at(0), at(-1)],
            [Standing::Ok, Standing::Warn, Standing::Fail, Standing::Fail]
        );
    }

    #[test]
    fn a_client_ca_that_is_not_there_is_broken_and_one_that_is_without_lists_is_weak() {
        let dir = tempfile::tempdir().unwrap();
        let made = tls::generate_development_certificate(dir.path()).unwrap();
        let with = |ca: &str| {
            let text = format!(
                "data_dir = \"x\"\n[tls]\ncertificate = {:?}\nkey = {:?}\nclient_ca = {:?}\n",
                made.certificate,
                made.key,
                dir.path().join(ca)
            );
            let found = certificate(&Settings::parse(&text).unwrap());
            let of = |measure| found.iter().find(|f| f.measure == measure).cloned();
            (of("client CA"), of("client CRL"))
        };
        let (ca, _) = with("absent.pem");
        let ca = ca.unwrap();
        assert_eq!(ca.standing, Standing::Fail);
        assert!(ca.detail.contains("client_ca") && ca.detail.contains("no such file"), "{}", ca.detail);
        let (ca, crl) = with("ca.pem");
        assert_eq!(ca.unwrap().standing, Standing::Ok);
        assert_eq!(crl.unwrap().standing, Standing::Warn);
    }
}
