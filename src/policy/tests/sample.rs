//! The sample policy grants what its documents say, and nothing else.

use crate::policy::{Numbering, Policy, SAMPLE};

#[test]
fn the_sample_policy_compiles() {
    match Policy::compile(SAMPLE, &Numbering::default()) {
        Ok(policy) => assert_eq!(policy.version().0, 1),
        Err(faults) => panic!("{}", faults.iter().map(|f| format!("{f}\n")).collect::<String>()),
    }
}
