//! What coverage-guided fuzzing runs: one function a target, each asserting what must hold for every input (A66).
//!
//! Compiled into tests and, under the feature `fuzzing`, for the driver in `fuzz/`; never into the vault. A target that needs
//! the inside of a room is compiled into that room. Every kept input (`fuzz/corpus`, `fuzz/regressions`) runs in plain
//! `cargo test` too.

mod audit;
pub(crate) mod json;
mod opener;
mod token;
mod value;

#[cfg(test)]
mod replay;
mod support;

/// A target: panics when what it promises does not hold.
pub type Target = fn(&[u8]);

/// Every target by name.
pub const TARGETS: &[(&str, Target)] = &[
    ("audit", audit::run),
    ("http", crate::http::link::fuzzing::run),
    ("import", crate::cli::import::fuzzing::run),
    ("json", json::run),
    ("keyring", crate::crypto::keyring::fuzzing::run),
    ("opener", opener::run),
    ("policy", crate::policy::fuzzing::run),
    ("token", token::run),
    ("value", value::run),
];
