//! Sorting numbers that carry the position they came from, by distribution.

/// Below, comparing is faster than counting.
const FEW: usize = 8192;
/// The widest digit: so many streams are written at a time.
const MAX_DIGIT_BITS: u32 = 10;

/// How many bits hold all numbers below `n`.
pub(super) fn bits_below(n: usize) -> u32 {
    usize::BITS - n.saturating_sub(1).leading_zeros()
}

/// Sorts words of `key_bits` bits above `position_bits` bits that are in ascending order already.
pub(super) fn sort_words(words: &mut Vec<u64>, key_bits: u32, position_bits: u32) {
    if words.is_sorted() {
        return;
    }
    if words.len() < FEW {
        words.sort_unstable();
        return;
    }
    let n_digits = key_bits.div_ceil(MAX_DIGIT_BITS);
    let digit_bits = key_bits.div_ceil(n_digits);
    let mut counts = vec![vec![0_u32; 1 << digit_bits]; n_digits as usize];
    let mask = (1_usize << digit_bits) - 1;
    for &word in words.iter() {
        let mut rest = word >> position_bits;
        for counts in &mut counts {
            counts[rest as usize & mask] += 1;
            rest >>= digit_bits;
        }
    }
    let mut other = vec![0; words.len()];
    let mut shift = position_bits;
    for counts in &mut counts {
        let is_same = counts.iter().any(|&count| count as usize == words.len());
        if !is_same {
            let mut start = 0;
            for count in counts.iter_mut() {
                start += std::mem::replace(count, start);
            }
            for &word in words.iter() {
                let next = &mut counts[(word >> shift) as usize & mask];
                other[*next as usize] = word;
                *next += 1;
            }
            std::mem::swap(words, &mut other);
        }
        shift += digit_bits;
    }
}
