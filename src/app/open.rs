//! From a data directory to an open vault: provider, keyring, store, sealed policy. What cannot be opened says why.

use crate::cli::{Failed, Place};
use crate::config::{RootProviderKind, Settings};
use crate::crypto::password::{PasswordParams, PasswordPool};
use crate::crypto::root::{KeyFile, Passphrase, RootError, RootProvider};
use crate::crypto::{Keyring, self_test};
use crate::domain::clock::{Clock, SystemClock};
use crate::limits::{self, Limits};
use crate::storage::{OpenError, Options, Store, inspect};
use crate::vault::{LogReader, Networks, Parts, Vault};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The keyring's name inside a data directory.
pub(in crate::app) const KEYRING: &str = "keyring";

/// What configuration decides about an open vault.
pub(in crate::app) struct Tuning {
    pub(in crate::app) limits: limits::Settings,
    pub(in crate::app) passwords: PasswordParams,
    pub(in crate::app) slots: usize,
    pub(in crate::app) queue: usize,
    pub(in crate::app) networks: Networks,
}

impl Tuning {
    /// For commands that open a vault for a moment.
    pub(in crate::app) fn quiet() -> Self {
        Self {
            limits: limits::Settings::default(),
            passwords: PasswordParams::default(),
            slots: 1,
            queue: 1,
            networks: Networks::default(),
        }
    }
}

/// Reads a settings file; every fault is a line.
pub(in crate::app) fn settings(file: &Path) -> Result<Settings, Failed> {
    Settings::load(file).map_err(|errors| {
        let lines: Vec<String> = errors.iter().map(|e| format!("{}: {e}", file.display())).collect();
        Failed::new(lines.join("\n"))
    })
}

/// The place that settings name.
pub(in crate::app) fn place_of(settings: &Settings) -> Place {
    let path = settings.root.path.clone();
    let (key, passphrase) = match settings.root.provider {
        RootProviderKind::KeyFile => (path, None),
        RootProviderKind::Passphrase => (None, path),
    };
    Place { data_dir: settings.data_dir.clone(), root_key_file: key, root_passphrase_file: passphrase }
}

/// Opens the root provider that a place names.
pub(in crate::app) fn provider(place: &Place) -> Result<Box<dyn RootProvider>, Failed> {
    let failed = |path: &Path, e: RootError| Failed::new(format!("{}: {e}", path.display()));
    if let Some(path) = &place.root_passphrase_file {
        return Ok(Box::new(Passphrase::open(path).map_err(|e| failed(path, e))?));
    }
    let path = place.root_key_file.clone().unwrap_or_else(|| default_key(&place.data_dir));
    Ok(Box::new(KeyFile::open(&path).map_err(|e| failed(&path, e))?))
}

/// Where the root key lies when nothing else is said.
pub(in crate::app) fn default_key(data_dir: &Path) -> PathBuf {
    data_dir.join("root.key")
}

/// Opens the vault at a place.
pub(in crate::app) fn vault(place: &Place, tuning: &Tuning) -> Result<Arc<Vault>, Failed> {
    let parts = parts(place, tuning)?;
    Vault::open(parts).map(Arc::new).map_err(|e| Failed::new(e.to_string()))
}

/// Opens the vault at a place for a command that may work for long: limits as a server without settings has them.
pub(in crate::app) fn for_commands(place: &Place) -> Result<Arc<Vault>, Failed> {
    let keys = keyring(place)?;
    let limits =
        if keys.is_development() { limits::Settings::generous() } else { limits::Settings::default() };
    let tuning = Tuning { limits, slots: 2, queue: 64, ..Tuning::quiet() };
    Vault::open(with_keys(place, keys, &tuning)?).map(Arc::new).map_err(|e| Failed::new(e.to_string()))
}

/// Opens the log at a place, beside whoever serves it.
pub(in crate::app) fn log(place: &Place) -> Result<LogReader, Failed> {
    let keys = keyring(place)?;
    // Under another vault's keys no name of this one would be found, as if nothing had happened to anybody.
    let found = inspect(&place.data_dir).map_err(|e| Failed::new(e.to_string()))?;
    if found.vault != keys.vault() {
        return Err(Failed::new(OpenError::OtherVault.to_string()));
    }
    if !found.goes_on {
        return Err(Failed::new(OpenError::OtherLog.to_string()));
    }
    LogReader::open(&place.data_dir, keys).map_err(|e| Failed::new(e.to_string()))
}

/// Opens the keyring of a place.
pub(in crate::app) fn keyring(place: &Place) -> Result<Keyring, Failed> {
    let path = place.data_dir.join(KEYRING);
    present(&place.data_dir, &path)?;
    Keyring::load(&path, provider(place)?.as_ref()).map_err(|e| Failed::new(e.to_string()))
}

/// Whether there is a keyring that can be looked at. What is forbidden is not absent, and beside a database `init` is no
/// remedy.
fn present(data_dir: &Path, keyring: &Path) -> Result<(), Failed> {
    let Err(error) = std::fs::metadata(keyring) else { return Ok(()) };
    let words = crate::domain::io_words(error.kind());
    Err(Failed::new(match error.kind() {
        std::io::ErrorKind::NotFound if data_dir.join("vault.db").exists() => {
            format!(
                "{}: missing beside vault.db; put the copy of this vault's keyring back",
                keyring.display()
            )
        }
        std::io::ErrorKind::NotFound => {
            let hint = "is there a vault? `strongroom init` makes one, `strongroom dev` a development vault";
            format!("{}: no keyring here; {hint}", data_dir.display())
        }
        std::io::ErrorKind::PermissionDenied => {
            format!("{}: {words}; run the command as the owner of the data directory", keyring.display())
        }
        _ => format!("{}: {words}", keyring.display()),
    }))
}

fn parts(place: &Place, tuning: &Tuning) -> Result<Parts, Failed> {
    let keys = keyring(place)?;
    with_keys(place, keys, tuning)
}

fn with_keys(place: &Place, keys: Keyring, tuning: &Tuning) -> Result<Parts, Failed> {
    self_test().map_err(|e| Failed::new(e.to_string()))?;
    let dir = &place.data_dir;
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::default());
    let owner = Some(keys.vault());
    let options = Options { on_stop: Some(Arc::new(stop)), owner, ..Options::default() };
    let store = Store::open(dir, options, clock.clone()).map_err(|e| Failed::new(e.to_string()))?;
    store.set_locator_ceiling(keys.ceiling());
    Ok(assemble(store, keys, clock, tuning))
}

/// Puts the parts together.
pub(in crate::app) fn assemble(store: Store, keys: Keyring, clock: Arc<dyn Clock>, tuning: &Tuning) -> Parts {
    Parts {
        store,
        keys,
        networks: tuning.networks.clone(),
        limits: Limits::new(tuning.limits.clone(), clock.clone()),
        passwords: PasswordPool::new(tuning.passwords, tuning.slots, tuning.queue),
        clock,
    }
}

/// The first failed fsync: no acknowledgement may follow it, so the process ends (F3).
pub(in crate::app) fn stop(code: i32) {
    crate::telemetry::sink::flush();
    std::process::exit(if code == 0 { 74 } else { 75 });
}
