//! `strongroom client …` on an open vault.

use crate::cli::{ClientCommand, Failed};
use crate::domain::event::Principal;
use crate::domain::{Id16, crockford, duration, spelling};
use crate::vault::{ClientError, Vault};
use std::io::Write;

/// Runs a client command.
pub async fn run(
    vault: &Vault,
    by: Principal,
    command: &ClientCommand,
    out: &mut dyn Write,
) -> Result<(), Failed> {
    let failed = |error: ClientError| match (&error, named(command)) {
        (ClientError::Undeclared, Some(name)) => {
            let known = vault.list_clients();
            let known: Vec<&str> = known.iter().map(|client| client.name.as_str()).collect();
            Failed::new(format!("{error}: {}", spelling::instead(name, &known)))
        }
        _ => Failed::new(error.to_string()),
    };
    match command {
        ClientCommand::List { .. } => list(vault, out)?,
        ClientCommand::Activate(client) | ClientCommand::Resume(client) => {
            vault.set_client(by, &client.name, false).await.map_err(failed)?;
            writeln!(out, "{} is active", client.name)?;
        }
        ClientCommand::Suspend(client) => {
            vault.set_client(by, &client.name, true).await.map_err(failed)?;
            writeln!(out, "{} is suspended", client.name)?;
        }
        ClientCommand::Key { client, expires_in } => {
            let life = duration::parse(expires_in)
                .ok_or_else(|| Failed::new("write --expires-in as a number and s, m, h or d, such as 30d"))?;
            let (id, key, until) = vault.new_client_key(by, &client.name, life).await.map_err(failed)?;
            writeln!(out, "id      {}", crockford::encode("key_", &id.0))?;
            // EXPOSE: shown to its owner once; the vault keeps only a keyed digest.
            writeln!(out, "key     {}", key.expose())?;
            writeln!(out, "expires {}", until.to_rfc3339())?;
        }
        ClientCommand::RevokeKey { client, key } => {
            let id = crockford::decode("key_", key)
                .ok_or_else(|| Failed::new("a key id is key_ and 26 characters; `client list` shows them"))?;
            vault.revoke_client_key(by, &client.name, Id16(id)).await.map_err(failed)?;
            writeln!(out, "{key} is withdrawn")?;
        }
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

fn list(vault: &Vault, out: &mut dyn Write) -> Result<(), Failed> {
    for client in vault.list_clients() {
        let state = match client.suspended {
            None => "declared, not activated",
            Some(true) => "suspended",
            Some(false) => "active",
        };
        writeln!(out, "{:<20} {state}", client.name)?;
        for (id, until, revoked) in client.keys {
            let mark = if revoked { "withdrawn" } else { "until" };
            writeln!(out, "  {} {mark} {}", crockford::encode("key_", &id.0), until.to_rfc3339())?;
        }
    }
    Ok(())
}
