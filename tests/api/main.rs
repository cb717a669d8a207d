//! The built binary over a real TLS connection: what a service, a stranger and an attacker on the network see.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "helpers of tests fail by panicking and wait by the real clock"
)]

#[path = "../support/mod.rs"]
mod support;
use support::{caller, client, pki, served, vault};

mod batch;
mod canary;
mod cli;
mod collector;
mod contexts;
mod crash;
mod customers;
mod detokenize;
mod doctor;
mod edges;
mod erase;
mod framing;
mod import;
mod limits;
mod local;
mod matrix;
mod mtls;
mod offline;
mod operability;
mod proxies;
mod public;
mod records;
mod retries;
mod search;
mod service;
mod shutdown;
mod stream;
mod strict;
mod subjects;
mod tokens;
mod usage;
