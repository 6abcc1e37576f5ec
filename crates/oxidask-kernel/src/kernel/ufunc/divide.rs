//! Quotients and remainders.
//!
//! Integer division rounds down, remainders have the sign of the divisor (`fmod`'s that of the
//! dividend), and division of integers by zero gives zero.

use super::Ufunc;
use super::drive::{
    Loop, binary, binary_two, fast_binary, fast_unary, half_binary, half_unary, unary,
};
use super::guarded::pair;
use crate::dispatch;
use crate::dtype::DType;
use crate::kernel::cast::Truncate;
use crate::kernel::math::division::{
    FloorDivide, Fmod, Remainder, floor_divmod, floor_divmod_single,
};

pub(super) fn find(ufunc: Ufunc, dtype: DType) -> Option<Loop> {
    match ufunc {
        Ufunc::TrueDivide => match dtype {
            DType::F16 => Some(half_binary(|a, b| a / b)),
            _ => Some(dispatch!(dtype, T in [f32, f64] => fast_binary(|a: T, b: T| a / b),
                else return None)),
        },
        Ufunc::Reciprocal => reciprocal(dtype),
        Ufunc::FloorDivide => floor_divide(dtype),
        Ufunc::Remainder => remainder(dtype),
        Ufunc::Fmod => fmod(dtype),
        Ufunc::Divmod => divmod(dtype),
        Ufunc::Gcd => gcd_loop(dtype),
        Ufunc::Lcm => lcm_loop(dtype),
        _ => None,
    }
}

fn reciprocal(dtype: DType) -> Option<Loop> {
    Some(match dtype {
        DType::F16 => half_unary(|a| 1.0 / a),
        _ => dispatch!(dtype, T in [f32, f64] => fast_unary(|a: T| 1.0 / a),
            // The signed ones go through floats in NumPy, and infinity back is the least one.
            else dispatch!(dtype, T in [i32, i64] => unary(|a: T| if a == 0 { T::MIN } else { 1 / a }),
            else dispatch!(dtype, T in [i8, i16, u8, u16, u32, u64]
                => unary(|a: T| T::checked_div(1, a).unwrap_or(0)), else return None))),
    })
}

/// Floor division and its remainder, by type.
pub(super) trait Divide: Copy {
    fn floor_divmod(self, by: Self) -> (Self, Self);
}

macro_rules! divide_signed {
    ($($t:ty)*) => { $(impl Divide for $t {
        #[inline(always)]
        fn floor_divmod(self, by: Self) -> (Self, Self) {
            if by == 0 {
                return (0, 0);
            }
            let (quotient, remainder) = (self.wrapping_div(by), self.wrapping_rem(by));
            let below = remainder != 0 && (remainder < 0) != (by < 0);
            if below { (quotient - 1, remainder + by) } else { (quotient, remainder) }
        }
    })* };
}

macro_rules! divide_unsigned {
    ($($t:ty)*) => { $(impl Divide for $t {
        #[inline(always)]
        fn floor_divmod(self, by: Self) -> (Self, Self) {
            if by == 0 { (0, 0) } else { (self / by, self % by) }
        }
    })* };
}

impl Divide for f64 {
    fn floor_divmod(self, by: Self) -> (Self, Self) {
        floor_divmod(self, by)
    }
}

impl Divide for f32 {
    fn floor_divmod(self, by: Self) -> (Self, Self) {
        floor_divmod_single(self, by)
    }
}

divide_signed!(i8 i16 i32 i64);
divide_unsigned!(u8 u16 u32 u64);

fn floor_divide(dtype: DType) -> Option<Loop> {
    pair::<FloorDivide>(dtype).or_else(|| {
        Some(dispatch!(dtype, T in [i8, i16, i32, u8, u16, u32]
            => fast_binary(|a: T, b: T| a.short_divmod(b).0),
            else dispatch!(dtype, T in [i64, u64] => binary(|a: T, b: T| a.floor_divmod(b).0),
            else return None)))
    })
}

