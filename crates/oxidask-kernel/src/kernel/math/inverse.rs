//! Inverse sine and cosine, and the inverse hyperbolic functions, by angles of points and by
//! logarithms of what is near 1. See `elementary` for the scheme.
#![expect(
    clippy::manual_range_contains,
    reason = "`contains` tests one side after the other, with a branch between"
)]

use super::angle::Arctan2;
use super::elementary::exactly;
use super::logarithm::Log1p;
use super::special::InverseHyperbolic;
use super::{Function, PairFunction};

/// The other side of a right triangle whose longest side is 1.
#[inline(always)]
fn other_side(x: f64) -> f64 {
    ((1.0 - x) * (1.0 + x)).sqrt()
}

/// Inverse sine.
pub(crate) struct Arcsin;

impl Function for Arcsin {
    #[inline(always)]
    fn is_ordinary(x: f64) -> bool {
        // Beyond 1 the other side is NaN, and so is the angle.
        (x.abs() > 1e-90) | (x == 0.0)
    }

    #[inline(always)]
    fn fast(x: f64) -> f64 {
        Arctan2::fast(x, other_side(x)).0
    }

    exactly!(asin);
}

/// Inverse cosine.
pub(crate) struct Arccos;

impl Function for Arccos {
    #[inline(always)]
    fn is_ordinary(_: f64) -> bool {
        true
    }

    #[inline(always)]
    fn fast(x: f64) -> f64 {
        Arctan2::fast(other_side(x), x).0
    }

    exactly!(acos);
}

/// Inverse hyperbolic sine.
pub(crate) struct Arcsinh;

impl Function for Arcsinh {
    #[inline(always)]
    fn is_ordinary(x: f64) -> bool {
        x.abs() < 1e150
    }

    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let (a, square) = (x.abs(), x * x);
        Log1p::fast(a + square / (1.0 + (1.0 + square).sqrt())).copysign(x)
    }

    exactly!(c_asinh);
}

/// Inverse hyperbolic cosine.
pub(crate) struct Arccosh;

impl Function for Arccosh {
    #[inline(always)]
    fn is_ordinary(x: f64) -> bool {
        (x >= 1.0) & (x < 1e150)
    }

    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let t = x - 1.0;
        Log1p::fast(t + t.mul_add(t, 2.0 * t).sqrt())
    }

    exactly!(c_acosh);
}

/// Inverse hyperbolic tangent.
pub(crate) struct Arctanh;

impl Function for Arctanh {
    #[inline(always)]
    fn is_ordinary(x: f64) -> bool {
        x.abs() < 1.0
    }

    #[inline(always)]
    fn fast(x: f64) -> f64 {
        let a = x.abs();
        (0.5 * Log1p::fast(2.0 * a / (1.0 - a))).copysign(x)
    }

    exactly!(c_atanh);
}
