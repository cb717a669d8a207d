//! No text may make the policy compiler panic; what it accepts must have a name and compile again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom::policy::{Numbering, Policy};

fuzz_target!(|data: &[u8]| {
    let Ok(text) = std::str::from_utf8(data) else { return };
    let Some(none) = Numbering::from_bytes(&[]) else { return };
    if let Ok(policy) = Policy::compile(text, &none) {
        assert!(Policy::compile(text, policy.numbering()).is_ok());
    }
});
