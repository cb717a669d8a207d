//! The clauses of the published policy that the judge enforces, one test each.

use super::world::{asker, field, judge, person, question, rule, sample, sample_with, says, to};
use crate::domain::date::Date;
use crate::domain::field::{FieldType, Form};
use crate::domain::rule::Rule;
use crate::domain::subject::{Anchor, Region, SubjectStatus};
use crate::domain::{RecipientNo, Timestamp};
use crate::policy::{ContextState, Question, Wish};

const READ: Wish = Wish::Read(None);

#[test]
fn c02_payment_data_is_a_processors_reference_and_no_type_holds_a_card_number() {
    let p = sample();
    assert_eq!(p.field_facts(field(&p, "billing.processor_ref")).unwrap().kind, FieldType::ProcessorRef);
    assert!(FieldType::ALL.iter().all(|t| !t.name().contains("card") && !t.name().contains("cvv")));
}

#[test]
fn c06_a_processor_gets_only_what_its_entry_names_and_an_unknown_recipient_nothing() {
    let p = sample();
    let q = to(&p, "parcel-carrier", question(&p, "storefront", "order_fulfilment", READ));
    assert_eq!(rule(&p, &q, "contact.name", &person()), None);
    assert_eq!(rule(&p, &q, "contact.email", &person()), Some(Rule::ProcessorCeiling));
    let unknown = Question { recipient: Some(None), ..q };
    assert_eq!(rule(&p, &unknown, "contact.name", &person()), Some(Rule::RecipientUnknown));
    let unregistered = Question { recipient: Some(Some(RecipientNo(999))), ..q };
    assert_eq!(rule(&p, &unregistered, "contact.name", &person()), Some(Rule::RecipientUnknown));
    // Registered, but this grant does not list it.
    let other = to(&p, "payment-processor", q);
    assert_eq!(rule(&p, &other, "contact.name", &person()), Some(Rule::ProcessorCeiling));
}

#[test]
fn c08_a_field_that_no_purpose_needs_is_refused_on_writing() {
    let p = sample();
    let q = question(&p, "storefront", "order_fulfilment", Wish::Write);
    let (contact, name, iban) =
        (p.collection("contact").unwrap(), field(&p, "contact.name"), field(&p, "billing.iban"));
    assert_eq!(p.judge_write_field(&q, name), Ok(()));
    assert_eq!(p.judge_write_field(&q, iban).unwrap_err().rule, Rule::FieldNotNeeded);
    let email = field(&p, "contact.email");
    let permit = p.judge_write(&q, contact, &[email, name, email], &person()).unwrap();
    assert_eq!((permit.collection(), permit.fields()), (contact, &[email.min(name), email.max(name)][..]));
    let denied = p.judge_write(&q, contact, &[name, iban], &person()).unwrap_err();
    assert_eq!(denied.rule, Rule::FieldNotNeeded);
    // A field of another collection never enters this one's permit.
    let shipping = field(&p, "shipping.name");
    assert_eq!(p.judge_write(&q, contact, &[shipping], &person()).unwrap_err().rule, Rule::FieldNotNeeded);
    // A question about reading is no leave to write.
    let reading = Question { wish: READ, ..q };
    assert_eq!(p.judge_write_field(&reading, name).unwrap_err().rule, Rule::FieldNotNeeded);
}

#[test]
fn c08_writing_under_a_purpose_not_granted_or_by_a_suspended_client_names_that_first() {
    let p = sample();
    let mut q = question(&p, "mailer", "order_fulfilment", Wish::Write);
    let name = field(&p, "contact.name");
    assert_eq!(p.judge_write_field(&q, name).unwrap_err().rule, Rule::PurposeNotGranted);
    q.asker.suspended = true;
    let denied = p.judge_write(&q, p.collection("contact").unwrap(), &[name], &person()).unwrap_err();
    let all: Vec<Rule> = denied.all.iter().collect();
    assert_eq!(all, [Rule::ClientSuspended, Rule::PurposeNotGranted, Rule::FieldNotNeeded]);
}

