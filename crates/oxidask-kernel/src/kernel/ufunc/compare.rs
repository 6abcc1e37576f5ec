//! Comparisons, and what chooses by them: maxima, minima, clipping.
//!
//! Complex numbers compare by their real parts, then by their imaginary parts.

use std::convert::identity;

use half::f16;

use super::Ufunc;
use super::arith::unsigned;
use super::drive::{Loop, binary, fast_binary, fast_ternary, ternary};
use crate::dispatch;
use crate::dtype::DType;

pub(super) fn find(ufunc: Ufunc, dtype: DType) -> Option<Loop> {
    // Booleans are bytes of 0 and 1.
    let dtype = if dtype == DType::Bool { DType::U8 } else { dtype };
    match ufunc {
        Ufunc::Equal => equal(dtype),
        Ufunc::NotEqual => not_equal(dtype),
        Ufunc::Less => less(dtype),
        Ufunc::LessEqual => less_equal(dtype),
        Ufunc::Greater => greater(dtype),
        Ufunc::GreaterEqual => greater_equal(dtype),
        Ufunc::Maximum => maximum(dtype),
        Ufunc::Minimum => minimum(dtype),
        Ufunc::Fmax => fmax(dtype),
        Ufunc::Fmin => fmin(dtype),
        Ufunc::Clip => clip(dtype),
        _ => None,
    }
}

macro_rules! comparison {
    ($name:ident, $map:expr, $op:tt) => {
        fn $name(dtype: DType) -> Option<Loop> {
            let dtype = $map(dtype);
            Some(dispatch!(dtype, T in [i8, u8, i16, u16, i32, u32, i64, u64, f32, f64]
                => fast_binary(|a: T, b: T| u8::from(a $op b)),
                else dispatch!(dtype, T in [f16] => binary(|a: T, b: T| u8::from(a $op b)),
                else return None)))
        }
    };
}

comparison!(equal, unsigned, ==);
comparison!(not_equal, unsigned, !=);
comparison!(less, identity, <);
comparison!(less_equal, identity, <=);
comparison!(greater, identity, >);
comparison!(greater_equal, identity, >=);

/// The greater (`$op` is `>`) or smaller one; a NaN among them wins, or loses. Of equal ones it is
/// the second, as processors do it, but NumPy's halves take the first.
macro_rules! extremum {
    ($name:ident, $int:ident, $op:tt, $half:tt, $nan:ident) => {
        fn $name(dtype: DType) -> Option<Loop> {
            Some(dispatch!(dtype, T in [i8, u8, i16, u16, i32, u32, i64, u64]
                => fast_binary(|a: T, b: T| a.$int(b)),
                else dispatch!(dtype, T in [f32, f64]
                    => fast_binary(|a: T, b: T| if a $op b || $nan!(a, b) { a } else { b }),
                else dispatch!(dtype, T in [f16]
                    => binary(|a: T, b: T| if a $half b || $nan!(a, b) { a } else { b }),
                else return None))))
        }
    };
}

macro_rules! wins {
    ($a:ident, $b:ident) => {
        $a.is_nan()
    };
}

macro_rules! loses {
    ($a:ident, $b:ident) => {
        $b.is_nan()
    };
}

extremum!(maximum, max, >, >=, wins);
extremum!(minimum, min, <, <=, wins);
extremum!(fmax, max, >, >=, loses);
extremum!(fmin, min, <, <=, loses);

/// `minimum(maximum(x, low), high)`, with NaNs wherever one comes in.
fn clip(dtype: DType) -> Option<Loop> {
    Some(dispatch!(dtype, T in [i8, u8, i16, u16, i32, u32, i64, u64]
        => fast_ternary(|x: T, low: T, high: T| x.max(low).min(high)),
        else dispatch!(dtype, T in [f32, f64] => fast_ternary(|x: T, low: T, high: T| {
            let x = if x > low || x.is_nan() { x } else { low };
            if x < high || x.is_nan() { x } else { high }
        }), else dispatch!(dtype, T in [f16] => ternary(|x: T, low: T, high: T| {
            let x = if x >= low || x.is_nan() { x } else { low };
            if x <= high || x.is_nan() { x } else { high }
        }), else return None))))
}
