//! Looks at the vault and what lies under it every two seconds and raises or clears the alerts. It only looks: what is to
//! be refused the vault refuses by itself, at once (I11); here it is told.

use crate::app::machine;
use crate::app::meter::Metered;
use crate::app::open::KEYRING;
use crate::config;
use crate::telemetry::alerts::{Alert, Alerts};
use crate::vault::Vault;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

/// How often it looks.
const EVERY: Duration = Duration::from_secs(2);
/// The policy file is compared at every so many looks.
const POLICY_EVERY: u32 = 15;
/// Bytes of a page of the write-ahead log.
const PAGE: u64 = 4_096;

/// Looks until it is dropped.
pub(in crate::app) async fn watch(vault: Arc<Vault>, metered: Arc<Metered>, settings: config::Alerts) {
    let mut looks = 0_u32;
    loop {
        look(&vault, &metered.alerts, &settings, &metered.data_dir);
        if looks.is_multiple_of(POLICY_EVERY) {
            let differs = settings.policy.as_deref().is_some_and(|file| differs(&vault, file));
            metered.alerts.set(Alert::PolicyDiffers, differs);
        }
        looks = looks.wrapping_add(1);
        tokio::time::sleep(EVERY).await;
    }
}

/// One look.
fn look(vault: &Vault, alerts: &Alerts, settings: &config::Alerts, data_dir: &Path) {
    let (state, gauges) = (vault.readiness(), vault.gauges());
    for alert in Alert::ALL.iter().filter(|alert| alert.refuses()) {
        alerts.set(*alert, alert.name() == state);
    }
    let free = machine::free_bytes(data_dir);
    let wal = gauges.wal_pages.saturating_mul(PAGE);
    let soon = vault.now().plus(Duration::from_secs(settings.key_days * 86_400));
    let database = data_dir.join("vault.db");
    for (alert, raised) in [
        (Alert::ClockBehind, vault.clock_is_behind()),
        // A disk that cannot be asked is as good as full.
        (Alert::LowDisk, free.is_none_or(|free| free < settings.min_free_mb << 20)),
        (Alert::WalGrowth, wal > settings.max_wal_mb << 20),
        (Alert::Keyring, !is_private(&data_dir.join(KEYRING))),
        (Alert::Permissions, !is_private(data_dir) || (database.exists() && !is_private(&database))),
        (Alert::Integrity, gauges.integrity_failures > 0),
        (Alert::KeyExpiry, gauges.key_expiry.is_some_and(|end| end < soon)),
    ] {
        alerts.set(alert, raised);
    }
}

/// There, owned by this process's user, and closed to everybody else.
pub(in crate::app) fn is_private(path: &Path) -> bool {
    let own = rustix::process::geteuid().as_raw();
    std::fs::symlink_metadata(path)
        .is_ok_and(|facts| facts.uid() == own && facts.mode() & 0o077 == 0 && !facts.file_type().is_symlink())
}

fn differs(vault: &Vault, file: &Path) -> bool {
    match (std::fs::read_to_string(file), vault.policy_text()) {
        (Ok(text), Ok(sealed)) => text != sealed,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn what_others_may_read_or_what_is_gone_is_not_private() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("keyring");
        assert!(!is_private(&file), "absent");
        std::fs::write(&file, "x").unwrap();
        for (mode, private) in [(0o600, true), (0o400, true), (0o640, false), (0o604, false)] {
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(mode)).unwrap();
            assert_eq!(is_private(&file), private, "{mode:o}");
        }
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert!(!is_private(&link));
    }
}
