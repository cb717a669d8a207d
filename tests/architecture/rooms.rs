//! The import table of `ARCHITECTURE.md`, and which rooms may touch which crates.

use super::source::{Source, is_ident};

/// A room: its name, its number, and what it may import (`room` whole, or `room::Item` alone).
pub(crate) struct Room {
    /// Directory or file below `src/`.
    pub(crate) name: &'static str,
    /// Imports go to lower numbers only.
    pub(crate) number: u8,
    /// Rooms, or single items of rooms.
    pub(crate) imports: &'static [&'static str],
}

const SEALED: &[&str] = &["domain", "audit", "crypto::SealedRecord", "crypto::StoredRecord", "crypto::Table"];

/// The table. `Settings` of any room may be imported by `cli` and `config`: see [`forbidden`].
pub(crate) const ROOMS: &[Room] = &[
    Room { name: "alloc", number: 0, imports: &[] },
    Room { name: "domain", number: 0, imports: &[] },
    Room { name: "policy", number: 1, imports: &["domain"] },
    Room { name: "detection", number: 1, imports: &["domain"] },
    Room {
        name: "crypto",
        number: 2,
        imports: &["domain", "policy::Permit", "policy::WritePermit", "policy::MaintenancePermit"],
    },
    Room { name: "audit", number: 3, imports: &["domain", "crypto::hash"] },
    Room { name: "storage", number: 4, imports: SEALED },
    Room { name: "limits", number: 4, imports: &["domain"] },
    Room {
        name: "vault",
        number: 5,
        imports: &["domain", "policy", "detection", "crypto", "audit", "storage", "limits"],
    },
    Room { name: "http", number: 6, imports: &["domain", "vault"] },
    Room { name: "console", number: 6, imports: &["domain", "vault"] },
    Room { name: "jobs", number: 6, imports: &["domain", "vault"] },
    Room { name: "cli", number: 6, imports: &["domain", "vault"] },
    Room { name: "config", number: 7, imports: &["domain"] },
    Room { name: "telemetry", number: 7, imports: &["domain"] },
];

/// The composition root: may import everything.
const ROOT: &[&str] = &["app", "main", "lib"];

/// Crates that only some places may name: (crate, path prefixes).
const CRATES: &[(&str, &[&str])] = &[
    ("aes", &["src/crypto/"]),
    ("aes_gcm", &["src/crypto/"]),
    ("aes_gcm_siv", &["src/crypto/"]),
    ("hkdf", &["src/crypto/"]),
    ("argon2", &["src/crypto/"]),
    ("rusqlite", &["src/storage/"]),
    ("hyper", &["src/cli/"]),
    ("csv", &["src/cli/import/"]),
    ("actix_web", &["src/http/", "src/console/", "src/app", "src/main.rs"]),
];

/// The room of a name.
pub(crate) fn room(name: &str) -> Option<&'static Room> {
    ROOMS.iter().find(|room| room.name == name)
}

/// What of a file's paths the table forbids.
pub(crate) fn forbidden(source: &Source) -> Vec<String> {
    if ROOT.contains(&source.room()) {
        return Vec::new();
    }
    let Some(own) = room(source.room()) else {
        return vec![format!("{}: not in a room of the table in tests/architecture/rooms.rs", source.path)];
    };
    let mut found = Vec::new();
    for (line, in_test, path) in source.root_paths() {
        let first = path.first().map_or("", String::as_str);
        let fine = first == own.name || (if in_test { may_test(own, first) } else { may(own, &path) });
        if !fine {
            found.push(format!("{}:{line}: {} may not import {}", source.path, own.name, path.join("::")));
        }
    }
    found
}

fn may(own: &Room, path: &[String]) -> bool {
    let joined = path.join("::");
    let granted = own.imports.iter().any(|import| {
        joined == *import || joined.strip_prefix(import).is_some_and(|rest| rest.starts_with("::"))
    });
    let settings =
        matches!(own.name, "cli" | "config") && path.last().is_some_and(|p| p.ends_with("Settings"));
    granted || settings
}

/// Test code may borrow from any room that is not above its own, but not from the whole crate at once.
fn may_test(own: &Room, first: &str) -> bool {
    room(first).is_some_and(|other| other.number <= own.number)
}

/// Crates named where they have no business.
pub(crate) fn misplaced_crates(source: &Source) -> Vec<String> {
    let mut found = Vec::new();
    for (name, places) in CRATES {
        if places.iter().any(|place| source.path.starts_with(place)) {
            continue;
        }
        for (line, text) in source.production() {
            if names_crate(text, name) {
                found.push(format!("{}:{line}: `{name}` belongs in {}", source.path, places.join(", ")));
            }
        }
    }
    found
}

fn names_crate(line: &str, name: &str) -> bool {
    line.match_indices(&format!("{name}::")).any(|(at, _)| {
        let before = line[..at].bytes().next_back();
        !before.is_some_and(|b| is_ident(b) || b == b':')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judged(path: &str, text: &str) -> usize {
        forbidden(&Source::new(path, text)).len()
    }

    #[test]
    fn a_room_that_imports_upwards_or_sideways_is_caught() {
        assert_eq!(judged("src/domain/a.rs", "use crate::policy::Permit;"), 1);
        assert_eq!(judged("src/policy/a.rs", "use crate::detection::Engine;"), 1);
        assert_eq!(judged("src/storage/sqlite/a.rs", "use crate::{domain::Clock, vault::reveal};"), 1);
        assert_eq!(judged("src/storage/mod.rs", "fn f() { super::vault::reveal() }"), 1);
        assert_eq!(judged("src/http/a.rs", "use crate::storage::Store;"), 1);
        assert_eq!(judged("src/nowhere/a.rs", ""), 1);
        assert_eq!(judged("src/crypto/a.rs", "use crate::*;"), 1);
    }

    #[test]
    fn a_room_may_import_single_items_only_where_the_table_says_so() {
        assert_eq!(judged("src/crypto/a.rs", "use crate::policy::{Permit, WritePermit};"), 0);
        assert_eq!(judged("src/crypto/a.rs", "use crate::policy::Policy;"), 1);
        assert_eq!(judged("src/audit/a.rs", "use crate::crypto::hash::sha256;"), 0);
        assert_eq!(judged("src/audit/a.rs", "use crate::crypto::Keyring;"), 1);
        assert_eq!(judged("src/config/a.rs", "use crate::limits::Settings;"), 0);
        assert_eq!(judged("src/config/a.rs", "use crate::limits::Limiter;"), 1);
    }

    #[test]
    fn tests_may_borrow_from_below_but_never_from_above() {
        let borrow = |what: &str| format!("#[cfg(test)]\nmod tests {{\n use crate::{what};\n}}\n");
        assert_eq!(judged("src/storage/a.rs", &borrow("crypto::Keyring")), 0);
        assert_eq!(judged("src/storage/a.rs", &borrow("vault::reveal")), 1);
    }

    #[test]
    fn raw_ciphers_sql_and_http_stay_in_their_rooms() {
        let misplaced = |path: &str, text: &str| misplaced_crates(&Source::new(path, text)).len();
        assert_eq!(misplaced("src/vault/a.rs", "use aes_gcm::Aes256Gcm;"), 1);
        assert_eq!(misplaced("src/crypto/hazmat/a.rs", "use aes_gcm::Aes256Gcm;"), 0);
        assert_eq!(misplaced("src/vault/a.rs", "let c = rusqlite::Connection::open(p);"), 1);
        assert_eq!(misplaced("src/vault/a.rs", "use crate::aes::x; // aes_gcm::y"), 0);
    }
}
