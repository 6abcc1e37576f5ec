//! The threads of a worker: they take tasks, run them and report.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use oxidask_core::key::Key;
use oxidask_sched::worker::Event;

use super::WorkerNode;
use super::job::{Job, run};
use crate::cluster::running::Running;
use crate::cluster::turn::after;

/// Threads within [`WorkerNode::work`].
#[derive(Default)]
pub(super) struct Threads {
    /// Those that were told to look for work and have not yet.
    pub(super) n_wakes: u32,
    /// Those that run no task that has seceded.
    pub(super) n_serving: u32,
}

impl WorkerNode {
    /// Runs tasks until the worker is closed, or until there are more threads than the worker was announced with:
    /// after a task that had seceded. `thread` is the number that the tasks are said to have run on.
    pub fn work(&self, thread: u32) {
        self.threads.lock().n_serving += 1;
        let mut next = self.next_job();
        while let Some(job) = next {
            let (task, run_id) = (job.compute.task, job.compute.run);
            let running = Running::new(&job.compute, thread, self.this.clone());
            self.running.lock().push(running.clone());
            let (outcome, landed) = run(job, &running, &*self.ops, self.inline, &self.memory);
            self.running.lock().retain(|other| !Arc::ptr_eq(other, &running));
            if running.has_seceded() {
                self.threads.lock().n_serving += 1;
            }
            // That this one has ended and the next one begins is news of one message.
            let after_it = after(|| {
                self.report(task, run_id, outcome, landed);
                self.may_go_on().then(|| self.take_job()).flatten()
            });
            self.relieve_in_turn();
            next = after_it.or_else(|| self.next_job());
        }
    }

    /// Starts a thread that runs tasks. Who wants threads of another kind calls [`WorkerNode::work`] from them.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start_thread(&self) -> std::io::Result<()> {
        let Some(this) = self.this.upgrade() else { return Ok(()) };
        let number = self.n_started.fetch_add(1, Ordering::Relaxed);
        let name = format!("oxidask-task-{number}");
        let thread = thread::Builder::new().name(name).spawn(move || this.work(number))?;
        self.own_threads.lock().push(thread);
        Ok(())
    }

    /// Waits for the threads that the worker has started itself: they end once it is closed.
    pub(in crate::cluster) fn join_threads(&self) {
        loop {
            let threads = std::mem::take(&mut *self.own_threads.lock());
            if threads.is_empty() {
                return;
            }
            for thread in threads {
                // A thread that panicked has said so.
                drop(thread.join());
            }
        }
    }

    /// The tasks that run now, with the numbers of their threads.
    #[must_use]
    pub fn running(&self) -> Vec<(Key, u32)> {
        self.running.lock().iter().map(|running| (running.key.clone(), running.thread)).collect()
    }

    /// A task goes on without a thread's place.
    pub(in crate::cluster) fn seceded(&self, running: &Running) {
        let needed = {
            let mut threads = self.threads.lock();
            threads.n_serving = threads.n_serving.saturating_sub(1);
            threads.n_serving < self.n_threads
        };
        let (task, run) = (running.task, running.run);
        self.happened(Event::Seceded { task, run });
        let is_open = needed && !self.is_closed();
        if is_open && !self.host().thread_needed() && self.start_thread().is_err() {
            self.trouble("the system gives no thread for the place that a task has left");
        }
    }

    /// A task takes a thread's place again.
    pub(in crate::cluster) fn rejoined(&self, running: &Running) {
        self.threads.lock().n_serving += 1;
        let (task, run) = (running.task, running.run);
        self.happened(Event::Rejoined { task, run });
    }

    /// Whether the calling thread is still one of the worker's.
    fn may_go_on(&self) -> bool {
        !self.is_closed() && self.threads.lock().n_serving <= self.n_threads
    }

    /// The next task for a thread, when there is one; none if the thread is not needed any more.
    fn next_job(&self) -> Option<Job> {
        loop {
            if self.is_closed() {
                return None;
            }
            // What a turn makes due has its turn before this thread waits.
            if let Some(job) = after(|| self.take_job()) {
                return Some(job);
            }
            let mut threads = self.threads.lock();
            loop {
                if threads.n_serving > self.n_threads {
                    threads.n_serving -= 1;
                    return None;
                }
                if threads.n_wakes > 0 || self.is_closed() {
                    break;
                }
                self.work.wait(&mut threads);
            }
            threads.n_wakes = threads.n_wakes.saturating_sub(1);
        }
    }
}
