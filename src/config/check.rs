//! What the table of keys alone cannot say of settings: pairs, and what may listen where.

use super::{RootProviderKind, Settings};

/// A key and what to write instead.
pub(in crate::config) type Fault = (&'static str, &'static str);

/// Every fault, in the order of the file.
pub(in crate::config) fn faults(settings: &Settings) -> Vec<Fault> {
    [pairs(settings), listening(settings), telling(settings)].concat()
}

fn pairs(settings: &Settings) -> Vec<Fault> {
    let (tls, root) = (&settings.tls, &settings.root);
    let mut faults = Vec::new();
    match (&tls.certificate, &tls.key) {
        (None, Some(_)) => {
            faults.push(("tls.certificate", "is missing beside tls.key; write both or neither"))
        }
        (Some(_), None) => {
            faults.push(("tls.key", "is missing beside tls.certificate; write both or neither"))
        }
        _ => {}
    }
    if root.provider == RootProviderKind::Passphrase && root.path.is_none() {
        faults.push(("root.path", "the passphrase lies in a file; write its path here"));
    }
    faults
}

fn listening(settings: &Settings) -> Vec<Fault> {
    let mut faults = Vec::new();
    if !settings.listen.address.ip().is_loopback() && settings.tls.certificate.is_none() {
        faults.push((
            "listen.address",
            "beyond loopback only with [tls] certificate and key; write them, or 127.0.0.1",
        ));
    }
    if !settings.metrics.address.ip().is_loopback() {
        faults.push(("metrics.address", "metrics are plain HTTP and stay on loopback; write 127.0.0.1:9464"));
    }
    faults
}

/// Traces go out over TLS that somebody vouches for.
fn telling(settings: &Settings) -> Vec<Fault> {
    let traces = &settings.telemetry.traces;
    match &traces.endpoint {
        Some(endpoint) if endpoint.is_https() && traces.ca.is_none() => {
            vec![(
                "telemetry.traces.ca",
                "is missing; write the path of the certificates the endpoint is trusted by",
            )]
        }
        None if traces.ca.is_some() => {
            vec![("telemetry.traces.endpoint", "is missing beside its ca; write both or neither")]
        }
        _ => Vec::new(),
    }
}
