//! Running Python graphs on the local scheduler.

use std::sync::Arc;
use std::time::Duration;

use oxidask_core::optimize::fuse_linear;
use oxidask_runtime::local::pool::{IDLE_LIMIT, Pool, Spawn};
use oxidask_runtime::local::{Failure, Observer, Run, RunOptions};
use oxidask_runtime::store::{Budget, StoreError};
use parking_lot::Mutex;
use pyo3::exceptions::{
    PyException, PyKeyboardInterrupt, PyOSError, PyRuntimeError, PySystemExit, PyValueError,
};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyMapping, PyTuple};

use crate::callbacks::Callbacks;
use crate::crew;
use crate::depth::deeper;
use crate::graph::{Imported, graph_error, import};
use crate::object::{exception, into_object};

const ENDING: &str = "the interpreter is shutting down";

/// How often the waiting caller looks for signals.
const POLL: Duration = Duration::from_millis(20);

/// The value that `keys` ask for: a key's value, or a tuple for a list of keys, nested at will.
pub(crate) struct Question<'py> {
    keys: Bound<'py, PyAny>,
    pub(crate) flat: Vec<Bound<'py, PyAny>>,
}

impl<'py> Question<'py> {
    pub(crate) fn new(keys: &Bound<'py, PyAny>) -> PyResult<Self> {
        fn flatten<'py>(
            keys: &Bound<'py, PyAny>,
            flat: &mut Vec<Bound<'py, PyAny>>,
        ) -> PyResult<()> {
            match keys.cast::<PyList>() {
                Ok(list) => deeper(keys.py(), c" while reading keys", || {
                    list.iter().try_for_each(|keys| flatten(&keys, flat))
                }),
                Err(_) => {
                    flat.push(keys.clone());
                    Ok(())
                }
            }
        }
        let mut flat = Vec::new();
        flatten(keys, &mut flat)?;
        Ok(Self { keys: keys.clone(), flat })
    }

    /// What was asked for, nested as it was: once, for the run lets go of the values.
    pub(crate) fn answer(&self, run: &Run) -> PyResult<Bound<'py, PyAny>> {
        fn build<'py>(
            keys: &Bound<'py, PyAny>,
            values: &mut impl Iterator<Item = PyResult<Bound<'py, PyAny>>>,
        ) -> PyResult<Bound<'py, PyAny>> {
            match keys.cast::<PyList>() {
                Ok(list) => {
                    let items: PyResult<Vec<_>> =
                        list.iter().map(|keys| build(&keys, values)).collect();
                    Ok(PyTuple::new(keys.py(), items?)?.into_any())
                }
                Err(_) => values.next().unwrap_or_else(|| {
                    Err(PyRuntimeError::new_err("fewer values than keys came back"))
                }),
            }
        }
        let py = self.keys.py();
        let values = py.detach(|| run.take_values()).map_err(store_error)?;
        build(&self.keys, &mut values.into_iter().map(|value| into_object(py, value)))
    }
}

/// Settings of a run, as the Python layer passes them.
#[derive(FromPyObject)]
#[pyo3(from_item_all)]
pub(crate) struct Settings {
    num_workers: usize,
    memory_limit: Option<u64>,
    spill_directory: Option<std::path::PathBuf>,
    slice_us: u64,
}

impl Settings {
    pub(crate) fn options(&self) -> RunOptions {
        let mut budget = Budget::default();
        if let Some(limit) = self.memory_limit {
            budget.memory_bytes = limit;
        }
        if let Some(directory) = &self.spill_directory {
            budget.spill_directory.clone_from(directory);
        }
        let slice = Duration::from_micros(self.slice_us);
        RunOptions { n_workers: self.num_workers, budget, slice }
    }
}

/// The memory that this process may use: the machine's, or its cgroup's limit.
#[pyfunction]
pub(crate) fn machine_memory_bytes() -> u64 {
    oxidask_runtime::system::memory_limit_bytes().unwrap_or(u64::MAX)
}

/// Threads of Python's own, kept between computations.
#[pyclass(frozen, module = "oxidask._native")]
pub(crate) struct ThreadPool(Pool);

/// What a thread of the pool, or of a user's executor, is given to call.
#[pyclass(frozen, module = "oxidask._native")]
struct ThreadBody(Mutex<Option<Box<dyn FnOnce() + Send>>>);

#[pymethods]
impl ThreadBody {
    fn __call__(&self, py: Python<'_>) {
        let body = self.0.lock().take();
        if let Some(body) = body {
            py.detach(body);
        }
    }
}

