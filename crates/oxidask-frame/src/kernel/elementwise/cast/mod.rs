//! `astype`: columns as another dtype.
//!
//! Numbers turn into one another as in C, missing values into what the new dtype has for them; what can't be
//! held is the error that pandas raises.

mod category;
mod numbers;
mod text;

use arrow_array::{Array, ArrayRef, Int64Array};
use arrow_buffer::ScalarBuffer;

use super::operand::{Values, numbers_as, ticks};
use super::times;
use crate::dtype::{DType, Number, Unit};
use crate::error::{FrameError, Result};

/// Whether a column of `from` can be cast to `to` at all.
///
/// # Errors
/// [`FrameError::Type`] where pandas refuses whatever the values, [`FrameError::NoKernel`] where it must do it.
pub fn cast_dtype(from: &DType, to: &DType) -> Result<()> {
    use DType::{Bool, Category, Datetime, NullableBool, NullableNumber, Str, Timedelta};
    let refused = || Err(FrameError::Type(format!("a column of {from} can't be cast to {to}")));
    match (from, to) {
        _ if from == to => Ok(()),
        (Category { values, .. }, Category { values: to, .. }) => cast_dtype(values, to),
        (Category { values, .. }, _) => cast_dtype(values, to),
        (_, Category { values, ordered: false }) => cast_dtype(from, values),
        (
            Bool | NullableBool | DType::Number(_) | NullableNumber(_),
            Bool | NullableBool | DType::Number(_) | NullableNumber(_),
        ) => Ok(()),
        (DType::Number(Number::F32) | NullableNumber(Number::F32), Str) => {
            Err(FrameError::NoKernel("text of float32".into()))
        }
        (Bool | NullableBool | DType::Number(_) | NullableNumber(_), Str) => Ok(()),
        (Str, DType::Number(_) | NullableNumber(_) | Datetime(_, None)) => Ok(()),
        (Datetime(_, a), Datetime(_, b)) if a.is_some() == b.is_some() => Ok(()),
        (Datetime(..), Datetime(..)) => refused(),
        (Timedelta(_), Timedelta(_)) => Ok(()),
        (Datetime(..) | Timedelta(_), DType::Number(Number::I64)) => Ok(()),
        (Datetime(..), Timedelta(_)) | (Timedelta(_), Datetime(..)) => refused(),
        (Datetime(..) | Timedelta(_), DType::Number(_)) => refused(),
        (DType::Number(number), Datetime(_, None) | Timedelta(_)) if !number.is_float() => Ok(()),
        _ => Err(FrameError::NoKernel(format!("a cast of {from} to {to}"))),
    }
}

/// A column as another dtype. To categories: those are the values there are, sorted.
///
/// # Errors
/// As [`cast_dtype`]; [`FrameError::Value`] and [`FrameError::Type`] for values that the dtype can't hold.
pub fn cast(array: &ArrayRef, from: &DType, to: &DType) -> Result<ArrayRef> {
    cast_dtype(from, to)?;
    match (from, to) {
        _ if from == to => Ok(array.clone()),
        (DType::Category { values, .. }, DType::Category { values: wanted, .. })
            if values == wanted =>
        {
            Ok(array.clone())
        }
        (DType::Category { values, .. }, _) => cast(&category::decoded(array)?, values, to),
        (_, DType::Category { values, .. }) => {
            category::encoded(&cast(array, from, values)?, values)
        }
        (DType::Str, DType::Datetime(unit, None)) => text::to_datetime(array, *unit),
        (DType::Str, _) => text::to_numbers(array, to),
        (_, DType::Str) => text::of_numbers(array, from),
        (
            DType::Datetime(from, _) | DType::Timedelta(from),
            DType::Datetime(unit, _) | DType::Timedelta(unit),
        ) => to_unit(array, *from, *unit, to),
        (DType::Datetime(..) | DType::Timedelta(_), _) => Ok(counts(array)),
        (_, DType::Datetime(..) | DType::Timedelta(_)) => {
            Ok(times::of_ticks(numbers_as::<i64>(array), None, to))
        }
        _ => numbers::cast(array, from, to),
    }
}

/// Times in another unit: rounded down where it is coarser.
pub(in crate::kernel) fn to_unit(
    array: &ArrayRef,
    from: Unit,
    unit: Unit,
    to: &DType,
) -> Result<ArrayRef> {
    let nulls = array.logical_nulls();
    let values = if unit < from {
        let divisor = from.per_second() / unit.per_second();
        ticks(array).iter().map(|value| value.div_euclid(divisor)).collect()
    } else {
        match times::scaled(Values::Many(ticks(array)), from, unit, nulls.as_ref())? {
            Values::Many(values) => values,
            Values::One(value) => vec![value; array.len()].into(),
        }
    };
    Ok(times::of_ticks(values, nulls, to))
}

/// Times as integers: `NaT` is the smallest.
fn counts(array: &ArrayRef) -> ArrayRef {
    let values = ticks(array);
    let values: ScalarBuffer<i64> = match array.nulls() {
        None => values,
        Some(nulls) => {
            let known = nulls.iter().zip(&values);
            known.map(|(known, value)| if known { *value } else { i64::MIN }).collect()
        }
    };
    std::sync::Arc::new(Int64Array::new(values, None))
}
