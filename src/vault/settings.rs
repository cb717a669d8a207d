//! Settings taken over while serving: the limiters go on where they stood, and the log says which settings changed, by name.

use crate::audit::MAX_TEXT;
use crate::domain::disclosure::EventTicket;
use crate::domain::entropy::{Entropy, OsEntropy};
use crate::domain::event::{Act, Event, EventBody, Outcome, Principal};
use crate::domain::{CommitNo, Id16};
use crate::limits::Settings;
use crate::storage::ChangeSet;
use crate::vault::Vault;

impl Vault {
    /// Takes other vault-wide limits over. Nobody gets back what it has used.
    pub fn reload_limits(&self, settings: &Settings) {
        self.limits().reload(settings);
    }

    /// Writes to the log what became of changed settings: a word, then their names, in as many events as they need.
    pub async fn report_settings(&self, outcome: Outcome, word: &str, names: &[String]) {
        for code in lines(word, names) {
            let Ok(request) = OsEntropy.array() else { return };
            let mut body = EventBody::new(Id16(request), self.now(), Principal::Vault, Act::SettingsReload);
            body.outcome = outcome;
            body.code = Some(code);
            body.count = Some(names.len() as u64);
            let event = Event { ticket: EventTicket::next(), body };
            if self.store().commit(ChangeSet::observed(event, CommitNo(u64::MAX), [])).await.is_err() {
                tracing::error!(
                    event = "reload_unreported",
                    "changed settings could not be written to the log"
                );
            }
        }
    }
}

/// Names after a word, no line longer than the text of an event may be.
fn lines(word: &str, names: &[String]) -> Vec<String> {
    let mut lines = vec![word.to_owned()];
    for name in names {
        let Some(line) = lines.last_mut() else { break };
        if line.len() + 1 + name.len() <= MAX_TEXT {
            line.push(' ');
            line.push_str(name);
        } else {
            lines.push(format!("{word} {}", name.chars().take(MAX_TEXT / 2).collect::<String>()));
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fill_lines_that_an_event_can_hold() {
        let names: Vec<String> = (0..50).map(|n| format!("limits.setting_number_{n}")).collect();
        let lines = lines("taken", &names);
        assert!(
            lines.len() > 4 && lines.iter().all(|l| l.len() <= MAX_TEXT && l.starts_with("taken limits."))
        );
        let words: Vec<&str> = lines.iter().flat_map(|l| l.split(' ')).filter(|w| *w != "taken").collect();
        assert_eq!(words, names);
        assert_eq!(super::lines("taken", &[]), ["taken"]);
    }
}
