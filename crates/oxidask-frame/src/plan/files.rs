//! Tables of files, and files of tables.

use std::sync::Arc;

use super::table::{Build, Outline, Table};
use crate::error::{FrameError, Result};
use crate::io::csv;
#[cfg(feature = "parquet")]
use crate::io::{parquet, predicate::Predicate};
use crate::ops::AnyKernel;
#[cfg(feature = "parquet")]
use crate::ops::files::ReadParquet;
use crate::ops::files::{Form, ReadCsv, Write};

/// How much of a text table is looked at to infer what its columns are.
const SAMPLE: usize = 256_000;

impl Table {
    /// Text tables, in blocks of about `block_bytes`, or a block for each file.
    ///
    /// # Errors
    /// As [`csv::infer`] and [`csv::split`].
    pub fn read_csv(
        paths: &[String],
        options: &csv::CsvOptions,
        block_bytes: Option<u64>,
        sample: Option<usize>,
    ) -> Result<Self> {
        let Some(first) = paths.first() else {
            return Err(FrameError::Value("no files to read".into()));
        };
        let plan = Arc::new(csv::infer(first, options, sample.unwrap_or(SAMPLE))?);
        let mut blocks = Vec::new();
        for path in paths {
            blocks.extend(csv::split(path, &plan, block_bytes)?);
        }
        let outline = Outline::new(plan.schema.clone(), blocks.len() as u32);
        Self::source("read_csv", ReadCsv { plan, blocks: blocks.into(), columns: None }, outline)
    }

    /// Parts of a Parquet data set.
    ///
    /// # Errors
    /// As [`Self::source`].
    #[cfg(feature = "parquet")]
    pub fn read_parquet(
        data: &parquet::Dataset,
        grouping: parquet::Grouping,
        predicate: Option<&Predicate>,
    ) -> Result<Self> {
        let mut parts = data.parts(grouping, predicate);
        if parts.is_empty() {
            parts.extend(data.no_rows());
        }
        let layout = data.layout.clone();
        let outline = Outline::new(layout.schema.clone(), parts.len() as u32);
        let kernel = ReadParquet { layout, parts: parts.into(), columns: None, with_index: true };
        Self::source("read_parquet", kernel, outline)
    }

    /// The files that computing it reads natively.
    #[must_use]
    pub fn files(&self) -> Vec<Arc<str>> {
        let mut paths: Vec<Arc<str>> = Vec::new();
        let mut seen = rustc_hash::FxHashSet::default();
        let mut waiting = vec![self];
        while let Some(table) = waiting.pop() {
            if !seen.insert(table.name().clone()) {
                continue;
            }
            waiting.extend(table.inputs());
            match &table.node().build {
                Build::Source(AnyKernel::ReadCsv(reader)) => {
                    paths.extend(reader.blocks.iter().map(|block| block.path.clone()));
                }
                #[cfg(feature = "parquet")]
                Build::Source(AnyKernel::ReadParquet(reader)) => {
                    paths.extend(reader.parts.iter().map(|part| part.path.clone()));
                }
                _ => {}
            }
        }
        paths.sort_unstable();
        paths.dedup();
        paths
    }

    /// A file of each partition: a table of the bytes that each took.
    ///
    /// # Errors
    /// [`FrameError::Value`] if there are not as many paths as partitions.
    pub fn write(&self, paths: Vec<Arc<str>>, form: Form) -> Result<Self> {
        self.native()?;
        if paths.len() != self.n_partitions() as usize {
            return Err(FrameError::Value(format!(
                "{} files for {} partitions",
                paths.len(),
                self.n_partitions()
            )));
        }
        let outline = Outline::of(self, Write::schema()).own_rows().undivided();
        Self::partwise(Write { paths: paths.into(), form }, vec![self.clone()], outline)
    }
}
