//! Normals by AVX-512 with its instructions for AES, 32 at a time.
//!
//! Rounds of AES use one of the processor's two vector units and most other steps use either, so the
//! rounds for the words to come stand between the steps of the normals now at work. The compiler
//! would gather what belongs together and leave a unit idle: [`in_order`] holds it to the order
//! written. Roots take long, and are taken while the next normals are begun.
#![expect(unsafe_code, reason = "vector instructions")]

use std::arch::asm;
use std::arch::x86_64::*;
use std::f64::consts::LN_2;

use super::{
    BELOW_ONE, COS, INVERSE, LANES, LN_1P, LOGARITHM, QUARTER, SIGN, SIN, STEP, THREE_EIGHTHS,
};
use crate::kernel::processor::{AesUnit, aes_unit};
use crate::kernel::random::ars::{Ars, Domain, ROUNDS};
use crate::kernel::random::math::{MANTISSA, ONE};

/// Fills whole steps, the first of them at element `start`: if the processor has the instructions.
pub(super) fn fill(generator: &Ars, start: u64, of: [f64; 2], out: &mut [f64]) -> bool {
    let able = aes_unit() == AesUnit::Wide;
    if able {
        // SAFETY: the processor has AVX-512 and the instructions for AES beside it.
        unsafe { steps(generator, start, of, out) };
    }
    able
}

/// Keeps values in registers, computed before everything behind it that needs them.
macro_rules! in_order {
    ($($x:expr),*) => {
        // SAFETY: nothing is done but to name registers, in a comment.
        unsafe {
            asm!(
                concat!("/*", $("{}", in_order!(@nothing $x),)* "*/"),
                $(inout(zmm_reg) $x,)*
                options(pure, nomem, nostack, preserves_flags)
            )
        }
    };
    (@nothing $x:expr) => { "" };
}

/// The same for both pairs of registers that are at work.
macro_rules! both {
    (|$i:ident| $body:expr) => {
        [
            {
                let $i = 0;
                $body
            },
            {
                let $i = 1;
                $body
            },
        ]
    };
}

type Pair = [__m512d; 2];
type Words = [__m512i; 4];

/// What is left of pairs of normals: roots, then products.
struct Begun {
    /// Squares of the radii.
    squares: Pair,
    /// Places on the unit circle.
    across: Pair,
    along: Pair,
}

/// The counters of a step: before the first round but for their index.
struct Counters {
    index: __m512i,
    /// The first round's key, with the counters' places in the step and what they are used for.
    /// Indices of steps are multiples of 16, so that places can be put in by an exclusive or.
    lanes: Words,
}

impl Counters {
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn new(start: u64, key: __m512i) -> Self {
        let places = _mm512_set_epi64(0, 3, 0, 2, 0, 1, 0, 0);
        let mut lanes = [_mm512_setzero_si512(); 4];
        for (i, lane) in lanes.iter_mut().enumerate() {
            let draw = four([4 * i as u64, Domain::Words.draw(0)]);
            *lane = _mm512_xor_si512(key, _mm512_or_si512(draw, places));
        }
        Self { index: four([start / 2, 0]), lanes }
    }

    /// The counters of the next step.
    #[inline]
    #[target_feature(enable = "avx512f")]
    fn next(&mut self) -> Words {
        let index = self.index;
        self.index = _mm512_add_epi64(index, four([STEP as u64 / 2, 0]));
        let [a, b, c, d] = self.lanes;
        [
            _mm512_xor_si512(index, a),
            _mm512_xor_si512(index, b),
            _mm512_xor_si512(index, c),
            _mm512_xor_si512(index, d),
        ]
    }
}

#[inline]
#[target_feature(enable = "avx512f")]
fn four([low, high]: [u64; 2]) -> __m512i {
    let (low, high) = (low as i64, high as i64);
    _mm512_set_epi64(high, low, high, low, high, low, high, low)
}

/// One round for all words.
#[inline]
#[target_feature(enable = "avx512f,vaes")]
fn round(keys: &[__m512i; ROUNDS + 1], round: usize, words: &mut Words) {
    for word in words {
        *word = if round == ROUNDS {
            _mm512_aesenclast_epi128(*word, keys[round])
        } else {
            _mm512_aesenc_epi128(*word, keys[round])
        };
    }
}

#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx2,fma,vaes,aes")]
fn steps(generator: &Ars, start: u64, [loc, scale]: [f64; 2], out: &mut [f64]) {
    let mut keys = [_mm512_setzero_si512(); ROUNDS + 1];
    for (ready, key) in keys.iter_mut().zip(generator.keys()) {
        *ready = four(*key);
    }
    let mut counters = Counters::new(start, keys[0]);
    let mut words = counters.next();
    for i in 1..=ROUNDS {
        round(&keys, i, &mut words);
    }
    let (loc, scale) = (_mm512_set1_pd(loc), _mm512_set1_pd(scale));
    let zero = [_mm512_setzero_pd(); 2];
    let mut begun = Begun { squares: zero, across: zero, along: zero };
    // The first turn of the loop has nothing to finish.
    for i in 0..=out.len() / STEP {
        let radius = both!(|i| _mm512_sqrt_pd(begun.squares[i]));
        let mut coming = counters.next();
        let now = begin(&keys, &words, &mut coming);
        if i > 0 {
            let to = &mut out[(i - 1) * STEP..i * STEP];
            let across = both!(|i| _mm512_mul_pd(radius[i], begun.across[i]));
            let along = both!(|i| _mm512_mul_pd(radius[i], begun.along[i]));
            let made = [across[0], along[0], across[1], along[1]];
            for (to, x) in to.chunks_exact_mut(LANES).zip(made) {
                // SAFETY: a register's elements of the output.
                unsafe { _mm512_storeu_pd(to.as_mut_ptr(), _mm512_fmadd_pd(x, scale, loc)) };
            }
        }
        (begun, words) = (now, coming);
    }
}

