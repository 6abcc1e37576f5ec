//! Powers of real numbers. See `elementary` for the scheme.
//!
//! `x**y` is `exp(y log x)`: an error of the logarithm counts up to 700-fold, so it is computed to
//! about 65 bits, in two parts each step.
#![expect(
    clippy::manual_range_contains,
    reason = "`contains` tests one side after the other, with a branch between"
)]

use super::elementary::{LN_2, LN_2_LOW, exp_m1_reduced, polynomial, power_of_two, reduced};
use super::logarithm::{Log, split};
use super::{Function, PairFunction};

/// Whether [`Power`] computes fast, but for the size of the result.
#[inline(always)]
fn is_ordinary(x: f64, y: f64) -> bool {
    let size = x.abs();
    (size >= f64::MIN_POSITIVE) & (size < f64::INFINITY) & ((x > 0.0) | (y.floor() == y))
}

/// The sign of a power of a number that may be negative: a whole, odd exponent keeps it.
#[inline(always)]
fn with_sign(power: f64, x: f64, y: f64) -> f64 {
    let half = 0.5 * y;
    if (x < 0.0) & (half.floor() != half) { -power } else { power }
}

/// `e**(high + low)`
#[inline(always)]
fn exp(high: f64, low: f64) -> f64 {
    let (r, low, bits) = reduced(high, low);
    power_of_two(bits) * (1.0 + exp_m1_reduced(r, low))
}

/// The natural logarithm of a positive, normal number, in two parts.
#[inline(always)]
fn log(x: f64) -> (f64, f64) {
    // (2 atanh(s) - 2 s - 2/3 s**3) / s**5, in s**2
    const P: [f64; 7] = [
        0.400_000_000_000_000_3,
        0.285_714_285_713_374_6,
        0.222_222_222_715_774_44,
        0.181_818_081_700_687_4,
        0.153_855_804_353_949_85,
        0.132_857_701_928_684_24,
        0.129_159_296_581_653_93,
    ];
    const TWO_THIRDS: f64 = 2.0 / 3.0;
    const TWO_THIRDS_LOW: f64 = 3.700_743_415_417_188e-17;
    let (e, m) = split(x);
    // s = (m - 1) / (m + 1)
    let f = m - 1.0;
    let under = m + 1.0;
    let under_low = m - (under - 1.0);
    let inverse = 1.0 / under;
    let s = f * inverse;
    let s_low = (-s).mul_add(under_low, (-s).mul_add(under, f)) * inverse;
    let z = s * s;
    let z_low = (2.0 * s).mul_add(s_low, s.mul_add(s, -z));
    // u = 2/3 + z P(z)
    let tail = z * polynomial(z, &P);
    let u = TWO_THIRDS + tail;
    let u_low = ((TWO_THIRDS - u) + tail) + TWO_THIRDS_LOW;
    // w = 2 + z u
    let product = z * u;
    let product_low = z_low.mul_add(u, z.mul_add(u_low, z.mul_add(u, -product)));
    let w = 2.0 + product;
    let w_low = ((2.0 - w) + product) + product_low;
    // log m = s w
    let high = s * w;
    let low = s_low.mul_add(w, s.mul_add(w_low, s.mul_add(w, -high)));
    let whole = e * LN_2;
    let whole_low = e.mul_add(LN_2_LOW, e.mul_add(LN_2, -whole));
    let sum = whole + high;
    (sum, ((whole - sum) + high) + (whole_low + low))
}

/// `x**y`
pub(crate) struct Power;

impl PairFunction for Power {
    #[inline(always)]
    fn fast(x: f64, y: f64) -> (f64, bool) {
        let (log, log_low) = log(x.abs());
        let exponent = y * log;
        let low = y.mul_add(log_low, y.mul_add(log, -exponent));
        let holds = is_ordinary(x, y) & (exponent.abs() < 708.0);
        (with_sign(exp(exponent, low), x, y), holds)
    }

    #[inline(always)]
    fn fast_single(x: f64, y: f64) -> (f64, bool) {
        let exponent = y * Log::fast(x.abs());
        let holds = is_ordinary(x, y) & (exponent.abs() < 708.0);
        (with_sign(exp(exponent, 0.0), x, y), holds)
    }

    fn exact(x: f64, y: f64) -> f64 {
        x.powf(y)
    }

    fn exact_single(x: f32, y: f32) -> f32 {
        x.powf(y)
    }
}
