//! What a compiled policy tells the other rooms: names, numbers and declared facts. Nothing here grants anything.

use super::calendar::Calendar;
use super::cidr::Cidr;
use super::notice::Notice;
use super::numbering::{Numbering, Space};
use super::rules::{Basis, ClientRules, Grant, PurposeRules, RecipientRules, Transfers};
use crate::domain::field::{FieldType, Mask};
use crate::domain::subject::Region;
use crate::domain::value::ValueOptions;
use crate::domain::{
    AudienceNo, ClientNo, CollectionNo, FieldNo, PolicyVersion, PurposeNo, RecipientNo, Timestamp,
};
use std::collections::BTreeMap;
use std::time::Duration;

/// How a field may be searched.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Search {
    /// Exactly, by the full 128-bit blind value.
    Exact,
    /// Together with a part of another field of the same record (`shipping.name` with `address.postcode`); truncated.
    Compound {
        /// The other field.
        with: FieldNo,
        /// The part within it, if composite.
        part: Option<String>,
    },
}

/// What the policy says of a field.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct FieldFacts {
    /// Its number.
    pub no: FieldNo,
    /// Its collection.
    pub collection: CollectionNo,
    /// Short name, `email`.
    pub name: String,
    /// Full name, `contact.email`.
    pub full_name: String,
    /// Its type.
    pub kind: FieldType,
    /// Options of the type.
    pub options: ValueOptions,
    /// Sensitivity 1 ..= 5: the cost of reading it.
    pub sensitivity: u8,
    /// Its mask.
    pub mask: Mask,
    /// A record of the collection must have it.
    pub required: bool,
    /// Whether and how it is searchable.
    pub search: Option<Search>,
}

/// What the policy says of a client.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClientFacts {
    /// Its number (also the number of its audience of one).
    pub no: ClientNo,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub country: Region,
    /// From where it may call.
    pub networks: Vec<Cidr>,
    /// `["key"]`, `["mtls"]`, `["mtls","key"]`: is a key asked for?
    pub accepts_key: bool,
    /// Is a client certificate asked for? Both: both are, of the same client.
    pub accepts_mtls: bool,
    /// Limits, as declared.
    pub limits: ClientLimits,
}

/// Declared limits of a client; generous defaults where the policy is silent.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ClientLimits {
    /// Requests a second.
    pub requests_per_second: u32,
    /// Cost units (records × sensitivity) a second.
    pub reads_per_second: Option<u32>,
    /// Cost units a minute.
    pub reads_per_minute: Option<u32>,
    /// Cost units an hour.
    pub reads_per_hour: u32,
    /// Cost units a day.
    pub reads_per_day: Option<u32>,
    /// Distinct subjects an hour.
    pub subjects_per_hour: Option<u32>,
    /// Distinct subjects a day.
    pub subjects_per_day: u32,
    /// When the windows shorter than a day are wider.
    pub batch_calendar: Calendar,
}

impl ClientLimits {
    /// The limits in force at an instant: the calendar widens every window of reads and subjects shorter than a day.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        let times = self.batch_calendar.times_at(now);
        let wider = |quota: Option<u32>| quota.map(|quota| quota.saturating_mul(times));
        Self {
            reads_per_second: wider(self.reads_per_second),
            reads_per_minute: wider(self.reads_per_minute),
            reads_per_hour: self.reads_per_hour.saturating_mul(times),
            subjects_per_hour: wider(self.subjects_per_hour),
            ..self
        }
    }
}

/// What the policy says of a collection.
#[derive(Clone, Debug)]
pub(super) struct CollectionFacts {
    pub(super) name: String,
    pub(super) fields: BTreeMap<String, FieldNo>,
    pub(super) audience: Option<AudienceNo>,
    pub(super) token_life: Option<Duration>,
    pub(super) duty: Option<Duty>,
}

/// A duty to retain: the event it counts from, and for how long (C24).
#[derive(Clone, Debug)]
pub(super) struct Duty {
    pub(super) from: String,
    pub(super) keep: Duration,
}

/// A group of clients.
#[derive(Clone, Debug)]
pub(super) struct Audience {
    pub(super) name: String,
    pub(super) members: Vec<ClientNo>,
}

