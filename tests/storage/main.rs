//! The conformance suite of the store: every adapter must pass every test of `conformance`; files of their own hold what
//! only one adapter can do (SQLite's files, locks and pages).

mod conformance;
mod sqlite_faults;
mod sqlite_files;
mod support;
