//! Prometheus metrics from one table of names, with closed label sets: no label comes from user data (I6), so their number
//! is bounded (I10). Counting is atomics only; what others measure is brought when the text is asked for.

use crate::domain::measure::{Counted, Histogram};
use crate::telemetry::families::{FAMILIES, Family};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};

/// Upper bounds of the latency buckets, in microseconds.
const BUCKETS: [u64; 10] = [250, 500, 1_000, 2_500, 5_000, 10_000, 50_000, 250_000, 1_000_000, 10_000_000];
/// Status classes 1xx to 5xx.
const CLASSES: usize = 5;
/// Where routes and codes that were not declared are counted.
const OTHER: &str = "other";

struct Route {
    classes: [AtomicU64; CLASSES],
    micros: Histogram<10>,
}

impl Default for Route {
    fn default() -> Self {
        Self { classes: Default::default(), micros: Histogram::new(&BUCKETS) }
    }
}

/// What somebody else measured.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Observed {
    /// A number.
    Number(u64),
    /// Microseconds, shown as seconds.
    Micros(u64),
    /// A number for each value of the family's one label.
    Labelled(Vec<(&'static str, u64)>),
    /// Microseconds in buckets, shown as seconds.
    Times(Counted),
    /// Numbers in buckets.
    Counts(Counted),
}

/// The registry.
pub struct Metrics {
    routes: BTreeMap<&'static str, Route>,
    codes: BTreeMap<&'static str, AtomicU64>,
    panics: AtomicU64,
}

impl Metrics {
    /// A registry for these route templates and error codes; others are counted as `other`.
    pub fn new(routes: &[&'static str], codes: &[&'static str]) -> Self {
        let with_other = |known: &[&'static str]| known.iter().copied().chain([OTHER]).collect::<Vec<_>>();
        Self {
            routes: with_other(routes).into_iter().map(|route| (route, Route::default())).collect(),
            codes: with_other(codes).into_iter().map(|code| (code, AtomicU64::new(0))).collect(),
            panics: AtomicU64::new(0),
        }
    }

    /// A request ended.
    pub fn request(&self, route: &'static str, class: u16, micros: u64) {
        let Some(route) = self.routes.get(route).or_else(|| self.routes.get(OTHER)) else { return };
        if let Some(slot) = route.classes.get(usize::from(class).wrapping_sub(1)) {
            slot.fetch_add(1, Ordering::Relaxed);
        }
        route.micros.observe(micros);
    }
    /// A request was refused.
    pub fn refusal(&self, code: &'static str) {
        if let Some(slot) = self.codes.get(code).or_else(|| self.codes.get(OTHER)) {
            slot.fetch_add(1, Ordering::Relaxed);
        }
    }
    /// A panic was contained.
    pub fn panics(&self) {
        self.panics.fetch_add(1, Ordering::Relaxed);
    }

    /// The text exposition format, with what others measured by the names of their families.
    pub fn render(&self, observed: &BTreeMap<&'static str, Observed>) -> String {
        let mut out = String::with_capacity(16_384);
        for family in FAMILIES {
            // Writing to a string cannot fail.
            let _ = writeln!(out, "# HELP {} {}", family.name, family.meaning);
            let _ = writeln!(out, "# TYPE {} {}", family.name, family.kind.name());
            match family.name {
                "strongroom_requests_total" => self.requests(family, &mut out),
                "strongroom_request_seconds" => self.latency(family, &mut out),
                "strongroom_refusals_total" => {
                    for (code, slot) in &self.codes {
                        labelled(family, code, slot.load(Ordering::Relaxed), &mut out);
                    }
                }
                "strongroom_panics_total" => {
                    let panics = self.panics.load(Ordering::Relaxed).max(super::panics());
                    let _ = writeln!(out, "{} {panics}", family.name);
                }
                "strongroom_build_info" => labelled(family, env!("CARGO_PKG_VERSION"), 1, &mut out),
                name => {
                    if let Some(observed) = observed.get(name) {
                        brought(family, observed, &mut out);
                    }
                }
            }
        }
        out
    }

    fn requests(&self, family: &Family, out: &mut String) {
        for (route, kept) in &self.routes {
            for (class, slot) in kept.classes.iter().enumerate() {
                let value = slot.load(Ordering::Relaxed);
                if value > 0 {
                    let _ = writeln!(
                        out,
                        "{}{{route=\"{route}\",status=\"{}xx\"}} {value}",
                        family.name,
                        class + 1
                    );
                }
            }
        }
    }

    fn latency(&self, family: &Family, out: &mut String) {
        for (route, kept) in &self.routes {
            let counted = kept.micros.counted();
            if counted.count > 0 {
                buckets(family, &format!("route=\"{route}\""), &counted, seconds, out);
            }
        }
    }
}

fn brought(family: &Family, observed: &Observed, out: &mut String) {
    let _ = match observed {
        Observed::Number(value) => writeln!(out, "{} {value}", family.name),
        Observed::Micros(value) => writeln!(out, "{} {}", family.name, seconds(*value)),
        Observed::Labelled(values) => {
            values.iter().for_each(|(label, value)| labelled(family, label, *value, out));
            Ok(())
        }
        Observed::Times(counted) => {
            buckets(family, "", counted, seconds, out);
            Ok(())
        }
        Observed::Counts(counted) => {
            buckets(family, "", counted, |n| n.to_string(), out);
            Ok(())
        }
    };
}

fn labelled(family: &Family, value: &str, number: u64, out: &mut String) {
    let label = family.labels.first().copied().unwrap_or("of");
    let _ = writeln!(out, "{}{{{label}=\"{value}\"}} {number}", family.name);
}

fn buckets(
    family: &Family,
    labels: &str,
    counted: &Counted,
    shown: impl Fn(u64) -> String,
    out: &mut String,
) {
    let name = family.name;
    let (comma, alone) = if labels.is_empty() { ("", String::new()) } else { (",", format!("{{{labels}}}")) };
    for (bound, below) in &counted.below {
        let _ = writeln!(out, "{name}_bucket{{{labels}{comma}le=\"{}\"}} {below}", shown(*bound));
    }
    let _ = writeln!(out, "{name}_bucket{{{labels}{comma}le=\"+Inf\"}} {}", counted.count);
    let _ = writeln!(out, "{name}_sum{alone} {}\n{name}_count{alone} {}", shown(counted.sum), counted.count);
}

/// Microseconds as decimal seconds, exactly.
fn seconds(micros: u64) -> String {
    format!("{}.{:06}", micros / 1_000_000, micros % 1_000_000)
}

#[cfg(test)]
mod tests;
