//! The files of a vault: there, owned by whoever serves it, closed to everybody else; the root key apart from them; space.

use crate::app::machine;
use crate::app::open::{KEYRING, default_key};
use crate::cli::Place;
use crate::cli::doctor::{Finding, Standing};
use crate::config::Alerts;
use crate::crypto::Keyring;
use crate::vault::{look_at_ledger, verify_log};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

const LEDGER: &str = "erasures.log";

pub(super) fn findings(place: &Place) -> Vec<Finding> {
    let dir = &place.data_dir;
    let mut found = vec![
        private("data directory", dir, dir),
        private("keyring file", &dir.join(KEYRING), dir),
        private("database file", &dir.join("vault.db"), dir),
        ledger(dir),
    ];
    // These come and go with the serving process; what is there must be private too.
    for name in ["vault.db-wal", "vault.db-shm", "index.db", "lock"] {
        let file = dir.join(name);
        if file.exists() {
            let finding = private("other files", &file, dir);
            found.extend((finding.standing != Standing::Ok).then_some(finding));
        }
    }
    found.extend([root(place), space(dir), log(dir)]);
    found
}

/// A file or directory that only its owner may read; everything has one owner, that of the data directory.
pub(super) fn private(measure: &'static str, path: &Path, dir: &Path) -> Finding {
    let shown = path.display();
    let facts = match std::fs::symlink_metadata(path) {
        Ok(facts) => facts,
        Err(e) => {
            let detail = format!("{shown}: {}", crate::domain::io_words(e.kind()));
            return Finding::new(measure, Standing::Fail, detail);
        }
    };
    let owner = std::fs::metadata(dir).map_or(facts.uid(), |dir| dir.uid());
    if facts.file_type().is_symlink() {
        let detail = format!("{shown}: a symbolic link; put the file itself there");
        return Finding::new(measure, Standing::Fail, detail);
    }
    if facts.mode() & 0o077 != 0 {
        let detail = format!("{shown}: readable by others; run chmod go-rwx on it");
        return Finding::new(measure, Standing::Fail, detail);
    }
    if facts.uid() != owner {
        let detail = format!("{shown}: belongs to another user than the data directory; run chown on it");
        return Finding::new(measure, Standing::Fail, detail);
    }
    Finding::new(measure, Standing::Ok, format!("{shown}: only its owner may read it"))
}

/// What was erased, which an old database does not know.
fn ledger(dir: &Path) -> Finding {
    let path = dir.join(LEDGER);
    if std::fs::symlink_metadata(&path).is_err_and(|e| e.kind() == std::io::ErrorKind::NotFound) {
        let detail = format!(
            "{}: missing; put the newest copy back, or an old database brings erased records back",
            path.display()
        );
        return Finding::new("erasure ledger", Standing::Fail, detail);
    }
    private("erasure ledger", &path, dir)
}

/// A ledger that lacks lines the database rests on was replaced by an older copy; one with lines that are not this vault's
/// was edited, and a restore of an older database would be refused by it.
pub(super) fn doubted_ledger(dir: &Path, keys: &Keyring, reached: u64) -> Option<Finding> {
    // That it cannot be read at all is said above.
    let look = look_at_ledger(&dir.join(LEDGER), keys).ok()?;
    let detail = match look.foreign {
        Some(line) => format!("line {line} of erasures.log is not this vault's; put the right file back"),
        None if look.whole < reached => {
            "erasures.log lacks lines that vault.db rests on: it is an older copy; put the newest one back"
                .to_owned()
        }
        None => return None,
    };
    Some(Finding::new("erasure ledger", Standing::Fail, detail))
}

fn root(place: &Place) -> Finding {
    if let Some(file) = &place.root_passphrase_file {
        let finding = private("root key", file, file);
        let behind = finding.standing == Standing::Ok;
        return if behind {
            Finding::new("root key", Standing::Ok, "behind a passphrase, in a private file")
        } else {
            finding
        };
    }
    let key = place.root_key_file.clone().unwrap_or_else(|| default_key(&place.data_dir));
    if !key.exists() {
        let detail =
            format!("not found at {}; pass --root-key-file or --root-passphrase-file", key.display());
        return Finding::new("root key", Standing::Fail, detail);
    }
    if lies_below(&key, &place.data_dir) {
        let detail = "lies beside the data: whoever takes the disk has both; keep it elsewhere";
        return Finding::new("root key", Standing::Warn, detail);
    }
    private("root key", &key, &key)
}

/// Whether a file lies below a directory, by whatever name either is given.
fn lies_below(file: &Path, dir: &Path) -> bool {
    match (std::fs::canonicalize(file), std::fs::canonicalize(dir)) {
        (Ok(file), Ok(dir)) => file.starts_with(dir),
        _ => file.starts_with(dir),
    }
}

fn space(dir: &Path) -> Finding {
    let Some(free) = machine::free_bytes(dir) else {
        return Finding::new(
            "free space",
            Standing::Fail,
            "cannot be learnt; check that the data directory is there",
        );
    };
    let (free, least) = (free >> 20, Alerts::default().min_free_mb);
    if free < least {
        let detail = format!("{free} MiB: below {least} MiB; a full disk stops reads too. Free or add space");
        return Finding::new("free space", Standing::Warn, detail);
    }
    Finding::new("free space", Standing::Ok, format!("{free} MiB"))
}

fn log(dir: &Path) -> Finding {
    match verify_log(dir, None) {
        Ok(summary) => Finding::new("audit log", Standing::Ok, summary),
        Err(error) => Finding::new("audit log", Standing::Fail, error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_root_key_beside_the_data_is_a_warning_whatever_its_path_is_written_like() {
        let dir = tempfile::tempdir().unwrap();
        let data = dir.path().join("data");
        std::fs::create_dir(&data).unwrap();
        std::fs::write(data.join("root.key"), "x").unwrap();
        let place = |key: &Path| Place {
            data_dir: data.clone(),
            root_key_file: Some(key.to_owned()),
            root_passphrase_file: None,
        };
        let crooked = dir.path().join("data/../data/root.key");
        for key in [&data.join("root.key"), &crooked] {
            assert_eq!(root(&place(key)).standing, Standing::Warn, "{}", key.display());
        }
        assert_eq!(root(&place(&dir.path().join("absent"))).standing, Standing::Fail);
    }

    #[test]
    fn an_open_mode_a_link_and_an_absent_file_fail_with_what_to_do() {
        use std::os::unix::fs::PermissionsExt;
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("f"), dir.path().join("l"));
        std::fs::write(&file, "x").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        assert!(private("x", &file, dir.path()).detail.contains("chmod"));
        assert!(private("x", &link, dir.path()).detail.contains("link"));
        assert_eq!(private("x", &dir.path().join("absent"), dir.path()).standing, Standing::Fail);
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        assert_eq!(private("x", &file, dir.path()).standing, Standing::Ok);
    }
}
