//! Futures: names of results that a client holds.

use std::any::Any;
use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};

use oxidask_core::key::Key;
use oxidask_core::op::{Lane, Op, TaskContext, TaskError};
use oxidask_core::value::Value;
use oxidask_runtime::cluster::ClusterError;
use oxidask_sched::client::{FutureState, Settlement};
use pyo3::exceptions::{PyRuntimeError, PyTimeoutError};
use pyo3::intern;
use pyo3::prelude::*;

use super::client::ClientCore;
use super::failure;
use super::link::{Command, Link};
use super::patience::{deadline, is_over, next_look};
use crate::key::{self, Groups};
use crate::object::{PYTHON, to_object};

/// A future of a key. Dropping the last one of a key lets the cluster forget the result.
#[pyclass(frozen, subclass, weakref, module = "oxidask._native")]
pub(crate) struct FutureCore {
    key: Key,
    /// The client that holds it; none yet for one that came by pickle to where no client is.
    holder: OnceLock<Holder>,
    released: AtomicBool,
}

struct Holder {
    core: Py<ClientCore>,
    link: Arc<Link>,
}

impl FutureCore {
    pub(crate) fn key(&self) -> &Key {
        &self.key
    }

    /// The connection that it is held by.
    ///
    /// # Errors
    /// `RuntimeError` if it has no client.
    pub(super) fn link(&self) -> PyResult<&Arc<Link>> {
        self.holder.get().map(|holder| &holder.link).ok_or_else(|| {
            PyRuntimeError::new_err(format!(
                "the future {} has no client; make a Client, and bind it to that",
                self.key
            ))
        })
    }

    fn let_go(&self) {
        if !self.released.swap(true, Ordering::AcqRel)
            && let Some(holder) = self.holder.get()
        {
            holder.link.post(Command::Release(self.key.clone()));
        }
    }

    fn settlement(&self) -> Option<Settlement> {
        self.holder.get()?.link.node.settlement(&self.key)
    }
}

impl Drop for FutureCore {
    fn drop(&mut self) {
        self.let_go();
    }
}

/// The client core that an object is, or has.
fn core_of<'py>(client: &Bound<'py, PyAny>) -> PyResult<Bound<'py, ClientCore>> {
    if let Ok(core) = client.cast::<ClientCore>() {
        return Ok(core.clone());
    }
    Ok(client.getattr(intern!(client.py(), "_core"))?.cast_into::<ClientCore>()?)
}

#[pymethods]
impl FutureCore {
    /// A future more of a key that the cluster knows. A client core in the place of the key gives out the future
    /// that it is about to make.
    #[new]
    #[pyo3(signature = (key, client=None))]
    fn new(key: &Bound<'_, PyAny>, client: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let holder = OnceLock::new();
        if let Ok(core) = key.cast::<ClientCore>() {
            let key = core.get().take_next().ok_or_else(|| {
                PyRuntimeError::new_err("a future needs the key of the task that it stands for")
            })?;
            let link = core.get().link().clone();
            _ = holder.set(Holder { core: core.clone().unbind(), link });
            return Ok(Self { key, holder, released: AtomicBool::new(false) });
        }
        let key = key::from_python(key, &mut Groups::default())?;
        let this = Self { key, holder, released: AtomicBool::new(false) };
        if let Some(client) = client.filter(|client| !client.is_none()) {
            this.bind(client)?;
        }
        Ok(this)
    }

    /// Has a client hold it; once.
    fn bind(&self, client: &Bound<'_, PyAny>) -> PyResult<()> {
        let core = core_of(client)?;
        let link = core.get().link().clone();
        if self.holder.set(Holder { core: core.unbind(), link: link.clone() }).is_ok() {
            link.post(Command::Want(self.key.clone()));
        }
        Ok(())
    }

