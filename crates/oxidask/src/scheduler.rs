//! Computing on this machine: settings, running, giving up.
//!
//! A [`Scheduler`] is settings and a pool of threads. It lays out what delayed values need as one
//! graph and runs it with `oxidask-runtime`'s local scheduler; how tasks are ordered, admitted and
//! spilled is decided there.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use oxidask_core::config::Config;
use oxidask_core::graph::{Graph, TaskRef};
use oxidask_core::node::{Node, collect};
use oxidask_core::op::{Constant, TaskError};
use oxidask_core::value::Value;
use oxidask_runtime::local::{Observer, Pool, Run, RunOptions};
use parking_lot::Mutex;

use crate::delayed::Delayed;
use crate::error::Error;
use crate::inputs::{Inputs, Shape};
use crate::settings;

/// What [`compute`] gives for inputs of type `I`: `Arc<T>` for `&Delayed<T>`, `Vec<Arc<T>>` for
/// a row of them, and a tuple for a tuple.
pub type Outputs<I> = <<I as Inputs>::Shape as Shape>::Outputs;

/// What [`persist`] gives for inputs of type `I`: delayed values in the same arrangement.
pub type Handles<I> = <<I as Inputs>::Shape as Shape>::Handles;

/// Computes several values at once, on the threads of this machine; what they share runs once.
///
/// # Errors
/// Whatever keeps a value from being computed, [`Error::Task`] above all.
///
/// ```
/// use oxidask::{compute, delayed};
///
/// let x = delayed(|| 3);
/// let parts = [x.then(|x| x + 1), x.then(|x| x * 2)];
/// let (x, parts) = compute((&x, &parts))?;
/// assert_eq!((*x, *parts[0], *parts[1]), (3, 4, 6));
/// # Ok::<(), oxidask::Error>(())
/// ```
pub fn compute<I: Inputs>(inputs: I) -> Result<Outputs<I>, Error> {
    default_scheduler().compute(inputs)
}

/// Computes several values at once and gives delayed values of the same keys that hold them.
///
/// # Errors
/// Those of [`compute`].
pub fn persist<I: Inputs>(inputs: I) -> Result<Handles<I>, Error> {
    default_scheduler().persist(inputs)
}

fn default_scheduler() -> &'static Scheduler {
    static DEFAULT: OnceLock<Scheduler> = OnceLock::new();
    DEFAULT.get_or_init(Scheduler::threads)
}

/// Where and how to compute. Cloning gives another handle to the same threads.
///
/// ```
/// use oxidask::{Scheduler, delayed};
///
/// let scheduler = Scheduler::threads().n_workers(2).memory_limit_bytes(64 << 20);
/// let x = delayed(|| vec![1.5; 1000]).spillable();
/// assert_eq!(scheduler.compute(&x.then(|x| x.len()))?.as_ref(), &1000);
/// # Ok::<(), oxidask::Error>(())
/// ```
#[derive(Clone)]
pub struct Scheduler {
    /// `None` works in the caller's thread.
    pool: Option<Pool>,
    options: RunOptions,
    observer: Option<Arc<dyn Observer>>,
    canceller: Option<Canceller>,
}

impl Default for Scheduler {
    /// [`Scheduler::threads`].
    fn default() -> Self {
        Self::threads()
    }
}

impl Scheduler {
    /// One thread for each processor, and a memory budget of most of what this machine or
    /// container has. The threads are shared by all schedulers of the process.
    #[must_use]
    pub fn threads() -> Self {
        static POOL: OnceLock<Pool> = OnceLock::new();
        let pool = POOL.get_or_init(Pool::default).clone();
        Self { pool: Some(pool), options: RunOptions::default(), observer: None, canceller: None }
    }

    /// One task after the other, in the thread that waits: for debugging.
    #[must_use]
    pub fn sync() -> Self {
        let options = RunOptions { n_workers: 1, ..RunOptions::default() };
        Self { pool: None, options, observer: None, canceller: None }
    }

