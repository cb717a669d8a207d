//! The compiled form the judge works on: numbers, bit sets and small vectors, no names and no text but notices.

use crate::domain::date::Date;
use crate::domain::subject::Region;
use crate::domain::{FieldNo, PurposeNo, RecipientNo};

/// A set of small numbers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Bits(Vec<u64>);

impl Bits {
    pub(super) fn insert(&mut self, n: u16) {
        let word = usize::from(n / 64);
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        if let Some(bits) = self.0.get_mut(word) {
            *bits |= 1 << (n % 64);
        }
    }
    pub(super) fn has(&self, n: u16) -> bool {
        self.0.get(usize::from(n / 64)).is_some_and(|bits| bits & (1 << (n % 64)) != 0)
    }
    pub(super) fn meets(&self, other: &Self) -> bool {
        self.0.iter().zip(&other.0).any(|(a, b)| a & b != 0)
    }
    pub(super) fn iter(&self) -> impl Iterator<Item = u16> {
        let words = (0u16..).zip(&self.0);
        words
            .flat_map(|(at, bits)| (0..64u16).filter(move |n| bits & (1 << n) != 0).map(move |n| at * 64 + n))
    }
}

impl FromIterator<u16> for Bits {
    fn from_iter<I: IntoIterator<Item = u16>>(numbers: I) -> Self {
        let mut bits = Self::default();
        numbers.into_iter().for_each(|n| bits.insert(n));
        bits
    }
}

/// Legal basis of a purpose.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Basis {
    Consent,
    Contract,
    LegalObligation,
    VitalInterests,
    PublicTask,
    LegitimateInterests,
}

impl Basis {
    pub(super) const NAMES: &'static [&'static str] = &[
        "consent",
        "contract",
        "legal_obligation",
        "vital_interests",
        "public_task",
        "legitimate_interests",
    ];
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "consent" => Self::Consent,
            "contract" => Self::Contract,
            "legal_obligation" => Self::LegalObligation,
            "vital_interests" => Self::VitalInterests,
            "public_task" => Self::PublicTask,
            "legitimate_interests" => Self::LegitimateInterests,
            _ => return None,
        })
    }
}

/// What the judge knows of a purpose.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct PurposeRules {
    pub(super) name: String,
    pub(super) basis: Basis,
    pub(super) administrative: bool,
    pub(super) opt_out: bool,
    pub(super) marketing: bool,
    pub(super) masked_only: bool,
    pub(super) during_restriction: bool,
    pub(super) since_notice: Option<String>,
}

/// Which context a grant asks for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum ContextRule {
    None,
    Present,
    Verified,
}

/// What a client may do for one purpose.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Grant {
    pub(super) purpose: PurposeNo,
    pub(super) write: Bits,
    pub(super) plain: Bits,
    pub(super) masked: Bits,
    pub(super) search: Bits,
    pub(super) verify: Bits,
    pub(super) recipients: Bits,
    pub(super) context: ContextRule,
}

/// What a client may do.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct ClientRules {
    pub(super) country: Option<Region>,
    pub(super) grants: Vec<Grant>,
    pub(super) acts: std::collections::BTreeSet<String>,
}

impl ClientRules {
    pub(super) fn grant(&self, purpose: PurposeNo) -> Option<&Grant> {
        self.grants.iter().find(|g| g.purpose == purpose)
    }
}

/// A processor or third party.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct RecipientRules {
    pub(super) no: RecipientNo,
    pub(super) name: String,
    pub(super) third_party: bool,
    pub(super) country: Region,
    /// First and last day of the contract.
    pub(super) contract: Option<(Date, Date)>,
    pub(super) purposes: Bits,
    pub(super) fields: Bits,
    /// It has a transfer basis of its own.
    pub(super) own_basis: bool,
}

impl RecipientRules {
    pub(super) fn in_force(&self, today: Date) -> bool {
        self.contract.is_none_or(|(signed, expires)| signed <= today && today <= expires)
    }
    pub(super) fn may_have(&self, field: FieldNo) -> bool {
        self.fields.has(field.0)
    }
}

/// One end of a declared transfer: the countries it stands for.
pub(super) type Countries = Vec<Region>;

/// A declared transfer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct TransferRule {
    pub(super) from: Countries,
    pub(super) to: Countries,
    pub(super) masked_only: bool,
}

/// Whether data may go from one country to another.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Passage {
    Free,
    MaskedOnly,
    Closed,
}

/// Region groups and declared transfers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(super) struct Transfers {
    pub(super) groups: Vec<Countries>,
    pub(super) rules: Vec<TransferRule>,
}

impl Transfers {
    /// Decides one pair. A country to itself and within one group: free. Else by declaration or the recipient's own
    /// basis; a declaration that says masked binds even then (deny beats allow).
    pub(super) fn passage(&self, from: Region, to: Region, own_basis: bool) -> Passage {
        if from == to || self.groups.iter().any(|g| g.contains(&from) && g.contains(&to)) {
            return Passage::Free;
        }
        let declared = |r: &&TransferRule| r.from.contains(&from) && r.to.contains(&to);
        let mut matching = self.rules.iter().filter(declared).peekable();
        if matching.peek().is_none() && !own_basis {
            return Passage::Closed;
        }
        if matching.any(|r| r.masked_only) { Passage::MaskedOnly } else { Passage::Free }
    }
}
