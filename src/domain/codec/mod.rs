//! Canonical binary encodings of the rows that decide something: what is sealed must have exactly one spelling (I4).
//!
//! Layout: a version byte, then the fields in fixed order, big-endian; texts and lists carry a two-byte length; an
//! option is a byte 0 or 1 before its content. Decoding is strict: unknown versions and flags, lengths and counts over
//! their bounds, and trailing bytes are refused, and `encode(decode(b)) == b` for whatever is read. It never panics
//! and never allocates more than the input could fill.

mod client;
mod consent;
mod control;
mod grant;
mod reader;
mod subject;
#[cfg(test)]
mod tests;
mod writer;

pub use consent::TooManyConsents;
pub use reader::Reader;
pub use writer::Writer;

/// The version byte of every encoding here.
const VERSION: u8 = 1;

/// Longest text or byte string of an encoding, in bytes. A longer one encodes into a row that no longer decodes, so
/// whoever accepts such texts bounds them first.
pub const MAX_TEXT: usize = 4_096;

/// Most items of a list; the same applies.
pub const MAX_ITEMS: usize = 4_096;
