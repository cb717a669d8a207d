//! Looks at the vault and what lies under it every two seconds and raises or clears the alerts. It only looks: what is to
//! be refused the vault refuses by itself, at once (I11); here it is told.

use crate::app::machine;
use crate::app::meter::Metered;
use crate::app::open::KEYRING;
use crate::config;
use crate::telemetry::alerts::Alert;
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
        look(&vault, &metered, &settings);
        if looks.is_multiple_of(POLICY_EVERY) {
            let differs = settings.policy.as_deref().is_some_and(|file| differs(&vault, file));
            metered.alerts.set(Alert::PolicyDiffers, differs);
        }
        looks = looks.wrapping_add(1);
        tokio::time::sleep(EVERY).await;
    }
}

/// One look.
fn look(vault: &Vault, metered: &Metered, settings: &config::Alerts) {
    let (alerts, data_dir) = (&metered.alerts, metered.data_dir.as_path());
    let tls_is_stale = metered.links.is_stale();
    let gauges = vault.gauges();
    let database = data_dir.join("vault.db");
    let facts = Facts {
        state: vault.readiness(),
        clock_behind: vault.clock_is_behind(),
        free: machine::free_bytes(data_dir),
        wal: gauges.wal_pages.saturating_mul(PAGE),
        keyring_is_private: is_private(&data_dir.join(KEYRING)),
        files_are_private: is_private(data_dir) && (!database.exists() || is_private(&database)),
        broken_rows: gauges.integrity_failures,
        tls_is_stale,
        key_left: gauges.key_expiry.map(|end| end.0.saturating_sub(vault.now().0)),
    };
    judge(&facts, settings).into_iter().for_each(|(alert, raised)| alerts.set(alert, raised));
}

/// What one look sees.
struct Facts {
    state: &'static str,
    clock_behind: bool,
    /// `None`: the disk cannot be asked, which is as good as full.
    free: Option<u64>,
    wal: u64,
    keyring_is_private: bool,
    files_are_private: bool,
    broken_rows: u64,
    tls_is_stale: bool,
    /// Microseconds until the first active client is left without a key.
    key_left: Option<i64>,
}

/// Which alerts that raises and which it clears.
fn judge(facts: &Facts, settings: &config::Alerts) -> Vec<(Alert, bool)> {
    let refusing = Alert::ALL.iter().filter(|alert| alert.refuses());
    let mut judged: Vec<(Alert, bool)> =
        refusing.map(|alert| (*alert, alert.name() == facts.state)).collect();
    let soon = i64::try_from(settings.key_days * 86_400_000_000).unwrap_or(i64::MAX);
    judged.extend([
        (Alert::ClockBehind, facts.clock_behind),
        (Alert::LowDisk, facts.free.is_none_or(|free| free < settings.min_free_mb << 20)),
        (Alert::WalGrowth, facts.wal > settings.max_wal_mb << 20),
        (Alert::Keyring, !facts.keyring_is_private),
        (Alert::Permissions, !facts.files_are_private),
        (Alert::Integrity, facts.broken_rows > 0),
        (Alert::TlsStale, facts.tls_is_stale),
        (Alert::KeyExpiry, facts.key_left.is_some_and(|left| left < soon)),
    ]);
    judged
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
    fn i11_each_state_that_refuses_is_an_alert_that_operators_find_in_their_manual() {
        let alerts: Vec<&str> = Alert::ALL.iter().filter(|a| a.refuses()).map(|a| a.name()).collect();
        assert_eq!(alerts, crate::vault::REFUSING, "the gravest first");
        let manual = include_str!("../../docs/operations.md");
        for state in alerts {
            assert!(manual.contains(&format!("| `{state}` | ")), "{state}");
        }
    }

    const SOUND: Facts = Facts {
        state: "ready",
        clock_behind: false,
        free: Some(512 << 20),
        wal: 128 << 20,
        keyring_is_private: true,
        files_are_private: true,
        broken_rows: 0,
        tls_is_stale: false,
        key_left: Some(14 * 86_400_000_000),
    };

    #[test]
    fn each_fact_raises_its_own_alert_just_beyond_its_bound_and_no_other() {
        let raised = |facts: &Facts| -> Vec<Alert> {
            let judged = judge(facts, &config::Alerts::default());
            judged.into_iter().filter(|(_, raised)| *raised).map(|(alert, _)| alert).collect()
        };
        assert_eq!(raised(&SOUND), []);
        for (facts, alert) in [
            (Facts { state: "clock", ..SOUND }, Alert::Clock),
            (Facts { state: "store_replaced", ..SOUND }, Alert::StoreReplaced),
            (Facts { state: "audit_unavailable", ..SOUND }, Alert::AuditUnavailable),
            (Facts { clock_behind: true, ..SOUND }, Alert::ClockBehind),
            (Facts { free: Some((512 << 20) - 1), ..SOUND }, Alert::LowDisk),
            (Facts { free: None, ..SOUND }, Alert::LowDisk),
            (Facts { wal: (128 << 20) + 1, ..SOUND }, Alert::WalGrowth),
            (Facts { keyring_is_private: false, ..SOUND }, Alert::Keyring),
            (Facts { files_are_private: false, ..SOUND }, Alert::Permissions),
            (Facts { broken_rows: 1, ..SOUND }, Alert::Integrity),
            (Facts { tls_is_stale: true, ..SOUND }, Alert::TlsStale),
            (Facts { key_left: Some(-1), ..SOUND }, Alert::KeyExpiry),
        ] {
            assert_eq!(raised(&facts), [alert]);
        }
        assert_eq!(
            raised(&Facts { key_left: None, ..SOUND }),
            [],
            "a vault without keys waits for its first"
        );
    }

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
