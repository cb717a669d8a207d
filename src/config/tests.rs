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
    assert_eq!(sample.proxy, bare.proxy);
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
        assert_eq!((errors[0].line, errors[0].key.as_str()), (at + 1, misspelt.as_str()), "{errors:?}");
        assert_eq!(errors[0].message, format!("is not a setting; did you mean {key}?"));
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
    assert_eq!(keys, ["tls.certificate", "log.level", "passwords.memory_kib"]);
}

#[test]
fn a_missing_file_says_so() {
    let errors = Settings::load(Path::new("/nonexistent/strongroom.toml")).unwrap_err();
    assert!(errors[0].message.contains("cannot be read"));
}

/// The sample's settings, each with the number of its line from 0.
fn sample_keys() -> impl Iterator<Item = (usize, &'static str)> {
    let settings = SAMPLE.lines().enumerate().filter(|(_, line)| !line.starts_with('#'));
    settings.filter_map(|(at, line)| Some((at, line.split_once(" = ")?.0)))
}

fn sample_with(at: usize, replacement: &str) -> String {
    let lines = SAMPLE.lines().enumerate().map(|(n, line)| if n == at { replacement } else { line });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a47_every_key_refuses_a_value_of_another_type_where_it_stands() {
    for (at, key) in sample_keys() {
        for wrong in ["{ secret = 1 }", "-1.5", "bare", "\"unclosed"] {
            let errors = Settings::parse(&sample_with(at, &format!("{key} = {wrong}"))).unwrap_err();
            assert_eq!((errors[0].line, errors[0].key.as_str()), (at + 1, key), "{wrong}: {errors:?}");
            assert!(!errors[0].message.contains(wrong));
        }
    }
}

#[test]
fn a47_every_key_is_refused_when_it_is_written_twice() {
    for (at, key) in sample_keys() {
        let line = SAMPLE.lines().nth(at).unwrap();
        let errors = Settings::parse(&sample_with(at, &format!("{line}\n{line}"))).unwrap_err();
        assert_eq!(errors[0].to_string(), format!("line {}: {key}: is written twice; keep one", at + 2));
    }
}

#[test]
fn a_required_key_that_is_missing_is_named_with_the_section_that_lacks_it() {
    let told = |text: &str| Settings::parse(text).unwrap_err()[0].to_string();
    assert_eq!(told(""), "line 1: data_dir: is missing; write it at the top of the file");
    let network = "data_dir = \"x\"\n\n[[networks]]\nlabel = \"a\"";
    assert_eq!(told(network), "line 3: cidr: is missing; write it in this section");
}

#[test]
fn i6_no_fault_repeats_a_value_not_even_one_pasted_over_many_lines() {
    let pem = "-----BEGIN PRIVATE KEY-----\nCNRYa\nCNRYb=\n-----END PRIVATE KEY-----";
    for text in [
        "data_dir = \"x\"\n[listen]\nhosts = [\n  \"a\",\n  7,\n]".to_owned(),
        format!("data_dir = \"x\"\n[tls]\ncertificate = \"c\"\nkey = \"\"\"\n{pem}\"\"\""),
        format!("data_dir = \"x\"\n[tls]\nkey = \"\"\"\n{pem}"),
        format!("data_dir = \"x\"\n[root]\n{pem}"),
        "data_dir = \"x\"\n[root]\n\"CNRY \u{202e}\" = 1".to_owned(),
        format!("data_dir = \"x\"\n[root]\n{} = 1", "CNRY".repeat(16)),
    ] {
        for error in Settings::parse(&text).unwrap_err() {
            let told = error.to_string();
            assert!(told.is_ascii() && !told.contains("CNRY") && !told.contains("PRIVATE"), "{told}");
            assert!(error.line > 0 && !error.key.contains('7'), "{told}");
        }
    }
}

#[test]
fn a_suggestion_comes_from_the_section_and_names_the_key_not_its_neighbour() {
    let told = |text: &str| Settings::parse(&format!("data_dir = \"x\"\n{text}")).unwrap_err()[0].to_string();
    let inline = "listen = { adress = \"127.0.0.1:1\" }";
    assert_eq!(told(inline), "line 2: adress: is not a setting; did you mean address?");
    assert!(told("[log]\ncidr = 1").ends_with("see config/strongroom.toml"), "cidr is of another section");
}

#[test]
fn numbers_out_of_bounds_are_named_with_their_line_and_bounds() {
    for (key, low, high) in [
        ("workers", 1_u64, 1_024_u64),
        ("body_timeout_s", 1, 600),
        ("min_body_rate", 1, 1 << 20),
        ("header_timeout_s", 1, 60),
        ("max_connections", 1, 1 << 20),
        ("keep_alive_s", 1, 3_600),
        ("max_connections_per_peer", 1, 1 << 20),
        ("max_connection_age_s", 1, 86_400),
        ("drain_timeout_s", 1, 600),
        ("max_connections_per_proxy", 1, 1 << 20),
        ("max_keys", 1_000, 10_000_000),
        ("memory_kib", 19_456, 262_144),
        ("iterations", 2, 10),
        ("threads", 1, 256),
        ("queue", 1, 65_536),
    ] {
        let at = SAMPLE
            .lines()
            .position(|l| l.trim_start_matches("# ").starts_with(&format!("{key} = ")))
            .unwrap();
        let with = |n: u64| Settings::parse(&sample_with(at, &format!("{key} = {n}")));
        assert!(with(low).is_ok() && with(high).is_ok(), "{key}");
        for n in [low - 1, high + 1] {
            let error = with(n).unwrap_err().remove(0);
            assert_eq!(error.line, at + 1, "{error}");
            assert!(error.key.ends_with(key), "{error}");
            assert_eq!(error.message, format!("write a number from {low} to {high}"));
        }
    }
}

#[test]
fn networks_are_checked_each_where_it_stands() {
    let with = |cidr: &str, rest: &str| {
        let good = "data_dir = \"x\"\n[[networks]]\ncidr = \"10.0.0.0/8\"\nlabel = \"a\"\n";
        Settings::parse(&format!("{good}[[networks]]\ncidr = \"{cidr}\"\n{rest}"))
    };
    for cidr in ["0.0.0.0/0", "10.1.2.3/32", "2001:db8::/32", "::/0", "2001:db8::1/128"] {
        assert!(with(cidr, "label = \"b\"").is_ok(), "{cidr}");
    }
    for cidr in [
        "10.1.0.0",
        "10.1.0.1/16",
        "10.0.0.0/33",
        "10.0.0.0/08",
        "10.0.0.0/+8",
        "::ffff:10.0.0.0/104",
        "",
        "x/8",
    ] {
        let error = with(cidr, "label = \"b\"").unwrap_err().remove(0);
        assert_eq!((error.line, error.key.as_str()), (6, "networks[1].cidr"), "{cidr}");
    }
    let keys = |rest| {
        with("10.1.0.0/16", rest).unwrap_err().into_iter().map(|e| (e.line, e.key)).collect::<Vec<_>>()
    };
    assert_eq!(
        keys("label = \"\"\ncountry = \"de\""),
        [(7, "networks[1].label".to_owned()), (8, "networks[1].country".to_owned()),]
    );
}

#[test]
fn pairs_and_paths_are_checked() {
    let keys = |text: &str| {
        let errors = Settings::parse(&format!("data_dir = \"x\"\n{text}")).unwrap_err();
        errors.into_iter().map(|e| (e.line, e.key)).collect::<Vec<_>>()
    };
    assert_eq!(keys("[tls]\ncertificate = \"c\""), [(2, "tls.key".to_owned())]);
    assert_eq!(keys("[tls]\nkey = \"k\""), [(2, "tls.certificate".to_owned())]);
    let pair = "[tls]\ncertificate = \"c\"\nkey = \"k\"\n";
    assert_eq!(keys(&format!("{pair}client_crl = \"l\"")), [(5, "tls.client_crl".to_owned())]);
    assert_eq!(keys("[tls]\nclient_ca = \"a\""), [(3, "tls.client_ca".to_owned())]);
    assert_eq!(keys("[root]\nprovider = \"passphrase\""), [(2, "root.path".to_owned())]);
    assert_eq!(keys("root.path = \"\""), [(2, "root.path".to_owned())]);
    assert_eq!(keys("log = { level = \"loud\" }"), [(2, "log.level".to_owned())]);
}
