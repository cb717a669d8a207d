//! `strongroom init`: a new vault in an empty directory. Nothing is left behind when it fails before the first commit.

use crate::app::open::{KEYRING, Tuning, assemble, default_key, stop};
use crate::cli::{Failed, InitArgs, Place};
use crate::crypto::Keyring;
use crate::crypto::root::{KeyFile, RootError, RootProvider};
use crate::domain::VaultId;
use crate::domain::clock::{Clock, SystemClock};
use crate::domain::entropy::{Entropy, OsEntropy};
use crate::storage::{Options, Store};
use crate::vault::{InitError, Vault, VaultFacts};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

/// Runs `init`.
pub(in crate::app) async fn run(args: &InitArgs, out: &mut dyn Write) -> Result<(), Failed> {
    if !args.single_operator {
        return Err(Failed::new(
            "enrolling two officers of each kind is not built yet: add --single-operator, which switches the \
             two-person rule off, visibly and for good",
        ));
    }
    let policy = std::fs::read_to_string(&args.policy).map_err(|e| {
        Failed::new(format!("cannot read {}: {}", args.policy.display(), crate::domain::io_words(e.kind())))
    })?;
    crate::vault::check_policy(&policy).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(|e| format!("{}:{e}", args.policy.display())).collect();
        Failed::new(lines.join("\n"))
    })?;
    let root = root_words(&args.place);
    let vault = found(&args.place, &policy, false, &Tuning::quiet()).await?;
    writeln!(out, "vault created in {}", args.place.data_dir.display())?;
    writeln!(out, "{root}; keep a copy of it apart from copies of the data: without it nothing can be read")?;
    writeln!(
        out,
        "next, with the same --data-dir and root options: strongroom client activate NAME, then client key NAME;"
    )?;
    writeln!(out, "then strongroom serve --config FILE (config/strongroom.toml is an example)")?;
    drop(vault);
    Ok(())
}

/// What opens the new vault, and whether it was there before.
fn root_words(place: &Place) -> String {
    if let Some(file) = &place.root_passphrase_file {
        return format!("the passphrase in {} opens it", file.display());
    }
    let path = key_path(place);
    let how = if path.exists() { "was there and is used" } else { "was made" };
    format!("the root key {} {how}", path.display())
}

fn key_path(place: &Place) -> std::path::PathBuf {
    place.root_key_file.clone().unwrap_or_else(|| default_key(&place.data_dir))
}

/// Makes directory, root key, keyring, store and the first commit.
pub(in crate::app) async fn found(
    place: &Place,
    policy: &str,
    development: bool,
    tuning: &Tuning,
) -> Result<Arc<Vault>, Failed> {
    let dir = &place.data_dir;
    empty_directory(dir)?;
    let provider = new_provider(place)?;
    let mut entropy = OsEntropy;
    let vault = VaultId(entropy.array().map_err(|e| Failed::new(e.to_string()))?);
    let keys = Keyring::create(vault, development, &mut entropy).map_err(|e| Failed::new(e.to_string()))?;
    keys.write(&dir.join(KEYRING), provider.as_ref(), &mut entropy)
        .map_err(|e| Failed::new(e.to_string()))?;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let options = Options { on_stop: Some(Arc::new(stop)), ..Options::default() };
    let store =
        Store::create_with(dir, vault, options, clock.clone()).map_err(|e| Failed::new(e.to_string()))?;
    store.set_locator_ceiling(keys.ceiling());
    let parts = assemble(store, keys, clock, tuning);
    let facts = VaultFacts { single_operator: true };
    match Vault::init(parts, policy, facts, super::owner()).await {
        Ok(vault) => Ok(Arc::new(vault)),
        Err(InitError::Policy(errors)) => {
            let lines: Vec<String> =
                errors.iter().map(|e| format!("line {}: {}: {}", e.line, e.path, e.message)).collect();
            Err(Failed::new(lines.join("\n")))
        }
        Err(error) => Err(Failed::new(error.to_string())),
    }
}

fn empty_directory(dir: &Path) -> Result<(), Failed> {
    let refused = |e: std::io::Error| {
        Failed::new(format!("cannot make {}: {}", dir.display(), crate::domain::io_words(e.kind())))
    };
    if dir.exists() {
        let others = std::fs::read_dir(dir).map_err(refused)?.flatten().any(|e| e.file_name() != "root.key");
        if others {
            return Err(Failed::new(format!("{} is not empty; choose an empty directory", dir.display())));
        }
        return Ok(());
    }
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(refused)
}

/// The named root: an existing key file is used, a missing one is made.
fn new_provider(place: &Place) -> Result<Box<dyn RootProvider>, Failed> {
    if place.root_passphrase_file.is_some() {
        return super::open::provider(place);
    }
    let path = key_path(place);
    if path.exists() {
        return super::open::provider(place);
    }
    let made = KeyFile::create(&path, &mut OsEntropy).map_err(|e| {
        let hint = match (&e, path.parent()) {
            (RootError::Io(ErrorKind::NotFound), Some(parent)) => {
                format!("; make the directory {} first, for its owner alone", parent.display())
            }
            (RootError::Io(ErrorKind::PermissionDenied), _) => {
                "; run the command as a user who may write there".to_owned()
            }
            _ => String::new(),
        };
        Failed::new(format!("the root key {} could not be made: {}{hint}", path.display(), e.cause()))
    })?;
    Ok(Box::new(made))
}
