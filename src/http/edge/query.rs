//! Query strings, read strictly: declared names only, each once, properly encoded, small.

use crate::http::problem::{Code, Problem};

const MAX_BYTES: usize = 2_048;
const MAX_PAIRS: usize = 16;

/// A decoded query.
#[derive(Default)]
pub struct Query(Vec<(&'static str, String)>);

impl Query {
    /// Reads a query of which only `allowed` names are known.
    pub fn parse(query: &str, allowed: &'static [&'static str]) -> Result<Self, Problem> {
        if query.len() > MAX_BYTES {
            return Err(Code::InvalidRequest.into());
        }
        let mut pairs: Vec<(&'static str, String)> = Vec::new();
        for pair in query.split('&').filter(|_| !query.is_empty()) {
            let (name, value) = pair.split_once('=').ok_or(Code::InvalidRequest)?;
            let name = decode(name).ok_or(Code::InvalidRequest)?;
            let name = *allowed.iter().find(|known| **known == name).ok_or(Code::InvalidRequest)?;
            if pairs.len() == MAX_PAIRS || pairs.iter().any(|(seen, _)| *seen == name) {
                return Err(Code::InvalidRequest.into());
            }
            pairs.push((name, decode(value).ok_or(Code::InvalidRequest)?));
        }
        Ok(Self(pairs))
    }
    /// A route without parameters: any query is refused.
    pub fn none(query: &str) -> Result<(), Problem> {
        if query.is_empty() { Ok(()) } else { Err(Code::InvalidRequest.into()) }
    }
    /// The value of a parameter.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(n, _)| *n == name).map(|(_, value)| value.as_str())
    }
    /// `limit`: 1–200, 50 when absent.
    pub fn limit(&self) -> Result<u32, Problem> {
        let Some(text) = self.get("limit") else { return Ok(50) };
        let digits = text.len() <= 3 && text.bytes().all(|b| b.is_ascii_digit());
        let number = if digits { text.parse::<u32>().ok() } else { None };
        number.filter(|n| (1..=200).contains(n)).ok_or(Problem::new(Code::InvalidRequest))
    }
}

/// Percent-decoding. A bare `+` has two readings (RFC 3986, HTML forms), so it must be written `%2B` or `%20`.
fn decode(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                out.push(u8::try_from(high * 16 + low).ok()?);
            }
            b'+' => return None,
            _ => out.push(byte),
        }
    }
    String::from_utf8(out).ok().filter(|text| !text.chars().any(char::is_control))
}
