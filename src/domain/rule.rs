//! The closed list of rules that can refuse (`denied`), and the set of them an audit event carries.

macro_rules! rules {
    ($($variant:ident = $number:literal, $name:literal, $doc:literal;)*) => {
        /// A rule of the judge. The order of declaration is the order of judging: the first that fails is reported.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        #[repr(u8)]
        pub enum Rule { $(#[doc = $doc] $variant = $number,)* }
        impl Rule {
            /// Every rule, in order of judging.
            pub const ALL: &'static [Rule] = &[$(Rule::$variant,)*];
            /// The name in the API and in documents.
            pub fn name(self) -> &'static str { match self { $(Rule::$variant => $name,)* } }
            /// What the rule means, as a fixed sentence.
            pub fn meaning(self) -> &'static str { match self { $(Rule::$variant => $doc,)* } }
        }
    };
}

rules! {
    ClientSuspended = 0, "client_suspended", "The client is suspended; ask a security officer.";
    KeyExpired = 1, "key_expired", "The key has expired or was withdrawn; use a current one.";
    NetworkNotAllowed = 2, "network_not_allowed", "The caller's network is not declared for this client.";
    ConfidentialityNotAcknowledged = 3, "confidentiality_not_acknowledged", "The operator has not acknowledged the current undertaking.";
    ThrottledByAlert = 4, "throttled_by_alert", "An alert holds this client back.";
    PurposeNotGranted = 5, "purpose_not_granted", "The purpose is not granted to this client; GET /v1/whoami lists those that are.";
    ActNotGranted = 6, "act_not_granted", "The act is not granted to this client.";
    FieldNotGranted = 7, "field_not_granted", "The field is not granted for this purpose; GET /v1/whoami lists those that are.";
    PlainNotGranted = 8, "plain_not_granted", "Only the masked form is granted; ask for masked.";
    FieldNotNeeded = 9, "field_not_needed", "No purpose granted for writing needs this field; leave it out.";
    ResearchIsMasked = 10, "research_is_masked", "Research reads aggregates and masked values only.";
    RecipientUnknown = 11, "recipient_unknown", "The recipient is not registered.";
    RecipientSuspended = 12, "recipient_suspended", "The recipient is suspended.";
    ContractExpired = 13, "contract_expired", "The recipient's contract is not in force.";
    ProcessorCeiling = 14, "processor_ceiling", "The recipient may not receive this field for this purpose.";
    RegionNotServed = 15, "region_not_served", "The region is not served by this vault.";
    TransferNotAllowed = 16, "transfer_not_allowed", "No transfer basis is declared for this pair of countries.";
    SubjectRestricted = 17, "subject_restricted", "Processing of this subject's data is restricted.";
    Objected = 18, "objected", "The subject objected to this purpose.";
    ConsentMissing = 19, "consent_missing", "The purpose rests on consent and none stands.";
    RecipientConsentMissing = 20, "recipient_consent_missing", "The subject has not consented to this recipient.";
    PurposeNotNotified = 21, "purpose_not_notified", "The subject was not notified of this purpose.";
    ContextMissing = 22, "context_missing", "The grant asks for a context; name one.";
    ContextUnverified = 23, "context_unverified", "The context is not verified for this subject.";
}

/// A set of rules.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub struct RuleSet(pub u32);

impl RuleSet {
    /// Adds a rule.
    pub fn insert(&mut self, rule: Rule) {
        self.0 |= 1 << (rule as u32);
    }
    /// Whether the rule is in.
    pub fn contains(self, rule: Rule) -> bool {
        self.0 & (1 << (rule as u32)) != 0
    }
    /// The rules in order of judging.
    pub fn iter(self) -> impl Iterator<Item = Rule> {
        Rule::ALL.iter().copied().filter(move |r| self.contains(*r))
    }
    /// Whether it is empty.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

impl FromIterator<Rule> for RuleSet {
    fn from_iter<I: IntoIterator<Item = Rule>>(rules: I) -> Self {
        let mut set = Self::default();
        rules.into_iter().for_each(|r| set.insert(r));
        set
    }
}
