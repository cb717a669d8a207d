//! The conformance suite of the store: every adapter must pass every test of `conformance`; files of their own hold what
//! only one adapter can do (SQLite's files, locks and pages).
#![expect(missing_docs, reason = "a test")]

mod conformance;
mod sqlite_faults;
mod sqlite_files;
mod support;
