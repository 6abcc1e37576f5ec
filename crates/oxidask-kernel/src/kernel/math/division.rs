//! Quotients rounded down, remainders, and lengths. See `elementary` for the scheme.
//!
//! The quotient in floating point is at most one too large when rounded down; then the remainder,
//! which a fused multiply-add gives exactly, has the wrong sign.

use super::PairFunction;

/// `x / y` rounded by `round`, and `x` less that many `y`. Whether that holds.
#[inline(always)]
fn divided(x: f64, y: f64, round: impl Fn(f64) -> f64) -> (f64, f64, bool) {
    let quotient = x / y;
    let whole = round(quotient);
    // A quotient below 2**51 is not infinite, and not by zero.
    let holds = (quotient.abs() < 2_251_799_813_685_248.0) & (y.abs() < f64::INFINITY);
    (whole, (-whole).mul_add(y, x), holds)
}

/// `x / y` rounded down.
pub(crate) struct FloorDivide;

impl PairFunction for FloorDivide {
    #[inline(always)]
    fn fast(x: f64, y: f64) -> (f64, bool) {
        let (whole, rest, holds) = divided(x, y, f64::floor);
        let over = (rest != 0.0) & ((rest < 0.0) != (y < 0.0));
        let whole = if over { whole - 1.0 } else { whole };
        // Zero has the sign of the quotient.
        (if whole == 0.0 { f64::copysign(0.0, x / y) } else { whole }, holds)
    }

    fn exact(x: f64, y: f64) -> f64 {
        floor_divmod(x, y).0
    }

    fn exact_single(x: f32, y: f32) -> f32 {
        floor_divmod_single(x, y).0
    }
}

/// What that leaves, with the sign of `y`.
pub(crate) struct Remainder;

impl PairFunction for Remainder {
    #[inline(always)]
    fn fast(x: f64, y: f64) -> (f64, bool) {
        let (_, rest, holds) = divided(x, y, f64::floor);
        let over = (rest < 0.0) != (y < 0.0);
        let rest = if (rest != 0.0) & over { rest + y } else { rest };
        (if rest == 0.0 { f64::copysign(0.0, y) } else { rest }, holds)
    }

    fn exact(x: f64, y: f64) -> f64 {
        floor_divmod(x, y).1
    }

    fn exact_single(x: f32, y: f32) -> f32 {
        floor_divmod_single(x, y).1
    }
}

/// What division towards zero leaves, with the sign of `x`.
pub(crate) struct Fmod;

impl PairFunction for Fmod {
    #[inline(always)]
    fn fast(x: f64, y: f64) -> (f64, bool) {
        let (_, rest, holds) = divided(x, y, f64::trunc);
        let over = (rest != 0.0) & ((rest < 0.0) != (x < 0.0));
        let rest = if over { rest + y.abs().copysign(x) } else { rest };
        (rest.copysign(x), holds)
    }

    fn exact(x: f64, y: f64) -> f64 {
        x % y
    }

    fn exact_single(x: f32, y: f32) -> f32 {
        x % y
    }
}

macro_rules! floor_divmod {
    ($name:ident, $t:ty) => {
        /// Floor division and its remainder, for any numbers. The remainder is exact; the quotient is
        /// what it leaves, rounded to the next integer.
        pub(crate) fn $name(x: $t, y: $t) -> ($t, $t) {
            if y == 0.0 {
                return (x / y, x % y);
            }
            let mut rest = x % y;
            let mut quotient = (x - rest) / y;
            if rest == 0.0 {
                rest = <$t>::copysign(0.0, y);
            } else if (rest < 0.0) != (y < 0.0) {
                rest += y;
                quotient -= 1.0;
            }
            let whole = if quotient == 0.0 {
                <$t>::copysign(0.0, x / y)
            } else {
                let floor = quotient.floor();
                if quotient - floor > 0.5 { floor + 1.0 } else { floor }
            };
            (whole, rest)
        }
    };
}

floor_divmod!(floor_divmod, f64);
floor_divmod!(floor_divmod_single, f32);

/// The length of a vector.
pub(crate) struct Hypot;

impl PairFunction for Hypot {
    #[inline(always)]
    fn fast(x: f64, y: f64) -> (f64, bool) {
        let square = x.mul_add(x, y * y);
        // Neither square is too large or too small to matter.
        (square.sqrt(), (square > 1e-250) & (square < 1e300))
    }

    fn exact(x: f64, y: f64) -> f64 {
        x.hypot(y)
    }

    fn exact_single(x: f32, y: f32) -> f32 {
        x.hypot(y)
    }
}
