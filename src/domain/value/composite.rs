//! Composite values: named parts in one canonical order, `part\x1ftext\x1e` each.
//!
//! The separators are control characters, which no text rule lets through, so a text can never end its part early.

use super::{Invalid, Plain};
use crate::domain::field::FieldType;
use crate::domain::sensitive::Sensitive;

const PART_END: char = '\u{1e}';
const NAME_END: char = '\u{1f}';

/// What was sent, sorted into the canonical order; `None` where a part is absent.
pub(super) struct Slots<'a> {
    names: &'static [&'static str],
    texts: Vec<Option<&'a str>>,
}

/// The canonical bytes under construction.
pub(super) struct Builder(zeroize::Zeroizing<Vec<u8>>);

impl<'a> Slots<'a> {
    /// Refuses unknown and repeated parts. The name of an unknown part is not echoed: it is input like any other.
    pub(super) fn sort(kind: FieldType, sent: &'a [(String, Sensitive<String>)]) -> Result<Self, Invalid> {
        let names = kind.parts();
        let mut texts = vec![None; names.len()];
        for (name, text) in sent {
            let place = names.iter().position(|n| n == name).ok_or(unknown_part(kind))?;
            let Some(slot) = texts.get_mut(place) else { return Err(unknown_part(kind)) };
            // EXPOSE: borrowed for validation, copied only into the canonical form.
            if slot.replace(text.expose().as_str()).is_some() {
                return Err(at(name, Invalid::whole("duplicate_part", "Write each part once.")));
            }
        }
        Ok(Self { names, texts })
    }
    /// The text sent for a part.
    pub(super) fn get(&self, name: &str) -> Option<&'a str> {
        let place = self.names.iter().position(|n| *n == name)?;
        self.texts.get(place).copied().flatten()
    }
    /// The text of a part that must be there.
    pub(super) fn require(&self, name: &str) -> Result<&'a str, Invalid> {
        self.get(name).ok_or(at(name, Invalid::whole("missing_part", "Write this part; the type needs it.")))
    }
    /// Validates the parts that are there, in canonical order.
    pub(super) fn build(
        &self,
        mut parse: impl FnMut(&'static str, &str) -> Result<Plain, Invalid>,
    ) -> Result<Vec<u8>, Invalid> {
        let room = self.texts.iter().flatten().map(|t| 2 * t.len() + 16).sum();
        let mut out = Builder(zeroize::Zeroizing::new(Vec::with_capacity(room)));
        for (name, text) in self.names.iter().zip(&self.texts) {
            if let Some(text) = text {
                out.push(name, &parse(name, text).map_err(|e| at(name, e))?);
            }
        }
        Ok(out.finish())
    }
}

impl Builder {
    fn push(&mut self, name: &str, text: &str) {
        for piece in [name, "\u{1f}", text, "\u{1e}"] {
            self.0.extend_from_slice(piece.as_bytes());
        }
    }
    fn finish(self) -> Vec<u8> {
        let mut exact = Vec::with_capacity(self.0.len());
        exact.extend_from_slice(&self.0);
        exact
    }
}

/// The parts of a canonical value, in order. Bytes that are no canonical value yield nothing.
pub(super) fn parts(canonical: &[u8]) -> impl Iterator<Item = (&str, &str)> {
    let text = std::str::from_utf8(canonical).unwrap_or("");
    text.split_terminator(PART_END).filter_map(|part| part.split_once(NAME_END))
}

/// One part of a canonical value.
pub(super) fn part<'a>(canonical: &'a [u8], name: &str) -> Option<&'a str> {
    parts(canonical).find(|(n, _)| *n == name).map(|(_, text)| text)
}

/// Moves a refusal to a part.
pub(super) fn at(name: &str, invalid: Invalid) -> Invalid {
    Invalid { pointer: pointer(name), ..invalid }
}

fn pointer(name: &str) -> &'static str {
    match name {
        "line1" => "/line1",
        "line2" => "/line2",
        "line3" => "/line3",
        "city" => "/city",
        "postcode" => "/postcode",
        "state" => "/state",
        "country" => "/country",
        "processor" => "/processor",
        "reference" => "/reference",
        "brand" => "/brand",
        "last4" => "/last4",
        "expiry" => "/expiry",
        "amount" => "/amount",
        "currency" => "/currency",
        _ => "",
    }
}

/// The refusal of a part the type does not have.
pub(super) fn unknown_part(kind: FieldType) -> Invalid {
    let detail = match kind {
        FieldType::PostalAddress => {
            "Use only the parts line1, line2, line3, city, postcode, state and country."
        }
        FieldType::ProcessorRef => "Use only the parts processor, reference, brand, last4 and expiry.",
        FieldType::Money => "Use only the parts amount and currency.",
        _ => "This type has no parts.",
    };
    Invalid::whole("unknown_part", detail)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_of_every_type_has_its_pointer() {
        for kind in FieldType::ALL {
            for name in kind.parts() {
                assert_eq!(pointer(name), format!("/{name}"));
                assert!(unknown_part(*kind).detail.contains(name));
            }
        }
        assert_eq!(pointer("4111"), "");
    }

    #[test]
    fn bytes_that_are_no_canonical_value_have_no_parts() {
        assert_eq!(parts(b"\xff\x1fx\x1e").count(), 0);
        assert_eq!(parts(b"no separator").count(), 0);
        assert_eq!(part(b"city\x1fBonn\x1ecountry\x1fDE\x1e", "country"), Some("DE"));
        assert_eq!(part(b"city\x1fBonn\x1e", "country"), None);
    }
}
