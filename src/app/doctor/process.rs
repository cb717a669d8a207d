//! The process and the machine: what `harden` asked for is read back, what only the machine can give is named.

use crate::app::machine;
use crate::cli::doctor::{Finding, Standing};
use crate::crypto::{hardware_aes, self_test};
use rustix::process::{DumpableBehavior, Resource, dumpable_behavior, getrlimit};

pub(super) fn findings() -> Vec<Finding> {
    vec![
        match self_test() {
            Ok(()) => Finding::new(
                "cipher self-test",
                Standing::Ok,
                "SHA-256, HMAC and AES-GCM match their known answers",
            ),
            Err(e) => Finding::new("cipher self-test", Standing::Fail, e.to_string()),
        },
        Finding::of(
            "hardware AES",
            hardware_aes(),
            "AES-NI and carry-less multiplication are used",
            (Standing::Warn, "absent: ciphers run 12 to 30 times slower; choose a machine that has it"),
        ),
        Finding::of(
            "core dumps",
            getrlimit(Resource::Core).current == Some(0),
            "switched off (RLIMIT_CORE is 0)",
            (Standing::Fail, "RLIMIT_CORE is not 0; set LimitCORE=0 in the service"),
        ),
        Finding::of(
            "process memory",
            matches!(dumpable_behavior(), Ok(DumpableBehavior::NotDumpable)),
            "closed to other processes of the same user (PR_SET_DUMPABLE is 0)",
            (Standing::Fail, "PR_SET_DUMPABLE is not 0: a process of the same user may read it"),
        ),
        Finding::new("freed memory", Standing::Ok, "zeroed by the allocator"),
        swap(machine::swaps()),
        match machine::clock_is_synchronised() {
            Some(true) => Finding::new("time service", Standing::Ok, "the clock is kept by a time service"),
            _ => Finding::new(
                "time service",
                Standing::Warn,
                "none was found (systemd-timesyncd, chrony, ntpd): run one; a clock 30 s behind stops the vault",
            ),
        },
    ]
}

fn swap(devices: Option<Vec<String>>) -> Finding {
    match devices {
        None => {
            Finding::new("swap", Standing::Warn, "not known (/proc/swaps cannot be read); run without swap")
        }
        Some(devices) if devices.is_empty() => Finding::new("swap", Standing::Ok, "off"),
        Some(devices) => {
            let mapped = devices.iter().all(|d| d.starts_with("/dev/dm-") || d.starts_with("/dev/mapper/"));
            let known = if mapped {
                "may be encrypted (a mapped device); check it"
            } else {
                "whether it is encrypted is not known"
            };
            let detail = format!("on ({}): {known}, or switch it off (swapoff -a)", devices.join(", "));
            Finding::new("swap", Standing::Warn, detail)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn swap_is_fine_only_when_it_is_off() {
        assert_eq!(swap(Some(Vec::new())).standing, Standing::Ok);
        assert_eq!(swap(None).standing, Standing::Warn);
        let plain = swap(Some(vec!["/dev/sda2".to_owned()]));
        assert!(plain.standing == Standing::Warn && plain.detail.contains("is not known"));
        assert!(swap(Some(vec!["/dev/dm-1".to_owned()])).detail.contains("may be encrypted"));
    }
}
