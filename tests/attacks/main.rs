//! Attacks on the built binary: one test for each attack of the list in `SECURITY.md`, named after it (`a01_…`), and one
//! for each lesson taken from others' advisories (`l01_…`). Every test says which promise it shows.
//!
//! `STRONGROOM_BIN` names the binary under attack; `make test` sets it to the release build. Loopback only.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "tests fail by panicking, wait by the real clock, and print the figure they reached"
)]

#[expect(dead_code, reason = "shared with the api suite, which needs more of it")]
#[path = "../support/mod.rs"]
mod support;
#[expect(unused_imports, reason = "shared files name each other by these")]
use support::{caller, client, people, pki, served, vault};

mod access;
mod faults;
mod rest;
mod wire;
