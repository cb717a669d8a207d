//! Which settings differ between two texts of the file, by name: a value may be a path that tells too much, or a secret
//! that somebody put where its path belongs.

use std::collections::BTreeSet;
use toml::{Table, Value};

/// Names (`section.key`) of the settings that are written otherwise, or in one of the texts only; texts that are no
/// TOML differ in nothing that can be named.
pub fn changed_settings(before: &str, after: &str) -> Vec<String> {
    let (Ok(before), Ok(after)) = (before.parse::<Table>(), after.parse::<Table>()) else {
        return Vec::new();
    };
    differing("", &before, &after)
}

fn differing(prefix: &str, before: &Table, after: &Table) -> Vec<String> {
    let keys: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    let empty = Table::new();
    let mut names = Vec::new();
    for key in keys {
        let name = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match (before.get(key), after.get(key)) {
            (a, b) if a == b => {}
            (Some(Value::Table(a)), Some(Value::Table(b))) => names.extend(differing(&name, a, b)),
            (Some(Value::Table(a)), None) => names.extend(differing(&name, a, &empty)),
            (None, Some(Value::Table(b))) => names.extend(differing(&name, &empty, b)),
            _ => names.push(name),
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_otherwise_is_named_and_nothing_of_its_value() {
        let before = "data_dir = \"a\"\n[limits]\nmax_keys = 1000\nnetwork_burst = 5\n[tls]\nkey = \"k\"\n";
        let after = "data_dir = \"a\"\n[limits]\nnetwork_burst = 6\n[[networks]]\ncidr = \"10.0.0.0/8\"\n[tls]\nkey = \"l\"\n";
        let names = changed_settings(before, after);
        assert_eq!(names, ["limits.max_keys", "limits.network_burst", "networks", "tls.key"]);
        assert!(changed_settings(before, before).is_empty());
        assert_eq!(changed_settings("", "[limits]\nmax_keys = 1\n"), ["limits.max_keys"]);
    }

    #[test]
    fn order_and_comments_are_no_change() {
        assert!(changed_settings("a = 1\nb = 2\n", "# of no account\nb = 2\na = 1\n").is_empty());
        assert!(changed_settings("a = ", "a = 1").is_empty());
    }
}
