//! Conversions between numbers.
#![expect(unsafe_code, reason = "conversions without a check for the range")]
#![expect(
    clippy::manual_range_contains,
    reason = "`contains` tests one side after the other, with a branch between"
)]

use half::f16;
use num_complex::Complex;

use crate::dispatch;
use crate::dtype::{Bool, DType};
use crate::kernel::ufunc::LoopFn;
use crate::kernel::ufunc::drive::{fast_unary, unary};

/// A conversion as C does it on x86.
trait To<T> {
    fn to(self) -> T;
}

macro_rules! by_as {
    ($($from:ty => $($to:ty)*;)*) => {
        $($(impl To<$to> for $from {
            #[inline(always)]
            fn to(self) -> $to { self as $to }
        })*)*
    };
}

by_as! {
    i8 => i8 i16 i32 i64 u8 u16 u32 u64 f32 f64;
    i16 => i8 i16 i32 i64 u8 u16 u32 u64 f32 f64;
    i32 => i8 i16 i32 i64 u8 u16 u32 u64 f32 f64;
    i64 => i8 i16 i32 i64 u8 u16 u32 u64 f32 f64;
    u8 => i8 i16 i32 i64 u8 u16 u32 u64 f32 f64;
    u16 => i8 i16 i32 i64 u8 u16 u32 u64 f32 f64;
    u32 => i8 i16 i32 i64 u8 u16 u32 u64 f32 f64;
    u64 => i8 i16 i32 i64 u8 u16 u32 u64 f32 f64;
    f32 => f32 f64;
    f64 => f32 f64;
}

/// Conversions of floats to integers by one instruction.
pub(crate) trait Truncate {
    /// The integer part; the least integer for what has none.
    fn truncated_i32(self) -> i32;
    /// The integer part; the least integer for what has none.
    fn truncated_i64(self) -> i64;
}

macro_rules! truncate {
    ($float:ty, $method:ident, $int:ty, $limit:literal) => {
        #[inline(always)]
        fn $method(self) -> $int {
            let fits = (self >= -$limit) & (self < $limit);
            let safe = if fits { self } else { 0.0 };
            // SAFETY: within the integer's range.
            let whole = unsafe { safe.to_int_unchecked::<$int>() };
            if fits { whole } else { <$int>::MIN }
        }
    };
}

impl Truncate for f32 {
    truncate!(f32, truncated_i32, i32, 2_147_483_648.0);
    truncate!(f32, truncated_i64, i64, 9_223_372_036_854_775_808.0);
}

impl Truncate for f64 {
    // From -2147483648.9 on it fits, but that truncates to the least integer just as well.
    truncate!(f64, truncated_i32, i32, 2_147_483_648.0);
    truncate!(f64, truncated_i64, i64, 9_223_372_036_854_775_808.0);
}

/// From floats: what an integer can't hold becomes its smallest value, shorter integers are the
/// low bits of 32, and unsigned ones with the highest bit set are converted half a range lower.
macro_rules! from_float {
    ($($float:ty)*) => {
        $(
            impl To<i32> for $float {
                #[inline(always)]
                fn to(self) -> i32 { self.truncated_i32() }
            }
            impl To<i64> for $float {
                #[inline(always)]
                fn to(self) -> i64 { self.truncated_i64() }
            }
            impl To<u32> for $float {
                #[inline(always)]
                fn to(self) -> u32 {
                    let half: $float = 2_147_483_648.0;
                    let (shift, flip) = if self >= half { (half, 1 << 31) } else { (0.0, 0) };
                    (self - shift).truncated_i32() as u32 ^ flip
                }
            }
            impl To<u64> for $float {
                #[inline(always)]
                fn to(self) -> u64 {
                    let half: $float = 9_223_372_036_854_775_808.0;
                    let (shift, flip) = if self >= half { (half, 1 << 63) } else { (0.0, 0) };
                    (self - shift).truncated_i64() as u64 ^ flip
                }
            }
            from_float!(low $float: i8 i16 u8 u16);
        )*
    };
    (low $float:ty: $($to:ty)*) => {
        $(impl To<$to> for $float {
            #[inline(always)]
            fn to(self) -> $to { self.truncated_i32() as $to }
        })*
    };
}

from_float!(f32 f64);

macro_rules! derived {
    ($($to:ty)*) => {
        $(
            impl To<$to> for Bool {
                #[inline(always)]
                fn to(self) -> $to { self.0.to() }
            }
            impl To<$to> for Complex<f32> {
                #[inline(always)]
                fn to(self) -> $to { self.re.to() }
            }
            impl To<$to> for Complex<f64> {
                #[inline(always)]
                fn to(self) -> $to { self.re.to() }
            }
        )*
    };
}

derived!(i8 i16 i32 i64 u8 u16 u32 u64 f32 f64);

macro_rules! from_half {
    ($($to:ty)*) => {
        $(impl To<$to> for f16 {
            #[inline(always)]
            fn to(self) -> $to { self.to_f32().to() }
        })*
    };
}

