//! Crockford base32 for ids: 16 bytes are 26 characters, one spelling each.

const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Writes 16 bytes as 26 characters after a prefix.
pub fn encode(prefix: &str, bytes: &[u8; 16]) -> String {
    let mut n = u128::from_be_bytes(*bytes);
    let mut digits = [b'0'; 26];
    for slot in digits.iter_mut().rev() {
        *slot = ALPHABET.get((n & 31) as usize).copied().unwrap_or(b'0');
        n >>= 5;
    }
    let mut out = String::with_capacity(prefix.len() + 26);
    out.push_str(prefix);
    // Digits of the alphabet are text.
    out.push_str(std::str::from_utf8(&digits).unwrap_or_default());
    out
}

/// Reads what [`encode`] wrote: the exact prefix, upper-case canonical digits, nothing else.
pub fn decode(prefix: &str, text: &str) -> Option<[u8; 16]> {
    let digits = text.strip_prefix(prefix)?.as_bytes();
    if digits.len() != 26 || digits.first().is_none_or(|d| *d > b'7') {
        return None;
    }
    let mut n: u128 = 0;
    for digit in digits {
        let value = ALPHABET.iter().position(|a| a == digit)?;
        n = (n << 5) | value as u128;
    }
    Some(n.to_be_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn every_id_has_one_spelling(bytes: [u8; 16], other in "[0-9A-Za-z]{26}") {
            let text = encode("rec_", &bytes);
            proptest::prop_assert_eq!(decode("rec_", &text), Some(bytes));
            proptest::prop_assert!(decode("sub_", &text).is_none());
            if let Some(read) = decode("rec_", &format!("rec_{other}")) {
                proptest::prop_assert_eq!(encode("rec_", &read), format!("rec_{other}"));
            }
        }
    }
}
