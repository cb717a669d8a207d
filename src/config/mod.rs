//! Settings: one TOML file, typed, every key known, every fault named with its line. Secrets come by file path only, never
//! inline and never from the environment.

mod check;
mod errors;
mod public;
mod sections;

pub use errors::ConfigError;
pub use public::Public;
pub use sections::{Http, Listen, Log, Metrics, Network, Passwords, Root, RootProviderKind, Tls};

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

    /// Reads a text; every fault with line and key.
    pub fn parse(text: &str) -> Result<Self, Vec<ConfigError>> {
        let settings: Self = toml::from_str(text).map_err(|e| vec![errors::describe(text, &e)])?;
        let faults: Vec<ConfigError> = check::faults(&settings)
            .into_iter()
            .map(|(key, advice)| ConfigError::new(errors::line_of(text, &key), &key, advice))
            .collect();
        if faults.is_empty() { Ok(settings) } else { Err(faults) }
    }
}

#[cfg(test)]
mod tests;
