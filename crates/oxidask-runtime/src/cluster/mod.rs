//! Clusters that run: the machines of [`oxidask_sched`] with threads, clocks and values.
//!
//! ```text
//!   ClientNode --\                          /-- WorkerNode: machine, values, threads that run ops
//!   ClientNode ---+-- SchedulerNode ------ +--- WorkerNode
//!                     machine, timer        \-- ...        values go from worker to worker
//! ```
//!
//! A node is a machine and an inbox. Nobody owns a node's turn: whoever posts a message runs the machine if nobody
//! else does ([`turn`]). So in one process a task goes from a client through the scheduler to a worker on the
//! client's own thread, and its result comes back on the worker's: two threads are woken for a round trip,
//! and none of them is a scheduler's.
//!
//! [`link::Outbox`] is where a node posts; behind it is another node of this process, or a connection.

pub mod client;
pub mod here;
pub mod host;
pub mod inline;
pub mod link;
pub mod local;
pub mod ops;
#[cfg(not(loom))]
pub mod remote;
pub mod running;
pub mod scheduler;
mod turn;
pub mod worker;

pub use self::client::{ClientNode, ClusterError};
pub use self::local::LocalCluster;
