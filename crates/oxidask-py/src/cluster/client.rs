//! A client's half of its connection to a scheduler.

use std::sync::Arc;
use std::thread::JoinHandle;

use oxidask_core::key::Key;
use oxidask_core::value::Value;
use oxidask_runtime::cluster::client::Told;
use oxidask_runtime::cluster::remote::{Joining, RemoteClient};
use oxidask_runtime::wire::transport::IoThread;
use oxidask_sched::client::Event;
use parking_lot::Mutex;
use pyo3::exceptions::{PyConnectionError, PyOSError, PyTimeoutError, PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyString, PyTuple, PyType};

use super::future::{FutureCore, gather, name_of, raise, timed_out, wait};
use super::link::{Call, Link};
use super::process;
use super::scheduler::{SchedulerCore, Slot, await_answer};
use super::task_here::TaskHere;
use super::{data, submit};
use crate::key::{self, Groups};
use crate::object::{PyValue, to_object};

/// A client's half of its connection.
#[pyclass(frozen, weakref, module = "oxidask._native")]
pub(crate) struct ClientCore {
    link: Arc<Link>,
    /// The key of the future that is made now.
    next: Mutex<Option<Key>>,
    open: Mutex<Option<Open>>,
    #[pyo3(get)]
    name: String,
    #[pyo3(get)]
    scheduler_address: String,
    number: u32,
}

/// What ends when the client is closed.
struct Open {
    threads: Vec<JoinHandle<()>>,
    remote: Option<RemoteClient>,
    here: Option<super::scheduler::ClientHere>,
    io: Option<Arc<IoThread>>,
}

impl ClientCore {
    pub(super) fn link(&self) -> &Arc<Link> {
        &self.link
    }

    pub(super) fn take_next(&self) -> Option<Key> {
        self.next.lock().take()
    }

    /// A future of a key that is on its way to the scheduler.
    pub(super) fn make<'py>(
        this: &Bound<'py, Self>,
        make: &Bound<'py, PyType>,
        key: Key,
    ) -> PyResult<Bound<'py, PyAny>> {
        *this.get().next.lock() = Some(key);
        make.call1((this,))
    }

    /// As [`ClientCore::make`] of each.
    fn make_all<'py>(
        this: &Bound<'py, Self>,
        make: &Bound<'py, PyType>,
        keys: Vec<Key>,
    ) -> PyResult<Bound<'py, PyList>> {
        let futures = PyList::empty(this.py());
        for key in keys {
            futures.append(Self::make(this, make, key)?)?;
        }
        Ok(futures)
    }
}

#[pymethods]
impl ClientCore {
    /// Connects to the scheduler at an address, or to one of this process.
    #[staticmethod]
    #[pyo3(signature = (scheduler, name, timeout=10.0, security=None))]
    fn connect(
        py: Python<'_>,
        scheduler: &Bound<'_, PyAny>,
        name: String,
        timeout: f64,
        security: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        if let Ok(core) = scheduler.cast::<SchedulerCore>() {
            let (here, node, number) = core.get().client_here(py, &name)?;
            let link = Link::new(node, core.get().is_local());
            let address = core.get().shown_address();
            let open = Open { threads: threads(&link)?, remote: None, here: Some(here), io: None };
            return Ok(Self {
                link,
                next: Mutex::new(None),
                open: Mutex::new(Some(open)),
                name,
                scheduler_address: address,
                number,
            });
        }
        let text: String = scheduler.extract()?;
        let io = process::io()?;
        let joining = Joining {
            scheduler: process::address(&text)?,
            options: process::options(py, Some(timeout))?,
            security: process::security(security)?,
            families: process::families(),
        };
        let remote = py.detach(|| RemoteClient::join(&io, &joining, &name));
        let remote = remote.map_err(|error| {
            let text = format!("no connection to a scheduler at {text}: {error}");
            if text.contains("timed out") {
                PyTimeoutError::new_err(text)
            } else {
                process::os_error(text, &error)
            }
        })?;
        let link = Link::new(remote.node().clone(), false);
        let number = remote.id().0;
        let open =
            Open { threads: threads(&link)?, remote: Some(remote), here: None, io: Some(io) };
        Ok(Self {
            link,
            next: Mutex::new(None),
            open: Mutex::new(Some(open)),
            name,
            scheduler_address: text,
            number,
        })
    }

