//! Logarithms. See `elementary` for the scheme.
#![expect(
    clippy::manual_range_contains,
    reason = "`contains` tests one side after the other, with a branch between"
)]

use std::f64::consts::{LOG2_E, LOG10_2, LOG10_E};

use super::Function;
use super::elementary::{LN_2, LN_2_LOW, exactly, polynomial};

const LOG2_E_LOW: f64 = 2.035_527_374_093_103_3e-17;
const LOG10_E_LOW: f64 = 1.098_319_650_216_765e-17;
const LOG10_2_LOW: f64 = -2.803_728_127_785_170_4e-18;

/// A positive, normal number as a power of two, as a number, and a mantissa between the roots of
/// one half and two.
#[inline(always)]
pub(super) fn split(x: f64) -> (f64, f64) {
    const ROOT_HALF: u64 = 0x3fe6_a09e_667f_3bcd;
    const MANTISSA: u64 = (1 << 52) - 1;
    let above = x.to_bits().wrapping_sub(ROOT_HALF);
    let mantissa = f64::from_bits((above & MANTISSA) + ROOT_HALF);
    // The exponent is converted by writing it into the mantissa of 2**52.
    let biased = above.wrapping_add(1024 << 52) >> 52;
    let exponent =
        f64::from_bits(biased | 0x4330_0000_0000_0000) - (4_503_599_627_370_496.0 + 1024.0);
    (exponent, mantissa)
}

/// `log(1 + f)` for `1 + f` between the roots of one half and two.
#[inline(always)]
fn log_1p_reduced(f: f64) -> f64 {
    // With s = f / (2 + f) it is 2 atanh(s) = 2 s + s**3 P(s**2), and 2 s = f - s f.
    const P: [f64; 7] = [
        0.666_666_666_666_667,
        0.399_999_999_998_982_7,
        0.285_714_286_265_336_2,
        0.222_222_110_437_768_57,
        0.181_828_957_501_191_93,
        0.153_315_016_111_453_3,
        0.146_191_661_348_879_7,
    ];
    let s = f / (2.0 + f);
    let z = s * s;
    (-s).mul_add((-z).mul_add(polynomial(z, &P), f), f)
}

#[inline(always)]
fn is_normal_positive(x: f64) -> bool {
    (x >= f64::MIN_POSITIVE) & (x < f64::INFINITY)
}

/// Natural logarithm.
pub(crate) struct Log;

impl Function for Log {
    #[inline(always)]
    fn is_ordinary(x: f64) -> bool {
        is_normal_positive(x)
    }

    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let (e, m) = split(x);
        e.mul_add(LN_2, e.mul_add(LN_2_LOW, log_1p_reduced(m - 1.0)))
    }

    exactly!(ln);
}

/// Logarithm to base 2.
pub(crate) struct Log2;

impl Function for Log2 {
    #[inline(always)]
    fn is_ordinary(x: f64) -> bool {
        is_normal_positive(x)
    }

    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let (e, m) = split(x);
        let log = log_1p_reduced(m - 1.0);
        let high = log * LOG2_E;
        let low = log.mul_add(LOG2_E_LOW, log.mul_add(LOG2_E, -high));
        let sum = e + high;
        sum + (((e - sum) + high) + low)
    }

    exactly!(log2);
}

/// Logarithm to base 10.
pub(crate) struct Log10;

impl Function for Log10 {
    #[inline(always)]
    fn is_ordinary(x: f64) -> bool {
        is_normal_positive(x)
    }

    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let (e, m) = split(x);
        let log = log_1p_reduced(m - 1.0);
        let tail = log.mul_add(LOG10_E_LOW, e * LOG10_2_LOW);
        let high = log * LOG10_E;
        let low = log.mul_add(LOG10_E, -high);
        let whole = e * LOG10_2;
        let whole_low = e.mul_add(LOG10_2, -whole);
        let sum = whole + high;
        sum + (((whole - sum) + high) + (low + whole_low + tail))
    }

    exactly!(log10);
}

/// `log(1 + x)`
pub(crate) struct Log1p;

impl Function for Log1p {
    #[inline(always)]
    fn is_ordinary(x: f64) -> bool {
        (x > -1.0) & (x < 1e300)
    }

    #[inline(always)]
    fn fast(x: f64) -> f64 {
        // What the sum loses goes to the mantissa.
        let sum = 1.0 + x;
        let back = sum - 1.0;
        let lost = (1.0 - (sum - back)) + (x - back);
        let (e, m) = split(sum);
        // The exponent of the mantissa less that of the sum: 2**-e.
        let exponent_of = |x: f64| x.to_bits() >> 52;
        let scale = exponent_of(m).wrapping_sub(exponent_of(sum));
        let scale = f64::from_bits(scale.wrapping_add(1023) << 52);
        let log = log_1p_reduced(lost.mul_add(scale, m - 1.0));
        e.mul_add(LN_2, e.mul_add(LN_2_LOW, log)).copysign(x)
    }

    exactly!(ln_1p);
}
