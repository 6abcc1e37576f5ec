//! Group-by and reductions in steps: states of each partition, states of states, answers.
//!
//! States travel as frames: the keys are the index, and each state of each aggregate a column.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array};
use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use super::{Kernel, frame, frames, value};
use crate::dtype::DType;
use crate::error::{FrameError, Result};
use crate::kernel::group::{self, Agg, Aggs, Groups, agg_dtype};
use crate::kernel::sort::{SortKey, argsort};
use crate::kernel::{Frame, RowLabels, column};
use crate::schema::{Field, IndexSchema, Kind, Label, Schema};

/// One answer that is wanted of each group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Want {
    /// The column that it is of; none for the size of groups.
    pub column: Option<Label>,
    /// The dtype of that column.
    pub dtype: DType,
    /// What is wanted.
    pub agg: Agg,
    /// What the answer is called.
    pub label: Label,
}

/// What all steps of a group-by know.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GroupBy {
    /// The columns to group by; none to reduce all rows to one.
    pub keys: Vec<Label>,
    /// What the keys are called in the answer.
    pub names: Vec<Label>,
    /// What is wanted.
    pub wants: Vec<Want>,
    /// Whether rows that miss a key are left out.
    pub dropna: bool,
    /// Whether groups are in the order of their keys; else in that of their first rows.
    pub sort: bool,
    /// What the answer is.
    pub kind: Kind,
}

impl GroupBy {
    /// The schema of the answer, of rows with this schema.
    ///
    /// # Errors
    /// [`FrameError::Key`] if a column is missing, [`FrameError::NoKernel`] if an aggregate has no kernel.
    pub fn schema(&self, input: &Schema) -> Result<Schema> {
        let columns = self.wants.iter().map(|want| {
            Ok(Field { label: want.label.clone(), dtype: agg_dtype(&want.agg, &want.dtype)? })
        });
        Ok(Schema {
            kind: self.kind,
            index: self.index(input)?,
            columns: columns.collect::<Result<_>>()?,
            columns_name: match self.kind {
                Kind::Frame => input.columns_name.clone(),
                _ => Label::None,
            },
        })
    }

    fn index(&self, input: &Schema) -> Result<IndexSchema> {
        if self.keys.is_empty() {
            return Ok(IndexSchema::range());
        }
        let levels = self.keys.iter().zip(&self.names).map(|(key, name)| {
            Ok(Field { label: name.clone(), dtype: input.field(key)?.dtype.clone() })
        });
        Ok(IndexSchema { levels: levels.collect::<Result<_>>()?, is_range: false })
    }

    /// Whether all rows of a group must come together.
    #[must_use]
    pub fn needs_whole_groups(&self) -> bool {
        self.wants.iter().any(|want| want.agg.needs_whole_groups())
    }

    fn groups(&self, keys: &[ArrayRef], n_rows: usize) -> Result<Groups> {
        if keys.is_empty() { Ok(Groups::whole(n_rows)) } else { group::group(keys, self.dropna) }
    }

    /// What is wanted of each column: the positions of the wants of one column, and their aggregates.
    fn batches(&self) -> Vec<(Vec<usize>, Vec<Agg>)> {
        let mut batches: Vec<(Vec<usize>, Vec<Agg>)> = Vec::new();
        for (at, want) in self.wants.iter().enumerate() {
            let same = |(others, _): &&mut (Vec<usize>, Vec<Agg>)| {
                self.wants[others[0]].column == want.column
            };
            match batches.iter_mut().find(same) {
                Some((positions, aggs)) => {
                    positions.push(at);
                    aggs.push(want.agg.clone());
                }
                None => batches.push((vec![at], vec![want.agg.clone()])),
            }
        }
        batches
    }

    /// The column that a want is of, and its dtype: another one than was foreseen where values are missing.
    fn column(rows: &Frame, want: &Want) -> Result<(ArrayRef, DType)> {
        match &want.column {
            Some(label) => {
                let at = rows.schema().position(label)?;
                Ok((rows.columns()[at].clone(), rows.schema().columns[at].dtype.clone()))
            }
            None => Ok((Arc::new(Int64Array::from_value(0, rows.n_rows())), SIZE_DTYPE)),
        }
    }

