//! Columns by columns: operators, casts, and the filling of what is missing.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::UInt32Array;
use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use super::{Kernel, frame, value};
use crate::dtype::DType;
use crate::error::{FrameError, Result};
use crate::kernel::Frame;
use crate::kernel::elementwise::{
    self as kernel, Binary, Operand, OperandType, Unary, binary_dtype, cast_dtype, clip_dtype,
    fillna_dtype, is_in_dtype, unary_dtype,
};
use crate::scalar::Scalar;
use crate::schema::{Field, Kind, Label, Schema};

/// The other operand.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Other {
    /// A series over the same rows, or a frame with as many columns: a further input.
    Input,
    /// One value.
    Scalar(Scalar),
    /// The one value of a further input, a series of one row: the sum of a column, say.
    Single,
}

/// An operator of each column of the first input and another operand.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Operator {
    /// The operator.
    pub op: Binary,
    /// The other operand.
    pub other: Other,
    /// Whether the other one is the left one.
    pub reflected: bool,
}

/// A schema whose columns have other dtypes.
fn mapped(input: &Schema, map: impl Fn(&Field) -> Result<DType>) -> Result<Schema> {
    let field = |field: &Field| Ok(Field { label: field.label.clone(), dtype: map(field)? });
    let columns = input.columns.iter().map(field).collect::<Result<_>>()?;
    Ok(Schema { columns, ..input.clone() })
}

impl Operator {
    /// What comes of partitions with these schemas.
    ///
    /// # Errors
    /// [`FrameError::NoKernel`] if there is none for these dtypes.
    pub fn schema(&self, inputs: &[&Schema]) -> Result<Schema> {
        let first = inputs[0];
        let mut schema = match (&self.other, inputs.get(1)) {
            (Other::Scalar(scalar), _) => mapped(first, |field| {
                self.dtype(OperandType::Column(&field.dtype), OperandType::Scalar(scalar))
            })?,
            (Other::Input, Some(second)) => {
                let fits = first.kind == second.kind && first.columns.len() == second.columns.len();
                let same = first.kind != Kind::Frame
                    || first.columns.iter().zip(&second.columns).all(|(a, b)| a.label == b.label);
                if !fits || !same {
                    return Err(FrameError::NoKernel("frames of other columns".into()));
                }
                let mut others = second.columns.iter();
                let columns = first.columns.iter().zip(&mut others).map(|(a, b)| {
                    let (left, right) =
                        (OperandType::Column(&a.dtype), OperandType::Column(&b.dtype));
                    Ok(Field { label: a.label.clone(), dtype: self.dtype(left, right)? })
                });
                Schema { columns: columns.collect::<Result<_>>()?, ..first.clone() }
            }
            (Other::Single, Some(second)) if second.columns.len() == 1 => mapped(first, |field| {
                let single = OperandType::Column(&second.columns[0].dtype);
                self.dtype(OperandType::Column(&field.dtype), single)
            })?,
            (Other::Input | Other::Single, _) => {
                return Err(FrameError::Value("an operand is missing".into()));
            }
        };
        // A series keeps its name only if the other one has it too.
        if let (Kind::Series, Other::Input, Some(second)) = (first.kind, &self.other, inputs.get(1))
            && second.columns[0].label != schema.columns[0].label
        {
            schema.columns[0].label = Label::None;
        }
        Ok(schema)
    }

    fn dtype(&self, left: OperandType<'_>, right: OperandType<'_>) -> Result<DType> {
        let (left, right) = if self.reflected { (right, left) } else { (left, right) };
        let may_be_zero = match right {
            OperandType::Column(dtype) => dtype.number().is_some_and(|number| !number.is_float()),
            OperandType::Scalar(scalar) => matches!(scalar, Scalar::Int(0) | Scalar::UInt(0)),
        };
        let of_integers = |side: OperandType<'_>| match side {
            OperandType::Column(dtype) => !dtype.is_float(),
            OperandType::Scalar(scalar) => !matches!(scalar, Scalar::Float(_)),
        };
        if matches!(self.op, Binary::FloorDiv | Binary::Mod) && may_be_zero && of_integers(left) {
            // Whether pandas' answer is of integers depends on the values.
            return Err(FrameError::NoKernel("integers divided by what may be zero".into()));
        }
        binary_dtype(self.op, left, right)
    }
}

