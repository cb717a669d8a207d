//! What `strongroom doctor` looks at: files, keys, store, policy, process. A vault that is being served is asked over its admin
//! socket; when even that does not answer, only what can be seen from outside is reported.

use crate::app::open::{self, KEYRING, Tuning, default_key};
use crate::cli::doctor::{self, Finding, Standing};
use crate::cli::remote::AdminSocket;
use crate::cli::{Failed, Place};
use crate::crypto::{hardware_aes, self_test};
use crate::vault::{Vault, verify_log};
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// All findings.
pub(in crate::app) async fn collect(place: &Place, policy: Option<&Path>) -> Result<Vec<Finding>, Failed> {
    let mut found = vec![
        match self_test() {
            Ok(()) => Finding::new(
                "cipher self-test",
                Standing::Ok,
                "SHA-256, HMAC and AES-GCM match their known answers",
            ),
            Err(e) => Finding::new("cipher self-test", Standing::Fail, e.to_string()),
        },
        if hardware_aes() {
            Finding::new("hardware AES", Standing::Ok, "AES-NI and carry-less multiplication are used")
        } else {
            Finding::new("hardware AES", Standing::Warn, "absent: ciphers run 12 to 30 times slower")
        },
        mode("data directory", &place.data_dir, 0o077),
        mode("keyring file", &place.data_dir.join(KEYRING), 0o077),
        mode("database file", &place.data_dir.join("vault.db"), 0o077),
        root(place),
        log(&place.data_dir),
    ];
    match AdminSocket::find(&place.data_dir).await {
        Some(link) => found.extend(doctor::ask(&link, policy).await?),
        None => found.extend(opened(place, policy)),
    }
    found.push(Finding::new(
        "core dumps",
        Standing::Ok,
        "switched off in every command (RLIMIT_CORE, PR_SET_DUMPABLE)",
    ));
    found.push(Finding::new("freed memory", Standing::Ok, "zeroed by the allocator"));
    let absent = [
        ("locked key memory", "keys are not locked into memory yet; switch swap off"),
        ("sandbox", "seccomp and Landlock are not applied yet; use the service manager's"),
        ("two-person rule", "operators cannot be enrolled yet; the vault is single-operator"),
        ("erasure and retention", "records cannot be deleted or swept yet"),
        ("backup", "no backup command yet; stop the vault and copy the directory and the root key apart"),
    ];
    found.extend(absent.map(|(measure, detail)| Finding::new(measure, Standing::Absent, detail)));
    Ok(found)
}

fn opened(place: &Place, policy: Option<&Path>) -> Vec<Finding> {
    match open::vault(place, &Tuning::quiet()) {
        Ok(vault) => inside(&vault, policy),
        Err(error) => {
            // A vault that is being served is as it should be; one that does not open is not.
            let served = error.to_string().contains("another process");
            let standing = if served { Standing::Warn } else { Standing::Fail };
            vec![Finding::new("vault", standing, format!("not looked into: {error}"))]
        }
    }
}

fn mode(measure: &'static str, path: &Path, forbidden: u32) -> Finding {
    match std::fs::symlink_metadata(path) {
        Err(e) => Finding::new(
            measure,
            Standing::Fail,
            format!("{}: {}", path.display(), crate::domain::io_words(e.kind())),
        ),
        Ok(meta) if meta.mode() & forbidden != 0 => {
            let detail = format!("{}: readable by others; run chmod go-rwx on it", path.display());
            Finding::new(measure, Standing::Fail, detail)
        }
        Ok(_) => {
            Finding::new(measure, Standing::Ok, format!("{}: only its owner may read it", path.display()))
        }
    }
}

fn root(place: &Place) -> Finding {
    let beside = place.root_key_file.clone().unwrap_or_else(|| default_key(&place.data_dir));
    if place.root_passphrase_file.is_some() {
        return Finding::new("root key", Standing::Ok, "behind a passphrase");
    }
    if !beside.exists() {
        let detail =
            format!("not found at {}; pass --root-key-file or --root-passphrase-file", beside.display());
        return Finding::new("root key", Standing::Fail, detail);
    }
    if beside.starts_with(&place.data_dir) {
        let detail = "lies beside the data: whoever takes the disk has both; keep it elsewhere";
        return Finding::new("root key", Standing::Warn, detail);
    }
    mode("root key", &beside, 0o077)
}

fn log(dir: &Path) -> Finding {
    match verify_log(dir, None) {
        Ok(summary) => Finding::new("audit log", Standing::Ok, summary),
        Err(error) => Finding::new("audit log", Standing::Fail, error),
    }
}

/// What an open vault says of itself.
pub(in crate::app) fn inside(vault: &Vault, policy: Option<&Path>) -> Vec<Finding> {
    let mut found = vec![Finding::new("vault", Standing::Ok, "keyring, store and sealed policy open")];
    found.push(match vault.facts() {
        Some(facts) if facts.single_operator => {
            Finding::new("operators", Standing::Warn, "single-operator: no act needs a second person")
        }
        Some(_) => Finding::new("operators", Standing::Ok, "two-person rule in force"),
        None => Finding::new("operators", Standing::Fail, "the vault's facts are missing or fail their seal"),
    });
    if vault.is_development() {
        found.push(Finding::new(
            "kind",
            Standing::Warn,
            "a development vault: loopback only, never for real people",
        ));
    }
    found.push(match vault.readiness() {
        "ready" => Finding::new("readiness", Standing::Ok, "ready"),
        other => Finding::new("readiness", Standing::Fail, other),
    });
    let soon = vault.now().plus(std::time::Duration::from_secs(14 * 86_400));
    for client in vault.list_clients() {
        let ending = client.keys.iter().filter(|(_, until, revoked)| !revoked && *until < soon).count();
        if ending > 0 {
            let detail = format!("{}: {ending} key(s) end within 14 days; make new ones", client.name);
            found.push(Finding::new("client keys", Standing::Warn, detail));
        }
    }
    found.extend(policy.map(|file| doctor::compare(vault.policy_text().map_err(|e| e.to_string()), file)));
    found
}
