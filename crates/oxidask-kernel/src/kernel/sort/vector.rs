//! Quicksort of 64-bit words, and their partition by known cuts.
//!
//! A word holds an integer or a double; [`Word`] tells their order. Vector registers sort them
//! (`avx512`); machines without AVX-512 sort by the standard library. Doubles must not be NaN:
//! whoever makes words keeps those apart.

#[cfg(target_arch = "x86_64")]
use super::avx512;
use crate::kernel::processor::{Level, level};

/// What the bits of a word mean.
pub trait Word: Copy {
    /// Whether they are doubles.
    const DOUBLES: bool;

    /// An integer of the same order.
    fn key(word: i64) -> i64;

    /// Whether neither comes before the other.
    fn is_equal(a: i64, b: i64) -> bool;
}

/// Words that are integers.
#[derive(Clone, Copy, Debug)]
pub struct Ints;

/// Words that are the bits of doubles.
#[derive(Clone, Copy, Debug)]
pub struct Doubles;

impl Word for Ints {
    const DOUBLES: bool = false;

    fn key(word: i64) -> i64 {
        word
    }

    fn is_equal(a: i64, b: i64) -> bool {
        a == b
    }
}

impl Word for Doubles {
    const DOUBLES: bool = true;

    fn key(word: i64) -> i64 {
        // Minus zero is zero; negative numbers order by their complement.
        let bits = (f64::from_bits(word as u64) + 0.0).to_bits() as i64;
        bits ^ ((bits >> 63) & i64::MAX)
    }

    fn is_equal(a: i64, b: i64) -> bool {
        f64::from_bits(a as u64) == f64::from_bits(b as u64)
    }
}

/// A place between words: before those equal to a word, or after them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cut {
    /// The word.
    pub word: i64,
    /// Whether its equals lie before the cut.
    pub is_after: bool,
}

/// Whether this machine has what `avx512` needs.
fn has_vectors() -> bool {
    cfg!(target_arch = "x86_64") && level() == Level::Avx512
}

/// Sorts words.
pub(super) fn sort<W: Word>(lane: &mut [i64]) {
    #[cfg(target_arch = "x86_64")]
    if lane.len() > 16 && has_vectors() {
        avx512::sort::<W>(lane);
        return;
    }
    lane.sort_unstable_by_key(|&word| W::key(word));
}

/// Moves words so that each cut (they ascend) has what comes before it on its left; `at` tells
/// where the cuts are.
pub(super) fn split<W: Word>(lane: &mut [i64], cuts: &[Cut], at: &mut [usize]) {
    split_from::<W>(lane, 0, cuts, at, has_vectors());
}

fn split_from<W: Word>(
    lane: &mut [i64],
    start: usize,
    cuts: &[Cut],
    at: &mut [usize],
    has_vectors: bool,
) {
    if lane.is_empty() {
        at.fill(start);
        return;
    }
    let middle = cuts.len() / 2;
    let Some(&cut) = cuts.get(middle) else { return };
    let n_left = partition::<W>(lane, cut, has_vectors);
    let (left, right) = lane.split_at_mut(n_left);
    let (before, rest) = at.split_at_mut(middle);
    rest[0] = start + n_left;
    split_from::<W>(left, start, &cuts[..middle], before, has_vectors);
    split_from::<W>(right, start + n_left, &cuts[middle + 1..], &mut rest[1..], has_vectors);
}

