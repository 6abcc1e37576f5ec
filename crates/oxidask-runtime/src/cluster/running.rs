//! What a task knows of itself while it runs, and how it leaves its thread's place to others.
//!
//! An op is called with its inputs and no more; one that submits tasks of its own, or is an actor, asks here
//! which task it is. A task that will wait for others secedes first: its thread goes on outside of the worker's
//! count and another one takes its place, so that a worker of one thread can run what it waits for.

use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use oxidask_core::key::Key;
use oxidask_sched::ids::{RunId, TaskId};
use oxidask_sched::message::Compute;

use super::worker::WorkerNode;

/// A task that runs.
pub struct Running {
    /// Its name.
    pub key: Key,
    /// What workers and the scheduler know it by.
    pub task: TaskId,
    /// This attempt.
    pub run: RunId,
    /// The number of the thread that runs it.
    pub thread: u32,
    /// Its value is an actor: it stays here, and others get something that calls it.
    pub is_actor: bool,
    worker: Weak<WorkerNode>,
    seceded: AtomicBool,
}

thread_local! {
    static CURRENT: RefCell<Option<Arc<Running>>> = const { RefCell::new(None) };
}

/// The task that the calling thread runs; none if it runs none.
#[must_use]
pub fn current() -> Option<Arc<Running>> {
    CURRENT.with_borrow(Clone::clone)
}

impl Running {
    pub(super) fn new(compute: &Compute, thread: u32, worker: Weak<WorkerNode>) -> Arc<Self> {
        Arc::new(Self {
            key: compute.key.clone(),
            task: compute.task,
            run: compute.run,
            thread,
            is_actor: compute.actor,
            worker,
            seceded: AtomicBool::new(false),
        })
    }

    /// The worker that runs it; none if that is gone.
    #[must_use]
    pub fn worker(&self) -> Option<Arc<WorkerNode>> {
        self.worker.upgrade()
    }

    /// Leaves the thread's place to others: the task goes on without one. Once is enough.
    pub fn secede(&self) {
        if !self.seceded.swap(true, Ordering::Relaxed)
            && let Some(worker) = self.worker()
        {
            worker.seceded(self);
        }
    }

    /// Takes a thread's place again, if the task had left its own. The worker starts no other task until
    /// those that run are as many as its threads.
    pub fn rejoin(&self) {
        if self.seceded.swap(false, Ordering::Relaxed)
            && let Some(worker) = self.worker()
        {
            worker.rejoined(self);
        }
    }

    /// Whether the task goes on without a thread's place.
    #[must_use]
    pub fn has_seceded(&self) -> bool {
        self.seceded.load(Ordering::Relaxed)
    }

    /// Runs `body` as this task, on the calling thread.
    pub(super) fn during<R>(self: &Arc<Self>, body: impl FnOnce() -> R) -> R {
        let before = CURRENT.replace(Some(self.clone()));
        let _restore = Restore(before);
        body()
    }
}

/// Ends what [`Running::during`] began, also by a panic.
struct Restore(Option<Arc<Running>>);

impl Drop for Restore {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}
