//! What an operator meets: a column or a single value.

use arrow_array::cast::AsArray;
use arrow_array::types::{
    ArrowPrimitiveType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type,
    UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef};
use arrow_buffer::{NullBuffer, ScalarBuffer};
use arrow_schema::DataType;

use super::number::Native;
use crate::dtype::{DType, Unit};
use crate::error::{FrameError, Result};
use crate::kernel::column;
use crate::scalar::Scalar;

/// A column or a value.
#[derive(Clone, Copy, Debug)]
pub enum Operand<'a> {
    /// A column with its dtype.
    Column(&'a ArrayRef, &'a DType),
    /// One value for all rows.
    Scalar(&'a Scalar),
}

/// What is known of an operand without data.
#[derive(Clone, Copy, Debug)]
pub enum OperandType<'a> {
    /// A column of this dtype.
    Column(&'a DType),
    /// One value for all rows: its size can decide the dtype.
    Scalar(&'a Scalar),
}

impl OperandType<'_> {
    /// The dtype, of a scalar its own; none for a missing one.
    #[must_use]
    pub fn dtype(&self) -> Option<DType> {
        match self {
            Self::Column(dtype) => Some((*dtype).clone()),
            Self::Scalar(value) => value.dtype(),
        }
    }

    /// As messages call it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Column(dtype) => dtype.to_string(),
            Self::Scalar(value) => match value.dtype() {
                Some(dtype) => format!("{dtype} {value}"),
                None => value.to_string(),
            },
        }
    }
}

impl<'a> Operand<'a> {
    /// What is known of it without data.
    #[must_use]
    pub fn kind(&self) -> OperandType<'a> {
        match *self {
            Self::Column(_, dtype) => OperandType::Column(dtype),
            Self::Scalar(value) => OperandType::Scalar(value),
        }
    }

    pub(super) fn check_rows(&self, n_rows: usize) -> Result<()> {
        match self {
            Self::Column(array, _) if array.len() != n_rows => Err(FrameError::Value(format!(
                "a column of {} rows meets one of {n_rows}",
                array.len()
            ))),
            _ => Ok(()),
        }
    }

    pub(super) fn is_time(&self) -> bool {
        matches!(self.kind().dtype(), Some(DType::Datetime(..) | DType::Timedelta(_)))
    }

    pub(super) fn is_missing(&self) -> bool {
        matches!(self, Self::Scalar(Scalar::Missing))
    }

    /// The rows that have a value; none if all have.
    pub(in crate::kernel) fn present(&self, n_rows: usize) -> Option<NullBuffer> {
        match self {
            Self::Column(array, _) => column::present(array),
            Self::Scalar(Scalar::Missing) => Some(NullBuffer::new_null(n_rows)),
            Self::Scalar(_) => None,
        }
    }

    /// Its nulls alone, NaN being a value.
    pub(in crate::kernel) fn nulls(&self, n_rows: usize) -> Option<NullBuffer> {
        match self {
            Self::Column(array, _) => array.logical_nulls(),
            Self::Scalar(Scalar::Missing) => Some(NullBuffer::new_null(n_rows)),
            Self::Scalar(_) => None,
        }
    }

    /// Its numbers as `T`, converted as C does. A missing scalar is NaN, and zero among integers.
    pub(in crate::kernel) fn numbers<T: Native>(&self) -> Values<T> {
        match self {
            Self::Column(array, _) => Values::Many(numbers_as(array)),
            Self::Scalar(value) => Values::One(match value {
                Scalar::Bool(value) => T::of_i64(i64::from(*value)),
                Scalar::Int(value) => T::of_i64(*value),
                Scalar::UInt(value) => T::of_u64(*value),
                Scalar::Float(value) => T::of_f64(*value),
                _ => T::MISSING,
            }),
        }
    }

    /// Its times in their own unit, and that unit.
    pub(in crate::kernel) fn times(&self) -> Option<(Values<i64>, Unit)> {
        match self {
            Self::Column(array, DType::Datetime(unit, _) | DType::Timedelta(unit)) => {
                Some((Values::Many(ticks(array)), *unit))
            }
            Self::Scalar(Scalar::Datetime(value, unit, _) | Scalar::Timedelta(value, unit)) => {
                Some((Values::One(*value), *unit))
            }
            _ => None,
        }
    }
}

