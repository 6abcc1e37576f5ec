//! Operators and functions of one column.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray};
use arrow_buffer::{BooleanBuffer, ScalarBuffer};

use super::number::{Native, with_number};
use super::operand::{numbers_as, ticks};
use super::{Unary, arithmetic, compare, times, unary_dtype};
use crate::dtype::DType;
use crate::error::{FrameError, Result};
use crate::kernel::column;

/// The function of each value.
///
/// # Errors
/// As [`unary_dtype`].
pub fn unary(op: Unary, array: &ArrayRef, dtype: &DType) -> Result<ArrayRef> {
    let result = unary_dtype(op, dtype)?;
    match op {
        Unary::IsNa | Unary::NotNa => return Ok(Arc::new(known(array, op == Unary::NotNa))),
        Unary::Pos => return Ok(array.clone()),
        _ => {}
    }
    if let DType::Timedelta(_) = dtype {
        let values = ticks(array);
        let values: ScalarBuffer<i64> = match op {
            Unary::Neg => values.iter().map(|value| value.wrapping_neg()).collect(),
            _ => values.iter().map(|value| value.wrapping_abs()).collect(),
        };
        return Ok(times::of_ticks(values, array.logical_nulls(), dtype));
    }
    if let DType::Bool | DType::NullableBool = dtype {
        let bits = array.as_boolean();
        return Ok(match op {
            Unary::Neg | Unary::Not => {
                Arc::new(BooleanArray::new(!bits.values(), bits.nulls().cloned()))
            }
            _ => array.clone(),
        });
    }
    let Some(number) = result.number() else { return tests(op, array, dtype) };
    let nullable = matches!(result, DType::NullableNumber(_));
    with_number!(number, T => {
        let values = numbers_as::<T>(array);
        Ok(arithmetic::finished(mapped::<T>(op, &values)?, array.logical_nulls(), nullable))
    })
}

/// Which rows have a value, or which lack one.
fn known(array: &ArrayRef, wanted: bool) -> BooleanArray {
    let bits = match column::present(array) {
        Some(present) if wanted => present.into_inner(),
        Some(present) => !present.inner(),
        None if wanted => BooleanBuffer::new_set(array.len()),
        None => BooleanBuffer::new_unset(array.len()),
    };
    BooleanArray::new(bits, None)
}

fn tests(op: Unary, array: &ArrayRef, dtype: &DType) -> Result<ArrayRef> {
    let Some(number) = dtype.number() else {
        return Err(FrameError::no_kernel("tests", dtype));
    };
    let bits = with_number!(number, T => {
        let values = numbers_as::<T>(array);
        match op {
            Unary::IsFinite => compare::pack_each(&values, |value: T| value.to_f64().is_finite()),
            Unary::IsInf => compare::pack_each(&values, |value: T| value.to_f64().is_infinite()),
            _ => compare::pack_each(&values, |value: T| value.is_nan()),
        }
    });
    Ok(Arc::new(BooleanArray::new(bits, None)))
}

fn mapped<T: Native>(op: Unary, values: &ScalarBuffer<T>) -> Result<ScalarBuffer<T>> {
    let each = |f: fn(T) -> T| Ok(values.iter().map(|value| f(*value)).collect());
    let of_float = |f: fn(f64) -> f64| -> Result<ScalarBuffer<T>> {
        Ok(values.iter().map(|value| T::of_f64(f(value.to_f64()))).collect())
    };
    let whole = matches!(op, Unary::Floor | Unary::Ceil | Unary::Trunc | Unary::Rint);
    if !T::IS_FLOAT && (whole || matches!(op, Unary::Round(_))) {
        return Ok(values.clone());
    }
    match op {
        Unary::Neg => Ok(values.iter().map(|value| value.neg()).collect()),
        Unary::Abs => Ok(values.iter().map(|value| value.abs()).collect()),
        Unary::Square => Ok(values.iter().map(|value| value.mul(*value)).collect()),
        Unary::Not => each(|value| T::ZERO.sub(value).sub(T::ONE)),
        Unary::Sign => each(|value| {
            if value > T::ZERO {
                T::ONE
            } else if value < T::ZERO {
                T::ZERO.sub(T::ONE)
            } else {
                value
            }
        }),
        Unary::Round(decimals) => Ok(values.iter().map(|value| value.round_to(decimals)).collect()),
        _ => match function(op) {
            Some(f) => of_float(f),
            None => Err(FrameError::NoKernel(format!("{op:?}"))),
        },
    }
}

/// The mathematical function, in double precision.
fn function(op: Unary) -> Option<fn(f64) -> f64> {
    Some(match op {
        Unary::Floor => f64::floor,
        Unary::Ceil => f64::ceil,
        Unary::Trunc => f64::trunc,
        Unary::Rint => f64::round_ties_even,
        Unary::Sqrt => f64::sqrt,
        Unary::Cbrt => f64::cbrt,
        Unary::Exp => f64::exp,
        Unary::Exp2 => f64::exp2,
        Unary::Expm1 => f64::exp_m1,
        Unary::Log => f64::ln,
        Unary::Log2 => f64::log2,
        Unary::Log10 => f64::log10,
        Unary::Log1p => f64::ln_1p,
        Unary::Sin => f64::sin,
        Unary::Cos => f64::cos,
        Unary::Tan => f64::tan,
        Unary::Asin => f64::asin,
        Unary::Acos => f64::acos,
        Unary::Atan => f64::atan,
        Unary::Sinh => f64::sinh,
        Unary::Cosh => f64::cosh,
        Unary::Tanh => f64::tanh,
        Unary::Asinh => f64::asinh,
        Unary::Acosh => f64::acosh,
        Unary::Atanh => f64::atanh,
        Unary::Degrees => f64::to_degrees,
        Unary::Radians => f64::to_radians,
        _ => return None,
    })
}
