//! One machine: a graph on the threads of this process.
//!
//! A [`Run`] is one computation. Worker threads call [`Run::work`] and stay until it ends; the
//! caller sits in [`Run::wait`]. Threads come from a [`Pool`], from the caller (the `sync`
//! scheduler works in its own thread), or from anywhere else.
//!
//! Who owns what:
//! - [`frontier`]: how many inputs each task still waits for, and the ready tasks. Every worker has
//!   a queue; it takes the ready task that comes first in the static order out of its own queue and
//!   the common list of roots, and steals from the others when both are empty. So one worker
//!   follows the static order exactly (where tasks are of both classes, up to a time slice), and
//!   several stay close to it.
//! - [`run`]: what a computation is made of, failures, cancellation, the end.
//! - `worker`: the workers' loop, values in and out of the store.
//! - [`admission`]: how large outputs will be, learnt from the first ones, and whether a task may
//!   start now.
//! - [`pool`]: threads that are kept between computations.
//!
//! A task that needs an interpreter (see [`oxidask_core::op::Lane`]) is taken only inside it, so a
//! worker that waits for Python's lock holds no task, and one that has the lock runs task after task
//! until its time slice is over.

pub mod admission;
pub mod frontier;
pub mod pool;
pub mod run;
mod worker;

pub use pool::Pool;
pub use run::{Failure, Observer, Outcome, Run, RunOptions};
pub(crate) use worker::panic_message;
