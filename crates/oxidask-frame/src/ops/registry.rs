//! Every kernel there is, as one type.

use std::borrow::Cow;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use super::{
    Kernel, accessor, attempt, choose, elementwise, exchange, files, group, join, select, sort,
    source, transform,
};
use crate::error::Result;

macro_rules! kernels {
    ($($(#[doc = $doc:literal])* $(#[cfg($cfg:meta)])? $variant:ident($kernel:ty),)*) => {
        /// Any kernel. It has a byte form, from which names are hashed too.
        #[derive(Clone, Debug, Serialize, Deserialize)]
        pub enum AnyKernel {
            $($(#[doc = $doc])* $(#[cfg($cfg)])? $variant($kernel),)*
        }

        $($(#[cfg($cfg)])? impl From<$kernel> for AnyKernel {
            fn from(kernel: $kernel) -> Self {
                Self::$variant(kernel)
            }
        })*

        impl Kernel for AnyKernel {
            fn name(&self) -> Cow<'_, str> {
                match self { $($(#[cfg($cfg)])? Self::$variant(kernel) => kernel.name(),)* }
            }

            fn run(&self, inputs: &mut [Value], block: u32) -> Result<Value> {
                match self { $($(#[cfg($cfg)])? Self::$variant(kernel) => kernel.run(inputs, block),)* }
            }
        }
    };
}

kernels! {
    /// Slices of a frame in memory.
    FromFrame(source::FromFrame),
    /// Some columns.
    Project(select::Project),
    /// Rows by a condition.
    Filter(select::Filter),
    /// The first or last rows.
    Head(select::Head),
    /// Columns from other partitions.
    Assign(select::Assign),
    /// A series of one value.
    Constant(select::Constant),
    /// Other labels.
    Relabel(select::Relabel),
    /// The index as columns.
    ResetIndex(select::ResetIndex),
    /// Columns as the index.
    SetIndex(select::SetIndex),
    /// Partitions one after the other.
    Concat(exchange::Concat),
    /// A part of what was cut up.
    Pick(exchange::Pick),
    /// Rows by position.
    SliceRows(exchange::SliceRows),
    /// An operator of two operands.
    Operator(elementwise::Operator),
    /// A function of each value.
    Map(elementwise::Map),
    /// A function of `.str` or `.dt`.
    Accessor(accessor::Accessor),
    /// Values where a condition holds, others elsewhere.
    Choose(choose::Choose),
    /// A kernel, and whom to ask where it has none for the data.
    Attempt(attempt::Attempt),
    /// Text tables.
    ReadCsv(files::ReadCsv),
    /// Parquet files.
    #[cfg(feature = "parquet")]
    ReadParquet(files::ReadParquet),
    /// Files of partitions.
    Write(files::Write),
    /// States of groups.
    GroupPartial(group::GroupPartial),
    /// States of states.
    GroupMerge(group::GroupMerge),
    /// Answers by states.
    GroupFinish(group::GroupFinish),
    /// Answers by whole groups.
    GroupWhole(group::GroupWhole),
    /// Answers of several partitions, each group in one of them.
    GroupOrdered(group::GroupOrdered),
    /// Values for rows by whole groups.
    GroupTransform(transform::GroupTransform),
    /// Two partitions joined.
    Join(join::Join),
    /// Rows in order.
    Sort(sort::Sort),
    /// Keys of some rows.
    Sample(sort::Sample),
    /// Keys between ranges.
    Splits(sort::Splits),
    /// Rows cut by ranges.
    SplitRanges(sort::SplitRanges),
    /// Rows cut by hash.
    SplitHash(sort::SplitHash),
    /// Rows without those like others.
    Distinct(sort::Distinct),
}
