//! Logging for real: the global subscriber and the panic hook belong to a process, so each scene plays in one of its own.

use super::{install_panic_hook, log, panics};
use std::process::Command;

const SCENE: &str = "STRONGROOM_TEST_SCENE";

/// Runs this test binary again, for one scene only; gives what it wrote to standard error.
fn play(scene: &str) -> String {
    let own = std::env::current_exe().unwrap();
    let mut command = Command::new(own);
    command.args(["--exact", "telemetry::tests::a_scene", "--nocapture", "--test-threads=1"]);
    let output = command.env(SCENE, scene).output().unwrap();
    assert!(output.status.success(), "{scene}");
    String::from_utf8(output.stderr).unwrap()
}

/// Not a test by itself: what the child processes do.
#[test]
fn a_scene() {
    match std::env::var(SCENE).as_deref() {
        Ok("levels") => {
            log::init("warn");
            tracing::info!(event = "one", "too quiet to be told");
            tracing::warn!(event = "two", code = "a\nb", owner = "CNRY-1", "a sentence");
            log::init("info");
            tracing::info!(event = "three", count = 3, ok = true, "another sentence");
            tracing::error!(target: "somebody_else", event = "CNRY-2", "CNRY-3");
            log::init("no such level");
            tracing::info!(event = "four", "too quiet again");
        }
        Ok("panic") => {
            install_panic_hook();
            let caught = std::panic::catch_unwind(|| panic!("CNRY-4 {}", 1));
            assert!(caught.is_err());
            assert_eq!(panics(), 1);
        }
        _ => assert_eq!(std::env::var(SCENE).ok(), None, "an unknown scene"),
    }
}

#[test]
fn i6_each_event_is_one_line_of_json_with_listed_fields_only() {
    let told = play("levels");
    let lines: Vec<serde_json::Value> =
        told.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let expected = [
        serde_json::json!({"level": "warn", "message": "a sentence", "event": "two", "code": "a\nb"}),
        serde_json::json!({"level": "info", "message": "another sentence", "event": "three", "count": "3"}),
    ];
    assert_eq!(lines, expected);
    assert!(!told.contains("CNRY"));
}

#[test]
fn i6_a_panic_is_told_by_its_place_and_counted_even_before_the_log_was_started() {
    let told = play("panic");
    assert_eq!(told.lines().count(), 1, "{told}");
    let line: serde_json::Value = serde_json::from_str(&told).unwrap();
    assert_eq!((line["level"].as_str(), line["event"].as_str()), (Some("error"), Some("panic")));
    assert_eq!(line["file"], file!());
    assert!(line["line"].as_str().unwrap().parse::<u32>().unwrap() > 0);
    assert!(!told.contains("CNRY"), "never what it said");
}