    /// The aggregates of a batch whose states are the first of these, and how many states they have.
    fn aggs(&self, positions: &[usize], aggs: &[Agg], states: &[Field]) -> Result<(Aggs, usize)> {
        let foreseen = Aggs::new(aggs, &self.wants[positions[0]].dtype)?;
        let dtypes = foreseen.state_dtypes();
        let fits = |dtypes: &[DType]| {
            dtypes.len() <= states.len()
                && dtypes.iter().zip(states).all(|(dtype, field)| *dtype == field.dtype)
        };
        if fits(&dtypes) {
            return Ok((foreseen, dtypes.len()));
        }
        // Numbers of which some were missing somewhere.
        let floats = Aggs::new(aggs, &DType::F64)?;
        let n = floats.state_dtypes().len();
        Ok((floats, n))
    }

    fn keys_of(&self, rows: &Frame) -> Result<Vec<ArrayRef>> {
        let keys = self.keys.iter();
        keys.map(|key| rows.schema().position(key).map(|at| rows.columns()[at].clone())).collect()
    }

    /// A frame of the keys of groups and something of each.
    fn of_groups(
        index: IndexSchema,
        keys: &[ArrayRef],
        groups: &Groups,
        fields: Vec<Field>,
        columns: Vec<ArrayRef>,
    ) -> Result<Frame> {
        let positions = groups.positions();
        let keys =
            keys.iter().map(|key| column::take(key, &positions)).collect::<Result<Vec<_>>>()?;
        let schema =
            Schema { kind: Kind::Frame, index, columns: fields, columns_name: Label::None };
        let labels = match schema.index.is_range {
            true => RowLabels::Range { start: 0, step: 1 },
            false => RowLabels::Levels(keys),
        };
        Frame::new(schema.into(), labels, columns, groups.n_groups())
    }

    fn states_of(&self, rows: &Frame) -> Result<Frame> {
        let keys = self.keys_of(rows)?;
        let groups = self.groups(&keys, rows.n_rows())?;
        let (mut columns, mut fields) = (Vec::new(), Vec::new());
        for (n, (positions, aggs)) in self.batches().into_iter().enumerate() {
            let (column, dtype) = Self::column(rows, &self.wants[positions[0]])?;
            let aggs = Aggs::new(&aggs, &dtype)?;
            for (m, dtype) in aggs.state_dtypes().into_iter().enumerate() {
                let label = Label::Tuple(vec![Label::Int(n as i64), Label::Int(m as i64)]);
                fields.push(Field { label, dtype });
            }
            columns.extend(aggs.partial(&column, &groups)?);
        }
        let index = self.index(rows.schema())?;
        Self::of_groups(index, &keys, &groups, fields, columns)
    }

    fn merged(&self, states: &[Frame]) -> Result<Frame> {
        if let [one] = states {
            return Ok(one.clone());
        }
        let all = Frame::concat(states)?;
        let keys = if self.keys.is_empty() { Vec::new() } else { all.levels() };
        let groups = match keys.is_empty() {
            true => Groups::whole(all.n_rows()),
            // Rows that miss a key have been left out where they should be.
            false => group::group(&keys, false)?,
        };
        let (mut from, mut columns) = (0, Vec::new());
        for (positions, aggs) in self.batches() {
            let (aggs, n) = self.aggs(&positions, &aggs, &all.schema().columns[from..])?;
            columns.extend(aggs.merge(&all.columns()[from..from + n], &groups)?);
            from += n;
        }
        let index = match all.schema().index.is_range || self.keys.is_empty() {
            true => IndexSchema::range(),
            false => all.schema().index.clone(),
        };
        Self::of_groups(index, &keys, &groups, all.schema().columns.clone(), columns)
    }

    fn finished(&self, states: &Frame) -> Result<Frame> {
        let mut answers: Vec<Option<(Field, ArrayRef)>> = vec![None; self.wants.len()];
        let mut from = 0;
        for (positions, aggs) in self.batches() {
            let (aggs, n) = self.aggs(&positions, &aggs, &states.schema().columns[from..])?;
            let found = aggs.finish(&states.columns()[from..from + n])?;
            for (&at, array) in positions.iter().zip(found) {
                let want = &self.wants[at];
                let dtype = agg_dtype(&want.agg, aggs.dtype())?;
                answers[at] = Some((Field { label: want.label.clone(), dtype }, array));
            }
            from += n;
        }
        let (fields, columns): (Vec<_>, Vec<_>) = answers.into_iter().flatten().unzip();
        let schema = Schema { kind: self.kind, columns: fields, ..(**states.schema()).clone() };
        self.in_order(&Frame::new(schema.into(), states.index().clone(), columns, states.n_rows())?)
    }

