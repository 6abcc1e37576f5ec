//! Threads that are kept between computations.
//!
//! A pool grows to what its computations ask for, so that none waits for another's threads (a task
//! may compute in its turn), and a thread that had nothing to do for a while ends. How a thread is
//! made is the caller's business: under Python they are Python's own.

use std::sync::Arc;
use std::time::Duration;

use crate::sync::{Condvar, Mutex};

/// What a thread is given to do.
pub type Job = Box<dyn FnOnce() + Send>;

/// Starts a thread that runs the given body to its end.
pub type Spawn = Box<dyn Fn(Job) -> Result<(), std::io::Error> + Send + Sync>;

/// How long an idle thread is kept.
pub const IDLE_LIMIT: Duration = Duration::from_secs(10);

/// A pool of threads. Cloning gives another handle.
#[derive(Clone)]
pub struct Pool(Arc<Inner>);

struct Inner {
    spawn: Spawn,
    idle: Mutex<Vec<Arc<Seat>>>,
    idle_limit: Duration,
}

/// Where an idle thread waits.
#[derive(Default)]
struct Seat {
    job: Mutex<Option<Job>>,
    filled: Condvar,
}

impl Pool {
    /// A pool whose threads are made by `spawn` and end after `idle_limit` without work.
    #[must_use]
    pub fn new(spawn: Spawn, idle_limit: Duration) -> Self {
        Self(Arc::new(Inner { spawn, idle: Mutex::new(Vec::new()), idle_limit }))
    }

    /// Gives `job` to an idle thread, or to a new one.
    ///
    /// # Errors
    /// If there is no idle thread and the system gives no new one; the job is dropped.
    pub fn serve(&self, job: Job) -> std::io::Result<()> {
        let seat = self.0.idle.lock().pop();
        match seat {
            Some(seat) => {
                *seat.job.lock() = Some(job);
                seat.filled.notify_one();
                Ok(())
            }
            None => {
                let inner = Arc::clone(&self.0);
                (self.0.spawn)(Box::new(move || inner.live(job)))
            }
        }
    }

    /// Number of threads that wait for work.
    #[must_use]
    pub fn n_idle(&self) -> usize {
        self.0.idle.lock().len()
    }
}

impl Inner {
    /// A thread's life: the first job, then whatever comes while it waits.
    fn live(&self, first: Job) {
        first();
        loop {
            let seat = Arc::new(Seat::default());
            self.idle.lock().push(Arc::clone(&seat));
            match self.next_job(&seat) {
                Some(job) => job(),
                None => return,
            }
        }
    }

    /// Waits for a job; after `idle_limit` without one, gives up the seat.
    fn next_job(&self, seat: &Arc<Seat>) -> Option<Job> {
        let mut job = seat.job.lock();
        if job.is_none() {
            seat.filled.wait_for(&mut job, self.idle_limit);
        }
        while job.is_none() {
            // Locked one after the other: `serve` takes the seat first and fills it then.
            drop(job);
            let mut idle = self.idle.lock();
            if let Some(at) = idle.iter().position(|other| Arc::ptr_eq(other, seat)) {
                idle.swap_remove(at);
                return None;
            }
            drop(idle);
            // Somebody has taken the seat and is about to fill it.
            job = seat.job.lock();
            if job.is_none() {
                seat.filled.wait(&mut job);
            }
        }
        job.take()
    }
}

impl Default for Pool {
    /// A pool of the standard library's threads.
    fn default() -> Self {
        let spawn: Spawn = Box::new(|body| {
            let thread = std::thread::Builder::new().name("oxidask-worker".into());
            thread.spawn(body).map(drop)
        });
        Self::new(spawn, IDLE_LIMIT)
    }
}
