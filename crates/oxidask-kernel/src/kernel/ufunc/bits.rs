//! Logic of truth values, and of the bits of integers.

use half::f16;

use super::Ufunc;
use super::arith::unsigned;
use super::drive::{Loop, binary, fast_binary, fast_unary, unary};
use crate::dispatch;
use crate::dtype::DType;

pub(super) fn find(ufunc: Ufunc, dtype: DType) -> Option<Loop> {
    match ufunc {
        Ufunc::LogicalAnd => logical_and(dtype),
        Ufunc::LogicalOr => logical_or(dtype),
        Ufunc::LogicalXor => logical_xor(dtype),
        Ufunc::LogicalNot => logical_not(dtype),
        Ufunc::BitwiseAnd => bitwise_and(dtype),
        Ufunc::BitwiseOr => bitwise_or(dtype),
        Ufunc::BitwiseXor => bitwise_xor(dtype),
        Ufunc::Invert => invert(dtype),
        Ufunc::LeftShift => left_shift(dtype),
        Ufunc::RightShift => right_shift(dtype),
        Ufunc::BitwiseCount => bitwise_count(dtype),
        _ => None,
    }
}

macro_rules! logical {
    ($name:ident, $op:tt) => {
        fn $name(dtype: DType) -> Option<Loop> {
            if dtype == DType::Bool {
                return Some(fast_binary(|a: u8, b: u8| u8::from((a != 0) $op (b != 0))));
            }
            Some(dispatch!(unsigned(dtype), T in [u8, u16, u32, u64, f16, f32, f64]
                => binary(|a: T, b: T| u8::from((a != T::default()) $op (b != T::default()))),
                else return None))
        }
    };
}

logical!(logical_and, &);
logical!(logical_or, |);
logical!(logical_xor, ^);

fn logical_not(dtype: DType) -> Option<Loop> {
    if dtype == DType::Bool {
        return Some(fast_unary(|a: u8| u8::from(a == 0)));
    }
    Some(dispatch!(unsigned(dtype), T in [u8, u16, u32, u64, f16, f32, f64]
        => unary(|a: T| u8::from(a == T::default())), else return None))
}

macro_rules! bitwise {
    ($name:ident, $op:tt) => {
        fn $name(dtype: DType) -> Option<Loop> {
            let dtype = if dtype == DType::Bool { DType::U8 } else { unsigned(dtype) };
            Some(dispatch!(dtype, T in [u8, u16, u32, u64] => fast_binary(|a: T, b: T| a $op b),
                else return None))
        }
    };
}

bitwise!(bitwise_and, &);
bitwise!(bitwise_or, |);
bitwise!(bitwise_xor, ^);

fn invert(dtype: DType) -> Option<Loop> {
    if dtype == DType::Bool {
        return logical_not(dtype);
    }
    Some(dispatch!(unsigned(dtype), T in [u8, u16, u32, u64] => fast_unary(|a: T| !a),
        else return None))
}

/// Shifts by more bits than there are leave nothing; negative ones count as such.
fn left_shift(dtype: DType) -> Option<Loop> {
    Some(dispatch!(unsigned(dtype), T in [u8, u16, u32, u64]
        => binary(|a: T, b: T| if b < T::BITS as T { a << b } else { 0 }), else return None))
}

/// As for [`left_shift`], but negative numbers leave -1.
fn right_shift(dtype: DType) -> Option<Loop> {
    Some(dispatch!(dtype, T in [u8, u16, u32, u64]
        => binary(|a: T, b: T| if b < T::BITS as T { a >> b } else { 0 }),
        else dispatch!(dtype, T in [i8, i16, i32, i64] => binary(|a: T, b: T| {
            let most = T::BITS as T - 1;
            a >> if (0..most).contains(&b) { b } else { most }
        }), else return None)))
}

/// The bits of the absolute value.
fn bitwise_count(dtype: DType) -> Option<Loop> {
    Some(dispatch!(dtype, T in [u8, u16, u32, u64] => unary(|a: T| a.count_ones() as u8),
        else dispatch!(dtype, T in [i8, i16, i32, i64]
            => unary(|a: T| a.unsigned_abs().count_ones() as u8), else return None)))
}