    /// What a configuration asks for in `scheduler`, `num-workers`, `local.memory-limit`,
    /// `local.spill-directory` and `temporary-directory`.
    ///
    /// A program that follows its user's settings, as the Python package does, loads them with
    /// [`crate::runtime::config_files::load`].
    ///
    /// # Errors
    /// [`Error::Setting`] for a value that makes no sense.
    ///
    /// ```
    /// use oxidask::{Scheduler, core::config::Config, delayed};
    ///
    /// let mut config = Config::new();
    /// config.set("local.memory-limit", "1 GiB")?;
    /// let scheduler = Scheduler::from_config(&config)?;
    /// assert_eq!(*scheduler.compute(&delayed(|| 1))?, 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn from_config(config: &Config) -> Result<Self, Error> {
        let mut scheduler = if settings::is_sync(config)? { Self::sync() } else { Self::threads() };
        if let Some(n_workers) = settings::n_workers(config)? {
            scheduler = scheduler.n_workers(n_workers);
        }
        if let Some(limit) = settings::memory_limit_bytes(config)? {
            scheduler = scheduler.memory_limit_bytes(limit);
        }
        Ok(match settings::spill_directory(config)? {
            Some(directory) => scheduler.spill_directory(directory),
            None => scheduler,
        })
    }

    /// The same, with at most `n_workers` tasks at a time. Zero counts as one; `sync` stays alone.
    #[must_use]
    pub fn n_workers(mut self, n_workers: usize) -> Self {
        if self.pool.is_some() {
            self.options.n_workers = n_workers.max(1);
        }
        self
    }

    /// The same, with another memory budget for the process: [spillable](crate::Spillable) values
    /// go to disk when it runs short. `u64::MAX` sets no bound.
    #[must_use]
    pub fn memory_limit_bytes(mut self, memory_bytes: u64) -> Self {
        self.options.budget.memory_bytes = memory_bytes;
        self
    }

    /// The same, with another directory for spilled values; the system's temporary one otherwise.
    #[must_use]
    pub fn spill_directory(mut self, directory: impl AsRef<Path>) -> Self {
        self.options.budget.spill_directory = directory.as_ref().to_owned();
        self
    }

    /// The same, telling `observer` when tasks start and end, for progress bars and profiles.
    #[must_use]
    pub fn observed_by(mut self, observer: impl Observer + 'static) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// The same, giving up as soon as `canceller` says so.
    #[must_use]
    pub fn cancelled_by(mut self, canceller: &Canceller) -> Self {
        self.canceller = Some(canceller.clone());
        self
    }

    /// Computes values and waits for them.
    ///
    /// # Errors
    /// Whatever keeps a value from being computed, [`Error::Task`] above all.
    pub fn compute<I: Inputs>(&self, inputs: I) -> Result<Outputs<I>, Error> {
        self.start(inputs)?.wait()
    }

    /// Computes values, waits, and gives delayed values of the same keys that hold them.
    ///
    /// # Errors
    /// Those of [`Scheduler::compute`].
    pub fn persist<I: Inputs>(&self, inputs: I) -> Result<Handles<I>, Error> {
        let computation = self.start(inputs)?;
        let values = computation.values()?;
        let nodes: Vec<Node> = computation
            .nodes
            .iter()
            .zip(values)
            .map(|(node, value)| {
                Node::new(node.key().clone(), Arc::new(Constant(value)), Vec::new())
            })
            .collect();
        Ok(computation.shape.handles(&mut nodes.into_iter()))
    }

    /// Starts to compute values. The `sync` scheduler starts when somebody waits.
    ///
    /// # Errors
    /// [`Error::Graph`] if the tasks wait for each other.
    pub fn start<I: Inputs>(&self, inputs: I) -> Result<Computation<I::Shape>, Error> {
        let mut nodes = Vec::new();
        let shape = inputs.take_apart(&mut nodes);
        let (graph, outputs) = collect(&nodes)?;
        let tasks = Arc::new(graph).expand(&outputs)?;
        let observer =
            self.observer.clone().map(|observer| Box::new(Guarded(observer)) as Box<dyn Observer>);
        let run = Arc::new(Run::new(tasks, Vec::new(), observer, self.options.clone())?);
        if let Some(canceller) = &self.canceller {
            canceller.watch(&run);
        }
        let n_started = self.pool.as_ref().map_or(0, |pool| serve(&run, pool));
        Ok(Computation { run, nodes, shape, in_background: n_started > 0 })
    }
}

impl Scheduler {
    /// Runs a graph and gives the values of `outputs`.
    pub(crate) fn run(&self, graph: &Arc<Graph>, outputs: &[TaskRef]) -> Result<Vec<Value>, Error> {
        let observer =
            self.observer.clone().map(|observer| Box::new(Guarded(observer)) as Box<dyn Observer>);
        let tasks = graph.expand(outputs)?;
        let run = Arc::new(Run::new(tasks, Vec::new(), observer, self.options.clone())?);
        if let Some(canceller) = &self.canceller {
            canceller.watch(&run);
        }
        if self.pool.as_ref().map_or(0, |pool| serve(&run, pool)) == 0 {
            run.work(0, &mut || true);
        }
        run.wait(Duration::from_secs(60), &mut || true)?;
        run.values().map_err(Error::Store)
    }
}

/// Has threads of `pool` work on `run`; gives their number, 0 if the system has none to give.
fn serve(run: &Arc<Run>, pool: &Pool) -> usize {
    (0..run.n_workers())
        .filter(|&worker| {
            let work = Arc::clone(run);
            pool.serve(Box::new(move || work.work(worker, &mut || true))).is_ok()
        })
        .count()
}

/// A computation that was started. Dropping it cancels what has not run yet.
///
/// ```
/// use oxidask::{Scheduler, delayed};
///
/// let answer = delayed(|| 42);
/// let computation = Scheduler::threads().start(&answer)?;
/// assert_eq!(computation.n_tasks(), 1);
/// assert_eq!(*computation.wait()?, 42);
/// # Ok::<(), oxidask::Error>(())
/// ```
#[must_use = "a computation that is dropped is cancelled"]
pub struct Computation<S> {
    run: Arc<Run>,
    nodes: Vec<Node>,
    shape: S,
    in_background: bool,
}

