//! What reaches the sockets: framing, floods, sizes, TLS, proxies, limits.
