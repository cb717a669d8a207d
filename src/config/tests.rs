use super::*;

const SAMPLE: &str = include_str!("../../config/strongroom.toml");

#[test]
fn the_shipped_sample_parses_and_shows_every_default() {
    let sample = Settings::parse(SAMPLE).unwrap();
    let bare = Settings::parse("data_dir = \"x\"").unwrap();
    assert_eq!(sample.http, bare.http);
    assert_eq!(sample.limits, bare.limits);
    assert_eq!(sample.passwords, bare.passwords);
    assert_eq!(sample.metrics, bare.metrics);
}

#[test]
fn a47_every_misspelt_key_is_refused_named_and_corrected() {
    let mut tried = 0;
    for (at, line) in SAMPLE.lines().enumerate() {
        let Some((key, _)) = line.split_once(" = ").filter(|(k, _)| !k.starts_with('#')) else { continue };
        let misspelt = format!("{key}x");
        let lines: Vec<String> = SAMPLE
            .lines()
            .enumerate()
            .map(|(n, l)| if n == at { l.replacen(key, &misspelt, 1) } else { l.to_owned() })
            .collect();
        let errors = Settings::parse(&lines.join("\n")).unwrap_err();
        assert_eq!(errors.len(), 1);
        // A missing required key is reported at the top; all others where they stand.
        if key != "data_dir" && key != "cidr" && key != "label" {
            assert_eq!((errors[0].line, errors[0].key.as_str()), (at + 1, misspelt.as_str()), "{errors:?}");
            assert!(errors[0].message.contains(key), "{errors:?}");
        }
        tried += 1;
    }
    assert!(tried >= 20, "{tried}");
}

#[test]
fn a47_wrong_types_duplicates_and_unknown_sections_are_refused_without_echo() {
    for (text, key) in [
        ("data_dir = 7", "data_dir"),
        ("data_dir = \"x\"\n[listen]\naddress = \"CNRY\"", "address"),
        ("data_dir = \"x\"\n[listen]\nworkers = -1", "workers"),
        ("data_dir = \"x\"\n[limits]\nnetwork_burst = 0", "network_burst"),
        ("data_dir = \"x\"\n[root]\nprovider = \"CNRY\"", "provider"),
        ("data_dir = \"x\"\ndata_dir = \"y\"", "data_dir"),
        ("data_dir = \"x\"\n[surprise]\n", "surprise"),
    ] {
        let errors = Settings::parse(text).unwrap_err();
        assert_eq!(errors[0].key, key, "{errors:?}");
        assert!(!errors[0].to_string().contains("CNRY"));
    }
}

#[test]
fn c19_nothing_listens_beyond_loopback_without_tls() {
    let bare = "data_dir = \"x\"\n[listen]\naddress = \"0.0.0.0:8443\"";
    assert_eq!(Settings::parse(bare).unwrap_err()[0].key, "listen.address");
    let with_tls = format!("{bare}\n[tls]\ncertificate = \"c.pem\"\nkey = \"k.pem\"");
    assert!(Settings::parse(&with_tls).is_ok());
    let metrics = "data_dir = \"x\"\n[metrics]\naddress = \"0.0.0.0:9464\"";
    assert_eq!(Settings::parse(metrics).unwrap_err()[0].key, "metrics.address");
}

#[test]
fn several_faults_are_told_at_once() {
    let text = "data_dir = \"x\"\n[log]\nlevel = \"loud\"\n[passwords]\nmemory_kib = 1\n[tls]\nkey = \"k\"";
    let keys: Vec<_> = Settings::parse(text).unwrap_err().into_iter().map(|e| e.key).collect();
    assert_eq!(keys, ["tls", "log.level", "passwords"]);
}

#[test]
fn a_missing_file_says_so() {
    let errors = Settings::load(Path::new("/nonexistent/strongroom.toml")).unwrap_err();
    assert!(errors[0].message.contains("cannot be read"));
}
