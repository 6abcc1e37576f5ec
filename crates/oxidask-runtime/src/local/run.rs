//! One computation: the workers' loop.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use oxidask_core::graph::{GraphError, TaskGraph};
use oxidask_core::key::Key;
use oxidask_core::op::{Lane, TaskContext, TaskError};
use oxidask_core::value::Value;
use parking_lot::{Condvar, Mutex};

use super::admission::Admission;
use super::frontier::{Class, Frontier};
use crate::store::{Budget, Store, StoreError};

/// How long a worker keeps an interpreter before it lets others in.
pub const DEFAULT_SLICE: Duration = Duration::from_millis(1);

/// Settings of a computation.
#[derive(Clone)]
pub struct RunOptions {
    /// Most threads that may work at once.
    pub n_workers: usize,
    /// Memory and spill directory.
    pub budget: Budget,
    /// How long a worker keeps an interpreter.
    pub slice: Duration,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self { n_workers: crate::system::n_cpus(), budget: Budget::default(), slice: DEFAULT_SLICE }
    }
}

/// Who wants to know when tasks start and end. Called on the worker's thread, inside the task's
/// lane; an error ends the computation.
pub trait Observer: Send + Sync {
    /// `task` is about to run on `worker`.
    ///
    /// # Errors
    /// Whatever the observer's own code raised.
    fn starting(&self, run: &Run, task: u32, worker: usize) -> Result<(), TaskError>;

    /// `task` has run, and its readers do not know yet.
    ///
    /// # Errors
    /// Whatever the observer's own code raised.
    fn finished(&self, run: &Run, task: u32, value: &Value, worker: usize)
    -> Result<(), TaskError>;
}

/// Why a computation gave no values.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Failure {
    /// A task failed; the first one to do so.
    #[error("task {key} failed: {error}")]
    Task {
        /// The task.
        key: Key,
        /// Its failure.
        error: TaskError,
    },
    /// Values could not be kept or brought back.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The caller gave up.
    #[error("the computation was cancelled")]
    Cancelled,
}

/// How a computation ended.
pub type Outcome = Result<(), Failure>;

/// One computation. See the [module](super).
pub struct Run {
    graph: TaskGraph,
    frontier: Frontier,
    store: Store,
    admission: Admission,
    /// Readers that have not run yet, and one more for an output.
    uses: Box<[AtomicU32]>,
    done: Box<[AtomicBool]>,
    n_unfinished: AtomicUsize,
    /// The interpreter of the graph's tasks, if any needs one. (There are no graphs of two.)
    lane: Option<&'static dyn Lane>,
    observer: Option<Box<dyn Observer>>,
    options: RunOptions,
    stopped: AtomicBool,
    outcome: Mutex<Option<Outcome>>,
    ended: Condvar,
}

/// A task with what it needs: how many bytes it reserved, and its arguments if they had to be
/// brought from disk before the lane was entered.
struct Admitted {
    task: u32,
    reserved: u64,
    args: Option<Vec<Value>>,
}

impl Run {
    /// Prepares the computation of `graph`'s outputs. `given` are tasks whose values are known.
    ///
    /// # Errors
    /// If the graph has a cycle.
    pub fn new(
        graph: TaskGraph,
        given: Vec<(u32, Value)>,
        observer: Option<Box<dyn Observer>>,
        options: RunOptions,
    ) -> Result<Self, GraphError> {
        let priority = graph.order()?;
        let graph = graph.renumbered(&priority);
        let store = Store::new(options.budget.clone());
        let n = graph.len();
        let done: Box<[AtomicBool]> = (0..n).map(|_| AtomicBool::new(false)).collect();
        let mut n_unfinished = n;
        let mut finish = |task: u32, value: Value| {
            store.put(task, value);
            done[task as usize].store(true, Ordering::Relaxed);
            n_unfinished -= 1;
        };
        let mut given_any = vec![false; if given.is_empty() { 0 } else { n }];
        for (task, value) in given {
            let task = priority[task as usize];
            given_any[task as usize] = true;
            finish(task, value);
        }
        for task in 0..n as u32 {
            if !given_any.get(task as usize).copied().unwrap_or(false)
                && let Some(value) = graph.op(task).constant()
            {
                finish(task, value);
            }
        }
        let n_workers = options.n_workers.clamp(1, n.max(1));
        let frontier =
            Frontier::new(&graph, n_workers, |t| done[t as usize].load(Ordering::Relaxed));
        let mut uses: Vec<u32> =
            (0..n as u32).map(|task| graph.dag().users.row(task).len() as u32).collect();
        for &output in graph.outputs() {
            uses[output as usize] += 1;
        }
        // A task whose value was given never runs, and so never lets go of its inputs by itself.
        for task in (0..n as u32).filter(|&t| done[t as usize].load(Ordering::Relaxed)) {
            for &input in graph.dag().inputs.row(task) {
                uses[input as usize] -= 1;
            }
        }
        let outcome = (n_unfinished == 0).then_some(Ok(()));
        Ok(Self {
            frontier,
            store,
            admission: Admission::default(),
            uses: uses.into_iter().map(AtomicU32::new).collect(),
            done,
            n_unfinished: AtomicUsize::new(n_unfinished),
            lane: (0..n as u32).find_map(|task| graph.op(task).lane()),
            observer,
            options: RunOptions { n_workers, ..options },
            stopped: AtomicBool::new(outcome.is_some()),
            outcome: Mutex::new(outcome),
            ended: Condvar::new(),
            graph,
        })
    }

