//! Where nodes post their messages, and where they get each other's values.

use std::sync::Arc;

use oxidask_core::value::Value;
use oxidask_sched::ids::{TaskId, WorkerId};

/// The way to one other node.
pub trait Outbox<T>: Send + Sync {
    /// Posts messages, after all that were posted before. Does not block and runs no machine: callers hold
    /// locks.
    fn post(&self, messages: Vec<T>);
}

/// Values as a peer gives them: those that it has, of those that it was asked for.
pub type Fetched = Vec<(TaskId, Value)>;

/// The way to the values of workers.
pub trait Peers: Send + Sync {
    /// Where a worker is reached. Does not block.
    fn learn(&self, worker: WorkerId, address: &str) {
        let _ = (worker, address);
    }

    /// Asks a worker for values. Does not block, and callers hold locks. `then` is called once, without them, from any thread, with none if the worker can't be
    /// reached.
    fn fetch(
        &self,
        from: WorkerId,
        tasks: Vec<TaskId>,
        then: Box<dyn FnOnce(Option<Fetched>) + Send>,
    );
}

/// Peers of a process, by number.
pub type SharedPeers = Arc<dyn Peers>;
