//! The nouns of the vault and their states: ids, subjects, records, fields, tokens, consents, clients, events.
//!
//! Nothing here does I/O. Time and randomness enter as parameters ([`Clock`], [`Entropy`]; invariant I9), and
//! plaintext personal data lives in [`Sensitive`] and nowhere else.

pub mod client;
pub mod clock;
pub mod codec;
pub mod context;
pub mod crockford;
pub mod date;
pub mod disclosure;
pub mod duration;
pub mod endpoint;
pub mod entropy;
pub mod event;
pub mod field;
pub mod ids;
pub mod measure;
pub mod record;
pub mod rule;
pub mod sensitive;
pub mod spelling;
pub mod subject;
pub mod token;
pub mod unsubscribe;
pub mod value;

pub use clock::{Clock, Timestamp};
pub use entropy::Entropy;
pub use ids::*;
pub use rule::Rule;
pub use sensitive::Sensitive;

/// The kind of an input or output fault in words an operator uses; never a path or a content.
pub fn io_words(kind: std::io::ErrorKind) -> String {
    use std::io::ErrorKind as Kind;
    match kind {
        Kind::NotFound => "no such file or directory".to_owned(),
        Kind::PermissionDenied => "permission denied".to_owned(),
        Kind::AddrInUse => "the address is in use".to_owned(),
        Kind::AddrNotAvailable => "the address is not one of this machine's".to_owned(),
        Kind::StorageFull => "no space is left".to_owned(),
        other => other.to_string(),
    }
}
