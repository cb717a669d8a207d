//! What the table of keys alone cannot say of settings: pairs, and what may listen where.

use super::{RootProviderKind, Settings};

/// A key and what to write instead.
pub(in crate::config) type Fault = (&'static str, String);

/// One whose advice is a fixed sentence.
type Fixed = (&'static str, &'static str);

/// Every fault, in the order of the file.
pub(in crate::config) fn faults(settings: &Settings) -> Vec<Fault> {
    let fixed =
        [pairs(settings), listening(settings), super::public::faults(&settings.public), telling(settings)]
            .concat();
    let mut faults: Vec<Fault> = fixed.into_iter().map(|(key, advice)| (key, advice.to_owned())).collect();
    faults.extend(settings.proxy.faults());
    faults
}

fn pairs(settings: &Settings) -> Vec<Fixed> {
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
    if tls.client_ca.is_some() && tls.certificate.is_none() {
        faults.push(("tls.client_ca", "needs tls.certificate and tls.key beside it"));
    }
    if tls.client_crl.is_some() && tls.client_ca.is_none() {
        faults.push(("tls.client_crl", "needs tls.client_ca, whose certificates it revokes, beside it"));
    }
    if root.provider == RootProviderKind::Passphrase && root.path.is_none() {
        faults.push(("root.path", "the passphrase lies in a file; write its path here"));
    }
    faults
}

fn listening(settings: &Settings) -> Vec<Fixed> {
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
fn telling(settings: &Settings) -> Vec<Fixed> {
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
