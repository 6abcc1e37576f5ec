//! The workers' loop: tasks in time slices, values in and out of the store.
//!
//! A worker takes the class of task that is next and runs tasks of that class for a slice, native
//! ones where it stands and others in their lane. A task that needs room or values from disk is
//! handed out of the slice (of the lane, that is), admitted, and carried into the next slice with
//! its arguments.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use oxidask_core::op::{TaskContext, TaskError};
use oxidask_core::value::Value;

use super::frontier::Class;
use super::run::{Failure, Outcome, Run};
use crate::store::StoreError;

/// A sleeping worker looks for itself after so long. It is woken by then; this is for our bugs.
const LONGEST_SLEEP: Duration = Duration::from_millis(50);

/// A task with what it needs: how many bytes it reserved, and its arguments if they had to be
/// brought from disk before the lane was entered.
struct Admitted {
    task: u32,
    reserved: u64,
    args: Option<Vec<Value>>,
}

/// Ends the run when a worker leaves it, as one that panicked might leave the others waiting for
/// its task. A run that is over stays as it is.
struct Leaving<'a>(&'a Run);

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if !self.0.is_over() {
            self.0.cancel();
        }
    }
}

impl Run {
    /// Works as worker number `worker` (below [`Run::n_workers`]) until the computation is over.
    /// `poll` is called between time slices and may cancel the run by `false`.
    pub fn work(&self, worker: usize, poll: &mut dyn FnMut() -> bool) {
        let _leaving = Leaving(self);
        let mut admitted = None;
        while !self.is_over() && poll() {
            let class = match &admitted {
                Some(Admitted { task, .. }) => self.frontier.class(*task),
                None => match self.frontier.best_class(worker) {
                    Some(class) => class,
                    None => {
                        self.frontier.sleep_while(LONGEST_SLEEP, || {
                            !self.is_over() && self.frontier.best_class(worker).is_none()
                        });
                        continue;
                    }
                },
            };
            let refused = match class {
                Class::Native => self.native_slice(worker, admitted.take()),
                Class::Lane => self.lane_slice(worker, admitted.take()),
            };
            if let Some(task) = refused {
                admitted = self.guarded(task, || self.admit(task));
            }
        }
    }

    /// Runs native tasks for a time slice. Gives a task that must be admitted first.
    fn native_slice(&self, worker: usize, mut first: Option<Admitted>) -> Option<u32> {
        let mut slice = Slice::new(self.options.slice);
        let mut batch = Batch::new(self, worker);
        while !self.is_over() {
            let admitted = match first.take() {
                Some(admitted) => admitted,
                None => match self.take(worker, Class::Native)? {
                    Ok(admitted) => admitted,
                    Err(refused) => return Some(refused),
                },
            };
            batch.execute(admitted);
            if slice.is_over() {
                break;
            }
        }
        None
    }

    /// Enters the lane of the next task and runs tasks there for a time slice. Gives a task that
    /// must be admitted first.
    fn lane_slice(&self, worker: usize, mut first: Option<Admitted>) -> Option<u32> {
        let lane = self.lane?;
        let mut refused = None;
        lane.enter(&mut || {
            let start = Instant::now();
            let mut batch = Batch::new(self, worker);
            while !self.is_over() {
                let admitted = match first.take() {
                    Some(admitted) => admitted,
                    None => match self.take(worker, Class::Lane) {
                        None => break,
                        Some(Ok(admitted)) => admitted,
                        Some(Err(task)) => {
                            refused = Some(task);
                            break;
                        }
                    },
                };
                batch.execute(admitted);
                if start.elapsed() > self.options.slice {
                    break;
                }
            }
        });
        refused
    }

    /// Takes a task: admitted, or (`Err`) one that needs memory or values from disk first.
    fn take(&self, worker: usize, class: Class) -> Option<Result<Admitted, u32>> {
        let task = self.frontier.take(worker, class)?;
        let reserved = self.admission.predicted(task);
        let on_disk = self.store.has_spilled()
            && self.graph.dag().inputs.row(task).iter().any(|&i| self.store.is_on_disk(i));
        Some(if !on_disk && self.admission.try_enter(&self.store, reserved) {
            Ok(Admitted { task, reserved, args: None })
        } else {
            Err(task)
        })
    }

    /// Makes room for a task and brings its inputs to memory. Outside of any lane.
    fn admit(&self, task: u32) -> Result<Admitted, Failure> {
        let inputs = self.graph.dag().inputs.row(task);
        let on_disk: u64 = inputs.iter().map(|&input| self.store.bytes_on_disk(input)).sum();
        let reserved = self.admission.predicted(task).saturating_add(on_disk);
        let next_use = |slot: u32| self.next_use(slot, task);
        self.admission.enter(&self.store, reserved, &next_use, &|| self.is_over())?;
        if self.is_over() {
            return Err(Failure::Cancelled);
        }
        let mut args = Vec::new();
        self.gather(task, &mut args)?;
        Ok(Admitted { task, reserved, args: Some(args) })
    }

