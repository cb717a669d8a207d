//! Randomness as a parameter (I9).

/// A source of unpredictable bytes. Production uses [`OsEntropy`]; tests and simulation bring their own.
pub trait Entropy: Send {
    /// Fills the buffer, or says that no randomness is to be had (fail closed, I11).
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyFailed>;

    /// A fresh array.
    fn array<const N: usize>(&mut self) -> Result<[u8; N], EntropyFailed>
    where
        Self: Sized,
    {
        let mut out = [0; N];
        self.fill(&mut out)?;
        Ok(out)
    }
}

/// The system could not give random bytes.
#[derive(Debug, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct EntropyFailed;

/// The operating system's generator.
#[derive(Clone, Copy, Debug, Default)]
pub struct OsEntropy;

impl Entropy for OsEntropy {
    #[expect(clippy::disallowed_methods, reason = "the one ambient source of randomness")]
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyFailed> {
        getrandom::fill(out).map_err(|_| EntropyFailed)
    }
}

impl<E: Entropy + ?Sized> Entropy for Box<E> {
    fn fill(&mut self, out: &mut [u8]) -> Result<(), EntropyFailed> {
        (**self).fill(out)
    }
}
