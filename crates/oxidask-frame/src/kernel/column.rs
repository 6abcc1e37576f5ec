//! One column: what is missing in it, and how columns are put together.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int32Type};
use arrow_array::{
    Array, ArrayRef, ArrowPrimitiveType, BooleanArray, DictionaryArray, Int32Array, PrimitiveArray,
    UInt32Array, new_empty_array,
};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use arrow_schema::DataType;
use arrow_select::{concat, take};

use super::elementwise::relabelled;
use crate::dtype::DType;
use crate::error::{FrameError, Result};
use crate::scalar::Scalar;

/// The rows that have a value, as bits: those that are neither null nor NaN. None if all have.
#[must_use]
pub fn present(array: &dyn Array) -> Option<NullBuffer> {
    let nulls = array.logical_nulls();
    let not_nan = match array.data_type() {
        DataType::Float64 => {
            let values = array.as_primitive::<Float64Type>().values();
            Some(BooleanBuffer::collect_bool(values.len(), |i| !values[i].is_nan()))
        }
        DataType::Float32 => {
            let values = array.as_primitive::<Float32Type>().values();
            Some(BooleanBuffer::collect_bool(values.len(), |i| !values[i].is_nan()))
        }
        _ => None,
    };
    let not_nan = not_nan.map(NullBuffer::new).filter(|bits| bits.null_count() > 0);
    NullBuffer::union(nulls.as_ref(), not_nan.as_ref()).filter(|bits| bits.null_count() > 0)
}

/// Columns one after the other. Categories are united.
///
/// # Errors
/// [`FrameError::Value`] if there is none, or if types differ.
pub fn concat<'a>(columns: impl Iterator<Item = &'a ArrayRef>) -> Result<ArrayRef> {
    let columns: Vec<&dyn Array> = columns.map(|column| &**column).collect();
    match columns.first() {
        None => Err(FrameError::Value("no columns to concatenate".into())),
        Some(first) if columns.iter().all(|column| column.is_empty()) => match first.data_type() {
            // Categories are kept, though no row has any.
            DataType::Dictionary(_, _) => concat_categories(&columns),
            dtype => Ok(new_empty_array(dtype)),
        },
        Some(_) => {
            let full: Vec<&dyn Array> =
                columns.into_iter().filter(|column| !column.is_empty()).collect();
            match full[0].data_type() {
                DataType::Dictionary(_, _) => concat_categories(&full),
                _ => Ok(concat::concat(&full)?),
            }
        }
    }
}

/// Columns of categories one after the other, over all categories in the order in which they come.
fn concat_categories(columns: &[&dyn Array]) -> Result<ArrayRef> {
    let parts: Vec<_> = columns.iter().map(|column| column.as_dictionary::<Int32Type>()).collect();
    let values = |at: usize| parts[at].values();
    let keys: Vec<&dyn Array> = parts.iter().map(|part| part.keys() as &dyn Array).collect();
    let keys = concat::concat(&keys)?;
    let keys = keys.as_primitive::<Int32Type>();
    let is_same = |at: usize| Arc::ptr_eq(values(at), values(0)) || values(at) == values(0);
    if (1..parts.len()).all(is_same) {
        return Ok(Arc::new(DictionaryArray::try_new(keys.clone(), values(0).clone())?));
    }
    let all = concat((0..parts.len()).map(values))?;
    let groups = super::group::group(std::slice::from_ref(&all), false)?;
    let numbers = groups.ids().unwrap_or_default();
    let (mut united, mut before) = (Vec::with_capacity(keys.len()), 0);
    for part in &parts {
        let number = |key: i32| numbers[before + key as usize] as i32;
        united.extend(part.keys().iter().map(|key| key.map(number)));
        before += part.values().len();
    }
    let values = take(&all, &groups.positions())?;
    Ok(Arc::new(DictionaryArray::try_new(Int32Array::from(united), values)?))
}

/// The values at these positions, in this order. Null positions give missing values: NaN among floating
/// point numbers, null among others.
///
/// # Errors
/// [`FrameError::Value`] if the result is larger than an array can be.
///
/// # Panics
/// If a position is outside.
pub fn take(column: &dyn Array, positions: &UInt32Array) -> Result<ArrayRef> {
    if positions.is_empty() {
        return Ok(column.slice(0, 0)); // With its categories.
    }
    let taken = take::take(column, positions, None)?;
    Ok(if positions.null_count() > 0 { nulls_as_nan(taken) } else { taken })
}

/// Floating point numbers with NaN where they were null; other columns as they are.
#[must_use]
pub fn nulls_as_nan(column: ArrayRef) -> ArrayRef {
    fn filled<T: ArrowPrimitiveType>(column: &ArrayRef, nan: T::Native) -> ArrayRef {
        let values = column.as_primitive::<T>().iter().map(|value| value.unwrap_or(nan));
        Arc::new(PrimitiveArray::<T>::from_iter_values(values))
    }
    match column.data_type() {
        _ if column.null_count() == 0 => column,
        DataType::Float64 => filled::<Float64Type>(&column, f64::NAN),
        DataType::Float32 => filled::<Float32Type>(&column, f32::NAN),
        _ => column,
    }
}

/// A column of one value; of a missing one it is NaN.
#[must_use]
pub fn repeated(value: &Scalar, n_rows: usize) -> ArrayRef {
    let ticks = |ticks: i64, dtype: &DType| {
        let ticks = arrow_array::Int64Array::from_value(ticks, n_rows);
        relabelled(&(Arc::new(ticks) as ArrayRef), dtype)
    };
    match (value, value.dtype()) {
        (Scalar::Bool(value), _) => Arc::new(BooleanArray::from(vec![*value; n_rows])),
        (Scalar::Int(value), _) => Arc::new(arrow_array::Int64Array::from_value(*value, n_rows)),
        (Scalar::UInt(value), _) => Arc::new(arrow_array::UInt64Array::from_value(*value, n_rows)),
        (Scalar::Float(value), _) => {
            Arc::new(arrow_array::Float64Array::from_value(*value, n_rows))
        }
        (Scalar::Str(value), _) => {
            let mut built = arrow_array::builder::StringViewBuilder::with_capacity(n_rows)
                .with_deduplicate_strings();
            (0..n_rows).for_each(|_| built.append_value(value));
            Arc::new(built.finish())
        }
        (Scalar::Datetime(value, ..) | Scalar::Timedelta(value, _), Some(dtype)) => {
            ticks(*value, &dtype)
        }
        _ => all_missing(&DataType::Float64, n_rows),
    }
}

/// A column of nothing but missing values.
#[must_use]
pub fn all_missing(data_type: &DataType, n_rows: usize) -> ArrayRef {
    match data_type {
        DataType::Float64 => Arc::new(arrow_array::Float64Array::from_value(f64::NAN, n_rows)),
        DataType::Float32 => Arc::new(arrow_array::Float32Array::from_value(f32::NAN, n_rows)),
        other => arrow_array::new_null_array(other, n_rows),
    }
}