    /// The scheduler's number for this client, as text.
    #[getter]
    fn id(&self) -> String {
        format!("{}-{}", self.name, self.number)
    }

    /// `running` or `closed`.
    #[getter]
    fn status(&self) -> &'static str {
        if self.link.node.is_closed() { "closed" } else { "running" }
    }

    /// The bytes of what was submitted last, to warn of much.
    #[getter]
    fn last_submission_bytes(&self) -> usize {
        self.link.n_last_bytes()
    }

    /// The keys of all futures: how many there are of each, and where it stands.
    fn futures<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let futures = PyDict::new(py);
        for (key, n, state) in py.detach(|| self.link.held()) {
            futures.set_item(key::to_python(py, &key)?, (n, name_of(state)))?;
        }
        Ok(futures)
    }

    /// Submits one call.
    #[pyo3(signature = (make, function, args, kwargs, key, pure, options=None))]
    #[expect(
        clippy::too_many_arguments,
        reason = "the call of a Python function, and how to run it"
    )]
    fn submit<'py>(
        slf: Bound<'py, Self>,
        make: &Bound<'py, PyType>,
        function: &Bound<'py, PyAny>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
        key: Option<&Bound<'py, PyAny>>,
        pure: bool,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let call = submit::Calls::new(&slf, function, kwargs, pure, options)?;
        let key = call.submit(args, key)?;
        Self::make(&slf, make, key)
    }

    /// Submits a call for each tuple of `rows`.
    #[pyo3(signature = (make, function, rows, kwargs, key, pure, options=None))]
    #[expect(
        clippy::too_many_arguments,
        reason = "calls of a Python function, and how to run them"
    )]
    fn map<'py>(
        slf: Bound<'py, Self>,
        make: &Bound<'py, PyType>,
        function: &Bound<'py, PyAny>,
        rows: &Bound<'py, PyAny>,
        kwargs: Option<&Bound<'py, PyDict>>,
        key: Option<&Bound<'py, PyAny>>,
        pure: bool,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let calls = submit::Calls::new(&slf, function, kwargs, pure, options)?;
        let keys = calls.map(rows, key)?;
        Self::make_all(&slf, make, keys)
    }

    /// Submits what `keys` of a graph need, and gives a future of each.
    #[pyo3(signature = (make, dsk, keys, options=None))]
    fn graph<'py>(
        slf: Bound<'py, Self>,
        make: &Bound<'py, PyType>,
        dsk: &Bound<'py, PyAny>,
        keys: Vec<Bound<'py, PyAny>>,
        options: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyList>> {
        let keys = super::graph::submit(slf.get().link(), dsk, &keys, options)?;
        Self::make_all(&slf, make, keys)
    }

    /// The results of futures; raises the first exception, or leaves such results out.
    #[pyo3(signature = (futures, timeout=None, errors="raise"))]
    fn gather<'py>(
        &self,
        py: Python<'py>,
        futures: &Bound<'py, PyAny>,
        timeout: Option<f64>,
        errors: &str,
    ) -> PyResult<Bound<'py, PyList>> {
        let skips = match errors {
            "raise" => false,
            "skip" => true,
            other => {
                return Err(PyValueError::new_err(format!(
                    "errors is {other:?}; it has to be 'raise' or 'skip'"
                )));
            }
        };
        let keys = keys_of(&self.link, futures)?;
        let results = gather(py, &self.link, &keys, timeout)?;
        let list = PyList::empty(py);
        for (result, key) in results.iter().zip(&keys) {
            match result {
                Some(Ok(value)) => list.append(to_object(py, value)?)?,
                Some(Err(_)) if skips => {}
                Some(Err(error)) => return Err(raise(py, error)),
                None => return Err(timed_out(key, timeout)),
            }
        }
        Ok(list)
    }

    /// Waits until all futures are done; false if the time is over before.
    #[pyo3(signature = (futures, timeout=None))]
    fn wait(&self, futures: &Bound<'_, PyAny>, timeout: Option<f64>) -> PyResult<bool> {
        wait(futures.py(), &self.link, &keys_of(&self.link, futures)?, timeout)
    }

    /// Puts values on workers and gives a future of each.
    #[pyo3(signature = (make, values, keys, workers, broadcast=false, timeout=None))]
    fn scatter<'py>(
        slf: Bound<'py, Self>,
        make: &Bound<'py, PyType>,
        values: Vec<Bound<'py, PyAny>>,
        keys: Vec<Bound<'py, PyAny>>,
        workers: Vec<String>,
        broadcast: bool,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyList>> {
        let py = slf.py();
        let values: Vec<Value> = values.iter().map(PyValue::wrap).collect();
        let mut groups = Groups::default();
        let keys: Vec<Key> =
            keys.iter().map(|key| key::from_python(key, &mut groups)).collect::<PyResult<_>>()?;
        super::scatter::put(py, slf.get().link(), &keys, &values, workers, broadcast, timeout)?;
        Self::make_all(&slf, make, keys)
    }

    /// Asks the scheduler something and waits for the answer.
    #[pyo3(signature = (verb, body, timeout=None))]
    fn ask<'py>(
        &self,
        verb: &str,
        body: &Bound<'py, PyAny>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = body.py();
        let body = data::from_python(body)?;
        let slot: Arc<Slot> = Arc::default();
        let filled = slot.clone();
        let then = Box::new(move |answer| {
            *filled.0.lock() = Some(answer);
            filled.1.notify_all();
        });
        let request = py.detach(|| {
            self.link.flush();
            self.link.node.ask(verb, body, then)
        });
        match await_answer(py, &slot, timeout)? {
            Some(Some(answer)) => data::answer_to_python(py, answer),
            Some(None) => Err(PyConnectionError::new_err(format!(
                "the client is closed: {verb} has no answer; connect again"
            ))),
            None => {
                py.detach(|| self.link.node.abandon(request));
                let seconds = timeout.unwrap_or_default();
                Err(PyTimeoutError::new_err(format!("{verb} has no answer after {seconds} s")))
            }
        }
    }

    /// Asks the scheduler something. `callback` is called with the answer and none, or with none and an
    /// exception.
    fn ask_then(&self, verb: &str, body: &Bound<'_, PyAny>, callback: Py<PyAny>) -> PyResult<u64> {
        let py = body.py();
        let body = data::from_python(body)?;
        let link = self.link.clone();
        let then = Box::new(move |answer| link.tell(Call::Answer(callback, answer)));
        Ok(py.detach(|| {
            self.link.flush();
            self.link.node.ask(verb, body, then)
        }))
    }

    /// Nobody waits for the answer to this question any more.
    fn abandon(&self, py: Python<'_>, request: u64) {
        py.detach(|| self.link.node.abandon(request));
    }

    /// Calls `callback` once a future is settled.
    fn when_settled(&self, future: &Bound<'_, FutureCore>, callback: Py<PyAny>) {
        let link = self.link.clone();
        let then = Box::new(move |_: Told<'_>| link.tell(Call::Plain(callback)));
        let key = future.get().key().clone();
        future.py().detach(|| {
            self.link.flush();
            self.link.node.when_settled(&key, then);
        });
    }

    /// Cancels futures.
    #[pyo3(signature = (futures, force=false))]
    fn cancel(&self, futures: &Bound<'_, PyAny>, force: bool) -> PyResult<()> {
        let keys = keys_of(&self.link, futures)?;
        self.event(futures.py(), Event::Cancel { keys, force });
        Ok(())
    }

    /// Runs failed futures again.
    fn retry(&self, futures: &Bound<'_, PyAny>) -> PyResult<()> {
        let keys = keys_of(&self.link, futures)?;
        self.event(futures.py(), Event::Retry(keys));
        Ok(())
    }

    /// The task of a key, to be run here; `None` where the scheduler is in another process, or has no such task: it
    /// is to be asked for `tasks.spec`.
    fn task_here(&self, py: Python<'_>, key: &Bound<'_, PyAny>) -> PyResult<Option<TaskHere>> {
        let key = key::from_python(key, &mut Groups::default())?;
        let scheduler =
            self.open.lock().as_ref().and_then(|open| open.here.as_ref()?.scheduler().into());
        let spec = scheduler.and_then(|scheduler| {
            py.detach(|| {
                self.link.flush();
                scheduler.spec_of(&key)
            })
        });
        Ok(spec.map(TaskHere::new))
    }

    /// Calls `callback` with the topic and the body of what the scheduler pushes; once.
    fn on_push(&self, callback: Py<PyAny>) {
        let (link, callback) = (Arc::downgrade(&self.link), Arc::new(callback));
        self.link.node.on_push(Box::new(move |topic, body| {
            if let Some(link) = link.upgrade() {
                link.tell(Call::Push(callback.clone(), topic.into(), body.clone()));
            }
        }));
    }

    /// Takes what is on its way to the scheduler there.
    fn flush(&self, py: Python<'_>) {
        py.detach(|| self.link.flush());
    }

    /// Leaves the cluster. What only this client held is forgotten there.
    fn close(&self, py: Python<'_>) {
        let Some(open) = self.open.lock().take() else { return };
        py.detach(|| {
            self.link.close();
            let Open { threads, remote, here, io } = open;
            drop(here);
            drop(remote);
            let this = std::thread::current().id();
            for thread in threads.into_iter().filter(|thread| thread.thread().id() != this) {
                // A thread that panicked has said so.
                drop(thread.join());
            }
            drop(io);
        });
    }
}

