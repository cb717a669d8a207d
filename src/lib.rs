//! Strongroom: a vault for personal data. `ARCHITECTURE.md` is the map of the rooms below.

pub mod alloc;
pub mod app;
pub mod audit;
pub mod cli;
pub mod config;
pub mod crypto;
pub mod domain;
#[cfg(any(test, feature = "fuzzing"))]
#[path = "../fuzz/targets/mod.rs"]
pub mod fuzzing;
pub mod http;
pub mod limits;
pub mod policy;
pub mod storage;
pub mod telemetry;
pub mod vault;