/// Moves what comes before a cut to the front, and says how many these are.
fn partition<W: Word>(lane: &mut [i64], cut: Cut, has_vectors: bool) -> usize {
    #[cfg(target_arch = "x86_64")]
    if has_vectors {
        return avx512::split_at::<W>(lane, cut);
    }
    let _ = has_vectors;
    let pivot = W::key(cut.word);
    let mut n_left = 0;
    for at in 0..lane.len() {
        let key = W::key(lane[at]);
        lane.swap(at, n_left);
        n_left += usize::from(key < pivot || cut.is_after && key == pivot);
    }
    n_left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(seed: u64) -> impl FnMut() -> i64 {
        let mut state = seed;
        move || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (state >> 20) as i64 - (1 << 42)
        }
    }

    fn patterns() -> Vec<Box<dyn FnMut(usize) -> i64>> {
        let mut next = words(7);
        vec![
            Box::new(move |_| next()),
            Box::new(|i| i as i64),
            Box::new(|i| -(i as i64)),
            Box::new(|i| (i % 3) as i64),
            Box::new(|_| i64::MAX),
        ]
    }

    fn doubles(lane: &[i64]) -> Vec<i64> {
        lane.iter().map(|&x| (x as f64 / 8.0).to_bits() as i64).collect()
    }

    fn sorts<W: Word>(mut lane: Vec<i64>) {
        let mut expected = lane.clone();
        expected.sort_unstable_by_key(|&x| W::key(x));
        sort::<W>(&mut lane);
        assert!(lane == expected, "{} elements", lane.len());
    }

    #[test]
    fn every_length_and_pattern_sorts() {
        for mut pattern in patterns() {
            for n in (0..600).chain([1000, 1023, 1024, 1025, 4096, 50_000]) {
                let lane: Vec<i64> = (0..n).map(&mut pattern).collect();
                sorts::<Doubles>(doubles(&lane));
                sorts::<Ints>(lane);
            }
        }
    }

    #[test]
    fn zeros_of_either_sign_are_kept() {
        let zeros: Vec<i64> = (0..700).map(|i| if i % 3 == 0 { i64::MIN } else { 0 }).collect();
        let n_minus = |lane: &[i64]| lane.iter().filter(|&&x| x == i64::MIN).count();
        for n in [40, 64, 100, 200, 700] {
            let mut lane = zeros[..n].to_vec();
            sort::<Doubles>(&mut lane);
            assert_eq!(n_minus(&lane), n_minus(&zeros[..n]));
        }
    }

    fn splits<W: Word>(lane: &[i64], cuts: &[Cut]) {
        for has_vectors in [has_vectors(), false] {
            let (mut split, mut at) = (lane.to_vec(), vec![usize::MAX; cuts.len()]);
            split_from::<W>(&mut split, 0, cuts, &mut at, has_vectors);
            for (cut, &at) in cuts.iter().zip(&at) {
                let is_left = |x: &i64| {
                    W::key(*x) < W::key(cut.word) || cut.is_after && W::is_equal(*x, cut.word)
                };
                assert!(split[..at].iter().all(is_left), "{} elements", lane.len());
                assert!(!split[at..].iter().any(is_left), "{} elements", lane.len());
            }
            let mut expected = lane.to_vec();
            split.sort_unstable();
            expected.sort_unstable();
            assert!(split == expected, "{} elements", lane.len());
        }
    }

    #[test]
    fn every_length_and_pattern_splits() {
        let at = |word: i64| Cut { word, is_after: false };
        for mut pattern in patterns() {
            for n in (0..150).chain([500, 1024, 1025, 1100, 5000]) {
                let lane: Vec<i64> = (0..n).map(&mut pattern).collect();
                let mut sorted = lane.clone();
                sorted.sort_unstable();
                sorted.dedup();
                let picked = sorted.iter().step_by(37);
                let cuts: Vec<Cut> =
                    picked.flat_map(|&x| [at(x), Cut { is_after: true, ..at(x) }]).collect();
                splits::<Ints>(&lane, &cuts);
                let words = doubles(&cuts.iter().map(|cut| cut.word).collect::<Vec<_>>());
                let cuts: Vec<Cut> =
                    cuts.iter().zip(words).map(|(cut, word)| Cut { word, ..*cut }).collect();
                splits::<Doubles>(&doubles(&lane), &cuts);
            }
        }
    }
}
