//! A47: settings misspelt, of another type, out of bounds, written twice or unknown, for every key of the table that the
//! product itself is checked by. Each is refused with the key's name, and a development vault never leaves loopback.

use super::estate::quick_dir;
use crate::vault::{path, run};
use std::path::Path;
use strongroom::config::{KEYS, Key, Kind, Standard};

/// A value of the right kind, as TOML.
fn right(kind: Kind) -> String {
    match kind {
        Kind::Path => "\"/tmp/file\"".to_owned(),
        Kind::Text(_) => "\"text\"".to_owned(),
        Kind::Texts => "[\"10.0.0.0/8\"]".to_owned(),
        Kind::Address => "\"127.0.0.1:1\"".to_owned(),
        Kind::Whole(low, _) => low.to_string(),
        Kind::Share => "0.5".to_owned(),
        Kind::Switch => "true".to_owned(),
        Kind::Choice(words) => format!("{:?}", words[0]),
        Kind::Network => "\"10.1.0.0/16\"".to_owned(),
        Kind::Country => "\"DE\"".to_owned(),
        Kind::Url => "\"http://127.0.0.1:4318/v1/traces\"".to_owned(),
    }
}

/// Values that are not of the kind.
fn wrong(kind: Kind) -> Vec<String> {
    let mut all: Vec<String> = ["{ a = 1 }", "1979-05-27"].map(str::to_owned).into();
    if !matches!(kind, Kind::Text(_)) {
        all.push("\"\\u0000CNRY-secret\"".to_owned());
    }
    match kind {
        Kind::Whole(low, high) => {
            all.extend([
                (high + 1).to_string(),
                format!("-{}", low + 1),
                "\"7\"".to_owned(),
                "1.5".to_owned(),
                "1e400".to_owned(),
            ]);
            if low > 0 {
                all.push((low - 1).to_string());
            }
        }
        Kind::Share => all.extend(["1.01", "-0.1", "nan", "inf", "\"0.5\""].map(str::to_owned)),
        Kind::Switch => all.extend(["\"true\"", "1", "yes"].map(str::to_owned)),
        Kind::Texts => all.extend(["[1]", "\"10.0.0.0/8\"", "7"].map(str::to_owned)),
        Kind::Path => all.extend(["\"\"", "7"].map(str::to_owned)),
        _ => all.extend(["7", "\"\"", "[]", "true"].map(str::to_owned)),
    }
    all
}

/// A file that holds one line for a key, in its section, beside what has to be there.
fn file(key: &Key, lines: &[String]) -> String {
    let (section, _) = key.split();
    let mut text =
        if key.path == "data_dir" { String::new() } else { "data_dir = \"/tmp/vault\"\n".to_owned() };
    match section.strip_suffix("[]") {
        Some(list) => text += &format!("[[{list}]]\n"),
        None if section.is_empty() => {}
        None => text += &format!("[{section}]\n"),
    }
    for other in KEYS.iter().filter(|k| k.split().0 == section && k.path != key.path && k.path != "data_dir")
    {
        if other.standard == Standard::Needed {
            text += &format!("{} = {}\n", other.split().1, right(other.kind));
        }
    }
    text + &lines.join("\n") + "\n"
}

/// Whether the file is refused, and in what words.
fn check(dir: &Path, text: &str) -> Option<String> {
    let at = dir.join("strongroom.toml");
    std::fs::write(&at, text).unwrap();
    let (ok, out, err) = run(&["config", "check", path(&at)]);
    assert!(!err.contains("panicked"), "{text}: {err}");
    (!ok).then(|| format!("{out}{err}"))
}

fn shown(key: &Key) -> String {
    key.path.replace("[]", "[0]")
}