#[test]
fn c10_majority_differs_by_country_and_unknown_age_is_refused_unless_the_policy_attests() {
    let p = sample();
    assert_eq!(
        (p.minimum_age(Region(*b"DE")), p.minimum_age(Region(*b"KR")), p.lowest_minimum_age()),
        (18, 19, 18)
    );
    assert!(!p.takes_unknown_age());
    let attests = sample_with("unknown = \"refuse\"", "unknown = \"attest\"");
    assert!(attests.takes_unknown_age());
    let younger = sample_with("KR = 19", "KR = 16");
    assert_eq!(younger.lowest_minimum_age(), 16);
}

#[test]
fn c12_a_client_states_only_purposes_granted_to_it() {
    let p = sample();
    for (client, purpose) in [("storefront", "billing"), ("billing", "newsletter"), ("mailer", "claims")] {
        let q = question(&p, client, purpose, READ);
        assert_eq!(
            rule(&p, &q, "contact.name", &person()),
            Some(Rule::PurposeNotGranted),
            "{client} {purpose}"
        );
    }
    let nameless = Question { purpose: None, ..question(&p, "storefront", "order_fulfilment", READ) };
    assert_eq!(rule(&p, &nameless, "contact.name", &person()), Some(Rule::PurposeNotGranted));
}

#[test]
fn c13_research_reads_masked_values_and_never_plain_ones() {
    let p = sample_with(
        "[clients.mailer]",
        "[clients.planner]\ncountry = \"DE\"\nnetworks = [\"10.4.0.0/16\"]\nauth = [\"key\"]\n\
         grants = [{ purpose = \"research\", masked = [\"contact.*\"] }]\n[clients.mailer]",
    );
    let q = question(&p, "planner", "research", READ);
    let permit = judge(&p, &q, "contact.email", &person()).unwrap();
    assert_eq!(permit.fields(), [(field(&p, "contact.email"), Form::Masked)]);
    let plain = Question { wish: Wish::Read(Some(Form::Plain)), ..q };
    assert_eq!(rule(&p, &plain, "contact.email", &person()), Some(Rule::ResearchIsMasked));
}

#[test]
fn c14_without_a_consent_nobody_is_asked() {
    let p = sample();
    let q = question(&p, "mailer", "newsletter", READ);
    let mut who = person();
    assert_eq!(rule(&p, &q, "contact.email", &who), Some(Rule::ConsentMissing));
    says(&p, &mut who, ("survey", None), true);
    assert_eq!(
        rule(&p, &q, "contact.email", &who),
        Some(Rule::ConsentMissing),
        "a consent is for its purpose only"
    );
    assert!(p.rests_on_consent(p.purpose("survey").unwrap()));
}

#[test]
fn c15_a_withdrawn_consent_refuses_the_next_read_and_an_objection_to_marketing_is_absolute() {
    let p = sample();
    let q = question(&p, "mailer", "newsletter", READ);
    let mut who = person();
    says(&p, &mut who, ("newsletter", None), true);
    assert_eq!(rule(&p, &q, "contact.email", &who), None);
    let mut objector = who.clone();
    objector.objections.push(p.purpose("newsletter").unwrap());
    assert_eq!(rule(&p, &q, "contact.email", &objector), Some(Rule::Objected));
    says(&p, &mut who, ("newsletter", None), false);
    assert_eq!(rule(&p, &q, "contact.email", &who), Some(Rule::ConsentMissing));
}

#[test]
fn c15_an_opt_out_purpose_without_consent_basis_stops_at_a_withdrawal() {
    let p = sample_with("basis = \"consent\"\nopt_out", "basis = \"legitimate_interests\"\nopt_out");
    let q = question(&p, "mailer", "newsletter", READ);
    let mut who = person();
    assert!(
        p.takes_consent(p.purpose("newsletter").unwrap())
            && !p.rests_on_consent(p.purpose("newsletter").unwrap())
    );
    assert_eq!(rule(&p, &q, "contact.email", &who), None);
    says(&p, &mut who, ("newsletter", None), false);
    assert_eq!(rule(&p, &q, "contact.email", &who), Some(Rule::ConsentMissing));
}

