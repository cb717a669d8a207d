//! Who may see what: objects, fields, logins, timing, the log's completeness, hostile strings.

mod clocks;
mod costs;
mod lessons;
mod links;
mod log;
mod matrix;
mod objects;
mod samples;
mod spellings;
mod withdrawal;