from_half!(i8 i16 i32 i64 u8 u16 u64 f32 f64);

impl To<u32> for f16 {
    #[inline(always)]
    fn to(self) -> u32 {
        // Every finite half fits 64 bits; the others lose their only bit.
        self.to_f32().truncated_i64() as u32
    }
}

macro_rules! into_half {
    ($($from:ty)*) => {
        $(impl To<f16> for $from {
            #[inline(always)]
            fn to(self) -> f16 { f16::from_f32(self.to()) }
        })*
    };
}

// Integers up to 16 bits, and the high bits of the others, are rounded once more by halves only
// beyond their range or where single precision is exact.
into_half!(Bool i8 i16 u8 u16 i32 i64 u32 u64 f32 Complex<f32>);

impl To<f16> for f64 {
    #[inline(always)]
    fn to(self) -> f16 {
        f16::from_f64(self)
    }
}

impl To<f16> for Complex<f64> {
    #[inline(always)]
    fn to(self) -> f16 {
        f16::from_f64(self.re)
    }
}

impl To<f16> for f16 {
    #[inline(always)]
    fn to(self) -> f16 {
        self
    }
}

macro_rules! into_bool {
    ($($from:ty)*) => {
        $(impl To<Bool> for $from {
            #[inline(always)]
            fn to(self) -> Bool { Bool(u8::from(self != <$from>::default())) }
        })*
    };
}

into_bool!(Bool i8 i16 i32 i64 u8 u16 u32 u64 f16 f32 f64 Complex<f32> Complex<f64>);

macro_rules! into_complex {
    ($($from:ty)*) => {
        $(
            impl To<Complex<f32>> for $from {
                #[inline(always)]
                fn to(self) -> Complex<f32> { Complex::new(self.to(), 0.0) }
            }
            impl To<Complex<f64>> for $from {
                #[inline(always)]
                fn to(self) -> Complex<f64> { Complex::new(self.to(), 0.0) }
            }
        )*
    };
}

into_complex!(Bool i8 i16 i32 i64 u8 u16 u32 u64 f16 f32 f64);

macro_rules! between_complex {
    ($from:ty => $to:ty) => {
        impl To<Complex<$to>> for Complex<$from> {
            #[inline(always)]
            fn to(self) -> Complex<$to> {
                Complex::new(self.re.to(), self.im.to())
            }
        }
    };
}

between_complex!(f32 => f32);
between_complex!(f32 => f64);
between_complex!(f64 => f32);
between_complex!(f64 => f64);

/// The elements as they are.
pub(super) fn copy(dtype: DType) -> LoopFn {
    match dtype.itemsize() {
        1 => fast_unary(|a: u8| a).function,
        2 => fast_unary(|a: u16| a).function,
        4 => fast_unary(|a: u32| a).function,
        8 => fast_unary(|a: u64| a).function,
        _ => fast_unary(|a: [u64; 2]| a).function,
    }
}

/// The conversion between two dtypes of numbers.
pub(super) fn find(from: DType, to: DType) -> LoopFn {
    if let Some(found) = find_fast(from, to) {
        return found;
    }
    dispatch!(from, A => dispatch!(to, B => unary(|a: A| -> B { a.to() }).function))
}

/// As [`find`], or [`copy`] between equal dtypes.
pub(super) fn find_or_copy(from: DType, to: DType) -> LoopFn {
    if from == to { copy(from) } else { find(from, to) }
}

/// Conversions among the usual dtypes, in versions for each processor.
fn find_fast(from: DType, to: DType) -> Option<LoopFn> {
    Some(dispatch!(from, A in [Bool, u8, i16, i32, i64, f32, f64]
        => dispatch!(to, B in [i32, i64, f32, f64]
            => fast_unary(|a: A| -> B { a.to() }).function, else return None),
        else return None))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_as_on_x86() {
        let to_i32 = |x: f64| -> i32 { x.to() };
        let to_u32 = |x: f64| -> u32 { x.to() };
        let to_i64 = |x: f64| -> i64 { x.to() };
        let to_u64 = |x: f64| -> u64 { x.to() };
        let to_i8 = |x: f64| -> i8 { x.to() };
        assert_eq!([2.9, -2.9, 3e9, f64::NAN].map(to_i32), [2, -2, i32::MIN, i32::MIN]);
        assert_eq!([300.0, -1.0, f64::NAN].map(to_i8), [44, -1, 0]);
        assert_eq!([3e9, -1.0, f64::INFINITY].map(to_u32), [3_000_000_000, u32::MAX, 0]);
        assert_eq!([1e19, -9.3e18, f64::NAN].map(to_i64), [i64::MIN; 3]);
        assert_eq!([1e19, -1.0, 1e20].map(to_u64), [10_000_000_000_000_000_000, u64::MAX, 0]);
    }
}
