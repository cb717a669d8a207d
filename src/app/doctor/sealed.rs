//! What the vault itself says, under its seals: facts, policy, clients, clock; and whether a policy file is the one that
//! governs.

use crate::cli::doctor::{Finding, Standing};
use crate::crypto::Keyring;
use crate::domain::Timestamp;
use crate::domain::clock::{Clock, SystemClock};
use crate::vault::{ClientSummary, GoverningPolicy, Survey};
use std::path::Path;
use std::time::Duration;

/// From how long before its end a key is spoken of.
const SOON: Duration = Duration::from_secs(14 * 86_400);

pub(super) fn findings(survey: &Survey, keys: &Keyring, policy: Option<&Path>) -> Vec<Finding> {
    let now = SystemClock::default().wall();
    let mut found = vec![
        Finding::of(
            "vault",
            survey.same_vault,
            "the keyring opens and belongs to this database",
            (
                Standing::Fail,
                "the keyring belongs to another vault than vault.db; put the right pair together",
            ),
        ),
        store(survey),
        Finding::of(
            "sealed rows",
            survey.broken_rows == 0,
            "facts, policy, clients and keys hold their seals",
            (
                Standing::Fail,
                "rows fail their seals and count as absent: somebody edited the database; restore a copy",
            ),
        ),
        clock(survey.last_event, now),
    ];
    found.push(match survey.facts {
        Some(facts) if facts.single_operator => Finding::new(
            "operators",
            Standing::Warn,
            "single-operator: no act needs a second person, for good; make a new vault to change it",
        ),
        Some(_) => Finding::new("operators", Standing::Ok, "two-person rule in force"),
        None => Finding::new(
            "operators",
            Standing::Fail,
            "the vault's facts are missing or fail their seal; restore a copy",
        ),
    });
    if keys.is_development() {
        let detail = "a development vault: loopback only, never for real people";
        found.push(Finding::new("kind", Standing::Warn, detail));
    }
    match &survey.policy {
        None => found.push(Finding::new(
            "policy",
            Standing::Fail,
            "the sealed policy is missing or fails its seal; restore a copy",
        )),
        Some(governing) => found.extend(governed(governing, policy, keys.is_development())),
    }
    found.extend(clients(&survey.clients, now));
    found
}

fn store(survey: &Survey) -> Finding {
    let store = &survey.store;
    let (schema, newest) = store.schema;
    let detail = format!(
        "SQLite {}, {} mode, schema {schema} of {newest}, {} MiB and {} MiB of log",
        store.sqlite,
        store.journal,
        store.bytes.0 >> 20,
        store.bytes.1 >> 20
    );
    if schema > newest {
        return Finding::new(
            "store",
            Standing::Fail,
            format!("{detail}: made by a newer program; install that one"),
        );
    }
    if store.journal != "wal" {
        return Finding::new(
            "store",
            Standing::Fail,
            format!("{detail}: not in WAL mode; serve sets it or refuses"),
        );
    }
    if !store.goes_on {
        let detail =
            format!("{detail}: vault.db-wal is another database's, or of another time; restore both");
        return Finding::new("store", Standing::Fail, detail);
    }
    if schema < newest {
        return Finding::new("store", Standing::Ok, format!("{detail}; migrated at the next start"));
    }
    Finding::new(
        "store",
        Standing::Ok,
        format!("{detail}; synchronous and secure_delete are set and read back at open"),
    )
}

fn clock(last: Option<Timestamp>, now: Timestamp) -> Finding {
    let behind = last.map_or(0, |last| last.0.saturating_sub(now.0)) / 1_000_000;
    if behind > 30 {
        let detail = format!("{behind} s behind the last event: nothing is served; set the clock");
        return Finding::new("clock", Standing::Fail, detail);
    }
    Finding::of(
        "clock",
        behind <= 5,
        "not behind the last event",
        (Standing::Warn, "seconds behind the last event; look at the time service"),
    )
}

