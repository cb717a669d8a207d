//! The `strongroom` command.

use clap::Parser;
use std::io::Write;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: strongroom::alloc::ZeroOnFree = strongroom::alloc::ZeroOnFree;

fn main() -> ExitCode {
    let cli = strongroom::cli::Cli::parse();
    strongroom::telemetry::install_panic_hook();
    match strongroom::app::run(&cli, &mut std::io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) if failed.0 == strongroom::cli::READER_GONE => ExitCode::SUCCESS,
        Err(failed) if failed.0 == strongroom::cli::SOME_REJECTED => ExitCode::from(3),
        Err(failed) => {
            // Nothing better can be done when even standard error is closed.
            let _told = writeln!(std::io::stderr(), "strongroom: {failed}").is_ok();
            ExitCode::FAILURE
        }
    }
}
