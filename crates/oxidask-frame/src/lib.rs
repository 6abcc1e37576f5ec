//! Dataframes: tables with an index, cut into partitions, with pandas' answers.
//!
//! [`kernel`] is what a task runs: mathematics on one partition, whose columns are Arrow arrays. [`dtype`] and
//! [`schema`] tell what is known without data.
//!
//! What this crate must never know: threads, schedulers, Python. Only `io` touches storage.

pub mod dtype;
pub mod error;
pub mod io;
pub mod kernel;
pub mod ops;
pub mod plan;
pub mod scalar;
pub mod schema;
