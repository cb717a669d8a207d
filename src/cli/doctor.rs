//! `strongroom doctor`: every hardening measure, in force or not, in one list with what to do; as text or as JSON.

use crate::cli::Failed;
use crate::cli::remote::Link;
use std::io::Write;
use std::path::Path;

/// How a measure stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum Standing {
    /// In force.
    Ok,
    /// Not built yet; nothing to do.
    Absent,
    /// Weaker than it could be.
    Warn,
    /// Broken: serve refuses or should not be trusted.
    Fail,
}

impl Standing {
    /// The word of the JSON report.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Absent => "absent",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
    fn mark(self) -> &'static str {
        match self {
            Self::Ok => "ok  ",
            Self::Absent => "none",
            Self::Warn => "warn",
            Self::Fail => "FAIL",
        }
    }
}

/// One line of the report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Finding {
    /// The measure.
    pub measure: &'static str,
    /// How it stands.
    pub standing: Standing,
    /// What was found, and what to do.
    pub detail: String,
}

impl Finding {
    /// A finding.
    pub fn new(measure: &'static str, standing: Standing, detail: impl Into<String>) -> Self {
        Self { measure, standing, detail: detail.into() }
    }
    /// `ok` with one sentence, or else another standing with another.
    pub fn of(measure: &'static str, holds: bool, good: &str, (otherwise, bad): (Standing, &str)) -> Self {
        if holds { Self::new(measure, Standing::Ok, good) } else { Self::new(measure, otherwise, bad) }
    }
}

/// Prints the report; fails when a measure is broken (exit code 1) or weak (exit code 2).
pub fn report(findings: &[Finding], json: bool, out: &mut dyn Write) -> Result<(), Failed> {
    let count = |standing| findings.iter().filter(|f| f.standing == standing).count();
    let (weak, broken) = (count(Standing::Warn), count(Standing::Fail));
    if json {
        let all: Vec<serde_json::Value> = findings
            .iter()
            .map(|f| serde_json::json!({"measure": f.measure, "standing": f.standing.name(), "detail": f.detail}))
            .collect();
        let whole = serde_json::json!({"warnings": weak, "failures": broken, "findings": all});
        writeln!(out, "{whole:#}")?;
    } else {
        for finding in findings {
            writeln!(out, "{}  {:<22} {}", finding.standing.mark(), finding.measure, finding.detail)?;
        }
    }
    match (weak, broken) {
        (0, 0) => Ok(()),
        (weak, 0) => Err(Failed::new(format!("{weak} measure(s) {}", crate::cli::WEAK))),
        (_, broken) => Err(Failed::new(format!("{broken} measure(s) broken; see FAIL above"))),
    }
}

/// What the server of a vault says of it, and how a policy file compares with the one that governs.
pub async fn ask(link: &Link, policy: Option<&Path>) -> Result<Vec<Finding>, Failed> {
    let told: Told = link.local("GET", "/local/doctor", None).await?;
    let mut found: Vec<Finding> = told.findings.into_iter().map(Finding::from).collect();
    if let Some(file) = policy {
        let governing: Result<Governing, Failed> = link.local("GET", "/local/policy", None).await;
        found.push(compare(governing.map(|g| g.text).map_err(|e| e.0), file));
    }
    Ok(found)
}

/// Compares a policy file with the text that governs.
pub fn compare(governing: Result<String, String>, file: &Path) -> Finding {
    match (std::fs::read_to_string(file), governing) {
        (Ok(text), Ok(sealed)) if text == sealed => {
            Finding::new("policy file", Standing::Ok, "is the policy that governs")
        }
        (Ok(_), Ok(_)) => Finding::new(
            "policy file",
            Standing::Warn,
            "differs from the sealed policy, which governs; `strongroom policy diff` says in what",
        ),
        (Err(e), _) => Finding::new(
            "policy file",
            Standing::Fail,
            format!("{}: {}", file.display(), crate::domain::io_words(e.kind())),
        ),
        (_, Err(e)) => Finding::new("policy file", Standing::Fail, e),
    }
}

#[derive(serde::Deserialize)]
struct Told {
    findings: Vec<ToldFinding>,
}

#[derive(serde::Deserialize)]
struct ToldFinding {
    measure: String,
    standing: String,
    detail: String,
}

#[derive(serde::Deserialize)]
struct Governing {
    text: String,
}

impl From<ToldFinding> for Finding {
    fn from(told: ToldFinding) -> Self {
        let standing = match told.standing.as_str() {
            "ok" => Standing::Ok,
            "warn" => Standing::Warn,
            "none" => Standing::Absent,
            _ => Standing::Fail,
        };
        // The server's measures are few and fixed; an unknown one is a newer server's.
        let known = ["vault", "operators", "kind", "readiness", "client keys"];
        let measure = known.into_iter().find(|k| *k == told.measure).unwrap_or("vault");
        Self::new(measure, standing, told.detail)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings() -> [Finding; 3] {
        [
            Finding::new("keyring file", Standing::Ok, "private"),
            Finding::new("root provider", Standing::Warn, "key file"),
            Finding::new("keyring", Standing::Fail, "missing"),
        ]
    }

    #[test]
    fn a_broken_measure_ends_with_one_a_weak_one_with_two_and_none_with_nothing() {
        let [good, weak, broken] = findings();
        let code =
            |findings: &[Finding]| report(findings, false, &mut Vec::new()).err().map(|e| e.exit_code());
        assert_eq!(code(std::slice::from_ref(&good)), None);
        assert_eq!(code(&[good.clone(), weak.clone()]), Some(2));
        assert_eq!(code(&[good.clone(), weak, broken]), Some(1));
        assert_eq!(code(&[good, Finding::new("sandbox", Standing::Absent, "later")]), None);
    }

    #[test]
    fn both_forms_tell_the_same() {
        let (mut text, mut json) = (Vec::new(), Vec::new());
        assert!(
            report(&findings(), false, &mut text).is_err() && report(&findings(), true, &mut json).is_err()
        );
        assert!(String::from_utf8(text).unwrap().contains("FAIL  keyring "));
        let json: serde_json::Value = serde_json::from_slice(&json).unwrap();
        assert_eq!((&json["warnings"], &json["failures"]), (&serde_json::json!(1), &serde_json::json!(1)));
        assert_eq!(json["findings"][2]["standing"], "fail");
    }
}