#[test]
fn c16_administrative_messages_ignore_withdrawals_and_objections_but_not_restriction() {
    let p = sample();
    let q = question(&p, "mailer", "account_notice", READ);
    let mut who = person();
    says(&p, &mut who, ("newsletter", None), false);
    who.objections = ["account_notice", "newsletter"].map(|n| p.purpose(n).unwrap()).to_vec();
    assert_eq!(rule(&p, &q, "contact.email", &who), None);
    who.status = SubjectStatus::Restricted;
    assert_eq!(rule(&p, &q, "contact.email", &who), Some(Rule::SubjectRestricted));
    assert!(!p.takes_consent(p.purpose("account_notice").unwrap()));
}

/// The storefront may pass contact data to the partner, as far as people consent.
fn with_partner() -> crate::policy::Policy {
    sample_with(
        "[[clients.storefront.grants]]\npurpose = \"authentication\"",
        "[[clients.storefront.grants]]\npurpose = \"partner_marketing\"\nplain = [\"contact.*\"]\n\
         recipients = [\"partner-x\"]\n[[clients.storefront.grants]]\npurpose = \"authentication\"",
    )
}

#[test]
fn c17_a_third_party_needs_a_consent_naming_it_withheld_by_default() {
    let p = with_partner();
    let q = to(&p, "partner-x", question(&p, "storefront", "partner_marketing", READ));
    let mut who = person();
    says(&p, &mut who, ("partner_marketing", None), true);
    assert_eq!(rule(&p, &q, "contact.email", &who), Some(Rule::RecipientConsentMissing));
    says(&p, &mut who, ("partner_marketing", Some("partner-x")), true);
    assert_eq!(rule(&p, &q, "contact.email", &who), None);
    says(&p, &mut who, ("partner_marketing", None), false);
    let denied = judge(&p, &q, "contact.email", &who).unwrap_err();
    let all: Vec<Rule> = denied.all.iter().collect();
    assert_eq!(
        all,
        [Rule::ConsentMissing, Rule::RecipientConsentMissing],
        "a withdrawn purpose takes its recipients"
    );
}

#[test]
fn c20_a_contract_is_in_force_from_its_first_to_its_last_day() {
    let p = sample();
    let q = to(&p, "parcel-carrier", question(&p, "storefront", "order_fulfilment", READ));
    for (day, refused) in
        [("2026-01-09", true), ("2026-01-10", false), ("2028-01-10", false), ("2028-01-11", true)]
    {
        let q = Question { today: Date::parse(day).unwrap(), ..q };
        assert_eq!(
            rule(&p, &q, "contact.name", &person()),
            refused.then_some(Rule::ContractExpired),
            "{day}"
        );
    }
}

#[test]
fn c27_a_pair_of_countries_without_a_basis_is_refused() {
    let p = sample();
    let q = question(&p, "storefront", "order_fulfilment", READ);
    let from = |code: &[u8; 2]| crate::domain::subject::SubjectState { region: Region(*code), ..person() };
    for (region, refused) in [(b"FR", false), (b"US", false), (b"AU", false), (b"JP", true)] {
        assert_eq!(rule(&p, &q, "contact.name", &from(region)), refused.then_some(Rule::TransferNotAllowed));
    }
    let abroad =
        sample_with("transfer_basis = \"standard_contractual_clauses\"", "transfer_basis = \"none_needed\"");
    let q = to(&abroad, "mail-service-us", question(&abroad, "mailer", "account_notice", READ));
    assert_eq!(abroad.judge_request(&q).unwrap_err().rule, Rule::TransferNotAllowed);
    let q = to(&p, "mail-service-us", question(&p, "mailer", "account_notice", READ));
    assert_eq!(rule(&p, &q, "contact.email", &person()), None);
}

