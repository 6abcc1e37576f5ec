//! Columns and rows of a partition, and their labels.

use std::borrow::Cow;

use arrow_array::cast::AsArray;
use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use super::{Kernel, frame, value};
use crate::dtype::DType;
use crate::error::{FrameError, Result};
use crate::kernel::{Frame, column};
use crate::scalar::Scalar;
use crate::schema::{Field, IndexSchema, Kind, Label, Schema};

/// Some columns, in any order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Project {
    /// Their labels.
    pub labels: Vec<Label>,
    /// What they become: a series is one column.
    pub kind: Kind,
}

impl Project {
    /// What comes of a partition with this schema.
    ///
    /// # Errors
    /// [`FrameError::Key`] if a column is missing.
    pub fn schema(&self, input: &Schema) -> Result<Schema> {
        let columns = self.labels.iter().map(|label| input.field(label).cloned());
        let columns_name = match self.kind {
            Kind::Frame => input.columns_name.clone(),
            _ => Label::None,
        };
        Ok(Schema {
            kind: self.kind,
            index: input.index.clone(),
            columns: columns.collect::<Result<_>>()?,
            columns_name,
        })
    }
}

impl Kernel for Project {
    fn name(&self) -> Cow<'_, str> {
        "getitem".into()
    }

    fn run(&self, inputs: &mut [Value], _: u32) -> Result<Value> {
        let frame = frame(&inputs[0])?;
        let schema = self.schema(frame.schema())?;
        let columns = self
            .labels
            .iter()
            .map(|label| frame.schema().position(label).map(|at| frame.columns()[at].clone()));
        let columns = columns.collect::<Result<_>>()?;
        Ok(value(frame.with_columns(schema.into(), columns)?))
    }
}

/// The rows of the first input for which the second, a series of truth values, is true.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Filter;

impl Filter {
    /// What comes of a partition with this schema.
    ///
    /// # Errors
    /// [`FrameError::Type`] if the condition is none.
    pub fn schema(input: &Schema, condition: &Schema) -> Result<Schema> {
        match &condition.columns[..] {
            [Field { dtype: DType::Bool | DType::NullableBool, .. }] => {}
            [Field { label, dtype }] => {
                return Err(FrameError::Type(format!(
                    "rows are chosen by a series of bool, and {label} is {dtype}"
                )));
            }
            columns => {
                return Err(FrameError::Type(format!(
                    "rows are chosen by one series, not by {} columns",
                    columns.len()
                )));
            }
        }
        Ok(stored(input))
    }
}

/// A schema whose index is written out.
pub(crate) fn stored(schema: &Schema) -> Schema {
    let index = IndexSchema { is_range: false, ..schema.index.clone() };
    Schema { index, ..schema.clone() }
}

impl Kernel for Filter {
    fn name(&self) -> Cow<'_, str> {
        "filter".into()
    }

    fn run(&self, inputs: &mut [Value], _: u32) -> Result<Value> {
        let (rows, condition) = (frame(&inputs[0])?, frame(&inputs[1])?);
        Self::schema(rows.schema(), condition.schema())?;
        if rows.n_rows() != condition.n_rows() {
            return Err(FrameError::Value(format!(
                "{} conditions for {} rows",
                condition.n_rows(),
                rows.n_rows()
            )));
        }
        Ok(value(rows.filter(condition.columns()[0].as_boolean())?))
    }
}

/// The first rows of a partition, or the last ones.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Head {
    /// How many; all but so many of the other end if negative.
    pub n: i64,
    /// From the end.
    pub from_end: bool,
}

impl Head {
    /// The rows of one frame.
    #[must_use]
    pub fn of(&self, frame: &Frame) -> Frame {
        let n_rows = frame.n_rows();
        let most = self.n.unsigned_abs() as usize;
        let n = if self.n >= 0 { most.min(n_rows) } else { n_rows.saturating_sub(most) };
        frame.slice(if self.from_end { n_rows - n } else { 0 }, n)
    }
}

