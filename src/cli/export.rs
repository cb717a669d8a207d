//! `strongroom export tokens`: the tokens a client could be handed, one line a record, through the admin socket. Never a value;
//! each page is one event on the log, and no more than a page is in memory.

use crate::cli::remote::Link;
use crate::cli::{Failed, Place, private};
use clap::{Args, Subcommand};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

/// `strongroom export …`
#[derive(Subcommand, Debug)]
pub enum ExportCommand {
    /// Write a client's tokens of stored records, one JSON object a line.
    Tokens(TokensArgs),
}

/// `strongroom export tokens`
#[derive(Args, Debug)]
pub struct TokensArgs {
    /// Where the vault is.
    #[command(flatten)]
    pub place: Place,
    /// The client that will use them.
    #[arg(long)]
    pub client: String,
    /// Only records of this collection.
    #[arg(long)]
    pub collection: Option<String>,
    /// Where to write them (0600).
    #[arg(long, value_name = "FILE")]
    pub out: PathBuf,
}

#[derive(Deserialize)]
struct Page {
    records: Vec<Record>,
    next: Option<String>,
}

#[derive(Deserialize, Serialize)]
struct Record {
    subject: String,
    record: String,
    tokens: BTreeMap<String, String>,
}

/// Runs the export over a link to the admin socket.
pub async fn tokens(link: &Link, args: &TokensArgs, out: &mut dyn Write) -> Result<(), Failed> {
    for name in [Some(&args.client), args.collection.as_ref()].into_iter().flatten() {
        if name.is_empty()
            || !name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'))
        {
            return Err(Failed::new("the policy declares no such client or collection"));
        }
    }
    if std::fs::symlink_metadata(&args.out).is_ok() {
        // Before the log says that tokens left.
        return Err(Failed::new(format!(
            "{} is there already; move it away or choose another name",
            args.out.display()
        )));
    }
    let mut path = page_path(args, None);
    // The first page before the file: a refusal leaves nothing behind.
    let mut page: Page = link.local("GET", path, None).await?;
    let file = private::create(&args.out)?;
    let mut lines = BufWriter::new(file);
    let (mut records, mut tokens) = (0u64, 0u64);
    loop {
        for record in &page.records {
            let line = serde_json::to_string(record)
                .map_err(|_| Failed::new("a record could not be written as JSON"))?;
            writeln!(lines, "{line}")?;
            records += 1;
            tokens += record.tokens.len() as u64;
        }
        let Some(next) = page.next.take() else { break };
        path = page_path(args, Some(&next));
        page = link.local("GET", path, None).await?;
    }
    lines.flush()?;
    lines.get_ref().sync_all()?;
    writeln!(out, "{}: {tokens} tokens of {records} records for {}", args.out.display(), args.client)?;
    Ok(())
}

fn page_path(args: &TokensArgs, after: Option<&str>) -> String {
    let collection = args.collection.as_ref().map(|c| format!("&collection={c}")).unwrap_or_default();
    let after = after.map(|a| format!("&after={a}")).unwrap_or_default();
    format!("/local/tokens?client={}{collection}{after}", args.client)
}
