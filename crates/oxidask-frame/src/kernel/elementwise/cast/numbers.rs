//! Casts among numbers and truth values, nullable and not.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, BooleanArray};
use arrow_buffer::{NullBuffer, ScalarBuffer};
use arrow_schema::DataType;

use super::super::compare::pack_each;
use super::super::number::{self, Native, with_number};
use super::super::operand::numbers_as;
use crate::dtype::{DType, Number};
use crate::error::{FrameError, Result};
use crate::kernel::column;

pub(super) fn cast(array: &ArrayRef, from: &DType, to: &DType) -> Result<ArrayRef> {
    let from_nullable = matches!(from, DType::NullableNumber(_) | DType::NullableBool);
    let to_nullable = matches!(to, DType::NullableNumber(_) | DType::NullableBool);
    let known = if from_nullable || to_nullable { column::present(array) } else { None };
    match to {
        DType::Bool | DType::NullableBool => {
            if known.is_some() && !to_nullable {
                return Err(FrameError::Value("cannot convert float NaN to bool".into()));
            }
            truth(array, from, known, to_nullable)
        }
        _ => {
            let Some(number) = to.number() else {
                return Err(FrameError::NoKernel(format!("a cast of {from} to {to}")));
            };
            if known.is_some() && !to_nullable && !number.is_float() {
                return Err(FrameError::Value("cannot convert NA to integer".into()));
            }
            check(array, from, to, number, known.as_ref())?;
            with_number!(number, T => Ok(finished(numbers_as::<T>(array), known, to_nullable)))
        }
    }
}

fn finished<T: Native>(
    values: ScalarBuffer<T>,
    known: Option<NullBuffer>,
    nullable: bool,
) -> ArrayRef {
    let array = number::array(values, known);
    if nullable { array } else { column::nulls_as_nan(array) }
}

fn truth(
    array: &ArrayRef,
    from: &DType,
    known: Option<NullBuffer>,
    nullable: bool,
) -> Result<ArrayRef> {
    let bits = match from.number() {
        None => array.as_boolean().values().clone(),
        Some(number) => with_number!(number, T => {
            let values = numbers_as::<T>(array);
            let odd = |value: &T| *value != T::ZERO && *value != T::ONE && !value.is_nan();
            if nullable && values.iter().any(odd) {
                return Err(FrameError::Type("Need to pass bool-like values".into()));
            }
            pack_each(&values, |value: T| value != T::ZERO)
        }),
    };
    Ok(Arc::new(BooleanArray::new(bits, known)))
}

/// Refuses values that the integers of `number` can't hold.
fn check(
    array: &ArrayRef,
    from: &DType,
    to: &DType,
    number: Number,
    known: Option<&NullBuffer>,
) -> Result<()> {
    if number.is_float() || from.number().is_none() {
        return Ok(());
    }
    let nullable = matches!(to, DType::NullableNumber(_));
    let is_known = |row: usize| known.is_none_or(|known| known.is_valid(row));
    if !from.is_float() {
        // Among NumPy's, and among nullable ones, integers wrap; from one to the other they may not.
        if !nullable || matches!(from, DType::NullableNumber(_)) {
            return Ok(());
        }
        let fits = from.number().is_some_and(|own| {
            with_number!(own, F => with_number!(number, T => {
                numbers_as::<F>(array).iter().all(|value| fits_integer::<F, T>(*value))
            }))
        });
        return if fits { Ok(()) } else { Err(unequal(from, to)) };
    }
    let values = numbers_as::<f64>(array);
    let bits = 8 * number.size() as i32;
    let (low, high) = if number.is_unsigned() {
        (0.0, 2_f64.powi(bits))
    } else {
        (-(2_f64.powi(bits - 1)), 2_f64.powi(bits - 1))
    };
    for (row, value) in values.iter().enumerate().filter(|(row, _)| is_known(*row)) {
        if nullable && value.fract() != 0.0 {
            return Err(unequal(from, to));
        }
        if !value.is_finite() {
            return Err(FrameError::Value(format!(
                "Cannot convert non-finite values (NA or inf) to integer: row {row} is {value}. Fill or drop such \
                 values, or cast to Int64"
            )));
        }
        if number.is_unsigned() && *value < 0.0 {
            return Err(FrameError::Value(format!("Cannot losslessly cast from {from} to {to}")));
        }
        let whole = value.trunc();
        if whole < low || whole >= high {
            return Err(FrameError::NoKernel(format!("a cast of {value} to {to}")));
        }
    }
    Ok(())
}

fn fits_integer<F: Native, T: Native>(value: F) -> bool {
    let wide = |data_type: &DataType, value: i64| {
        if *data_type == DataType::UInt64 { i128::from(value as u64) } else { i128::from(value) }
    };
    let bits = value.to_i64_wrapping();
    let there = T::of_i64(bits);
    wide(&F::DATA_TYPE, bits) == wide(&T::DATA_TYPE, there.to_i64_wrapping())
}

fn unequal(from: &DType, to: &DType) -> FrameError {
    FrameError::Type(format!("cannot safely cast non-equivalent {from} to {to}"))
}
