//! `POST /v1/detokenize`: the one route that returns values. It writes its reply itself, once, into a buffer that is wiped.

use crate::domain::Sensitive;
use crate::domain::context::KINDS;
use crate::domain::field::Form;
use crate::http::api::stream;
use crate::http::api::tokens::check_count;
use crate::http::exchange::{Exchange, Failure, Reply};
use crate::http::problem::Problem;
use crate::vault::{Fault, Item, RevealCommand, ShownItem};
use serde::Deserialize;
use utoipa::ToSchema;

/// Tokens to swap.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Detokenize {
    /// Purpose.
    pub purpose: String,
    /// 1 to 1 000 tokens.
    #[schema(value_type = Vec<String>)]
    pub tokens: Vec<Sensitive<String>>,
    /// A processor or third party the values are for.
    pub recipient: Option<String>,
    /// The client's own reference of that recipient (≤ 64 of `[A-Za-z0-9._:-]`).
    pub recipient_ref: Option<String>,
    /// A context.
    pub context: Option<Context>,
    /// The end user acted for (≤ 64 of `[A-Za-z0-9._:-]`); kept only as keyed pseudonym.
    pub on_behalf_of: Option<String>,
    /// `plain` or `masked`; absent: plain where granted, else masked.
    pub format: Option<String>,
    /// The first failing item refuses all.
    pub atomic: Option<bool>,
}

/// A context.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Context {
    /// `order`, `ticket` or `session`.
    pub kind: String,
    /// Its reference.
    #[serde(rename = "ref")]
    pub reference: String,
}

/// Holds a name of the client's to 1–64 of `[A-Za-z0-9._:-]`.
pub(in crate::http::api) fn name_fault(pointer: &str, text: Option<&String>) -> Result<(), Fault> {
    let fits = |t: &String| {
        (1..=64).contains(&t.len())
            && t.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b':' | b'-'))
    };
    match text {
        Some(text) if !fits(text) => {
            Err(Fault::new(pointer, "bad_name", "Write 1 to 64 of the characters A-Z a-z 0-9 . _ : -"))
        }
        _ => Ok(()),
    }
}

/// A context's kind and reference, when they can be ones.
pub(in crate::http::api) fn checked(context: Context) -> Result<(String, String), Fault> {
    if !KINDS.contains(&context.kind.as_str()) {
        return Err(Fault::new("/context/kind", "unknown_kind", "Write order, ticket or session."));
    }
    name_fault("/context/ref", Some(&context.reference))?;
    Ok((context.kind, context.reference))
}

/// `POST /v1/detokenize`
pub async fn swap(x: &Exchange<'_>) -> Result<Reply, Failure> {
    let body: Detokenize = x.json()?;
    if !x.streams {
        check_count(body.tokens.len())?;
    }
    name_fault("/on_behalf_of", body.on_behalf_of.as_ref())?;
    name_fault("/recipient_ref", body.recipient_ref.as_ref())?;
    let form = match body.format.as_deref() {
        None => None,
        Some("plain") => Some(Form::Plain),
        Some("masked") => Some(Form::Masked),
        Some(_) => return Err(Fault::new("/format", "unknown_format", "Write plain or masked.").into()),
    };
    let context = body.context.map(checked).transpose()?;
    let command = RevealCommand {
        purpose: body.purpose,
        tokens: body.tokens,
        recipient: body.recipient,
        on_behalf_of: body.on_behalf_of,
        context,
        form,
        atomic: body.atomic.unwrap_or(false),
    };
    if x.streams {
        return stream::reveal(x, command).await;
    }
    let done = x.vault.reveal(x.caller, x.call, &command).await?;
    let out = write_items(&command.tokens, &done.value);
    Ok(Reply::new(200, &done, out))
}

/// Writes the items into one buffer of sufficient size: no copy of a value is left behind by growth.
fn write_items(tokens: &[Sensitive<String>], items: &[ShownItem]) -> Vec<u8> {
    // EXPOSE: lengths, then the values themselves: released by the receipt of their event, into the reply.
    let size: usize =
        items.iter().map(|i| if let Item::Shown { json, .. } = i { json.expose().len() } else { 64 }).sum();
    let mut out = Vec::with_capacity(size + items.len() * 192 + 32);
    out.extend_from_slice(b"{\"results\":[");
    for (index, item) in items.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write_item(index, tokens.get(index), item, &mut out);
    }
    out.extend_from_slice(b"]}");
    out
}

/// One item as a JSON object.
pub(in crate::http::api) fn write_item(
    index: usize,
    token: Option<&Sensitive<String>>,
    item: &ShownItem,
    out: &mut Vec<u8>,
) {
    out.extend_from_slice(b"{\"index\":");
    out.extend_from_slice(index.to_string().as_bytes());
    match item {
        Item::Shown { field, form, json } => {
            if let Some(token) = token {
                out.extend_from_slice(b",\"token\":\"");
                // EXPOSE: it opened, so it is one of ours and plain base62.
                out.extend_from_slice(token.expose().as_bytes());
                out.push(b'"');
            }
            out.extend_from_slice(b",\"field\":\"");
            out.extend_from_slice(field.as_bytes());
            out.extend_from_slice(b"\",\"value\":");
            // EXPOSE: the one place where a value leaves.
            out.extend_from_slice(json.expose());
            out.extend_from_slice(match form {
                Form::Plain => b",\"format\":\"plain\"}",
                Form::Masked => b",\"format\":\"masked\"}",
            });
        }
        Item::Refused(refusal) => {
            out.extend_from_slice(b",\"error\":");
            write_error(&Problem::from(refusal), out);
            out.push(b'}');
        }
    }
}

/// An item's error: code, status, rule, whether a retry may help.
pub(in crate::http::api) fn write_error(problem: &Problem, out: &mut Vec<u8>) {
    out.extend_from_slice(
        format!("{{\"code\":\"{}\",\"status\":{}", problem.code.name(), problem.code.status()).as_bytes(),
    );
    if let Some(rule) = problem.rule {
        out.extend_from_slice(format!(",\"rule\":\"{}\"", rule.name()).as_bytes());
    }
    out.extend_from_slice(format!(",\"retryable\":{}}}", problem.code.retryable()).as_bytes());
}
