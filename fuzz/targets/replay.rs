//! Every kept input through its target, without a fuzzer.

use super::TARGETS;
use std::path::Path;

/// The inputs kept in a directory of `fuzz/`; none when there is no such directory.
fn kept(below: &str, target: &str) -> Vec<(String, Vec<u8>)> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(below).join(target);
    let files = std::fs::read_dir(dir).into_iter().flatten().flatten().map(|entry| entry.path());
    files.map(|path| (path.display().to_string(), std::fs::read(&path).unwrap())).collect()
}

#[test]
fn a66_every_input_kept_by_fuzzing_still_holds() {
    for (name, run) in TARGETS {
        let corpus = kept("corpus", name);
        assert!(!corpus.is_empty(), "{name} has no corpus in fuzz/corpus");
        for (file, input) in corpus.into_iter().chain(kept("regressions", name)) {
            println!("{file}");
            run(&input);
        }
        run(&[]);
    }
}

#[test]
fn a66_no_directory_is_kept_for_a_target_that_does_not_exist() {
    for below in ["corpus", "regressions"] {
        let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz").join(below);
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            assert!(
                name.starts_with('.') || TARGETS.iter().any(|(known, _)| *known == name),
                "{below}/{name}"
            );
        }
    }
}
