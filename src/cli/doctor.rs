//! `strongroom doctor`: every hardening measure, in force or not, in one list.

use crate::cli::Failed;
use std::io::Write;

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
