//! Before the first line is sent: whether each client the mapping names may do what the mapping asks of it. So an import that the
//! policy refuses ends with all reasons at once and nothing stored, instead of five thousand rejected lines.

use super::mapping::{Mapping, MappingFault, OnDuplicate};
use crate::cli::Failed;
use crate::cli::remote::{Ask, Link};
use serde::Deserialize;
use std::collections::BTreeMap;

#[derive(Deserialize)]
struct Me {
    grants: Vec<Granted>,
    acts: Vec<String>,
}

#[derive(Deserialize)]
struct Granted {
    purpose: String,
    field: String,
    form: String,
}

/// Asks the vault about each client; every fault with the line of the mapping.
pub(super) async fn check(link: &Link, mapping: &Mapping) -> Result<Vec<MappingFault>, Failed> {
    let mut known = BTreeMap::new();
    for client in mapping.clients() {
        known.insert(client, me(link, client).await?);
    }
    let mut faults = Vec::new();
    let subject = &mapping.subject;
    let acts = known.get(subject.client.as_str()).map_or(&[][..], |me| &me.acts);
    let mut needed = vec!["subject.create"];
    if mapping.on_duplicate != OnDuplicate::Fail {
        // What a person has already is asked before it is left alone or changed.
        needed.push("subject.view");
    }
    for act in needed.into_iter().filter(|act| !acts.iter().any(|a| a == act)) {
        let text = format!("the policy grants {} no act {act}, which this mapping needs", subject.client);
        faults.push(MappingFault { line: subject.line, text });
    }
    for record in &mapping.records {
        let Some(me) = known.get(record.client.as_str()) else { continue };
        let may = |name: &str| {
            let field = format!("{}.{name}", record.collection);
            me.grants.iter().any(|g| g.form == "write" && g.purpose == record.purpose && g.field == field)
        };
        for (name, _) in record.fields.iter().filter(|(name, _)| !may(name)) {
            let text = format!(
                "the policy lets {} write no field {}.{name} for {}",
                record.client, record.collection, record.purpose
            );
            faults.push(MappingFault { line: record.line, text });
        }
    }
    Ok(faults)
}

async fn me(link: &Link, client: &str) -> Result<Me, Failed> {
    let ask = Ask {
        client: Some(client),
        method: "GET",
        path: "/v1/whoami".to_owned(),
        idempotency: None,
        body: None,
    };
    let told = link.ask(&ask).await?;
    match told.status {
        200 => told.json(),
        401 if link.is_local() => Err(Failed::new(format!(
            "the client {client} is not declared in the policy, or not activated: strongroom client activate {client}"
        ))),
        401 => Err(Failed::new(format!(
            "the vault does not know the key of {client}; make one with strongroom client key"
        ))),
        400 if !link.is_local() => Err(Failed::new(format!(
            "{client}: {}; does listen.hosts name the host of --url?",
            told.failure()
        ))),
        _ => Err(Failed::new(format!("{client}: {}", told.failure()))),
    }
}