#[test]
fn c27_a_masked_only_transfer_binds_even_a_recipient_with_a_basis_of_its_own() {
    let p = sample_with(
        "[audit]",
        "[[transfers]]\nfrom = \"EU\"\nto = \"US\"\nbasis = \"adequacy\"\nmasked_only = true\n[audit]",
    );
    let q = to(&p, "mail-service-us", question(&p, "mailer", "account_notice", READ));
    assert_eq!(rule(&p, &q, "contact.email", &person()), Some(Rule::TransferNotAllowed));
    let masked = Question { wish: Wish::Read(Some(Form::Masked)), ..q };
    assert_eq!(rule(&p, &masked, "contact.email", &person()), None);
}

#[test]
fn c28_no_field_must_be_given_unless_the_policy_says_so() {
    let p = sample();
    assert!(p.collections().flat_map(|(c, _)| p.fields_of(c)).all(|f| !f.required));
    let strict = sample_with(
        "type = \"email\", sensitivity = 3,",
        "type = \"email\", sensitivity = 3, required = true,",
    );
    assert!(strict.field_facts(field(&strict, "contact.email")).unwrap().required);
}

#[test]
fn c30_a_purpose_of_a_later_notice_is_refused_until_that_notice_was_shown() {
    let p = sample_with("[purposes.account_notice]", "[purposes.account_notice]\nsince_notice = \"2026-10\"");
    let q = question(&p, "mailer", "account_notice", READ);
    let mut who = person();
    let mut shown = |version: &str| {
        who.notices.push(Anchor { event: version.into(), at: Timestamp(1) });
        rule(&p, &q, "contact.email", &who)
    };
    assert_eq!(shown("2026-9"), Some(Rule::PurposeNotNotified), "versions compare by number, not by letter");
    assert_eq!(shown("draft"), Some(Rule::PurposeNotNotified));
    assert_eq!(shown("2026-11"), None);
}

#[test]
fn restriction_of_some_collections_leaves_the_others_and_an_exception_is_kept() {
    let p = sample();
    let q = question(&p, "storefront", "order_fulfilment", READ);
    let mut who = person();
    who.status = SubjectStatus::Restricted;
    who.restricted_collections = vec![p.collection("contact").unwrap()];
    assert_eq!(rule(&p, &q, "contact.name", &who), Some(Rule::SubjectRestricted));
    assert_eq!(rule(&p, &q, "shipping.name", &who), None);
    let claims = sample_with(
        "[purposes.order_fulfilment]",
        "[purposes.order_fulfilment]\nduring_restriction = \"vital\"",
    );
    assert_eq!(rule(&claims, &q, "contact.name", &who), None);
    who.age = crate::domain::subject::AgeClass::Minor;
    assert_eq!(
        rule(&claims, &q, "contact.name", &who),
        Some(Rule::SubjectRestricted),
        "a minor is never excepted"
    );
}

#[test]
fn a_grant_with_context_asks_for_one_and_for_its_proof() {
    let with = |rule: &str| sample_with("context = \"none\"", &format!("context = \"{rule}\""));
    for (context, given, expected) in [
        ("present", ContextState::Absent, Some(Rule::ContextMissing)),
        ("present", ContextState::Unverified, None),
        ("verified", ContextState::Absent, Some(Rule::ContextMissing)),
        ("verified", ContextState::Unverified, Some(Rule::ContextUnverified)),
        ("verified", ContextState::Verified, None),
    ] {
        let p = with(context);
        let q = Question { context: given, ..question(&p, "storefront", "order_fulfilment", READ) };
        assert_eq!(rule(&p, &q, "contact.name", &person()), expected, "{context} {given:?}");
    }
}

