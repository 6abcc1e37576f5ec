//! The mathematics of one chunk of an array: no plans, no graphs, no Python.
//!
//! A crate of its own because it isolates the heavy dependencies (matrices, transforms) and all
//! the loops that are compiled for many dtypes and instruction sets: `oxidask-array`, which changes
//! more often, builds in seconds without them. [`kernel`] has the mathematics, [`dtype`] and
//! [`promote`] the types of elements, [`error`] what can go wrong.
//!
//! What this crate must never know: plans, tasks, graphs, threads, storage, Python.

pub mod dtype;
pub mod error;
pub mod kernel;
pub mod promote;