impl Kernel for Head {
    fn name(&self) -> Cow<'_, str> {
        if self.from_end { "tail".into() } else { "head".into() }
    }

    fn run(&self, inputs: &mut [Value], _: u32) -> Result<Value> {
        Ok(value(self.of(&frame(&inputs[0])?)))
    }
}

/// A series or a frame with columns from others in place of its own, or after them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Assign {
    /// What the column of each further input is called.
    pub labels: Vec<Label>,
}

impl Assign {
    /// What comes of partitions with these schemas.
    ///
    /// # Errors
    /// [`FrameError::Value`] if a further input is not one column.
    pub fn schema(&self, inputs: &[&Schema]) -> Result<Schema> {
        let mut schema = inputs[0].clone();
        for (label, input) in self.labels.iter().zip(&inputs[1..]) {
            let [field] = &input.columns[..] else {
                return Err(FrameError::Value(format!("{label} must be assigned one column")));
            };
            let field = Field { label: label.clone(), dtype: field.dtype.clone() };
            match schema.columns.iter().position(|other| other.label == *label) {
                Some(at) => schema.columns[at] = field,
                None => schema.columns.push(field),
            }
        }
        Ok(schema)
    }
}

impl Kernel for Assign {
    fn name(&self) -> Cow<'_, str> {
        "assign".into()
    }

    fn run(&self, inputs: &mut [Value], _: u32) -> Result<Value> {
        let frames = super::frames(inputs)?;
        let schemas: Vec<&Schema> = frames.iter().map(|frame| &**frame.schema()).collect();
        let schema = self.schema(&schemas)?;
        let mut columns = frames[0].columns().to_vec();
        let mut fields: Vec<&Label> =
            frames[0].schema().columns.iter().map(|field| &field.label).collect();
        for (label, frame) in self.labels.iter().zip(&frames[1..]) {
            match fields.iter().position(|other| *other == label) {
                Some(at) => columns[at] = frame.columns()[0].clone(),
                None => {
                    columns.push(frame.columns()[0].clone());
                    fields.push(label);
                }
            }
        }
        Ok(value(frames[0].with_columns(schema.into(), columns)?))
    }
}

/// A series over the input's rows, of one value.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Constant(pub Scalar);

impl Constant {
    /// What comes of a partition with this schema.
    #[must_use]
    pub fn schema(&self, input: &Schema) -> Schema {
        let dtype = self.0.dtype().unwrap_or(DType::F64);
        Schema {
            kind: Kind::Series,
            index: input.index.clone(),
            columns: vec![Field { label: Label::None, dtype }],
            columns_name: Label::None,
        }
    }
}

impl Kernel for Constant {
    fn name(&self) -> Cow<'_, str> {
        "constant".into()
    }

    fn run(&self, inputs: &mut [Value], _: u32) -> Result<Value> {
        let rows = frame(&inputs[0])?;
        let column = column::repeated(&self.0, rows.n_rows());
        Ok(value(rows.with_columns(self.schema(rows.schema()).into(), vec![column])?))
    }
}

/// Other labels for the same data.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Relabel {
    /// What it becomes.
    pub kind: Kind,
    /// Labels of the columns, in their order; none to leave them.
    pub columns: Option<Vec<Label>>,
    /// Names of the index levels; none to leave them.
    pub levels: Option<Vec<Label>>,
}

impl Relabel {
    /// What comes of a partition with this schema.
    ///
    /// # Errors
    /// [`FrameError::Value`] if there are not as many labels as columns.
    pub fn schema(&self, input: &Schema) -> Result<Schema> {
        let relabelled = |fields: &[Field], labels: &Option<Vec<Label>>| match labels {
            None => Ok(fields.to_vec()),
            Some(labels) if labels.len() == fields.len() => Ok(fields
                .iter()
                .zip(labels)
                .map(|(field, label)| Field { label: label.clone(), dtype: field.dtype.clone() })
                .collect()),
            Some(labels) => Err(FrameError::Value(format!(
                "Length mismatch: Expected axis has {} elements, new values have {} elements",
                fields.len(),
                labels.len()
            ))),
        };
        let mut schema = input.clone();
        schema.kind = self.kind;
        schema.columns = relabelled(&input.columns, &self.columns)?;
        schema.index.levels = relabelled(&input.index.levels, &self.levels)?;
        Ok(schema)
    }
}

