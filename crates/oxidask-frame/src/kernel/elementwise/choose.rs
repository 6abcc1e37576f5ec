//! `where`, `mask` and `clip`: one of two values for each row.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, StringViewArray};
use arrow_buffer::{BooleanBuffer, NullBuffer};

use super::number::{self, Native, with_number};
use super::operand::{Operand, OperandType};
use super::{promote, times};
use crate::dtype::{DType, Number};
use crate::error::{FrameError, Result};
use crate::scalar::Scalar;

/// The dtype of a column of which some rows are replaced.
///
/// # Errors
/// [`FrameError::NoKernel`] where pandas makes objects of it, or where its dtype depends on the values.
pub fn where_dtype(dtype: &DType, other: OperandType<'_>) -> Result<DType> {
    let no_kernel =
        || Err(FrameError::NoKernel(format!("a column of {dtype} or {}", other.name())));
    let Some(other_dtype) = other.dtype() else {
        return match dtype {
            DType::Number(number) if !number.is_float() => Ok(DType::F64),
            DType::Bool => no_kernel(),
            _ => Ok(dtype.clone()),
        };
    };
    let scalar = match other {
        OperandType::Scalar(scalar) => Some(scalar),
        OperandType::Column(_) => None,
    };
    match (dtype, &other_dtype) {
        (DType::Category { .. }, _) => no_kernel(),
        _ if *dtype == other_dtype => Ok(dtype.clone()),
        (DType::Number(own), DType::Number(_)) if scalar.is_some_and(|it| holds(*own, it)) => {
            Ok(dtype.clone())
        }
        (DType::Number(own), DType::Number(Number::F64)) if scalar.is_some() && !own.is_float() => {
            Ok(DType::F64)
        }
        // pandas keeps the dtype of a column if all of its values turn out to fit.
        (DType::Number(own), DType::Number(number)) if promote::common(*own, *number) == *own => {
            Ok(dtype.clone())
        }
        (DType::NullableNumber(own), DType::Number(_))
            if scalar.is_some_and(|it| holds(*own, it)) =>
        {
            Ok(dtype.clone())
        }
        (DType::NullableBool, DType::Bool) => Ok(dtype.clone()),
        (DType::Datetime(own, a), DType::Datetime(unit, b))
            if a.is_some() == b.is_some() && unit <= own =>
        {
            Ok(dtype.clone())
        }
        (DType::Timedelta(own), DType::Timedelta(unit)) if unit <= own => Ok(dtype.clone()),
        _ => no_kernel(),
    }
}

/// Whether a column of numbers can hold a scalar without a change of dtype.
fn holds(number: Number, value: &Scalar) -> bool {
    match value {
        Scalar::Float(value) if !number.is_float() => {
            value.fract() == 0.0
                && value.abs() < 9e15
                && promote::fits(&Scalar::Int(*value as i64), number)
        }
        Scalar::Int(_) | Scalar::UInt(_) | Scalar::Float(_) => promote::fits(value, number),
        _ => false,
    }
}

