//! `docs/errors.md`, made from the lists in the code so that it cannot lag behind.

use super::Code;
use crate::domain::Rule;
use crate::http::json::Reason;
use std::fmt::Write;

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
    out.push_str("\n## Rules\n\nThe `rule` of a `denied`, in the order in which they are judged; the first that fails is named.\n\n| rule | meaning |\n|---|---|\n");
    for rule in Rule::ALL {
        row(&mut out, &[&format!("`{}`", rule.name()), rule.meaning()]);
    }
    out.push_str("\n## Malformed bodies\n\nThe `code` of an entry in `errors` under `malformed_json`.\n\n| code | what to do |\n|---|---|\n");
    for reason in Reason::ALL {
        row(&mut out, &[&format!("`{}`", reason.code()), reason.sentence()]);
    }
    out.push_str("\n## Field validation\n\n<!-- field-validation codes -->\n");
    out
}

fn row(out: &mut String, cells: &[&str]) {
    // Writing to a string cannot fail.
    let _ = writeln!(out, "| {} |", cells.join(" | "));
}
