//! What types alone cannot say of settings: bounds, pairs, and what may listen where.

use super::{Network, RootProviderKind, Settings};
use std::net::IpAddr;
use std::path::Path;

/// A key and what to write instead.
pub(in crate::config) type Fault = (String, String);

/// Every fault, in the order of the file.
pub(in crate::config) fn faults(settings: &Settings) -> Vec<Fault> {
    let mut faults: Vec<Fault> = Vec::new();
    let fixed =
        [paths(settings), listening(settings), super::public::faults(&settings.public), log(settings)]
            .concat();
    faults.extend(fixed.into_iter().map(|(key, advice)| (key.to_owned(), advice.to_owned())));
    faults.extend(numbers(settings));
    faults.extend(settings.networks.iter().enumerate().flat_map(|(at, network)| labels(at, network)));
    faults
}

fn paths(settings: &Settings) -> Vec<(&'static str, &'static str)> {
    let (tls, root) = (&settings.tls, &settings.root);
    let paths = [
        ("data_dir", Some(settings.data_dir.as_path())),
        ("tls.certificate", tls.certificate.as_deref()),
        ("tls.key", tls.key.as_deref()),
        ("root.path", root.path.as_deref()),
        ("public.certificate", settings.public.certificate.as_deref()),
        ("public.key", settings.public.key.as_deref()),
    ];
    let odd = paths.into_iter().filter(|(_, path)| path.is_some_and(is_no_path));
    let mut faults: Vec<_> =
        odd.map(|(key, _)| (key, "write the path of a file; its content does not belong here")).collect();
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

/// Empty, or a pasted key rather than the path of one.
fn is_no_path(path: &Path) -> bool {
    let text = path.to_string_lossy();
    text.is_empty() || text.chars().any(char::is_control)
}

fn listening(settings: &Settings) -> Vec<(&'static str, &'static str)> {
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

fn log(settings: &Settings) -> Vec<(&'static str, &'static str)> {
    let known = matches!(settings.log.level.as_str(), "error" | "warn" | "info" | "debug");
    if known { Vec::new() } else { vec![("log.level", "write error, warn, info or debug")] }
}

/// Numbers out of their bounds. Upper bounds keep a slip of the pen from taking the machine's memory or its guards.
fn numbers(settings: &Settings) -> impl Iterator<Item = Fault> {
    let (http, limits, passwords) = (&settings.http, &settings.limits, &settings.passwords);
    let size = |n: usize| u64::try_from(n).unwrap_or(u64::MAX);
    let bounds = [
        ("listen.workers", settings.listen.workers.map_or(1, size), 1, 1_024),
        ("http.body_timeout_s", http.body_timeout_s, 1, 600),
        ("http.min_body_rate", http.min_body_rate.into(), 1, 1 << 20),
        ("http.header_timeout_s", http.header_timeout_s, 1, 60),
        ("http.max_connections", size(http.max_connections), 1, 1 << 20),
        ("http.keep_alive_s", http.keep_alive_s, 1, 3_600),
        ("limits.max_keys", size(limits.max_keys), 1_000, 10_000_000),
        ("passwords.memory_kib", passwords.memory_kib.into(), 19_456, 262_144),
        ("passwords.iterations", passwords.iterations.into(), 2, 10),
        ("passwords.threads", size(passwords.threads), 1, 256),
        ("passwords.queue", size(passwords.queue), 1, 65_536),
    ];
    bounds.into_iter().filter(|(_, n, low, high)| !(low..=high).contains(&n)).map(|(key, _, low, high)| {
        let advice = format!("write a number from {low} to {high}");
        (key.to_owned(), advice)
    })
}

fn labels(at: usize, network: &Network) -> Vec<Fault> {
    let country = |c: &String| c.len() == 2 && c.bytes().all(|b| b.is_ascii_uppercase());
    let checks = [
        (
            "cidr",
            is_network(&network.cidr),
            "write a network such as 10.1.0.0/16, no bit set beyond its length",
        ),
        ("label", (1..=64).contains(&network.label.len()), "write 1 to 64 characters"),
        ("country", network.country.as_ref().is_none_or(country), "write two capital letters, such as DE"),
    ];
    let failed = checks.into_iter().filter(|(_, fits, _)| !fits);
    failed.map(|(key, _, advice)| (format!("networks[{at}].{key}"), advice.to_owned())).collect()
}

/// `address/length` without host bits; IPv4 is never written as IPv6.
fn is_network(cidr: &str) -> bool {
    let Some((address, length)) = cidr.split_once('/') else { return false };
    let (Ok(address), Ok(bits_fixed)) = (address.parse::<IpAddr>(), length.parse::<u32>()) else {
        return false;
    };
    let (bits, width) = match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, 32),
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_none() => (v6.to_bits(), 128),
        IpAddr::V6(_) => return false,
    };
    // Shifting by the whole width leaves nothing.
    bits_fixed <= width && bits_fixed.to_string() == length && bits.checked_shl(bits_fixed).unwrap_or(0) == 0
}
