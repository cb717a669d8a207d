//! The built binary over a real TLS connection: what a service, a stranger and an attacker on the network see.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "helpers of tests fail by panicking and wait by the real clock"
)]

mod caller;
mod canary;
mod cli;
mod client;
mod crash;
mod customers;
mod detokenize;
mod edges;
mod framing;
mod import;
mod local;
mod matrix;
mod offline;
mod people;
mod records;
mod retries;
mod search;
mod strict;
mod subjects;
mod tokens;
mod usage;
mod vault;
