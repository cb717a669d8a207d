//! IBANs (ISO 13616): country, length and both checks by `iban_validate`; stored in electronic format.

use super::{Invalid, Plain, text};
use iban::{Iban, IbanLike};

const MAX_CHARS: usize = 34;

/// Reads an IBAN; spaces and dashes may part it, letters may be small.
pub(super) fn parse(typed: &str) -> Result<Plain, Invalid> {
    let wrong = Invalid::whole("not_iban", "Write a valid IBAN, e.g. DE89 3704 0044 0532 0130 00.");
    let Some(compact) = text::compact(typed, |c| matches!(c, '-' | '\u{2010}'..='\u{2015}'), MAX_CHARS)
    else {
        return Err(wrong);
    };
    match Iban::try_from(compact.as_str()) {
        Ok(iban) => Ok(Plain::new(iban.electronic_str().to_owned())),
        Err(_) => Err(wrong),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c03_ibans_are_read_into_electronic_format() {
        for (typed, canonical) in [
            ("DE89 3704 0044 0532 0130 00", "DE89370400440532013000"),
            (" gb82-west-1234-5698-7654-32", "GB82WEST12345698765432"),
            ("FR14 2004 1010 0505 0001 3M02 606", "FR1420041010050500013M02606"),
            ("ＤＥ８９370400440532013000", "DE89370400440532013000"),
        ] {
            assert_eq!(parse(typed).unwrap().as_str(), canonical, "{typed}");
        }
    }

    #[test]
    fn what_is_no_iban_is_refused() {
        for bad in [
            "",
            "DE89",
            "DE88370400440532013000",
            "XX89370400440532013000",
            "DE8937040044053201300",
            "4111111111111111",
            "DE89_3704",
        ] {
            assert_eq!(parse(bad).unwrap_err().code, "not_iban", "{bad}");
        }
        assert_eq!(parse(&"D".repeat(10_240)).unwrap_err().code, "not_iban");
    }
}