    /// The graph; its tasks are numbered in the static order.
    #[must_use]
    pub fn graph(&self) -> &TaskGraph {
        &self.graph
    }

    /// The values.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Most threads that may work at once: never more than there are tasks.
    #[must_use]
    pub fn n_workers(&self) -> usize {
        self.options.n_workers
    }

    /// Whether a task has run, or had its value from the start.
    #[must_use]
    pub fn is_done(&self, task: u32) -> bool {
        self.done[task as usize].load(Ordering::Acquire)
    }

    /// Number of tasks that have not run yet.
    #[must_use]
    pub fn n_unfinished(&self) -> usize {
        self.n_unfinished.load(Ordering::Relaxed)
    }

    /// Whether the computation is over, well or not.
    #[must_use]
    #[inline]
    pub fn is_over(&self) -> bool {
        self.stopped.load(Ordering::Acquire)
    }

    /// Ends the computation: tasks that have not started never will.
    pub fn cancel(&self) {
        self.end(Err(Failure::Cancelled));
    }

    /// The outcome, once the computation is over.
    #[must_use]
    pub fn outcome(&self) -> Option<Outcome> {
        self.outcome.lock().clone()
    }

    /// Waits for the end. Every `interval`, `poll` is called and may cancel the run by `false`.
    ///
    /// # Errors
    /// Why the computation gave no values.
    pub fn wait(&self, interval: Duration, poll: &mut dyn FnMut() -> bool) -> Outcome {
        loop {
            let mut outcome = self.outcome.lock();
            if outcome.is_none() {
                self.ended.wait_for(&mut outcome, interval);
            }
            if let Some(outcome) = &*outcome {
                return outcome.clone();
            }
            drop(outcome);
            if !poll() {
                self.cancel();
            }
        }
    }

    fn end(&self, how: Outcome) {
        let mut outcome = self.outcome.lock();
        if outcome.is_none() {
            *outcome = Some(how);
        }
        drop(outcome);
        self.stopped.store(true, Ordering::Release);
        self.ended.notify_all();
        self.frontier.wake_all();
    }

