//! Reads canonical encodings, strictly.

use super::{MAX_ITEMS, MAX_TEXT};

/// Takes values off the front of an encoding; every method is `None` when the bytes are not what it asks for.
pub struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    /// Reads an encoding of this version, or none.
    pub fn new(bytes: &'a [u8], version: u8) -> Option<Self> {
        let mut reader = Self(bytes);
        (reader.u8()? == version).then_some(reader)
    }
    /// So many bytes.
    pub fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }
    /// An array.
    pub fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }
    /// One byte.
    pub fn u8(&mut self) -> Option<u8> {
        self.array().map(u8::from_be_bytes)
    }
    /// Two bytes, big-endian.
    pub fn u16(&mut self) -> Option<u16> {
        self.array().map(u16::from_be_bytes)
    }
    /// Four bytes, big-endian.
    pub fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }
    /// Eight bytes, big-endian.
    pub fn u64(&mut self) -> Option<u64> {
        self.array().map(u64::from_be_bytes)
    }
    /// Eight bytes, big-endian, two's complement.
    pub fn i64(&mut self) -> Option<i64> {
        self.array().map(i64::from_be_bytes)
    }
    /// 0 or 1, nothing else.
    pub fn bool(&mut self) -> Option<bool> {
        match self.u8()? {
            0 => Some(false),
            1 => Some(true),
            _ => None,
        }
    }
    /// Bytes with their length in front, at most [`MAX_TEXT`].
    pub fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = usize::from(self.u16()?);
        if length > MAX_TEXT {
            return None;
        }
        self.take(length)
    }
    /// A text with its length in front.
    pub fn text(&mut self) -> Option<String> {
        std::str::from_utf8(self.bytes()?).ok().map(str::to_owned)
    }
    /// 0, or 1 and the content.
    pub fn option<T>(&mut self, read: impl FnOnce(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if self.bool()? { read(self).map(Some) } else { Some(None) }
    }
    /// A list of at most `max` (and at most [`MAX_ITEMS`]) items. Grows as items are read, not by what is announced.
    pub fn list<T>(&mut self, max: usize, mut read: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        let count = usize::from(self.u16()?);
        if count > max.min(MAX_ITEMS) {
            return None;
        }
        (0..count).map(|_| read(self)).collect()
    }
    /// The end: no byte may be left.
    pub fn end(self) -> Option<()> {
        self.0.is_empty().then_some(())
    }
}
