//! Exceptions of tasks as bytes and back: pickled with what their tracebacks show.

use std::sync::Arc;

use oxidask_core::key::Key;
use oxidask_core::op::TaskError;
use oxidask_sched::message::{Cause, TaskFailure};
use pyo3::exceptions::{PyRuntimeError, PyTimeoutError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyType};

use crate::key;
use crate::object;

/// The class of an exception, `module.Class`, and it in bytes. Exceptions that can't be pickled are
/// replaced by one that says what they said.
pub(super) fn pickle(py: Python<'_>, error: &PyErr) -> (Arc<str>, Vec<u8>) {
    static DUMPS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let dump = || -> PyResult<Vec<u8>> {
        let dumps = DUMPS.import(py, "oxidask._exceptions", "dumps")?;
        // Only thus has it its traceback.
        dumps.call1((error.clone_ref(py).into_value(py),))?.extract()
    };
    let class = class_name(&error.get_type(py)).unwrap_or_else(|_| "Exception".into());
    (class, dump().unwrap_or_default())
}

/// The name of a class, `module.Class`.
pub(super) fn class_name(class: &Bound<'_, PyType>) -> PyResult<Arc<str>> {
    let (module, name) = (class.module()?, class.qualname()?);
    Ok(format!("{}.{}", module.to_cow()?, name.to_cow()?).into())
}

/// The exception of what [`pickle`] gave.
///
/// # Errors
/// If it can't be read here.
pub(super) fn unpickle(py: Python<'_>, bytes: &[u8]) -> PyResult<PyErr> {
    static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let loads = LOADS.import(py, "oxidask._exceptions", "loads")?;
    Ok(PyErr::from_value(loads.call1((PyBytes::new(py, bytes),))?))
}

/// The class of a task's failure.
pub(super) fn class_of(error: &TaskError) -> Arc<str> {
    Python::attach(|py| {
        let class = object::exception(py, error).get_type(py);
        class_name(&class).unwrap_or_else(|_| "Exception".into())
    })
}

/// The class and the bytes of a task's failure.
pub(super) fn of_task(error: &TaskError) -> (Arc<str>, Vec<u8>) {
    Python::attach(|py| pickle(py, &object::exception(py, error)))
}

/// What a task's failure is raised as for its user.
pub(super) fn exception(py: Python<'_>, failure: &TaskFailure) -> PyErr {
    if let Some(error) = failure.bytes.downcast_ref::<TaskError>() {
        return object::exception(py, error);
    }
    let raised = match &failure.cause {
        Cause::Raised(_) => {
            let bytes = failure.bytes.as_bytes().map_or(&[][..], |bytes| bytes);
            if bytes.is_empty() { None } else { Some(unpickle(py, bytes)) }
        }
        Cause::KilledWorkers { n, last } => Some(killed(py, failure, *n, last)),
        Cause::TimedOut => Some(Ok(PyTimeoutError::new_err(failure.text.to_string()))),
        Cause::Lost | Cause::UnknownInput(_) => Some(cancelled(py, &failure.origin, &failure.text)),
        Cause::Codec | Cause::Unrunnable => {
            let bytes = failure.bytes.as_bytes().map_or(&[][..], |bytes| bytes);
            if bytes.is_empty() { None } else { Some(unpickle(py, bytes)) }
        }
    };
    match raised {
        Some(Ok(error)) => error,
        Some(Err(error)) => PyRuntimeError::new_err(format!(
            "{} failed: {}; the exception itself can't be read here: {error}",
            failure.origin, failure.text
        )),
        None => PyRuntimeError::new_err(failure.text.to_string()),
    }
}

fn killed(py: Python<'_>, failure: &TaskFailure, n: u32, last: &str) -> PyResult<PyErr> {
    let class = py.import("oxidask.distributed.exceptions")?.getattr("KilledWorker")?;
    let key = key::to_python(py, &failure.origin)?;
    Ok(PyErr::from_value(class.call1((key, last, n.saturating_sub(1), &*failure.text))?))
}

/// The exception of a future that was cancelled or whose value is lost.
pub(super) fn cancelled(py: Python<'_>, key: &Key, reason: &str) -> PyResult<PyErr> {
    let class = py.import("oxidask.distributed.exceptions")?.getattr("FutureCancelledError")?;
    Ok(PyErr::from_value(class.call1((key::to_python(py, key)?, reason))?))
}