    fn in_order(&self, answers: &Frame) -> Result<Frame> {
        if !self.sort || self.keys.is_empty() {
            return Ok(answers.clone());
        }
        let keys: Vec<SortKey> = answers.levels().into_iter().map(SortKey::ascending).collect();
        answers.take(&argsort(&keys)?)
    }

    fn whole(&self, rows: &Frame) -> Result<Frame> {
        let keys = self.keys_of(rows)?;
        let groups = self.groups(&keys, rows.n_rows())?;
        let mut answers: Vec<Option<(Field, ArrayRef)>> = vec![None; self.wants.len()];
        for (positions, aggs) in self.batches() {
            let (column, dtype) = Self::column(rows, &self.wants[positions[0]])?;
            let found = group::aggregate_all(&aggs, &column, &dtype, &groups)?;
            for ((&at, agg), array) in positions.iter().zip(&aggs).zip(found) {
                let dtype = agg_dtype(agg, &dtype)?;
                answers[at] = Some((Field { label: self.wants[at].label.clone(), dtype }, array));
            }
        }
        let (fields, columns): (Vec<_>, Vec<_>) = answers.into_iter().flatten().unzip();
        let index = self.index(rows.schema())?;
        let answers = Self::of_groups(index, &keys, &groups, fields, columns)?;
        let schema = Schema { kind: self.kind, ..(**answers.schema()).clone() };
        self.in_order(&answers.with_columns(schema.into(), answers.columns().to_vec())?)
    }
}

/// States of the groups of a partition.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GroupPartial(pub GroupBy);

impl Kernel for GroupPartial {
    fn name(&self) -> Cow<'_, str> {
        "groupby-partial".into()
    }

    fn run(&self, inputs: &mut [Value], _: u32) -> Result<Value> {
        Ok(value(self.0.states_of(&frame(&inputs[0])?)?))
    }
}

/// States of the states of several partitions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GroupMerge(pub GroupBy);

impl Kernel for GroupMerge {
    fn name(&self) -> Cow<'_, str> {
        "groupby-merge".into()
    }

    fn run(&self, inputs: &mut [Value], _: u32) -> Result<Value> {
        Ok(value(self.0.merged(&frames(inputs)?)?))
    }
}

/// Answers by the states of several partitions.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GroupFinish(pub GroupBy);

impl Kernel for GroupFinish {
    fn name(&self) -> Cow<'_, str> {
        "groupby".into()
    }

    fn run(&self, inputs: &mut [Value], _: u32) -> Result<Value> {
        Ok(value(self.0.finished(&self.0.merged(&frames(inputs)?)?)?))
    }
}

/// Answers by all rows of all groups.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GroupWhole(pub GroupBy);

impl Kernel for GroupWhole {
    fn name(&self) -> Cow<'_, str> {
        "groupby-whole".into()
    }

    fn run(&self, inputs: &mut [Value], _: u32) -> Result<Value> {
        Ok(value(self.0.whole(&Frame::concat(&frames(inputs)?)?)?))
    }
}

/// Answers of several partitions, each group in one of them: put together, and in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct GroupOrdered(pub GroupBy);

impl Kernel for GroupOrdered {
    fn name(&self) -> Cow<'_, str> {
        "groupby-ordered".into()
    }

    fn run(&self, inputs: &mut [Value], _: u32) -> Result<Value> {
        Ok(value(self.0.in_order(&Frame::concat(&frames(inputs)?)?)?))
    }
}

/// A want without a column has no dtype that matters.
pub(crate) const SIZE_DTYPE: DType = DType::I64;

impl Want {
    /// One answer of a column.
    ///
    /// # Errors
    /// [`FrameError::Key`] if the column is missing.
    pub fn new(schema: &Schema, column: Option<Label>, agg: Agg, label: Label) -> Result<Self> {
        let dtype = match &column {
            Some(column) => schema.field(column)?.dtype.clone(),
            None if agg == Agg::Size => SIZE_DTYPE,
            None => return Err(FrameError::Value(format!("{agg:?} is of a column"))),
        };
        Ok(Self { column, dtype, agg, label })
    }
}
