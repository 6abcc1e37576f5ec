//! Partitions of files, and files of partitions.

use std::borrow::Cow;
use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array};
use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use super::{Kernel, frame, value};
use crate::dtype::DType;
use crate::error::Result;
use crate::io::csv;
#[cfg(feature = "parquet")]
use crate::io::parquet;
use crate::kernel::Frame;
use crate::schema::{Field, Kind, Label, Schema};

/// Reads a block of a text table.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadCsv {
    /// How files are read.
    pub plan: Arc<csv::Plan>,
    /// The block of each partition.
    pub blocks: Arc<[csv::Block]>,
    /// The columns, by their positions in the plan; none for all.
    pub columns: Option<Vec<usize>>,
}

impl Kernel for ReadCsv {
    fn name(&self) -> Cow<'_, str> {
        "read-csv".into()
    }

    fn run(&self, _: &mut [Value], block: u32) -> Result<Value> {
        let block = &self.blocks[block as usize];
        Ok(value(csv::read_block(&self.plan, block, self.columns.as_deref())?))
    }
}

impl ReadCsv {
    /// The same reading only these columns.
    #[must_use]
    pub fn only(&self, wanted: &dyn Fn(&Label) -> bool) -> Self {
        let columns = positions(&self.plan.schema, wanted);
        Self { columns: Some(columns), ..self.clone() }
    }
}

fn positions(schema: &Schema, wanted: &dyn Fn(&Label) -> bool) -> Vec<usize> {
    let columns = schema.columns.iter().enumerate();
    columns.filter(|(_, field)| wanted(&field.label)).map(|(at, _)| at).collect()
}

/// Reads row groups of a Parquet file.
#[cfg(feature = "parquet")]
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ReadParquet {
    /// How files become frames.
    pub layout: Arc<parquet::Layout>,
    /// The part of each partition.
    pub parts: Arc<[parquet::Part]>,
    /// The columns, by their positions in the layout; none for all.
    pub columns: Option<Vec<usize>>,
    /// Whether the index is wanted.
    pub with_index: bool,
}

#[cfg(feature = "parquet")]
impl Kernel for ReadParquet {
    fn name(&self) -> Cow<'_, str> {
        "read-parquet".into()
    }

    fn run(&self, _: &mut [Value], block: u32) -> Result<Value> {
        Ok(value(parquet::read(&parquet::Request {
            layout: &self.layout,
            part: &self.parts[block as usize],
            columns: self.columns.as_deref(),
            with_index: self.with_index,
            filter: None,
        })?))
    }
}

#[cfg(feature = "parquet")]
impl ReadParquet {
    /// The same reading only these columns.
    #[must_use]
    pub fn only(&self, wanted: &dyn Fn(&Label) -> bool) -> Self {
        let mut columns = positions(&self.layout.schema, wanted);
        if let Some(chosen) = &self.columns {
            columns.retain(|at| chosen.contains(at));
        }
        Self { columns: Some(columns), ..self.clone() }
    }
}

/// Writes each partition into a file of its own.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Write {
    /// The file of each partition.
    pub paths: Arc<[Arc<str>]>,
    /// How.
    pub form: Form,
}

/// How a file is written.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Form {
    /// Text.
    Csv(csv::CsvText),
    /// Parquet.
    #[cfg(feature = "parquet")]
    Parquet(parquet::WriteOptions),
}

impl Kernel for Write {
    fn name(&self) -> Cow<'_, str> {
        match self.form {
            Form::Csv(_) => "to-csv".into(),
            #[cfg(feature = "parquet")]
            Form::Parquet(_) => "to-parquet".into(),
        }
    }

    fn run(&self, inputs: &mut [Value], block: u32) -> Result<Value> {
        let (rows, path) = (frame(&inputs[0])?, &self.paths[block as usize]);
        let n_bytes = match &self.form {
            Form::Csv(options) if options.header_once && block > 0 => {
                let options = csv::CsvText { header: false, ..options.clone() };
                csv::write(&rows, path, &options, false)?
            }
            Form::Csv(options) => csv::write(&rows, path, options, false)?,
            #[cfg(feature = "parquet")]
            Form::Parquet(options) => parquet::write(&rows, path, options)?,
        };
        let column: ArrayRef = Arc::new(Int64Array::from(vec![n_bytes as i64]));
        Ok(value(Frame::with_range(Self::schema().into(), vec![column], 1)?))
    }
}

impl Write {
    /// What comes of it: the bytes that were written.
    #[must_use]
    pub fn schema() -> Schema {
        let columns = vec![Field { label: Label::None, dtype: DType::I64 }];
        Schema { kind: Kind::Series, ..Schema::frame(columns) }
    }
}
