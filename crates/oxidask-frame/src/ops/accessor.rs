//! `.str` and `.dt` of series as tasks.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::ArrayRef;
use arrow_schema::DataType;
use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use super::{Kernel, frame, value};
use crate::dtype::{DType, Number};
use crate::error::{FrameError, Result};
use crate::kernel::text::{Text, text, text_dtype};
use crate::kernel::time::{self, DateTest, DeltaPart, Part, Rounding};
use crate::schema::{Field, Schema};

/// A function of an accessor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Accessor {
    /// Of `.str`.
    Text(Text),
    /// A part of each time.
    Part(Part),
    /// A question about each date.
    DateTest(DateTest),
    /// A part of each difference of times.
    DeltaPart(DeltaPart),
    /// Differences in seconds.
    TotalSeconds,
    /// Times at multiples of so many nanoseconds.
    Rounded(Rounding, i64),
    /// Times as text.
    Strftime(Arc<str>),
}

impl Accessor {
    /// The dtype of the answer, where no value is missing.
    fn dtype(&self, input: &DType) -> Result<DType> {
        let is_plain_time = match input {
            DType::Datetime(_, zone) => zone.as_deref().is_none_or(|zone| zone == "UTC"),
            _ => false,
        };
        let is_delta = matches!(input, DType::Timedelta(_));
        let fits = match self {
            Self::Text(_) => *input == DType::Str,
            Self::Part(_) | Self::DateTest(_) | Self::Strftime(_) => is_plain_time,
            Self::DeltaPart(_) | Self::TotalSeconds => is_delta,
            Self::Rounded(..) => is_plain_time || is_delta,
        };
        if !fits {
            return Err(FrameError::no_kernel("an accessor", input));
        }
        Ok(match self {
            Self::Text(function) => text_dtype(function),
            Self::Part(Part::IsoYear | Part::IsoWeek | Part::IsoDay) => {
                DType::NullableNumber(Number::U32)
            }
            Self::DeltaPart(DeltaPart::Days) => DType::I64,
            Self::Part(_) | Self::DeltaPart(_) => DType::Number(Number::I32),
            Self::DateTest(_) => DType::Bool,
            Self::TotalSeconds => DType::F64,
            Self::Rounded(..) => input.clone(),
            Self::Strftime(_) => DType::Str,
        })
    }

    /// The schema of the answer for a series with this one.
    ///
    /// # Errors
    /// [`FrameError::NoKernel`] for columns of another dtype.
    pub fn schema(&self, input: &Schema) -> Result<Schema> {
        let columns = input.columns.iter().map(|Field { label, dtype }| {
            Ok(Field { label: label.clone(), dtype: self.dtype(dtype)? })
        });
        Ok(Schema { columns: columns.collect::<Result<_>>()?, ..input.clone() })
    }

    fn column(&self, array: &ArrayRef, dtype: &DType) -> Result<ArrayRef> {
        match self {
            Self::Text(function) => text(function, array),
            Self::Part(part) => time::part(*part, array, dtype),
            Self::DateTest(test) => time::date_test(*test, array, dtype),
            Self::DeltaPart(part) => time::delta_part(*part, array, dtype),
            Self::TotalSeconds => time::total_seconds(array, dtype),
            Self::Rounded(rounding, step) => time::rounded(*rounding, *step, array, dtype),
            Self::Strftime(format) => time::strftime(format, array, dtype),
        }
    }
}

impl Kernel for Accessor {
    fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Text(_) => "str",
            _ => "dt",
        }
        .into()
    }

    fn run(&self, inputs: &mut [Value], _: u32) -> Result<Value> {
        let rows = frame(&inputs[0])?;
        let mut schema = self.schema(rows.schema())?;
        let columns = rows.columns().iter().zip(&rows.schema().columns);
        let columns = columns.map(|(array, field)| self.column(array, &field.dtype));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        // As in pandas, what is counted where some are missing are floating point numbers.
        for (field, array) in schema.columns.iter_mut().zip(&columns) {
            if *array.data_type() == DataType::Float64 {
                field.dtype = DType::F64;
            }
        }
        Ok(value(rows.with_columns(schema.into(), columns)?))
    }
}
