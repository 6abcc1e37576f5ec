//! A scheduler in this process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use oxidask_runtime::cluster::ClientNode;
use oxidask_runtime::cluster::here::{connect_here, disconnect_here};
use oxidask_runtime::cluster::remote::{Joining, reach_others, serve};
use oxidask_runtime::cluster::scheduler::SchedulerNode;
use oxidask_runtime::wire::transport::{IoThread, Listener};
use oxidask_sched::data::{Answer, Data};
use oxidask_sched::ids::ClientId;
use oxidask_sched::scheduler::Config;
use parking_lot::{Condvar, Mutex};
use pyo3::exceptions::{PyConnectionError, PyRuntimeError, PyTimeoutError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::host::{Callbacks, PyHost};
use super::patience::{deadline, is_over, next_look};
use super::{data, process};

/// A scheduler in this process. Workers and clients of the process join it without a wire.
#[pyclass(frozen, weakref, module = "oxidask._native")]
pub(crate) struct SchedulerCore {
    node: Arc<SchedulerNode>,
    timer: Mutex<Option<JoinHandle<()>>>,
    host: Mutex<Option<Arc<PyHost>>>,
    listening: Mutex<Listening>,
    is_local: AtomicBool,
    closed: AtomicBool,
    inproc: String,
}

#[derive(Default)]
struct Listening {
    addresses: Vec<String>,
    stops: Vec<Box<dyn Fn() + Send>>,
    io: Option<Arc<IoThread>>,
}

/// A client of the scheduler's process; it leaves when this is dropped.
pub(super) struct ClientHere {
    scheduler: Arc<SchedulerNode>,
    node: Arc<ClientNode>,
    id: ClientId,
}

impl ClientHere {
    pub(super) fn scheduler(&self) -> Arc<SchedulerNode> {
        self.scheduler.clone()
    }
}

impl Drop for ClientHere {
    fn drop(&mut self) {
        disconnect_here(&self.scheduler, &self.node, self.id);
    }
}

/// What a dict of settings says, on top of the defaults.
fn config(given: Option<&Bound<'_, PyDict>>) -> PyResult<(Config, Option<String>)> {
    let (mut config, mut address) = (Config::default(), None);
    for (name, value) in given.into_iter().flat_map(|given| given.iter()) {
        match &*name.extract::<String>()? {
            "allowed-failures" => config.allowed_failures = value.extract()?,
            "address" => address = Some(value.extract()?),
            "horizon_s" => config.horizon_s = value.extract()?,
            other => {
                return Err(PyValueError::new_err(format!(
                    "a scheduler has no setting {other:?}; it has allowed-failures and address"
                )));
            }
        }
    }
    Ok((config, address))
}

#[pymethods]
impl SchedulerCore {
    /// A scheduler that nobody has joined.
    #[new]
    #[pyo3(signature = (settings=None))]
    fn new(settings: Option<&Bound<'_, PyDict>>) -> PyResult<Self> {
        let (config, address) = config(settings)?;
        let node = SchedulerNode::new(config);
        let timer = node.start_timer().map_err(|error| {
            PyRuntimeError::new_err(format!("the scheduler's clock can't be started: {error}"))
        })?;
        let inproc = address.unwrap_or_else(|| {
            static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1);
            format!("inproc://{}/{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed))
        });
        node.set_name(&inproc, &inproc);
        Ok(Self {
            node,
            timer: Mutex::new(Some(timer)),
            host: Mutex::new(None),
            listening: Mutex::default(),
            is_local: AtomicBool::new(true),
            closed: AtomicBool::new(false),
            inproc,
        })
    }

    /// Lets in who comes to an address, and gives that in full.
    #[pyo3(signature = (address, security=None))]
    fn listen(
        &self,
        py: Python<'_>,
        address: &str,
        security: Option<&Bound<'_, PyDict>>,
    ) -> PyResult<String> {
        let (io, parsed) = (process::io()?, process::address(address)?);
        let (options, security) = (process::options(py, None)?, process::security(security)?);
        let bind = Listener::bind(&parsed, options.clone(), security.clone());
        let listener = py.detach(|| io.handle().block_on(bind)).map_err(|error| {
            let text = format!("{address} can't be listened at: {error}");
            process::os_error(text, &error)
        })?;
        let bound = listener.address().clone();
        let families = process::families();
        let joining = Joining { scheduler: bound.clone(), options, security, families };
        reach_others(&self.node, &io, &joining);
        let task = io.handle().spawn(serve(self.node.clone(), listener, 1));
        self.is_local.store(false, Ordering::Release);
        let text = bound.to_string();
        let mut listening = self.listening.lock();
        if listening.addresses.is_empty() {
            py.detach(|| self.node.set_name(&self.inproc, &text));
        }
        listening.addresses.push(text.clone());
        listening.stops.push(Box::new(move || task.abort()));
        listening.io = Some(io);
        Ok(text)
    }

    /// Who answers questions that the machine does not: called with the verb and the body, on threads of its
    /// own. `pushed` is called with the topics and bodies that the process has subscribed to, in order.
    #[pyo3(signature = (ask, pushed=None))]
    fn set_host(&self, ask: Py<PyAny>, pushed: Option<Py<PyAny>>) {
        let host = PyHost::new(ask, Callbacks { pushed, ..Callbacks::default() });
        self.node.set_host(host.clone());
        *self.host.lock() = Some(host);
    }

    /// Where it is reached: the first address that it listens at, or its name within this process.
    #[getter]
    fn address(&self) -> String {
        self.shown_address()
    }

    #[getter]
    fn addresses(&self) -> Vec<String> {
        self.listening.lock().addresses.clone()
    }

    #[getter]
    fn n_workers(&self) -> usize {
        self.node.counts().workers
    }

    /// Asks a question of the process itself and waits for the answer.
    #[pyo3(signature = (verb, body=None, timeout=None))]
    fn ask<'py>(
        &self,
        py: Python<'py>,
        verb: &str,
        body: Option<&Bound<'py, PyAny>>,
        timeout: Option<f64>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let body = body.map_or(Ok(Data::Map(Vec::new())), data::from_python)?;
        let slot: Arc<Slot> = Arc::default();
        let filled = slot.clone();
        let then = Box::new(move |answer| {
            *filled.0.lock() = Some(Some(answer));
            filled.1.notify_all();
        });
        let request = py.detach(|| self.node.ask(verb, body, then));
        match await_answer(py, &slot, timeout)?.flatten() {
            Some(answer) => data::answer_to_python(py, answer),
            None => {
                py.detach(|| self.node.abandon(request));
                let seconds = timeout.unwrap_or_default();
                Err(PyTimeoutError::new_err(format!("{verb} has no answer after {seconds} s")))
            }
        }
    }

    /// How many there are of everything.
    fn counts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counts = py.detach(|| self.node.counts());
        let dict = PyDict::new(py);
        dict.set_item("tasks", counts.tasks)?;
        dict.set_item("queued", counts.queued)?;
        dict.set_item("processing", counts.out)?;
        dict.set_item("workers", counts.workers)?;
        dict.set_item("clients", counts.clients)?;
        Ok(dict)
    }

    /// Ends it: workers and clients of other processes lose it.
    fn close(&self, py: Python<'_>) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        py.detach(|| self.end());
    }
}

