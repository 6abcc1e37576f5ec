//! Where nodes post their messages, and where they get each other's values.

use std::sync::Arc;

use oxidask_core::value::Value;
use oxidask_sched::ids::{TaskId, WorkerId};

/// The way to one other node.
pub trait Outbox<T>: Send + Sync {
    /// Posts messages, after all that were posted before. Does not block and runs no machine: callers hold
    /// locks.
    fn post(&self, messages: Vec<T>);

    /// As [`Outbox::post`], for what may wait a few milliseconds, or for the next that is posted or flushed.
    fn post_later(&self, messages: Vec<T>) {
        self.post(messages);
    }

    /// Nothing that was posted waits any longer. Callers hold no locks.
    fn flush(&self) {}

    /// Nothing more is posted: the other side is let go. Callers hold no locks.
    fn close(&self) {}
}

/// Values as a peer gives them: those that it has, of those that it was asked for; or why one can't come here.
pub type Fetched = Vec<(TaskId, Result<Value, Arc<str>>)>;

/// Takes what a fetch brought, once; none if the worker can't be reached.
pub type ThenFetched = Box<dyn FnOnce(Option<Fetched>) + Send>;

/// Takes whether a value was put, once; or why not.
pub type ThenPut = Box<dyn FnOnce(Result<(), Arc<str>>) + Send>;

/// The way to the values of workers.
pub trait Peers: Send + Sync {
    /// Where a worker is reached. Does not block.
    fn learn(&self, worker: WorkerId, address: &str) {
        let _ = (worker, address);
    }

    /// Nobody is known any more: the numbers of workers are those of another scheduler. Callers hold no locks.
    fn forget(&self) {}

    /// Asks a worker for values. Does not block, and callers hold locks. `then` is called without them, from
    /// any thread.
    fn fetch(&self, from: WorkerId, tasks: Vec<TaskId>, then: ThenFetched);

    /// Gives a worker a value that the scheduler has found a place for there. As [`Peers::fetch`].
    fn put(&self, to: WorkerId, task: TaskId, value: Value, then: ThenPut);
}

/// Peers of a process, by number.
pub type SharedPeers = Arc<dyn Peers>;
