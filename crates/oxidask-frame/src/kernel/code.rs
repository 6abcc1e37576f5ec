//! Numbers, truth values and times as unsigned codes that sort as the values do.
//!
//! Sorts, joins and partitions work on these codes only, so that each of them is written once for all types.
//! Missing values have codes without a meaning: callers ask [`present`](super::column::present).
//! Text has no such codes; see [`prefix`](super::prefix).

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_schema::{DataType, TimeUnit};

use crate::dtype::Unit;
use crate::error::{FrameError, Result};

/// The bit that tells negative numbers.
pub(super) const SIGN: u64 = 1 << 63;

/// Columns of one class have codes that compare with one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Bool,
    /// Integers that an `i64` can hold.
    Int,
    /// Integers of 64 bits without a sign.
    UInt,
    Float,
    Time(Unit),
    Duration(Unit),
    /// By the number of the category, not by its value.
    Category,
    Text,
}

/// What works on the codes of a column.
pub(super) trait Visit {
    /// What comes of it.
    type Out;

    /// Works on all values, each of which has the code that `code` gives.
    fn visit<T: Copy>(self, values: &[T], code: impl Fn(T) -> u64 + Copy) -> Self::Out;
}

/// The class of columns of an Arrow type.
pub(super) fn class(data_type: &DataType) -> Result<Class> {
    let unit = |unit: &TimeUnit| match unit {
        TimeUnit::Second => Unit::Second,
        TimeUnit::Millisecond => Unit::Milli,
        TimeUnit::Microsecond => Unit::Micro,
        TimeUnit::Nanosecond => Unit::Nano,
    };
    Ok(match data_type {
        DataType::Boolean => Class::Bool,
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => Class::Int,
        DataType::UInt8 | DataType::UInt16 | DataType::UInt32 => Class::Int,
        DataType::UInt64 => Class::UInt,
        DataType::Float32 | DataType::Float64 => Class::Float,
        DataType::Timestamp(fine, _) => Class::Time(unit(fine)),
        DataType::Duration(fine) => Class::Duration(unit(fine)),
        DataType::Dictionary(key, _) if **key == DataType::Int32 => Class::Category,
        DataType::Utf8View => Class::Text,
        other => return Err(FrameError::NoKernel(format!("keys of {other}"))),
    })
}

/// Lets `visitor` work on the codes of a column that is not text.
pub(super) fn visit<V: Visit>(column: &ArrayRef, visitor: V) -> Result<V::Out> {
    macro_rules! numbers {
        ($type:ty, $code:expr) => {
            visitor.visit(column.as_primitive::<$type>().values(), $code)
        };
    }
    Ok(match column.data_type() {
        DataType::Boolean => {
            let values: Vec<bool> = column.as_boolean().values().iter().collect();
            visitor.visit(&values, |value| signed(i64::from(value)))
        }
        DataType::Int8 => numbers!(Int8Type, |value| signed(i64::from(value))),
        DataType::Int16 => numbers!(Int16Type, |value| signed(i64::from(value))),
        DataType::Int32 => numbers!(Int32Type, |value| signed(i64::from(value))),
        DataType::Int64 => numbers!(Int64Type, signed),
        DataType::UInt8 => numbers!(UInt8Type, |value| signed(i64::from(value))),
        DataType::UInt16 => numbers!(UInt16Type, |value| signed(i64::from(value))),
        DataType::UInt32 => numbers!(UInt32Type, |value| signed(i64::from(value))),
        DataType::UInt64 => numbers!(UInt64Type, |value| value),
        DataType::Float32 => numbers!(Float32Type, |value| float(f64::from(value))),
        DataType::Float64 => numbers!(Float64Type, float),
        DataType::Timestamp(..) | DataType::Duration(_) => {
            let data = column.to_data();
            visitor.visit(data.buffer::<i64>(0).get(..column.len()).unwrap_or(&[]), signed)
        }
        DataType::Dictionary(key, _) if **key == DataType::Int32 => {
            let keys = column.as_dictionary::<Int32Type>().keys();
            visitor.visit(keys.values(), |key| signed(i64::from(key)))
        }
        other => return Err(FrameError::NoKernel(format!("keys of {other}"))),
    })
}

/// The code of an integer.
#[inline]
pub(super) fn signed(value: i64) -> u64 {
    value as u64 ^ SIGN
}

/// The code of a floating point number; both zeros have the same.
#[inline]
pub(super) fn float(value: f64) -> u64 {
    let bits = (value + 0.0).to_bits();
    bits ^ (((bits as i64 >> 63) as u64) | SIGN)
}

/// The floating point number of a code.
#[inline]
pub(super) fn float_of(code: u64) -> f64 {
    let negative = ((code as i64 >> 63) as u64) ^ u64::MAX;
    f64::from_bits(code ^ (negative | SIGN))
}