    /// When a value is read next: the first of its readers that have not run; what
    /// `current` reads is needed now, and a bare output last of all.
    pub(super) fn next_use(&self, slot: u32, current: u32) -> u64 {
        let users = self.graph.dag().users.row(slot);
        if users.contains(&current) {
            return 0;
        }
        let waiting = users.iter().filter(|&&user| !self.is_done(user));
        waiting.map(|&user| u64::from(user)).min().unwrap_or(u64::MAX)
    }

    /// Appends the arguments of a task. A value with no other reader left is moved out of the store:
    /// readers are counted down when they have run, so that none of them can come back for it.
    pub(super) fn gather(&self, task: u32, values: &mut Vec<Value>) -> Result<(), StoreError> {
        let args = self.graph.args(task);
        let repeats = args.len() != self.graph.dag().inputs.row(task).len();
        values.reserve(args.len());
        for (at, &input) in args.iter().enumerate() {
            let last = self.uses[input as usize].load(Ordering::Acquire) == 1;
            let again = repeats && args[at + 1..].contains(&input);
            values.push(if last && !again {
                self.store.take(input)?
            } else {
                self.store.get(input)?
            });
        }
        Ok(())
    }

    fn call(&self, worker: usize, task: u32, args: &mut [Value]) -> Result<Value, TaskError> {
        if let Some(observer) = &self.observer {
            observer.starting(self, task, worker)?;
        }
        let ctx = TaskContext { block: self.graph.origin(task).block, cancelled: &self.stopped };
        let value = self.graph.op(task).call(args, &ctx)?;
        if let Some(observer) = &self.observer {
            observer.finished(self, task, &value, worker)?;
        }
        Ok(value)
    }

    /// Does something for `task`, whose op, values and observer may fail or panic; then the run ends.
    fn guarded<T>(&self, task: u32, body: impl FnOnce() -> Result<T, Failure>) -> Option<T> {
        let result = catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|panic| {
            let error = TaskError::Panicked(panic_message(&*panic));
            Err(Failure::Task { key: self.graph.key(task), error })
        });
        result.map_err(|failure| self.end(Outcome::Err(failure))).ok()
    }

    /// Keeps a task's value: its inputs lose a reader, its readers an input.
    pub(super) fn settle(&self, worker: usize, task: u32, value: Value) {
        for &input in self.graph.dag().inputs.row(task) {
            if self.uses[input as usize].fetch_sub(1, Ordering::AcqRel) == 1 {
                self.store.remove(input);
            }
        }
        self.admission.learn(&self.graph, task, value.payload().nbytes());
        self.store.put(task, value);
        self.done[task as usize].store(true, Ordering::Release);
        self.frontier.finished(worker, self.graph.dag().users.row(task));
    }

    /// Counts tasks that were settled; the last one ends the computation.
    pub(super) fn retire(&self, n_done: usize) {
        if n_done > 0 && self.n_unfinished.fetch_sub(n_done, Ordering::AcqRel) == n_done {
            self.end(Ok(()));
        }
    }
}

/// The tasks that a worker runs in one time slice. What they have in common is kept here: room for
/// arguments, and how many are done, which the run learns when the slice is over.
struct Batch<'a> {
    run: &'a Run,
    worker: usize,
    args: Vec<Value>,
    n_done: usize,
}

impl<'a> Batch<'a> {
    fn new(run: &'a Run, worker: usize) -> Self {
        Self { run, worker, args: Vec::new(), n_done: 0 }
    }

    fn execute(&mut self, admitted: Admitted) {
        let Admitted { task, reserved, args } = admitted;
        let run = self.run;
        run.guarded(task, || {
            match args {
                Some(args) => self.args = args,
                None => run.gather(task, &mut self.args)?,
            }
            let value = run
                .call(self.worker, task, &mut self.args)
                .map_err(|error| Failure::Task { key: run.graph.key(task), error })?;
            // Inputs that were moved here die before their readers are counted down.
            self.args.clear();
            run.settle(self.worker, task, value);
            self.n_done += 1;
            Ok(())
        });
        // Observers look at the count.
        if run.observer.is_some() {
            run.retire(mem::take(&mut self.n_done));
        }
        run.admission.leave(reserved);
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.run.retire(self.n_done);
    }
}

/// A time slice of tasks that may take less time than a look at the clock: the shorter they are, the
/// more seldom it looks, and every 16th time at least.
struct Slice {
    limit: Duration,
    start: Instant,
    looked: Instant,
    stride: u32,
    n_skipped: u32,
}

impl Slice {
    fn new(limit: Duration) -> Self {
        let start = Instant::now();
        Self { limit, start, looked: start, stride: 1, n_skipped: 0 }
    }

    /// To be asked after every task.
    #[inline]
    fn is_over(&mut self) -> bool {
        self.n_skipped += 1;
        self.n_skipped >= self.stride && self.look()
    }

    fn look(&mut self) -> bool {
        let now = Instant::now();
        // Twice as many tasks will still take but a small part of the slice, if they are like these.
        let are_short = now - self.looked < self.limit / 32;
        self.stride = if are_short { (self.stride * 2).min(16) } else { 1 };
        self.looked = now;
        self.n_skipped = 0;
        now - self.start >= self.limit
    }
}

/// What a panic said.
pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".into())
}
