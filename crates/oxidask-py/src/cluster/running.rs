//! The task that a thread runs, for code that it calls.

use std::sync::Arc;

use oxidask_runtime::cluster::running::{Running, current};
use pyo3::prelude::*;

use crate::key;

/// A task that runs on one of this process's workers.
#[pyclass(frozen, module = "oxidask._native")]
pub(crate) struct RunningTask(Arc<Running>);

/// The task that the calling thread runs; `None` if it runs none.
#[pyfunction]
pub(crate) fn running_task() -> Option<RunningTask> {
    current().map(RunningTask)
}

#[pymethods]
impl RunningTask {
    #[getter]
    fn key<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        key::to_python(py, &self.0.key)
    }

    /// The number of the worker that runs it; `None` if that is gone.
    #[getter]
    fn worker_id(&self) -> Option<u32> {
        self.0.worker().map(|worker| worker.id().0)
    }

    #[getter]
    fn thread(&self) -> u32 {
        self.0.thread
    }

    #[getter]
    fn is_actor(&self) -> bool {
        self.0.is_actor
    }

    #[getter]
    fn has_seceded(&self) -> bool {
        self.0.has_seceded()
    }

    /// Leaves the thread's place to other tasks.
    fn secede(&self, py: Python<'_>) {
        py.detach(|| self.0.secede());
    }

    /// Takes a thread's place again.
    fn rejoin(&self, py: Python<'_>) {
        py.detach(|| self.0.rejoin());
    }
}
