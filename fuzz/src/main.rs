//! Hands what libFuzzer makes to the target that `STRONGROOM_FUZZ` names. One program for all targets: one link instead of ten.
#![no_main]

use libfuzzer_sys::fuzz_target;
use std::sync::OnceLock;
use strongroom::fuzzing::{TARGETS, Target};

static CHOSEN: OnceLock<Target> = OnceLock::new();

fn chosen() -> Target {
    let name = std::env::var("STRONGROOM_FUZZ").unwrap_or_default();
    let known = TARGETS.iter().find(|(known, _)| *known == name);
    known.unwrap_or_else(|| panic!("STRONGROOM_FUZZ names no target: {name:?}")).1
}

fuzz_target!(|data: &[u8]| CHOSEN.get_or_init(chosen)(data));
