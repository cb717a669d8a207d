//! `docs/errors.md`, made from the lists in the code so that it cannot lag behind.

use super::Code;
use crate::domain::Rule;
use crate::http::json::Reason;
use std::fmt::Write;

/// Codes of faults in fields and parameters (`tests/architecture.rs` holds the list to the code).
pub(super) const FIELD_CODES: &[(&str, &str)] = &[
    ("age_unknown", "Send birth_date, or age_attested true when majority was attested."),
    (
        "bad_count",
        "Send 1 to 1000 tokens a call; detokenize takes up to 100000 as a stream (Accept: application/x-ndjson).",
    ),
    (
        "bad_cursor",
        "Use the cursor of the last page unchanged, by the same client with the same filter, within 24 hours.",
    ),
    ("bad_list", "Name 1 to 64 different fields of the record."),
    ("bad_match", "Give the two parts of a compound index."),
    ("bad_name", "Write 1 to 64 of the characters the detail names."),
    ("bad_reference", "Write 1 to 256 bytes without control characters."),
    ("bad_request", "Give token or login, not both."),
    ("bad_search", "Give field and equals, or match; not both."),
    ("card_number", "Take the card number out; a reference of the payment processor may stand here."),
    ("control_character", "Leave control characters out."),
    ("date_too_early", "Write a date from 1850 on."),
    ("duplicate_part", "Give each part of a composite once."),
    ("empty", "This type has no empty value; leave the field out instead."),
    ("empty_address", "Give at least one part besides the country."),
    ("in_the_future", "Write when it happened, not a later time."),
    ("missing_part", "Give the part the pointer names."),
    ("no_public_url", "The vault has no public address for links; its operators set [public] url."),
    ("no_value", "Send at least one field, with a value."),
    ("not_a_date", "Write a date of the past that exists, as YYYY-MM-DD."),
    ("not_a_digest", "Write 64 lower-case hex digits."),
    ("not_a_duration", "Write a number and a unit: s, m, h, d, mo or y, such as 30d."),
    ("not_a_month", "Write YYYY-MM."),
    ("not_a_processor", "Write the processor's name in lower case."),
    ("not_an_amount", "Write a decimal string with no more decimals than the currency has."),
    ("not_an_instant", "Write an RFC 3339 instant such as 2026-11-24T08:30:00Z."),
    ("not_an_object", "This type is an object of strings."),
    ("not_consent_based", "The purpose does not rest on consent; nothing is to be recorded for it."),
    ("not_e164", "Write + and country code, such as +49 30 901820."),
    ("not_email", "Write one address, such as ada@example.org."),
    ("not_iban", "Write an IBAN with its right check digits."),
    ("not_ip", "Write an IPv4 or IPv6 address."),
    ("not_last4", "Write the last four digits."),
    ("not_searchable", "Search by a field that the policy declares searchable."),
    ("not_stoppable", "Name a purpose that rests on consent or may be opted out of."),
    ("not_streamed", "A stream is released part by part; leave atomic out, or ask for JSON."),
    ("not_tax_id", "Write 4 to 20 letters and digits, or a national scheme such as DE:123456788."),
    ("not_text", "This type is a string."),
    ("out_of_range", "Write a number within the range the detail names."),
    ("password_length", "Write 8 to 1024 bytes."),
    ("required", "The collection requires this field."),
    ("too_long", "Write less: the detail names the limit."),
    ("too_many", "The list is full; no more can be added."),
    ("too_many_rows", "Send fewer records in an atomic batch, or not atomic."),
    ("unknown_audience", "Name a client or a group of clients that the policy declares."),
    ("unknown_collection", "Name one of the policy's collections."),
    ("unknown_country", "Write an ISO 3166-1 alpha-2 code such as DE."),
    ("unknown_currency", "Write an ISO 4217 code such as EUR."),
    ("unknown_field", "Leave the field out: the collection or the record has none of that name."),
    ("unknown_flag", "The flags are vip and staff."),
    ("unknown_format", "Write plain or masked."),
    ("unknown_kind", "Write order, ticket or session."),
    ("unknown_part", "Use the parts the detail names."),
    ("unknown_tax_scheme", "Use a scheme that is checked, or leave the prefix out."),
    ("wrong_tax_id", "Correct the tax id: its check digits do not match its scheme."),
];

/// The page on errors.
pub fn docs_errors() -> String {
    let mut out = String::from(
        "# Errors\n\nGenerated from the code; do not edit.\n\nEvery error is `application/problem+json` (RFC 9457) with `type`, `title`, \
         `status`, `code`, `detail`, `request_id` and `retryable`.\n`detail` is one fixed sentence per code. Nothing that was sent is \
         ever repeated in an error.\n\n## Codes\n\n| code | status | rule | retryable | what to do |\n|---|---|---|---|---|\n",
    );
    for code in Code::all() {
        let rule = if *code == Code::Denied { "see below" } else { "–" };
        let retryable = if code.retryable() { "yes" } else { "no" };
        row(
            &mut out,
            &[&format!("`{}`", code.name()), &code.status().to_string(), rule, retryable, code.detail()],
        );
    }
    out.push_str("\nReserved for features that are not built yet, never sent by this release: `step_up_required`, `approval_required`, \
         `sealed`, `bootstrap`, `idempotency_in_progress`.\n");
    out.push_str("\n## Rules\n\nThe `rule` of a `denied`, in the order in which they are judged; the first that fails is named.\n\n| rule | meaning |\n|---|---|\n");
    for rule in Rule::ALL {
        row(&mut out, &[&format!("`{}`", rule.name()), rule.meaning()]);
    }
    out.push_str("\n## Malformed bodies\n\nThe `code` of an entry in `errors` under `malformed_json`.\n\n| code | what to do |\n|---|---|\n");
    for reason in Reason::ALL {
        row(&mut out, &[&format!("`{}`", reason.code()), reason.sentence()]);
    }
    out.push_str("\n## Fields and parameters\n\nThe `code` of an entry in `errors` under `invalid_field`, `invalid_request` and `card_number_refused`. The `detail` that is sent may say more, such as \
         an example.\n\n| code | what to do |\n|---|---|\n");
    for (code, advice) in FIELD_CODES {
        row(&mut out, &[&format!("`{code}`"), advice]);
    }
    out
}

fn row(out: &mut String, cells: &[&str]) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "| {} |", cells.join(" | "));
}
