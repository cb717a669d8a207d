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
use crate::vault::survey;
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
        (None, None) => return Err(Failed::new("name --data-dir or --config")),
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
                found.extend(files::short_ledger(&place.data_dir, survey.ledger_reached));
                found.extend(settings.and_then(|settings| configured::certificates_asked(settings, &survey)));
                found.extend(sealed::findings(&survey, &keys, policy));
            }
        },
    }
    found.extend(absent());
    found
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
