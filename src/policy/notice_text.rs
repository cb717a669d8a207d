//! The public notice in words: sections of entries, the same for the page and for Markdown. Plain text: it is escaped where
//! it is shown.

use super::notice::{Notice, NoticeCollection, NoticePurpose, NoticeRecipient};

/// A part of the notice.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoticeSection {
    /// Its heading.
    pub title: &'static str,
    /// What stands before the entries.
    pub intro: String,
    /// Its entries.
    pub entries: Vec<NoticeEntry>,
}

/// An entry: what it is about, and what is said of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct NoticeEntry {
    /// What it is about.
    pub term: String,
    /// Sentences.
    pub lines: Vec<String>,
}

impl Notice {
    /// The whole notice.
    pub fn sections(&self) -> Vec<NoticeSection> {
        let section = |title, intro: &str, entries| NoticeSection { title, intro: intro.to_owned(), entries };
        let uses = "For each purpose: its legal basis, whether you can stop it, and the data that may be used for it. \
                    Data is used for no purpose that is not named here.";
        let kept = "What may be stored of you, and how long. You may leave out what is not needed.";
        let given = "Processors act for us under contract and get no more than is written here. A third party has \
                     purposes of its own and gets nothing unless you consented to it by name.";
        let mut all = vec![
            section("Who is responsible", "", vec![self.responsible()]),
            section("What your data is used for", uses, self.purposes.iter().map(purpose).collect()),
            section(
                "What is collected, and how long it is kept",
                kept,
                self.collections.iter().map(collection).collect(),
            ),
            section("Who else receives data", given, self.recipients.iter().map(recipient).collect()),
        ];
        if !self.transfers.is_empty() {
            let moved = "Data moves freely within a group of countries; beyond one only as named here.";
            let entries = self.transfers.iter().map(|t| NoticeEntry {
                term: format!("From {} to {}", t.from, t.to),
                lines: vec![format!(
                    "Basis: {}.{}",
                    words(&t.basis),
                    if t.masked_only { " Masked values only." } else { "" }
                )],
            });
            all.push(section("Between countries", moved, entries.collect()));
        }
        all.push(section("Your rights", "", self.rights()));
        all
    }

    fn responsible(&self) -> NoticeEntry {
        let mut lines = vec![
            format!("Questions, requests and complaints: {}.", self.contact),
            format!("People of these regions are served: {}.", self.regions.join(", ")),
            format!("No data is taken of anybody younger than {}{}.", self.minimum_age, self.other_ages()),
        ];
        lines.extend(self.audit_keep.as_deref().map(|keep| {
            format!(
                "Every access is written to a log that names people by a code only; it is kept {}.",
                span(keep)
            )
        }));
        NoticeEntry { term: self.controller.clone(), lines }
    }

    fn other_ages(&self) -> String {
        let other: Vec<String> = self.ages.iter().map(|(country, age)| format!("{country}: {age}")).collect();
        if other.is_empty() { String::new() } else { format!(" ({})", other.join(", ")) }
    }

    fn rights(&self) -> Vec<NoticeEntry> {
        let entry = |term: &str, text: String| NoticeEntry { term: term.to_owned(), lines: vec![text] };
        vec![
            entry(
                "See, correct, take along, erase",
                format!("Write to {} to see what is held and who has read it, to have it corrected, handed to you, restricted or erased.", self.contact),
            ),
            entry(
                "Stop messages",
                "Every message you can stop carries a link: one click stops it, without signing in and without a cookie. \
                 It holds for everybody who received your data for that purpose, from that moment on."
                    .to_owned(),
            ),
            entry(
                "Give, withhold, withdraw",
                "What rests on your consent is not done without it. You may decline to give any information, and withdraw \
                 a consent at any time."
                    .to_owned(),
            ),
            entry(
                "Later changes",
                "A purpose that a later version of this notice adds is not applied to your data before you were told."
                    .to_owned(),
            ),
        ]
    }
}

fn purpose(purpose: &NoticePurpose) -> NoticeEntry {
    let stop = match (purpose.stoppable, purpose.basis.as_str()) {
        (true, "consent") => "Not without your consent; you can stop it at any time.",
        (true, _) => "You can stop it at any time.",
        (false, "legitimate_interests") => "You can object to it.",
        (false, _) if purpose.administrative => "It belongs to the contract and cannot be unsubscribed from.",
        _ => "It is needed for what you asked for.",
    };
    let data = match (purpose.fields.is_empty(), purpose.masked_only) {
        (true, true) => "Data: counts only, which name nobody.".to_owned(),
        (true, false) => "Data: none is released automatically.".to_owned(),
        (false, masked) => {
            format!("Data: {}{}.", grouped(&purpose.fields), if masked { ", masked" } else { "" })
        }
    };
    let mut lines = vec![format!("Basis: {}. {stop}", basis(&purpose.basis)), data];
    lines.extend(
        purpose.since_notice.as_deref().map(|version| format!("Since version {version} of this notice.")),
    );
    NoticeEntry { term: words(&purpose.name), lines }
}

fn collection(collection: &NoticeCollection) -> NoticeEntry {
    let names: Vec<String> = collection.fields.iter().map(|f| field(f)).collect();
    let mut lines = vec![format!("Data: {}.", names.join(", "))];
    lines.push(match &collection.retention {
        None => "Kept until you ask for its erasure.".to_owned(),
        Some((from, keep, max)) => {
            let most = max.as_deref().map(|max| format!(", {} at most", span(max))).unwrap_or_default();
            format!("Kept {} {}{most}.", span(keep), since(from))
        }
    });
    if collection.counted {
        lines.push("Before it is destroyed it may be counted; counts name nobody.".to_owned());
    }
    lines.extend(collection.duty.as_ref().map(|(why, keep, purposes)| {
        let purposes: Vec<String> = purposes.iter().map(|p| lower(p)).collect();
        format!(
            "Kept {} because of {}, and then used for {} only.",
            span(keep),
            basis(why),
            purposes.join(", ")
        )
    }));
    NoticeEntry { term: words(&collection.name), lines }
}

