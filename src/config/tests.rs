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
    assert_eq!((sample.log, sample.alerts, sample.telemetry), (bare.log, bare.alerts, bare.telemetry));
}

/// Every `pub` field of the structs of settings, by the name of its struct.
fn fields_of_structs() -> Vec<(String, String)> {
    let sources = [
        include_str!("sections.rs"),
        include_str!("proxy.rs"),
        include_str!("public.rs"),
        include_str!("mod.rs"),
        include_str!("../limits/settings.rs"),
        include_str!("../telemetry/traces/mod.rs"),
    ];
    let mut fields = Vec::new();
    for source in sources {
        let mut within = String::new();
        for line in source.lines() {
            if let Some(rest) = line.strip_prefix("pub struct ") {
                within = rest.split([' ', '(']).next().unwrap().to_owned();
            } else if line.starts_with('}') {
                within.clear();
            }
            let field = line
                .strip_prefix("    pub ")
                .filter(|rest| !rest.contains(' ') || rest.find(':') < rest.find(' '));
            let field = field.and_then(|rest| rest.split_once(": "));
            if let Some((name, _)) = field.filter(|_| !within.is_empty()) {
                fields.push((within.clone(), name.to_owned()));
            }
        }
    }
    fields
}

#[test]
fn the_table_of_keys_names_every_setting_there_is_and_no_other() {
    let section = |of: &str| match of {
        "Network" => Some("networks[]".to_owned()),
        "Settings" | "Span" | "ConfigError" | "Telemetry" | "Traffic" => None,
        other => Some(other.to_lowercase()),
    };
    let written: Vec<String> = fields_of_structs()
        .iter()
        .filter_map(|(of, name)| section(of).map(|section| format!("{section}.{name}")))
        .collect();
    let known: Vec<&str> = KEYS.iter().map(|key| key.path).collect();
    let missing: Vec<&String> = written.iter().filter(|path| !known.contains(&path.as_str())).collect();
    assert!(written.len() >= 20 && missing.is_empty(), "add to src/config/keys.rs: {missing:?}");
    for key in KEYS {
        let (section, name) = key.split();
        assert!(SECTIONS.iter().any(|(known, _)| *known == section), "{section} is described");
        assert!(fields_of_structs().iter().any(|(_, field)| field == name), "{} is a field", key.path);
        assert!(reference().contains(&format!("| `{name}` |")));
    }
}

#[test]
fn every_default_of_the_table_is_the_default_of_the_code() {
    let bare = Settings::parse("data_dir = \"x\"").unwrap();
    for key in KEYS {
        let Standard::Of(value) = key.standard else { continue };
        let text = format!("data_dir = \"x\"\n{} = {value}", key.path);
        assert_eq!(Settings::parse(&text).unwrap(), bare, "{text}");
    }
}

