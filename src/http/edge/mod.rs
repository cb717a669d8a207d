//! The edge: what every request meets before a route, and every reply after one.
//!
//! Request ids, path, header and body limits, body deadline, strict queries, fixed headers, and the server itself. It must
//! never trust a header for who is calling (the socket peer counts; fact theme 2) and never let a reply of the framework's
//! own out in its place (I6). Every buffer and time is bounded (I10).

mod body;
mod guard;
mod headers;
mod local;
mod query;
mod refused;
mod reply;
mod request_id;
mod server;
mod unread;

pub use body::{BodyLimits, json_body, read_body};
pub use guard::{EdgeSettings, EntropyFactory, Voice, link, peer, resource};
pub use headers::{Quota, TraceParent, checkpoint_header, cost_header, rate_limit_headers};
pub use local::{LocalPeer, local_peer, serve_local};
pub use query::Query;
pub use refused::refused;
pub use reply::{ZeroingBody, json_reply};
pub use request_id::RequestId;
pub use server::{ServerSettings, serve, serve_links, serve_loopback_plain};
pub use unread::close_unread;

#[cfg(test)]
mod tests;
