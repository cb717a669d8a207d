//! The kept list: for each attack the rule that stops it, as a change of one place, planted behind a switch.

use crate::plant::{read, write};
use serde::Deserialize;
use std::path::Path;

/// A rule that can be taken away.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// Its number, below 1 000; never given twice.
    pub id: u32,
    /// The rule, in words.
    pub rule: String,
    /// Where it stands.
    pub file: String,
    /// Text that stands there exactly once.
    pub find: String,
    /// What stands there when it can be switched off; `OFF` is true when it is.
    pub replace: String,
    /// The test that must fail then.
    pub test: String,
}

#[derive(Deserialize)]
struct List {
    #[serde(default)]
    switch: Vec<Kept>,
}

pub fn list(tests: &Path) -> Result<Vec<Kept>, String> {
    let text = read(&tests.join("kept.toml"))?;
    toml::from_str::<List>(&text).map(|l| l.switch).map_err(|e| format!("kept.toml: {e}"))
}

/// Plants them into the copy.
pub fn apply(from: &Path, to: &Path) -> Result<(), String> {
    let mut ids = std::collections::BTreeSet::new();
    for kept in list(&from.join("tests/switches"))? {
        if kept.id == 0 || kept.id >= 1_000 || !ids.insert(kept.id) {
            return Err(format!("switch {}: numbers are 1 to 999, each once", kept.id));
        }
        let path = to.join(&kept.file);
        let text = read(&path)?;
        let count = text.matches(&kept.find).count();
        if count != 1 || !kept.replace.contains("OFF") {
            return Err(format!(
                "switch {} ({}): its text stands {count} times in {}; it must stand once, and its replacement must name OFF",
                kept.id, kept.rule, kept.file
            ));
        }
        // The binary's own files reach the library by its name.
        let off = format!(
            "{}::switched({})",
            if kept.file == "src/main.rs" { "strongroom" } else { "crate" },
            kept.id
        );
        write(&path, &text.replace(&kept.find, &kept.replace.replace("OFF", &off)))?;
    }
    Ok(())
}