/// P10: every setting that is not exactly a setting is refused by name, and no value is repeated.
#[test]
fn a47_every_key_misspelt_doubled_unknown_or_of_another_type_is_refused_by_name() {
    let dir = quick_dir();
    for key in KEYS {
        let name = key.split().1;
        let line = format!("{name} = {}", right(key.kind));
        let misspelt = format!("{}{} = {}", &name[..1], name, right(key.kind));
        let said =
            check(dir.path(), &file(key, &[misspelt])).unwrap_or_else(|| panic!("{name} misspelt is taken"));
        assert!(said.contains(name), "{key:?}: {said}");
        let said = check(dir.path(), &file(key, &[line.clone(), line.clone()]));
        let said = said.unwrap_or_else(|| panic!("{name} twice is taken"));
        assert!(said.contains(name) && said.contains("twice"), "{key:?}: {said}");
        for bad in wrong(key.kind) {
            let said = check(dir.path(), &file(key, &[format!("{name} = {bad}")]));
            let said = said.unwrap_or_else(|| panic!("{name} = {bad} is taken"));
            assert!(said.contains(name), "{} = {bad}: {said}", shown(key));
            assert!(!said.contains("CNRY"), "a value is repeated: {said}");
        }
    }
}

/// P10: sections that are not there, a file that is none, and values beside the table.
#[test]
fn a47_what_is_no_setting_at_all_is_refused() {
    let dir = quick_dir();
    for text in [
        "",
        "data_dir",
        "[listen]",
        "data_dir = \"/v\"\n[lissten]\naddress = \"127.0.0.1:1\"",
        "data_dir = \"/v\"\n[[listen]]\n",
        "data_dir = \"/v\"\nnetworks = 7",
        "data_dir = \"/v\"\n[networks]\ncidr = \"10.0.0.0/8\"\nlabel = \"x\"",
        "data_dir = \"/v\"\n[listen]\n[listen]\n",
        "data_dir = \"/v\"\n\u{feff}x = 1",
        "{\"data_dir\": \"/v\"}",
        "data_dir = \"/v\"\naudit = false",
        "data_dir = \"/v\"\n[audit]\nenabled = false",
        "data_dir = \"/v\"\n[metrics]\naddress = \"0.0.0.0:9464\"",
    ] {
        assert!(check(dir.path(), text).is_some(), "{text:?} is taken");
    }
    // Bytes that are no text, a directory, a file too large to be settings.
    std::fs::write(dir.path().join("bytes.toml"), b"data_dir = \"\xff\xfe\"\n").unwrap();
    std::fs::write(dir.path().join("large.toml"), "#".repeat(64 << 20)).unwrap();
    for name in ["bytes.toml", "large.toml", "none.toml", "."] {
        let at = dir.path().join(name);
        for command in [&["config", "check"][..], &["serve", "--config"][..]] {
            let (ok, _, err) = run(&[command, &[path(&at)]].concat());
            assert!(!ok && !err.contains("panicked"), "{name}: {err}");
        }
    }
}

/// P10: a development vault listens on loopback only, whatever it is told, and makes nothing before it refuses.
#[test]
fn a47_a_development_vault_never_leaves_loopback() {
    let dir = quick_dir();
    let (data, out) = (dir.path().join("d"), dir.path().join("c.json"));
    for address in [
        "0.0.0.0:0",
        "[::]:0",
        "192.0.2.1:0",
        "10.0.0.1:8443",
        "[::ffff:0.0.0.0]:0",
        "localhost:0",
        "127.0.0.1",
        "",
    ] {
        let (ok, _, err) =
            run(&["dev", "--listen", address, "--data-dir", path(&data), "--credentials-out", path(&out)]);
        assert!(!ok && !err.contains("panicked"), "{address}: {err}");
        assert!(!data.exists() && !out.exists(), "{address}: something was made");
    }
    // Nor is one served for others by `serve`.
    let estate = super::estate::Estate::new();
    let (rest, _) = estate.rest();
    let config = rest.path().join("strongroom.toml");
    let tls = rest.path().join("data/tls");
    let text = format!(
        "data_dir = {:?}\n[listen]\naddress = \"0.0.0.0:0\"\n[metrics]\naddress = \"127.0.0.1:0\"\n[tls]\ncertificate = {:?}\nkey = {:?}\n",
        rest.path().join("data"),
        tls.join("cert.pem"),
        tls.join("key.pem")
    );
    std::fs::write(&config, text).unwrap();
    let err = super::keys::refused(&["serve", "--config", path(&config)]);
    assert!(err.contains("listen.address") && err.contains("loopback"), "{err}");
}