#[pymethods]
impl ThreadPool {
    #[new]
    fn new() -> Self {
        let spawn: Spawn = Box::new(|body| {
            let started = Python::try_attach(|py| -> PyResult<()> {
                let body = Bound::new(py, ThreadBody(Mutex::new(Some(body))))?;
                let kwargs = PyDict::new(py);
                kwargs.set_item(intern!(py, "target"), body)?;
                kwargs.set_item(intern!(py, "daemon"), true)?;
                kwargs.set_item(intern!(py, "name"), "oxidask-worker")?;
                let thread = py.import("threading")?.getattr("Thread")?.call((), Some(&kwargs))?;
                thread.call_method0(intern!(py, "start")).map(drop)
            });
            match started {
                Some(Ok(())) => Ok(()),
                Some(Err(error)) => Err(std::io::Error::other(error)),
                None => Err(std::io::Error::other("the interpreter is shutting down")),
            }
        });
        Self(Pool::new(spawn, IDLE_LIMIT))
    }

    /// Number of threads that wait for work.
    #[getter]
    fn n_idle(&self) -> usize {
        self.0.n_idle()
    }
}

/// One worker of a run: to be called on the thread that is to work.
#[pyclass(frozen, module = "oxidask._native")]
struct Worker {
    run: Arc<Run>,
    number: usize,
}

#[pymethods]
impl Worker {
    fn __call__(&self, py: Python<'_>) -> PyResult<()> {
        crew::work_for(py, &self.run, || self.run.work(self.number, &mut || true))
    }
}

/// Looks for signals: a pending `KeyboardInterrupt` is kept and ends the run.
fn check_signals(interrupted: &mut Option<PyErr>) -> bool {
    Python::try_attach(|py| match py.check_signals() {
        Ok(()) => true,
        Err(error) => {
            *interrupted = Some(error);
            false
        }
    })
    .unwrap_or(false)
}

/// Computes `keys` of the graph `dsk` on threads of `pool`, of the executor `executor`, or, if both
/// are `None`, on the calling thread. `cache` holds values that are known; `callbacks` is described
/// in the Rust module of that name.
#[pyfunction]
#[pyo3(signature = (dsk, keys, settings, *, pool=None, executor=None, cache=None, callbacks=None))]
#[expect(clippy::too_many_arguments, reason = "keywords of a Python function")]
pub(crate) fn compute<'py>(
    py: Python<'py>,
    dsk: Bound<'py, PyAny>,
    keys: Bound<'py, PyAny>,
    settings: Settings,
    pool: Option<Bound<'py, ThreadPool>>,
    executor: Option<Bound<'py, PyAny>>,
    cache: Option<Bound<'py, PyAny>>,
    callbacks: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let question = Question::new(&keys)?;
    let callbacks = callbacks.map(Callbacks::new);
    let threads = match (&executor, &pool) {
        (None, _) if crew::is_closed() => Threads::Caller,
        (Some(executor), _) => Threads::Executor(executor),
        (None, Some(pool)) => Threads::Pool(&pool.get().0),
        (None, None) => Threads::Caller,
    };
    crew::call(py, || {
        let run = prepare(&dsk, &question, &settings, cache.as_ref(), callbacks.as_ref(), false)?;
        let answer = run_on(py, &run, &question, &threads, callbacks.as_ref());
        // The state that callbacks look at lives as long as the run.
        if let Some(callbacks) = &callbacks {
            callbacks.finish(py, answer.is_err())?;
        }
        answer
    })
}

/// Where a run's workers come from.
enum Threads<'a, 'py> {
    Caller,
    Pool(&'a Pool),
    Executor(&'a Bound<'py, PyAny>),
}

fn run_on<'py>(
    py: Python<'py>,
    run: &Arc<Run>,
    question: &Question<'py>,
    threads: &Threads<'_, 'py>,
    callbacks: Option<&Callbacks>,
) -> PyResult<Bound<'py, PyAny>> {
    if let Some(callbacks) = callbacks {
        callbacks.started(py, run)?;
    }
    let outer = crew::current(py)?;
    let mut interrupted = None;
    let mut poll =
        || check_signals(&mut interrupted) && !outer.as_ref().is_some_and(|outer| outer.is_over());
    match threads {
        Threads::Executor(executor) => {
            submit_workers(py, run, executor).inspect_err(|_| run.cancel())?;
        }
        Threads::Pool(pool) => serve_workers(py, run, pool).inspect_err(|_| run.cancel())?,
        Threads::Caller => crew::work_for(py, run, || run.work(0, &mut poll))?,
    }
    let outcome = py.detach(|| run.wait(POLL, &mut poll));
    match outcome {
        Ok(()) => question.answer(run),
        Err(failure) => {
            if interrupted.is_some() {
                crew::interrupt(py, run);
            }
            Err(failure_error(py, failure, interrupted))
        }
    }
}

