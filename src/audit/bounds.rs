//! What an event may be at most (I10), checked before it is written and again when it is read.
//!
//! [`encode`](super::encode) writes whatever it is given, whole: evidence is never cut to fit. So whoever commits an
//! event calls [`check`] first; what passes it decodes again, what does not would make the log unverifiable.

use crate::domain::Ref8;
use crate::domain::event::{Act, EventBody, EventItem, MAX_ITEMS, Principal};

/// Longest text of an event (names, labels, codes), in bytes.
pub const MAX_TEXT: usize = 256;
/// Most subjects one event names.
pub const MAX_SUBJECTS: usize = 1_000;
/// Most changed rows one event names.
pub const MAX_CHANGED: usize = 4_096;
/// No body is longer than this, in bytes.
pub const MAX_BODY: usize = 256 * 1024;

/// The event is larger than, or otherwise outside, what version 1 can say.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the event's `{field}` is outside what event version 1 can say; split the request into parts")]
pub struct OutOfBounds {
    /// The field that does not fit.
    pub field: &'static str,
}

/// Whether an event can be written so that it reads back: `decode(encode(x)) == x` for every `x` that passes.
pub fn check(body: &EventBody) -> Result<(), OutOfBounds> {
    let rule = |fits: bool, field: &'static str| if fits { Ok(()) } else { Err(OutOfBounds { field }) };
    let text = |value: &Option<String>| value.as_ref().is_none_or(|t| t.len() <= MAX_TEXT);
    let network = body.network.as_ref();
    if let Principal::Client(name) = &body.principal {
        rule(name.len() <= MAX_TEXT, "principal")?;
    }
    rule(network.is_none_or(|n| n.prefix.len() <= MAX_TEXT && text(&n.label)), "network")?;
    rule(network.and_then(|n| n.country).is_none_or(|c| is_country(&c)), "country")?;
    rule(text(&body.ua_family), "ua_family")?;
    rule(text(&body.purpose), "purpose")?;
    rule(text(&body.recipient), "recipient")?;
    rule(text(&body.code), "code")?;
    rule(body.context.as_ref().is_none_or(|(kind, ..)| kind.len() <= MAX_TEXT), "context")?;
    rule(body.subjects.len() <= MAX_SUBJECTS, "subjects")?;
    rule(body.items.len() <= MAX_ITEMS, "items")?;
    rule(body.items.iter().all(|item| item_is_well_formed(body.act, item)), "items")?;
    rule(body.changed.len() <= MAX_CHANGED, "changed")?;
    rule(body.changed.iter().all(|row| is_row_kind(row.kind)), "changed")?;
    rule(is_part(body.part), "part")
}

/// Whether an item says something version 1 knows: its outcome is 0 (plain), 1 (masked), 2 (not found) or 16 + a
/// rule number below 32, and no detokenize shows a field of a record it does not name.
pub fn item_is_well_formed(act: Act, item: &EventItem) -> bool {
    let nameless = act == Act::Detokenize && item.record == Ref8([0; 8]);
    match item.outcome {
        0 | 1 => !nameless,
        2 | 16..=47 => true,
        _ => false,
    }
}

/// Two capital letters.
pub(super) fn is_country(code: &[u8; 2]) -> bool {
    code.iter().all(u8::is_ascii_uppercase)
}

/// 1 subject, 2 record, 3 grant, 4 control, 5 external reference.
pub(super) fn is_row_kind(kind: u8) -> bool {
    (1..=5).contains(&kind)
}

/// Part i of n, counted from 1.
pub(super) fn is_part((i, n): (u32, u32)) -> bool {
    1 <= i && i <= n
}
