//! Tax ids: checked against a national scheme only when they name one (`DE:…`), else 4 to 20 letters and digits.

use super::{Invalid, Plain, tax_schemes, text};

const MAX_CHARS: usize = 20;

/// Reads a tax id. Spaces, dots, dashes and slashes may part it, letters may be small.
pub(super) fn parse(typed: &str) -> Result<Plain, Invalid> {
    match typed.split_once([':', '\u{ff1a}']) {
        Some((scheme, id)) => with_scheme(scheme, id),
        None => {
            let wrong = Invalid::whole(
                "not_tax_id",
                "Write 4 to 20 letters and digits, or name a scheme, e.g. DE:123456788.",
            );
            compact(typed).filter(|id| id.len() >= 4).ok_or(wrong)
        }
    }
}

fn with_scheme(scheme: &str, id: &str) -> Result<Plain, Invalid> {
    let unknown = Invalid::whole(
        "unknown_tax_scheme",
        "Use one of the schemes AT, AU, DE, ES, FR, GB, IT, NL, PL, US.",
    );
    let wrong = Invalid::whole(
        "wrong_tax_id",
        "The id fails the check of the scheme it names; correct it or leave the scheme out.",
    );
    let scheme = compact(scheme).ok_or(unknown.clone())?;
    let check = tax_schemes::check_of(&scheme).ok_or(unknown)?;
    let id = compact(id).ok_or(wrong.clone())?;
    // VAT numbers are often written with the country in front; one spelling is stored.
    let id = if check(id.as_bytes()) {
        id.as_str()
    } else {
        id.strip_prefix(scheme.as_str()).ok_or(wrong.clone())?
    };
    if !check(id.as_bytes()) {
        return Err(wrong);
    }
    let mut canonical = Plain::new(String::with_capacity(MAX_CHARS + 3));
    canonical.push_str(&scheme);
    canonical.push(':');
    canonical.push_str(id);
    Ok(canonical)
}

fn compact(typed: &str) -> Option<Plain> {
    text::compact(typed, |c| matches!(c, '.' | '-' | '/' | '\u{2010}'..='\u{2015}'), MAX_CHARS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c03_a_tax_id_that_names_a_scheme_is_checked() {
        for (typed, canonical) in [
            ("DE:136695976", "DE:136695976"),
            ("de: DE 136 695 976", "DE:136695976"),
            ("DE:86095742719", "DE:86095742719"),
            ("FR:83 404 833 048", "FR:83404833048"),
            ("IT:rssmra85t10a562s", "IT:RSSMRA85T10A562S"),
            ("AU:51 824 753 556", "AU:51824753556"),
        ] {
            assert_eq!(parse(typed).unwrap().as_str(), canonical, "{typed}");
            assert_eq!(parse(canonical).unwrap().as_str(), canonical);
        }
        for (bad, code) in [
            ("DE:136695975", "wrong_tax_id"),
            ("DE:", "wrong_tax_id"),
            ("DE:DE", "wrong_tax_id"),
            ("XX:136695976", "unknown_tax_scheme"),
            (":136695976", "unknown_tax_scheme"),
            ("DE:136:695976", "wrong_tax_id"),
        ] {
            assert_eq!(parse(bad).unwrap_err().code, code, "{bad}");
        }
    }

    #[test]
    fn c03_a_tax_id_without_scheme_is_letters_and_digits() {
        assert_eq!(parse("12/345.678-90").unwrap().as_str(), "1234567890");
        assert_eq!(parse("ａｂc1").unwrap().as_str(), "ABC1");
        for bad in ["", "123", "123456789012345678901", "12345ä", "12_34", "1234\0"] {
            assert_eq!(parse(bad).unwrap_err().code, "not_tax_id", "{bad}");
        }
    }
}
