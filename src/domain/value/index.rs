//! What a blind index is computed over: the stored value and what a searcher typed, in one normal form (A53).
//!
//! A searcher's text passes the same validator as a stored one, so both sides meet or the search is refused. Text is
//! folded (NFKC, case, white space), an e-mail's local part too; numbers and codes are canonical already.

use super::{Invalid, Plain, ValueOptions, composite, email, parse, postal_address, processor_ref, text};
use crate::domain::field::FieldType;
use crate::domain::sensitive::Sensitive;

/// The normalised bytes a blind index is computed over, from a stored canonical value (`part` selects within composites).
/// `None` when the part is absent, the value is empty (nothing to find it by), or the type is never indexed (passwords,
/// money, a composite as a whole).
pub fn index_input(kind: FieldType, canonical: &[u8], part: Option<&str>) -> Option<Sensitive<Vec<u8>>> {
    let stored = match (kind, part) {
        (FieldType::Password | FieldType::Money, _) => return None,
        (_, None) if kind.parts().is_empty() => std::str::from_utf8(canonical).ok()?,
        (_, Some(name)) if kind.parts().contains(&name) => composite::part(canonical, name)?,
        _ => return None,
    };
    let normal = normalise(kind, part, stored);
    (!normal.is_empty()).then(|| Sensitive::new(exact(&normal)))
}

/// The same normalised bytes from what a searcher typed; an error when no stored value could ever match it.
pub fn query_input(
    kind: FieldType,
    part: Option<&str>,
    typed: &Sensitive<String>,
) -> Result<Sensitive<Vec<u8>>, Invalid> {
    // EXPOSE: validated and folded into the index input, which is sensitive again.
    let typed = typed.expose();
    let canonical = match (kind, part) {
        (FieldType::Password | FieldType::Money, _) => return Err(NOT_SEARCHABLE),
        (_, None) if kind.parts().is_empty() => parse::plain(kind, typed, ValueOptions::default())?,
        (FieldType::PostalAddress, Some(name)) if kind.parts().contains(&name) => {
            postal_address::part(name, typed)?
        }
        (FieldType::ProcessorRef, Some(name)) => {
            let known = kind.parts().iter().find(|p| **p == name).ok_or(NOT_SEARCHABLE)?;
            processor_ref::part(known, typed)?
        }
        _ => return Err(NOT_SEARCHABLE),
    };
    let normal = normalise(kind, part, &canonical);
    if normal.is_empty() {
        return Err(Invalid::whole("empty", "Write what to search for."));
    }
    Ok(Sensitive::new(exact(&normal)))
}

const NOT_SEARCHABLE: Invalid =
    Invalid::whole("not_searchable", "This field cannot be searched; use another one.");

fn normalise(kind: FieldType, part: Option<&str>, canonical: &str) -> Plain {
    match (kind, part) {
        (FieldType::Email, _) => email::fold(canonical),
        (FieldType::PersonName | FieldType::Company | FieldType::FreeText | FieldType::Login, _) => {
            text::fold(canonical)
        }
        (FieldType::PostalAddress, Some(name)) if name != "country" => text::fold(canonical),
        _ => Plain::new(canonical.to_owned()),
    }
}

fn exact(normal: &str) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(normal.len());
    bytes.extend_from_slice(normal.as_bytes());
    bytes
}
