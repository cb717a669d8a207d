//! Money: a decimal amount of at most 18 digits and an ISO 4217 currency; the amount has as many decimals as the currency.

use super::composite::{Slots, at};
use super::{Invalid, Plain};
use crate::domain::field::FieldType;
use crate::domain::sensitive::Sensitive;
use iso_currency::Currency;

const MAX_DIGITS: usize = 18;

/// Reads `{amount, currency}`, both required.
pub(super) fn parse(sent: &[(String, Sensitive<String>)]) -> Result<Vec<u8>, Invalid> {
    let slots = Slots::sort(FieldType::Money, sent)?;
    slots.require("amount")?;
    let (code, decimals) = currency(slots.require("currency")?).map_err(|e| at("currency", e))?;
    slots.build(|name, text| match name {
        "amount" => amount(text, decimals),
        _ => Ok(Plain::new(code.to_owned())),
    })
}

/// The currency's code and number of decimals. Codes without decimals of their own (metals, tests) are no money.
fn currency(typed: &str) -> Result<(&'static str, usize), Invalid> {
    let wrong =
        Invalid::whole("unknown_currency", "Write the currency as its three letters of ISO 4217, e.g. EUR.");
    let code = typed.trim();
    if code.len() != 3 {
        return Err(wrong);
    }
    let currency = Currency::from_code(&code.to_ascii_uppercase());
    currency.and_then(|c| Some((c.code(), usize::from(c.exponent()?)))).ok_or(wrong)
}

fn amount(typed: &str, decimals: usize) -> Result<Plain, Invalid> {
    let wrong = Invalid::whole(
        "not_an_amount",
        "Write a decimal string without sign, at most 18 digits, no more decimals than the currency has, e.g. 12.50.",
    );
    let typed = typed.trim();
    let (whole, fraction) = typed.split_once('.').map_or((typed, ""), |(w, f)| (w, f));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    let dot_alone = typed.contains('.') && fraction.is_empty();
    if whole.is_empty()
        || dot_alone
        || !all_digits(whole)
        || !all_digits(fraction)
        || fraction.len() > decimals
    {
        return Err(wrong);
    }
    let significant = whole.trim_start_matches('0');
    let whole = if significant.is_empty() { "0" } else { significant };
    if whole.len() + decimals > MAX_DIGITS {
        return Err(wrong);
    }
    let mut out = Plain::new(String::with_capacity(MAX_DIGITS + 1));
    out.push_str(whole);
    if decimals > 0 {
        out.push('.');
        out.push_str(fraction);
        (fraction.len()..decimals).for_each(|_| out.push('0'));
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(amount: &str, currency: &str) -> Result<String, Invalid> {
        let sent =
            [("currency", currency), ("amount", amount)].map(|(n, t)| (n.to_owned(), Sensitive::text(t)));
        parse(&sent).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn amounts_take_the_decimals_of_their_currency() {
        for (amount, currency, kept) in [
            ("12.5", "EUR", "12.50"),
            ("12", "eur", "12.00"),
            ("0012.50", "EUR", "12.50"),
            ("0", "USD", "0.00"),
            ("1200", "JPY", "1200"),
            ("1.234", "KWD", "1.234"),
            ("9999999999999999.99", "EUR", "9999999999999999.99"),
        ] {
            let stored = format!("amount\u{1f}{kept}\u{1e}currency\u{1f}{}\u{1e}", currency.to_uppercase());
            assert_eq!(read(amount, currency).unwrap(), stored);
            assert_eq!(read(kept, currency).unwrap(), stored);
        }
    }

    #[test]
    fn what_is_no_amount_is_refused_at_its_part() {
        for bad in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1,50",
            "1e3",
            "1.234",
            "0x1",
            "١",
            "99999999999999999.99",
            "1 000",
        ] {
            let refused = read(bad, "EUR").unwrap_err();
            assert_eq!((refused.code, refused.pointer), ("not_an_amount", "/amount"), "{bad}");
        }
        assert_eq!(read("1.0", "JPY").unwrap_err().code, "not_an_amount");
        for bad in ["", "EU", "EURO", "XYZ", "XAU", "ÉUR", "€"] {
            let refused = read("1", bad).unwrap_err();
            assert_eq!((refused.code, refused.pointer), ("unknown_currency", "/currency"), "{bad}");
        }
        let alone = parse(&[("amount".to_owned(), Sensitive::text("1"))]).unwrap_err();
        assert_eq!((alone.code, alone.pointer), ("missing_part", "/currency"));
    }
}