/// The column's value where `condition` holds, and `other`'s elsewhere: `where`; negate it for `mask`. A condition
/// that is null doesn't hold.
///
/// # Errors
/// As [`where_dtype`].
pub fn choose(
    condition: &BooleanArray,
    array: &ArrayRef,
    dtype: &DType,
    other: Operand<'_>,
) -> Result<ArrayRef> {
    let result = where_dtype(dtype, other.kind())?;
    let n_rows = array.len();
    other.check_rows(n_rows)?;
    Operand::Column(array, dtype).check_rows(condition.len())?;
    let bits = match condition.nulls() {
        Some(known) => condition.values() & known.inner(),
        None => condition.values().clone(),
    };
    let own = Operand::Column(array, dtype);
    let nulls = chosen_nulls(&bits, own.nulls(n_rows), other.nulls(n_rows));
    match &result {
        DType::Number(number) | DType::NullableNumber(number) => with_number!(*number, T => {
            let (a, b) = (own.numbers::<T>(), other.numbers::<T>());
            let values = bits.iter().enumerate().map(|(row, own)| {
                if own { a.at(row) } else { b.at(row) }
            });
            let nulls = nulls.filter(|_| matches!(result, DType::NullableNumber(_)));
            Ok(number::array(values.collect(), nulls))
        }),
        DType::Bool | DType::NullableBool => {
            let values = array.as_boolean().values();
            let other = match other {
                Operand::Column(other, _) => other.as_boolean().values().clone(),
                Operand::Scalar(Scalar::Bool(true)) => BooleanBuffer::new_set(n_rows),
                Operand::Scalar(_) => BooleanBuffer::new_unset(n_rows),
            };
            let chosen = &(values & &bits) | &(&other & &!&bits);
            Ok(Arc::new(BooleanArray::new(chosen, nulls)))
        }
        DType::Str => {
            let words = array.as_string_view();
            let word = |row: usize| words.is_valid(row).then(|| words.value(row));
            let chosen: StringViewArray = match other {
                Operand::Column(other, _) => {
                    let other = other.as_string_view();
                    let other = |row: usize| other.is_valid(row).then(|| other.value(row));
                    bits.iter()
                        .enumerate()
                        .map(|(row, own)| if own { word(row) } else { other(row) })
                        .collect()
                }
                Operand::Scalar(Scalar::Str(text)) => bits
                    .iter()
                    .enumerate()
                    .map(|(row, own)| if own { word(row) } else { Some(&**text) })
                    .collect(),
                Operand::Scalar(_) => {
                    bits.iter().enumerate().map(|(row, own)| word(row).filter(|_| own)).collect()
                }
            };
            Ok(Arc::new(chosen))
        }
        DType::Datetime(unit, _) | DType::Timedelta(unit) => {
            let Some((a, _)) = own.times() else {
                return Err(FrameError::no_kernel("where", dtype));
            };
            let b = match other.times() {
                Some((b, b_unit)) => times::scaled(b, b_unit, *unit, nulls.as_ref())?,
                None => super::operand::Values::One(0),
            };
            let values = bits.iter().enumerate();
            let values = values.map(|(row, own)| if own { a.at(row) } else { b.at(row) });
            Ok(times::of_ticks(values.collect(), nulls, &result))
        }
        DType::Category { .. } => Err(FrameError::no_kernel("where", dtype)),
    }
}

fn chosen_nulls(
    bits: &BooleanBuffer,
    own: Option<NullBuffer>,
    other: Option<NullBuffer>,
) -> Option<NullBuffer> {
    if own.is_none() && other.is_none() {
        return None;
    }
    let all = || BooleanBuffer::new_set(bits.len());
    let own = own.map_or_else(all, NullBuffer::into_inner);
    let other = other.map_or_else(all, NullBuffer::into_inner);
    Some(NullBuffer::new(&(&own & bits) | &(&other & &!bits)))
}

/// The dtype of a column of numbers held within scalar bounds.
///
/// # Errors
/// [`FrameError::NoKernel`] for anything but numbers, and for bounds that pandas widens integers for.
pub fn clip_dtype(dtype: &DType, lower: Option<&Scalar>, upper: Option<&Scalar>) -> Result<DType> {
    let no_kernel = || Err(FrameError::no_kernel("clip", dtype));
    let Some(number) = dtype.number() else { return no_kernel() };
    let fits = |bound: &Scalar| *bound == Scalar::Missing || holds(number, bound);
    if lower.into_iter().chain(upper).all(fits) { Ok(dtype.clone()) } else { no_kernel() }
}

/// Numbers within bounds; missing ones stay, and a missing bound is none.
///
/// # Errors
/// As [`clip_dtype`].
pub fn clip(
    array: &ArrayRef,
    dtype: &DType,
    lower: Option<&Scalar>,
    upper: Option<&Scalar>,
) -> Result<ArrayRef> {
    clip_dtype(dtype, lower, upper)?;
    let Some(number) = dtype.number() else { return Err(FrameError::no_kernel("clip", dtype)) };
    let given = |bound: Option<&Scalar>| bound.filter(|bound| **bound != Scalar::Missing).cloned();
    let (lower, upper) = (given(lower), given(upper));
    with_number!(number, T => {
        let bound = |value: &Scalar| Operand::Scalar(value).numbers::<T>().at(0);
        let (low, high) = (lower.as_ref().map(bound), upper.as_ref().map(bound));
        let values = Operand::Column(array, dtype).numbers::<T>();
        let values = (0..array.len()).map(|row| within(values.at(row), low, high));
        Ok(number::array(values.collect(), array.logical_nulls()))
    })
}

fn within<T: Native>(value: T, low: Option<T>, high: Option<T>) -> T {
    let value = match low {
        Some(low) if value < low => low,
        _ => value,
    };
    match high {
        Some(high) if value > high => high,
        _ => value,
    }
}
