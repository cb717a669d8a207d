//! Attacks on the built binary: tests for the attacks of `docs/attacks.md`, named after them (`a01_…`), and for the lessons
//! taken from others' advisories (`l01_…`). Every test says which promise it shows. The document says what is not attacked
//! yet, and how to run one, its long form, or one again by its seed.
//!
//! `STRONGROOM_BIN` names the binary under attack; without it, it is the one cargo built beside the tests. Loopback only.

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
