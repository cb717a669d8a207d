//! `strongroom audit …`: verify needs no key; tail and query print allow-listed JSON lines, never a value.

use crate::cli::{AuditFilter, Failed};
use crate::domain::event::{Act, Outcome};
use crate::domain::{Timestamp, spelling};
use crate::vault::{AuditQuery, LogReader, verify_log};
use std::io::Write;
use std::path::Path;

/// `audit verify`
pub fn verify(dir: &Path, checkpoint: Option<&str>, out: &mut dyn Write) -> Result<(), Failed> {
    let summary = verify_log(dir, checkpoint).map_err(Failed)?;
    writeln!(out, "{summary}")?;
    Ok(())
}

/// `audit tail`
pub fn tail(log: &LogReader, count: usize, out: &mut dyn Write) -> Result<(), Failed> {
    let mut rows = log.tail(count).map_err(|e| Failed::new(e.to_string()))?;
    rows.reverse();
    for row in rows {
        writeln!(out, "{}", log.line(&row))?;
    }
    Ok(())
}

/// `audit query`
pub fn query(log: &LogReader, filter: &AuditFilter, out: &mut dyn Write) -> Result<(), Failed> {
    let query = to_query(log, filter)?;
    let rows = log.query(&query).map_err(|e| Failed::new(e.to_string()))?;
    if rows.is_empty()
        && let Some(unknown) = log.unknown_name(&query).map_err(|e| Failed::new(e.to_string()))?
    {
        return Err(Failed(unknown));
    }
    for row in rows {
        writeln!(out, "{}", log.line(&row))?;
    }
    Ok(())
}

fn to_query(log: &LogReader, filter: &AuditFilter) -> Result<AuditQuery, Failed> {
    let named = |name: &Option<String>, what: &str| match name {
        None => Ok(None),
        Some(name) => log.reference_of(name).map(Some).ok_or_else(|| {
            Failed::new(format!("--{what} is not a name of this vault; copy it from a reply"))
        }),
    };
    let instant = |text: &Option<String>, what: &str| match text {
        None => Ok(None),
        Some(text) => Timestamp::parse_rfc3339(text).map(Some).ok_or_else(|| {
            Failed::new(format!("write --{what} as an RFC 3339 instant, 2026-11-24T08:30:00Z"))
        }),
    };
    let act = match &filter.act {
        None => None,
        Some(name) => Some(Act::ALL.iter().copied().find(|a| a.name() == name).ok_or_else(|| {
            let known: Vec<&str> = Act::ALL.iter().map(|a| a.name()).collect();
            Failed::new(format!("no such --act: {}", spelling::instead(name, &known)))
        })?),
    };
    let outcome = match &filter.outcome {
        None => None,
        Some(name) => {
            Some((1..=8).filter_map(Outcome::from_u8).find(|o| o.name() == name).ok_or_else(|| {
                let known: Vec<&str> = (1..=8).filter_map(Outcome::from_u8).map(|o| o.name()).collect();
                Failed::new(format!("no such --outcome: {}", spelling::instead(name, &known)))
            })?)
        }
    };
    Ok(AuditQuery {
        principal: filter.principal.clone(),
        subject: named(&filter.subject, "subject")?.and_then(|(subject, _)| subject),
        record: named(&filter.record, "record")?.and_then(|(_, record)| record),
        purpose: filter.purpose.clone(),
        act,
        outcome,
        since: instant(&filter.since, "since")?,
        until: instant(&filter.until, "until")?,
        limit: filter.limit,
    })
}
