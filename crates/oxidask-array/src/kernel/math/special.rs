//! Functions that are compositions of elementary ones, and the Bessel function `i0`.

use std::f64::consts::{LN_2, PI};

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

impl Special for f64 {
    #[inline(always)]
    fn in_radians(self) -> Self {
        self * (PI / 180.0)
    }

    #[inline(always)]
    fn in_degrees(self) -> Self {
        self * (180.0 / PI)
    }

    fn sinc(self) -> Self {
        let x = PI * self;
        if self == 0.0 { 1.0 } else { x.sin() / x }
    }

    fn bessel_i0(self) -> Self {
        let x = self.abs();
        if x <= 30.0 {
            // The power series in (x/2)**2: every term is positive, so nothing cancels.
            let quarter = x * x / 4.0;
            let (mut term, mut sum, mut k) = (1.0, 1.0, 1.0);
            while term > sum * (Self::EPSILON / 8.0) {
                term *= quarter / (k * k);
                sum += term;
                k += 1.0;
            }
            return sum;
        }
        if !x.is_finite() {
            // As NumPy, whose series gives infinity times zero.
            return Self::NAN;
        }
        // Hankel's asymptotic series, Abramowitz & Stegun 9.7.1.
        let (mut term, mut sum, mut k) = (1.0_f64, 1.0, 1.0);
        while term > Self::EPSILON / 8.0 && k < 60.0 {
            term *= (2.0 * k - 1.0) * (2.0 * k - 1.0) / (8.0 * x * k);
            sum += term;
            k += 1.0;
        }
        // In two halves, which overflow later.
        let half = (x / 2.0).exp();
        half / (2.0 * PI * x).sqrt() * sum * half
    }

    fn logaddexp(self, other: Self) -> Self {
        if self == other {
            return self + LN_2;
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
        let log2_1p = |x: Self| x.ln_1p() * std::f64::consts::LOG2_E;
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

impl Special for f32 {
    #[inline(always)]
    fn in_radians(self) -> Self {
        self * (PI as Self / 180.0)
    }

    #[inline(always)]
    fn in_degrees(self) -> Self {
        self * (180.0 / PI as Self)
    }

    fn sinc(self) -> Self {
        // The argument rounds as NumPy's does: the zeros of the sine depend on it.
        let x = PI as Self * self;
        if self == 0.0 { 1.0 } else { x.sin() / x }
    }

    fn bessel_i0(self) -> Self {
        f64::from(self).bessel_i0() as Self
    }

    fn logaddexp(self, other: Self) -> Self {
        f64::from(self).logaddexp(f64::from(other)) as Self
    }

    fn logaddexp2(self, other: Self) -> Self {
        f64::from(self).logaddexp2(f64::from(other)) as Self
    }
}
