//! What `strongroom doctor` looks at: process, machine, files, store, sealed rows, settings. It reads only, needs no lock,
//! and so works on a vault at rest and beside one that is being served; it opens no record and changes nothing.

mod configured;
mod files;
mod process;
mod sealed;

use crate::app::open;
use crate::cli::doctor::{Finding, Standing};
use crate::cli::{DoctorArgs, Failed, Place};
use crate::config::Settings;
use crate::vault::{Comparison, compare_rows, survey};
use std::path::Path;

/// All findings, or why nothing can be looked at.
pub(in crate::app) fn collect(args: &DoctorArgs) -> Result<Vec<Finding>, Failed> {
    let settings = args.config.as_deref().map(open::settings).transpose()?;
    let place = match (&settings, &args.data_dir) {
        (Some(settings), _) => open::place_of(settings),
        (None, Some(data_dir)) => Place {
            data_dir: data_dir.clone(),
            root_key_file: args.root_key_file.clone(),
            root_passphrase_file: args.root_passphrase_file.clone(),
        },
        (None, None) => {
            return Err(Failed::new("say which vault: --data-dir DIR with what opens it, or --config FILE"));
        }
    };
    let policy = args.policy.clone().or_else(|| settings.as_ref()?.alerts.policy.clone());
    Ok(all(&place, policy.as_deref(), settings.as_ref()))
}

fn all(place: &Place, policy: Option<&Path>, settings: Option<&Settings>) -> Vec<Finding> {
    let mut found = process::findings();
    found.extend(files::findings(place));
    found.extend(settings.into_iter().flat_map(configured::findings));
    match open::keyring(place) {
        Err(error) => found.push(Finding::new("vault", Standing::Fail, format!("does not open: {error}"))),
        Ok(keys) => match survey(&place.data_dir, &keys) {
            Err(error) => {
                let detail = format!("{error}; restore vault.db from a copy");
                found.push(Finding::new("vault", Standing::Fail, detail));
            }
            Ok(survey) => {
                found.extend(files::doubted_ledger(&place.data_dir, &keys, survey.ledger_reached));
                found.extend(settings.and_then(|settings| configured::certificates_asked(settings, &survey)));
                found.extend(sealed::findings(&survey, &keys, policy));
                found.push(match compare_rows(&place.data_dir, &keys) {
                    Ok(compared) => rows(&compared),
                    Err(error) => Finding::new(ROWS, Standing::Fail, error.to_string()),
                });
            }
        },
    }
    found.extend(absent());
    found
}

const ROWS: &str = "rows and log";

/// Whether every row is the one that the log says was written last.
fn rows(compared: &Comparison) -> Finding {
    if compared.too_long {
        let detail = "not compared: the log tells of more than 16 million rows, which are not held in memory";
        return Finding::new(ROWS, Standing::Warn, detail);
    }
    if compared.faults == 0 {
        return Finding::new(
            ROWS,
            Standing::Ok,
            format!("{} rows are as the log last made them", compared.rows),
        );
    }
    let more = compared.faults.saturating_sub(compared.named.len() as u64);
    let more = if more > 0 { format!("; and {more} more") } else { String::new() };
    let detail = format!("{}{more}: somebody edited the database; restore a copy", compared.named.join("; "));
    Finding::new(ROWS, Standing::Fail, detail)
}

/// What is not built yet, so that nobody relies on it.
fn absent() -> impl Iterator<Item = Finding> {
    let absent = [
        ("locked key memory", "keys are not locked into memory yet; switch swap off"),
        (
            "sandbox",
            "seccomp and Landlock are not applied yet; config/sample/strongroom.service has the service manager's",
        ),
        (
            "witnessed checkpoints",
            "no witness yet; keep the head that `strongroom audit verify` prints elsewhere, and clients their Strongroom-Checkpoint",
        ),
        (
            "backup",
            "no backup command yet; stop the vault and copy database, keyring, root key and erasures.log apart: docs/operations.md",
        ),
    ];
    absent.into_iter().map(|(measure, detail)| Finding::new(measure, Standing::Absent, detail))
}
