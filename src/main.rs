//! The `strongroom` command.

use clap::Parser;
use std::io::Write;
use std::process::ExitCode;

#[global_allocator]
static ALLOCATOR: strongroom::alloc::ZeroOnFree = strongroom::alloc::ZeroOnFree;

fn main() -> ExitCode {
    strongroom::alloc::give_back_large_blocks();
    let cli = strongroom::cli::Cli::parse();
    strongroom::telemetry::install_panic_hook();
    match strongroom::app::run(&cli, &mut std::io::stdout()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) if failed.exit_code() == 0 => ExitCode::SUCCESS,
        Err(failed) => {
            // Nothing better can be done when even standard error is closed.
            let _told = writeln!(std::io::stderr(), "strongroom: {failed}").is_ok();
            ExitCode::from(failed.exit_code())
        }
    }
}