    /// The client's half of the connection; `None` without one.
    #[getter]
    fn client_core<'py>(&self, py: Python<'py>) -> Option<Bound<'py, ClientCore>> {
        self.holder.get().map(|holder| holder.core.bind(py).clone())
    }

    #[getter(key)]
    fn python_key<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        key::to_python(py, &self.key)
    }

    /// One of pending, finished, error, cancelled and lost.
    #[getter]
    fn status(&self, py: Python<'_>) -> &'static str {
        if self.released.load(Ordering::Acquire) {
            return "cancelled";
        }
        let Some(Holder { link, .. }) = self.holder.get() else { return "pending" };
        name_of(py.detach(|| link.state_of(&self.key)))
    }

    /// The name of the result's type, once it is known.
    #[getter]
    fn type_name(&self) -> Option<String> {
        match self.settlement() {
            Some(Settlement::Finished { type_name, .. }) => Some(type_name.to_string()),
            _ => None,
        }
    }

    /// Estimated bytes of the result, once they are known.
    #[getter]
    fn nbytes(&self) -> Option<u64> {
        match self.settlement() {
            Some(Settlement::Finished { nbytes, .. }) => Some(nbytes),
            _ => None,
        }
    }

    /// Whether there is nothing to wait for.
    fn done(&self, py: Python<'_>) -> bool {
        let Some(Holder { link, .. }) = self.holder.get() else { return false };
        self.settlement().is_some()
            || !matches!(
                py.detach(|| link.state_of(&self.key)),
                FutureState::Pending | FutureState::Lost
            )
    }

    /// Waits for the result and gives it; raises what the task raised.
    #[pyo3(signature = (timeout=None))]
    fn result_now<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let keys = std::slice::from_ref(&self.key);
        match gather(py, self.link()?, keys, timeout)?.pop().flatten() {
            Some(Ok(value)) => to_object(py, &value),
            Some(Err(error)) => Err(raise(py, &error)),
            None => Err(timed_out(&self.key, timeout)),
        }
    }

    /// Waits for the end of the task and gives its exception; none if it has a result.
    #[pyo3(signature = (timeout=None))]
    fn exception_now<'py>(
        &self,
        py: Python<'py>,
        timeout: Option<f64>,
    ) -> PyResult<Option<Bound<'py, PyAny>>> {
        if !wait(py, self.link()?, std::slice::from_ref(&self.key), timeout)? {
            return Err(timed_out(&self.key, timeout));
        }
        match self.settlement() {
            Some(Settlement::Failed(failure)) => {
                Ok(Some(failure::exception(py, &failure).into_value(py).into_bound(py).into_any()))
            }
            Some(Settlement::Finished { .. }) => Ok(None),
            _ => {
                let error = failure::cancelled(py, &self.key, "cancelled")?;
                Ok(Some(error.into_value(py).into_bound(py).into_any()))
            }
        }
    }

    /// Lets the result go, as dropping the future does.
    fn release(&self) {
        self.let_go();
    }

    #[getter]
    fn is_released(&self) -> bool {
        self.released.load(Ordering::Acquire)
    }
}

/// What users call a state.
pub(super) fn name_of(state: FutureState) -> &'static str {
    match state {
        FutureState::Pending => "pending",
        FutureState::Finished => "finished",
        FutureState::Error => "error",
        FutureState::Lost => "lost",
        FutureState::Cancelled => "cancelled",
    }
}

/// Waits for all; false if the time is over before.
pub(super) fn wait(
    py: Python<'_>,
    link: &Link,
    keys: &[Key],
    timeout: Option<f64>,
) -> PyResult<bool> {
    let until = deadline(timeout);
    py.detach(|| link.flush());
    loop {
        let stop = next_look(until);
        if py.detach(|| link.node.wait_all(keys, Some(stop))) {
            return Ok(true);
        }
        py.check_signals()?;
        if is_over(until) {
            return Ok(false);
        }
    }
}

/// What became of each; none if the time is over before.
pub(super) fn gather(
    py: Python<'_>,
    link: &Link,
    keys: &[Key],
    timeout: Option<f64>,
) -> PyResult<Vec<Option<Result<Value, ClusterError>>>> {
    let until = deadline(timeout);
    wait(py, link, keys, timeout)?;
    loop {
        // What was lost since is waited for again, and signals are heeded meanwhile.
        let stop = next_look(until);
        let results = py.detach(|| link.node.gather_each(keys, Some(stop)));
        if is_over(until) || results.iter().all(Option::is_some) {
            return Ok(results);
        }
        py.check_signals()?;
    }
}

pub(super) fn timed_out(key: &Key, timeout: Option<f64>) -> PyErr {
    let seconds = timeout.unwrap_or_default();
    PyTimeoutError::new_err(format!(
        "{key} has no result after {seconds} s; wait longer, or cancel it"
    ))
}

/// What a missing result is raised as.
pub(super) fn raise(py: Python<'_>, error: &ClusterError) -> PyErr {
    match error {
        ClusterError::Failed(failure) => failure::exception(py, failure),
        ClusterError::Cancelled(key) => {
            failure::cancelled(py, key, "cancelled").unwrap_or_else(|error| error)
        }
        ClusterError::Closed(key) => {
            failure::cancelled(py, key, "client closed").unwrap_or_else(|error| error)
        }
        ClusterError::Codec(..) => PyRuntimeError::new_err(error.to_string()),
        ClusterError::Unreadable(..) => pyo3::exceptions::PyTypeError::new_err(error.to_string()),
        ClusterError::TimedOut { .. } => PyTimeoutError::new_err(error.to_string()),
    }
}

/// A future in a graph: its value is on the cluster already.
pub(crate) struct FutureRef {
    pub(crate) future: Py<FutureCore>,
}

impl Op for FutureRef {
    fn call(&self, _: &mut [Value], _: &TaskContext<'_>) -> Result<Value, TaskError> {
        // On a scheduler that is not the future's its value is fetched.
        Python::attach(|py| {
            let result = self.future.get().result_now(py, None);
            result
                .map(|object| crate::object::PyValue::wrap(&object))
                .map_err(crate::object::raised)
        })
    }

    fn lane(&self) -> Option<&'static dyn Lane> {
        Some(&PYTHON)
    }

    fn name(&self) -> Cow<'_, str> {
        "future".into()
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}
