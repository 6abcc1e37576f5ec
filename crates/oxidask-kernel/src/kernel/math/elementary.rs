//! The exponential functions.
//!
//! All coefficients in this folder are near-minimax: polynomials through the Chebyshev nodes of the
//! reduced range, computed with 60 digits and rounded. The schemes are the classical ones (Cody and
//! Waite, "Software Manual for the Elementary Functions", 1980; Muller, "Elementary Functions", 2016):
//! reduce the argument with a constant in two or three parts, evaluate a polynomial, put the result
//! together so that only the last step rounds. Errors stay below 2 units in the last place.

use std::f64::consts::LOG2_E;

use super::Function;

/// Implements the exact side of a [`Function`] by a method of the standard library.
macro_rules! exactly {
    ($method:ident) => {
        fn exact(x: f64) -> f64 {
            x.$method()
        }

        fn exact_single(x: f32) -> f32 {
            x.$method()
        }
    };
}
pub(super) use exactly;

/// Natural logarithm of 2, in two parts.
pub(super) const LN_2: f64 = std::f64::consts::LN_2;
pub(super) const LN_2_LOW: f64 = 2.319_046_813_846_299_6e-17;

/// The value of a polynomial by Horner's scheme, the constant coefficient first.
#[inline(always)]
pub(super) fn polynomial<const N: usize>(x: f64, coefficients: &[f64; N]) -> f64 {
    let mut value = coefficients[N - 1];
    let mut i = N - 1;
    while i > 0 {
        i -= 1;
        value = value.mul_add(x, coefficients[i]);
    }
    value
}

/// The nearest integer below 2**51 in size, as a number, and in the low bits of a word.
#[inline(always)]
pub(super) fn nearest(x: f64) -> (f64, u64) {
    /// Adding it leaves no bits for fractions.
    const SHIFT: f64 = 6_755_399_441_055_744.0;
    let shifted = x + SHIFT;
    (shifted - SHIFT, shifted.to_bits())
}

/// Two to the power of an integer in the low bits of a word, from -1022 to 1023.
#[inline(always)]
pub(super) fn power_of_two(bits: u64) -> f64 {
    f64::from_bits(bits.wrapping_add(1023) << 52)
}

/// `exp(r + low) - 1` for at most half of log 2, `low` being below the last place of `r`.
#[inline(always)]
pub(super) fn exp_m1_reduced(r: f64, low: f64) -> f64 {
    r + exp_m1_tail(r, low)
}

/// The same less `r`.
#[inline(always)]
fn exp_m1_tail(r: f64, low: f64) -> f64 {
    // (exp(r) - 1 - r) / r**2
    const Q: [f64; 10] = [
        0.500_000_000_000_000_1,
        0.166_666_666_666_666_69,
        0.041_666_666_666_623_99,
        0.008_333_333_333_330_051,
        0.001_388_888_891_728_179_4,
        0.000_198_412_698_631_059_68,
        2.480_152_119_021_773e-5,
        2.755_726_837_868_419_2e-6,
        2.762_013_871_973_399_4e-7,
        2.510_042_415_700_506_7e-8,
    ];
    (r * r).mul_add(polynomial(r, &Q), low)
}

/// A number in two parts, less the nearest multiple of log 2, again in two parts, and which
/// multiple that is.
#[inline(always)]
pub(super) fn reduced(high: f64, low: f64) -> (f64, f64, u64) {
    let (k, bits) = nearest(high * LOG2_E);
    let near = (-k).mul_add(LN_2, high);
    let rest = (-k).mul_add(LN_2_LOW, low);
    let r = near + rest;
    (r, (near - r) + rest, bits)
}

/// `e**x`
pub(crate) struct Exp;

impl Function for Exp {
    #[inline(always)]
    fn is_ordinary(x: f64) -> bool {
        x.abs() < 708.0
    }

    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let (r, low, bits) = reduced(x, 0.0);
        power_of_two(bits) * (1.0 + exp_m1_reduced(r, low))
    }

    exactly!(exp);
}

/// `2**x`
pub(crate) struct Exp2;

impl Function for Exp2 {
    #[inline(always)]
    fn is_ordinary(x: f64) -> bool {
        x.abs() < 1021.0
    }

    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let (k, bits) = nearest(x);
        let t = x - k;
        let r = t * LN_2;
        let low = t.mul_add(LN_2_LOW, t.mul_add(LN_2, -r));
        power_of_two(bits) * (1.0 + exp_m1_reduced(r, low))
    }

    exactly!(exp2);
}

/// `e**x - 1`
pub(crate) struct Expm1;

#[inline(always)]
fn exp_m1(x: f64) -> f64 {
    let (r, low, bits) = reduced(x, 0.0);
    let scale = power_of_two(bits);
    scale.mul_add(exp_m1_reduced(r, low), scale - 1.0)
}

impl Function for Expm1 {
    #[inline(always)]
    fn is_ordinary(x: f64) -> bool {
        x.abs() < 708.0
    }

    #[inline(always)]
    fn fast(x: f64) -> f64 {
        // The sign matters for zeros only.
        exp_m1(x).copysign(x)
    }

    exactly!(exp_m1);
}

/// `e**x - 1` for positive arguments, in two parts.
#[inline(always)]
fn exp_m1_positive(x: f64) -> (f64, f64) {
    let (r, low, bits) = reduced(x, 0.0);
    let tail = exp_m1_tail(r, low);
    let p = r + tail;
    let p_low = (r - p) + tail;
    let scale = power_of_two(bits);
    // The larger summand first: it is zero, or at least the other's size.
    let (above, product) = (scale - 1.0, scale * p);
    let sum = above + product;
    (sum, scale.mul_add(p_low, (above - sum) + product))
}

/// Hyperbolic tangent.
pub(crate) struct Tanh;

impl Function for Tanh {
    #[inline(always)]
    fn is_ordinary(x: f64) -> bool {
        !x.is_nan()
    }

    #[inline(always)]
    fn fast(x: f64) -> f64 {
        // From 20 on it is 1. With t = exp(2 x) - 1 it is t / (t + 2).
        let (t, t_low) = exp_m1_positive(2.0 * if x.abs() < 20.0 { x.abs() } else { 20.0 });
        let under = t + 2.0;
        let back = under - t;
        let under_low = (t - (under - back)) + (2.0 - back) + t_low;
        let inverse = 1.0 / under;
        let quotient = t * inverse;
        let left = (-quotient).mul_add(under, t) + (-quotient).mul_add(under_low, t_low);
        left.mul_add(inverse, quotient).copysign(x)
    }

    exactly!(tanh);
}

/// Hyperbolic sine.
pub(crate) struct Sinh;

impl Function for Sinh {
    #[inline(always)]
    fn is_ordinary(x: f64) -> bool {
        x.abs() < 708.0
    }

    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let t = exp_m1(x.abs());
        (0.5 * (t + t / (t + 1.0))).copysign(x)
    }

    exactly!(sinh);
}

/// Hyperbolic cosine.
pub(crate) struct Cosh;

impl Function for Cosh {
    #[inline(always)]
    fn is_ordinary(x: f64) -> bool {
        x.abs() < 708.0
    }

    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let t = Exp::fast(x.abs());
        0.5 * t + 0.5 / t
    }

    exactly!(cosh);
}
