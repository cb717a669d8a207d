//! Bare line feeds in request heads: refused (A01). The parser of the framework takes them as line ends, as RFC 9112 allows;
//! something in front that does not would see other requests than we do.
//!
//! So is a `#` in a request line: a target has no fragment, but the framework passes over one in silence, so that a guard in
//! front would see another path than the router; and a name of a header that is longer than any.
//!
//! This follows the framing of what is read only as far as to know where heads are, by the rules of that parser: a body by
//! `Content-Length`, or chunks. A line feed that no carriage return precedes is overwritten with NUL, which the parser answers
//! with 400 and the end of the connection; so is a `#`. Nothing is buffered but the beginning of a line, and no body is ever changed.

use std::mem;
use zeroize::Zeroize;

/// Kept of a line: enough for every name and number that matters.
const KEPT: usize = 64;

/// Where in the framing the next byte is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
enum State {
    /// In a head.
    #[default]
    Head,
    /// In a body of which so many bytes are left.
    Body(u64),
    /// In the line of a chunk's size.
    Size,
    /// In a chunk, its line end included.
    Chunk(u64),
    /// In the lines after the last chunk.
    Trailer,
    /// The parser refuses what was read; what follows does not matter.
    Refused,
}

/// One connection's framing.
#[derive(Default)]
pub(super) struct Lines {
    state: State,
    line: Vec<u8>,
    longer: bool,
    cr: bool,
    begun: bool,
    length: Option<u64>,
    chunked: bool,
}

impl Lines {
    /// Follows bytes just read, and spoils them where a line feed stands bare in a head.
    pub(super) fn follow(&mut self, bytes: &mut [u8]) {
        let mut rest = bytes;
        while !rest.is_empty() {
            rest = match self.state {
                State::Refused => return,
                State::Body(left) => self.skip(rest, left, State::Body, State::Head),
                State::Chunk(left) => self.skip(rest, left, State::Chunk, State::Size),
                State::Head | State::Size | State::Trailer => self.next_line(rest),
            };
        }
    }

