//! Verbs against a real store, real keys and the sample policy, in one process.

mod batch;
mod charges;
mod consent;
mod context;
mod erase;
mod idempotency;
mod keep;
mod proof;
mod rig;
mod seals;
mod subjects;
mod tokens;
mod unsubscribe;

use rig::Rig;
