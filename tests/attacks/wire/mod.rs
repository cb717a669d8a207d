//! What reaches the sockets: framing, floods, sizes, TLS, proxies, limits.

mod contract;
mod process;
mod tools;

mod addresses;
mod combinations;
mod framing;
mod hostile;
mod json;
mod limits;
mod logs;
mod protocols;
mod routes;
mod sizes;
mod slow;
mod starved;
mod strings;
mod tls;