    /// Works as worker number `worker` (below [`Run::n_workers`]) until the computation is over.
    /// `poll` is called between time slices and may cancel the run by `false`.
    pub fn work(&self, worker: usize, poll: &mut dyn FnMut() -> bool) {
        let mut admitted = None;
        while !self.is_over() {
            if !poll() {
                self.cancel();
                return;
            }
            let class = match &admitted {
                Some(Admitted { task, .. }) => self.frontier.class(*task),
                None => match self.frontier.best_class(worker) {
                    Some(class) => class,
                    None => {
                        self.frontier.sleep_while(Duration::from_millis(50), || {
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
                admitted = self.admit(task);
            }
        }
    }

    /// Runs native tasks for a time slice. Gives a task that must be admitted first.
    fn native_slice(&self, worker: usize, first: Option<Admitted>) -> Option<u32> {
        let start = Instant::now();
        let mut next = first;
        let mut batch = Batch::new(self, worker);
        while !self.is_over() {
            let admitted = match next.take() {
                Some(admitted) => admitted,
                None => match self.take(worker, Class::Native)? {
                    Ok(admitted) => admitted,
                    Err(refused) => return Some(refused),
                },
            };
            batch.execute(admitted);
            if batch.n_done.is_multiple_of(16) && start.elapsed() > self.options.slice {
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
    fn admit(&self, task: u32) -> Option<Admitted> {
        let inputs = self.graph.dag().inputs.row(task);
        let on_disk: u64 = inputs.iter().map(|&input| self.store.bytes_on_disk(input)).sum();
        let reserved = self.admission.predicted(task).saturating_add(on_disk);
        let next_use = |slot: u32| self.next_use(slot, task);
        let entered = self.admission.enter(&self.store, reserved, &next_use, &|| self.is_over());
        if let Err(error) = entered {
            self.end(Err(error.into()));
            return None;
        }
        let mut args = Vec::new();
        match self.gather(task, &mut args) {
            Ok(()) => Some(Admitted { task, reserved, args: Some(args) }),
            Err(error) => {
                self.admission.leave(reserved);
                self.end(Err(error.into()));
                None
            }
        }
    }

    /// When a value is read next: the first of its readers that have not run; what
    /// `current` reads is needed now, and a bare output last of all.
    fn next_use(&self, slot: u32, current: u32) -> u64 {
        let users = self.graph.dag().users.row(slot);
        if users.contains(&current) {
            return 0;
        }
        let waiting = users.iter().filter(|&&user| !self.is_done(user));
        waiting.map(|&user| u64::from(user)).min().unwrap_or(u64::MAX)
    }

    /// Appends the arguments of a task. A value with no other reader left is moved out of the store.
    fn gather(&self, task: u32, values: &mut Vec<Value>) -> Result<(), StoreError> {
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
        let op = self.graph.op(task);
        let value = catch_unwind(AssertUnwindSafe(|| op.call(args, &ctx)))
            .unwrap_or_else(|panic| Err(TaskError::Panicked(panic_message(&*panic))))?;
        if let Some(observer) = &self.observer {
            observer.finished(self, task, &value, worker)?;
        }
        Ok(value)
    }

    /// Notes the value of a task that was taken for elsewhere.
    pub fn finish(&self, task: u32, value: Value) {
        self.settle(0, task, value);
        self.retire(1);
    }

    /// Keeps a task's value: its inputs lose a reader, its readers an input.
    fn settle(&self, worker: usize, task: u32, value: Value) {
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
    fn retire(&self, n_done: usize) {
        if n_done > 0 && self.n_unfinished.fetch_sub(n_done, Ordering::AcqRel) == n_done {
            self.end(Ok(()));
        }
    }

    /// Ends the computation with a task's failure.
    pub fn fail(&self, task: u32, error: TaskError) {
        self.end(Err(Failure::Task { key: self.graph.key(task), error }));
    }

    /// Takes the next ready task for an executor outside of this process, with its arguments, or
    /// nothing if none is ready. The executor answers by [`Run::finish`] or [`Run::fail`].
    ///
    /// # Errors
    /// If the arguments can't be brought to memory.
    pub fn take_for_elsewhere(&self) -> Result<Option<(u32, Vec<Value>)>, Failure> {
        let class = self.frontier.best_class(0);
        let Some(task) = class.and_then(|class| self.frontier.take(0, class)) else {
            return Ok(None);
        };
        if self.store.is_pressed(0) {
            self.store.relieve(0, &|slot| self.next_use(slot, task))?;
        }
        let mut args = Vec::new();
        self.gather(task, &mut args)?;
        Ok(Some((task, args)))
    }

    /// The values of the outputs, once the run has ended well.
    ///
    /// # Errors
    /// If one can't be read back from disk.
    pub fn values(&self) -> Result<Vec<Value>, StoreError> {
        self.graph.outputs().iter().map(|&task| self.store.get(task)).collect()
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
        let gathered = match args {
            Some(args) => {
                self.args = args;
                Ok(())
            }
            None => self.run.gather(task, &mut self.args),
        };
        match gathered.map(|()| self.run.call(self.worker, task, &mut self.args)) {
            Ok(Ok(value)) => {
                self.args.clear();
                self.run.settle(self.worker, task, value);
                self.n_done += 1;
                // Observers look at the count.
                if self.run.observer.is_some() {
                    self.run.retire(std::mem::take(&mut self.n_done));
                }
            }
            Ok(Err(error)) => self.run.fail(task, error),
            Err(error) => self.run.end(Err(error.into())),
        }
        self.args.clear();
        self.run.admission.leave(reserved);
    }
}

impl Drop for Batch<'_> {
    fn drop(&mut self) {
        self.run.retire(self.n_done);
    }
}

fn panic_message(panic: &(dyn std::any::Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".into())
}

/// Runs `run` on the threads of `pool` and waits, polling every 20 ms. If the system gives no
/// thread, the caller's own does the work.
///
/// # Errors
/// Why the computation gave no values.
pub fn compute(run: &Arc<Run>, pool: &super::Pool, poll: &mut dyn FnMut() -> bool) -> Outcome {
    let mut n_started = 0;
    for worker in 0..run.n_workers() {
        let work = Arc::clone(run);
        n_started +=
            usize::from(pool.serve(Box::new(move || work.work(worker, &mut || true))).is_ok());
    }
    if n_started == 0 {
        run.work(0, poll);
    }
    run.wait(Duration::from_millis(20), poll)
}