#[test]
fn every_key_that_is_not_text_is_read_and_changes_something() {
    let bare = Settings::parse("data_dir = \"x\"").unwrap();
    for key in KEYS.iter().filter(|key| !key.path.contains("[]") && key.path != "data_dir") {
        let value = match key.kind {
            Kind::Whole(low, high) => {
                if key.standard == Standard::Of("2") {
                    high.to_string()
                } else {
                    low.to_string()
                }
            }
            Kind::Switch => {
                if key.standard == Standard::Of("true") {
                    "false".into()
                } else {
                    "true".into()
                }
            }
            Kind::Share => "0.5".into(),
            Kind::Address => "\"127.0.0.1:1\"".into(),
            Kind::Texts if key.path == "proxy.networks" => "[\"10.9.0.0/24\"]".into(),
            Kind::Texts => "[\"a\"]".into(),
            Kind::Choice(words) => format!("\"{}\"", words[1]),
            Kind::Text(_) if key.path == "public.url" => "\"https://a.example\"".into(),
            Kind::Url => "\"http://127.0.0.1:4318/v1/traces\"".into(),
            _ => "\"x\"".to_owned(),
        };
        // Keys that are needed together.
        let beside = match key.path {
            "tls.certificate" => "tls.key = \"k\"",
            "tls.key" => "tls.certificate = \"c\"",
            "tls.client_ca" => "tls.key = \"k\"\ntls.certificate = \"c\"",
            "tls.client_crl" => "tls.key = \"k\"\ntls.certificate = \"c\"\ntls.client_ca = \"a\"",
            "public.address" => "public.url = \"https://a.example\"",
            "public.certificate" => "public.key = \"k\"",
            "public.key" => "public.certificate = \"c\"",
            "proxy.header" | "proxy.protocol" => "proxy.networks = [\"10.9.0.0/24\"]",
            "proxy.networks" => "proxy.protocol = \"v1\"",
            "root.provider" => "root.path = \"p\"",
            "telemetry.traces.ca" => "telemetry.traces.endpoint = \"https://a.example/\"",
            _ => "",
        };
        if matches!(key.standard, Standard::Of(of) if of == value) {
            continue;
        }
        let text = format!("data_dir = \"x\"\n{} = {value}\n{beside}", key.path);
        assert_ne!(Settings::parse(&text).unwrap(), bare, "{text}");
    }
}

#[test]
fn a47_every_misspelt_key_is_refused_named_and_corrected() {
    let mut tried = 0;
    for (at, line) in SAMPLE.lines().enumerate() {
        let Some((key, _)) = line.split_once(" = ").filter(|(k, _)| !k.starts_with('#')) else { continue };
        let shown = key_of(at);
        let misspelt = format!("{key}x");
        let lines: Vec<String> = SAMPLE
            .lines()
            .enumerate()
            .map(|(n, l)| if n == at { l.replacen(key, &misspelt, 1) } else { l.to_owned() })
            .collect();
        let errors = Settings::parse(&lines.join("\n")).unwrap_err();
        assert_eq!(errors.len(), 1);
        assert_eq!((errors[0].line, errors[0].key.clone()), (at + 1, format!("{shown}x")), "{errors:?}");
        assert_eq!(errors[0].message, format!("is not a setting; did you mean {key}?"));
        tried += 1;
    }
    assert!(tried >= 20, "{tried}");
}

#[test]
fn a47_wrong_types_duplicates_and_unknown_sections_are_refused_without_echo() {
    for (text, key) in [
        ("data_dir = 7", "data_dir"),
        ("data_dir = \"x\"\n[listen]\naddress = \"CNRY\"", "listen.address"),
        ("data_dir = \"x\"\n[listen]\nworkers = -1", "listen.workers"),
        ("data_dir = \"x\"\n[limits]\nnetwork_burst = 0", "limits.network_burst"),
        ("data_dir = \"x\"\n[root]\nprovider = \"CNRY\"", "root.provider"),
        (
            "data_dir = \"x\"\n[telemetry.traces]\nendpoint = \"http://CNRY.example/\"",
            "telemetry.traces.endpoint",
        ),
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
    assert_eq!(keys, ["log.level", "passwords.memory_kib", "tls.certificate"], "in the order of the file");
    let text = "data_dirr = 1\n[log]\nlevel = \"inof\"\nlevel = \"info\"\n[listn]\naddress = 1\n[http]\nkeep_alive_s = 0\n[[networks]]\nlabel = \"\"\n\n[metrics]\naddress = \"0.0.0.0:1\"";
    let told: Vec<String> = Settings::parse(text).unwrap_err().iter().map(ToString::to_string).collect();
    assert_eq!(
        told,
        [
            "line 1: data_dirr: is not a setting; did you mean data_dir?",
            "line 3: log.level: write error, warn, info or debug in quotes; did you mean info?",
            "line 4: log.level: is written twice; keep one",
            "line 5: listn: is not a setting; did you mean listen?",
            "line 8: http.keep_alive_s: write a number from 1 to 3600",
            "line 9: networks[0].cidr: is missing; write it in this section",
            "line 10: networks[0].label: write 1 to 64 characters in quotes",
            "line 13: metrics.address: metrics are plain HTTP and stay on loopback; write 127.0.0.1:9464",
        ]
    );
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

/// The whole name of the key on a line of the sample.
fn key_of(at: usize) -> String {
    let key = SAMPLE.lines().nth(at).unwrap().split_once(" = ").unwrap().0;
    let above: Vec<&str> = SAMPLE.lines().take(at).collect();
    match above.iter().rev().find_map(|line| line.strip_prefix('[')) {
        None => key.to_owned(),
        Some(section) if section.starts_with('[') => {
            format!("{}[0].{key}", section.trim_matches(['[', ']']))
        }
        Some(section) => format!("{}.{key}", section.trim_end_matches(']')),
    }
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
            // A file that is no TOML is read no further than that: its sections are counted from none.
            let shown = key_of(at).replace("[0]", if wrong.starts_with(['b', '"']) { "" } else { "[0]" });
            assert_eq!((errors[0].line, &errors[0].key), (at + 1, &shown), "{wrong}: {errors:?}");
            assert!(!errors[0].message.contains(wrong));
        }
    }
}

