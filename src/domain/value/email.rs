//! E-mail addresses: checked against RFC 5321/5322/6531 by `email_address`, the domain in ASCII lower case (IDNA 2008),
//! the local part as typed. At most 254 bytes (RFC 5321 erratum 1690).

use super::{Invalid, Plain, text};
use email_address::{EmailAddress, Options};
use unicode_normalization::UnicodeNormalization;

const MAX_BYTES: usize = 254;

/// Reads an address. The same text once canonical reads as itself.
pub(super) fn parse(typed: &str) -> Result<Plain, Invalid> {
    read(typed).ok_or(Invalid::whole("not_email", "Write an e-mail address, e.g. ada@example.org."))
}

fn read(typed: &str) -> Option<Plain> {
    let typed = typed.trim();
    // A domain may shrink on its way to ASCII, but never below a quarter.
    if typed.len() > 4 * MAX_BYTES || typed.chars().any(char::is_control) {
        return None;
    }
    let (local, domain) = typed.rsplit_once('@')?;
    let domain = Plain::new(idna::domain_to_ascii_strict(domain).ok()?);
    let mut address = Plain::new(String::with_capacity(3 * local.len() + 1 + domain.len()));
    address.extend(local.nfc());
    address.push('@');
    address.push_str(&domain);
    let options = Options::default().with_required_tld().without_domain_literal().without_display_text();
    let valid = address.len() <= MAX_BYTES && EmailAddress::parse_with_options(&address, options).is_ok();
    valid.then_some(address)
}

/// The normaliser of the blind index: the canonical domain, the local part case-folded.
pub(super) fn fold(canonical: &str) -> Plain {
    let Some((local, domain)) = canonical.rsplit_once('@') else { return text::fold(canonical) };
    let mut folded = text::fold(local);
    folded.push('@');
    folded.push_str(domain);
    folded
}

/// `a…@example.org`; a local part of one character is not shown.
pub(super) fn mask(canonical: &str) -> Option<Plain> {
    let (local, domain) = canonical.rsplit_once('@')?;
    let mut shown = Plain::new(String::with_capacity(canonical.len() + 8));
    let mut chars = local.chars();
    if let (Some(first), Some(_)) = (chars.next(), chars.next()) {
        shown.push(first);
    }
    shown.push_str("…@");
    shown.push_str(domain);
    Some(shown)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn c01_addresses_are_read_into_one_form() {
        for (typed, canonical) in [
            (" Ada.Lovelace@Example.ORG ", "Ada.Lovelace@example.org"),
            ("a+tag@sub.example.co.uk", "a+tag@sub.example.co.uk"),
            ("jörg@bücher.example", "jörg@xn--bcher-kva.example"),
            ("jo\u{308}rg@Bu\u{308}cher.example", "jörg@xn--bcher-kva.example"),
            ("x@Ｅxample.org", "x@example.org"),
            ("o'neil@example.org", "o'neil@example.org"),
            ("\"a@b\"@example.org", "\"a@b\"@example.org"),
        ] {
            assert_eq!(parse(typed).unwrap().as_str(), canonical, "{typed}");
            assert_eq!(parse(canonical).unwrap().as_str(), canonical);
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        let long = format!("{}@{}.org", "a".repeat(64), "b.".repeat(120));
        for bad in [
            "",
            "ada",
            "@example.org",
            "ada@",
            "ada@localhost",
            "a b@example.org",
            "ada@exa mple.org",
            "a@b@example.org",
            "Ada <ada@example.org>",
            "<ada@example.org>",
            "ada@[127.0.0.1]",
            "ada@-x.org",
            "ada@example..org",
            ".a@example.org",
            "a..b@example.org",
            "ada@example.org\0",
            "ada\r\nBcc: x@example.org",
            "ada@xn--zz.example",
            "a@ex_ample.org",
            &long,
        ] {
            assert_eq!(parse(bad).unwrap_err().code, "not_email", "{bad}");
        }
    }

    #[test]
    fn a_mask_shows_one_letter_and_never_a_whole_local_part() {
        assert_eq!(mask("ada@example.org").unwrap().as_str(), "a…@example.org");
        assert_eq!(mask("a@example.org").unwrap().as_str(), "…@example.org");
        assert!(mask("no address").is_none());
    }
}