/// Imports the graph and prepares its run.
pub(crate) fn prepare<'py>(
    dsk: &Bound<'py, PyAny>,
    question: &Question<'py>,
    settings: &Settings,
    cache: Option<&Bound<'py, PyAny>>,
    callbacks: Option<&Callbacks>,
    fuse: bool,
) -> PyResult<Arc<Run>> {
    let py = dsk.py();
    let cache = cache.map(|cache| cache.cast::<PyMapping>()).transpose()?;
    let Imported { graph, outputs, .. } = import(dsk, &question.flat, cache)?;
    let options = settings.options();
    let observer = match callbacks {
        Some(callbacks) if callbacks.watches_tasks(py)? => {
            Some(Box::new(callbacks.clone()) as Box<dyn Observer>)
        }
        _ => None,
    };
    let run = py.detach(|| {
        let tasks = graph.expand(&outputs)?;
        drop(graph);
        if !fuse {
            return Run::new(tasks, Vec::new(), observer, options);
        }
        let (fused, outputs) = fuse_linear(&tasks);
        Run::new(Arc::new(fused).expand(&outputs)?, Vec::new(), observer, options)
            // Told with all the keys of a cycle, some of which fusing has joined.
            .or_else(|error| tasks.order().and(Err(error)))
    });
    Ok(Arc::new(run.map_err(graph_error)?))
}

fn context(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static COPY: pyo3::sync::PyOnceLock<Py<PyAny>> = pyo3::sync::PyOnceLock::new();
    COPY.import(py, "contextvars", "copy_context")?.call0()
}

/// One worker, in a copy of the caller's context, as a Python callable.
fn worker<'py>(
    py: Python<'py>,
    run: &Arc<Run>,
    number: usize,
) -> PyResult<(Bound<'py, PyAny>, Bound<'py, Worker>)> {
    let worker = Worker { run: Arc::clone(run), number };
    Ok((context(py)?.getattr(intern!(py, "run"))?, Bound::new(py, worker)?))
}

fn serve_workers(py: Python<'_>, run: &Arc<Run>, pool: &Pool) -> PyResult<()> {
    if run.is_over() {
        return Ok(());
    }
    let mut refused = None;
    let mut n_started = 0;
    for number in 0..run.n_workers() {
        let (enter, worker) = worker(py, run, number)?;
        let (enter, worker) = (enter.unbind(), worker.unbind());
        let work = Arc::clone(run);
        let job = Box::new(move || {
            let entered =
                Python::try_attach(|py| enter.bind(py).call1((worker.bind(py),)).map(drop));
            // Entering can only fail while the interpreter ends.
            if !matches!(entered, Some(Ok(()))) {
                work.cancel();
            }
        });
        match pool.serve(job) {
            Ok(()) => n_started += 1,
            Err(error) => {
                // A Ctrl-C while a thread is started is not a lack of threads.
                let raised = error.get_ref().and_then(|error| error.downcast_ref::<PyErr>());
                if let Some(raised) = raised
                    && !raised.is_instance_of::<PyException>(py)
                {
                    return Err(raised.clone_ref(py));
                }
                refused = Some(error);
            }
        }
    }
    match refused {
        Some(error) if n_started == 0 => {
            Err(PyRuntimeError::new_err(format!("no thread could be started: {error}")))
        }
        _ => Ok(()),
    }
}

/// Puts the workers on a user's `concurrent.futures` executor or `multiprocessing.pool.ThreadPool`.
fn submit_workers(py: Python<'_>, run: &Arc<Run>, executor: &Bound<'_, PyAny>) -> PyResult<()> {
    if run.is_over() {
        return Ok(());
    }
    for number in 0..run.n_workers() {
        let (enter, worker) = worker(py, run, number)?;
        if executor.hasattr(intern!(py, "submit"))? {
            executor.call_method1(intern!(py, "submit"), (enter, worker))?;
        } else if executor.hasattr(intern!(py, "apply_async"))? {
            executor.call_method1(intern!(py, "apply_async"), (enter, (worker,)))?;
        } else {
            return Err(PyValueError::new_err(format!(
                "pool must have a submit or an apply_async method; {} has neither",
                executor.repr()?
            )));
        }
    }
    Ok(())
}

/// The exception that a failed computation raises.
pub(crate) fn failure_error(py: Python<'_>, failure: Failure, interrupted: Option<PyErr>) -> PyErr {
    match failure {
        _ if interrupted.is_some() => {
            interrupted.unwrap_or_else(|| PyKeyboardInterrupt::new_err(()))
        }
        Failure::Task { error, .. } => exception(py, &error),
        Failure::Store(error) => store_error(error),
        // Threads end silently by this one.
        Failure::Cancelled if crew::is_closed() => PySystemExit::new_err(ENDING),
        Failure::Cancelled => PyRuntimeError::new_err(failure.to_string()),
    }
}

pub(crate) fn store_error(error: StoreError) -> PyErr {
    match &error {
        StoreError::Spill { source, .. } | StoreError::Unspill { source, .. } => {
            let errno = source.raw_os_error().unwrap_or(0);
            PyOSError::new_err((errno, error.to_string()))
        }
        StoreError::Codec(_) => PyValueError::new_err(error.to_string()),
        StoreError::Empty(_) => PyRuntimeError::new_err(error.to_string()),
    }
}