impl ClientCore {
    fn event(&self, py: Python<'_>, event: Event) {
        py.detach(|| {
            self.link.flush();
            self.link.node.handle(event);
        });
    }
}

impl Drop for ClientCore {
    fn drop(&mut self) {
        if let Some(open) = self.open.lock().take() {
            // Its threads end by themselves: this one may be attached, and must not wait for them.
            let link = self.link.clone();
            let ending = move || {
                link.close();
                drop(open.here);
                drop(open.remote);
                drop(open.io);
            };
            // Without a thread for it the process is about to end.
            drop(std::thread::Builder::new().name("oxidask-closing".into()).spawn(ending));
        }
    }
}

fn threads(link: &Arc<Link>) -> PyResult<Vec<JoinHandle<()>>> {
    link.start().map_err(|error| {
        PyOSError::new_err(format!("the client's threads can't be started: {error}"))
    })
}

/// The keys of futures, or keys themselves.
fn keys_of(link: &Arc<Link>, futures: &Bound<'_, PyAny>) -> PyResult<Vec<Key>> {
    let mut keys = Vec::with_capacity(futures.len().unwrap_or(0));
    let mut groups = Groups::default();
    for future in futures.try_iter()? {
        let future = future?;
        match future.cast::<FutureCore>() {
            Ok(future) if Arc::ptr_eq(future.get().link()?, link) => {
                keys.push(future.get().key().clone());
            }
            Ok(future) => {
                return Err(PyValueError::new_err(format!(
                    "Futures created by another client can't be used with this one: {}",
                    future.get().key()
                )));
            }
            Err(_) if future.is_instance_of::<PyString>() || future.is_instance_of::<PyTuple>() => {
                keys.push(key::from_python(&future, &mut groups)?);
            }
            Err(_) => {
                return Err(PyTypeError::new_err(format!("{} is no future", future.get_type())));
            }
        }
    }
    Ok(keys)
}
