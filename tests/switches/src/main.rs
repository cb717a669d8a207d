//! Makes a copy of the sources in which every deciding line can be switched off at run time, builds it once, and runs the
//! tests with one switch thrown after the other: each must make a test fail.
//!
//! `plant` writes the copy and the list of switches; `run` throws them. A switch no test notices is a survivor. Survivors
//! that change nothing anybody could see are kept, with the reason, in `equivalent.toml`; anything else is a missing test.

mod kept;
mod plant;
mod run;

use std::path::PathBuf;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = args.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["plant", from, to] => plant::plant(&PathBuf::from(from), &PathBuf::from(to)),
        ["generated", tree, tests, more @ ..] => run::generated(&PathBuf::from(tree), &PathBuf::from(tests), more),
        ["kept", tree, tests, more @ ..] => run::kept(&PathBuf::from(tree), &PathBuf::from(tests), more),
        _ => Err("usage: strongroom-switches plant FROM TO | generated TREE TEST-BINARY [FILTER] | kept TREE TEST-BINARY [ID]".into()),
    };
    match done {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(why) => {
            eprintln!("{why}");
            ExitCode::from(2)
        }
    }
}
