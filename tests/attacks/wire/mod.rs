//! What reaches the sockets: framing, floods, sizes, TLS, proxies, limits.

mod contract;
mod process;
mod tools;

mod framing;
mod json;
mod slow;