fn recipient(recipient: &NoticeRecipient) -> NoticeEntry {
    let purposes: Vec<String> = recipient.purposes.iter().map(|p| lower(p)).collect();
    let kind = if recipient.third_party {
        "A third party: only with your consent naming it."
    } else {
        "A processor, under contract."
    };
    let mut lines =
        vec![kind.to_owned(), format!("For {}: {}.", purposes.join(", "), grouped(&recipient.fields))];
    lines.extend(
        recipient
            .transfer_basis
            .as_deref()
            .filter(|basis| *basis != "none_needed")
            .map(|basis| format!("Data goes to {} on the basis of {}.", recipient.country, lower(basis))),
    );
    NoticeEntry { term: format!("{} ({})", words(&recipient.name), recipient.country), lines }
}

/// `contact.email`, `contact.name` → `contact (email, name)`.
fn grouped(fields: &[String]) -> String {
    let mut groups: Vec<(String, Vec<String>)> = Vec::new();
    for full in fields {
        let (collection, name) = full.split_once('.').unwrap_or((full, "*"));
        let name = if name == "*" { "all".to_owned() } else { field(name) };
        match groups.iter_mut().find(|(group, _)| *group == lower(collection)) {
            Some((_, names)) => names.push(name),
            None => groups.push((lower(collection), vec![name])),
        }
    }
    let shown: Vec<String> =
        groups.into_iter().map(|(group, names)| format!("{group} ({})", names.join(", "))).collect();
    shown.join("; ")
}

/// A field in words people know.
fn field(name: &str) -> String {
    match name {
        "iban" => "IBAN".to_owned(),
        "ip_address" => "IP address".to_owned(),
        "email" => "e-mail address".to_owned(),
        "processor_ref" => "payment reference".to_owned(),
        "tax_id" => "tax number".to_owned(),
        "user_agent" => "browser type".to_owned(),
        other => lower(other),
    }
}

fn lower(name: &str) -> String {
    name.replace(['_', '-'], " ")
}

fn words(name: &str) -> String {
    let text = lower(name);
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

fn basis(name: &str) -> String {
    match name {
        "consent" => "your consent".to_owned(),
        "contract" => "a contract with you".to_owned(),
        "legal_obligation" => "a legal obligation".to_owned(),
        "public_task" => "a task in the public interest".to_owned(),
        other => lower(other),
    }
}

fn since(event: &str) -> String {
    match event {
        "created" => "after it was collected".to_owned(),
        "last_used" => "after it was last used".to_owned(),
        "account_closed" => "after your account is closed".to_owned(),
        "contract_ended" => "after your contract has ended".to_owned(),
        other => format!("after {}", lower(other)),
    }
}

/// `30d` → `30 days`.
fn span(text: &str) -> String {
    let (number, unit) = text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()));
    let unit = match unit {
        "s" => "second",
        "m" => "minute",
        "h" => "hour",
        "d" => "day",
        "mo" => "month",
        "y" => "year",
        other => other,
    };
    format!("{number} {unit}{}", if number == "1" { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use crate::policy::{Numbering, Policy, SAMPLE};

    fn said(title: &str, term: &str) -> String {
        let policy =
            Policy::compile(SAMPLE, &Numbering::default()).unwrap_or_else(|_| panic!("the sample compiles"));
        let sections = policy.notice().sections();
        let section = sections.iter().find(|s| s.title.starts_with(title)).unwrap();
        section.entries.iter().find(|e| e.term == term).unwrap().lines.join(" ")
    }

    #[test]
    fn c29_the_notice_names_the_controller_and_where_to_turn() {
        let text = said("Who is responsible", "Example GmbH");
        assert!(
            text.contains("privacy@example.org")
                && text.contains("younger than 18")
                && text.contains("KR: 19"),
            "{text}"
        );
        assert!(text.contains("kept 13 months"), "{text}");
    }

    #[test]
    fn the_notice_says_what_each_purpose_rests_on_uses_and_whether_it_can_be_stopped() {
        let newsletter = said("What your data is used for", "Newsletter");
        assert_eq!(
            newsletter,
            "Basis: your consent. Not without your consent; you can stop it at any time. Data: contact (e-mail address)."
        );
        assert!(said("What your data", "Account notice").contains("cannot be unsubscribed from"));
        assert!(said("What your data", "Support").contains("contact ("), "what operators see is told too");
        assert!(said("What your data", "Research").contains("counts only"));
        assert!(said("What your data", "Fraud prevention").contains("You can object"));
    }

    #[test]
    fn c24_the_notice_says_how_long_everything_is_kept() {
        assert!(
            said("What is collected", "Contact")
                .contains("Kept 30 days after your account is closed, 10 years at most.")
        );
        let billing = said("What is collected", "Billing");
        assert!(
            billing.contains("Kept 10 years because of a legal obligation, and then used for billing only."),
            "{billing}"
        );
    }

    #[test]
    fn c06_c20_c27_the_notice_says_who_receives_what_and_on_which_basis() {
        let text = said("Who else", "Mail service us (US)");
        assert!(text.contains("For newsletter, account notice: contact (e-mail address)."), "{text}");
        assert!(text.contains("standard contractual clauses"), "{text}");
        assert!(said("Who else", "Partner x (DE)").contains("only with your consent"));
        assert!(said("Between countries", "From US to EU").contains("Contract"));
    }
}
