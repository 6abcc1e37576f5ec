//! Dataframes from Rust: lazy tables in partitions, with pandas' answers.
//!
//! ```
//! use oxidask::dataframe::{Agg, DataFrame};
//!
//! # fn main() -> Result<(), oxidask::Error> {
//! # let folder = tempfile::tempdir().unwrap();
//! # let path = folder.path().join("flights.csv").display().to_string();
//! std::fs::write(&path, "origin,delay\nJFK,4.0\nEWR,-2.0\nJFK,8.0\n").unwrap();
//! let flights = DataFrame::read_csv([path])?;
//! let late = flights.filter(&flights.column("delay")?.gt(0.0)?)?;
//! let mean = late.group_by(["origin"], &[("delay", Agg::Mean, "mean")])?;
//! assert_eq!(mean.compute()?.n_rows(), 1);
//! # Ok(())
//! # }
//! ```
//!
//! Nothing is read until [`DataFrame::compute`], and then only the columns that the answer needs. [`plan`] has what
//! isn't here: everything that the Python package does.

use std::sync::Arc;

use oxidask_core::optimize::fuse_blockwise;
pub use oxidask_frame::error::FrameError;
use oxidask_frame::io::csv::CsvOptions;
use oxidask_frame::io::parquet::{Dataset, Grouping};
pub use oxidask_frame::kernel::Frame;
pub use oxidask_frame::kernel::elementwise::{Binary, Unary};
pub use oxidask_frame::kernel::group::Agg;
pub use oxidask_frame::kernel::text::Text;
pub use oxidask_frame::kernel::time::Part;
use oxidask_frame::ops::accessor::Accessor;
use oxidask_frame::ops::elementwise::{Map, Operator, Other};
use oxidask_frame::ops::group::{GroupBy, Want};
pub use oxidask_frame::ops::join::How;
use oxidask_frame::ops::join::Join;
use oxidask_frame::ops::sort::By;
use oxidask_frame::plan::exchange::gather;
use oxidask_frame::plan::lower::lower;
use oxidask_frame::plan::tree::SPLIT_EVERY;
use oxidask_frame::plan::{Divisions, Table};
pub use oxidask_frame::scalar::Scalar;
use oxidask_frame::schema::Kind;
pub use oxidask_frame::schema::{Label, Schema};
pub use oxidask_frame::{dtype, kernel, ops, plan};

use crate::error::Error;
use crate::scheduler::Scheduler;

/// A lazy dataframe.
#[derive(Clone)]
pub struct DataFrame {
    table: Table,
}

/// A lazy column of a dataframe: a series.
#[derive(Clone)]
pub struct Column {
    table: Table,
}

fn labels<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Label> {
    names.into_iter().map(Label::from).collect()
}

impl DataFrame {
    /// The dataframe of an untyped table.
    #[must_use]
    pub fn new(table: Table) -> Self {
        Self { table }
    }

    /// A frame in memory, in so many partitions of about equal size.
    ///
    /// # Errors
    /// [`FrameError::Value`] for no partitions.
    pub fn from_frame(frame: Frame, n_partitions: u32) -> Result<Self, Error> {
        let (n_rows, n) = (frame.n_rows() as u64, u64::from(n_partitions));
        let bounds = (0..=n).map(|at| n_rows * at / n.max(1)).collect();
        Ok(Self { table: Table::from_frame(frame, bounds, Divisions::Unknown)? })
    }

    /// Text tables, a partition for each block of bytes; dtypes are told from a sample.
    ///
    /// # Errors
    /// [`FrameError::Io`] and [`FrameError::Parse`] for files that can't be read.
    pub fn read_csv(paths: impl IntoIterator<Item = String>) -> Result<Self, Error> {
        let paths: Vec<String> = paths.into_iter().collect();
        let block_bytes = Some(64 << 20);
        Ok(Self { table: Table::read_csv(&paths, &CsvOptions::default(), block_bytes, None)? })
    }

    /// Parquet files or folders of such, a partition for each file.
    ///
    /// # Errors
    /// [`FrameError::Io`] for files that can't be read.
    pub fn read_parquet(paths: impl IntoIterator<Item = String>) -> Result<Self, Error> {
        let paths: Vec<String> = paths.into_iter().collect();
        let data = Dataset::open(&paths, None)?;
        Ok(Self { table: Table::read_parquet(&data, Grouping::Files, None)? })
    }

