//! `strongroom policy diff`: two policy files, or a file and the policy that governs a vault, as sentences or as JSON.

use crate::cli::policy::{faults, read};
use crate::cli::remote::Link;
use crate::cli::{Failed, PolicyCommand};
use crate::vault::{Difference, PolicyDiff, Turn, diff_policies};
use serde_json::json;
use std::io::Write;
use std::path::Path;

/// What governs a vault, as its server or its store says.
pub async fn governing(link: &Link) -> Result<Governing, Failed> {
    #[derive(serde::Deserialize)]
    struct Text {
        text: String,
    }
    #[derive(serde::Deserialize)]
    struct About {
        development: bool,
    }
    let about: About = link.local("GET", "/local/about", None).await?;
    let policy: Text = link.local("GET", "/local/policy", None).await?;
    Ok(Governing { text: policy.text, development: about.development })
}

/// A vault's policy, and whether `dev` opens its limits and networks whatever it says.
pub struct Governing {
    text: String,
    development: bool,
}

/// Compares; `governing` is the text of a vault's policy when one is asked about.
pub fn run(command: &PolicyCommand, governing: Option<Governing>, out: &mut dyn Write) -> Result<(), Failed> {
    let PolicyCommand::Diff { old, new, json, .. } = command else { return Ok(()) };
    let opened = governing.as_ref().is_some_and(|governing| governing.development);
    let one = || Failed::new("write two policy files, or one and --data-dir DIR for the policy that governs");
    let (was, old_file, new_file) = match (governing, old, new) {
        (Some(governing), Some(file), None) => (governing.text, Path::new("the governing policy"), file),
        (None, Some(old), Some(new)) => (read(old)?, old.as_path(), new),
        _ => return Err(one()),
    };
    let now = read(new_file)?;
    let diff = diff_policies(&was, &now)
        .map_err(|(is_new, lines)| faults(if is_new { new_file } else { old_file }, &lines))?;
    if *json {
        return as_json(&diff, out);
    }
    as_text(&diff, out)?;
    if opened {
        writeln!(
            out,
            "This is a development vault: `strongroom dev` opens its limits and networks, whatever it says."
        )?;
    }
    Ok(())
}

fn as_text(diff: &PolicyDiff, out: &mut dyn Write) -> Result<(), Failed> {
    let mut last = "";
    for difference in &diff.differences {
        if difference.who != last {
            writeln!(out, "{}", difference.who)?;
            last = &difference.who;
        }
        writeln!(out, "  {}", sentence(difference))?;
    }
    let verdict = match (diff.differences.is_empty(), diff.widens()) {
        (true, _) => "The two say the same.",
        (_, true) => {
            "This change WIDENS: the lines marked with ! allow more, for longer, or with less protection."
        }
        _ => "This change widens nothing.",
    };
    writeln!(out, "{verdict}")?;
    Ok(())
}

fn sentence(d: &Difference) -> String {
    let (sign, widens) = (sign(d.turn), if d.widens { "!" } else { " " });
    let said = match (&d.before, &d.after) {
        (Some(was), Some(now)) => format!(": {was} -> {now}"),
        (None, Some(now)) => format!(": {now}"),
        (Some(was), None) => format!(": was {was}"),
        (None, None) => String::new(),
    };
    format!("{widens} {sign} {}{said}", d.what)
}

fn sign(turn: Turn) -> char {
    match turn {
        Turn::Added => '+',
        Turn::Removed => '-',
        Turn::Changed => '~',
    }
}

fn as_json(diff: &PolicyDiff, out: &mut dyn Write) -> Result<(), Failed> {
    let shown = |d: &Difference| {
        let turn = match d.turn {
            Turn::Added => "added",
            Turn::Removed => "removed",
            Turn::Changed => "changed",
        };
        json!({ "who": d.who, "what": d.what, "change": turn, "before": d.before, "after": d.after, "widens": d.widens })
    };
    let differences: Vec<_> = diff.differences.iter().map(shown).collect();
    writeln!(out, "{}", json!({ "widens": diff.widens(), "differences": differences }))?;
    Ok(())
}