fn remainder(dtype: DType) -> Option<Loop> {
    pair::<Remainder>(dtype).or_else(|| {
        Some(dispatch!(dtype, T in [i8, i16, i32, u8, u16, u32]
            => fast_binary(|a: T, b: T| a.short_divmod(b).1),
            else dispatch!(dtype, T in [i64, u64] => binary(|a: T, b: T| a.floor_divmod(b).1),
            else return None)))
    })
}

/// Floor division of integers that are exact in double precision, where it vectorises: the quotient
/// of two is closer to its next integer than the rounding only if it is that integer.
trait ShortDivide: Copy {
    fn short_divmod(self, by: Self) -> (Self, Self);
}

macro_rules! short_divide {
    ($($t:ty)*) => { $(impl ShortDivide for $t {
        #[inline(always)]
        fn short_divmod(self, by: Self) -> (Self, Self) {
            let divisor = if by == 0 { 1.0 } else { f64::from(by) };
            // The least integer by -1 wraps around.
            let whole = (f64::from(self) / divisor).floor().truncated_i64() as $t;
            let rest = self.wrapping_sub(whole.wrapping_mul(by));
            if by == 0 { (0, 0) } else { (whole, rest) }
        }
    })* };
}

short_divide!(i8 i16 i32 u8 u16 u32);

fn divmod(dtype: DType) -> Option<Loop> {
    use half::f16;
    Some(match dtype {
        DType::F16 => binary_two(|a: f16, b: f16| {
            let (quotient, remainder) = a.to_f32().floor_divmod(b.to_f32());
            (f16::from_f32(quotient), f16::from_f32(remainder))
        }),
        _ => dispatch!(dtype, T in [i8, i16, i32, i64, u8, u16, u32, u64, f32, f64]
            => binary_two(|a: T, b: T| a.floor_divmod(b)), else return None),
    })
}

fn fmod(dtype: DType) -> Option<Loop> {
    pair::<Fmod>(dtype).or_else(|| {
        Some(dispatch!(dtype, T in [i8, i16, i32, i64, u8, u16, u32, u64]
            => binary(|a: T, b: T| if b == 0 { 0 } else { a.wrapping_rem(b) }),
            else return None))
    })
}

/// Euclid's algorithm.
trait Gcd: Copy {
    fn gcd(self, other: Self) -> Self;
    fn lcm(self, other: Self) -> Self;
}

macro_rules! gcd_unsigned {
    ($($t:ty)*) => { $(impl Gcd for $t {
        fn gcd(self, other: Self) -> Self {
            let (mut a, mut b) = (self, other);
            while b != 0 {
                (a, b) = (b, a % b);
            }
            a
        }

        fn lcm(self, other: Self) -> Self {
            let gcd = self.gcd(other);
            if gcd == 0 { 0 } else { (self / gcd).wrapping_mul(other) }
        }
    })* };
}

macro_rules! gcd_signed {
    ($($t:ty)*) => { $(impl Gcd for $t {
        fn gcd(self, other: Self) -> Self {
            self.unsigned_abs().gcd(other.unsigned_abs()) as $t
        }

        fn lcm(self, other: Self) -> Self {
            self.unsigned_abs().lcm(other.unsigned_abs()) as $t
        }
    })* };
}

gcd_unsigned!(u8 u16 u32 u64);
gcd_signed!(i8 i16 i32 i64);

fn gcd_loop(dtype: DType) -> Option<Loop> {
    Some(dispatch!(dtype, T in [i8, i16, i32, i64, u8, u16, u32, u64]
        => binary(|a: T, b: T| a.gcd(b)), else return None))
}

fn lcm_loop(dtype: DType) -> Option<Loop> {
    Some(dispatch!(dtype, T in [i8, i16, i32, i64, u8, u16, u32, u64]
        => binary(|a: T, b: T| a.lcm(b)), else return None))
}
