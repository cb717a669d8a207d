//! Base62 (`0-9A-Za-z`) of fixed width: one spelling per value, nothing to pad.

const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/// Digits of 31 bytes: 62⁴² ≥ 2²⁴⁸.
pub(in crate::crypto) const DIGITS: usize = 42;

/// Digits that are taken at a time: 62¹⁰ < 2⁶⁰, so a group fits a machine word and few wide divisions are left.
const GROUP: usize = 10;

/// 62ⁿ for n up to a group.
const fn power(n: usize) -> u64 {
    let (mut value, mut left) = (1, n);
    while left > 0 {
        value *= 62;
        left -= 1;
    }
    value
}

/// Writes 31 bytes as 42 digits.
pub(in crate::crypto) fn encode(bytes: &[u8; 31], out: &mut String) {
    // Four 62-bit limbs, big-endian; each round divides by as much as the group has digits.
    let mut limbs = to_limbs(bytes);
    let mut digits = [0_u8; DIGITS];
    for group in digits.rchunks_mut(GROUP) {
        let divisor = u128::from(power(group.len()));
        let mut rest = 0_u128;
        for limb in &mut limbs {
            let value = (rest << 62) | u128::from(*limb);
            *limb = u64::try_from(value / divisor).unwrap_or(0);
            rest = value % divisor;
        }
        let mut rest = u64::try_from(rest).unwrap_or(0);
        for digit in group.iter_mut().rev() {
            *digit = ALPHABET.get(usize::try_from(rest % 62).unwrap_or(0)).copied().unwrap_or(b'0');
            rest /= 62;
        }
    }
    // Digits of the alphabet are text.
    out.push_str(std::str::from_utf8(&digits).unwrap_or_default());
}

/// Reads 42 digits; `None` for other characters and for values of 2²⁴⁸ and more, so that a token has one spelling.
pub(in crate::crypto) fn decode(text: &[u8; DIGITS]) -> Option<[u8; 31]> {
    let mut limbs = [0_u64; 4];
    // The short group comes first, as it is the last that is written.
    let (first, groups) = text.split_at(DIGITS % GROUP);
    for group in std::iter::once(first).chain(groups.chunks(GROUP)) {
        let mut value = 0_u64;
        for byte in group {
            value = value * 62 + u64::from(value_of(*byte)?);
        }
        let factor = u128::from(power(group.len()));
        let mut carry = u128::from(value);
        for limb in limbs.iter_mut().rev() {
            let value = u128::from(*limb) * factor + carry;
            *limb = u64::try_from(value & ((1 << 62) - 1)).unwrap_or(0);
            carry = value >> 62;
        }
        if carry != 0 {
            return None;
        }
    }
    Some(from_limbs(limbs))
}

/// A digit for a random byte below 248, so that all 62 are equally likely.
pub(in crate::crypto) fn random_digit(byte: u8) -> Option<char> {
    (byte < 248).then(|| ALPHABET.get(usize::from(byte % 62)).map(|d| char::from(*d))).flatten()
}

/// Whether a byte is a digit.
pub(in crate::crypto) fn is_digit(byte: u8) -> bool {
    value_of(byte).is_some()
}

fn value_of(byte: u8) -> Option<u8> {
    match byte {
        b'0'..=b'9' => Some(byte - b'0'),
        b'A'..=b'Z' => Some(byte - b'A' + 10),
        b'a'..=b'z' => Some(byte - b'a' + 36),
        _ => None,
    }
}

/// 248 bits as four limbs of 62, most significant first.
fn to_limbs(bytes: &[u8; 31]) -> [u64; 4] {
    let (mut limbs, mut bits, mut have) = ([0_u64; 4], 0_u128, 0_u32);
    let mut at = limbs.iter_mut();
    for byte in bytes {
        bits = (bits << 8) | u128::from(*byte);
        have += 8;
        if have >= 62 {
            have -= 62;
            if let Some(limb) = at.next() {
                *limb = u64::try_from(bits >> have).unwrap_or(0);
            }
            bits &= (1 << have) - 1;
        }
    }
    limbs
}

fn from_limbs(limbs: [u64; 4]) -> [u8; 31] {
    let (mut out, mut bits, mut have) = ([0; 31], 0_u128, 0_u32);
    let mut at = out.iter_mut();
    for limb in limbs {
        bits = (bits << 62) | u128::from(limb);
        have += 62;
        while have >= 8 {
            have -= 8;
            if let Some(byte) = at.next() {
                *byte = u8::try_from((bits >> have) & 0xff).unwrap_or(0);
            }
            bits &= (1 << have) - 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn every_value_has_one_spelling(bytes: [u8; 31]) {
            let mut text = String::new();
            encode(&bytes, &mut text);
            proptest::prop_assert_eq!(text.len(), DIGITS);
            proptest::prop_assert_eq!(decode(text.as_bytes().try_into().unwrap()), Some(bytes));
        }
        #[test]
        fn what_is_read_is_written_the_same(text in "[0-9A-Za-z]{42}") {
            if let Some(bytes) = decode(text.as_bytes().try_into().unwrap()) {
                let mut again = String::new();
                encode(&bytes, &mut again);
                proptest::prop_assert_eq!(again, text);
            }
        }
    }

    #[test]
    fn the_largest_value_is_read_and_the_next_is_not() {
        let mut text = String::new();
        encode(&[0xff; 31], &mut text);
        assert_eq!(decode(text.as_bytes().try_into().unwrap()), Some([0xff; 31]));
        let mut next = text.into_bytes();
        // The successor of 2²⁴⁸−1, digit by digit with carry.
        for digit in next.iter_mut().rev() {
            let value = value_of(*digit).unwrap();
            *digit = ALPHABET[usize::from((value + 1) % 62)];
            if value != 61 {
                break;
            }
        }
        assert_eq!(decode(next.as_slice().try_into().unwrap()), None);
        assert_eq!(decode(&[b'z'; 42]), None);
        assert_eq!(decode(&[b'-'; 42]), None);
    }
}
