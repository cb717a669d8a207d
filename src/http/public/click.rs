//! The body of a click: `List-Unsubscribe=One-Click`, as a form of either encoding (RFC 8058). Anything else changes nothing.

use crate::http::problem::{Code, Problem};
use actix_web::http::header::{self, HeaderMap};

const NAME: &str = "List-Unsubscribe";
const VALUE: &str = "One-Click";

/// How the form is written.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Encoding {
    /// `application/x-www-form-urlencoded`
    Pairs,
    /// `multipart/form-data`
    Parts,
}

/// The encoding that the headers announce.
pub(super) fn encoding(headers: &HeaderMap) -> Result<Encoding, Problem> {
    let mut values = headers.get_all(header::CONTENT_TYPE);
    let (Some(value), None) = (values.next().and_then(|v| v.to_str().ok()), values.next()) else {
        return Err(Code::UnsupportedMediaType.into());
    };
    let kind = value.split(';').next().unwrap_or("").trim();
    let plain = !headers.contains_key(header::CONTENT_ENCODING);
    match kind {
        _ if plain && kind.eq_ignore_ascii_case("application/x-www-form-urlencoded") => Ok(Encoding::Pairs),
        _ if plain && kind.eq_ignore_ascii_case("multipart/form-data") => Ok(Encoding::Parts),
        _ => Err(Code::UnsupportedMediaType.into()),
    }
}

/// Whether the body is a click.
pub(super) fn check(encoding: Encoding, body: &[u8]) -> Result<(), Problem> {
    let text = std::str::from_utf8(body).map_err(|_| Problem::new(Code::InvalidRequest))?;
    let clicked = match encoding {
        Encoding::Pairs => text.trim_end().split('&').any(|pair| pair.split_once('=') == Some((NAME, VALUE))),
        Encoding::Parts => part(text) == Some(VALUE),
    };
    if clicked { Ok(()) } else { Err(Code::InvalidRequest.into()) }
}

/// The first line of the part with the field's name.
fn part(text: &str) -> Option<&str> {
    let (_, named) = text.split_once(&format!("name=\"{NAME}\""))?;
    let (_, content) = named.split_once("\r\n\r\n")?;
    content.split("\r\n").next()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::http::header::{CONTENT_TYPE, HeaderValue};

    fn announced(kind: &'static str) -> Option<Encoding> {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(kind));
        encoding(&headers).ok()
    }

    #[test]
    fn both_encodings_of_the_one_click_are_taken() {
        assert_eq!(announced("application/x-www-form-urlencoded"), Some(Encoding::Pairs));
        assert_eq!(announced("multipart/form-data; boundary=x"), Some(Encoding::Parts));
        assert!(check(Encoding::Pairs, b"List-Unsubscribe=One-Click").is_ok());
        assert!(check(Encoding::Pairs, b"a=b&List-Unsubscribe=One-Click\r\n").is_ok());
        let parts =
            b"--x\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\nOne-Click\r\n--x--\r\n";
        assert!(check(Encoding::Parts, parts).is_ok());
    }

    #[test]
    fn anything_else_is_no_click() {
        assert_eq!(announced("application/json"), None);
        assert_eq!(announced("text/plain"), None);
        assert_eq!(encoding(&HeaderMap::new()).ok(), None);
        for body in [
            &b""[..],
            b"List-Unsubscribe=One-Clic",
            b"list-unsubscribe=One-Click",
            b"One-Click",
            b"xList-Unsubscribe=One-Click",
            &[0xff],
        ] {
            assert!(check(Encoding::Pairs, body).is_err() && check(Encoding::Parts, body).is_err());
        }
        assert!(check(Encoding::Parts, b"name=\"List-Unsubscribe\"\r\n\r\nOne-Click-Not\r\n").is_err());
    }
}
