//! The built binary over a real TLS connection: what a service, a stranger and an attacker on the network see.

mod canary;
mod cli;
mod client;
mod crash;
mod customers;
mod matrix;
mod offline;
mod strict;
mod vault;