/// The compiled policy.
#[derive(Default)]
pub struct Policy {
    pub(super) numbering: Numbering,
    pub(super) version: u32,
    pub(super) name: String,
    pub(super) collections: BTreeMap<CollectionNo, CollectionFacts>,
    pub(super) fields: BTreeMap<FieldNo, FieldFacts>,
    pub(super) purposes: BTreeMap<PurposeNo, PurposeRules>,
    pub(super) clients: BTreeMap<ClientNo, ClientFacts>,
    pub(super) client_rules: BTreeMap<ClientNo, ClientRules>,
    pub(super) recipients: BTreeMap<RecipientNo, RecipientRules>,
    pub(super) audiences: BTreeMap<AudienceNo, Audience>,
    pub(super) served: Vec<Region>,
    pub(super) transfers: Transfers,
    pub(super) minimum_age: u16,
    pub(super) minimum_age_by_country: BTreeMap<Region, u16>,
    pub(super) takes_unknown_age: bool,
    /// What operators may do; told to the public, judged nowhere yet.
    pub(super) role_grants: Vec<Grant>,
    pub(super) notice: Notice,
}

impl Policy {
    /// A policy that declares nothing and so refuses everything, until the governing one is read.
    pub fn nothing() -> Self {
        Self { minimum_age: u16::MAX, ..Self::default() }
    }
    /// Numbers of this and all earlier versions.
    pub fn numbering(&self) -> &Numbering {
        &self.numbering
    }
    /// The version.
    pub fn version(&self) -> PolicyVersion {
        PolicyVersion(self.version)
    }
    /// The policy's name.
    pub fn name(&self) -> &str {
        &self.name
    }
    /// What the public is told of it.
    pub fn notice(&self) -> &Notice {
        &self.notice
    }
    /// Number of a collection.
    pub fn collection(&self, name: &str) -> Option<CollectionNo> {
        let no = self.numbering.get(Space::Collections, name).map(CollectionNo)?;
        self.collections.contains_key(&no).then_some(no)
    }
    /// Name of a collection, of this or an earlier version.
    pub fn collection_name(&self, no: CollectionNo) -> Option<&str> {
        let now = self.collections.get(&no).map(|c| c.name.as_str());
        now.or_else(|| self.numbering.name(Space::Collections, no.0))
    }
    /// Every collection of this version.
    pub fn collections(&self) -> impl Iterator<Item = (CollectionNo, &str)> {
        self.collections.iter().map(|(no, c)| (*no, c.name.as_str()))
    }
    /// A field by its short name within a collection.
    pub fn field(&self, collection: CollectionNo, name: &str) -> Option<&FieldFacts> {
        self.fields.get(self.collections.get(&collection)?.fields.get(name)?)
    }
    /// A field by number.
    pub fn field_facts(&self, no: FieldNo) -> Option<&FieldFacts> {
        self.fields.get(&no)
    }
    /// Fields of a collection, ascending by number.
    pub fn fields_of(&self, collection: CollectionNo) -> impl Iterator<Item = &FieldFacts> {
        self.fields.values().filter(move |f| f.collection == collection)
    }
    /// Number of a purpose.
    pub fn purpose(&self, name: &str) -> Option<PurposeNo> {
        let no = self.numbering.get(Space::Purposes, name).map(PurposeNo)?;
        self.purposes.contains_key(&no).then_some(no)
    }
    /// Name of a purpose, of this or an earlier version.
    pub fn purpose_name(&self, no: PurposeNo) -> Option<&str> {
        let now = self.purposes.get(&no).map(|p| p.name.as_str());
        now.or_else(|| self.numbering.name(Space::Purposes, no.0))
    }
    /// Names of all purposes that are declared.
    pub fn purpose_names(&self) -> Vec<&str> {
        self.purposes.values().map(|purpose| purpose.name.as_str()).collect()
    }
    /// Whether the purpose rests on consent.
    pub fn rests_on_consent(&self, no: PurposeNo) -> bool {
        self.purposes.get(&no).is_some_and(|p| p.basis == Basis::Consent)
    }
    /// Whether a consent or a withdrawal can be recorded for the purpose: it rests on consent, or may be stopped at will.
    pub fn takes_consent(&self, purpose: PurposeNo) -> bool {
        self.purposes.get(&purpose).is_some_and(|p| p.basis == Basis::Consent || p.opt_out || p.marketing)
    }
    /// A client by name.
    pub fn client(&self, name: &str) -> Option<&ClientFacts> {
        self.clients.get(&ClientNo(self.numbering.get(Space::Clients, name)?))
    }
    /// A client by number.
    pub fn client_facts(&self, no: ClientNo) -> Option<&ClientFacts> {
        self.clients.get(&no)
    }
    /// Every client declared.
    pub fn clients(&self) -> impl Iterator<Item = &ClientFacts> {
        self.clients.values()
    }
    /// Number of a recipient (processor or third party).
    pub fn recipient(&self, name: &str) -> Option<RecipientNo> {
        let no = self.numbering.get(Space::Recipients, name).map(RecipientNo)?;
        self.recipients.contains_key(&no).then_some(no)
    }
    /// Name of a recipient, of this or an earlier version.
    pub fn recipient_name(&self, no: RecipientNo) -> Option<&str> {
        let now = self.recipients.get(&no).map(|r| r.name.as_str());
        now.or_else(|| self.numbering.name(Space::Recipients, no.0))
    }
    /// Every recipient of this version.
    pub fn recipients(&self) -> impl Iterator<Item = (RecipientNo, &str)> {
        self.recipients.values().map(|r| (r.no, r.name.as_str()))
    }
    /// Number of an audience: a declared group, or a client's group of one.
    pub fn audience(&self, name: &str) -> Option<AudienceNo> {
        let no = self.numbering.get(Space::Clients, name).map(AudienceNo)?;
        self.audiences.contains_key(&no).then_some(no)
    }
    /// Name of an audience, of this or an earlier version.
    pub fn audience_name(&self, no: AudienceNo) -> Option<&str> {
        let now = self.audiences.get(&no).map(|a| a.name.as_str());
        now.or_else(|| self.numbering.name(Space::Clients, no.0))
    }
    /// Whether a client is in an audience.
    pub fn audience_has(&self, audience: AudienceNo, client: ClientNo) -> bool {
        self.audiences.get(&audience).is_some_and(|a| a.members.contains(&client))
    }
    /// The audience of a collection's tokens when none is named.
    pub fn default_audience(&self, collection: CollectionNo) -> Option<AudienceNo> {
        self.collections.get(&collection)?.audience
    }
    /// Whether subjects of this region are served.
    pub fn serves(&self, region: Region) -> bool {
        self.served.contains(&region)
    }
    /// Every region whose subjects are served.
    pub fn served_regions(&self) -> impl Iterator<Item = Region> {
        self.served.iter().copied()
    }
    /// Majority in a region (C10).
    pub fn minimum_age(&self, region: Region) -> u16 {
        self.minimum_age_by_country.get(&region).copied().unwrap_or(self.minimum_age)
    }
    /// The lowest majority of any region: whoever is younger is a minor everywhere.
    pub fn lowest_minimum_age(&self) -> u16 {
        self.minimum_age_by_country.values().copied().fold(self.minimum_age, u16::min)
    }
    /// Whether a subject with neither birth date nor attestation is taken (`unknown = "attest"` takes it as attested).
    pub fn takes_unknown_age(&self) -> bool {
        self.takes_unknown_age
    }
    /// Purposes × fields × forms granted to a client, for `whoami` and `explain`, as (purpose, field,
    /// "plain"|"masked"|"write"|"search"|"verify").
    pub fn grants_of(&self, client: ClientNo) -> Vec<(PurposeNo, FieldNo, &'static str)> {
        let mut all = Vec::new();
        for grant in self.client_rules.get(&client).map_or(&[][..], |c| &c.grants) {
            let kinds = [
                ("plain", &grant.plain),
                ("masked", &grant.masked),
                ("write", &grant.write),
                ("search", &grant.search),
                ("verify", &grant.verify),
            ];
            for (how, fields) in kinds {
                all.extend(fields.iter().map(|f| (grant.purpose, FieldNo(f), how)));
            }
        }
        all
    }
    /// Acts granted to a client.
    pub fn acts_of(&self, client: ClientNo) -> Vec<&str> {
        self.client_rules.get(&client).map_or(Vec::new(), |c| c.acts.iter().map(String::as_str).collect())
    }
    /// Longest keep declared for a token's default expiry, if the collection sets one: `keep` where it counts from
    /// creation, else `max`, which always does.
    pub fn retention_of(&self, collection: CollectionNo) -> Option<Duration> {
        self.collections.get(&collection)?.token_life
    }
}
