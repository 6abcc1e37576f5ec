//! Arithmetic of single numbers, as NumPy does it: integers wrap, division floors.

use std::sync::Arc;

use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{ArrayRef, PrimitiveArray};
use arrow_buffer::{ArrowNativeType, NullBuffer, ScalarBuffer};
use arrow_schema::DataType;

/// A number that columns hold.
pub(in crate::kernel) trait Native: ArrowNativeType + PartialOrd {
    /// Arrow's type of its arrays.
    type Arrow: ArrowPrimitiveType<Native = Self>;
    /// The same as a value.
    const DATA_TYPE: DataType;
    /// What stands for a missing value: NaN, or 0 under a null.
    const MISSING: Self;
    const ZERO: Self;
    const ONE: Self;
    const IS_FLOAT: bool;

    fn of_i64(value: i64) -> Self;
    fn of_u64(value: u64) -> Self;
    /// Out of range it saturates: callers check.
    fn of_f64(value: f64) -> Self;
    fn to_f64(self) -> f64;
    /// The same 64 bits, of integers; floating point numbers saturate.
    fn to_i64_wrapping(self) -> i64;
    fn add(self, other: Self) -> Self;
    fn sub(self, other: Self) -> Self;
    fn mul(self, other: Self) -> Self;
    /// Of floating point numbers only: others are brought to them first.
    fn div(self, other: Self) -> Self;
    /// Bit by bit, of integers only.
    fn and(self, other: Self) -> Self;
    /// As [`Native::and`].
    fn or(self, other: Self) -> Self;
    /// As [`Native::and`].
    fn xor(self, other: Self) -> Self;
    /// The largest whole number not above the quotient; 0 for integers over zero.
    fn floor_div(self, other: Self) -> Self;
    /// The rest, of the divisor's sign; 0 for integers over zero.
    fn modulo(self, other: Self) -> Self;
    /// To a power that isn't negative, for integers.
    fn power(self, other: Self) -> Self;
    fn neg(self) -> Self;
    fn abs(self) -> Self;
    /// To so many decimals, halves to even; integers stay.
    fn round_to(self, decimals: i32) -> Self;
    /// Whether it is NaN, and so missing.
    fn is_nan(self) -> bool;
}

macro_rules! integer {
    ($native:ty, $arrow:ty, $data_type:ident, $floor_div:expr, $modulo:expr, $abs:expr) => {
        impl Native for $native {
            type Arrow = $arrow;
            const DATA_TYPE: DataType = DataType::$data_type;
            const MISSING: Self = 0;
            const ZERO: Self = 0;
            const ONE: Self = 1;
            const IS_FLOAT: bool = false;

            #[inline]
            fn of_i64(value: i64) -> Self {
                value as Self
            }
            #[inline]
            fn of_u64(value: u64) -> Self {
                value as Self
            }
            #[inline]
            fn of_f64(value: f64) -> Self {
                value as Self
            }
            #[inline]
            fn to_f64(self) -> f64 {
                self as f64
            }
            #[inline]
            fn to_i64_wrapping(self) -> i64 {
                self as i64
            }
            #[inline]
            fn add(self, other: Self) -> Self {
                self.wrapping_add(other)
            }
            #[inline]
            fn sub(self, other: Self) -> Self {
                self.wrapping_sub(other)
            }
            #[inline]
            fn mul(self, other: Self) -> Self {
                self.wrapping_mul(other)
            }
            #[inline]
            fn div(self, other: Self) -> Self {
                self.floor_div(other)
            }
            #[inline]
            fn and(self, other: Self) -> Self {
                self & other
            }
            #[inline]
            fn or(self, other: Self) -> Self {
                self | other
            }
            #[inline]
            fn xor(self, other: Self) -> Self {
                self ^ other
            }
            #[inline]
            fn floor_div(self, other: Self) -> Self {
                if other == 0 { 0 } else { $floor_div(self, other) }
            }
            #[inline]
            fn modulo(self, other: Self) -> Self {
                if other == 0 { 0 } else { $modulo(self, other) }
            }
            #[inline]
            fn power(self, other: Self) -> Self {
                let (mut base, mut exponent, mut product) = (self, other, 1 as Self);
                while exponent > 0 {
                    if exponent & 1 == 1 {
                        product = product.wrapping_mul(base);
                    }
                    base = base.wrapping_mul(base);
                    exponent >>= 1;
                }
                product
            }
            #[inline]
            fn neg(self) -> Self {
                self.wrapping_neg()
            }
            #[inline]
            fn abs(self) -> Self {
                $abs(self)
            }
            #[inline]
            fn round_to(self, _: i32) -> Self {
                self
            }
            #[inline]
            fn is_nan(self) -> bool {
                false
            }
        }
    };
}

macro_rules! signed {
    ($native:ty, $arrow:ty, $data_type:ident) => {
        integer!(
            $native,
            $arrow,
            $data_type,
            |a: $native, b: $native| {
                let quotient = a.wrapping_div(b);
                quotient - <$native>::from(a.wrapping_rem(b) != 0 && (a < 0) != (b < 0))
            },
            |a: $native, b: $native| {
                let rest = a.wrapping_rem(b);
                if rest != 0 && (rest < 0) != (b < 0) { rest + b } else { rest }
            },
            <$native>::wrapping_abs
        );
    };
}

