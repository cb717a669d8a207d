//! JSON strings written straight into the response buffer (RFC 8259), without a copy of the value in between.

/// Writes a string with its quotes.
pub(super) fn string(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    let bytes = text.as_bytes();
    let mut written = 0;
    for (at, byte) in bytes.iter().enumerate() {
        if *byte >= 0x20 && !matches!(byte, b'"' | b'\\' | 0x7f) {
            continue;
        }
        out.extend_from_slice(bytes.get(written..at).unwrap_or_default());
        escape(*byte, out);
        written = at + 1;
    }
    out.extend_from_slice(bytes.get(written..).unwrap_or_default());
    out.push(b'"');
}

fn escape(byte: u8, out: &mut Vec<u8>) {
    let short = match byte {
        b'"' => b'"',
        b'\\' => b'\\',
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        _ => {
            let hex = |nibble: u8| char::from_digit(u32::from(nibble), 16).map_or(b'0', |c| c as u8);
            out.extend_from_slice(b"\\u00");
            out.extend_from_slice(&[hex(byte >> 4), hex(byte & 15)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// Writes an object of strings.
pub(super) fn object<'a>(members: impl Iterator<Item = (&'a str, &'a str)>, out: &mut Vec<u8>) {
    out.push(b'{');
    for (place, (name, text)) in members.enumerate() {
        if place > 0 {
            out.push(b',');
        }
        string(name, out);
        out.push(b':');
        string(text, out);
    }
    out.push(b'}');
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn any_text_reads_back_as_itself(text: String, control in "[\\x00-\\x7f]{0,20}") {
            for text in [&text, &control] {
                let mut out = Vec::new();
                string(text, &mut out);
                proptest::prop_assert_eq!(&serde_json::from_slice::<String>(&out).unwrap(), text);
                let mut out = Vec::new();
                object([("a", text.as_str()), (text.as_str(), "b")].into_iter(), &mut out);
                let read: serde_json::Value = serde_json::from_slice(&out).unwrap();
                proptest::prop_assert_eq!(&read[text], "b");
            }
        }
    }

    #[test]
    fn control_characters_are_escaped() {
        let mut out = Vec::new();
        string("a\"\\\n\u{1}\u{7f}é", &mut out);
        assert_eq!(String::from_utf8(out).unwrap(), "\"a\\\"\\\\\\n\\u0001\\u007fé\"");
        let mut empty = Vec::new();
        object([].into_iter(), &mut empty);
        assert_eq!(empty, b"{}");
    }
}
