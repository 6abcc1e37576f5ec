//! Callbacks of a computation, and the live view of its state that they are given.
//!
//! The Python layer passes one object with the methods `start_state(state)`, `pretask(key, state)`,
//! `posttask(key, value, state, worker_id)` and `finish(state, errored)`, and the attribute
//! `watches_tasks`: without it, tasks are not told of. They are called one at a time, on the thread
//! that runs the task.

use std::sync::{Arc, OnceLock, Weak};

use oxidask_core::op::TaskError;
use oxidask_core::value::Value;
use oxidask_runtime::local::{Observer, Run};
use parking_lot::{Condvar, Mutex};
use pyo3::exceptions::PyKeyError;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyList, PySet};
use rustc_hash::FxHashSet;

use crate::crew::thread_ident;
use crate::key;
use crate::object::{raised, to_object};

/// Calls the Python object for a run.
#[derive(Clone)]
pub(crate) struct Callbacks(Arc<Inner>);

struct Inner {
    object: Py<PyAny>,
    state: OnceLock<Py<RunState>>,
    running: Arc<Mutex<FxHashSet<u32>>>,
    gate: Gate,
}

impl Callbacks {
    /// Whether anybody wants to know of single tasks.
    pub(crate) fn watches_tasks(&self, py: Python<'_>) -> PyResult<bool> {
        self.0.object.bind(py).getattr(intern!(py, "watches_tasks"))?.is_truthy()
    }

    pub(crate) fn new(object: Bound<'_, PyAny>) -> Self {
        Self(Arc::new(Inner {
            object: object.unbind(),
            state: OnceLock::new(),
            running: Arc::default(),
            gate: Gate::default(),
        }))
    }

    /// Tells that the run is ready to start.
    pub(crate) fn started(&self, py: Python<'_>, run: &Arc<Run>) -> PyResult<()> {
        let state = Bound::new(py, RunState::new(run, &self.0.running))?;
        self.0.object.bind(py).call_method1(intern!(py, "start_state"), (&state,))?;
        let _ = self.0.state.set(state.unbind());
        Ok(())
    }

    /// Tells that the run is over, or never came to be.
    pub(crate) fn finish(&self, py: Python<'_>, errored: bool) -> PyResult<()> {
        let _turn = self.turn(py);
        let object = self.0.object.bind(py);
        let called = object.call_method1(intern!(py, "finish"), (self.0.state.get(), errored));
        if let Some(state) = self.0.state.get().map(|state| state.bind(py).get())
            && let Some(run) = state.run.upgrade()
        {
            let _ = state.n_finished.set(state.n_finished_of(&run));
        }
        called.map(drop)
    }

    /// Waits for its turn without the interpreter, which the one whose turn it is may need.
    fn turn(&self, py: Python<'_>) -> Turn<'_> {
        let gate = &self.0.gate;
        let enter = || {
            let mut taken = gate.taken.lock();
            while *taken {
                gate.freed.wait(&mut taken);
            }
            *taken = true;
        };
        let free =
            gate.taken.try_lock().is_some_and(|mut taken| !std::mem::replace(&mut taken, true));
        if !free {
            py.detach(enter);
        }
        Turn(gate)
    }
}

/// Lets one through at a time. Unlike a mutex it can be taken while detached and held attached.
#[derive(Default)]
struct Gate {
    taken: Mutex<bool>,
    freed: Condvar,
}

/// The gate is taken as long as this lives.
struct Turn<'a>(&'a Gate);

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        *self.0.taken.lock() = false;
        self.0.freed.notify_one();
    }
}

impl Callbacks {
    /// Tells that a task is about to run.
    pub(crate) fn pretask(&self, py: Python<'_>, run: &Run, task: u32) -> PyResult<()> {
        self.0.running.lock().insert(task);
        let key = key::to_python(py, &run.graph().key(task))?;
        let args = (key, self.0.state.get());
        self.0.object.bind(py).call_method1(intern!(py, "pretask"), args).map(drop)
    }

