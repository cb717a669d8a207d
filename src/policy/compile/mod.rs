//! From the policy file to what the judge works on: names become numbers, patterns become bit sets, and every fault is
//! reported with its line and what to write instead. What does not compile never governs (I4).

mod clients;
mod collections;
mod grants;
mod limits;
mod names;
mod notice;
mod purposes;
mod recipients;
mod regions;

use super::cidr::Cidr;
use super::errors::{Faults, PolicyError};
use super::facts::{ClientLimits, Policy};
use super::numbering::Numbering;
use super::source::{self, Source, Text};
use crate::domain::duration;
use std::time::Duration;

/// One compilation: the source, the faults so far, the policy so far.
struct Compiler<'s, 't> {
    source: &'s Source,
    faults: Faults<'t>,
    policy: Policy,
}

impl Policy {
    /// Parses and compiles a policy file, keeping the numbers of earlier versions. All faults at once.
    pub fn compile(text: &str, previous: &Numbering) -> Result<Self, Vec<PolicyError>> {
        let mut faults = Faults::new(text);
        let source = source::read(text, &mut faults);
        // A malformed entry is missing from the source: what refers to it would be reported as dangling.
        if !faults.is_empty() {
            return Err(faults.into_sorted());
        }
        let policy = Policy { numbering: previous.clone(), ..Policy::default() };
        let mut compiler = Compiler { source: &source, faults, policy };
        compiler.run();
        if compiler.faults.is_empty() { Ok(compiler.policy) } else { Err(compiler.faults.into_sorted()) }
    }

    /// As [`Policy::compile`], then every client is opened to loopback and nothing else, with limits that do not bind.
    pub fn compile_for_development(text: &str, previous: &Numbering) -> Result<Self, Vec<PolicyError>> {
        let mut policy = Self::compile(text, previous)?;
        for client in policy.clients.values_mut() {
            client.networks = vec![Cidr::LOOPBACK_V4, Cidr::LOOPBACK_V6];
            client.limits = ClientLimits {
                requests_per_second: 1_000_000,
                reads_per_hour: 2_000_000_000,
                subjects_per_day: 50_000_000,
                ..ClientLimits::default()
            };
        }
        Ok(policy)
    }
}

impl Compiler<'_, '_> {
    fn run(&mut self) {
        self.number_names();
        self.head();
        self.regions();
        self.transfers();
        self.minors();
        self.collections();
        self.purposes();
        self.recipients();
        self.audiences();
        self.clients();
        self.roles();
        self.audit();
        self.notice();
    }

    fn audit(&mut self) {
        let source = self.source;
        if let Some(audit) = &source.audit {
            self.duration(&audit.keep, "audit.keep");
        }
    }

    /// A name of a closed list.
    fn one_of(&mut self, text: &Text, path: &str, known: &[&str], what: &str) -> bool {
        let found = known.contains(&text.get_ref().as_str());
        if !found {
            self.faults.unknown((text.span(), path), text.get_ref(), known, what);
        }
        found
    }

    fn duration(&mut self, text: &Text, path: &str) -> Option<Duration> {
        let read = duration::parse(text.get_ref());
        if read.is_none() {
            let message = format!(
                "`{}` is no duration; write a number from 1 to 99999 and one of s, m, h, d, mo, y, as in \"90d\".",
                text.get_ref()
            );
            self.faults.at(text.span(), path, message);
        }
        read
    }

    fn not_empty(&mut self, text: &Text, path: &str) {
        if text.get_ref().trim().is_empty() {
            self.faults.at(text.span(), path, String::from("is empty; write it out."));
        }
    }
}

/// `` `a`, `b` `` of a section's names.
fn names_of<T>(section: &[(Text, T)]) -> Vec<&str> {
    section.iter().map(|(name, _)| name.get_ref().as_str()).collect()
}
