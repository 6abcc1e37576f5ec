//! The seed of an array's numbers.

use serde::{Deserialize, Serialize};

use super::threefry::{Domain, Threefry};

/// 128 bits from which all numbers of an array follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Key(pub [u64; 2]);

/// Fills a key up to the generator's 256 bits (the digits of pi).
const FILL: [u64; 2] = [0x243F_6A88_85A3_08D3, 0x1319_8A2E_0370_7344];

impl Key {
    /// The key of a seed of any length: other words, or more of them, give another key.
    #[must_use]
    pub fn from_words(words: &[u32]) -> Self {
        let mut key = Self([words.len() as u64, 0]);
        for pair in words.chunks(2) {
            let word = u64::from(pair[0]) | u64::from(pair.get(1).copied().unwrap_or(0)) << 32;
            key = key.derive(word);
        }
        key
    }

    /// Another key for each `stream`: the arrays of one generator.
    #[must_use]
    pub fn derive(&self, stream: u64) -> Self {
        let [a, b, ..] = self.generator().block([stream, 0, Domain::Keys as u64, 0]);
        Self([a, b])
    }

    #[inline(always)]
    pub(super) fn generator(&self) -> Threefry {
        Threefry::new([self.0[0], self.0[1], FILL[0], FILL[1]])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seeds_differ() {
        let seeds: [&[u32]; 6] = [&[], &[0], &[0, 0], &[0, 0, 0], &[1], &[0, 1]];
        let mut keys: Vec<_> = seeds.map(Key::from_words).map(|key| key.0).into();
        keys.extend((0..4).map(|stream| Key::from_words(&[1]).derive(stream).0));
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), 10);
    }
}