impl Kernel for Operator {
    fn name(&self) -> Cow<'_, str> {
        format!("{:?}", self.op).to_lowercase().into()
    }

    fn run(&self, inputs: &mut [Value], _: u32) -> Result<Value> {
        let rows = frame(&inputs[0])?;
        let other = match self.other {
            Other::Input => Some(frame(&inputs[1])?),
            Other::Single => Some(repeated(&frame(&inputs[1])?, rows.n_rows())?),
            Other::Scalar(_) => None,
        };
        let schemas: Vec<&Schema> =
            std::iter::once(&rows).chain(&other).map(|frame| &**frame.schema()).collect();
        let schema = self.schema(&schemas)?;
        if let Some(other) = &other
            && other.n_rows() != rows.n_rows()
        {
            return Err(FrameError::Value(format!(
                "operands of {} and {} rows",
                rows.n_rows(),
                other.n_rows()
            )));
        }
        let columns = rows.columns().iter().zip(&rows.schema().columns).enumerate();
        let columns = columns.map(|(at, (column, field))| {
            let left = Operand::Column(column, &field.dtype);
            let right = match (&self.other, &other) {
                (Other::Scalar(scalar), _) => Operand::Scalar(scalar),
                (kind, Some(other)) => {
                    let at = if matches!(kind, Other::Single) { 0 } else { at };
                    Operand::Column(&other.columns()[at], &other.schema().columns[at].dtype)
                }
                _ => return Err(FrameError::Value("an operand is missing".into())),
            };
            let (left, right) = if self.reflected { (right, left) } else { (left, right) };
            kernel::binary(self.op, left, right, rows.n_rows())
        });
        let columns = columns.collect::<Result<_>>()?;
        Ok(value(rows.with_columns(schema.into(), columns)?))
    }
}

/// The one row of a series, so many times.
fn repeated(single: &Frame, n_rows: usize) -> Result<Frame> {
    if single.n_rows() != 1 {
        return Err(FrameError::Value(format!("{} rows where one is due", single.n_rows())));
    }
    single.take(&UInt32Array::from_value(0, n_rows))
}

/// A function of each value of each column.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Map {
    /// An operator of one operand.
    Unary(Unary),
    /// Values of other dtypes: one for all columns, or by label.
    Cast(Vec<(Option<Label>, DType)>),
    /// A value in place of missing ones: one for all columns, or by label.
    Fill(Vec<(Option<Label>, Scalar)>),
    /// Whether each is one of these values, all of one dtype; and whether missing ones are.
    IsIn(Arc<[Scalar]>, bool),
    /// Numbers within bounds.
    Clip(Option<Scalar>, Option<Scalar>),
}

/// What is said of a column.
fn said<'a, T>(all: &'a [(Option<Label>, T)], label: &Label) -> Option<&'a T> {
    let found = all.iter().find(|(of, _)| of.as_ref().is_none_or(|of| of == label));
    found.map(|(_, said)| said)
}

impl Map {
    /// What comes of a partition with this schema.
    ///
    /// # Errors
    /// [`FrameError::NoKernel`] if there is none for a dtype.
    pub fn schema(&self, input: &Schema) -> Result<Schema> {
        mapped(input, |Field { label, dtype }| match self {
            Self::Unary(op) => unary_dtype(*op, dtype),
            Self::Cast(to) => match said(to, label) {
                Some(to) => cast_dtype(dtype, to).map(|()| to.clone()),
                None => Ok(dtype.clone()),
            },
            Self::Fill(values) => match said(values, label) {
                Some(value) => fillna_dtype(dtype, OperandType::Scalar(value)),
                None => Ok(dtype.clone()),
            },
            Self::IsIn(values, _) => is_in_dtype(dtype, values),
            Self::Clip(low, high) => clip_dtype(dtype, low.as_ref(), high.as_ref()),
        })
    }

    fn column(&self, rows: &Frame, at: usize) -> Result<arrow_array::ArrayRef> {
        let (column, Field { label, dtype }) = (&rows.columns()[at], &rows.schema().columns[at]);
        match self {
            Self::Unary(op) => kernel::unary(*op, column, dtype),
            Self::Cast(to) => match said(to, label) {
                Some(to) => kernel::cast(column, dtype, to),
                None => Ok(column.clone()),
            },
            Self::Fill(values) => match said(values, label) {
                Some(value) => kernel::fillna(column, dtype, Operand::Scalar(value)),
                None => Ok(column.clone()),
            },
            Self::IsIn(values, missing) => kernel::is_in(column, dtype, values, *missing),
            Self::Clip(low, high) => kernel::clip(column, dtype, low.as_ref(), high.as_ref()),
        }
    }
}

impl Kernel for Map {
    fn name(&self) -> Cow<'_, str> {
        match self {
            Self::Unary(op) => format!("{op:?}").to_lowercase().into(),
            Self::Cast(_) => "astype".into(),
            Self::Fill(_) => "fillna".into(),
            Self::IsIn(..) => "isin".into(),
            Self::Clip(..) => "clip".into(),
        }
    }

    fn run(&self, inputs: &mut [Value], _: u32) -> Result<Value> {
        let rows = frame(&inputs[0])?;
        let schema = self.schema(rows.schema())?;
        let columns = (0..rows.columns().len()).map(|at| self.column(&rows, at));
        Ok(value(rows.with_columns(schema.into(), columns.collect::<Result<_>>()?)?))
    }
}
