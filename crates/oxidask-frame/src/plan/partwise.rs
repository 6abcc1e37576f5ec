//! Operations on tables that go partition by partition.

use std::sync::Arc;

use super::Divisions;
use super::table::{Build, Outline, Table};
use crate::error::{FrameError, Result};
use crate::kernel::Frame;
use crate::ops::accessor::Accessor;
use crate::ops::attempt::Attempt;
use crate::ops::choose::Choose;
use crate::ops::elementwise::{Map, Operator, Other};
use crate::ops::select::{Assign, Constant, Filter, Project, Relabel, ResetIndex, SetIndex};
use crate::ops::source::FromFrame;
use crate::scalar::Scalar;
use crate::schema::{Kind, Label};

impl Table {
    /// A frame in memory, cut at `bounds`: one more than partitions, rising from 0 to its rows.
    ///
    /// # Errors
    /// [`FrameError::Value`] if the bounds don't fit the frame.
    pub fn from_frame(frame: Frame, bounds: Vec<u64>, divisions: Divisions) -> Result<Self> {
        let fits = bounds.len() >= 2
            && bounds[0] == 0
            && bounds.is_sorted()
            && bounds.last() == Some(&(frame.n_rows() as u64));
        if !fits {
            return Err(FrameError::Value(format!(
                "{bounds:?} are no bounds of partitions of {} rows",
                frame.n_rows()
            )));
        }
        let outline = Outline {
            schema: Some(frame.schema().clone()),
            n_partitions: bounds.len() as u32 - 1,
            divisions,
            rows: None,
        };
        Self::source("from_pandas", FromFrame::new(frame, bounds.into()), outline)
    }

    /// Some columns, as a frame or, of one, as a series.
    ///
    /// # Errors
    /// [`FrameError::Key`] if a column is missing.
    pub fn project(&self, labels: Vec<Label>, kind: Kind) -> Result<Self> {
        let kernel = Project { labels, kind };
        let schema = kernel.schema(self.native()?)?;
        Self::partwise(kernel, vec![self.clone()], Outline::of(self, schema))
    }

    /// The rows for which a series of truth values over the same rows is true.
    ///
    /// # Errors
    /// [`FrameError::Type`] if the condition is none; [`FrameError::Value`] if it is over other rows.
    pub fn filter(&self, condition: &Self) -> Result<Self> {
        self.check_rows(condition)?;
        let schema = Filter::schema(self.native()?, condition.native()?)?;
        let outline = Outline::of(self, schema).own_rows();
        Self::partwise(Filter, vec![self.clone(), condition.clone()], outline)
    }

    /// With columns in place of those of the same labels, or after all.
    ///
    /// # Errors
    /// [`FrameError::Value`] if a table is not one column over the same rows.
    pub fn assign(&self, columns: Vec<(Label, Self)>) -> Result<Self> {
        let (labels, tables): (Vec<_>, Vec<_>) = columns.into_iter().unzip();
        tables.iter().try_for_each(|table| self.check_rows(table))?;
        let kernel = Assign { labels };
        let inputs: Vec<Self> = std::iter::once(self.clone()).chain(tables).collect();
        let schemas = inputs.iter().map(|table| table.native().map(|schema| &**schema));
        let schema = kernel.schema(&schemas.collect::<Result<Vec<_>>>()?)?;
        Self::partwise(kernel, inputs, Outline::of(self, schema))
    }

    /// An operator of each column and of another operand: a scalar, or columns over the same rows.
    ///
    /// # Errors
    /// [`FrameError::NoKernel`] if there is none for these dtypes or rows.
    pub fn operator(&self, operator: Operator, other: Option<&Self>) -> Result<Self> {
        let mut inputs = vec![self.clone()];
        if let Some(other) = other {
            let is_single = matches!(operator.other, Other::Single) && other.n_partitions() == 1;
            if !is_single {
                self.check_rows(other)?;
            }
            inputs.push(other.clone());
        }
        let schemas = inputs.iter().map(|table| table.native().map(|schema| &**schema));
        let schema = operator.schema(&schemas.collect::<Result<Vec<_>>>()?)?;
        Self::partwise(operator, inputs, Outline::of(self, schema))
    }

    /// A function of each value of each column.
    ///
    /// # Errors
    /// [`FrameError::NoKernel`] if there is none for these dtypes.
    pub fn map(&self, map: Map) -> Result<Self> {
        let schema = map.schema(self.native()?)?;
        Self::partwise(map, vec![self.clone()], Outline::of(self, schema))
    }

