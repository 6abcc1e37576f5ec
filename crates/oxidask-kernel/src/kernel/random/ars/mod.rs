//! The generator: ARS, a keyed bijection of 128-bit counters made of seven rounds of AES.
//!
//! J. K. Salmon, M. A. Moraes, R. O. Dror, D. E. Shaw: *Parallel random numbers: as easy as 1, 2, 3*
//! (SC 2011). It passes BigCrush with five rounds; seven are the authors' choice. The keys of its
//! rounds follow each other by addition of a constant. Processors have instructions for a round of
//! AES ([`hardware`]); [`software`] gives the same words where they are missing.
//!
//! A counter is an index, and what it is used for ([`Domain`] and draw): words of one key that are
//! used for different things never meet. Words of neighbouring counters follow each other: word `w`
//! of a domain is word `w % 2` of the counter whose index is `w / 2`.

mod hardware;
mod software;

use crate::kernel::processor::{AesUnit, aes_unit};

/// Rounds of AES.
pub(super) const ROUNDS: usize = 7;

/// From the key of a round to that of the next: the fractions of the golden ratio and of the root
/// of 3.
const STEP: [u64; 2] = [0x9E37_79B9_7F4A_7C15, 0xBB67_AE85_84CA_A73B];

/// What the words of a counter are used for.
#[derive(Clone, Copy)]
#[repr(u64)]
pub(super) enum Domain {
    /// One word for each element.
    Words = 0,
    /// A stream of words for each element.
    Streams = 1,
    /// Keys made from keys.
    Keys = 2,
    /// Keys of the rounds of a permutation.
    Permutation = 3,
}

impl Domain {
    /// The second word of the domain's counters, for one of its draws (below 2^56).
    #[inline]
    pub(super) fn draw(self, draw: u64) -> u64 {
        draw << 8 | self as u64
    }
}

/// A key made ready: what is added before the first round, and behind each one.
#[derive(Clone, Copy)]
pub(super) struct Ars {
    keys: [[u64; 2]; ROUNDS + 1],
}

impl Ars {
    pub(super) fn new(key: [u64; 2]) -> Self {
        let of_round = |round: u64| {
            [0, 1].map(|word: usize| key[word].wrapping_add(STEP[word].wrapping_mul(round)))
        };
        Self { keys: std::array::from_fn(|round| of_round(round as u64)) }
    }

    /// The two words of a counter.
    #[inline]
    pub(super) fn block(&self, counter: [u64; 2]) -> [u64; 2] {
        let mut words = [0; 2];
        self.blocks(counter, &mut words);
        words
    }

    /// The words of a counter and of those behind it, whose indices are greater by 1, 2, ...
    #[inline]
    pub(super) fn blocks(&self, [index, draw]: [u64; 2], out: &mut [u64]) {
        match aes_unit() {
            AesUnit::No => software::blocks(&self.keys, [index, draw], out),
            unit => hardware::blocks(unit, &self.keys, [index, draw], out),
        }
    }

    /// The words `start..` of [`Domain::Words`].
    pub(super) fn words(&self, start: u64, out: &mut [u64]) {
        let draw = Domain::Words.draw(0);
        let mut rest = out;
        let mut index = start / 2;
        if start % 2 == 1
            && let Some((first, behind)) = std::mem::take(&mut rest).split_first_mut()
        {
            *first = self.block([index, draw])[1];
            (rest, index) = (behind, index.wrapping_add(1));
        }
        let whole = rest.len() & !1;
        let (pairs, last) = rest.split_at_mut(whole);
        self.blocks([index, draw], pairs);
        if let [last] = last {
            *last = self.block([index.wrapping_add(whole as u64 / 2), draw])[0];
        }
    }

    /// The keys of the rounds.
    pub(super) fn keys(&self) -> &[[u64; 2]; ROUNDS + 1] {
        &self.keys
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::processor::{FORCED, Level};

    const KEYS: [[u64; 2]; 3] =
        [[0; 2], [u64::MAX; 2], [0x299F_31D0_A409_3822, 0xEC4E_6C89_082E_FA98]];
    const COUNTERS: [[u64; 2]; 3] =
        [[0; 2], [u64::MAX; 2], [0x85A3_08D3_243F_6A88, 0x0370_7344_1319_8A2E]];

    /// What the authors' own implementation gives (Random123 1.14: `ars4x32_R(7, counter, key)`).
    #[test]
    fn known_answers() {
        let expected = [
            [0xC457_98F3_DACF_61FF, 0x101E_27F3_113C_7EEB],
            [0xBB54_7EF9_FBAA_FF1F, 0x7AAA_969B_13D8_CD78],
            [0xF67D_43BA_D1DF_87AF, 0x393D_CB2D_4F66_AFDB],
        ];
        for forced in [None, Some(Level::Base)] {
            FORCED.set(forced);
            for i in 0..3 {
                assert_eq!(Ars::new(KEYS[i]).block(COUNTERS[i]), expected[i], "{forced:?}");
            }
            FORCED.set(None);
        }
    }

    #[test]
    fn runs_are_blocks_one_after_another() {
        let ars = Ars::new(KEYS[2]);
        let levels = if crate::kernel::processor::level() == Level::Base {
            vec![None]
        } else {
            vec![None, Some(Level::Avx2), Some(Level::Base)]
        };
        for forced in levels {
            FORCED.set(forced);
            for n in [0, 1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 100] {
                let mut out = vec![0; 2 * n];
                // Indices wrap around.
                let first = 5_u64.wrapping_sub(n as u64 / 2);
                ars.blocks([first, 9], &mut out);
                for (i, words) in out.chunks_exact(2).enumerate() {
                    let expected = ars.block([first.wrapping_add(i as u64), 9]);
                    assert_eq!(words, expected, "{forced:?} {n} {i}");
                }
            }
            let mut whole = [0; 40];
            ars.words(0, &mut whole);
            for (start, end) in [(0, 1), (1, 2), (1, 3), (2, 5), (3, 3), (3, 40), (8, 39)] {
                let mut part = vec![0; end - start];
                ars.words(start as u64, &mut part);
                assert_eq!(part, whole[start..end]);
            }
            FORCED.set(None);
        }
    }
}
