//! Elements as words and back, NaNs last.
#![expect(unsafe_code, reason = "64-bit elements are words in their own memory")]

use super::order::Sortable;
use super::vector::Word;

/// The word that stands for NaN, after all others.
const NAN: i64 = 0x7ff8 << 48;

fn is_nan(word: i64) -> bool {
    f64::from_bits(word as u64).is_nan()
}

/// Makes words of a lane; says how many are no NaN. Those come first.
pub(super) fn make<T: Sortable>(lane: &[T], words: &mut [i64]) -> usize {
    for (word, x) in words.iter_mut().zip(lane) {
        *word = x.word();
    }
    nan_last::<T>(words)
}

/// The elements of words.
pub(super) fn unmake<T: Sortable>(words: &[i64], lane: &mut [T]) {
    for (x, &word) in lane.iter_mut().zip(words) {
        *x = T::from_word(word);
    }
}

/// Moves NaNs to the end, and says how many words come before them.
fn nan_last<T: Sortable>(words: &mut [i64]) -> usize {
    let n_nan =
        if T::Word::DOUBLES { words.iter().map(|&x| u64::from(is_nan(x))).sum() } else { 0 };
    if n_nan == 0 {
        return words.len();
    }
    let mut n = 0;
    for at in 0..words.len() {
        let word = words[at];
        words[n] = word;
        n += usize::from(!is_nan(word));
    }
    words[n..].fill(NAN);
    n
}

/// The memory of 64-bit elements that have words.
pub(super) fn in_place<T: Sortable>(lane: &mut [T]) -> Option<&mut [i64]> {
    if !T::HAS_WORDS || size_of::<T>() != size_of::<i64>() || align_of::<T>() != align_of::<i64>() {
        return None;
    }
    // SAFETY: size and alignment are the same, and elements are plain numbers: any bits are valid
    // for both.
    Some(unsafe { std::slice::from_raw_parts_mut(lane.as_mut_ptr().cast(), lane.len()) })
}

/// Makes words of the bits of 64-bit elements, as [`make`].
pub(super) fn made_in_place<T: Sortable>(bits: &mut [i64]) -> usize {
    for x in bits.iter_mut() {
        // SAFETY: only called with what `in_place` gave for this type.
        *x = unsafe { std::mem::transmute_copy::<i64, T>(x) }.word();
    }
    nan_last::<T>(bits)
}

/// Makes the bits of 64-bit elements of words.
pub(super) fn unmade_in_place<T: Sortable>(words: &mut [i64]) {
    for x in words.iter_mut() {
        // SAFETY: as above.
        *x = unsafe { std::mem::transmute_copy::<T, i64>(&T::from_word(*x)) };
    }
}
