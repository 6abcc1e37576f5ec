//! One computation: what it is made of, how it begins and how it ends. Its workers' loop is in
//! [`super::worker`].

use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use oxidask_core::graph::{GraphError, TaskGraph};
use oxidask_core::key::Key;
use oxidask_core::op::{Lane, TaskError};
use oxidask_core::value::Value;
use rustc_hash::FxHashMap;

use super::admission::Admission;
use super::frontier::Frontier;
use crate::store::{Budget, Store, StoreError};
use crate::sync::{AtomicBool, AtomicU32, AtomicUsize, Condvar, Mutex};

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
    pub(super) graph: TaskGraph,
    pub(super) frontier: Frontier,
    pub(super) store: Store,
    pub(super) admission: Admission,
    /// Readers that have not run yet, and one more for each time that it is an output.
    pub(super) uses: Box<[AtomicU32]>,
    pub(super) done: Box<[AtomicBool]>,
    pub(super) n_unfinished: AtomicUsize,
    /// The interpreter of the graph's tasks, if any needs one. (There are no graphs of two.)
    pub(super) lane: Option<&'static dyn Lane>,
    pub(super) observer: Option<Box<dyn Observer>>,
    pub(super) options: RunOptions,
    /// Ops look at it, so that it is none of [`crate::sync`]'s.
    pub(super) stopped: std::sync::atomic::AtomicBool,
    outcome: Mutex<Option<Outcome>>,
    ended: Condvar,
}

impl Run {
    /// Prepares the computation of `graph`'s outputs. `given` are tasks whose values are known.
    /// Tasks that only given ones need are not run.
    ///
    /// # Errors
    /// If the graph has a cycle.
    ///
    /// # Panics
    /// If a given task isn't in the graph.
    pub fn new(
        graph: TaskGraph,
        given: Vec<(u32, Value)>,
        observer: Option<Box<dyn Observer>>,
        options: RunOptions,
    ) -> Result<Self, GraphError> {
        let priority = graph.order()?;
        let graph = graph.renumbered(&priority);
        let given: FxHashMap<u32, Value> =
            given.into_iter().map(|(task, value)| (priority[task as usize], value)).collect();
        let start = Start::new(&graph, given);
        let store = Store::new(options.budget.clone());
        let n_unfinished = start.is_done.iter().filter(|&&done| !done).count();
        let n_workers = options.n_workers.clamp(1, n_unfinished.max(1));
        let outcome = (n_unfinished == 0).then_some(Ok(()));
        for (task, value) in start.values {
            store.put(task, value);
        }
        Ok(Self {
            frontier: Frontier::new(&graph, n_workers, |task| start.is_done[task as usize]),
            store,
            admission: Admission::default(),
            uses: start.uses.into_iter().map(AtomicU32::new).collect(),
            done: start.is_done.into_iter().map(AtomicBool::new).collect(),
            n_unfinished: AtomicUsize::new(n_unfinished),
            lane: (0..graph.len() as u32).find_map(|task| graph.op(task).lane()),
            observer,
            options: RunOptions { n_workers, ..options },
            stopped: std::sync::atomic::AtomicBool::new(outcome.is_some()),
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

    /// Most threads that may work at once: never more than there are tasks to run.
    #[must_use]
    pub fn n_workers(&self) -> usize {
        self.options.n_workers
    }

    /// Whether a task has run, or need not run.
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

    pub(super) fn end(&self, how: Outcome) {
        let mut outcome = self.outcome.lock();
        if outcome.is_none() {
            *outcome = Some(how);
            // Before the waiter can know: when it does, no task starts any more.
            self.stopped.store(true, Ordering::Release);
        }
        drop(outcome);
        self.ended.notify_all();
        self.frontier.wake_all();
        self.admission.look_again();
    }

    /// Notes the value of a task that was taken for elsewhere. Of several values the first counts.
    pub fn finish(&self, task: u32, value: Value) {
        if !self.done[task as usize].swap(true, Ordering::AcqRel) {
            self.settle(0, task, value);
            self.retire(1);
        }
    }

    /// Ends the computation with a task's failure.
    pub fn fail(&self, task: u32, error: TaskError) {
        self.end(Err(Failure::Task { key: self.graph.key(task), error }));
    }

    /// Takes the next ready task for an executor outside of this process, with its arguments, or
    /// nothing if none is ready or the computation is over. The executor answers by [`Run::finish`] or [`Run::fail`].
    ///
    /// # Errors
    /// If the arguments can't be brought to memory.
    pub fn take_for_elsewhere(&self) -> Result<Option<(u32, Vec<Value>)>, Failure> {
        let class = self.frontier.best_class(0).filter(|_| !self.is_over());
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

    /// As [`Run::values`], but the run lets go of them: an output asked for once may be the only
    /// handle to its value then.
    ///
    /// # Errors
    /// As [`Run::values`]; also if they were taken before.
    pub fn take_values(&self) -> Result<Vec<Value>, StoreError> {
        let outputs = self.graph.outputs();
        let mut places: FxHashMap<u32, usize> = FxHashMap::default();
        let mut values: Vec<Value> = Vec::with_capacity(outputs.len());
        for (place, &task) in outputs.iter().enumerate() {
            values.push(match places.entry(task) {
                Entry::Occupied(first) => values[*first.get()].clone(),
                Entry::Vacant(new) => {
                    new.insert(place);
                    self.store.take(task)?
                }
            });
        }
        Ok(values)
    }
}

/// What is known of the tasks before anything runs.
struct Start {
    values: Vec<(u32, Value)>,
    /// Tasks that are not to run: their value is known, or nobody needs it.
    is_done: Vec<bool>,
    uses: Vec<u32>,
}

impl Start {
    fn new(graph: &TaskGraph, mut given: FxHashMap<u32, Value>) -> Self {
        let n = graph.len();
        let (inputs, users) = (&graph.dag().inputs, &graph.dag().users);
        let mut values = Vec::new();
        let mut is_done = vec![false; n];
        let mut is_cut = false;
        for task in 0..n as u32 {
            let value = if given.is_empty() { None } else { given.remove(&task) };
            if let Some(value) = value.or_else(|| graph.op(task).constant()) {
                values.push((task, value));
                is_done[task as usize] = true;
                is_cut |= !inputs.row(task).is_empty();
            }
        }
        let mut uses: Vec<u32> = if is_cut {
            vec![0; n]
        } else {
            (0..n as u32).map(|task| users.row(task).len() as u32).collect()
        };
        for &output in graph.outputs() {
            uses[output as usize] += 1;
        }
        if is_cut {
            // Readers have larger numbers than what they read.
            for task in (0..n as u32).rev() {
                if uses[task as usize] == 0 {
                    is_done[task as usize] = true;
                } else if !is_done[task as usize] {
                    inputs.row(task).iter().for_each(|&input| uses[input as usize] += 1);
                }
            }
            values.retain(|&(task, _)| uses[task as usize] > 0);
        }
        Self { values, is_done, uses }
    }
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
