//! Limiters whose keys strangers can make up (networks, sources, credentials): every store is capped (I10, A11).

use super::clock::GovernorClock;
use super::keyed::Keyed;
use super::settings::Settings;
use super::state::{Rule, Verdict};
use super::windows::Window;
use std::time::Duration;

/// One check of a credential: whose it is, where the login came from, from which network it was asked.
#[derive(Clone, Copy, Debug)]
pub struct Check<'a> {
    /// Digests of all that stands for the credential: its record, its login.
    pub subjects: &'a [[u8; 16]],
    /// Digest of the source the client named.
    pub source: Option<[u8; 16]>,
    /// Digest of the network the client called from.
    pub network: [u8; 16],
}

pub(super) struct Keys {
    pub(super) networks: Keyed<[u8; 16]>,
    pub(super) failures: Keyed<[u8; 16]>,
    pub(super) subject_reads: Keyed<u64>,
    checks: Keyed<[u8; 16]>,
    hourly: Keyed<[u8; 16]>,
    sources: Keyed<[u8; 16]>,
    callers: Keyed<[u8; 16]>,
    pub(super) public: Keyed<[u8; 16]>,
    pub(super) bytes: [Option<Window>; 1],
}

struct Rules {
    networks: Rule,
    failures: Rule,
    subject_reads: Rule,
    checks: Rule,
    hourly: Rule,
    sources: Rule,
    callers: Rule,
    public: Rule,
}

fn rules(s: &Settings) -> Rules {
    let (second, minute, hour) =
        (Duration::from_secs(1), Duration::from_secs(60), Duration::from_secs(3_600));
    Rules {
        networks: Rule::new("network", s.network_requests_per_second, second).with_burst(s.network_burst),
        failures: Rule::new("failed_auth", s.failed_auth_per_ten_minutes, minute * 10),
        subject_reads: Rule::new("subject_reads_per_hour", s.subject_reads_per_hour, hour),
        checks: Rule::new("subject", s.verify_per_subject_per_minute, minute),
        hourly: Rule::new("subject", s.verify_per_subject_per_hour, hour),
        sources: Rule::new("source", s.verify_per_source_per_minute, minute),
        callers: Rule::new("network", s.verify_per_network_per_minute, minute),
        public: Rule::new("public", s.public_per_network_per_minute, minute),
    }
}

impl Keys {
    pub(super) fn new(settings: &Settings, clock: &GovernorClock) -> Self {
        let (rules, cap) = (rules(settings), settings.max_keys);
        Self {
            networks: Keyed::new(rules.networks, cap, clock),
            failures: Keyed::new(rules.failures, cap, clock),
            subject_reads: Keyed::new(rules.subject_reads, cap, clock),
            checks: Keyed::new(rules.checks, cap, clock),
            hourly: Keyed::new(rules.hourly, cap, clock),
            sources: Keyed::new(rules.sources, cap, clock),
            callers: Keyed::new(rules.callers, cap, clock),
            public: Keyed::new(rules.public, cap, clock),
            bytes: super::declared::bytes(settings.client_bytes_per_second),
        }
    }

    /// The same keys under other settings: nobody gets back what it has used.
    pub(super) fn under(&self, settings: &Settings) -> Self {
        let (rules, cap) = (rules(settings), settings.max_keys);
        Self {
            networks: self.networks.under(rules.networks, cap),
            failures: self.failures.under(rules.failures, cap),
            subject_reads: self.subject_reads.under(rules.subject_reads, cap),
            checks: self.checks.under(rules.checks, cap),
            hourly: self.hourly.under(rules.hourly, cap),
            sources: self.sources.under(rules.sources, cap),
            callers: self.callers.under(rules.callers, cap),
            public: self.public.under(rules.public, cap),
            bytes: super::declared::bytes(settings.client_bytes_per_second),
        }
    }

    /// What checking would answer; consumes nothing. Of several refusals the one with the longest wait.
    pub(super) fn may_check(&self, check: &Check<'_>) -> Verdict {
        let subjects = check.subjects.iter().flat_map(|key| [self.checks.peek(key), self.hourly.peek(key)]);
        let sources = check.source.iter().map(|key| self.sources.peek(key));
        let all = subjects.chain(sources).chain([self.callers.peek(&check.network)]);
        all.max_by_key(Verdict::wait).unwrap_or(Verdict::Ok(super::State::default()))
    }

    /// One check. A refusal consumes nothing, of this or any other counter, so that trying while locked prolongs nothing;
    /// nothing is ever reset, so that a check that succeeds opens no other's counter.
    pub(super) fn check(&self, check: &Check<'_>) -> Verdict {
        let may = self.may_check(check);
        if !may.is_ok() {
            return may;
        }
        let subjects = check.subjects.iter().flat_map(|key| [(&self.checks, key), (&self.hourly, key)]);
        let sources = check.source.iter().map(|key| (&self.sources, key));
        // Between the look and the charge another check may have come: then this one is refused.
        for (limiter, key) in subjects.chain(sources).chain([(&self.callers, &check.network)]) {
            let verdict = limiter.charge(key, 1);
            if !verdict.is_ok() {
                return verdict;
            }
        }
        may
    }

    pub(super) fn housekeep(&self) {
        self.networks.housekeep();
        self.failures.housekeep();
        self.subject_reads.housekeep();
        self.checks.housekeep();
        self.hourly.housekeep();
        self.sources.housekeep();
        self.callers.housekeep();
        self.public.housekeep();
    }

    pub(super) fn len(&self) -> usize {
        let digests = [
            &self.networks,
            &self.failures,
            &self.checks,
            &self.hourly,
            &self.sources,
            &self.callers,
            &self.public,
        ];
        digests.iter().map(|keyed| keyed.len()).sum::<usize>() + self.subject_reads.len()
    }
}
