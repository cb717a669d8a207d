//! A small reader of the text format holds the output to what Prometheus takes.

use super::*;
use crate::telemetry::families::Kind;

/// Everything the table says others bring.
fn all_observed() -> BTreeMap<&'static str, Observed> {
    let counted = Counted { below: vec![(250, 1), (1_000, 2)], count: 3, sum: 5_000 };
    let mut observed = BTreeMap::new();
    for (at, family) in FAMILIES.iter().enumerate() {
        let value = match (family.kind, family.labels) {
            (Kind::Histogram, _) if family.name.ends_with("_seconds") => Observed::Times(counted.clone()),
            (Kind::Histogram, _) => Observed::Counts(counted.clone()),
            (_, [_]) => Observed::Labelled(vec![("one", 1), ("two", 2)]),
            _ if family.name.ends_with("_seconds") => Observed::Micros(1_500_000),
            _ => Observed::Number(at as u64),
        };
        observed.insert(family.name, value);
    }
    observed
}

/// Name, labels as written, value; fails on anything the format does not allow.
fn parse(line: &str) -> (String, String, f64) {
    let (series, value) = line.rsplit_once(' ').unwrap();
    let (name, labels) = match series.split_once('{') {
        Some((name, rest)) => (name, rest.strip_suffix('}').unwrap()),
        None => (series, ""),
    };
    assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "{line}");
    for label in labels.split(',').filter(|l| !l.is_empty()) {
        let (key, value) = label.split_once("=\"").unwrap();
        assert!(key.chars().all(|c| c.is_ascii_lowercase()) && value.ends_with('"'), "{line}");
        assert!(!value.contains('\\') && value.matches('"').count() == 1, "{line}");
    }
    (name.to_owned(), labels.to_owned(), value.parse().unwrap())
}

#[test]
fn the_text_is_what_prometheus_reads() {
    let metrics = Metrics::new(&["/v1/search", "/v1/records/{rec}"], &["denied"]);
    metrics.request("/v1/search", 2, 400);
    metrics.request("/v1/records/{rec}", 4, 3_000);
    let text = metrics.render(&all_observed());
    let mut family: Option<(&str, &str)> = None;
    let mut seen = std::collections::HashSet::new();
    let mut rendered = Vec::new();
    for line in text.lines() {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            rendered.push(rest.split(' ').next().unwrap());
            continue;
        }
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            family = rest.split_once(' ');
            assert_eq!(Some(family.unwrap().0), rendered.last().copied(), "HELP, then TYPE");
            continue;
        }
        let (name, labels, value) = parse(line);
        let (of, kind) = family.unwrap();
        let ends: &[&str] = if kind == "histogram" { &["_bucket", "_sum", "_count"] } else { &[""] };
        assert!(ends.iter().any(|end| name == format!("{of}{end}")), "{line} under {of}");
        assert!(value >= 0.0 && seen.insert((name, labels)), "given twice: {line}");
    }
    let named: Vec<&str> = FAMILIES.iter().map(|family| family.name).collect();
    assert_eq!(rendered, named, "each family of the table once, in its order");
    assert!(text.ends_with('\n'));
}

#[test]
fn names_follow_the_conventions_and_are_given_once() {
    let mut names: Vec<&str> = FAMILIES.iter().map(|family| family.name).collect();
    for family in FAMILIES {
        assert_eq!(family.name.ends_with("_total"), family.kind == Kind::Counter, "{}", family.name);
        assert!(!family.name.contains("micros") && !family.meaning.contains('\n'));
        assert!(family.labels.len() <= 2, "{}", family.name);
    }
    names.sort_unstable();
    assert!(names.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn buckets_rise_and_end_with_all_observations() {
    let metrics = Metrics::new(&["/v1/search"], &[]);
    [100, 400, 3_000, 20_000_000].into_iter().for_each(|micros| metrics.request("/v1/search", 2, micros));
    let text = metrics.render(&BTreeMap::new());
    let of = |end: &str| -> Vec<f64> {
        let wanted = format!("strongroom_request_seconds{end}");
        text.lines()
            .filter(|l| !l.starts_with('#'))
            .map(parse)
            .filter(|(n, ..)| *n == wanted)
            .map(|(.., v)| v)
            .collect()
    };
    let buckets = of("_bucket");
    assert!(buckets.is_sorted() && buckets.len() == BUCKETS.len() + 1);
    assert_eq!((buckets.last(), of("_count").first()), (Some(&4.0), Some(&4.0)));
    assert!((of("_sum")[0] - 20.0035).abs() < 1e-9);
}

#[test]
fn requests_are_counted_by_template_and_class_and_strangers_as_other() {
    let metrics = Metrics::new(&["/v1/search"], &["denied"]);
    metrics.request("/v1/search", 2, 400);
    metrics.request("/v1/search", 4, 3_000);
    metrics.request("/never/declared", 2, 20_000_000);
    metrics.refusal("denied");
    metrics.refusal("never_declared");
    let text = metrics.render(&BTreeMap::new());
    for line in [
        "strongroom_requests_total{route=\"/v1/search\",status=\"2xx\"} 1",
        "strongroom_requests_total{route=\"/v1/search\",status=\"4xx\"} 1",
        "strongroom_requests_total{route=\"other\",status=\"2xx\"} 1",
        "strongroom_refusals_total{code=\"denied\"} 1",
        "strongroom_refusals_total{code=\"other\"} 1",
        "strongroom_request_seconds_bucket{route=\"/v1/search\",le=\"0.000500\"} 1",
        "strongroom_request_seconds_bucket{route=\"/v1/search\",le=\"+Inf\"} 2",
        "strongroom_request_seconds_count{route=\"other\"} 1",
    ] {
        assert!(text.lines().any(|l| l == line), "{line} in\n{text}");
    }
    assert!(!text.contains("never"));
}

#[test]
fn a_status_that_is_none_is_counted_nowhere_and_harms_nothing() {
    let metrics = Metrics::new(&["/v1/search"], &[]);
    [0, 6, 200, u16::MAX].into_iter().for_each(|class| metrics.request("/v1/search", class, 1));
    assert!(!metrics.render(&BTreeMap::new()).contains("strongroom_requests_total{"));
}
