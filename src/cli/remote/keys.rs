//! Client keys for `--url`, each from a file that its owner alone may read; never an argument, never the environment.

use crate::cli::Failed;
use crate::domain::{Sensitive, io_words};
use std::collections::BTreeMap;
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// Longest file that can hold a key.
const LONGEST: u64 = 4_096;

/// Keys by client.
pub struct ClientKeys(BTreeMap<String, Sensitive<String>>);

impl ClientKeys {
    /// Reads each `CLIENT=FILE`.
    pub fn read(pairs: &[String]) -> Result<Self, Failed> {
        let mut keys = BTreeMap::new();
        for pair in pairs {
            let (client, file) = pair
                .split_once('=')
                .filter(|(client, file)| !client.is_empty() && !file.is_empty())
                .ok_or_else(|| {
                    Failed::new("write --key as CLIENT=FILE, such as --key storefront=storefront.key")
                })?;
            if keys.insert(client.to_owned(), read(Path::new(file))?).is_some() {
                return Err(Failed::new(format!("--key names the client {client} twice; write it once")));
            }
        }
        Ok(Self(keys))
    }
    /// The key of a client.
    pub(super) fn of(&self, client: &str) -> Option<&Sensitive<String>> {
        self.0.get(client)
    }
}

fn read(path: &Path) -> Result<Sensitive<String>, Failed> {
    let refused = |why: &str| Failed::new(format!("{}: {why}", path.display()));
    let file = std::fs::File::open(path).map_err(|e| refused(&io_words(e.kind())))?;
    let facts = file.metadata().map_err(|e| refused(&io_words(e.kind())))?;
    if !facts.is_file() || facts.len() > LONGEST {
        return Err(refused("a key file is a small regular file"));
    }
    if facts.mode() & 0o077 != 0 {
        return Err(refused("readable by others; run chmod 600 on it"));
    }
    let mut text = Sensitive::new(String::with_capacity(LONGEST as usize));
    // EXPOSE: filling the buffer, which is large enough never to grow.
    file.take(LONGEST).read_to_string(text.expose_mut()).map_err(|e| refused(&io_words(e.kind())))?;
    // EXPOSE: its form is looked at.
    let key = text.expose().trim();
    if !key.starts_with("srk_") || !key.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_') {
        return Err(refused("holds no client key; write the srk_… text and nothing else"));
    }
    Ok(Sensitive::text(key))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_key_is_read_only_from_a_file_that_nobody_else_may_read() {
        let dir = tempfile::tempdir().unwrap();
        let file = |name: &str, text: &str, mode: u32| {
            let path = dir.path().join(name);
            std::fs::write(&path, text).unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).unwrap();
            format!("storefront={}", path.display())
        };
        let good = file("good", " srk_abcDEF123\n", 0o600);
        let keys = ClientKeys::read(std::slice::from_ref(&good)).unwrap();
        // EXPOSE: a test's own key.
        assert_eq!(keys.of("storefront").unwrap().expose(), "srk_abcDEF123");
        assert!(keys.of("billing").is_none());
        for (bad, word) in [
            (file("open", "srk_abcDEF123", 0o644), "chmod"),
            (file("other", "hello", 0o600), "srk_"),
            (format!("storefront={}", dir.path().display()), "regular"),
            ("storefront".to_owned(), "CLIENT=FILE"),
            ("=x".to_owned(), "CLIENT=FILE"),
            (format!("storefront={}/none", dir.path().display()), "no such"),
        ] {
            let error = ClientKeys::read(&[bad]).err().unwrap().0;
            assert!(error.contains(word) && !error.contains("abcDEF"), "{error}");
        }
        assert!(ClientKeys::read(&[good.clone(), good]).err().unwrap().0.contains("twice"));
    }
}