    /// The untyped table.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    /// What is known without reading.
    ///
    /// # Errors
    /// [`FrameError::NoKernel`] if the partitions are foreign.
    pub fn schema(&self) -> Result<Arc<Schema>, Error> {
        Ok(self.table.native()?.clone())
    }

    /// One column.
    ///
    /// # Errors
    /// [`FrameError::Key`] if there is none of this label.
    pub fn column(&self, label: impl Into<Label>) -> Result<Column, Error> {
        Ok(Column { table: self.table.project(vec![label.into()], Kind::Series)? })
    }

    /// Some columns.
    ///
    /// # Errors
    /// [`FrameError::Key`] if one is missing.
    pub fn select<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> Result<Self, Error> {
        Ok(Self { table: self.table.project(labels(names), Kind::Frame)? })
    }

    /// The rows for which a column of truth values, over the same rows, is true.
    ///
    /// # Errors
    /// [`FrameError::Type`] if it holds no truth values.
    pub fn filter(&self, condition: &Column) -> Result<Self, Error> {
        Ok(Self { table: self.table.filter(&condition.table)? })
    }

    /// With a column over the same rows, in place of the one of this label or after all.
    ///
    /// # Errors
    /// [`FrameError::NoKernel`] if it is over other rows.
    pub fn with_column(&self, label: impl Into<Label>, column: &Column) -> Result<Self, Error> {
        Ok(Self { table: self.table.assign(vec![(label.into(), column.table.clone())])? })
    }

    /// Answers for groups of rows: triples of a column, an aggregate and what its answer is called. The keys, in order,
    /// are the index.
    ///
    /// # Errors
    /// [`FrameError::Key`] if a column is missing, [`FrameError::Type`] if it can't be aggregated so.
    pub fn group_by<'a>(
        &self,
        keys: impl IntoIterator<Item = &'a str>,
        wants: &[(&str, Agg, &str)],
    ) -> Result<Self, Error> {
        let schema = self.table.native()?;
        let wants = wants.iter().map(|(column, agg, label)| {
            let column = (*agg != Agg::Size).then(|| Label::from(*column));
            Want::new(schema, column, agg.clone(), Label::from(*label))
        });
        let keys = labels(keys);
        let group_by = GroupBy {
            names: keys.clone(),
            keys,
            wants: wants.collect::<Result<_, _>>()?,
            dropna: true,
            sort: true,
            kind: Kind::Frame,
        };
        Ok(Self { table: self.table.group_by(group_by, 1, SPLIT_EVERY)? })
    }

    /// Joins with another dataframe by columns of each, pair by pair; others that both have get the endings `_x` and `_y`.
    ///
    /// # Errors
    /// [`FrameError::Key`] if a column is missing, [`FrameError::Value`] if keys can't be compared.
    pub fn merge(&self, right: &Self, how: How, on: &[(&str, &str)]) -> Result<Self, Error> {
        let on = (labels(on.iter().map(|(l, _)| *l)), labels(on.iter().map(|(_, r)| *r)));
        let (l, r) = (self.table.native()?, right.table.native()?);
        let join = Join::new(l, r, how, on, ("_x", "_y"), false)?;
        Ok(Self { table: self.table.join(&right.table, join, None)? })
    }

    /// The rows in the order of columns, largest first where told.
    ///
    /// # Errors
    /// [`FrameError::Key`] if a column is missing.
    pub fn sort_values(&self, by: &[(&str, bool)]) -> Result<Self, Error> {
        let columns = by.iter().map(|(label, descending)| (Label::from(*label), *descending));
        let by = By { columns: columns.collect(), nulls_last: true };
        Ok(Self { table: self.table.sorted(by, self.table.n_partitions())? })
    }

    /// The first rows of all.
    ///
    /// # Errors
    /// [`FrameError::NoKernel`] if the partitions are foreign.
    pub fn head(&self, n_rows: u32) -> Result<Self, Error> {
        let every = self.table.n_partitions();
        Ok(Self { table: self.table.head(i64::from(n_rows), false, every)? })
    }

    /// The index as columns.
    ///
    /// # Errors
    /// [`FrameError::Value`] if there is a column of a level's name already.
    pub fn reset_index(&self) -> Result<Self, Error> {
        Ok(Self { table: self.table.reset_index(false)? })
    }

    /// What will be done, step by step, as text.
    #[must_use]
    pub fn explain(&self) -> String {
        plan::explain::explain(&self.table)
    }

    /// Computes the rows on the threads of this machine.
    ///
    /// # Errors
    /// Whatever keeps them from being computed, [`Error::Task`] above all.
    pub fn compute(&self) -> Result<Frame, Error> {
        self.compute_on(&Scheduler::threads())
    }

    /// Computes the rows on a scheduler.
    ///
    /// # Errors
    /// Those of [`DataFrame::compute`].
    pub fn compute_on(&self, scheduler: &Scheduler) -> Result<Frame, Error> {
        compute(scheduler, &self.table)
    }
}

