//! The format and the verifier against arbitrary events, arbitrary bytes and a malicious editor.

mod arbitrary;
mod format;
mod log;
mod view;
