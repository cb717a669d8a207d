//! What the public is told: the governing policy in the order a person asks. Made when the policy is compiled, from what is
//! enforced, so that nothing is promised that is not kept. Names and texts of the policy; whoever shows them escapes them.

/// The public notice of one policy version.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Notice {
    /// The policy's name.
    pub name: String,
    /// Its version.
    pub version: u32,
    /// Who is responsible.
    pub controller: String,
    /// Where to turn with questions.
    pub contact: String,
    /// Groups and countries whose people are served.
    pub regions: Vec<String>,
    /// From which age.
    pub minimum_age: u16,
    /// Countries with another age.
    pub ages: Vec<(String, u16)>,
    /// What for.
    pub purposes: Vec<NoticePurpose>,
    /// What is kept, and how long.
    pub collections: Vec<NoticeCollection>,
    /// For whom else.
    pub recipients: Vec<NoticeRecipient>,
    /// Between which countries it moves.
    pub transfers: Vec<NoticeTransfer>,
    /// How long the log of accesses is kept.
    pub audit_keep: Option<String>,
}

/// A purpose.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoticePurpose {
    /// Its name.
    pub name: String,
    /// Its legal basis.
    pub basis: String,
    /// Rests on consent, or can be opted out of.
    pub stoppable: bool,
    /// Can never be stopped but by ending the contract.
    pub administrative: bool,
    /// Masked values and counts only.
    pub masked_only: bool,
    /// Fields that anyone may use for it, by full name.
    pub fields: Vec<String>,
    /// The notice that added it.
    pub since_notice: Option<String>,
}

/// A collection.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoticeCollection {
    /// Its name.
    pub name: String,
    /// Its fields, by short name.
    pub fields: Vec<String>,
    /// From which event it is kept, how long, and how long at most.
    pub retention: Option<(String, String, Option<String>)>,
    /// What happens then is de-identified counting before destruction.
    pub counted: bool,
    /// A duty to keep it longer: basis, how long, for which purposes.
    pub duty: Option<(String, String, Vec<String>)>,
}

/// A processor or third party.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoticeRecipient {
    /// Its name.
    pub name: String,
    /// It has purposes of its own, and gets nothing without consent naming it.
    pub third_party: bool,
    /// Its country.
    pub country: String,
    /// What for.
    pub purposes: Vec<String>,
    /// What it may have.
    pub fields: Vec<String>,
    /// On which basis data goes there.
    pub transfer_basis: Option<String>,
}

/// A declared transfer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoticeTransfer {
    /// From.
    pub from: String,
    /// To.
    pub to: String,
    /// On which basis.
    pub basis: String,
    /// Masked values only.
    pub masked_only: bool,
}