    /// Tells that a task has run.
    pub(crate) fn posttask(
        &self,
        py: Python<'_>,
        run: &Run,
        task: u32,
        value: &Bound<'_, PyAny>,
        worker_id: &Bound<'_, PyAny>,
    ) -> PyResult<()> {
        self.0.running.lock().remove(&task);
        let key = key::to_python(py, &run.graph().key(task))?;
        let args = (key, value, self.0.state.get(), worker_id);
        self.0.object.bind(py).call_method1(intern!(py, "posttask"), args).map(drop)
    }
}

impl Observer for Callbacks {
    fn starting(&self, run: &Run, task: u32, _: usize) -> Result<(), TaskError> {
        Python::attach(|py| {
            let _turn = self.turn(py);
            if run.is_over() {
                return Err(TaskError::Cancelled);
            }
            self.pretask(py, run, task).map_err(raised)
        })
    }

    fn finished(&self, run: &Run, task: u32, value: &Value, _: usize) -> Result<(), TaskError> {
        Python::attach(|py| {
            let _turn = self.turn(py);
            if run.is_over() {
                return Err(TaskError::Cancelled);
            }
            let call = || {
                let worker_id = thread_ident(py)?.into_pyobject(py)?.into_any();
                self.posttask(py, run, task, &shown(py, value), &worker_id)
            };
            call().map_err(raised)
        })
    }
}

/// A value as callbacks see it: `None` for one that only tasks of ours can read.
fn shown<'py>(py: Python<'py>, value: &Value) -> Bound<'py, PyAny> {
    to_object(py, value).unwrap_or_else(|_| py.None().into_bound(py))
}

/// What of a run a [`StateView`] shows.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    Finished,
    Released,
    Running,
    Ready,
    Waiting,
}

/// The state of a run under Dask's names; what it shows moves on with the run.
#[pyclass(frozen, mapping, module = "oxidask._native")]
pub(crate) struct RunState {
    run: Weak<Run>,
    running: Arc<Mutex<FxHashSet<u32>>>,
    n_given: usize,
    /// How many tasks had run when the run was over, for those who look later.
    n_finished: Arc<OnceLock<usize>>,
}

const NAMES: [&str; 9] = [
    "dependencies",
    "dependents",
    "waiting",
    "waiting_data",
    "cache",
    "ready",
    "running",
    "finished",
    "released",
];

impl RunState {
    fn new(run: &Arc<Run>, running: &Arc<Mutex<FxHashSet<u32>>>) -> Self {
        let n_given = run.graph().len() - run.n_unfinished();
        Self {
            run: Arc::downgrade(run),
            running: Arc::clone(running),
            n_given,
            n_finished: Arc::default(),
        }
    }

    fn n_finished_of(&self, run: &Run) -> usize {
        run.graph().len() - self.n_given - run.n_unfinished()
    }

    fn edges<'py>(&self, py: Python<'py>, inputs: bool) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        if let Some(run) = self.run.upgrade() {
            let dag = run.graph().dag();
            for task in 0..run.graph().len() as u32 {
                let others = if inputs { dag.inputs.row(task) } else { dag.users.row(task) };
                let others =
                    others.iter().map(|&other| key::to_python(py, &run.graph().key(other)));
                let others = others.collect::<PyResult<Vec<_>>>()?;
                let key = key::to_python(py, &run.graph().key(task))?;
                dict.set_item(key, PySet::new(py, others)?)?;
            }
        }
        Ok(dict)
    }

    fn cache<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        if let Some(run) = self.run.upgrade() {
            for task in (0..run.graph().len() as u32).filter(|&task| run.is_done(task)) {
                if let Ok(value) = run.store().get(task) {
                    let key = key::to_python(py, &run.graph().key(task))?;
                    dict.set_item(key, shown(py, &value))?;
                }
            }
        }
        Ok(dict)
    }

    fn view<'py>(&self, py: Python<'py>, part: Part) -> PyResult<Bound<'py, PyAny>> {
        let view = StateView {
            run: self.run.clone(),
            running: Arc::clone(&self.running),
            n_given: self.n_given,
            n_finished: Arc::clone(&self.n_finished),
            part,
        };
        Ok(Bound::new(py, view)?.into_any())
    }
}

