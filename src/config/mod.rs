//! Settings: one TOML file, typed, every key known, every fault named with its line. Secrets come by file path only, never
//! inline and never from the environment.

mod changes;
mod check;
mod errors;
mod keys;
mod kind;
mod proxy;
mod public;
mod sections;
mod walk;

pub use changes::changed_settings;
pub use errors::ConfigError;
pub use keys::{KEYS, Key, SECTIONS, Standard};
pub use kind::Kind;
pub use proxy::{Proxy, ProxyHeader, ProxyVersion};
pub use public::Public;
pub use sections::{
    Alerts, Http, Listen, Log, Metrics, Network, Passwords, Root, RootProviderKind, Telemetry, Tls,
};
pub use walk::reference;

use serde::Deserialize;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, Deserializer};
use walk::Walk;

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
    /// `[proxy]`
    #[serde(default)]
    pub proxy: Proxy,
    /// `[public]`
    #[serde(default)]
    pub public: Public,
    /// `[root]`
    #[serde(default)]
    pub root: Root,
    /// `[metrics]`
    #[serde(default)]
    pub metrics: Metrics,
    /// `[log]`
    #[serde(default)]
    pub log: Log,
    /// `[alerts]`
    #[serde(default)]
    pub alerts: Alerts,
    /// `[telemetry]`
    #[serde(default)]
    pub telemetry: Telemetry,
    /// `[http]`
    #[serde(default)]
    pub http: Http,
    /// `[limits]`; what a client may do is in the policy.
    #[serde(default)]
    pub limits: crate::limits::Settings,
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
            vec![ConfigError::new(
                0,
                "",
                format!("cannot be read: {}; check the path", crate::domain::io_words(e.kind())),
            )]
        })?;
        Self::parse(&text)
    }

    /// Reads a text; every fault with line and key, all at once.
    pub fn parse(text: &str) -> Result<Self, Vec<ConfigError>> {
        let (mut table, unread) = DeTable::parse_recoverable(text);
        if let Some(error) = unread.iter().find(|error| !errors::is_duplicate(error)) {
            // What follows a fault of TOML itself is guesswork.
            return Err(vec![errors::describe(text, error)]);
        }
        let mut walk = Walk::new(text);
        walk.faults.extend(unread.iter().map(|error| errors::describe(text, error)));
        walk.root(table.get_mut());
        let settings =
            Self::deserialize(Deserializer::from(table)).map_err(|e| vec![errors::describe(text, &e)])?;
        let mut faults = std::mem::take(&mut walk.faults);
        for (key, advice) in check::faults(&settings) {
            let missing = advice.starts_with("is missing");
            if faults.iter().all(|fault| fault.key != key) && !(missing && walk.said(key)) {
                faults.push(ConfigError::new(walk.line(key), key, advice));
            }
        }
        faults.sort_by_key(|fault| fault.line);
        if faults.is_empty() { Ok(settings) } else { Err(faults) }
    }
}

#[cfg(test)]
mod tests;
