//! Tests of the policy room: the sample policy, the clauses, the faults of a file, and the judge against its reference.

mod additions;
mod clauses;
mod companion;
mod delete;
mod diff;
mod faults;
mod grants;
mod property;
mod sample;
mod world;