/// The values of an operand.
#[derive(Clone, Debug)]
pub(in crate::kernel) enum Values<T: Native> {
    /// One for each row.
    Many(ScalarBuffer<T>),
    /// The same for all.
    One(T),
}

impl<T: Native> Values<T> {
    /// The value of a row.
    #[inline]
    pub(in crate::kernel) fn at(&self, row: usize) -> T {
        match self {
            Self::Many(values) => values[row],
            Self::One(value) => *value,
        }
    }
}

/// `f` of two operands, row by row.
#[inline]
pub(super) fn zip<T: Native, R: Native>(
    left: &Values<T>,
    right: &Values<T>,
    n_rows: usize,
    f: impl Fn(T, T) -> R,
) -> ScalarBuffer<R> {
    let values: Vec<R> = match (left, right) {
        (Values::Many(left), Values::Many(right)) => {
            left.iter().zip(right).map(|(a, b)| f(*a, *b)).collect()
        }
        (Values::Many(left), Values::One(right)) => left.iter().map(|a| f(*a, *right)).collect(),
        (Values::One(left), Values::Many(right)) => right.iter().map(|b| f(*left, *b)).collect(),
        (Values::One(left), Values::One(right)) => vec![f(*left, *right); n_rows],
    };
    values.into()
}

/// The counts of a column of times, or of 64-bit integers.
pub(in crate::kernel) fn ticks(array: &dyn Array) -> ScalarBuffer<i64> {
    let data = array.to_data();
    ScalarBuffer::new(data.buffers()[0].clone(), data.offset(), data.len())
}

/// Numbers or booleans as `T`, converted as C does.
pub(super) fn numbers_as<T: Native>(array: &dyn Array) -> ScalarBuffer<T> {
    fn mapped<S: ArrowPrimitiveType, T: Native>(
        array: &dyn Array,
        f: impl Fn(S::Native) -> T,
    ) -> ScalarBuffer<T> {
        array.as_primitive::<S>().values().iter().map(|value| f(*value)).collect::<Vec<T>>().into()
    }
    if *array.data_type() == T::DATA_TYPE {
        let data = array.to_data();
        return ScalarBuffer::new(data.buffers()[0].clone(), data.offset(), data.len());
    }
    match array.data_type() {
        DataType::Boolean => {
            let bits = array.as_boolean().values();
            let (no, yes) = (T::of_i64(0), T::of_i64(1));
            bits.iter().map(|bit| if bit { yes } else { no }).collect::<Vec<T>>().into()
        }
        DataType::Int8 => mapped::<Int8Type, T>(array, |v| T::of_i64(v.into())),
        DataType::Int16 => mapped::<Int16Type, T>(array, |v| T::of_i64(v.into())),
        DataType::Int32 => mapped::<Int32Type, T>(array, |v| T::of_i64(v.into())),
        DataType::Int64 => mapped::<Int64Type, T>(array, T::of_i64),
        DataType::UInt8 => mapped::<UInt8Type, T>(array, |v| T::of_u64(v.into())),
        DataType::UInt16 => mapped::<UInt16Type, T>(array, |v| T::of_u64(v.into())),
        DataType::UInt32 => mapped::<UInt32Type, T>(array, |v| T::of_u64(v.into())),
        DataType::UInt64 => mapped::<UInt64Type, T>(array, T::of_u64),
        DataType::Float32 => mapped::<Float32Type, T>(array, |v| T::of_f64(v.into())),
        DataType::Float64 => mapped::<Float64Type, T>(array, T::of_f64),
        _ => ticks(array).iter().map(|v| T::of_i64(*v)).collect::<Vec<T>>().into(),
    }
}
