//! `strongroom client …` through the admin socket: on a running vault and on one that nobody serves alike.

use crate::cli::remote::Link;
use crate::cli::{ClientCommand, Failed};
use crate::domain::{Sensitive, spelling};
use serde::Deserialize;
use serde_json::{Value, json};
use std::io::Write;

#[derive(Deserialize)]
struct Listed {
    clients: Vec<Client>,
}

#[derive(Deserialize)]
struct Client {
    name: String,
    state: String,
    keys: Vec<Key>,
}

#[derive(Deserialize)]
struct Key {
    id: String,
    expires_at: String,
    withdrawn: bool,
    #[serde(default)]
    ended: bool,
}

#[derive(Deserialize)]
struct NewKey {
    id: String,
    key: Sensitive<String>,
    expires_at: String,
    note: Option<String>,
}

/// Runs a client command.
pub async fn run(link: &Link, command: &ClientCommand, out: &mut dyn Write) -> Result<(), Failed> {
    match (carry_out(link, command, out).await, named(command)) {
        (Err(failed), Some(name)) if failed.0.starts_with(UNDECLARED) => {
            let listed: Listed = link.local("GET", "/local/clients", None).await?;
            let known: Vec<&str> = listed.clients.iter().map(|client| client.name.as_str()).collect();
            Err(Failed::new(format!("{failed}: {}", spelling::instead(name, &known))))
        }
        (result, _) => result,
    }
}

/// How the vault says that it does not know a client.
const UNDECLARED: &str = "the policy declares no such client";

async fn carry_out(link: &Link, command: &ClientCommand, out: &mut dyn Write) -> Result<(), Failed> {
    match command {
        ClientCommand::List { .. } => list(link, out).await?,
        ClientCommand::Activate(client) => change(link, &client.name, "activate").await?,
        ClientCommand::Resume(client) => change(link, &client.name, "resume").await?,
        ClientCommand::Suspend(client) => change(link, &client.name, "suspend").await?,
        ClientCommand::Key { client, expires_in } => {
            let path = format!("/local/clients/{}/keys", segment(&client.name)?);
            let body = json!({ "expires_in": expires_in }).to_string();
            let made: NewKey = link.local("POST", path, Some(body)).await?;
            writeln!(out, "id      {}", made.id)?;
            // EXPOSE: shown to its owner once; the vault keeps only a keyed digest.
            writeln!(out, "key     {}", made.key.expose())?;
            writeln!(out, "expires {}", made.expires_at)?;
            if let Some(note) = &made.note {
                writeln!(out, "note    {note}")?;
            }
        }
        ClientCommand::RevokeKey { client, key } => {
            let form = "a key id is key_ and 26 characters; `client list` shows them";
            let key = segment(key).map_err(|_| Failed::new(form))?;
            let path = format!("/local/clients/{}/keys/{key}/revoke", segment(&client.name)?);
            let _withdrawn: Value = link.local("POST", path, None).await?;
            writeln!(out, "{key} is withdrawn")?;
        }
    }
    match command {
        ClientCommand::Activate(client) | ClientCommand::Resume(client) => {
            writeln!(out, "{} is active", client.name)?;
        }
        ClientCommand::Suspend(client) => writeln!(out, "{} is suspended", client.name)?,
        _ => {}
    }
    Ok(())
}

fn named(command: &ClientCommand) -> Option<&str> {
    match command {
        ClientCommand::List { .. } => None,
        ClientCommand::Activate(client) | ClientCommand::Suspend(client) | ClientCommand::Resume(client) => {
            Some(&client.name)
        }
        ClientCommand::Key { client, .. } | ClientCommand::RevokeKey { client, .. } => Some(&client.name),
    }
}

async fn change(link: &Link, name: &str, verb: &str) -> Result<(), Failed> {
    let path = format!("/local/clients/{}/{verb}", segment(name)?);
    let _changed: Value = link.local("POST", path, None).await?;
    Ok(())
}

/// A name as one path segment. No name the policy can declare needs an escape, so none is made.
fn segment(name: &str) -> Result<&str, Failed> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.');
    let fits = !name.is_empty() && !matches!(name, "." | "..") && name.bytes().all(plain);
    fits.then_some(name).ok_or_else(|| {
        Failed::new(
            "the policy declares no such client; \
             `strongroom client list` shows those it does, and this release cannot add one",
        )
    })
}

async fn list(link: &Link, out: &mut dyn Write) -> Result<(), Failed> {
    let listed: Listed = link.local("GET", "/local/clients", None).await?;
    for client in listed.clients {
        let state =
            if client.state == "declared" { "declared, not activated" } else { client.state.as_str() };
        writeln!(out, "{:<20} {state}", client.name)?;
        for key in client.keys {
            writeln!(out, "  {} {}", key.id, standing(&key))?;
        }
    }
    Ok(())
}

/// What became of a key. The end of a withdrawn one lies ahead and means nothing any more.
fn standing(key: &Key) -> String {
    match (key.withdrawn, key.ended) {
        (true, _) => "withdrawn".to_owned(),
        (false, true) => format!("ended {}", key.expires_at),
        (false, false) => format!("until {}", key.expires_at),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_withdrawn_or_ended_or_holds_until_its_end() {
        let told = |withdrawn, ended| {
            standing(&Key { id: String::new(), expires_at: "2027-02-22".to_owned(), withdrawn, ended })
        };
        assert_eq!(told(true, false), "withdrawn");
        assert_eq!(told(false, true), "ended 2027-02-22");
        assert_eq!(told(false, false), "until 2027-02-22");
    }

    #[test]
    fn a_name_that_is_no_path_segment_names_no_client() {
        for good in ["storefront", "mail-er_2", "a.b"] {
            assert_eq!(segment(good).unwrap(), good);
        }
        for bad in ["", ".", "..", "a/b", "a?b", "a b", "ä", "a%2fb", "a\r\nx"] {
            assert!(segment(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn whoever_finds_that_a_client_is_undeclared_begins_with_the_words_that_names_are_offered_for() {
        let vault = crate::vault::ClientError::Undeclared.to_string();
        let own = segment("a/b").unwrap_err().0;
        assert!(vault.starts_with(UNDECLARED) && own.starts_with(UNDECLARED), "{vault} / {own}");
        for said in [vault, own] {
            assert!(
                said.contains("cannot add one"),
                "nobody is sent to a policy that cannot be changed: {said}"
            );
        }
    }
}