impl Kernel for Relabel {
    fn name(&self) -> Cow<'_, str> {
        "rename".into()
    }

    fn run(&self, inputs: &mut [Value], _: u32) -> Result<Value> {
        let frame = frame(&inputs[0])?;
        let schema = self.schema(frame.schema())?;
        Ok(value(frame.with_columns(schema.into(), frame.columns().to_vec())?))
    }
}

/// Index levels become columns, before the others.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ResetIndex {
    /// Whether they are thrown away instead.
    pub drop: bool,
}

impl ResetIndex {
    /// What comes of a partition with this schema.
    ///
    /// # Errors
    /// [`FrameError::Value`] if a column of the level's name exists.
    pub fn schema(&self, input: &Schema) -> Result<Schema> {
        let mut schema = Schema { index: IndexSchema::range(), ..input.clone() };
        if self.drop {
            return Ok(schema);
        }
        let n_levels = input.index.levels.len();
        let mut columns = Vec::new();
        for (at, level) in input.index.levels.iter().enumerate() {
            let label = match &level.label {
                Label::None if n_levels == 1 => {
                    let is_taken = input.columns.iter().any(|f| f.label == Label::from("index"));
                    Label::from(if is_taken { "level_0" } else { "index" })
                }
                Label::None => Label::from(&*format!("level_{at}")),
                label => label.clone(),
            };
            if input.columns.iter().any(|field| field.label == label) {
                return Err(FrameError::Value(format!("cannot insert {label}, already exists")));
            }
            columns.push(Field { label, dtype: level.dtype.clone() });
        }
        columns.append(&mut schema.columns);
        Ok(Schema { kind: Kind::Frame, columns, ..schema })
    }
}

impl Kernel for ResetIndex {
    fn name(&self) -> Cow<'_, str> {
        "reset_index".into()
    }

    fn run(&self, inputs: &mut [Value], _: u32) -> Result<Value> {
        let frame = frame(&inputs[0])?;
        let schema = self.schema(frame.schema())?;
        let mut columns = if self.drop { Vec::new() } else { frame.levels() };
        columns.extend(frame.columns().iter().cloned());
        Ok(value(Frame::with_range(schema.into(), columns, frame.n_rows())?))
    }
}

/// Columns become the index.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SetIndex {
    /// Which.
    pub labels: Vec<Label>,
    /// Whether they are no columns any more.
    pub drop: bool,
}

impl SetIndex {
    /// What comes of a partition with this schema.
    ///
    /// # Errors
    /// [`FrameError::Key`] if a column is missing.
    pub fn schema(&self, input: &Schema) -> Result<Schema> {
        let levels = self.labels.iter().map(|label| input.field(label).cloned());
        let levels = levels.collect::<Result<Vec<_>>>()?;
        let mut schema = input.clone().with_index(levels);
        if self.drop {
            schema.columns.retain(|field| !self.labels.contains(&field.label));
        }
        Ok(schema)
    }
}

impl Kernel for SetIndex {
    fn name(&self) -> Cow<'_, str> {
        "set_index".into()
    }

    fn run(&self, inputs: &mut [Value], _: u32) -> Result<Value> {
        let frame = frame(&inputs[0])?;
        let schema = self.schema(frame.schema())?;
        let array =
            |label: &Label| frame.schema().position(label).map(|at| frame.columns()[at].clone());
        let levels = self.labels.iter().map(array).collect::<Result<_>>()?;
        let columns =
            schema.columns.iter().map(|field| array(&field.label)).collect::<Result<_>>()?;
        let index = crate::kernel::RowLabels::Levels(levels);
        Ok(value(Frame::new(schema.into(), index, columns, frame.n_rows())?))
    }
}