macro_rules! unsigned {
    ($native:ty, $arrow:ty, $data_type:ident) => {
        integer!(
            $native,
            $arrow,
            $data_type,
            |a: $native, b: $native| a / b,
            |a: $native, b: $native| a % b,
            |a: $native| a
        );
    };
}

signed!(i8, Int8Type, Int8);
signed!(i16, Int16Type, Int16);
signed!(i32, Int32Type, Int32);
signed!(i64, Int64Type, Int64);
unsigned!(u8, UInt8Type, UInt8);
unsigned!(u16, UInt16Type, UInt16);
unsigned!(u32, UInt32Type, UInt32);
unsigned!(u64, UInt64Type, UInt64);

macro_rules! float {
    ($native:ty, $arrow:ty, $data_type:ident) => {
        impl Native for $native {
            type Arrow = $arrow;
            const DATA_TYPE: DataType = DataType::$data_type;
            const MISSING: Self = <$native>::NAN;
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const IS_FLOAT: bool = true;

            #[inline]
            fn of_i64(value: i64) -> Self {
                value as Self
            }
            #[inline]
            fn of_u64(value: u64) -> Self {
                value as Self
            }
            #[inline]
            fn of_f64(value: f64) -> Self {
                value as Self
            }
            #[inline]
            fn to_f64(self) -> f64 {
                self.into()
            }
            #[inline]
            fn to_i64_wrapping(self) -> i64 {
                self as i64
            }
            #[inline]
            fn add(self, other: Self) -> Self {
                self + other
            }
            #[inline]
            fn sub(self, other: Self) -> Self {
                self - other
            }
            #[inline]
            fn mul(self, other: Self) -> Self {
                self * other
            }
            #[inline]
            fn div(self, other: Self) -> Self {
                self / other
            }
            #[inline]
            fn and(self, _: Self) -> Self {
                self
            }
            #[inline]
            fn or(self, _: Self) -> Self {
                self
            }
            #[inline]
            fn xor(self, _: Self) -> Self {
                self
            }
            #[inline]
            fn floor_div(self, other: Self) -> Self {
                if other == 0.0 {
                    return self / other;
                }
                let rest = self % other;
                let mut quotient = (self - rest) / other;
                if rest != 0.0 && (rest < 0.0) != (other < 0.0) {
                    quotient -= 1.0;
                }
                if quotient == 0.0 {
                    return (0.0 as Self).copysign(self / other);
                }
                // The quotient is whole but for rounding.
                let floor = quotient.floor();
                if quotient - floor > 0.5 { floor + 1.0 } else { floor }
            }
            #[inline]
            fn modulo(self, other: Self) -> Self {
                let rest = self % other;
                if rest == 0.0 {
                    (0.0 as Self).copysign(other)
                } else if (rest < 0.0) != (other < 0.0) {
                    rest + other
                } else {
                    rest
                }
            }
            #[inline]
            fn power(self, other: Self) -> Self {
                self.powf(other)
            }
            #[inline]
            fn neg(self) -> Self {
                -self
            }
            #[inline]
            fn abs(self) -> Self {
                self.abs()
            }
            #[inline]
            fn round_to(self, decimals: i32) -> Self {
                let power = (10.0 as Self).powi(decimals.abs());
                match decimals {
                    0 => self.round_ties_even(),
                    1.. => (self * power).round_ties_even() / power,
                    _ => (self / power).round_ties_even() * power,
                }
            }
            #[inline]
            fn is_nan(self) -> bool {
                self.is_nan()
            }
        }
    };
}

float!(f32, Float32Type, Float32);
float!(f64, Float64Type, Float64);

/// An array of numbers.
pub(in crate::kernel) fn array<T: Native>(
    values: ScalarBuffer<T>,
    nulls: Option<NullBuffer>,
) -> ArrayRef {
    Arc::new(PrimitiveArray::<T::Arrow>::new(values, nulls))
}

/// Runs an expression with `$native` as the Rust type of a [`Number`](crate::dtype::Number).
macro_rules! with_number {
    ($number:expr, $native:ident => $body:expr) => {
        match $number {
            $crate::dtype::Number::I8 => {
                type $native = i8;
                $body
            }
            $crate::dtype::Number::I16 => {
                type $native = i16;
                $body
            }
            $crate::dtype::Number::I32 => {
                type $native = i32;
                $body
            }
            $crate::dtype::Number::I64 => {
                type $native = i64;
                $body
            }
            $crate::dtype::Number::U8 => {
                type $native = u8;
                $body
            }
            $crate::dtype::Number::U16 => {
                type $native = u16;
                $body
            }
            $crate::dtype::Number::U32 => {
                type $native = u32;
                $body
            }
            $crate::dtype::Number::U64 => {
                type $native = u64;
                $body
            }
            $crate::dtype::Number::F32 => {
                type $native = f32;
                $body
            }
            $crate::dtype::Number::F64 => {
                type $native = f64;
                $body
            }
        }
    };
}
pub(in crate::kernel) use with_number;