impl SchedulerCore {
    pub(super) fn node(&self) -> &Arc<SchedulerNode> {
        &self.node
    }

    /// Whether nothing travels: nobody can come from another process.
    pub(super) fn is_local(&self) -> bool {
        self.is_local.load(Ordering::Acquire)
    }

    pub(super) fn shown_address(&self) -> String {
        self.listening.lock().addresses.first().cloned().unwrap_or_else(|| self.inproc.clone())
    }

    /// A client of this process.
    pub(super) fn client_here(
        &self,
        py: Python<'_>,
        name: &str,
    ) -> PyResult<(ClientHere, Arc<ClientNode>, u32)> {
        if self.closed.load(Ordering::Acquire) {
            return Err(PyConnectionError::new_err(format!(
                "the scheduler {} is closed; start another one",
                self.shown_address()
            )));
        }
        let (node, id) = py.detach(|| connect_here(&self.node, name, process::families()));
        let here = ClientHere { scheduler: self.node.clone(), node: node.clone(), id };
        Ok((here, node, id.0))
    }

    fn end(&self) {
        let listening = std::mem::take(&mut *self.listening.lock());
        listening.stops.iter().for_each(|stop| stop());
        self.node.close();
        if let Some(host) = self.host.lock().take() {
            host.close();
        }
        if let Some(timer) = self.timer.lock().take() {
            // A thread that panicked has said so.
            drop(timer.join());
        }
        drop(listening.io);
    }
}

impl Drop for SchedulerCore {
    fn drop(&mut self) {
        if !self.closed.swap(true, Ordering::AcqRel) {
            Python::attach(|py| py.detach(|| self.end()));
        }
    }
}

/// Where an answer is put; none in it if there will be none.
pub(super) type Slot = (Mutex<Option<Option<Answer>>>, Condvar);

/// Waits for an answer; none if the time is over before.
pub(super) fn await_answer(
    py: Python<'_>,
    slot: &Arc<Slot>,
    timeout: Option<f64>,
) -> PyResult<Option<Option<Answer>>> {
    let until = deadline(timeout);
    loop {
        let stop = next_look(until);
        let answer = py.detach(|| {
            let mut filled = slot.0.lock();
            while filled.is_none() {
                if slot.1.wait_until(&mut filled, stop).timed_out() {
                    break;
                }
            }
            filled.take()
        });
        if answer.is_some() {
            return Ok(answer);
        }
        py.check_signals()?;
        if is_over(until) {
            return Ok(None);
        }
    }
}
