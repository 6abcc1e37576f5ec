//! `isin`: whether values are among some.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, Float64Array, Int64Array, StringViewArray};
use arrow_buffer::BooleanBuffer;
use rustc_hash::FxHashSet;

use super::of_ticks;
use super::operand::numbers_as;
use crate::dtype::{DType, Number, Unit};
use crate::error::{FrameError, Result};
use crate::kernel::distinct;
use crate::scalar::Scalar;

/// What values are looked up as.
enum Lookup {
    Integers(Vec<i64>),
    Floats(Vec<f64>),
    Texts(Vec<Arc<str>>),
    Times(Vec<i64>),
}

fn lookup(dtype: &DType, values: &[Scalar]) -> Result<Lookup> {
    let no_kernel = || FrameError::no_kernel("isin", dtype);
    let integers = || {
        values.iter().map(|value| match value {
            Scalar::Int(value) => Some(*value),
            _ => None,
        })
    };
    match dtype {
        DType::Str => values
            .iter()
            .map(|value| match value {
                Scalar::Str(text) => Some(text.clone()),
                _ => None,
            })
            .collect::<Option<Vec<_>>>()
            .map(Lookup::Texts)
            .ok_or_else(no_kernel),
        DType::Number(Number::F64) => values
            .iter()
            .map(|value| match value {
                Scalar::Int(value) if value.unsigned_abs() < 1 << 53 => Some(*value as f64),
                Scalar::Float(value) => Some(*value),
                _ => None,
            })
            .collect::<Option<Vec<_>>>()
            .map(Lookup::Floats)
            .ok_or_else(no_kernel),
        DType::Number(
            Number::I8
            | Number::I16
            | Number::I32
            | Number::I64
            | Number::U8
            | Number::U16
            | Number::U32,
        ) => integers().collect::<Option<Vec<_>>>().map(Lookup::Integers).ok_or_else(no_kernel),
        DType::Datetime(unit, None) => values
            .iter()
            .map(|value| match value {
                Scalar::Datetime(value, from, None) => Some((*value, *from)),
                _ => None,
            })
            .collect::<Option<Vec<_>>>()
            // A time between two ticks of the column is none of its values.
            .map(|times| {
                times.iter().filter_map(|&(time, from)| rescaled(time, from, *unit)).collect()
            })
            .map(Lookup::Times)
            .ok_or_else(no_kernel),
        _ => Err(no_kernel()),
    }
}

/// A time in another unit, if it has one there.
fn rescaled(time: i64, from: Unit, to: Unit) -> Option<i64> {
    let (from, to) = (from.per_second(), to.per_second());
    let scaled = i128::from(time) * i128::from(to);
    let exact = scaled % i128::from(from) == 0;
    exact.then(|| i64::try_from(scaled / i128::from(from)).ok()).flatten()
}

/// The dtype of the answer: truth values.
///
/// # Errors
/// [`FrameError::NoKernel`] for columns, or values, that are looked up otherwise.
pub fn is_in_dtype(dtype: &DType, values: &[Scalar]) -> Result<DType> {
    lookup(dtype, values).map(|_| DType::Bool)
}

/// Whether each value is among `values`; for missing ones the answer is `missing`.
///
/// # Errors
/// As [`is_in_dtype`].
pub fn is_in(
    array: &ArrayRef,
    dtype: &DType,
    values: &[Scalar],
    missing: bool,
) -> Result<ArrayRef> {
    let found = match lookup(dtype, values)? {
        Lookup::Texts(texts) => {
            let texts: FxHashSet<&str> = texts.iter().map(|text| &**text).collect();
            let column: &StringViewArray = array.as_string_view();
            BooleanBuffer::collect_bool(column.len(), |row| {
                column.is_valid(row) && texts.contains(column.value(row))
            })
        }
        Lookup::Floats(values) => {
            let values: ArrayRef = Arc::new(Float64Array::from(values));
            distinct::is_in(std::slice::from_ref(array), &[values])?.values().clone()
        }
        Lookup::Integers(values) => {
            let column: ArrayRef = Arc::new(Int64Array::new(numbers_as(array), None));
            let values: ArrayRef = Arc::new(Int64Array::from(values));
            distinct::is_in(&[column], &[values])?.values().clone()
        }
        Lookup::Times(values) => {
            let values = of_ticks(values.into(), None, dtype);
            distinct::is_in(std::slice::from_ref(array), &[values])?.values().clone()
        }
    };
    let absent = match dtype {
        DType::Number(Number::F64) => {
            let numbers = array.as_primitive::<arrow_array::types::Float64Type>().values();
            numbers
                .iter()
                .any(|value| value.is_nan())
                .then(|| BooleanBuffer::collect_bool(numbers.len(), |row| numbers[row].is_nan()))
        }
        _ => array.nulls().filter(|nulls| nulls.null_count() > 0).map(|nulls| !nulls.inner()),
    };
    let found = match absent {
        Some(absent) if missing => &found | &absent,
        Some(absent) => &found & &!&absent,
        None => found,
    };
    Ok(Arc::new(BooleanArray::new(found, None)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_values_are_among_others_only_if_told() {
        let column: ArrayRef = Arc::new(Float64Array::from(vec![1.0, f64::NAN, 3.0]));
        for (missing, expected) in [(false, [true, false, false]), (true, [true, true, false])] {
            let found = is_in(&column, &DType::F64, &[Scalar::Int(1)], missing).unwrap();
            let found: Vec<bool> = found.as_boolean().values().iter().collect();
            assert_eq!(found, expected);
        }
    }

    #[test]
    fn narrow_integers_meet_values_out_of_range() {
        let column: ArrayRef = Arc::new(arrow_array::Int8Array::from(vec![1, -1]));
        let dtype = DType::Number(Number::I8);
        let found = is_in(&column, &dtype, &[Scalar::Int(257), Scalar::Int(-1)], false).unwrap();
        assert_eq!(found.as_boolean().values().iter().collect::<Vec<_>>(), [false, true]);
    }
}
