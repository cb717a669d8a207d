//! The one home of plaintext: a wrapper without `Debug`, `Display`, `Serialize` or `Clone`, zeroed on drop.

use zeroize::Zeroize;

/// Plaintext personal data or a secret. Reading it takes [`Sensitive::expose`], so that `grep expose` is the audit list.
pub struct Sensitive<T: Zeroize>(T);

impl<T: Zeroize> Sensitive<T> {
    /// Wraps a value; from here on it is zeroed when dropped.
    pub fn new(value: T) -> Self {
        Self(value)
    }
    /// Shows the value. Every call site carries an `// EXPOSE:` reason.
    pub fn expose(&self) -> &T {
        &self.0
    }
    /// Shows the value for change in place. Every call site carries an `// EXPOSE:` reason.
    pub fn expose_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Zeroize> Drop for Sensitive<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Sensitive<String> {
    /// Copies a text into a buffer of its exact size.
    pub fn text(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl<'de> serde::Deserialize<'de> for Sensitive<String> {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d).map(Self)
    }
}
