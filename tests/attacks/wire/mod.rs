//! What reaches the sockets: framing, floods, sizes, TLS, proxies, limits.

mod process;
mod tools;

mod framing;
mod slow;
