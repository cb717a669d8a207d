//! `strongroom policy …` on a file: nothing of the vault is needed.

use crate::cli::{Failed, PolicyCommand};
use crate::domain::date::Date;
use crate::domain::field::Form;
use crate::vault::{Notice, check_policy, explain_read, notice_of};
use std::io::Write;
use std::path::Path;

/// Runs a policy command.
pub fn run(command: &PolicyCommand, today: Date, out: &mut dyn Write) -> Result<(), Failed> {
    match command {
        PolicyCommand::Check { file } => {
            let summary = check_policy(&read(file)?).map_err(|errors| faults(file, &errors))?;
            writeln!(out, "{}: no fault found. {summary}", file.display())?;
        }
        PolicyCommand::Notice { file, .. } => crate::cli::notice::markdown(&notice(file)?, out)?,
        PolicyCommand::Explain { file, client, purpose, field, recipient, masked } => {
            let form = masked.then_some(Form::Masked);
            let text = read(file)?;
            let asked = (client.as_str(), purpose.as_str(), field.as_str(), recipient.as_deref());
            let answer = explain_read(&text, asked, form, today).map_err(|errors| faults(file, &errors))?;
            writeln!(out, "{answer}")?;
        }
        // Compared where the governing policy may be asked for: `policy_diff`.
        PolicyCommand::Diff { .. } => {}
    }
    Ok(())
}

/// The notice of a policy file.
pub fn notice(file: &Path) -> Result<Notice, Failed> {
    notice_of(&read(file)?).map_err(|errors| faults(file, &errors))
}

pub(in crate::cli) fn read(file: &Path) -> Result<String, Failed> {
    std::fs::read_to_string(file).map_err(|e| {
        let why = crate::domain::io_words(e.kind());
        Failed::new(format!("cannot read {}: {why}; check the path", file.display()))
    })
}

pub(in crate::cli) fn faults(file: &Path, errors: &[String]) -> Failed {
    let lines: Vec<String> = errors
        .iter()
        .map(|e| match e.strip_prefix("0:0: ") {
            // Of the question, not of a place in the file.
            Some(fault) => fault.to_owned(),
            None => format!("{}:{e}", file.display()),
        })
        .collect();
    Failed::new(lines.join("\n"))
}
