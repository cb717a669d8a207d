//! Decimal digits of every script, as ASCII: a card or phone number stays one in Arabic or Devanagari digits.

/// The zero of each block of ten decimal digits (Unicode general category Nd), ascending.
const ZEROS: &[u32] = &[
    0x30, 0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6, 0xe50,
    0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90, 0x1b50, 0x1bb0, 0x1c40,
    0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0, 0xff10, 0x104a0, 0x10d30, 0x10d40,
    0x11066, 0x110f0, 0x11136, 0x111d0, 0x112f0, 0x11450, 0x114d0, 0x11650, 0x116c0, 0x116d0, 0x116da,
    0x11730, 0x118e0, 0x11950, 0x11bf0, 0x11c50, 0x11d50, 0x11da0, 0x11de0, 0x11f50, 0x16130, 0x16a60,
    0x16ac0, 0x16b50, 0x16d70, 0x1ccf0, 0x1d7ce, 0x1d7d8, 0x1d7e2, 0x1d7ec, 0x1d7f6, 0x1e140, 0x1e2f0,
    0x1e4f0, 0x1e5f1, 0x1e950, 0x1fbf0,
];

/// The value of a decimal digit of any script.
pub(super) fn value(c: char) -> Option<u8> {
    if c.is_ascii() {
        return c.is_ascii_digit().then(|| c as u8 - b'0');
    }
    let point = u32::from(c);
    let block = ZEROS.partition_point(|zero| *zero <= point).checked_sub(1)?;
    let offset = point.checked_sub(*ZEROS.get(block)?)?;
    u8::try_from(offset).ok().filter(|v| *v < 10)
}

/// The ASCII digit of the same value.
pub(super) fn to_ascii(c: char) -> Option<char> {
    value(c).map(|v| char::from(b'0' + v))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_of_every_script_have_their_value() {
        for (c, v) in
            [('0', 0), ('9', 9), ('٣', 3), ('۹', 9), ('८', 8), ('７', 7), ('𝟚', 2), ('\u{1fbf9}', 9)]
        {
            assert_eq!(value(c), Some(v), "{c}");
        }
        for c in ['a', '/', ':', 'Ⅷ', '一', '\u{65f}', '\u{66a}', '½', '\u{10ffff}', 'é'] {
            assert_eq!(value(c), None, "{c}");
        }
    }

    #[test]
    fn the_table_is_ascending_and_its_blocks_do_not_overlap() {
        assert!(ZEROS.windows(2).all(|w| w[0] + 10 <= w[1]));
        assert!(ZEROS.iter().all(|z| char::from_u32(*z).unwrap().is_numeric()));
    }
}