#[test]
fn acts_are_granted_by_their_exact_name_after_the_asker_was_judged() {
    let p = sample();
    let who = asker(&p, "storefront");
    assert_eq!(p.judge_act(&who, "consent.record:newsletter"), Ok(()));
    for act in
        ["consent.record", "consent.record:", "consent.record:billing", "subject.erase", "subject.report", ""]
    {
        assert_eq!(p.judge_act(&who, act).unwrap_err().rule, Rule::ActNotGranted, "{act}");
    }
    for (change, expected) in [
        (crate::policy::Asker { suspended: true, ..who }, Rule::ClientSuspended),
        (crate::policy::Asker { key_expired: true, ..who }, Rule::KeyExpired),
        (crate::policy::Asker { network_allowed: false, ..who }, Rule::NetworkNotAllowed),
    ] {
        assert_eq!(p.judge_act(&change, "token.mint").unwrap_err().rule, expected);
        assert_eq!(p.judge_asker(&change).unwrap_err().rule, expected);
    }
}

#[test]
fn masked_is_what_is_left_where_plain_is_not_granted() {
    let p = sample();
    let q = question(&p, "billing", "billing", READ);
    assert_eq!(
        judge(&p, &q, "contact.email", &person()).unwrap().form(field(&p, "contact.email")),
        Some(Form::Masked)
    );
    let plain = Question { wish: Wish::Read(Some(Form::Plain)), ..q };
    assert_eq!(rule(&p, &plain, "contact.email", &person()), Some(Rule::PlainNotGranted));
    assert_eq!(rule(&p, &q, "contact.phone", &person()), Some(Rule::FieldNotGranted));
}

#[test]
fn the_companion_of_a_compound_search_is_the_declared_one_and_only_for_searching() {
    let p = sample();
    let leave = p.judge_request(&question(&p, "storefront", "order_fulfilment", Wish::Search)).unwrap();
    let f = |name| field(&p, name);
    let companion = p.judge_search_companion(&leave, f("shipping.name"), f("shipping.address")).unwrap();
    assert_eq!(companion.field(), f("shipping.address"));
    for (first, other) in [("shipping.name", "shipping.company"), ("contact.email", "shipping.address")] {
        assert!(p.judge_search_companion(&leave, f(first), f(other)).is_err(), "{first} {other}");
    }
    let reading = p.judge_request(&question(&p, "storefront", "order_fulfilment", READ)).unwrap();
    assert!(p.judge_search_companion(&reading, f("shipping.name"), f("shipping.address")).is_err());
    assert!(p.judge_field(&leave, f("shipping.address")).is_err(), "alone it is not searchable");
}

#[test]
fn i4_a_policy_of_nothing_refuses_everything() {
    let p = crate::policy::Policy::nothing();
    let real = sample();
    let q = question(&real, "storefront", "order_fulfilment", READ);
    assert_eq!(p.judge_request(&q).unwrap_err().rule, Rule::PurposeNotGranted);
    assert_eq!(p.judge_act(&q.asker, "subject.create").unwrap_err().rule, Rule::ActNotGranted);
    assert!(p.minimum_age(Region(*b"DE")) > 120 && !p.serves(Region(*b"DE")) && !p.takes_unknown_age());
    // A leave of another policy is worth nothing here.
    let leave = real.judge_request(&q).unwrap();
    let name = field(&real, "contact.name");
    assert!(p.judge_field(&leave, name).is_err());
    let leaves = [real.judge_field(&leave, name).unwrap()];
    let facts = crate::domain::subject::RecordFacts {
        collection: real.collection("contact").unwrap(),
        created_at: Timestamp(0),
    };
    assert!(p.judge_subject(&leave, &leaves, &person(), facts, super::world::target()).is_err());
}

#[test]
fn an_explanation_names_the_rule_and_what_else_fails() {
    let p = sample();
    let q = question(&p, "mailer", "newsletter", READ);
    let email = field(&p, "contact.email");
    let permitted = p.explain(&q, email, None);
    assert!(permitted.starts_with("mailer, newsletter, contact.email: permitted, plain."), "{permitted}");
    let mut who = person();
    who.status = SubjectStatus::Restricted;
    let refused = p.explain(&q, email, Some(&who));
    assert!(
        refused.contains("refused by subject_restricted.") && refused.contains("consent_missing"),
        "{refused}"
    );
}
