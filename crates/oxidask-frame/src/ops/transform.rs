//! Values for rows by the rows of their group: all rows of a group must be in the partition.

use std::borrow::Cow;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use super::{Kernel, frame, value};
use crate::error::Result;
use crate::kernel::group::{self, Transform, transform_dtype};
use crate::schema::{Field, Kind, Label, Schema};

/// A transform of some columns by groups of others; rows and their index stay as they are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GroupTransform {
    /// The columns to group by.
    pub keys: Vec<Label>,
    /// The columns that values are made of.
    pub columns: Vec<Label>,
    /// What is made of them.
    pub transform: Transform,
    /// Whether rows that miss a key are in no group.
    pub dropna: bool,
    /// What the answer is.
    pub kind: Kind,
}

impl GroupTransform {
    /// The schema of the answer, of rows with this schema.
    ///
    /// # Errors
    /// [`FrameError::Key`](crate::error::FrameError::Key) if a column is missing, and as [`transform_dtype`].
    pub fn schema(&self, input: &Schema) -> Result<Schema> {
        self.keys.iter().try_for_each(|label| input.position(label).map(drop))?;
        let columns = self.columns.iter().map(|label| {
            let dtype = transform_dtype(&self.transform, &input.field(label)?.dtype)?;
            Ok(Field { label: label.clone(), dtype })
        });
        Ok(Schema { kind: self.kind, columns: columns.collect::<Result<_>>()?, ..input.clone() })
    }
}

impl Kernel for GroupTransform {
    fn name(&self) -> Cow<'_, str> {
        format!("groupby-{}", self.transform.name()).into()
    }

    fn run(&self, inputs: &mut [Value], _: u32) -> Result<Value> {
        let rows = frame(&inputs[0])?;
        let column = |label| rows.schema().position(label).map(|at| rows.columns()[at].clone());
        let keys = self.keys.iter().map(column).collect::<Result<Vec<_>>>()?;
        let groups = group::group(&keys, self.dropna)?;
        let values = self.columns.iter().map(|label| {
            let dtype = &rows.schema().field(label)?.dtype;
            group::transform(&self.transform, &column(label)?, dtype, &groups)
        });
        let values = values.collect::<Result<Vec<_>>>()?;
        Ok(value(rows.with_columns(self.schema(rows.schema())?.into(), values)?))
    }
}
