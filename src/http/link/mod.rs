//! Connections, from the socket to the first byte of HTTP: who may open how many, what a proxy says of whom it stands for,
//! the TLS handshake, and how long a connection lasts.
//!
//! It must never believe an address that a client chose (lessons, theme 2) and never let a connection outlive the trust its
//! certificate rests on (theme 19). Every count and time here is bounded (I10).

mod accept;
mod caps;
mod facts;
mod forwarded;
#[cfg(any(test, feature = "fuzzing"))]
#[path = "../../../fuzz/targets/http.rs"]
pub(crate) mod fuzzing;
mod lines;
mod proxy;
mod proxy_protocol;
mod serve;
mod stream;
#[cfg(test)]
mod tests;

pub use accept::{LinkLimits, LinkMeter, Links, Refused};
pub use caps::{Caps, Slot};
pub use facts::Link;
pub use forwarded::origin;
pub use proxy::{ForwardedHeader, ProxyProtocol, ProxyRules};
pub use serve::serve;