#[test]
fn a47_every_key_is_refused_when_it_is_written_twice() {
    for (at, key) in sample_keys() {
        let line = SAMPLE.lines().nth(at).unwrap();
        let errors = Settings::parse(&sample_with(at, &format!("{line}\n{line}"))).unwrap_err();
        let shown = key_of(at).replace("[0]", "");
        assert!(key.len() <= shown.len());
        assert_eq!(errors[0].to_string(), format!("line {}: {shown}: is written twice; keep one", at + 2));
    }
}

#[test]
fn a_required_key_that_is_missing_is_named_with_the_section_that_lacks_it() {
    let told = |text: &str| Settings::parse(text).unwrap_err()[0].to_string();
    assert_eq!(told(""), "line 1: data_dir: is missing; write it at the top of the file");
    let network = "data_dir = \"x\"\n\n[[networks]]\nlabel = \"a\"";
    assert_eq!(told(network), "line 3: networks[0].cidr: is missing; write it in this section");
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
    assert_eq!(told(inline), "line 2: listen.adress: is not a setting; did you mean address?");
    assert!(told("[log]\ncidr = 1").ends_with("it belongs to [[networks]]"));
    assert!(told("[log]\ndata_dir = 1").ends_with("write it at the top of the file"));
    assert!(told("[log]\nsomething_else = 1").ends_with("see docs/configuration.md"));
    assert!(told("listen = 1").ends_with("is a section; write [listen] and its keys below"));
    assert!(told("networks = 1").ends_with("is a list of sections; write [[networks]] and its keys below"));
    assert!(
        told("networks = [1]").ends_with("networks[0]: is a section; write [[networks]] and its keys below")
    );
    assert!(
        told("telemetry.traces.sampel = 0.1").ends_with("sampel: is not a setting; did you mean sample?")
    );
}

#[test]
fn numbers_out_of_bounds_are_named_with_their_line_and_bounds() {
    let mut tried = 0;
    for key in KEYS.iter().filter(|key| !key.path.contains("[]")) {
        let Kind::Whole(low, high) = key.kind else { continue };
        let with = |n: u64| Settings::parse(&format!("data_dir = \"x\"\n\n{} = {n}", key.path));
        assert!(with(low).is_ok() && with(high).is_ok(), "{}", key.path);
        for n in [low.wrapping_sub(1), high + 1] {
            let error = with(n).unwrap_err().remove(0);
            assert_eq!(
                error.to_string(),
                format!("line 3: {}: write a number from {low} to {high}", key.path)
            );
        }
        tried += 1;
    }
    assert!(tried >= 20, "{tried}");
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