fn governed(governing: &GoverningPolicy, file: Option<&Path>, development: bool) -> Vec<Finding> {
    let mut found: Vec<Finding> = file.map(|file| compared(governing, file)).into_iter().collect();
    if !governing.unread.is_empty() {
        let shown: Vec<&str> = governing.unread.iter().map(String::as_str).take(10).collect();
        let more = governing.unread.len().saturating_sub(shown.len());
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        let detail = format!(
            "no client may read {}{more}: leave them out of the policy, or grant them",
            shown.join(", ")
        );
        found.push(Finding::new("unread fields", Standing::Warn, detail));
    }
    let generous: Vec<&str> = governing
        .limits
        .iter()
        .filter(|(_, l)| l.reads_per_hour > 1_000_000 || l.subjects_per_day > 100_000)
        .map(|(name, _)| name.as_str())
        .collect();
    if development {
        let detail =
            "a development vault: `strongroom dev` opens limits and networks, whatever the policy says";
        found.push(Finding::new("client limits", Standing::Warn, detail));
    } else if !generous.is_empty() {
        let detail = format!(
            "{}: more than a million of cost an hour or 100000 people a day; lower it in the policy of the next vault",
            generous.join(", ")
        );
        found.push(Finding::new("client limits", Standing::Warn, detail));
    }
    found
}

fn compared(governing: &GoverningPolicy, file: &Path) -> Finding {
    match std::fs::read_to_string(file) {
        Ok(text) if text == governing.text => {
            Finding::new("policy file", Standing::Ok, "is the policy that governs")
        }
        Ok(_) => Finding::new(
            "policy file",
            Standing::Warn,
            "differs from the sealed policy, which governs; the file does not",
        ),
        Err(e) => {
            let detail = format!("{}: {}", file.display(), crate::domain::io_words(e.kind()));
            Finding::new("policy file", Standing::Fail, detail)
        }
    }
}

fn clients(clients: &[ClientSummary], now: Timestamp) -> Vec<Finding> {
    let soon = now.plus(SOON);
    let active = clients.iter().filter(|client| client.suspended == Some(false));
    let mut found: Vec<Finding> = active.filter_map(|client| keys(client, now, soon)).collect();
    let idle: Vec<&str> = clients.iter().filter(|c| c.suspended.is_none()).map(|c| c.name.as_str()).collect();
    if !idle.is_empty() {
        let detail =
            format!("declared, not activated: {}; nothing to do until they are needed", idle.join(", "));
        found.push(Finding::new("clients", Standing::Ok, detail));
    }
    found
}

fn keys(client: &ClientSummary, now: Timestamp, soon: Timestamp) -> Option<Finding> {
    let last = client.keys.iter().filter(|(_, _, revoked)| !revoked).map(|(_, until, _)| *until).max();
    let detail = match last.filter(|until| *until > now) {
        None => format!(
            "{}: active, but without a key that holds; `strongroom client key {}`, or suspend it",
            client.name, client.name
        ),
        Some(until) if until < soon => {
            format!(
                "{}: its last key ends {}; make a new one and roll it out",
                client.name,
                until.to_rfc3339()
            )
        }
        Some(_) => return None,
    };
    Some(Finding::new("client keys", Standing::Warn, detail))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Id16;

    fn client(keys: &[(i64, bool)]) -> ClientSummary {
        let keys =
            keys.iter().map(|(days, revoked)| (Id16([1; 16]), Timestamp(days * 86_400_000_000), *revoked));
        ClientSummary { name: "shop".to_owned(), suspended: Some(false), keys: keys.collect() }
    }

    #[test]
    fn an_active_client_is_spoken_of_when_its_last_key_ends_soon_or_is_gone() {
        let told = |keys: &[(i64, bool)]| {
            clients(&[client(keys)], Timestamp(0)).into_iter().next().map(|f| f.detail)
        };
        assert_eq!(told(&[(60, false)]), None);
        assert_eq!(told(&[(3, false), (60, false)]), None, "another key follows");
        assert!(told(&[(3, false)]).unwrap().contains("ends 1970-01-04"));
        assert!(told(&[(60, true)]).unwrap().contains("without a key"));
        assert!(told(&[(-1, false)]).unwrap().contains("without a key"));
        assert!(told(&[]).unwrap().contains("without a key"));
        let suspended = ClientSummary { suspended: Some(true), ..client(&[]) };
        assert!(clients(&[suspended], Timestamp(0)).is_empty());
    }

    #[test]
    fn a_clock_behind_the_log_warns_and_then_fails() {
        let at = |seconds: i64| clock(Some(Timestamp(seconds * 1_000_000)), Timestamp(0)).standing;
        assert_eq!(
            [at(-9), at(5), at(6), at(31)],
            [Standing::Ok, Standing::Ok, Standing::Warn, Standing::Fail]
        );
        assert_eq!(clock(None, Timestamp(0)).standing, Standing::Ok);
    }
}