    /// A function of `.str` or `.dt` of each value.
    ///
    /// # Errors
    /// [`FrameError::NoKernel`] if there is none for the dtype.
    pub fn accessor(&self, accessor: Accessor) -> Result<Self> {
        let schema = accessor.schema(self.native()?)?;
        Self::partwise(accessor, vec![self.clone()], Outline::of(self, schema))
    }

    /// The values where a series of truth values holds, and others elsewhere: a scalar, or those of a table.
    ///
    /// # Errors
    /// [`FrameError::NoKernel`] if there is none for these dtypes or rows.
    pub fn choose(&self, condition: &Self, choose: Choose, other: Option<&Self>) -> Result<Self> {
        let inputs: Vec<Self> = [self, condition].into_iter().chain(other).cloned().collect();
        inputs.iter().try_for_each(|input| self.check_rows(input))?;
        let schemas = inputs.iter().map(|table| table.native().map(|schema| &**schema));
        let schema = choose.schema(&schemas.collect::<Result<Vec<_>>>()?)?;
        Self::partwise(choose, inputs, Outline::of(self, schema))
    }

    /// A series over the same rows, of one value.
    ///
    /// # Errors
    /// [`FrameError::NoKernel`] if the partitions are not native.
    pub fn constant(&self, value: Scalar) -> Result<Self> {
        let kernel = Constant(value);
        let schema = kernel.schema(self.native()?);
        Self::partwise(kernel, vec![self.clone()], Outline::of(self, schema))
    }

    /// The same table, whose tasks call a foreign function of their inputs where the data are beyond the kernel.
    ///
    /// # Errors
    /// [`FrameError::NoKernel`] if the table is not made partition by partition.
    pub fn or_foreign(&self, otherwise: &[u8]) -> Result<Self> {
        let Build::Partwise { kernel, inputs } = &self.node().build else {
            return Err(FrameError::NoKernel(format!("a retry of {}", self.name().as_str())));
        };
        let kernel = Attempt { kernel: Box::new(kernel.clone()), otherwise: otherwise.into() };
        let outline = Outline { rows: Some(self.rows().clone()), ..self.outline() };
        Self::partwise(kernel, inputs.clone(), outline)
    }

    /// Other labels, and another kind, for the same data.
    ///
    /// # Errors
    /// [`FrameError::Value`] if there are not as many labels as columns.
    pub fn relabel(
        &self,
        kind: Kind,
        columns: Option<Vec<Label>>,
        levels: Option<Vec<Label>>,
    ) -> Result<Self> {
        let kernel = Relabel { kind, columns, levels };
        let schema = kernel.schema(self.native()?)?;
        Self::partwise(kernel, vec![self.clone()], Outline::of(self, schema))
    }

    /// The index as columns, or without it. Each partition counts anew.
    ///
    /// # Errors
    /// [`FrameError::Value`] if there is a column of a level's name already.
    pub fn reset_index(&self, drop: bool) -> Result<Self> {
        let kernel = ResetIndex { drop };
        let schema = kernel.schema(self.native()?)?;
        let outline = Outline::of(self, schema).undivided().own_rows();
        Self::partwise(kernel, vec![self.clone()], outline)
    }

    /// Columns as the index, row by row: rows stay where they are.
    ///
    /// # Errors
    /// [`FrameError::Key`] if a column is missing.
    pub fn with_index_of(
        &self,
        labels: Vec<Label>,
        drop: bool,
        divisions: Divisions,
    ) -> Result<Self> {
        let kernel = SetIndex { labels, drop };
        let schema = kernel.schema(self.native()?)?;
        let outline = Outline { divisions, ..Outline::of(self, schema).own_rows() };
        Self::partwise(kernel, vec![self.clone()], outline)
    }

    /// Whether the rows of another table can be taken with those of this one, row by row.
    #[must_use]
    pub fn has_rows_of(&self, other: &Self) -> bool {
        self.rows() == other.rows() && self.n_partitions() == other.n_partitions()
    }

    fn check_rows(&self, other: &Self) -> Result<()> {
        if self.has_rows_of(other) {
            return Ok(());
        }
        Err(FrameError::NoKernel("tables over different rows".into()))
    }

    /// What is known without data, with nothing but the partitions changed.
    pub(crate) fn outline(&self) -> Outline {
        Outline {
            schema: self.schema().map(Arc::clone),
            n_partitions: self.n_partitions(),
            divisions: self.divisions().clone(),
            rows: None,
        }
    }
}
