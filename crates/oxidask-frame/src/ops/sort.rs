//! Order of rows, and which partition they go to.

use std::borrow::Cow;

use arrow_array::UInt32Array;
use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use super::{Kernel, Parts, frame, frames, value};
use crate::error::Result;
use crate::kernel::sort::{SortKey, argsort};
use crate::kernel::{Frame, column, partition};
use crate::schema::{Kind, Label, Schema};

/// What rows are ordered by.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct By {
    /// Columns and whether large values come first; none to order by the index.
    pub columns: Vec<(Label, bool)>,
    /// Whether missing values come last.
    pub nulls_last: bool,
}

impl By {
    /// From small to large by the index.
    #[must_use]
    pub fn index() -> Self {
        Self { columns: Vec::new(), nulls_last: true }
    }

    fn keys(&self, rows: &Frame) -> Result<Vec<SortKey>> {
        let nulls_last = self.nulls_last;
        if self.columns.is_empty() {
            let levels = rows.levels().into_iter();
            return Ok(levels
                .map(|column| SortKey { column, descending: false, nulls_last })
                .collect());
        }
        let key = |(label, descending): &(Label, bool)| {
            let column = rows.columns()[rows.schema().position(label)?].clone();
            Ok(SortKey { column, descending: *descending, nulls_last })
        };
        self.columns.iter().map(key).collect()
    }
}

/// All inputs' rows, in order.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sort(pub By);

impl Kernel for Sort {
    fn name(&self) -> Cow<'_, str> {
        "sort_values".into()
    }

    fn run(&self, inputs: &mut [Value], _: u32) -> Result<Value> {
        let rows = Frame::concat(&frames(inputs)?)?;
        let order = argsort(&self.0.keys(&rows)?)?;
        Ok(value(rows.take(&order)?))
    }
}

/// Keys of rows of a partition, spread evenly: some hundreds for each partition that is to be.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Sample {
    /// The order.
    pub by: By,
    /// How many.
    pub n: u32,
}

impl Kernel for Sample {
    fn name(&self) -> Cow<'_, str> {
        "sample-keys".into()
    }

    fn run(&self, inputs: &mut [Value], _: u32) -> Result<Value> {
        let rows = frame(&inputs[0])?;
        let n_rows = rows.n_rows();
        let n = (self.n as usize).min(n_rows);
        let positions = UInt32Array::from_iter_values((0..n).map(|i| (i * n_rows / n) as u32));
        let keys = self.by.keys(&rows)?;
        let columns = keys.iter().map(|key| column::take(&key.column, &positions));
        let schema = Schema {
            kind: Kind::Frame,
            columns: match self.by.columns.is_empty() {
                true => rows.schema().index.levels.clone(),
                false => self
                    .by
                    .columns
                    .iter()
                    .map(|(label, _)| rows.schema().field(label).cloned())
                    .collect::<Result<_>>()?,
            },
            ..Schema::frame(Vec::new())
        };
        Ok(value(Frame::with_range(schema.into(), columns.collect::<Result<_>>()?, n)?))
    }
}

/// Keys that cut rows like the samples into ranges of about equal size.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Splits {
    /// The order.
    pub by: By,
    /// Into how many ranges.
    pub n: u32,
}

impl Kernel for Splits {
    fn name(&self) -> Cow<'_, str> {
        "splits".into()
    }

    fn run(&self, inputs: &mut [Value], _: u32) -> Result<Value> {
        let samples = Frame::concat(&frames(inputs)?)?;
        let directions = self.by.columns.iter().map(|(_, descending)| *descending);
        let directions = directions.chain(std::iter::repeat(false));
        let keys = samples.columns().iter().zip(directions).map(|(column, descending)| SortKey {
            column: column.clone(),
            descending,
            nulls_last: self.by.nulls_last,
        });
        let splits = partition::quantile_splits(&keys.collect::<Vec<_>>(), self.n as usize)?;
        let n_rows = splits.first().map_or(0, |split| split.len());
        let schema = Schema::frame(samples.schema().columns.clone());
        Ok(value(Frame::with_range(schema.into(), splits, n_rows)?))
    }
}

/// The rows of a partition in parts: those of each range between splits, which the second input has.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SplitRanges {
    /// The order.
    pub by: By,
    /// How many parts; those without splits are empty.
    pub n: u32,
}

impl Kernel for SplitRanges {
    fn name(&self) -> Cow<'_, str> {
        "split-ranges".into()
    }

    fn run(&self, inputs: &mut [Value], _: u32) -> Result<Value> {
        let (rows, splits) = (frame(&inputs[0])?, frame(&inputs[1])?);
        let mut parts = partition::range_partition(&self.by.keys(&rows)?, splits.columns())?;
        parts.resize_with(self.n as usize, || UInt32Array::from(Vec::<u32>::new()));
        let parts = parts.iter().map(|part| rows.take(part));
        Ok(Value::new(Parts(parts.collect::<Result<_>>()?)))
    }
}

/// The rows of a partition in parts by the hash of columns, or of the index.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SplitHash {
    /// The columns; none for the index.
    pub columns: Vec<Label>,
    /// How many parts.
    pub n: u32,
}

impl Kernel for SplitHash {
    fn name(&self) -> Cow<'_, str> {
        "split-hash".into()
    }

    fn run(&self, inputs: &mut [Value], _: u32) -> Result<Value> {
        let rows = frame(&inputs[0])?;
        let by = By {
            columns: self.columns.iter().map(|label| (label.clone(), false)).collect(),
            nulls_last: true,
        };
        let keys: Vec<_> = by.keys(&rows)?.into_iter().map(|key| key.column).collect();
        let parts = partition::hash_partition(&keys, self.n as usize)?;
        let parts = parts.iter().map(|part| rows.take(part));
        Ok(Value::new(Parts(parts.collect::<Result<_>>()?)))
    }
}

/// Rows without those that have come before, by some columns.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Distinct {
    /// The columns; none for all.
    pub columns: Option<Vec<Label>>,
    /// Which of equal rows stay.
    pub keep: crate::kernel::distinct::Keep,
}

impl Kernel for Distinct {
    fn name(&self) -> Cow<'_, str> {
        "drop_duplicates".into()
    }

    fn run(&self, inputs: &mut [Value], _: u32) -> Result<Value> {
        let rows = Frame::concat(&frames(inputs)?)?;
        let columns = match &self.columns {
            None => rows.columns().to_vec(),
            Some(labels) => labels
                .iter()
                .map(|label| Ok(rows.columns()[rows.schema().position(label)?].clone()))
                .collect::<Result<_>>()?,
        };
        let again = crate::kernel::distinct::duplicated(&columns, self.keep)?;
        Ok(value(rows.filter(&arrow_array::BooleanArray::from(!again.values()))?))
    }
}
