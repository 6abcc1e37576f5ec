//! A worker in this process.

use std::sync::Arc;
use std::time::{Duration, Instant};

use oxidask_runtime::cluster::here::join_here;
use oxidask_runtime::cluster::inline::InlineForm;
use oxidask_runtime::cluster::remote::{Joining, RemoteWorker, join_here_listening};
use oxidask_runtime::cluster::worker::{MemoryPolicy, NewWorker, WorkerNode};
use oxidask_runtime::wire::transport::IoThread;
use oxidask_sched::data::Data;
use oxidask_sched::message::WorkerInfo;
use parking_lot::Mutex;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict};

use super::call::PyOps;
use super::host::{Callbacks, PyHost};
use super::patience::{deadline, is_over, next_look};
use super::scheduler::SchedulerCore;
use super::{data, process};
use crate::key;

/// A worker in this process. Python threads that call `work` run its tasks.
#[pyclass(frozen, weakref, module = "oxidask._native")]
pub(crate) struct WorkerCore {
    node: Arc<WorkerNode>,
    #[pyo3(get)]
    address: String,
    #[pyo3(get)]
    name: String,
    open: Mutex<Open>,
}

#[derive(Default)]
struct Open {
    remote: Option<RemoteWorker>,
    host: Option<Arc<PyHost>>,
    io: Option<Arc<IoThread>>,
}

fn worker_info(given: &Bound<'_, PyDict>) -> PyResult<WorkerInfo> {
    let mut info = WorkerInfo { n_threads: 1, ..WorkerInfo::default() };
    let mut extra = Vec::new();
    for (name, value) in given {
        match &*name.extract::<String>()? {
            "name" => info.name = value.str()?.to_cow()?.as_ref().into(),
            "address" => info.address = value.extract::<String>()?.into(),
            "host" => info.host = value.extract::<String>()?.into(),
            "nthreads" => info.n_threads = value.extract()?,
            "memory_limit" if value.is_none() => {}
            "memory_limit" => info.memory_limit_bytes = value.extract()?,
            "resources" => {
                for (name, amount) in value.cast::<PyDict>()? {
                    info.resources.push((name.extract::<String>()?.into(), amount.extract()?));
                }
            }
            // What people are shown, and the machines don't go by.
            other => extra.push((other.into(), data::from_python(&value)?)),
        }
    }
    if info.n_threads == 0 {
        return Err(PyValueError::new_err("nthreads is 0; a worker has at least one thread"));
    }
    info.extra = Data::Map(extra);
    Ok(info)
}

/// What options say about memory: `target`, `spill` and `pause` as shares of the limit, or false for never, and
/// `directory`, where values are written to.
fn memory_policy(
    info: &Bound<'_, PyDict>,
    options: Option<&Bound<'_, PyDict>>,
) -> PyResult<MemoryPolicy> {
    let mut policy = MemoryPolicy::default();
    if let Some(directory) = info.get_item("local_directory")?
        && !directory.is_none()
    {
        policy.directory = directory.extract()?;
    }
    for (name, value) in options.into_iter().flat_map(|options| options.iter()) {
        let share = || -> PyResult<Option<f64>> {
            if value.is_none() || value.is_exact_instance_of::<PyBool>() {
                return Ok(None);
            }
            let share: f64 = value.extract()?;
            if share > 0.0 && share.is_finite() {
                return Ok(Some(share));
            }
            Err(PyValueError::new_err(format!(
                "{name} is {share}; it has to be a share of the memory limit above 0, or False"
            )))
        };
        match &*name.extract::<String>()? {
            "target" => policy.target = share()?,
            "spill" => policy.spill = share()?,
            "pause" => policy.pause = share()?,
            "directory" => policy.directory = value.extract()?,
            "every_s" => {
                policy.every = Duration::from_secs_f64(value.extract::<f64>()?.clamp(0.01, 60.0))
            }
            _ => {}
        }
    }
    Ok(policy)
}

