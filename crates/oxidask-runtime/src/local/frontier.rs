//! Which tasks are ready, and who runs which.
//!
//! Tasks are numbered in the static order, so that a ready task's number says what to run next. A
//! task is of one of two classes: native, or in a lane (see [`oxidask_core::op::Lane`]). Tasks that are ready
//! from the start lie in sorted lists with a common cursor; what becomes ready later goes to the
//! queue of the worker that made it so.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use oxidask_core::graph::TaskGraph;

use crate::sync::{AtomicU32, AtomicUsize, Condvar, Mutex};

/// What a task needs to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Nothing: any thread at any time.
    Native,
    /// An interpreter.
    Lane,
}

const CLASSES: [Class; 2] = [Class::Native, Class::Lane];

/// Tasks that were ready from the start, ascending.
#[derive(Default)]
struct Roots {
    tasks: Vec<u32>,
    next: AtomicUsize,
}

impl Roots {
    fn peek(&self) -> Option<u32> {
        self.tasks.get(self.next.load(Ordering::Relaxed)).copied()
    }

    /// Takes `task` if it is still the next one.
    fn claim(&self, task: u32) -> bool {
        let at = self.next.load(Ordering::Relaxed);
        self.tasks.get(at) == Some(&task)
            && self.next.compare_exchange(at, at + 1, Ordering::AcqRel, Ordering::Relaxed).is_ok()
    }
}

type Heap = BinaryHeap<Reverse<u32>>;

/// Missing inputs of a task that is never run: more than a task can have.
const NEVER: u32 = u32::MAX;

/// The ready tasks of a run. See the [module](self).
pub struct Frontier {
    class: Vec<Class>,
    /// Inputs that have no value yet.
    waiting: Box<[AtomicU32]>,
    roots: [Roots; 2],
    queues: Box<[[Mutex<Heap>; 2]]>,
    n_sleeping: AtomicUsize,
    sleep: Mutex<()>,
    wake: Condvar,
}

impl Frontier {
    /// The frontier of `graph`, whose tasks are numbered in their static order, before anything
    /// ran, for `n_workers`. `is_done` says which tasks are never run, because they have their
    /// value already or because nobody needs it.
    #[must_use]
    pub fn new(graph: &TaskGraph, n_workers: usize, is_done: impl Fn(u32) -> bool) -> Self {
        let mut class = Vec::with_capacity(graph.len());
        let mut waiting = Vec::with_capacity(graph.len());
        for task in 0..graph.len() as u32 {
            class.push(if graph.op(task).lane().is_some() { Class::Lane } else { Class::Native });
            let missing = if is_done(task) {
                NEVER
            } else {
                let inputs = graph.dag().inputs.row(task);
                inputs.iter().filter(|&&input| !is_done(input)).count() as u32
            };
            waiting.push(missing);
        }
        let mut roots: [Roots; 2] = Default::default();
        for task in 0..graph.len() as u32 {
            if waiting[task as usize] == 0 {
                roots[class[task as usize] as usize].tasks.push(task);
            }
        }
        Self {
            class,
            waiting: waiting.into_iter().map(AtomicU32::new).collect(),
            roots,
            queues: (0..n_workers.max(1)).map(|_| Default::default()).collect(),
            n_sleeping: AtomicUsize::new(0),
            sleep: Mutex::new(()),
            wake: Condvar::new(),
        }
    }

    /// What a task needs.
    #[must_use]
    pub fn class(&self, task: u32) -> Class {
        self.class[task as usize]
    }

    /// The class of the task that `worker` should run next, if any is ready. Work that others
    /// have queued counts only when `worker` has none.
    #[must_use]
    pub fn best_class(&self, worker: usize) -> Option<Class> {
        let own = CLASSES.iter().filter_map(|&class| Some((self.peek(worker, class)?, class)));
        own.min_by_key(|&(task, _)| task).map(|(_, class)| class).or_else(|| {
            CLASSES.into_iter().find(|&class| {
                self.queues.iter().any(|queue| !queue[class as usize].lock().is_empty())
            })
        })
    }

    fn peek(&self, worker: usize, class: Class) -> Option<u32> {
        let queued = self.queues[worker][class as usize].lock().peek().map(|&Reverse(task)| task);
        match (queued, self.roots[class as usize].peek()) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        }
    }

    /// Takes a ready task of `class`: the first in the static order of `worker`'s queue and the
    /// roots, or else the first of another worker's queue.
    #[must_use]
    pub fn take(&self, worker: usize, class: Class) -> Option<u32> {
        let roots = &self.roots[class as usize];
        loop {
            let mut queue = self.queues[worker][class as usize].lock();
            let queued = queue.peek().map(|&Reverse(task)| task);
            match (queued, roots.peek()) {
                (Some(own), root) if root.is_none_or(|root| own < root) => {
                    queue.pop();
                    return Some(own);
                }
                (_, Some(root)) => {
                    if roots.claim(root) {
                        return Some(root);
                    }
                }
                (_, None) => break,
            }
        }
        let n = self.queues.len();
        let victims = (1..n).map(|distance| (worker + distance) % n);
        victims.into_iter().find_map(|victim| {
            let Reverse(stolen) = self.queues[victim][class as usize].lock().pop()?;
            Some(stolen)
        })
    }

    /// Tells the readers of a finished task; those that wait for nothing else become ready in
    /// `worker`'s queue.
    pub fn finished(&self, worker: usize, users: &[u32]) {
        let mut n_ready = 0;
        for &user in users {
            if self.waiting[user as usize].fetch_sub(1, Ordering::AcqRel) == 1 {
                let class = self.class[user as usize];
                self.queues[worker][class as usize].lock().push(Reverse(user));
                n_ready += 1;
            }
        }
        // The worker goes on with one of them itself.
        if n_ready > 1 {
            self.wake(n_ready - 1);
        }
    }

    /// Wakes so many sleepers, or all that there are.
    fn wake(&self, n: usize) {
        // Who goes to sleep counts itself and then locks every queue to look into it. So either it
        // does so after our push, and sees the task; or before, and the queue's lock has shown us
        // the count.
        if self.n_sleeping.load(Ordering::Relaxed) > 0 {
            let _lock = self.sleep.lock();
            for _ in 0..n.min(self.n_sleeping.load(Ordering::Relaxed)) {
                self.wake.notify_one();
            }
        }
    }

    /// Wakes every sleeper, to look whether it may go on or has to stop. Whatever it looks at must
    /// have changed before this call.
    pub fn wake_all(&self) {
        let _lock = self.sleep.lock();
        self.wake.notify_all();
    }

    /// Sleeps until somebody wakes the worker, if `is_idle` still holds, or for `limit` at most.
    pub fn sleep_while(&self, limit: Duration, is_idle: impl Fn() -> bool) {
        let mut lock = self.sleep.lock();
        self.n_sleeping.fetch_add(1, Ordering::Relaxed);
        if is_idle() {
            self.wake.wait_for(&mut lock, limit);
        }
        self.n_sleeping.fetch_sub(1, Ordering::Relaxed);
    }
}
