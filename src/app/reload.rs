//! SIGHUP: the settings file is read again. `[limits]` is taken over while serving; what else changed is named, with the
//! advice to restart. A file with a fault changes nothing. Either way it is logged and on the audit log, by name, never
//! by value.

use crate::config::{Settings, changed_settings};
use crate::domain::event::Outcome;
use crate::vault::Vault;
use std::cell::RefCell;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};

/// Sections that are taken over without a restart.
const LIVE: &[&str] = &["limits."];

/// Does something at every SIGHUP, one after the other. Several may be registered; each sees every signal.
pub(in crate::app) fn on_hangup<F, Fut>(mut act: F) -> std::io::Result<()>
where
    F: FnMut() -> Fut + 'static,
    Fut: Future<Output = ()> + 'static,
{
    let mut hangups = signal(SignalKind::hangup())?;
    actix_web::rt::spawn(async move {
        while hangups.recv().await.is_some() {
            act().await;
        }
    });
    Ok(())
}

/// Takes settings over at every SIGHUP, from now on. `text` is the file as it was read at the start.
pub(in crate::app) fn settings(vault: Arc<Vault>, path: &Path, text: String) -> std::io::Result<()> {
    let taken = RefCell::new(text.clone());
    let reload = Rc::new(Reload { vault, path: path.to_owned(), started: text, taken });
    on_hangup(move || {
        let reload = Rc::clone(&reload);
        async move { reload.run().await }
    })
}

struct Reload {
    vault: Arc<Vault>,
    path: PathBuf,
    /// The file as it was at the start: what is not taken over is compared with it.
    started: String,
    /// The file as last taken over.
    taken: RefCell<String>,
}

impl Reload {
    async fn run(&self) {
        let read = std::fs::read_to_string(&self.path).map_err(|_| vec![(0, String::from("unreadable"))]);
        let parsed = read.and_then(|text| match Settings::parse(&text) {
            Ok(settings) => Ok((text, settings)),
            Err(faults) => Err(faults.into_iter().map(|f| (f.line, f.key)).collect()),
        });
        match parsed {
            Ok((text, settings)) => self.take(text, &settings).await,
            Err(faults) => {
                for (line, key) in &faults {
                    // Where, not what: a message may name a value. `strongroom config check` says it.
                    tracing::error!(
                        event = "settings_refused",
                        line = *line as u64,
                        code = key.as_str(),
                        "the settings file has a fault; the settings in force stay as they are"
                    );
                }
                self.vault.report_settings(Outcome::Invalid, "invalid_settings", &[]).await;
            }
        }
    }

    async fn take(&self, text: String, settings: &Settings) {
        let is_live = |name: &String| LIVE.iter().any(|section| name.starts_with(section));
        let mut live = changed_settings(&self.taken.borrow(), &text);
        live.retain(is_live);
        // Named at every signal until there is a start.
        let mut later = changed_settings(&self.started, &text);
        later.retain(|name| !is_live(name));
        self.vault.reload_limits(&settings.limits);
        tracing::info!(
            event = "settings_reloaded",
            count = live.len(),
            code = live.join(" "),
            "settings were taken over"
        );
        self.vault.report_settings(Outcome::Allowed, "taken", &live).await;
        if !later.is_empty() {
            tracing::warn!(
                event = "settings_need_restart",
                count = later.len(),
                code = later.join(" "),
                "changed settings that take effect with the next start only"
            );
            self.vault.report_settings(Outcome::Refused, "restart", &later).await;
        }
        self.taken.replace(text);
    }
}
