//! Joins of two partitions.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, BooleanArray, UInt32Array};
use arrow_schema::DataType;
use arrow_select::zip::zip;
use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use super::{Kernel, frame, value};
use crate::dtype::{DType, Number};
use crate::error::{FrameError, Result};
pub use crate::kernel::join::How;
use crate::kernel::{Frame, column, join};
use crate::schema::{Field, Label, Schema};

/// Where a column of the answer is from.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum From {
    /// A column of the left table.
    Left(Label),
    /// A column of the right table.
    Right(Label),
    /// A key: the left one's, or the right one's where there is no left row.
    Key(Label, Label),
}

/// A join by columns; the answer has a counted index.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Join {
    /// Which rows without a partner stay.
    pub how: How,
    /// The left keys.
    pub left_on: Vec<Label>,
    /// The right keys.
    pub right_on: Vec<Label>,
    /// Columns of the answer: what each is called, what it holds, and where it is from.
    pub columns: Vec<(Field, From)>,
    /// Whether rows are in the order of the keys.
    pub sort: bool,
}

impl Join {
    /// A join with pandas' columns: keys of the same label once, others with suffixes where labels meet.
    ///
    /// # Errors
    /// [`FrameError::Merge`] if keys can't be compared or labels meet, [`FrameError::Key`] if a column is missing,
    /// [`FrameError::NoKernel`] if a column can't hold missing values natively.
    pub fn new(
        left: &Schema,
        right: &Schema,
        how: How,
        on: (Vec<Label>, Vec<Label>),
        suffixes: (&str, &str),
        sort: bool,
    ) -> Result<Self> {
        let (left_on, right_on) = on;
        for (l, r) in left_on.iter().zip(&right_on) {
            let (a, b) = (&left.field(l)?.dtype, &right.field(r)?.dtype);
            check_keys(l, a, b)?;
            if a != b {
                return Err(FrameError::NoKernel(format!("keys of {a} and {b}")));
            }
        }
        let shared =
            |label: &Label| left_on.iter().zip(&right_on).any(|(l, r)| l == label && r == label);
        let named = |label: &Label, other: &Schema, suffix: &str| {
            let meets = !shared(label) && other.columns.iter().any(|field| field.label == *label);
            match label {
                Label::Str(text) if meets => Ok(Label::from(&*format!("{text}{suffix}"))),
                _ if meets => Err(FrameError::NoKernel(format!("the label {label} with a suffix"))),
                label => Ok(label.clone()),
            }
        };
        let (may_lack_left, may_lack_right) =
            (matches!(how, How::Right | How::Outer), matches!(how, How::Left | How::Outer));
        let mut columns = Vec::new();
        for field in &left.columns {
            if shared(&field.label) {
                let from = From::Key(field.label.clone(), field.label.clone());
                columns.push((field.clone(), from));
                continue;
            }
            let label = named(&field.label, right, suffixes.0)?;
            let dtype = lacking(&field.dtype, may_lack_left)?;
            columns.push((Field { label, dtype }, From::Left(field.label.clone())));
        }
        for field in right.columns.iter().filter(|field| !shared(&field.label)) {
            let label = named(&field.label, left, suffixes.1)?;
            let dtype = lacking(&field.dtype, may_lack_right)?;
            columns.push((Field { label, dtype }, From::Right(field.label.clone())));
        }
        for (at, (field, _)) in columns.iter().enumerate() {
            if columns[..at].iter().any(|(other, _)| other.label == field.label) {
                return Err(FrameError::Merge(format!(
                    "Passing 'suffixes' which cause duplicate columns {{{}}} is not allowed.",
                    field.label
                )));
            }
        }
        Ok(Self { how, left_on, right_on, columns, sort })
    }

    /// The schema of the answer.
    #[must_use]
    pub fn schema(&self) -> Schema {
        Schema::frame(self.columns.iter().map(|(field, _)| field.clone()).collect())
    }

