//! Oxidask for Rust: functions and what they are given become a task graph, which runs in
//! parallel, in little memory, and larger than memory where it must.
//!
//! ```
//! use oxidask::prelude::*;
//!
//! # fn main() -> Result<(), oxidask::Error> {
//! // Nothing runs yet: each call makes a task.
//! let parts: Vec<Delayed<Vec<u64>>> =
//!     (0..8).map(|i| delayed(move || (i * 100..(i + 1) * 100).collect())).collect();
//! let sums: Vec<Delayed<u64>> =
//!     parts.iter().map(|part| part.then(|numbers| numbers.iter().sum())).collect();
//! let total = join(&sums).then(|sums| sums.into_iter().sum::<u64>());
//! let mean = join((&total, &parts))
//!     .then(|(total, parts)| *total as f64 / parts.iter().map(|part| part.len() as f64).sum::<f64>());
//!
//! // Now all of it runs, what is shared once, on the threads of this machine.
//! let (total, mean) = compute((&total, &mean))?;
//! assert_eq!((*total, *mean), (319_600, 399.5));
//! # Ok(())
//! # }
//! ```
//!
//! # Where to go from here
//! - [`delayed`](delayed()), [`try_delayed`], [`delayed_pure`], [`Delayed::then`] and [`join`]
//!   make tasks; [`compute`], [`persist`] and [`Delayed::compute`] run them.
//! - [`Scheduler`] has the settings, of its own or from a configuration: threads, memory budget, [`Observer`]s for progress,
//!   [`Canceller`]s; [`Scheduler::start`] runs in the background.
//! - [`Delayed::spillable`] and the trait [`Spillable`] let values go to disk.
//! - [`GraphBuilder`] takes a graph key by key.
//! - [`mod@array`] has lazy n-dimensional arrays in chunks, [`mod@dataframe`] lazy tables in partitions.
//! - [`mod@native`] is what a worker without Python runs on a cluster.
//! - [`picture`] and [`mod@visualize`] draw graphs.
//! - [`core`] and [`runtime`] are the crates underneath, for those who write ops of their own.

pub mod array;
pub mod dataframe;
mod delayed;
mod draw;
mod error;
mod graph_builder;
mod held;
mod inputs;
mod names;
pub mod native;
pub mod prelude;
mod scheduler;
mod settings;
mod spill;
pub mod visualize;

pub use delayed::{Delayed, Joined, delayed, delayed_pure, join, try_delayed};
pub use draw::{picture, visualize};
pub use error::Error;
pub use graph_builder::{Added, GraphBuilder, KeyedGraph, TaskFunction};
pub use inputs::{Inputs, Many, One, Shape};
pub use oxidask_core as core;
pub use oxidask_core::key::Key;
pub use oxidask_core::op::TaskError;
pub use oxidask_core::tokenize::Tokenize;
pub use oxidask_runtime as runtime;
pub use oxidask_runtime::local::{Observer, Run};
pub use scheduler::{
    Canceller, Computation, Handles, Outputs, Scheduler, compute, observed, persist,
};
pub use spill::Spillable;

/// The Rust of README and guide, so that it is compiled and run with the documentation tests.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
#[doc = include_str!("../../../docs/guide/rust.md")]
struct Guide;
