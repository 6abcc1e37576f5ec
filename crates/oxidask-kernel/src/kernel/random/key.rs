//! The seed of an array's numbers.

use serde::{Deserialize, Serialize};

use super::ars::{Ars, Domain};

/// 128 bits from which all numbers of an array follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Key(pub [u64; 2]);

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
        Self(self.generator().block([stream, Domain::Keys.draw(0)]))
    }

    #[inline]
    pub(super) fn generator(&self) -> Ars {
        Ars::new(self.0)
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
