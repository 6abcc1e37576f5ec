//! The plain values of columns, whatever Arrow's type around them: times are their counts, truth values are 0 and
//! 1, categories are their codes. What is missing is another matter: [`super::column::present`] tells.

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef};
use arrow_buffer::{ArrowNativeType, ScalarBuffer};
use arrow_schema::DataType;

use crate::error::{FrameError, Result};

/// The values of a column of numbers, or of what is held as numbers. Those of missing rows are arbitrary.
#[derive(Clone, Debug)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Values {
    I8(ScalarBuffer<i8>),
    I16(ScalarBuffer<i16>),
    I32(ScalarBuffer<i32>),
    I64(ScalarBuffer<i64>),
    U8(ScalarBuffer<u8>),
    U16(ScalarBuffer<u16>),
    U32(ScalarBuffer<u32>),
    U64(ScalarBuffer<u64>),
    F32(ScalarBuffer<f32>),
    F64(ScalarBuffer<f64>),
}

/// Runs an expression with the slice of values inside of a [`Values`], whatever their type.
macro_rules! with_values {
    ($values:expr, $slice:ident => $body:expr) => {
        match $values {
            $crate::kernel::values::Values::I8($slice) => $body,
            $crate::kernel::values::Values::I16($slice) => $body,
            $crate::kernel::values::Values::I32($slice) => $body,
            $crate::kernel::values::Values::I64($slice) => $body,
            $crate::kernel::values::Values::U8($slice) => $body,
            $crate::kernel::values::Values::U16($slice) => $body,
            $crate::kernel::values::Values::U32($slice) => $body,
            $crate::kernel::values::Values::U64($slice) => $body,
            $crate::kernel::values::Values::F32($slice) => $body,
            $crate::kernel::values::Values::F64($slice) => $body,
        }
    };
}
pub(crate) use with_values;

fn buffer_of<T: ArrowNativeType>(array: &dyn Array) -> ScalarBuffer<T> {
    let data = array.to_data();
    ScalarBuffer::new(data.buffers()[0].clone(), data.offset(), data.len())
}

impl Values {
    /// The values of a column, without a copy but of truth values.
    ///
    /// # Errors
    /// [`FrameError::NoKernel`] for text and other things that are no numbers.
    pub fn of(array: &ArrayRef) -> Result<Self> {
        Ok(match array.data_type() {
            DataType::Int8 => Self::I8(buffer_of(array)),
            DataType::Int16 => Self::I16(buffer_of(array)),
            DataType::Int32 => Self::I32(buffer_of(array)),
            DataType::Int64 | DataType::Timestamp(..) | DataType::Duration(_) => {
                Self::I64(buffer_of(array))
            }
            DataType::UInt8 => Self::U8(buffer_of(array)),
            DataType::UInt16 => Self::U16(buffer_of(array)),
            DataType::UInt32 => Self::U32(buffer_of(array)),
            DataType::UInt64 => Self::U64(buffer_of(array)),
            DataType::Float32 => Self::F32(buffer_of(array)),
            DataType::Float64 => Self::F64(buffer_of(array)),
            DataType::Boolean => {
                let bits = array.as_boolean().values();
                Self::U8(bits.iter().map(u8::from).collect())
            }
            DataType::Dictionary(key, _) if **key == DataType::Int32 => {
                Self::I32(array.as_dictionary::<Int32Type>().keys().values().clone())
            }
            other => return Err(FrameError::NoKernel(format!("numbers of {other}"))),
        })
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        with_values!(self, values => values.len())
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// A number, as wider ones have it.
pub(crate) trait Value: Copy + Default + PartialEq {
    /// The nearest `f64`.
    fn float(self) -> f64;

    /// The same modulo 2⁶⁴, if it is an integer.
    fn int(self) -> i64;

    /// Whether it is NaN: it differs from itself.
    #[inline]
    #[expect(clippy::eq_op, reason = "that is what NaN is")]
    fn is_nan(self) -> bool {
        self != self
    }
}

macro_rules! values {
    ($($number:ty),*) => {
        $(impl Value for $number {
            #[inline]
            fn float(self) -> f64 {
                self as f64
            }

            #[inline]
            fn int(self) -> i64 {
                self as i64
            }
        })*
    };
}
values!(i8, i16, i32, i64, u8, u16, u32, u64, f32, f64);
