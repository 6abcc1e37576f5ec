//! The classes behind `oxidask.dataframe`: tables of `oxidask-frame`, partitions as pandas objects, and Python's
//! functions of partitions.
//!
//! [`expr`] is the handle to a table and what is done with tables, [`pandas`] carries partitions across the border,
//! [`labels`] labels and scalars, [`values`] knows functions of values by their names, [`layer`] makes layers of Python
//! functions, and [`files`] reads and writes.

pub(crate) mod expr;
pub(crate) mod files;
pub(crate) mod held;
pub(crate) mod labels;
pub(crate) mod layer;
pub(crate) mod memory;
pub(crate) mod pandas;
pub(crate) mod values;

pub(crate) use expr::FrameExpr;
pub(crate) use files::{frame_read_csv, frame_read_parquet, frame_write, parquet_summary};
pub(crate) use held::{HeldValue, rebuild_held_value};
pub(crate) use layer::{frame_from_graph, frame_python_layer};
pub(crate) use memory::{ColumnMemory, TextColumn};
pub(crate) use pandas::{frame_from_pandas, frame_to_pandas};
