//! The shipped unit file: systemd takes it, it closes what it says, and what it runs is there.

use crate::vault::{binary, path};
use std::process::Command;

const UNIT: &str = include_str!("../../config/sample/strongroom.service");

fn systemd(args: &[&str]) -> Option<(bool, String)> {
    let out = Command::new("systemd-analyze").args(args).output().ok()?;
    let told = [out.stdout, out.stderr].concat();
    Some((out.status.success(), String::from_utf8_lossy(&told).into_owned()))
}

#[test]
fn systemd_takes_the_sample_unit_and_calls_it_well_closed() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("strongroom.service");
    std::fs::write(&file, UNIT.replace("/usr/local/bin/strongroom", path(&binary()))).unwrap();
    let Some((ok, told)) = systemd(&["verify", "--man=no", path(&file)]) else {
        return; // No systemd on this machine.
    };
    assert!(ok && !told.contains("Unknown"), "{told}");
    // Older releases cannot judge a file that is not installed.
    if let Some((true, told)) = systemd(&["security", "--offline=true", path(&file)]) {
        let level = told.lines().find_map(|l| l.split("exposure level for strongroom.service: ").nth(1));
        let level: f32 = level.unwrap().split(' ').next().unwrap().parse().unwrap();
        assert!(level < 2.5, "{told}");
    }
}

#[test]
fn the_unit_names_every_measure_it_is_there_for() {
    for line in [
        "NoNewPrivileges=yes",
        "ProtectSystem=strict",
        "LimitCORE=0",
        "MemorySwapMax=0",
        "MemoryDenyWriteExecute=yes",
        "CapabilityBoundingSet=",
        "UMask=0077",
        "RestartPreventExitStatus=74 75",
        "SystemCallFilter=@system-service",
    ] {
        assert!(UNIT.lines().any(|l| l == line), "{line}");
    }
    for command in UNIT.lines().filter_map(|l| l.strip_prefix("ExecStart")) {
        let words: Vec<&str> =
            command.split_whitespace().skip(1).take_while(|w| !w.starts_with(['/', '-'])).collect();
        let help = Command::new(binary()).args(&words).arg("--help").output().unwrap();
        assert!(help.status.success(), "{command}");
    }
}
