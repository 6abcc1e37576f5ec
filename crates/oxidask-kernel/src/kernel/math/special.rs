//! Functions that are compositions of elementary ones, and the Bessel function `i0`.
#![expect(unsafe_code, reason = "declares functions of the C library")]

use std::f64::consts::PI;

use half::f16;

/// Functions of one real type.
pub(crate) trait Special: Copy {
    /// From degrees.
    fn in_radians(self) -> Self;
    /// From radians.
    fn in_degrees(self) -> Self;
    /// `sin(pi x) / (pi x)`.
    fn sinc(self) -> Self;
    /// The modified Bessel function of the first kind and order 0.
    fn bessel_i0(self) -> Self;
    /// `log(exp(self) + exp(other))` without overflow.
    fn logaddexp(self, other: Self) -> Self;
    /// `log2(2**self + 2**other)` without overflow.
    fn logaddexp2(self, other: Self) -> Self;
}

macro_rules! special {
    ($t:ident, $i0:item) => {
        impl Special for $t {
            #[inline(always)]
            fn in_radians(self) -> Self {
                self * (consts::PI / 180.0)
            }

            #[inline(always)]
            fn in_degrees(self) -> Self {
                self * (180.0 / consts::PI)
            }

            fn sinc(self) -> Self {
                // The argument rounds as NumPy's does: where the sine is zero depends on it.
                let x = consts::PI * self;
                if self == 0.0 { 1.0 } else { x.sin() / x }
            }

            $i0

            fn logaddexp(self, other: Self) -> Self {
                if self == other {
                    return self + consts::LN_2;
                }
                let difference = self - other;
                if difference > 0.0 {
                    self + (-difference).exp().ln_1p()
                } else if difference <= 0.0 {
                    other + difference.exp().ln_1p()
                } else {
                    difference
                }
            }

            fn logaddexp2(self, other: Self) -> Self {
                if self == other {
                    return self + 1.0;
                }
                let log2_1p = |x: Self| x.ln_1p() * consts::LOG2_E;
                let difference = self - other;
                if difference > 0.0 {
                    self + log2_1p((-difference).exp2())
                } else if difference <= 0.0 {
                    other + log2_1p(difference.exp2())
                } else {
                    difference
                }
            }
        }
    };
}

mod double {
    use std::f64::consts;

    use super::{Special, bessel_i0};

    special!(
        f64,
        fn bessel_i0(self) -> Self {
            bessel_i0(self)
        }
    );
}

mod single {
    use std::f32::consts;

    use super::{Special, bessel_i0};

    special!(
        f32,
        fn bessel_i0(self) -> Self {
            bessel_i0(f64::from(self)) as Self
        }
    );
}

/// `sinc` of a half, rounded after every step as NumPy's is.
pub(crate) fn half_sinc(a: f16) -> f16 {
    let x = f16::PI * a;
    if a == f16::ZERO { f16::ONE } else { f16::from_f32(x.to_f32().sin()) / x }
}

fn bessel_i0(x: f64) -> f64 {
    let x = x.abs();
    if x <= 30.0 {
        // The power series in (x/2)**2: every term is positive, so nothing cancels.
        let quarter = x * x / 4.0;
        let (mut term, mut sum, mut k) = (1.0, 1.0, 1.0);
        while term > sum * (f64::EPSILON / 8.0) {
            term *= quarter / (k * k);
            sum += term;
            k += 1.0;
        }
        return sum;
    }
    if !x.is_finite() {
        // As NumPy, whose series gives infinity times zero.
        return f64::NAN;
    }
    // Hankel's asymptotic series, Abramowitz & Stegun 9.7.1.
    let (mut term, mut sum, mut k) = (1.0_f64, 1.0, 1.0);
    while term > f64::EPSILON / 8.0 && k < 60.0 {
        term *= (2.0 * k - 1.0) * (2.0 * k - 1.0) / (8.0 * x * k);
        sum += term;
        k += 1.0;
    }
    x.exp() / (2.0 * PI * x.min(1e9)).sqrt() * sum
}

unsafe extern "C" {
    safe fn asinh(x: f64) -> f64;
    safe fn acosh(x: f64) -> f64;
    safe fn atanh(x: f64) -> f64;
    safe fn asinhf(x: f32) -> f32;
    safe fn acoshf(x: f32) -> f32;
    safe fn atanhf(x: f32) -> f32;
}

/// The inverse hyperbolic functions of the C library: Rust's own lose digits near their zeros and
/// overflow early.
pub(crate) trait InverseHyperbolic: Copy {
    fn c_asinh(self) -> Self;
    fn c_acosh(self) -> Self;
    fn c_atanh(self) -> Self;
}

impl InverseHyperbolic for f64 {
    fn c_asinh(self) -> Self {
        asinh(self)
    }

    fn c_acosh(self) -> Self {
        acosh(self)
    }

    fn c_atanh(self) -> Self {
        atanh(self)
    }
}

impl InverseHyperbolic for f32 {
    fn c_asinh(self) -> Self {
        asinhf(self)
    }

    fn c_acosh(self) -> Self {
        acoshf(self)
    }

    fn c_atanh(self) -> Self {
        atanhf(self)
    }
}