#[pymethods]
impl WorkerCore {
    /// Joins a scheduler, by its address or in this process.
    #[staticmethod]
    #[pyo3(signature = (scheduler, listen, info, options=None, security=None))]
    fn join(
        py: Python<'_>,
        scheduler: &Bound<'_, PyAny>,
        listen: Option<String>,
        info: &Bound<'_, PyDict>,
        options: Option<&Bound<'_, PyDict>>,
        security: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<Self> {
        let memory = memory_policy(info, options)?;
        let mut info = worker_info(info)?;
        let timeout = options.map(|options| options.get_item("timeout_s")).transpose()?.flatten();
        let timeout = timeout.map(|timeout| timeout.extract()).transpose()?;
        let families = process::families();
        let (link_options, security) =
            (process::options(py, timeout)?, process::security(security)?);
        let name = info.name.to_string();
        if let Ok(core) = scheduler.cast::<SchedulerCore>() {
            let core = core.get();
            let inline = if core.is_local() { InlineForm::Object } else { InlineForm::Bytes };
            let listen = listen.filter(|listen| !listen.is_empty());
            let (node, address, io) = match listen {
                Some(listen) if !listen.starts_with("inproc://") => {
                    let io = process::io()?;
                    let joining = Joining {
                        scheduler: process::address(&listen)?,
                        options: link_options,
                        security,
                        families,
                    };
                    let new =
                        NewWorker { memory, ..NewWorker::new(info, Arc::new(PyOps::default())) };
                    let node = py.detach(|| {
                        let at = joining.scheduler.clone();
                        join_here_listening(core.node(), &io, &joining, &at, new, inline)
                    });
                    let (node, address) = node.map_err(|error| {
                        let text = format!("{listen} can't be listened at: {error}");
                        process::os_error(text, &error)
                    })?;
                    (node, address.to_string(), Some(io))
                }
                listen => {
                    if let Some(listen) = &listen {
                        info.address = listen.as_str().into();
                    }
                    let ops = match inline {
                        InlineForm::Object => PyOps::of_this_process(),
                        InlineForm::Bytes => PyOps::default(),
                    };
                    let new = NewWorker { memory, ..NewWorker::new(info, Arc::new(ops)) };
                    let node = py.detach(|| join_here(core.node(), new, inline));
                    let address = listen.unwrap_or_else(|| format!("inproc://{}", node.name()));
                    (node, address, None)
                }
            };
            let name = node.name().to_owned();
            let open = Mutex::new(Open { io, ..Open::default() });
            return Ok(Self { node, address, name, open });
        }
        let text: String = scheduler.extract()?;
        let io = process::io()?;
        let joining = Joining {
            scheduler: process::address(&text)?,
            options: link_options,
            security,
            families,
        };
        let listen = listen.unwrap_or_else(|| "tcp://127.0.0.1:0".into());
        let listen = process::address(&listen)?;
        let new = NewWorker { memory, ..NewWorker::new(info, Arc::new(PyOps::default())) };
        let remote = py.detach(|| RemoteWorker::join_idle(&io, &joining, &listen, new));
        let remote = remote.map_err(|error| {
            let text = format!("the worker {name} can't join the scheduler at {text}: {error}");
            process::os_error(text, &error)
        })?;
        let (node, address) = (remote.node().clone(), remote.address().to_string());
        let open = Mutex::new(Open { remote: Some(remote), io: Some(io), host: None });
        Ok(Self { node, address, name, open })
    }

    /// Who answers questions that are put to this worker, who is told that it leaves, and why, and who starts
    /// a thread that calls `work` in the stead of one whose task has left its place. Called on threads of
    /// their own.
    #[pyo3(signature = (ask, closing=None, thread_needed=None))]
    fn set_host(
        &self,
        ask: Py<PyAny>,
        closing: Option<Py<PyAny>>,
        thread_needed: Option<Py<PyAny>>,
    ) {
        let host = PyHost::new(ask, Callbacks { closing, thread_needed, pushed: None });
        self.node.set_host(host.clone());
        self.open.lock().host = Some(host);
    }

    /// Runs tasks on the calling thread until the worker is closed.
    #[pyo3(signature = (thread=0))]
    fn work(&self, py: Python<'_>, thread: u32) {
        py.detach(|| self.node.work(thread));
    }

    /// Tells all who have subscribed to a topic.
    fn push(&self, topic: &str, body: &Bound<'_, PyAny>) -> PyResult<()> {
        let data = data::from_python(body)?;
        body.py().detach(|| self.node.push(topic, data));
        Ok(())
    }

    /// The tasks that run now: pairs of a key and the number that its thread gave to `work`.
    fn executing<'py>(&self, py: Python<'py>) -> PyResult<Vec<(Bound<'py, PyAny>, u32)>> {
        let running = py.detach(|| self.node.running());
        running.iter().map(|(key, thread)| Ok((key::to_python(py, key)?, *thread))).collect()
    }

    /// Asks to be let go once others have what is needed of this worker.
    fn retire(&self, py: Python<'_>) {
        py.detach(|| self.node.retire());
    }

    /// Leaves at once.
    #[pyo3(signature = (reason="it was closed"))]
    fn close(&self, py: Python<'_>, reason: &str) {
        let Open { remote, host, io } = std::mem::take(&mut *self.open.lock());
        py.detach(|| {
            self.node.close(reason);
            drop(remote);
            if let Some(host) = host {
                host.close();
            }
            drop(io);
        });
    }

    /// Waits until the worker is closed; false if the time is over before.
    #[pyo3(signature = (timeout=None))]
    fn wait(&self, py: Python<'_>, timeout: Option<f64>) -> PyResult<bool> {
        let until = deadline(timeout);
        loop {
            let left = next_look(until).saturating_duration_since(Instant::now());
            if py.detach(|| self.node.wait(Some(left))) {
                return Ok(true);
            }
            py.check_signals()?;
            if is_over(until) {
                return Ok(false);
            }
        }
    }

    /// Bytes that its process has, bytes of values in memory and on disk, and whether it is paused.
    #[getter]
    fn memory<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let health = py.detach(|| self.node.health());
        let dict = PyDict::new(py);
        dict.set_item("process", health.memory_bytes)?;
        dict.set_item("managed", health.managed_bytes)?;
        dict.set_item("spilled", health.spilled_bytes)?;
        dict.set_item("paused", health.paused)?;
        Ok(dict)
    }

    /// The scheduler's number for it.
    #[getter]
    fn id(&self) -> u32 {
        self.node.id().0
    }

    #[getter]
    fn is_closed(&self) -> bool {
        self.node.is_closed()
    }

    /// Tasks that take a thread's place now.
    #[getter]
    fn n_executing(&self, py: Python<'_>) -> u32 {
        py.detach(|| self.node.n_executing())
    }
}

impl Drop for WorkerCore {
    fn drop(&mut self) {
        let open = std::mem::take(&mut *self.open.lock());
        self.node.close("its process forgot it");
        if let Some(host) = &open.host {
            host.close();
        }
        // Its threads may be attached, and this one is: somebody else waits for them.
        drop(std::thread::Builder::new().name("oxidask-closing".into()).spawn(move || drop(open)));
    }
}
