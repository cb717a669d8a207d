//! Verbs against a real store, real keys and the sample policy, in one process.

mod consent;
mod context;
mod idempotency;
mod rig;
mod seals;
mod subjects;
mod tokens;
mod unsubscribe;

use rig::Rig;
