//! Arrays as files have them, made to the arrays that dtypes stand for.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowDictionaryKeyType, ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type,
    Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, DictionaryArray, PrimitiveArray, StringViewArray};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;

use crate::dtype::DType;
use crate::error::{FrameError, Result};
use crate::kernel::column;

/// The array as `dtype` has it, or none if it is of another kind.
pub(super) fn to_dtype(array: &ArrayRef, dtype: &DType) -> Result<Option<ArrayRef>> {
    let wanted = dtype.arrow();
    let converted = if *array.data_type() == wanted {
        array.clone()
    } else {
        match (&wanted, array.data_type()) {
            (DataType::Utf8View, DataType::Utf8) => {
                Arc::new(StringViewArray::from(array.as_string::<i32>()))
            }
            (DataType::Utf8View, DataType::LargeUtf8) => {
                Arc::new(StringViewArray::from(array.as_string::<i64>()))
            }
            (DataType::Dictionary(..), DataType::Dictionary(..)) => return categories(array),
            _ => match widened(array, &wanted) {
                Some(array) => array,
                None => return Ok(None),
            },
        }
    };
    if dtype.can_miss() {
        let is_plain_float = matches!(dtype, DType::Number(_));
        return Ok(Some(if is_plain_float { with_nan(&converted) } else { converted }));
    }
    if converted.null_count() > 0 {
        return Err(FrameError::Value(format!(
            "{} missing values in a column of {dtype}",
            converted.null_count()
        )));
    }
    Ok(Some(without_nulls(&converted)?))
}

/// The same values without a word of nulls.
fn without_nulls(array: &ArrayRef) -> Result<ArrayRef> {
    if array.nulls().is_none() {
        return Ok(array.clone());
    }
    let data = array.to_data().into_builder().nulls(None).build()?;
    Ok(arrow_array::make_array(data))
}

/// Floating point numbers with NaN for nulls.
fn with_nan(array: &ArrayRef) -> ArrayRef {
    fn filled<T: ArrowPrimitiveType>(
        array: &ArrayRef,
        nulls: &NullBuffer,
        nan: T::Native,
    ) -> ArrayRef {
        let mut values = array.as_primitive::<T>().values().to_vec();
        for at in (!nulls.inner()).set_indices() {
            values[at] = nan;
        }
        Arc::new(PrimitiveArray::<T>::new(values.into(), None))
    }
    match (array.nulls(), array.data_type()) {
        (Some(nulls), DataType::Float64) => filled::<Float64Type>(array, nulls, f64::NAN),
        (Some(nulls), DataType::Float32) => filled::<Float32Type>(array, nulls, f32::NAN),
        _ => column::nulls_as_nan(array.clone()),
    }
}

/// Integers as floats or as wider integers, floats as wider ones.
fn widened(array: &ArrayRef, wanted: &DataType) -> Option<ArrayRef> {
    macro_rules! to_float {
        ($source:ty) => {
            Arc::new(array.as_primitive::<$source>().unary::<_, Float64Type>(|value| value as f64))
        };
    }
    macro_rules! to_integer {
        ($source:ty) => {
            Arc::new(array.as_primitive::<$source>().unary::<_, Int64Type>(i64::from))
        };
    }
    Some(match (wanted, array.data_type()) {
        (DataType::Float64, DataType::Int8) => to_float!(Int8Type),
        (DataType::Float64, DataType::Int16) => to_float!(Int16Type),
        (DataType::Float64, DataType::Int32) => to_float!(Int32Type),
        (DataType::Float64, DataType::Int64) => to_float!(Int64Type),
        (DataType::Float64, DataType::UInt8) => to_float!(UInt8Type),
        (DataType::Float64, DataType::UInt16) => to_float!(UInt16Type),
        (DataType::Float64, DataType::UInt32) => to_float!(UInt32Type),
        (DataType::Float64, DataType::UInt64) => to_float!(UInt64Type),
        (DataType::Float64, DataType::Float32) => to_float!(Float32Type),
        (DataType::Int64, DataType::Int8) => to_integer!(Int8Type),
        (DataType::Int64, DataType::Int16) => to_integer!(Int16Type),
        (DataType::Int64, DataType::Int32) => to_integer!(Int32Type),
        (DataType::Int64, DataType::UInt8) => to_integer!(UInt8Type),
        (DataType::Int64, DataType::UInt16) => to_integer!(UInt16Type),
        (DataType::Int64, DataType::UInt32) => to_integer!(UInt32Type),
        _ => return None,
    })
}

/// A category column with codes of 32 bits and texts as views.
fn categories(array: &ArrayRef) -> Result<Option<ArrayRef>> {
    fn with_keys<K: ArrowDictionaryKeyType>(array: &DictionaryArray<K>) -> Result<Option<ArrayRef>>
    where
        i64: From<K::Native>,
    {
        let values: ArrayRef = match array.values().data_type() {
            DataType::Utf8 => Arc::new(StringViewArray::from(array.values().as_string::<i32>())),
            DataType::LargeUtf8 => {
                Arc::new(StringViewArray::from(array.values().as_string::<i64>()))
            }
            DataType::Utf8View => array.values().clone(),
            _ => return Ok(None),
        };
        let codes = array.keys().unary::<_, Int32Type>(|code| i64::from(code) as i32);
        Ok(Some(Arc::new(DictionaryArray::try_new(codes, values)?)))
    }
    let array = array.as_ref();
    match array.data_type() {
        DataType::Dictionary(key, _) => match **key {
            DataType::Int8 => with_keys::<Int8Type>(array.as_dictionary()),
            DataType::Int16 => with_keys::<Int16Type>(array.as_dictionary()),
            DataType::Int32 => with_keys::<Int32Type>(array.as_dictionary()),
            DataType::Int64 => with_keys::<Int64Type>(array.as_dictionary()),
            _ => Ok(None),
        },
        _ => Ok(None),
    }
}
