//! Writes canonical encodings.

/// Appends values in their canonical form. Ends with [`Writer::finish`].
#[derive(Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// An encoding that begins with a version byte.
    pub fn new(version: u8) -> Self {
        Self(vec![version])
    }
    /// One byte.
    pub fn u8(&mut self, n: u8) -> &mut Self {
        self.0.push(n);
        self
    }
    /// Two bytes, big-endian.
    pub fn u16(&mut self, n: u16) -> &mut Self {
        self.fixed(&n.to_be_bytes())
    }
    /// Four bytes, big-endian.
    pub fn u32(&mut self, n: u32) -> &mut Self {
        self.fixed(&n.to_be_bytes())
    }
    /// Eight bytes, big-endian.
    pub fn u64(&mut self, n: u64) -> &mut Self {
        self.fixed(&n.to_be_bytes())
    }
    /// Eight bytes, big-endian, two's complement.
    pub fn i64(&mut self, n: i64) -> &mut Self {
        self.fixed(&n.to_be_bytes())
    }
    /// 0 or 1.
    pub fn bool(&mut self, flag: bool) -> &mut Self {
        self.u8(u8::from(flag))
    }
    /// Bytes of a length the reader knows.
    pub fn fixed(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }
    /// Bytes with their length in front.
    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.length(bytes.len()).fixed(bytes)
    }
    /// A text with its length in bytes in front.
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }
    /// 0, or 1 and the content.
    pub fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Self, T)) -> &mut Self {
        self.bool(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
        self
    }
    /// The number of items, then each item.
    pub fn list<T>(&mut self, items: &[T], mut write: impl FnMut(&mut Self, &T)) -> &mut Self {
        self.length(items.len());
        for item in items {
            write(self, item);
        }
        self
    }
    /// The encoding.
    pub fn finish(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.0)
    }
    /// A length that does not fit is written as one no reader accepts: refused later rather than cut short now.
    fn length(&mut self, length: usize) -> &mut Self {
        self.u16(u16::try_from(length).unwrap_or(u16::MAX))
    }
}
