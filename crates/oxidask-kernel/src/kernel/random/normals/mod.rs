//! Normal numbers, in pairs (G. E. P. Box, M. E. Muller, *A note on the generation of random normal
//! deviates*, 1958).
//!
//! Element `e` is of the words of `e` and of the element 8 away from it in a group of 16: one word
//! gives the pair's radius, the other one its angle. [`pair`] says how; [`avx512`] is the same
//! computation, operation by operation, with its instructions in the order that keeps the processor
//! busy.

#[cfg(target_arch = "x86_64")]
mod avx512;

use std::f64::consts::LN_2;

use super::ars::Ars;
use super::math::{MANTISSA, ONE, SHIFTED, polynomial};
use super::multiversion::multiversion;

const LANES: usize = 8;
/// Elements of a group, whose first half are pairs with the other one.
const GROUP: usize = 2 * LANES;
/// Elements made at a time.
const STEP: usize = 2 * GROUP;
/// Elements of a piece: what stays in the first cache.
const PIECE: usize = 512;

/// Fills `out` with the elements from `start` on of the distribution of that mean and deviation.
pub(super) fn fill(generator: &Ars, start: u64, of: [f64; 2], out: &mut [f64]) {
    let mut at = start;
    let mut rest = out;
    // Up to where a step starts, whole steps, and what is left.
    while !rest.is_empty() {
        let skip = (at % STEP as u64) as usize;
        let n = if skip > 0 || rest.len() < STEP {
            let n = rest.len().min(STEP - skip);
            let (mut words, mut made) = ([0; STEP], [0.0; STEP]);
            generator.words(at - skip as u64, &mut words);
            groups(&words, of, &mut made);
            rest[..n].copy_from_slice(&made[skip..skip + n]);
            n
        } else {
            let n = rest.len() / STEP * STEP;
            steps(generator, at, of, &mut rest[..n]);
            n
        };
        at = at.wrapping_add(n as u64);
        rest = &mut rest[n..];
    }
}

/// Fills whole steps.
fn steps(generator: &Ars, start: u64, of: [f64; 2], out: &mut [f64]) {
    #[cfg(target_arch = "x86_64")]
    if avx512::fill(generator, start, of, out) {
        return;
    }
    let mut words = [0; PIECE];
    for (i, piece) in out.chunks_mut(PIECE).enumerate() {
        let words = &mut words[..piece.len()];
        generator.words(start.wrapping_add((i * PIECE) as u64), words);
        groups(words, of, piece);
    }
}

multiversion! {
    /// The normals of groups of words.
    fn groups(words: &[u64], of: [f64; 2], out: &mut [f64]) => groups_body(words, of, out)
}

#[inline(always)]
fn groups_body(words: &[u64], [loc, scale]: [f64; 2], out: &mut [f64]) {
    for (words, out) in words.as_chunks::<GROUP>().0.iter().zip(out.as_chunks_mut::<GROUP>().0) {
        for lane in 0..LANES {
            let (x, y) = pair(words[lane], words[LANES + lane]);
            out[lane] = x.mul_add(scale, loc);
            out[LANES + lane] = y.mul_add(scale, loc);
        }
    }
}

/// Parts of the mantissas from 1 to 2.
const CELLS: usize = 16;

/// The middle of each cell of mantissas, inverted; of the last one its end, as numbers just below 1
/// lie there, whose logarithms are exact therefore.
const INVERSE: [f64; CELLS] = {
    let mut table = [0.5; CELLS];
    let mut i = 0;
    while i < CELLS - 1 {
        table[i] = 32.0 / (33 + 2 * i) as f64;
        i += 1;
    }
    table
};

/// The logarithms of what [`INVERSE`] inverts.
const LOGARITHM: [f64; CELLS] = [
    0.03077165866675366,
    0.08961215868968717,
    0.14518200984449783,
    0.19782574332991992,
    0.2478361639045812,
    0.2954642128938359,
    0.3409265869705932,
    0.38441169891033206,
    0.42608439531090014,
    0.46608972992459924,
    0.5045560107523953,
    0.5415972824327444,
    0.5773153650348236,
    0.6118015411059929,
    0.6451379613735847,
    LN_2,
];

/// `(ln(1 + r) - r) / r^2` for r in a cell, which is [-1/32, 1/33].
const LN_1P: [f64; 7] = [
    -0.4999999999999951,
    0.3333333333436424,
    -0.25000000013352125,
    0.1999999129297761,
    -0.1666661507936351,
    0.14304113039149885,
    -0.12553546148426192,
];

