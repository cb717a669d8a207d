//! The audit log: canonical encoding, hash chain, checkpoints, offline verifier, JSON view and queries. Pure.
//!
//! This room turns an [`EventBody`](crate::domain::event::EventBody) into the one byte string that stands for it,
//! links those strings into a chain, and says where a log stops being the log that was written. It must never do
//! I/O, read a clock, or hold a value, token or key: what it writes names subjects and records by keyed reference
//! only (I6). It is the measure for I1: an event is durable when its row is, and a row is genuine when it verifies.
//! The format is described for third parties in `docs/audit-format.md`.

mod bounds;
mod chain;
mod checkpoint;
mod decode;
mod encode;
mod hash;
mod json;
mod query;
mod tag;
mod verify;

#[cfg(test)]
mod tests;

pub use bounds::{MAX_BODY, MAX_CHANGED, MAX_SUBJECTS, MAX_TEXT, OutOfBounds, check, item_is_well_formed};
pub use chain::{GENESIS, Link, chain};
pub use checkpoint::{Checkpoint, InvalidCheckpoint};
pub use decode::{Malformed, decode};
pub use encode::encode;
pub use json::{Names, NoNames, to_json};
pub use query::{IndexKind, Query, index_keys, index_keys_in, principal_name};
pub use verify::{Broken, Reason, Row, Summary, Verifier, verify};
