//! Arrays: n-dimensional arrays cut into chunks, computed chunk by chunk.
//!
//! [`plan`] is what a user builds: lazy arrays with shapes, chunks and dtypes, lowered to layers of
//! a task graph. [`kernel`] is what a task runs: mathematics on one chunk, without Python. [`ops`]
//! joins the two, and [`foreign`] is the way out to NumPy for what has no kernel. `io` reads and
//! writes storage.
//!
//! What this crate must never know: threads, schedulers, Python. `kernel` never imports `plan`;
//! only `io` touches storage.

pub mod dtype;
pub mod error;
pub mod foreign;
pub mod kernel;
pub mod ops;
pub mod plan;
pub mod promote;
