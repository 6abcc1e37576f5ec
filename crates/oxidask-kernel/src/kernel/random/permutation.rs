//! Permutations of which any part can be had without the rest.
//!
//! Long ones are a keyed bijection: a Feistel network over pairs of digits whose values outside of the
//! range are sent through again (J. Black, P. Rogaway, *Ciphers with arbitrary finite domains*, CT-RSA
//! 2002). Short ones, of which a network reaches too few, are shuffled (R. Durstenfeld, *Algorithm
//! 235*, CACM 7, 1964) as a whole wherever a part is asked for.

use super::ars::Domain;
use super::integers::draw_below;
use super::key::Key;
use super::stream::Stream;

/// The longest permutation that is shuffled.
const SHORT: u64 = 1 << 14;
const ROUNDS: usize = 10;

/// A random permutation of `0..n`.
pub struct Permutation {
    n: u64,
    kind: Kind,
}

enum Kind {
    Shuffled(Vec<u64>),
    Network { base: u64, keys: [u64; ROUNDS] },
}

impl Permutation {
    /// The permutation of `0..n` of a key.
    #[must_use]
    pub fn new(key: &Key, n: u64) -> Self {
        let generator = key.generator();
        if n <= SHORT {
            let mut all: Vec<u64> = (0..n).collect();
            for i in (1..n).rev() {
                let j = draw_below(i + 1, &mut Stream::of(&generator, i));
                all.swap(i as usize, j as usize);
            }
            return Self { n, kind: Kind::Shuffled(all) };
        }
        let mut base = n.isqrt();
        base += u64::from(base * base < n);
        let keys = std::array::from_fn(|round| {
            generator.block([round as u64, Domain::Permutation.draw(0)])[0]
        });
        Self { n, kind: Kind::Network { base, keys } }
    }

    /// Where `i` goes.
    ///
    /// # Panics
    /// If `i` is not below `n`.
    #[must_use]
    pub fn at(&self, i: u64) -> u64 {
        assert!(i < self.n, "{i} of a permutation of {}", self.n);
        match &self.kind {
            Kind::Shuffled(all) => all[i as usize],
            Kind::Network { base, keys } => {
                let mut x = network(i, *base, keys);
                while x >= self.n {
                    x = network(x, *base, keys);
                }
                x
            }
        }
    }

    /// Fills `out` with where `start..` go.
    pub fn fill(&self, start: u64, out: &mut [i64]) {
        for (i, out) in out.iter_mut().enumerate() {
            *out = self.at(start + i as u64) as i64;
        }
    }
}

/// A bijection of the numbers of two digits.
fn network(x: u64, base: u64, keys: &[u64; ROUNDS]) -> u64 {
    let (mut high, mut low) = (x / base, x % base);
    for key in keys {
        // Another digit for the high one, then they change places.
        let moved = high + digit(mixed(low ^ key), base);
        (high, low) = (low, if moved >= base { moved - base } else { moved });
    }
    high * base + low
}

/// The leading digit of a 64-bit fraction.
fn digit(fraction: u64, base: u64) -> u64 {
    ((u128::from(fraction) * u128::from(base)) >> 64) as u64
}

/// Bits mixed well (D. Stafford's variant 13 of MurmurHash3's finaliser, as in SplitMix64).
fn mixed(x: u64) -> u64 {
    let x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    x ^ (x >> 31)
}
