//! What a task runs: mathematics on one partition, whole in memory.
//!
//! Functions here take frames and arrays and give such; order of rows is kept unless a function says otherwise.
//! What this module must never know: plans, tasks, files, Python.

pub mod asof;
pub mod calendar;
mod code;
pub mod column;
pub mod distinct;
pub mod elementwise;
mod equal;
pub mod frame;
pub mod group;
pub mod hash;
mod ids;
pub mod join;
mod pack;
pub mod partition;
mod prefix;
mod radix;
pub mod sort;
pub mod text;
pub mod time;
pub mod top;
pub mod values;
pub mod window;

pub use frame::{Frame, RowLabels};
