//! The HTTP room: TLS server, edge limits (size, time, strict JSON), problem+json. Routes stand on top of it.
//!
//! It turns bytes into domain types and domain types into bytes. It must never decide who may see what, and never put
//! plaintext, tokens or keys into a URL, an error or a log (I6). Everything it reads or keeps is bounded (I10).

pub mod api;
pub mod capacity;
pub mod edge;
pub mod exchange;
pub mod json;
pub mod link;
pub mod local;
pub mod measured;
pub mod openapi;
pub mod pipeline;
pub mod problem;
pub mod public;
mod refuse;
mod request;
pub mod server;
pub mod tls;
