//! The composition root: the only room that knows all others. It opens vaults, wires the server, and runs the commands.

mod admin;
mod bench;
mod dev;
mod doctor;
mod harden;
mod init;
mod keep;
mod links;
mod machine;
mod meter;
mod open;
mod public;
mod reload;
mod requests;
mod sample;
mod serve;
mod stop;
mod watch;

use crate::cli::export::ExportCommand;
use crate::cli::{
    self, AuditCommand, Cli, ClientCommand, Command, ConfigCommand, Failed, Place, PolicyCommand,
    ReferencePage,
};
use crate::domain::clock::{Clock, SystemClock};
use crate::domain::date::Date;
use crate::domain::event::Principal;
use clap::CommandFactory;
use std::io::Write;

/// Runs the command; the failure says what to do.
pub fn run(cli: &Cli, out: &mut dyn Write) -> Result<(), Failed> {
    harden::process()?;
    match &cli.command {
        Command::Init(args) => block_on(init::run(args, out)),
        Command::Serve { config } => serve::run(config),
        Command::Dev(args) => dev::run(args, out),
        Command::Client(command) => client(command, out),
        Command::Import(args) => {
            let today = today()?;
            block_on(admin::reached(&args.reach, async |link| cli::import::run(link, args, today, out).await))
        }
        Command::Export(ExportCommand::Tokens(args)) => {
            block_on(admin::at(&args.place, async |link| cli::export::tokens(link, args, out).await))
        }
        Command::Bench(args) => block_on(bench::run(args, out)),
        Command::Policy(command) => policy(command, out),
        Command::Audit(command) => audit(command, out),
        Command::Doctor(args) => cli::doctor::report(&doctor::collect(args)?, args.json, out),
        Command::Config(ConfigCommand::Check { file }) => {
            if open::settings(file)?.tls.certificate.is_none() {
                let advice = "is missing, and a vault is served over TLS only; write certificate and key";
                return Err(Failed::new(format!("{}: [tls] {advice}", file.display())));
            }
            writeln!(out, "{}: no fault found", file.display())?;
            Ok(())
        }
        Command::Config(ConfigCommand::Reference) => reference(ReferencePage::Configuration, out),
        Command::Reference { page } => reference(*page, out),
        Command::Openapi { errors } => {
            let text =
                if *errors { crate::http::problem::docs_errors() } else { crate::http::openapi::document() };
            out.write_all(text.as_bytes())?;
            Ok(())
        }
        Command::Completions { shell } => {
            // Into memory first: the generator panics when its reader goes away.
            let mut text = Vec::new();
            clap_complete::generate(*shell, &mut Cli::command(), "strongroom", &mut text);
            out.write_all(&text)?;
            Ok(())
        }
        Command::Man => {
            clap_mangen::Man::new(Cli::command()).render(out)?;
            Ok(())
        }
    }
}

fn reference(page: ReferencePage, out: &mut dyn Write) -> Result<(), Failed> {
    let text = match page {
        ReferencePage::Configuration => crate::config::reference(),
        ReferencePage::Logs => crate::telemetry::events::reference(),
        ReferencePage::Metrics => crate::telemetry::families::reference(),
    };
    out.write_all(text.as_bytes())?;
    Ok(())
}

/// Runs a future to its end on a small runtime of its own.
pub(in crate::app) fn block_on<T>(future: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
    actix_web::rt::System::new().block_on(future)
}

/// Who acts on the data directory: the user that runs the command.
pub(in crate::app) fn owner() -> Principal {
    Principal::Local(rustix::process::getuid().as_raw())
}

fn client(command: &ClientCommand, out: &mut dyn Write) -> Result<(), Failed> {
    let place = match command {
        ClientCommand::List { place } => place,
        ClientCommand::Activate(c) | ClientCommand::Suspend(c) | ClientCommand::Resume(c) => &c.place,
        ClientCommand::Key { client, .. } | ClientCommand::RevokeKey { client, .. } => &client.place,
    };
    block_on(admin::at(place, async |link| cli::client::run(link, command, out).await))
}

fn policy(command: &PolicyCommand, out: &mut dyn Write) -> Result<(), Failed> {
    if let PolicyCommand::Notice { file, html: true } = command {
        out.write_all(crate::http::public::notice_html(&cli::policy::notice(file)?).as_bytes())?;
        return Ok(());
    }
    let PolicyCommand::Diff { data_dir, root_key_file, root_passphrase_file, .. } = command else {
        return cli::policy::run(command, today()?, out);
    };
    let governing = data_dir.as_ref().map(|data_dir| Place {
        data_dir: data_dir.clone(),
        root_key_file: root_key_file.clone(),
        root_passphrase_file: root_passphrase_file.clone(),
    });
    let governing = match governing {
        None => None,
        Some(place) => {
            Some(block_on(admin::at(&place, async |link| cli::policy_diff::governing(link).await))?)
        }
    };
    cli::policy_diff::run(command, governing, out)
}

fn today() -> Result<Date, Failed> {
    let today = Date::from_days(SystemClock::default().wall().day());
    today.ok_or_else(|| Failed::new("the clock is beyond the year 9999; set it"))
}

fn audit(command: &AuditCommand, out: &mut dyn Write) -> Result<(), Failed> {
    match command {
        AuditCommand::Verify { data_dir, checkpoint } => {
            cli::audit::verify(data_dir, checkpoint.as_deref(), out)
        }
        AuditCommand::Tail { place, count } => cli::audit::tail(&open::log(place)?, *count, out),
        AuditCommand::Query { place, filter } => cli::audit::query(&open::log(place)?, filter, out),
    }
}