#[pymethods]
impl RunState {
    fn __getitem__<'py>(&self, py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
        match name {
            "dependencies" => Ok(self.edges(py, true)?.into_any()),
            "dependents" | "waiting_data" => Ok(self.edges(py, false)?.into_any()),
            "cache" => Ok(self.cache(py)?.into_any()),
            "waiting" => self.view(py, Part::Waiting),
            "ready" => self.view(py, Part::Ready),
            "running" => self.view(py, Part::Running),
            "finished" => self.view(py, Part::Finished),
            "released" => self.view(py, Part::Released),
            _ => Err(PyKeyError::new_err(name.to_owned())),
        }
    }

    fn __len__(&self) -> usize {
        NAMES.len()
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.keys(py)?.try_iter()
    }

    fn __contains__(&self, name: &str) -> bool {
        NAMES.contains(&name)
    }

    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, NAMES)
    }

    #[pyo3(signature = (name, default=None))]
    fn get<'py>(
        &self,
        py: Python<'py>,
        name: &str,
        default: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        if NAMES.contains(&name) { self.__getitem__(py, name).map(Some) } else { Ok(default) }
    }
}

/// The keys of the tasks in one state, at the moment of the question.
#[pyclass(frozen, module = "oxidask._native")]
struct StateView {
    run: Weak<Run>,
    running: Arc<Mutex<FxHashSet<u32>>>,
    n_given: usize,
    /// How many tasks had run when the run was over, for those who look later.
    n_finished: Arc<OnceLock<usize>>,
    part: Part,
}

impl StateView {
    fn holds(&self, run: &Run, task: u32) -> bool {
        let done = run.is_done(task);
        let ready = || run.graph().dag().inputs.row(task).iter().all(|&input| run.is_done(input));
        let running = || self.running.lock().contains(&task);
        match self.part {
            Part::Finished => done && run.graph().op(task).constant().is_none(),
            Part::Released => {
                let users = run.graph().dag().users.row(task);
                done && !users.is_empty()
                    && users.iter().all(|&user| run.is_done(user))
                    && !run.graph().outputs().contains(&task)
            }
            Part::Running => !done && running(),
            Part::Ready => !done && ready() && !running(),
            Part::Waiting => !done && !ready(),
        }
    }

    fn tasks(&self) -> Vec<(Arc<Run>, u32)> {
        let Some(run) = self.run.upgrade() else { return Vec::new() };
        (0..run.graph().len() as u32)
            .filter(|&task| self.holds(&run, task))
            .map(|task| (Arc::clone(&run), task))
            .collect()
    }
}

#[pymethods]
impl StateView {
    fn __len__(&self) -> usize {
        let Some(run) = self.run.upgrade() else {
            let n_finished = self.n_finished.get().copied().unwrap_or(0);
            return if self.part == Part::Finished { n_finished } else { 0 };
        };
        match self.part {
            Part::Finished => run.graph().len() - self.n_given - run.n_unfinished(),
            Part::Running => self.running.lock().len(),
            Part::Waiting | Part::Ready | Part::Released => self.tasks().len(),
        }
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        let keys = self.tasks().into_iter();
        let keys = keys.map(|(run, task)| key::to_python(py, &run.graph().key(task)));
        PyList::new(py, keys.collect::<PyResult<Vec<_>>>()?)?.try_iter()
    }

    fn __contains__(&self, key: &Bound<'_, PyAny>) -> PyResult<bool> {
        let wanted = key::from_python(key, &mut key::Groups::default())?;
        Ok(self.tasks().iter().any(|(run, task)| run.graph().key(*task) == wanted))
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(self.__iter__(py)?.call_method0("__reduce__")?.get_item(1)?.repr()?.to_string())
    }
}