/// Computes an untyped table as one frame.
///
/// # Errors
/// Whatever keeps it from being computed.
pub fn compute(scheduler: &Scheduler, table: &Table) -> Result<Frame, Error> {
    let mut foreign = false;
    let mut lowered = lower(std::slice::from_ref(table), &mut |_, _| {
        foreign = true;
        0
    });
    if foreign {
        return Err(FrameError::Unsupported("tables over tasks of other graphs".into()).into());
    }
    let task = gather(&mut lowered.graph, table, lowered.layers[0]);
    let graph = Arc::new(fuse_blockwise(&lowered.graph, &[task.layer]));
    let values = scheduler.run(&graph, &[task])?;
    let value = values.first().ok_or(Error::Cancelled)?;
    Ok(oxidask_frame::ops::frame(value)?)
}

macro_rules! comparisons {
    ($($(#[doc = $doc:literal])* $name:ident $op:ident,)*) => {$(
        $(#[doc = $doc])*
        ///
        /// # Errors
        /// [`FrameError::NoKernel`] if there is none for these dtypes.
        pub fn $name(&self, other: impl Into<Operand>) -> Result<Self, Error> {
            self.operator(Binary::$op, other)
        }
    )*};
}

/// The other side of an operator.
pub enum Operand {
    /// A column over the same rows.
    Column(Column),
    /// One value.
    Scalar(Scalar),
}

impl From<&Column> for Operand {
    fn from(column: &Column) -> Self {
        Self::Column(column.clone())
    }
}

macro_rules! scalars {
    ($($type:ty: $value:ident => $scalar:expr,)*) => {$(
        impl From<$type> for Operand {
            fn from($value: $type) -> Self {
                Self::Scalar($scalar)
            }
        }
    )*};
}

scalars! {
    i64: value => Scalar::Int(value),
    f64: value => Scalar::Float(value),
    bool: value => Scalar::Bool(value),
    &str: value => Scalar::Str(value.into()),
    Scalar: value => value,
}

impl Column {
    /// The untyped table.
    #[must_use]
    pub fn table(&self) -> &Table {
        &self.table
    }

    fn operator(&self, op: Binary, other: impl Into<Operand>) -> Result<Self, Error> {
        let (other, table) = match other.into() {
            Operand::Scalar(scalar) => (Other::Scalar(scalar), None),
            Operand::Column(column) => (Other::Input, Some(column.table)),
        };
        let operator = Operator { op, other, reflected: false };
        Ok(Self { table: self.table.operator(operator, table.as_ref())? })
    }

    comparisons! {
        /// Whether values are less.
        lt Lt,
        /// Whether values are at most so large.
        le Le,
        /// Whether values are greater.
        gt Gt,
        /// Whether values are at least so large.
        ge Ge,
        /// Whether values are equal.
        eq Eq,
        /// Whether values differ.
        ne Ne,
        /// Whether both are true.
        and And,
        /// Whether one at least is true.
        or Or,
        /// Sums.
        add Add,
        /// Differences.
        sub Sub,
        /// Products.
        mul Mul,
        /// Quotients.
        div TrueDiv,
    }

    /// A function of each value.
    ///
    /// # Errors
    /// [`FrameError::NoKernel`] if there is none for the dtype.
    pub fn map(&self, function: Unary) -> Result<Self, Error> {
        Ok(Self { table: self.table.map(Map::Unary(function))? })
    }

    /// A part of each time.
    ///
    /// # Errors
    /// [`FrameError::NoKernel`] for columns of something else.
    pub fn part(&self, part: Part) -> Result<Self, Error> {
        Ok(Self { table: self.table.accessor(Accessor::Part(part))? })
    }

    /// A function of each text.
    ///
    /// # Errors
    /// [`FrameError::NoKernel`] for columns of something else.
    pub fn text(&self, function: Text) -> Result<Self, Error> {
        Ok(Self { table: self.table.accessor(Accessor::Text(function))? })
    }

    /// Computes the values on the threads of this machine.
    ///
    /// # Errors
    /// Those of [`DataFrame::compute`].
    pub fn compute(&self) -> Result<Frame, Error> {
        compute(&Scheduler::threads(), &self.table)
    }
}
