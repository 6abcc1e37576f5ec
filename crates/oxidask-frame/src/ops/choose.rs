//! `where` and `mask`: values by a condition.

use std::borrow::Cow;

use arrow_array::cast::AsArray;
use arrow_array::{Array, BooleanArray};
use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use super::{Kernel, frame, value};
use crate::dtype::DType;
use crate::error::{FrameError, Result};
use crate::kernel::elementwise::{Operand, OperandType, choose, where_dtype};
use crate::scalar::Scalar;
use crate::schema::{Field, Schema};

/// The first input's values where the second, a series of truth values, holds; else those of the third or a scalar.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Choose {
    /// Where it does not hold instead: `mask`.
    pub negated: bool,
    /// What is in the other rows; none for the values of a third input.
    pub other: Option<Scalar>,
}

impl Choose {
    /// What comes of partitions with these schemas.
    ///
    /// # Errors
    /// [`FrameError::NoKernel`] if there is none for these dtypes.
    pub fn schema(&self, inputs: &[&Schema]) -> Result<Schema> {
        let (first, condition) = (inputs[0], inputs[1]);
        match &condition.columns[..] {
            [Field { dtype: DType::Bool | DType::NullableBool, .. }] => {}
            _ => return Err(FrameError::NoKernel("a condition of several columns".into())),
        }
        let other = |at: usize| match (&self.other, inputs.get(2)) {
            (Some(scalar), _) => Ok(OperandType::Scalar(scalar)),
            (None, Some(other)) if other.columns.len() == first.columns.len() => {
                Ok(OperandType::Column(&other.columns[at].dtype))
            }
            _ => Err(FrameError::NoKernel("frames of other columns".into())),
        };
        let columns = first.columns.iter().enumerate().map(|(at, field)| {
            let dtype = where_dtype(&field.dtype, other(at)?)?;
            Ok(Field { label: field.label.clone(), dtype })
        });
        Ok(Schema { columns: columns.collect::<Result<_>>()?, ..first.clone() })
    }
}

impl Kernel for Choose {
    fn name(&self) -> Cow<'_, str> {
        if self.negated { "mask".into() } else { "where".into() }
    }

    fn run(&self, inputs: &mut [Value], _: u32) -> Result<Value> {
        let (rows, condition) = (frame(&inputs[0])?, frame(&inputs[1])?);
        let other = inputs.get(2).map(frame).transpose()?;
        let schemas: Vec<&Schema> =
            [&rows, &condition].into_iter().chain(&other).map(|frame| &**frame.schema()).collect();
        let schema = self.schema(&schemas)?;
        let condition = condition.columns()[0].as_boolean();
        let negated;
        let condition = if self.negated {
            // A missing truth value is false in both.
            let held = condition.nulls().map_or_else(
                || condition.values().clone(),
                |known| condition.values() & known.inner(),
            );
            negated = BooleanArray::new(!&held, None);
            &negated
        } else {
            condition
        };
        let columns = rows.columns().iter().zip(&rows.schema().columns).enumerate();
        let columns = columns.map(|(at, (array, field))| {
            let operand = match (&self.other, &other) {
                (Some(scalar), _) => Operand::Scalar(scalar),
                (None, Some(other)) => {
                    Operand::Column(&other.columns()[at], &other.schema().columns[at].dtype)
                }
                _ => return Err(FrameError::Value("an operand is missing".into())),
            };
            choose(condition, array, &field.dtype, operand)
        });
        let columns = columns.collect::<Result<_>>()?;
        Ok(value(rows.with_columns(schema.into(), columns)?))
    }
}
