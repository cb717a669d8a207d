//! What a setting takes: one kind a key, its test, and the sentence that says what to write instead. Never repeats what was
//! written: it may be a secret that somebody put where its path belongs (I6).

use crate::domain::endpoint::Endpoint;
use crate::domain::spelling;
use std::net::{IpAddr, SocketAddr};
use toml::de::DeValue;

/// The kinds of values.
#[derive(Clone, Copy, PartialEq, Debug)]
pub enum Kind {
    /// A path of a file or directory.
    Path,
    /// A text of 1 to so many characters.
    Text(usize),
    /// A list of texts.
    Texts,
    /// An IP address and a port.
    Address,
    /// A whole number within bounds.
    Whole(u64, u64),
    /// A share from 0 to 1.
    Share,
    /// `true` or `false`.
    Switch,
    /// One word of a list.
    Choice(&'static [&'static str]),
    /// A network without host bits.
    Network,
    /// An ISO 3166-1 alpha-2 code.
    Country,
    /// An address of HTTP on loopback or of HTTPS.
    Url,
}

impl Kind {
    /// The words of the reference.
    pub fn words(self) -> String {
        match self {
            Self::Path => "path".to_owned(),
            Self::Text(most) => format!("text of 1 to {most} characters"),
            Self::Texts => "list of texts".to_owned(),
            Self::Address => "IP address and port".to_owned(),
            Self::Whole(low, high) => format!("number, {low} to {high}"),
            Self::Share => "share, 0.0 to 1.0".to_owned(),
            Self::Switch => "`true` or `false`".to_owned(),
            Self::Choice(words) => words.iter().map(|w| format!("`{w}`")).collect::<Vec<_>>().join(", "),
            Self::Network => "network".to_owned(),
            Self::Country => "country code".to_owned(),
            Self::Url => "http address on loopback, or https address".to_owned(),
        }
    }

    /// What to write instead of this value, if it is not of this kind.
    pub(in crate::config) fn fault(self, value: &DeValue<'_>) -> Option<String> {
        if self.fits(value) { None } else { Some(self.advice(value)) }
    }

    fn fits(self, value: &DeValue<'_>) -> bool {
        match (self, value) {
            (Self::Path, DeValue::String(text)) => !text.is_empty() && !text.chars().any(char::is_control),
            (Self::Text(most), DeValue::String(text)) => (1..=most).contains(&text.len()),
            (Self::Texts, DeValue::Array(items)) => items.iter().all(|item| item.get_ref().is_str()),
            (Self::Address, DeValue::String(text)) => text.parse::<SocketAddr>().is_ok(),
            (Self::Whole(low, high), DeValue::Integer(number)) => {
                u64::from_str_radix(number.as_str(), number.radix()).is_ok_and(|n| (low..=high).contains(&n))
            }
            (Self::Share, DeValue::Float(number)) => {
                number.as_str().parse::<f64>().is_ok_and(|n| (0.0..=1.0).contains(&n))
            }
            (Self::Switch, DeValue::Boolean(_)) => true,
            (Self::Choice(words), DeValue::String(text)) => words.contains(&text.as_ref()),
            (Self::Network, DeValue::String(text)) => is_network(text),
            (Self::Country, DeValue::String(text)) => {
                text.len() == 2 && text.bytes().all(|b| b.is_ascii_uppercase())
            }
            (Self::Url, DeValue::String(text)) => Endpoint::parse(text).is_some(),
            _ => false,
        }
    }

    fn advice(self, value: &DeValue<'_>) -> String {
        match (self, value) {
            (Self::Path, DeValue::String(_)) => {
                "write the path of a file; its content does not belong here".to_owned()
            }
            (Self::Path, _) => "write a path in quotes".to_owned(),
            (Self::Text(most), _) => format!("write 1 to {most} characters in quotes"),
            (Self::Texts, _) => "write a list of texts, such as [\"a\", \"b\"]".to_owned(),
            (Self::Address, _) => {
                "write an IP address and a port in quotes, such as \"127.0.0.1:8443\"".to_owned()
            }
            (Self::Whole(low, high), _) => format!("write a number from {low} to {high}"),
            (Self::Share, _) => "write a share from 0.0 to 1.0, such as 0.01".to_owned(),
            (Self::Switch, _) => "write true or false, without quotes".to_owned(),
            (Self::Choice(words), value) => choice(words, value),
            (Self::Network, _) => {
                "write a network such as \"10.1.0.0/16\", no bit set beyond its length".to_owned()
            }
            (Self::Country, _) => "write two capital letters in quotes, such as \"DE\"".to_owned(),
            (Self::Url, _) => {
                "write http:// with a loopback address, or https://, such as \"http://127.0.0.1:4318/v1/traces\""
                    .to_owned()
            }
        }
    }
}

fn choice(words: &[&str], value: &DeValue<'_>) -> String {
    let list = match words.split_last() {
        Some((last, [])) => (*last).to_owned(),
        Some((last, first)) => format!("{} or {last}", first.join(", ")),
        None => String::new(),
    };
    let typed = value.as_str().unwrap_or("");
    match spelling::nearest(typed, words.iter().copied()) {
        Some(near) => format!("write {list} in quotes; did you mean {near}?"),
        None => format!("write {list} in quotes"),
    }
}

/// `address/length` without host bits; IPv4 is never written as IPv6.
pub(in crate::config) fn is_network(cidr: &str) -> bool {
    let Some((address, length)) = cidr.split_once('/') else { return false };
    let (Ok(address), Ok(bits_fixed)) = (address.parse::<IpAddr>(), length.parse::<u32>()) else {
        return false;
    };
    let (bits, width) = match address {
        IpAddr::V4(v4) => (u128::from(v4.to_bits()) << 96, 32),
        IpAddr::V6(v6) if v6.to_ipv4_mapped().is_none() => (v6.to_bits(), 128),
        IpAddr::V6(_) => return false,
    };
    // Shifting by the whole width leaves nothing.
    bits_fixed <= width && bits_fixed.to_string() == length && bits.checked_shl(bits_fixed).unwrap_or(0) == 0
}
