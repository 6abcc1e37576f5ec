//! Clusters for Python: schedulers, workers and clients of this process.
//!
//! [`client`] and [`future`] are what users hold; [`submit`] and [`graph`] make tasks of what they ask
//! for, [`call`] is those tasks as objects and as bytes, [`function`] what is sent once, [`task_here`] a task
//! that is run by hand, [`annotated`] what is said about tasks. [`scheduler`] and
//! [`worker`] are the other two kinds of nodes, and [`host`] how the machines ask Python code.

mod annotated;
mod call;
mod client;
mod data;
mod failure;
mod function;
mod future;
mod graph;
mod host;
mod link;
mod options;
mod patience;
mod process;
mod running;
mod scatter;
mod scheduler;
mod submit;
mod task_here;
mod worker;

pub(crate) use client::ClientCore;
pub(crate) use future::{FutureCore, FutureRef};
pub(crate) use process::temporary_certificates;
pub(crate) use running::{RunningTask, running_task};
pub(crate) use scheduler::SchedulerCore;
pub(crate) use task_here::TaskHere;
pub(crate) use worker::WorkerCore;