/// Begins the normals of a step's words, and takes the coming words through all rounds. What is
/// computed is what `pair` says.
#[inline]
#[target_feature(enable = "avx512f,avx512dq,avx512vl,avx512bw,avx2,fma,vaes,aes")]
fn begin(keys: &[__m512i; ROUNDS + 1], words: &Words, coming: &mut Words) -> Begun {
    let constant = |x: f64| _mm512_set1_pd(x);
    let bits = |x: u64| _mm512_set1_epi64(x as i64);
    // SAFETY: halves of tables of 16 numbers.
    let (inverse, logarithm) = unsafe {
        (
            [0, 8].map(|i| _mm512_loadu_pd(INVERSE.as_ptr().add(i))),
            [0, 8].map(|i| _mm512_loadu_pd(LOGARITHM.as_ptr().add(i))),
        )
    };
    let (a, b) = ([words[0], words[2]], [words[1], words[3]]);
    /// A mantissa under the other bits.
    macro_rules! with_mantissa {
        ($bits:expr, $mantissa:expr) => {{
            const OR_OF_AND: i32 = 0xF8;
            let mask = bits(MANTISSA);
            _mm512_castsi512_pd(_mm512_ternarylogic_epi64::<OR_OF_AND>(
                bits($bits),
                $mantissa,
                mask,
            ))
        }};
    }
    let mut unit = both!(|i| _mm512_sub_pd(with_mantissa!(ONE, a[i]), constant(BELOW_ONE)));
    let mut t = both!(|i| _mm512_sub_pd(with_mantissa!(QUARTER, b[i]), constant(THREE_EIGHTHS)));
    let [w0, w1, w2, w3] = coming;
    in_order!(unit[0], unit[1], t[0], t[1], *w0, *w1, *w2, *w3);
    let unit_bits = both!(|i| _mm512_castpd_si512(unit[i]));
    let cell = both!(|i| _mm512_srli_epi64::<48>(unit_bits[i]));
    let mantissa = both!(|i| with_mantissa!(ONE, unit_bits[i]));
    let mut exponent = both!(|i| _mm512_getexp_pd(unit[i]));
    let mut z = both!(|i| _mm512_mul_pd(t[i], t[i]));
    let middle = both!(|i| _mm512_permutex2var_pd(inverse[0], cell[i], inverse[1]));
    let high = both!(|i| _mm512_permutex2var_pd(logarithm[0], cell[i], logarithm[1]));
    let mut r = both!(|i| _mm512_fmsub_pd(mantissa[i], middle[i], constant(1.0)));
    in_order!(r[0], r[1], z[0], z[1], exponent[0], exponent[1], *w0, *w1, *w2, *w3);
    let mut high = both!(|i| _mm512_fmadd_pd(exponent[i], constant(LN_2), high[i]));
    let mut log = [constant(LN_1P[6]); 2];
    let mut sin = [constant(SIN[6]); 2];
    let mut cos = [constant(COS[6]); 2];
    macro_rules! power {
        ($i:literal) => {
            log = both!(|i| _mm512_fmadd_pd(log[i], r[i], constant(LN_1P[$i])));
            sin = both!(|i| _mm512_fmadd_pd(sin[i], z[i], constant(SIN[$i])));
            cos = both!(|i| _mm512_fmadd_pd(cos[i], z[i], constant(COS[$i])));
            round(keys, 6 - $i, coming);
            let [w0, w1, w2, w3] = coming;
            in_order!(log[0], log[1], sin[0], sin[1], cos[0], cos[1], *w0, *w1, *w2, *w3);
        };
    }
    power!(5);
    power!(4);
    power!(3);
    power!(2);
    let mut r_squared = both!(|i| _mm512_mul_pd(r[i], r[i]));
    in_order!(high[0], high[1], r_squared[0], r_squared[1]);
    power!(1);
    let sum = both!(|i| _mm512_add_pd(high[i], r[i]));
    power!(0);
    let mut log = both!(|i| _mm512_fmadd_pd(r_squared[i], log[i], sum[i]));
    let mut sin = both!(|i| _mm512_mul_pd(sin[i], t[i]));
    round(keys, 7, coming);
    let [w0, w1, w2, w3] = coming;
    in_order!(log[0], log[1], sin[0], sin[1], *w0, *w1, *w2, *w3);
    let mut squares = both!(|i| _mm512_mul_pd(log[i], constant(-2.0)));
    let mut across = both!(|i| _mm512_mul_pd(sin[i], cos[i]));
    let along = both!(|i| _mm512_castpd_si512(_mm512_fnmadd_pd(sin[i], sin[i], constant(1.0))));
    const XOR_OF_AND: i32 = 0x78;
    let mut along = both!(|i| _mm512_castsi512_pd(_mm512_ternarylogic_epi64::<XOR_OF_AND>(
        along[i],
        b[i],
        bits(SIGN)
    )));
    in_order!(squares[0], squares[1], across[0], across[1], along[0], along[1]);
    Begun { squares, across, along }
}
