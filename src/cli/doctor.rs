//! `strongroom doctor`: every hardening measure, in force or not, in one list.

use crate::cli::Failed;
use crate::cli::remote::Link;
use std::io::Write;
use std::path::Path;

/// How a measure stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Standing {
    /// In force.
    Ok,
    /// Weaker than it could be.
    Warn,
    /// Broken: serve refuses or should not be trusted.
    Fail,
    /// Not built yet.
    Absent,
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
}

/// Prints the report; fails when a measure is broken.
pub fn report(findings: &[Finding], out: &mut dyn Write) -> Result<(), Failed> {
    for finding in findings {
        let mark = match finding.standing {
            Standing::Ok => "ok  ",
            Standing::Warn => "warn",
            Standing::Fail => "FAIL",
            Standing::Absent => "none",
        };
        writeln!(out, "{mark}  {:<22} {}", finding.measure, finding.detail)?;
    }
    let broken = findings.iter().filter(|f| f.standing == Standing::Fail).count();
    if broken == 0 { Ok(()) } else { Err(Failed::new(format!("{broken} measure(s) broken; see FAIL above"))) }
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

    #[test]
    fn a_broken_measure_fails_the_report_and_a_weak_one_does_not() {
        let weak = Finding::new("root provider", Standing::Warn, "key file");
        let broken = Finding::new("keyring", Standing::Fail, "missing");
        let mut out = Vec::new();
        assert!(report(std::slice::from_ref(&weak), &mut out).is_ok());
        assert!(report(&[weak, broken], &mut out).is_err());
        assert!(String::from_utf8(out).unwrap().contains("FAIL  keyring"));
    }
}
