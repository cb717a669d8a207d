//! Settings: one TOML file, typed, every key known, every fault named with its line. Secrets come by file path only, never
//! inline and never from the environment.

mod errors;
mod sections;

pub use errors::ConfigError;
pub use sections::{Http, Limits, Listen, Log, Metrics, Network, Passwords, Root, RootProviderKind, Tls};

use serde::Deserialize;
use std::path::{Path, PathBuf};

/// All settings of `strongroom serve`.
#[derive(Clone, PartialEq, Eq, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where the vault is.
    pub data_dir: PathBuf,
    /// `[listen]`
    #[serde(default)]
    pub listen: Listen,
    /// `[tls]`
    #[serde(default)]
    pub tls: Tls,
    /// `[root]`
    #[serde(default)]
    pub root: Root,
    /// `[metrics]`
    #[serde(default)]
    pub metrics: Metrics,
    /// `[log]`
    #[serde(default)]
    pub log: Log,
    /// `[http]`
    #[serde(default)]
    pub http: Http,
    /// `[limits]`
    #[serde(default)]
    pub limits: Limits,
    /// `[[networks]]`
    #[serde(default)]
    pub networks: Vec<Network>,
    /// `[passwords]`
    #[serde(default)]
    pub passwords: Passwords,
}

impl Settings {
    /// Reads a file.
    pub fn load(path: &Path) -> Result<Self, Vec<ConfigError>> {
        let text = std::fs::read_to_string(path).map_err(|e| {
            vec![ConfigError::new(0, "", format!("cannot be read: {}; check the path", e.kind()))]
        })?;
        Self::parse(&text)
    }

    /// Reads a text; every fault with line and key.
    pub fn parse(text: &str) -> Result<Self, Vec<ConfigError>> {
        let settings: Self = toml::from_str(text).map_err(|e| vec![errors::describe(text, &e)])?;
        let faults = settings.check();
        if faults.is_empty() { Ok(settings) } else { Err(faults) }
    }

    fn check(&self) -> Vec<ConfigError> {
        let mut faults = Vec::new();
        let mut fault = |key: &str, message: &str| faults.push(ConfigError::new(0, key, message.to_owned()));
        if self.tls.certificate.is_some() != self.tls.key.is_some() {
            fault("tls", "certificate and key go together; write both or neither");
        }
        if !self.listen.address.ip().is_loopback() && self.tls.certificate.is_none() {
            fault(
                "listen.address",
                "beyond loopback only with [tls] certificate and key; write them, or 127.0.0.1",
            );
        }
        if !self.metrics.address.ip().is_loopback() {
            fault("metrics.address", "metrics are plain HTTP and stay on loopback; write 127.0.0.1:9464");
        }
        if self.root.provider == RootProviderKind::Passphrase && self.root.path.is_none() {
            fault("root.path", "the passphrase lies in a file; write its path here");
        }
        if !matches!(self.log.level.as_str(), "error" | "warn" | "info" | "debug") {
            fault("log.level", "write error, warn, info or debug");
        }
        if self.passwords.memory_kib < 19_456 || self.passwords.iterations < 2 {
            fault("passwords", "argon2id needs at least memory_kib = 19456 and iterations = 2");
        }
        if self.passwords.memory_kib > 262_144 || self.passwords.iterations > 10 {
            fault("passwords", "argon2id takes at most memory_kib = 262144 and iterations = 10");
        }
        if self.passwords.threads == 0 || self.passwords.queue == 0 || self.http.max_connections == 0 {
            fault("passwords", "threads, queue and http.max_connections are at least 1");
        }
        if self.listen.workers == Some(0) || self.http.body_timeout_s == 0 || self.http.header_timeout_s == 0
        {
            fault("http", "workers and timeouts are at least 1");
        }
        for (at, network) in self.networks.iter().enumerate() {
            if !network
                .country
                .as_ref()
                .is_none_or(|c| c.len() == 2 && c.bytes().all(|b| b.is_ascii_uppercase()))
            {
                fault(&format!("networks[{at}].country"), "write two capital letters, such as DE");
            }
            if network.label.is_empty() || network.label.len() > 64 {
                fault(&format!("networks[{at}].label"), "write 1 to 64 characters");
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests;
