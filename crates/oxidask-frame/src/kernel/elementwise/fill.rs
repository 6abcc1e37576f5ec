//! `fillna`: values where there are none.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, StringViewArray};
use arrow_buffer::{BooleanBuffer, NullBuffer, ScalarBuffer};

use super::number::{self, Native, with_number};
use super::operand::{Operand, OperandType, Values};
use super::times;
use crate::dtype::{DType, Unit};
use crate::error::{FrameError, Result};
use crate::kernel::column;
use crate::scalar::Scalar;

/// The dtype of a column whose missing values are filled.
///
/// # Errors
/// [`FrameError::Type`] for values that a nullable column can't hold, [`FrameError::NoKernel`] where pandas makes
/// objects of it.
pub fn fillna_dtype(dtype: &DType, value: OperandType<'_>) -> Result<DType> {
    if !dtype.can_miss() {
        return Ok(dtype.clone());
    }
    let no_kernel =
        || Err(FrameError::NoKernel(format!("missing values of {dtype} as {}", value.name())));
    let Some(other) = value.dtype() else { return Ok(dtype.clone()) };
    let scalar = match value {
        OperandType::Scalar(scalar) => Some(scalar),
        OperandType::Column(_) => None,
    };
    match (dtype, &other) {
        (DType::Number(own), DType::Number(number)) => match scalar {
            Some(_) => Ok(dtype.clone()),
            None => Ok(DType::Number(super::promote::common(*own, *number))),
        },
        (DType::NullableNumber(own), DType::Number(number) | DType::NullableNumber(number)) => {
            let whole = matches!(scalar, Some(Scalar::Float(value)) if value.fract() == 0.0);
            let exact = own.is_float() || !number.is_float() || whole;
            let fits = scalar.is_none_or(|scalar| super::promote::fits(scalar, *own));
            let same = scalar.is_some() || own == number;
            if exact && fits && same { Ok(dtype.clone()) } else { no_kernel() }
        }
        (DType::NullableBool, DType::Bool | DType::NullableBool) | (DType::Str, DType::Str) => {
            Ok(dtype.clone())
        }
        (DType::Datetime(own, a), DType::Datetime(unit, b)) if a.is_some() == b.is_some() => {
            finer(*own, *unit, scalar).map(|unit| DType::Datetime(unit, a.clone()))
        }
        (DType::Timedelta(own), DType::Timedelta(unit)) => {
            finer(*own, *unit, scalar).map(DType::Timedelta)
        }
        (DType::Category { values, .. }, _) if **values == other && scalar.is_some() => {
            Ok(dtype.clone())
        }
        _ => no_kernel(),
    }
}

/// The unit of filled times: the column's, if it can hold the value.
fn finer(own: Unit, unit: Unit, scalar: Option<&Scalar>) -> Result<Unit> {
    if unit <= own {
        return Ok(own);
    }
    match scalar {
        Some(Scalar::Datetime(value, ..) | Scalar::Timedelta(value, _))
            if value % (unit.per_second() / own.per_second()) == 0 =>
        {
            Ok(own)
        }
        Some(_) => Ok(unit),
        None => Err(FrameError::NoKernel("times of several units".into())),
    }
}

/// A column with its missing values taken from a scalar, or from another column of as many rows.
///
/// # Errors
/// As [`fillna_dtype`]; [`FrameError::Type`] for a value that is none of the categories.
pub fn fillna(array: &ArrayRef, dtype: &DType, value: Operand<'_>) -> Result<ArrayRef> {
    let result = fillna_dtype(dtype, value.kind())?;
    value.check_rows(array.len())?;
    let known = match column::present(array) {
        Some(known) if !value.is_missing() => known,
        _ if result == *dtype => return Ok(array.clone()),
        _ => NullBuffer::new_valid(array.len()),
    };
    let own = Operand::Column(array, dtype);
    let still = value.present(array.len());
    let nulls = still.map(|still| NullBuffer::new(known.inner() | still.inner()));
    match &result {
        DType::Number(n) => with_number!(*n, T => {
            Ok(number::array(merged(&own.numbers::<T>(), &value.numbers::<T>(), &known), None))
        }),
        DType::NullableNumber(n) => with_number!(*n, T => {
            let filled = merged(&own.numbers::<T>(), &value.numbers::<T>(), &known);
            Ok(number::array(filled, nulls))
        }),
        DType::NullableBool => {
            let bits = array.as_boolean().values();
            let other = match value {
                Operand::Column(other, _) => other.as_boolean().values().clone(),
                Operand::Scalar(Scalar::Bool(true)) => BooleanBuffer::new_set(array.len()),
                Operand::Scalar(_) => BooleanBuffer::new_unset(array.len()),
            };
            let chosen = &(bits & known.inner()) | &(&other & &!known.inner());
            Ok(Arc::new(BooleanArray::new(chosen, nulls)))
        }
        DType::Str => words(array, value, &known),
        DType::Datetime(unit, _) | DType::Timedelta(unit) => {
            let (Some((own, own_unit)), Some((other, other_unit))) = (own.times(), value.times())
            else {
                return Err(FrameError::no_kernel("fillna", dtype));
            };
            let own = times::scaled(own, own_unit, *unit, Some(&known))?;
            let other = times::converted(other, other_unit, *unit)?;
            Ok(times::of_ticks(merged(&own, &other, &known), nulls, &result))
        }
        _ => Err(FrameError::no_kernel("fillna", dtype)),
    }
}

fn merged<T: Native>(own: &Values<T>, other: &Values<T>, known: &NullBuffer) -> ScalarBuffer<T> {
    let choose = |row: usize, known: bool| if known { own.at(row) } else { other.at(row) };
    known.iter().enumerate().map(|(row, known)| choose(row, known)).collect()
}

fn words(array: &ArrayRef, value: Operand<'_>, known: &NullBuffer) -> Result<ArrayRef> {
    let own = array.as_string_view();
    let filled: StringViewArray = match value {
        Operand::Scalar(Scalar::Str(text)) => {
            own.iter().map(|word| Some(word.unwrap_or(text))).collect()
        }
        Operand::Column(other, _) => {
            let other = other.as_string_view();
            let other = |row: usize| other.is_valid(row).then(|| other.value(row));
            let rows = known.iter().enumerate();
            rows.map(|(row, known)| if known { Some(own.value(row)) } else { other(row) }).collect()
        }
        Operand::Scalar(_) => return Err(FrameError::no_kernel("fillna", &DType::Str)),
    };
    Ok(Arc::new(filled))
}
