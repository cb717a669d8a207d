//! No text may make a field type's validator or the card-number check panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use strongroom::domain::Sensitive;
use strongroom::domain::field::FieldType;
use strongroom::domain::value::{FieldValue, RawValue, ValueOptions, holds_card_number};

fuzz_target!(|data: &[u8]| {
    let Some((first, rest)) = data.split_first() else { return };
    let Ok(text) = std::str::from_utf8(rest) else { return };
    let kind = FieldType::ALL[usize::from(*first) % FieldType::ALL.len()];
    let raw = RawValue::Text(Sensitive::text(text));
    let _ = holds_card_number(kind, &raw);
    let _ = FieldValue::parse(kind, &raw, ValueOptions::default());
});