    /// Joins two frames.
    ///
    /// # Errors
    /// As [`join::join`].
    pub fn of(&self, left: &Frame, right: &Frame) -> Result<Frame> {
        let array = |frame: &Frame, label: &Label| {
            frame.schema().position(label).map(|at| frame.columns()[at].clone())
        };
        let keys = |frame: &Frame, on: &[Label]| {
            on.iter().map(|label| array(frame, label)).collect::<Result<Vec<_>>>()
        };
        let (at_left, at_right) = match self.how {
            How::Cross => join::cross(left.n_rows(), right.n_rows())?,
            how => {
                let (a, b) = (keys(left, &self.left_on)?, keys(right, &self.right_on)?);
                join::join(&a, &b, how, self.sort)?
            }
        };
        let taken = |column: &ArrayRef, at: &UInt32Array, dtype: &DType| {
            column::take(&widened(column, dtype), at)
        };
        let columns = self.columns.iter().map(|(field, from)| match from {
            From::Left(label) => taken(&array(left, label)?, &at_left, &field.dtype),
            From::Right(label) => taken(&array(right, label)?, &at_right, &field.dtype),
            From::Key(l, _) if at_left.null_count() == 0 => {
                column::take(&array(left, l)?, &at_left)
            }
            From::Key(l, r) => {
                let from_left = column::take(&array(left, l)?, &at_left)?;
                let from_right = column::take(&array(right, r)?, &at_right)?;
                let has_left = BooleanArray::new(
                    at_left.nulls().map_or_else(
                        || arrow_buffer::BooleanBuffer::new_set(at_left.len()),
                        |nulls| nulls.inner().clone(),
                    ),
                    None,
                );
                let key = chosen(&has_left, &from_left, &from_right)?;
                Ok(if field.dtype.can_miss() { key } else { without_nulls(&key) })
            }
        });
        let columns = columns.collect::<Result<_>>()?;
        Frame::with_range(Arc::new(self.schema()), columns, at_left.len())
    }
}

/// The values of one column where it is so, those of another elsewhere; categories are those of both.
fn chosen(is_first: &BooleanArray, first: &ArrayRef, second: &ArrayRef) -> Result<ArrayRef> {
    if !matches!(first.data_type(), DataType::Dictionary(_, _)) {
        return Ok(zip(is_first, first, second)?);
    }
    let n = is_first.len() as u32;
    let at = is_first.values().iter().zip(0..n).map(|(is, at)| if is { at } else { n + at });
    column::take(&column::concat([first, second].into_iter())?, &UInt32Array::from_iter_values(at))
}

/// The same values without a list of nulls, of which there are none.
fn without_nulls(array: &ArrayRef) -> ArrayRef {
    let data = array.to_data().into_builder().nulls(None);
    data.build().map_or_else(|_| array.clone(), arrow_array::make_array)
}

/// Refuses keys that pandas refuses.
fn check_keys(label: &Label, left: &DType, right: &DType) -> Result<()> {
    let is_text = |dtype: &DType| *dtype == DType::Str;
    let is_number = |dtype: &DType| dtype.number().is_some();
    if (is_text(left) && is_number(right)) || (is_number(left) && is_text(right)) {
        return Err(FrameError::Value(format!(
            "You are trying to merge on {left} and {right} columns for key {label}. \
             If you wish to proceed you should use pd.concat"
        )));
    }
    Ok(())
}

/// The dtype of a column some of whose rows may have no partner.
fn lacking(dtype: &DType, may_lack: bool) -> Result<DType> {
    match dtype {
        dtype if !may_lack || dtype.can_miss() => Ok(dtype.clone()),
        DType::Number(Number::I64 | Number::U64 | Number::I32 | Number::U32) => Ok(DType::F64),
        DType::Number(Number::I8 | Number::U8 | Number::I16 | Number::U16) => Ok(DType::F64),
        dtype => Err(FrameError::no_kernel("missing values in a column", dtype)),
    }
}

/// Numbers as floats, if the answer has such in their place.
fn widened(column: &ArrayRef, dtype: &DType) -> ArrayRef {
    use arrow_array::cast::AsArray;
    use arrow_array::types::{
        ArrowPrimitiveType, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
        UInt32Type, UInt64Type,
    };
    use arrow_schema::DataType;

    fn floats<T: ArrowPrimitiveType>(column: &ArrayRef, to: fn(T::Native) -> f64) -> ArrayRef {
        let values = column.as_primitive::<T>().values().iter().map(|&value| to(value));
        Arc::new(arrow_array::Float64Array::from_iter_values(values))
    }
    if *dtype != DType::F64 {
        return column.clone();
    }
    match column.data_type() {
        DataType::Int8 => floats::<Int8Type>(column, f64::from),
        DataType::Int16 => floats::<Int16Type>(column, f64::from),
        DataType::Int32 => floats::<Int32Type>(column, f64::from),
        DataType::Int64 => floats::<Int64Type>(column, |value| value as f64),
        DataType::UInt8 => floats::<UInt8Type>(column, f64::from),
        DataType::UInt16 => floats::<UInt16Type>(column, f64::from),
        DataType::UInt32 => floats::<UInt32Type>(column, f64::from),
        DataType::UInt64 => floats::<UInt64Type>(column, |value| value as f64),
        _ => column.clone(),
    }
}

impl Kernel for Join {
    fn name(&self) -> Cow<'_, str> {
        "merge".into()
    }

    fn run(&self, inputs: &mut [Value], _: u32) -> Result<Value> {
        Ok(value(self.of(&frame(&inputs[0])?, &frame(&inputs[1])?)?))
    }
}
