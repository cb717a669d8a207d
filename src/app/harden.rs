//! Hardening of the process before any secret is in memory: no core dumps, no ptrace by the same user.

use crate::cli::Failed;
use rustix::process::{DumpableBehavior, Resource, Rlimit, set_dumpable_behavior, setrlimit};

/// Applies it, or says what the system refused.
pub(in crate::app) fn process() -> Result<(), Failed> {
    let none = Rlimit { current: Some(0), maximum: Some(0) };
    setrlimit(Resource::Core, none)
        .map_err(|_| Failed::new("core dumps cannot be switched off (RLIMIT_CORE)"))?;
    set_dumpable_behavior(DumpableBehavior::NotDumpable)
        .map_err(|_| Failed::new("the process cannot be made undumpable (PR_SET_DUMPABLE)"))
}
