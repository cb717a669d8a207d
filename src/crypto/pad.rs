//! Padding of values before sealing, because the length of a name identifies: `value ‖ 0x80 ‖ 0*` up to 16, 32, 64,
//! 128, 256, 512 or 1024 bytes, beyond that in steps of 1 KiB (ISO/IEC 7816-4 padding). Never used to hide a pad
//! oracle: the bytes are authentic before the pad is looked at.

const SMALLEST: usize = 16;
const STEP: usize = 1024;

/// Padded length of a value of `len` bytes; there is always room for the marker.
pub(crate) fn padded_len(len: usize) -> usize {
    let with_marker = len.saturating_add(1);
    if with_marker <= STEP {
        with_marker.next_power_of_two().max(SMALLEST)
    } else {
        with_marker.next_multiple_of(STEP)
    }
}

/// Whether some value pads to exactly `len` bytes.
pub(crate) fn is_padded_len(len: usize) -> bool {
    len.checked_sub(1).is_some_and(|longest| padded_len(longest) == len)
}

/// Appends the padded value to `out`, whose capacity the caller has reserved.
pub(crate) fn append_padded(out: &mut Vec<u8>, value: &[u8]) {
    let end = out.len().saturating_add(padded_len(value.len()));
    out.extend_from_slice(value);
    out.push(0x80);
    out.resize(end, 0);
}

/// Length of the value inside padded bytes; `None` unless the padding is the one [`append_padded`] writes.
pub(crate) fn value_len(padded: &[u8]) -> Option<usize> {
    let marker = padded.iter().rposition(|b| *b != 0)?;
    let is_marker = padded.get(marker) == Some(&0x80);
    (is_marker && padded_len(marker) == padded.len()).then_some(marker)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_fall_into_few_buckets() {
        let cases =
            [(0, 16), (15, 16), (16, 32), (31, 32), (32, 64), (63, 64), (64, 128), (127, 128), (255, 256)];
        let more =
            [(256, 512), (511, 512), (512, 1024), (1023, 1024), (1024, 2048), (2047, 2048), (65536, 66560)];
        for (value, padded) in cases.into_iter().chain(more) {
            assert_eq!(padded_len(value), padded, "a value of {value} bytes");
            assert!(is_padded_len(padded));
        }
        for odd in [0, 1, 15, 17, 48, 1000, 1536] {
            assert!(!is_padded_len(odd), "{odd}");
        }
    }

    proptest::proptest! {
        #[test]
        fn what_is_padded_is_read_back(value: Vec<u8>) {
            let mut out = Vec::new();
            append_padded(&mut out, &value);
            proptest::prop_assert_eq!(out.len(), padded_len(value.len()));
            proptest::prop_assert_eq!(value_len(&out), Some(value.len()));
        }
        #[test]
        fn arbitrary_bytes_are_read_only_in_their_canonical_bucket(bytes: Vec<u8>) {
            if let Some(len) = value_len(&bytes) {
                let mut again = Vec::new();
                append_padded(&mut again, &bytes[..len]);
                proptest::prop_assert_eq!(again, bytes);
            }
        }
    }

    #[test]
    fn a_value_in_a_larger_bucket_than_its_own_is_refused() {
        let mut out = b"ab\x80".to_vec();
        out.resize(32, 0);
        assert_eq!(value_len(&out), None);
        assert_eq!(value_len(&[0; 16]), None);
        assert_eq!(value_len(&[]), None);
    }
}