    fn skip<'a>(
        &mut self,
        bytes: &'a mut [u8],
        left: u64,
        within: fn(u64) -> State,
        after: State,
    ) -> &'a mut [u8] {
        let here = bytes.len().min(usize::try_from(left).unwrap_or(usize::MAX));
        let left = left.saturating_sub(here as u64);
        self.state = if left == 0 { after } else { within(left) };
        bytes.split_at_mut(here).1
    }

    fn next_line<'a>(&mut self, bytes: &'a mut [u8]) -> &'a mut [u8] {
        let end = bytes.iter().position(|b| *b == b'\n');
        let (line, rest) = bytes.split_at_mut(end.unwrap_or(bytes.len()));
        if self.state == State::Head && !self.begun {
            // The parser would drop a fragment; a target that has one is another to whoever does not.
            line.iter_mut().filter(|b| **b == b'#').for_each(|b| *b = 0);
        }
        let room = KEPT.saturating_sub(self.line.len());
        self.line.extend(line.iter().take(room));
        self.longer |= line.len() > room;
        if let Some(last) = line.last() {
            self.cr = *last == b'\r';
        }
        let Some((feed, rest)) = rest.split_first_mut() else { return &mut [] };
        let whole = mem::take(&mut self.cr);
        if !whole && self.state == State::Trailer {
            // The parser reads a trailer up to its carriage return.
            if self.line.len() < KEPT {
                self.line.push(b'\n');
            }
            return rest;
        }
        let mut line = mem::take(&mut self.line);
        let longer = mem::take(&mut self.longer);
        if !longer {
            line.pop();
        }
        let known = if whole { self.ended(&line, longer) } else { None };
        match known {
            Some(next) => self.state = next,
            None => {
                *feed = 0;
                self.state = State::Refused;
            }
        }
        // It may have been a credential's.
        line.zeroize();
        self.line = line;
        rest
    }

    /// What follows a line; `None`: it is to be refused.
    fn ended(&mut self, line: &[u8], longer: bool) -> Option<State> {
        match self.state {
            State::Size => {
                let digits = line.iter().take_while(|b| b.is_ascii_hexdigit()).count();
                let size = std::str::from_utf8(line.get(..digits)?).ok()?;
                let size = u64::from_str_radix(size, 16).ok().filter(|_| digits < KEPT)?;
                // The chunk and its line end.
                Some(if size == 0 { State::Trailer } else { State::Chunk(size.checked_add(2)?) })
            }
            State::Trailer => Some(if line.is_empty() { State::Head } else { State::Trailer }),
            _ if line.is_empty() => Some(self.head_ended()),
            _ => {
                // No header has a name of more than is kept, and the parser panics at one of 64 KiB.
                let named = !mem::replace(&mut self.begun, true) || !longer || line.contains(&b':');
                named.then(|| self.header(line, longer))?.map(|()| State::Head)
            }
        }
    }

    fn head_ended(&mut self) -> State {
        // Empty lines before a request are passed over.
        if !mem::take(&mut self.begun) {
            return State::Head;
        }
        match (mem::take(&mut self.chunked), self.length.take()) {
            (true, _) => State::Size,
            (false, Some(length)) if length > 0 => State::Body(length),
            (false, _) => State::Head,
        }
    }

    fn header(&mut self, line: &[u8], longer: bool) -> Option<()> {
        let value = |name: &[u8]| {
            let (start, rest) = line.split_at_checked(name.len())?;
            start.eq_ignore_ascii_case(name).then_some(rest)
        };
        if let Some(length) = value(b"content-length:") {
            let length = std::str::from_utf8(length).ok()?.trim();
            self.length = Some(length.parse().ok().filter(|_| !longer)?);
        } else if value(b"transfer-encoding:").is_some() {
            // The parser takes no other coding than `chunked`.
            self.chunked = true;
        }
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The bytes after they were followed in pieces of these sizes.
    fn followed(text: &[u8], pieces: &[usize]) -> Vec<u8> {
        let mut bytes = text.to_vec();
        let mut lines = Lines::default();
        let (mut at, mut sizes) = (0, pieces.iter().cycle());
        while at < bytes.len() {
            let end = bytes.len().min(at + sizes.next().unwrap().max(&1));
            lines.follow(&mut bytes[at..end]);
            at = end;
        }
        bytes
    }

    const PRETTY: &str = "{\n \"a\": 1,\r\n\n\r\n\n}";

    fn good() -> Vec<Vec<u8>> {
        let n = PRETTY.len();
        let last = PRETTY.len() - 5;
        [
            "GET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
            "\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n".to_owned(),
            format!("POST / HTTP/1.1\r\nContent-Length: {n}\r\n\r\n{PRETTY}"),
            format!("POST / HTTP/1.1\r\nX: a\r\ncontent-LENGTH:{n}  \r\nY: b\r\n\r\n{PRETTY}"),
            "POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n".to_owned(),
            format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{n:x}\r\n{PRETTY}\r\n0\r\n\r\n"),
            format!(
                "POST / HTTP/1.1\r\ntransfer-encoding: Chunked\r\n\r\n5;a=b\r\n{}\r\n{last:X} \r\n{}\r\n0\r\nT: a\nb\r\nU: c\r\n\r\n",
                &PRETTY[..5],
                &PRETTY[5..]
            ),
        ]
        .map(String::into_bytes)
        .into()
    }

    proptest! {
        #[test]
        fn what_has_no_bare_line_feed_in_a_head_is_never_changed(
            order in prop::collection::vec(0..7_usize, 1..8),
            pieces in prop::collection::vec(1..40_usize, 1..10),
        ) {
            let text: Vec<u8> = order.iter().flat_map(|n| good()[*n].clone()).collect();
            prop_assert_eq!(followed(&text, &pieces), text);
        }

        #[test]
        fn a_bare_line_feed_in_any_head_is_spoilt_wherever_reads_are_cut(
            before in prop::collection::vec(0..7_usize, 0..4),
            pieces in prop::collection::vec(1..40_usize, 1..10),
            line in 0..3_usize,
        ) {
            let good: Vec<u8> = before.iter().flat_map(|n| good()[*n].clone()).collect();
            let mut ends = ["\r\n"; 3];
            ends[line] = "\n";
            let head = format!("GET / HTTP/1.1{}Host: a{}{}", ends[0], ends[1], ends[2]);
            let text = [good.as_slice(), head.as_bytes()].concat();
            let spoilt = followed(&text, &pieces);
            let at = good.len() + head.find("\n").unwrap();
            let bare = text.iter().enumerate().skip(good.len()).find(|(at, b)| **b == b'\n' && text[at - 1] != b'\r');
            prop_assert!(at >= good.len());
            let mut expected = text.clone();
            expected[bare.unwrap().0] = 0;
            prop_assert_eq!(spoilt, expected);
        }

        #[test]
        fn any_bytes_are_followed_without_harm(bytes in prop::collection::vec(any::<u8>(), 0..400), piece in 1..50_usize) {
            prop_assert_eq!(followed(&bytes, &[piece]).len(), bytes.len());
        }
    }

    #[test]
    fn a_fragment_is_spoilt_in_a_request_line_and_nowhere_else() {
        let other = "GET /b HTTP/1.1\r\nX: #\r\nContent-Length: 1\r\n\r\n#";
        let text = format!("{other}\r\nGET /a#b HTTP/1.1\r\nX: #\r\n\r\n{other}");
        for piece in 1..20 {
            let spoilt = followed(text.as_bytes(), &[piece]);
            assert_eq!(String::from_utf8(spoilt).unwrap(), text.replace("/a#b", "/a\0b"));
        }
    }

    #[test]
    fn lengths_that_are_not_read_whole_are_refused() {
        let zeros = "0".repeat(80);
        for text in [
            format!("POST / HTTP/1.1\r\nContent-Length: {zeros}5\r\n\r\n"),
            "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n".to_owned(),
            format!("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n{zeros}5\r\nabcde\r\n"),
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\nabcde\r\n".to_owned(),
            "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n".to_owned(),
            "\nGET / HTTP/1.1\r\n".to_owned(),
            format!("GET / HTTP/1.1\r\n{}: a\r\n\r\n", "x".repeat(KEPT + 1)),
        ] {
            assert!(followed(text.as_bytes(), &[7]).contains(&0), "{text}");
        }
        let long = format!("GET /{0} HTTP/1.1\r\n{1}: {0}\r\n\r\n", "a".repeat(500), "x".repeat(KEPT - 1));
        assert!(!followed(long.as_bytes(), &[7]).contains(&0));
    }
}
