//! The conformance suite of the store: every adapter must pass every test of `conformance`; files of their own hold what
//! only one adapter can do (SQLite's files, locks and pages).

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod erasure;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod sqlite_faults;
#[cfg(test)]
mod sqlite_files;
#[cfg(test)]
mod support;
