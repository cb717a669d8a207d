//! The sections of the settings file and their defaults.

use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;

/// `[listen]`
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Listen {
    /// Address and port of the API.
    pub address: SocketAddr,
    /// Worker threads; absent: one a core.
    pub workers: Option<usize>,
    /// Host names answered to; empty: any.
    pub hosts: Vec<String>,
}
impl Default for Listen {
    fn default() -> Self {
        Self { address: ([127, 0, 0, 1], 8443).into(), workers: None, hosts: Vec::new() }
    }
}

/// `[tls]`
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Tls {
    /// Certificate chain, PEM.
    pub certificate: Option<PathBuf>,
    /// Private key, PEM, mode 0600.
    pub key: Option<PathBuf>,
    /// Authorities of client certificates, PEM; absent: none is asked for.
    pub client_ca: Option<PathBuf>,
    /// Their revocation lists, PEM.
    pub client_crl: Option<PathBuf>,
}

/// Which root provider.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RootProviderKind {
    /// A key in a file.
    #[default]
    KeyFile,
    /// A passphrase in a file.
    Passphrase,
}

/// `[root]`
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Root {
    /// Provider.
    pub provider: RootProviderKind,
    /// The key's or passphrase's file; absent: `root.key` in the data directory.
    pub path: Option<PathBuf>,
}

/// `[metrics]`
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Metrics {
    /// Loopback address of the metrics listener.
    pub address: SocketAddr,
}
impl Default for Metrics {
    fn default() -> Self {
        Self { address: ([127, 0, 0, 1], 9464).into() }
    }
}

/// `[log]`
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Log {
    /// `error`, `warn`, `info`, `debug`.
    pub level: String,
    /// Whether each request is a line.
    pub requests: bool,
}
impl Default for Log {
    fn default() -> Self {
        Self { level: "info".to_owned(), requests: false }
    }
}

/// `[alerts]`
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Alerts {
    /// MiB of free space below which `low_disk` is raised.
    pub min_free_mb: u64,
    /// MiB of write-ahead log above which `wal_growth` is raised.
    pub max_wal_mb: u64,
    /// Days before the end of a client's last key from which `key_expiry` is raised.
    pub key_days: u64,
    /// A policy file to compare with the one that governs.
    pub policy: Option<PathBuf>,
}
impl Default for Alerts {
    fn default() -> Self {
        Self { min_free_mb: 512, max_wal_mb: 128, key_days: 14, policy: None }
    }
}

/// `[telemetry]`
#[derive(Clone, PartialEq, Eq, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Telemetry {
    /// `[telemetry.traces]`
    pub traces: crate::telemetry::traces::Settings,
}

/// `[http]`
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Http {
    /// Seconds for a whole body.
    pub body_timeout_s: u64,
    /// Bytes a second a body must bring after two seconds.
    pub min_body_rate: u32,
    /// Seconds for a request head.
    pub header_timeout_s: u64,
    /// Connections a worker keeps.
    pub max_connections: usize,
    /// Seconds an idle connection is kept.
    pub keep_alive_s: u64,
    /// Connections of one IPv4 address or IPv6 /64.
    pub max_connections_per_peer: u32,
    /// Seconds after which a connection is closed with its next reply.
    pub max_connection_age_s: u64,
    /// Seconds that requests under way have to end when the vault is stopped.
    pub drain_timeout_s: u64,
}
impl Default for Http {
    fn default() -> Self {
        Self {
            body_timeout_s: 10,
            min_body_rate: 500,
            header_timeout_s: 5,
            max_connections: 4_096,
            keep_alive_s: 75,
            max_connections_per_peer: 512,
            max_connection_age_s: 3_600,
            drain_timeout_s: 20,
        }
    }
}

/// `[[networks]]`: what the log calls a network.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Network {
    /// The network, `10.1.0.0/16`.
    pub cidr: String,
    /// Its label.
    pub label: String,
    /// Autonomous system number.
    pub asn: Option<u32>,
    /// Country.
    pub country: Option<String>,
}

/// `[passwords]`
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Passwords {
    /// Memory of a hash, KiB.
    pub memory_kib: u32,
    /// Passes.
    pub iterations: u32,
    /// Hashing threads.
    pub threads: usize,
    /// Checks that may wait.
    pub queue: usize,
}
impl Default for Passwords {
    fn default() -> Self {
        Self { memory_kib: 19_456, iterations: 2, threads: 2, queue: 64 }
    }
}