impl<S> Computation<S> {
    /// Number of tasks, done or not.
    #[must_use]
    pub fn n_tasks(&self) -> usize {
        self.run.graph().len()
    }

    /// Number of tasks that have not ended yet.
    #[must_use]
    pub fn n_unfinished(&self) -> usize {
        self.run.n_unfinished()
    }

    /// Whether it is over, well or not. Then [`Computation::wait`] returns at once.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.run.is_over()
    }

    /// Gives up: tasks that have not started never will. A task at work goes on to its end, and
    /// nobody waits for it.
    pub fn cancel(&self) {
        self.run.cancel();
    }

    /// Bytes of values that were written to disk so far.
    #[must_use]
    pub fn spilled_bytes(&self) -> u64 {
        self.run.store().spilled_bytes()
    }

    /// Waits for the end and leaves the values where they are, for [`Computation::wait`].
    ///
    /// # Errors
    /// Those of [`Computation::wait`].
    pub fn finish(&self) -> Result<(), Error> {
        if !self.in_background {
            self.run.work(0, &mut || true);
        }
        Ok(self.run.wait(Duration::from_secs(60), &mut || true)?)
    }

    /// Waits; the values are taken out of the run.
    fn values(&self) -> Result<Vec<Value>, Error> {
        self.finish()?;
        let values = self.run.values().map_err(Error::Store)?;
        // Threads that are about to leave hold the run a little longer, but not the values.
        for &output in self.run.graph().outputs() {
            self.run.store().remove(output);
        }
        Ok(values)
    }
}

impl<S: Shape> Computation<S> {
    /// Waits for the values.
    ///
    /// # Errors
    /// Whatever kept a value from being computed: [`Error::Task`], [`Error::Store`] or
    /// [`Error::Cancelled`].
    pub fn wait(self) -> Result<S::Outputs, Error> {
        let values = self.values()?;
        self.shape.outputs(&mut values.iter()).map_err(|error| {
            let key = self.nodes.first().map_or_else(|| "".into(), |node| node.key().clone());
            Error::Task { key, error }
        })
    }
}

impl<S> Drop for Computation<S> {
    fn drop(&mut self) {
        self.run.cancel();
    }
}

/// A handle that ends computations from anywhere: another thread, a signal handler's thread, or a
/// task that looks at it now and then.
///
/// ```
/// use oxidask::{Canceller, Error, Scheduler, delayed};
///
/// let canceller = Canceller::new();
/// let stop = canceller.clone();
/// let endless = delayed(move || while !stop.is_cancelled() { std::thread::yield_now() });
/// let computation = Scheduler::threads().cancelled_by(&canceller).start(&endless)?;
/// std::thread::spawn(move || canceller.cancel());
/// assert!(matches!(computation.wait(), Err(Error::Cancelled)));
/// # Ok::<(), Error>(())
/// ```
#[derive(Clone, Default)]
pub struct Canceller(Arc<Cancellation>);

#[derive(Default)]
struct Cancellation {
    cancelled: AtomicBool,
    runs: Mutex<Vec<Weak<Run>>>,
}

impl Canceller {
    /// A handle that has cancelled nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends all computations that were started with this handle, and those that will be.
    pub fn cancel(&self) {
        // The flag first: a run that is registered from now on sees it.
        self.0.cancelled.store(true, Ordering::SeqCst);
        let runs = std::mem::take(&mut *self.0.runs.lock());
        for run in runs.iter().filter_map(Weak::upgrade) {
            run.cancel();
        }
    }

    /// Whether [`Canceller::cancel`] was called.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.0.cancelled.load(Ordering::SeqCst)
    }

    fn watch(&self, run: &Arc<Run>) {
        let mut runs = self.0.runs.lock();
        runs.retain(|run| run.strong_count() > 0);
        runs.push(Arc::downgrade(run));
        drop(runs);
        if self.is_cancelled() {
            run.cancel();
        }
    }
}

/// An observer whose panics end the computation like those of tasks: a worker that died of one
/// would leave its task undone and the caller waiting.
struct Guarded(Arc<dyn Observer>);

impl Observer for Guarded {
    fn starting(&self, run: &Run, task: u32, worker: usize) -> Result<(), TaskError> {
        catch_unwind(AssertUnwindSafe(|| self.0.starting(run, task, worker)))
            .unwrap_or_else(|_| Err(TaskError::Panicked("its observer panicked".into())))
    }

    fn finished(
        &self,
        run: &Run,
        task: u32,
        value: &Value,
        worker: usize,
    ) -> Result<(), TaskError> {
        catch_unwind(AssertUnwindSafe(|| self.0.finished(run, task, value, worker)))
            .unwrap_or_else(|_| Err(TaskError::Panicked("its observer panicked".into())))
    }
}

/// The value of a delayed value in an observer's hands, if it is a `T`.
#[must_use]
pub fn observed<T: Send + Sync + 'static>(value: &Value) -> Option<&T> {
    crate::held::read(value).ok()
}

const _: fn() = || {
    fn is_shareable<T: Send + Sync>() {}
    is_shareable::<(Scheduler, Canceller, Delayed<std::cell::Cell<u8>>)>();
};