/// Sine of `t` turns over `t`, and cosine, by powers of `t^2` for |t| <= 1/8: times the root of 2.
const SIN: [f64; 7] = [
    8.885765876316732,
    -58.46599599996333,
    115.40725028688291,
    -108.47846710727296,
    59.47996277108967,
    -21.345862621567896,
    5.346956159800756,
];
const COS: [f64; 7] = [
    std::f64::consts::SQRT_2,
    -27.9154567985551,
    91.83817175871941,
    -120.85418972639734,
    85.1987587855372,
    -37.369542674363764,
    11.045419413229606,
];

/// The bits of a float in [1/4, 1/2) but its mantissa's, and the middle of those floats.
const QUARTER: u64 = ONE - (2 << 52);
const THREE_EIGHTHS: f64 = 0.375 - f64::EPSILON / 16.0;
/// What brings numbers from 1 to 2 into (0, 1), as the middles of 2^52 equal parts.
const BELOW_ONE: f64 = 1.0 - f64::EPSILON / 2.0;
const SIGN: u64 = 1 << 63;

/// Two independent standard normals of two words.
#[inline(always)]
pub(super) fn pair(a: u64, b: u64) -> (f64, f64) {
    let radius = (-2.0 * ln_unit(a)).sqrt();
    // Half the angle, which is within a quarter of a turn of an axis: that of the positive or of the
    // negative numbers, as a bit of the word says that is not among the angle's.
    let t = f64::from_bits(QUARTER | (b & MANTISSA)) - THREE_EIGHTHS;
    let z = t * t;
    // Both times the root of 2.
    let (sin, cos) = (polynomial(z, SIN) * t, polynomial(z, COS));
    let along = (-sin).mul_add(sin, 1.0);
    let along = f64::from_bits(along.to_bits() ^ (b & SIGN));
    (radius * (sin * cos), radius * along)
}

/// The logarithm of the number in (0, 1) of a word.
#[inline(always)]
fn ln_unit(word: u64) -> f64 {
    let unit = (f64::from_bits(ONE | (word & MANTISSA)) - BELOW_ONE).to_bits();
    let exponent = f64::from_bits(SHIFTED | (unit >> 52)) - (4_503_599_627_370_496.0 + 1023.0);
    let cell = (unit >> 48) as usize % CELLS;
    let r = f64::from_bits(ONE | (unit & MANTISSA)).mul_add(INVERSE[cell], -1.0);
    let high = exponent.mul_add(LN_2, LOGARITHM[cell]);
    (r * r).mul_add(polynomial(r, LN_1P), high + r)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logarithms_are_those_of_the_numbers() {
        let unit = |word: u64| f64::from_bits(ONE | (word & MANTISSA)) - BELOW_ONE;
        let mut worst: f64 = 0.0;
        for i in 0..200_000_u64 {
            let word = i.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            // Small ones, large ones, and the ends of the cells too.
            for word in [word, word & MANTISSA >> (i % 50), !(word & MANTISSA >> (i % 50)), i << 47]
            {
                let (ours, theirs) = (ln_unit(word), unit(word).ln());
                assert!(ours < 0.0, "ln {}", unit(word));
                worst = worst.max(((ours - theirs) / theirs).abs());
            }
        }
        // Beside the last cell an ulp of ln 2 is ten of the result.
        assert!(worst < 16.0 * f64::EPSILON, "{worst}");
        assert_eq!(ln_unit(u64::MAX), -f64::EPSILON / 2.0);
    }

    #[test]
    fn pairs_lie_on_the_circle_of_their_words() {
        for i in 1..100_000_u64 {
            let (a, b) =
                (i.wrapping_mul(0x9E37_79B9_7F4A_7C15), i.wrapping_mul(0xBF58_476D_1CE4_E5B9));
            let (x, y) = pair(a, b);
            let radius = (-2.0 * ln_unit(a)).sqrt();
            let turns = f64::from_bits(ONE | (b & MANTISSA)) - 1.5;
            let (sin, cos) = (turns * std::f64::consts::PI).sin_cos();
            let cos = if b & SIGN == 0 { cos } else { -cos };
            assert!((x - radius * sin).abs() <= 8.0 * f64::EPSILON * radius, "{i}");
            assert!((y - radius * cos).abs() <= 8.0 * f64::EPSILON * radius, "{i}");
        }
    }
}
