//! Randomness that repeats: what `getrandom` gives on a thread that was seeded (hash maps' keys included).

use std::cell::Cell;

thread_local! {
    static STATE: Cell<Option<u64>> = const { Cell::new(None) };
}

/// A small generator (splitmix64); for choices, not for secrets.
#[derive(Clone, Debug)]
pub struct Rng(u64);

impl Rng {
    /// A generator that repeats with its seed.
    pub fn new(seed: u64) -> Self {
        Self(seed ^ 0x9e37_79b9_7f4a_7c15)
    }
    /// The next number.
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
    /// Below `n`, which is not zero.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n.max(1)
    }
    /// True once in `n` times.
    pub fn one_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
    /// One of them.
    pub fn pick<'a, T>(&mut self, from: &'a [T]) -> Option<&'a T> {
        if from.is_empty() { None } else { from.get(self.below(from.len() as u64) as usize) }
    }
}

pub(crate) fn seed(seed: u64) {
    STATE.set(Some(seed ^ 0x7374_726f_6e67_726d));
}

pub(crate) fn unseed() {
    STATE.set(None);
}

/// Fills the bytes if this thread is seeded.
pub(crate) fn fill(out: &mut [u8]) -> bool {
    let Ok(Some(state)) = STATE.try_with(Cell::get) else { return false };
    let mut rng = Rng(state);
    for chunk in out.chunks_mut(8) {
        let word = rng.next().to_le_bytes();
        chunk.iter_mut().zip(word).for_each(|(to, from)| *to = from);
    }
    STATE.set(Some(rng.0));
    true
}
