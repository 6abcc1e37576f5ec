//! Arrays: n-dimensional arrays cut into chunks, computed chunk by chunk.
//!
//! [`plan`] is what a user builds: lazy arrays with shapes, chunks and dtypes, lowered to layers of
//! a task graph. [`kernel`] is what a task runs: mathematics on one chunk, a crate
//! of its own. [`ops`]
//! joins the two, and [`foreign`] is the way out to NumPy for what has no kernel. [`io`] reads and
//! writes storage.
//!
//! What this crate must never know: threads, schedulers, Python. Only `io` touches storage.

pub mod foreign;
pub mod io;
pub mod ops;
pub mod plan;

pub use oxidask_kernel::{dispatch, dtype, error, kernel, promote};
