//! Sums, products and signs of integers and floating point numbers.
//!
//! Integers wrap around, so signed and unsigned ones share most loops. Booleans add by *or* and
//! multiply by *and*.

use super::Ufunc;
use super::drive::{Loop, fast_binary, fast_unary, half_binary, half_unary, unary};
use super::select::find_copy;
use crate::dispatch;
use crate::dtype::{DType, Kind};

/// The unsigned integers of the same width; other dtypes as they are.
pub(super) fn unsigned(dtype: DType) -> DType {
    match dtype {
        DType::I8 => DType::U8,
        DType::I16 => DType::U16,
        DType::I32 => DType::U32,
        DType::I64 => DType::U64,
        _ => dtype,
    }
}

pub(super) fn find(ufunc: Ufunc, dtype: DType) -> Option<Loop> {
    match ufunc {
        Ufunc::Add => add(dtype),
        Ufunc::Subtract => subtract(dtype),
        Ufunc::Multiply => multiply(dtype),
        Ufunc::Square => square(dtype),
        Ufunc::Negative => negative(dtype),
        Ufunc::Absolute | Ufunc::Fabs => absolute(dtype),
        Ufunc::Sign => sign(dtype),
        Ufunc::Conjugate => Some(find_copy(dtype)),
        _ => None,
    }
}

fn add(dtype: DType) -> Option<Loop> {
    Some(match dtype {
        DType::Bool => fast_binary(|a: u8, b: u8| a | b),
        DType::F16 => half_binary(|a, b| a + b),
        _ => dispatch!(unsigned(dtype), T in [u8, u16, u32, u64]
            => fast_binary(|a: T, b: T| a.wrapping_add(b)),
            else dispatch!(dtype, T in [f32, f64] => fast_binary(|a: T, b: T| a + b), else return None)),
    })
}

fn subtract(dtype: DType) -> Option<Loop> {
    Some(match dtype {
        DType::F16 => half_binary(|a, b| a - b),
        _ => dispatch!(unsigned(dtype), T in [u8, u16, u32, u64]
            => fast_binary(|a: T, b: T| a.wrapping_sub(b)),
            else dispatch!(dtype, T in [f32, f64] => fast_binary(|a: T, b: T| a - b), else return None)),
    })
}

fn multiply(dtype: DType) -> Option<Loop> {
    Some(match dtype {
        DType::Bool => fast_binary(|a: u8, b: u8| a & b),
        DType::F16 => half_binary(|a, b| a * b),
        _ => dispatch!(unsigned(dtype), T in [u8, u16, u32, u64]
            => fast_binary(|a: T, b: T| a.wrapping_mul(b)),
            else dispatch!(dtype, T in [f32, f64] => fast_binary(|a: T, b: T| a * b), else return None)),
    })
}

fn square(dtype: DType) -> Option<Loop> {
    Some(match dtype {
        DType::F16 => half_unary(|a| a * a),
        _ => dispatch!(unsigned(dtype), T in [u8, u16, u32, u64]
            => fast_unary(|a: T| a.wrapping_mul(a)),
            else dispatch!(dtype, T in [f32, f64] => fast_unary(|a: T| a * a), else return None)),
    })
}

fn negative(dtype: DType) -> Option<Loop> {
    Some(match dtype {
        DType::F16 => fast_unary(|a: u16| a ^ 0x8000),
        _ => dispatch!(unsigned(dtype), T in [u8, u16, u32, u64]
            => fast_unary(|a: T| a.wrapping_neg()),
            else dispatch!(dtype, T in [f32, f64] => fast_unary(|a: T| -a), else return None)),
    })
}

fn absolute(dtype: DType) -> Option<Loop> {
    Some(match dtype {
        DType::F16 => fast_unary(|a: u16| a & 0x7fff),
        _ if matches!(dtype.kind(), Kind::Bool | Kind::Unsigned) => find_copy(dtype),
        _ => dispatch!(dtype, T in [i8, i16, i32, i64] => fast_unary(|a: T| a.wrapping_abs()),
            else dispatch!(dtype, T in [f32, f64] => fast_unary(|a: T| a.abs()), else return None)),
    })
}

fn sign(dtype: DType) -> Option<Loop> {
    Some(match dtype {
        DType::F16 => half_unary(|a| {
            if a > 0.0 {
                1.0
            } else if a < 0.0 {
                -1.0
            } else {
                a + 0.0
            }
        }),
        _ => dispatch!(dtype, T in [i8, i16, i32, i64] => unary(|a: T| a.signum()),
            else dispatch!(dtype, T in [u8, u16, u32, u64] => unary(|a: T| T::from(a != 0)),
            else dispatch!(dtype, T in [f32, f64] => fast_unary(|a: T| {
                // Zeros lose their sign, NaNs stay.
                let one: T = if a > 0.0 { 1.0 } else { -1.0 };
                if a == 0.0 { 0.0 } else if a.is_nan() { a } else { one }
            }), else return None))),
    })
}
