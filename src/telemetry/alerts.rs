//! What the process warns of by itself: a closed list, each with its meaning and what to do, raised and cleared by the
//! composition root, told once in the log at each change, and shown in `/metrics` and `/alerts`. Holds no text but names.

use std::sync::atomic::{AtomicBool, Ordering};

macro_rules! alerts {
    ($($variant:ident = $name:literal, $refuses:literal, $when:literal, $todo:literal;)*) => {
        /// An alert.
        #[derive(Clone, Copy, PartialEq, Eq, Debug)]
        pub enum Alert { $(#[doc = $when] $variant,)* }
        impl Alert {
            /// Every alert, the gravest first.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];
            /// Its name; that of a state of `/ready` when nothing is served meanwhile.
            pub fn name(self) -> &'static str { match self { $(Self::$variant => $name,)* } }
            /// Whether the vault refuses to serve while it is raised (I11).
            pub fn refuses(self) -> bool { match self { $(Self::$variant => $refuses,)* } }
            /// When it is raised.
            pub fn when(self) -> &'static str { match self { $(Self::$variant => $when,)* } }
            /// What to do.
            pub fn todo(self) -> &'static str { match self { $(Self::$variant => $todo,)* } }
        }
    };
}

alerts! {
    AuditUnavailable = "audit_unavailable", true, "An fsync or the audit log failed; the process is ending.", "Look at the disk and the system's log; start again when it is sound. Nothing acknowledged is lost.";
    StoreReplaced = "store_replaced", true, "`vault.db` or its write-ahead log was deleted, moved or replaced under the running vault.", "Put the very file back, or stop the vault and restore the directory; find out who touched it. Nothing was acknowledged into the other file.";
    Clock = "clock", true, "The wall clock is more than 30 s behind the last event.", "Set the clock right (chrony, systemd-timesyncd); serving resumes by itself.";
    ClockBehind = "clock_behind", false, "The wall clock is more than 5 s behind the last event.", "Look at the time synchronisation before it reaches 30 s.";
    LowDisk = "low_disk", false, "Less space is free in the data directory than `alerts.min_free_mb`.", "Free or add space now: a full disk answers 507 to writes and to reads, because no read goes unrecorded.";
    WalGrowth = "wal_growth", false, "The write-ahead log is larger than `alerts.max_wal_mb`.", "Find the process that keeps `vault.db` open (`lsof`), such as a copy or an `audit query`, and end it.";
    Keyring = "keyring", false, "The keyring file is missing, or others than its owner may read it.", "Put the keyring back from its copy before the next start, mode 0600; treat one that others could read as copied.";
    Permissions = "permissions", false, "The data directory or the database may be read by others, or has another owner than the process.", "`chmod go-rwx`, set the owner, and find out what changed it.";
    Integrity = "integrity", false, "A stored row failed its seal since the start.", "Run `strongroom doctor` and `strongroom audit verify`; compare with a copy. The row is answered as not found.";
    KeyExpiry = "key_expiry", false, "The last key of an active client ends within `alerts.key_days`.", "Make a new key, roll it out, withdraw the old one: `strongroom client key`.";
    TlsStale = "tls_stale", false, "Certificate, key, client CA or revocation list changed on disk and cannot be taken over: the last good set is served.", "The log line `tls_refused` says what is wrong; put a whole, matching set there. Until then nobody new is revoked.";
    PolicyDiffers = "policy_differs", false, "The file named by `alerts.policy` is not the sealed policy, or cannot be read.", "The sealed policy governs. This release cannot change it: put the file back, or keep the change for the policy of the next vault.";
}

/// Which alerts are raised.
#[derive(Debug)]
pub struct Alerts {
    raised: Vec<AtomicBool>,
}

impl Default for Alerts {
    fn default() -> Self {
        Self { raised: Alert::ALL.iter().map(|_| AtomicBool::new(false)).collect() }
    }
}

impl Alerts {
    /// Raises or clears an alert; a change is one line of the log.
    pub fn set(&self, alert: Alert, raised: bool) {
        let Some(slot) = self.raised.get(alert as usize) else { return };
        let was = slot.swap(raised, Ordering::AcqRel);
        match (was, raised) {
            (false, true) if alert.refuses() => {
                tracing::error!(
                    event = "alert_raised",
                    alert = alert.name(),
                    "the vault refuses to serve; docs/metrics.md says what to do"
                );
            }
            (false, true) => {
                tracing::warn!(
                    event = "alert_raised",
                    alert = alert.name(),
                    "something needs an operator; docs/metrics.md says what to do"
                );
            }
            (true, false) => {
                tracing::warn!(
                    event = "alert_cleared",
                    alert = alert.name(),
                    "what was wrong is right again"
                );
            }
            _ => {}
        }
    }

    /// Whether an alert is raised.
    pub fn is_raised(&self, alert: Alert) -> bool {
        self.raised.get(alert as usize).is_some_and(|slot| slot.load(Ordering::Acquire))
    }

    /// `/alerts`: the state, and what is raised with what to do.
    pub fn to_json(&self, state: &str) -> String {
        let raised = Alert::ALL.iter().filter(|alert| self.is_raised(**alert));
        let raised: Vec<serde_json::Value> = raised
            .map(|alert| serde_json::json!({"alert": alert.name(), "refuses": alert.refuses(), "when": alert.when(), "do": alert.todo()}))
            .collect();
        serde_json::json!({"state": state, "alerts": raised}).to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_is_raised_and_cleared_alone_and_shown_while_it_lasts() {
        let alerts = Alerts::default();
        assert_eq!(alerts.to_json("ready"), r#"{"alerts":[],"state":"ready"}"#);
        alerts.set(Alert::LowDisk, true);
        alerts.set(Alert::LowDisk, true);
        for alert in Alert::ALL {
            assert_eq!(alerts.is_raised(*alert), *alert == Alert::LowDisk, "{}", alert.name());
        }
        assert!(alerts.to_json("ready").contains(r#""alert":"low_disk""#));
        alerts.set(Alert::LowDisk, false);
        assert!(!alerts.is_raised(Alert::LowDisk));
    }

    #[test]
    fn names_are_given_once_and_the_refusing_ones_come_first() {
        let mut names: Vec<&str> = Alert::ALL.iter().map(|alert| alert.name()).collect();
        assert!(Alert::ALL.is_sorted_by_key(|alert| !alert.refuses()));
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
    }
}
