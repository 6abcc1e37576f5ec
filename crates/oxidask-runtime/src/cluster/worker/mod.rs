//! A worker as a node: its machine, its values, and what its threads do.
//!
//! | file | what is there |
//! |---|---|
//! | `mod.rs` | the worker for those around it |
//! | `turns.rs` | what comes in, and what follows from it |
//! | `threads.rs`, `job.rs` | threads that run tasks; a task from its inputs to its outcome |
//! | `passing.rs` | forms of values that were made for one peer, for others |
//! | `memory.rs` | where values are, and what is done when memory is short |

mod job;
mod memory;
mod passing;
mod threads;
mod turns;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use oxidask_core::value::Value;
use oxidask_sched::data::Data;
use oxidask_sched::ids::{TaskId, Time, WorkerId};
use oxidask_sched::message::{FromWorker, ToWorker, WorkerInfo};
use oxidask_sched::worker::{Worker, WorkerConfig};
use parking_lot::{Condvar, Mutex};

use super::host::{Host, NoHost};
use super::inline::InlineForm;
use super::link::{Outbox, SharedPeers};
use super::ops::Ops;
use super::running::Running;
use super::turn::{Shared, make_due};
use memory::Memory;
pub use memory::MemoryPolicy;
use passing::Passing;
use threads::Threads;
use turns::{Incoming, State};

/// What a worker is made of.
#[derive(Clone)]
pub struct NewWorker {
    /// Who it is.
    pub info: WorkerInfo,
    /// What makes ops of its tasks.
    pub ops: Arc<dyn Ops>,
    /// Who answers questions that are put to it; none for nobody, or for one that comes later.
    pub host: Option<Arc<dyn Host>>,
    /// What it does when memory is short, of which `info` says how much there is.
    pub memory: MemoryPolicy,
}

impl NewWorker {
    /// A worker without a host and with the usual thresholds.
    #[must_use]
    pub fn new(info: WorkerInfo, ops: Arc<dyn Ops>) -> Self {
        Self { info, ops, host: None, memory: MemoryPolicy::default() }
    }
}

/// A worker that runs.
pub struct WorkerNode {
    id: WorkerId,
    name: Arc<str>,
    address: Arc<str>,
    n_threads: u32,
    shared: Shared<State, Incoming>,
    memory: Arc<Memory>,
    /// A lock of its own: whoever has that of the state must look into the inbox after letting go of it,
    /// which a wait does not.
    threads: Mutex<Threads>,
    work: Condvar,
    /// Wakes those who wait for its end.
    ended: Condvar,
    closed: AtomicBool,
    scheduler: Box<dyn Outbox<FromWorker>>,
    peers: SharedPeers,
    ops: Arc<dyn Ops>,
    inline: InlineForm,
    host: OnceLock<Arc<dyn Host>>,
    on_close: OnceLock<OnClose>,
    /// For those who ask what it does.
    running: Mutex<Vec<Arc<Running>>>,
    /// Threads that it has started itself.
    own_threads: Mutex<Vec<JoinHandle<()>>>,
    n_started: AtomicU32,
    passing: Passing,
    started: Instant,
    this: Weak<Self>,
}

type OnClose = Box<dyn Fn(&str) + Send + Sync>;

impl WorkerNode {
    /// A worker without threads: those that call [`WorkerNode::work`] are its threads.
    #[must_use]
    pub fn new(
        id: WorkerId,
        new: NewWorker,
        scheduler: Box<dyn Outbox<FromWorker>>,
        peers: SharedPeers,
        inline: InlineForm,
    ) -> Arc<Self> {
        let NewWorker { info, ops, host, memory } = new;
        let memory = Memory::new(info.memory_limit_bytes, memory);
        let n_threads = info.n_threads;
        let config = WorkerConfig { resources: info.resources, ..WorkerConfig::new(id, n_threads) };
        Arc::new_cyclic(|this| Self {
            id,
            name: info.name,
            address: info.address,
            n_threads,
            shared: Shared::new(State::new(Worker::new(config))),
            memory,
            threads: Mutex::default(),
            work: Condvar::new(),
            ended: Condvar::new(),
            closed: AtomicBool::new(false),
            scheduler,
            peers,
            ops,
            inline,
            host: host.map(OnceLock::from).unwrap_or_default(),
            on_close: OnceLock::new(),
            running: Mutex::default(),
            own_threads: Mutex::default(),
            n_started: AtomicU32::new(0),
            passing: Passing::default(),
            started: Instant::now(),
            this: this.clone(),
        })
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> WorkerId {
        self.id
    }

    /// Where others reach it.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// What people call it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Tasks that it runs at a time.
    #[must_use]
    pub fn n_threads(&self) -> u32 {
        self.n_threads
    }

    /// Who answers questions that are put to this worker; once.
    pub fn set_host(&self, host: Arc<dyn Host>) {
        // A second host would be another worker's.
        drop(self.host.set(host));
    }

    fn host(&self) -> &dyn Host {
        self.host.get().map_or(&NoHost, |host| &**host)
    }

    /// Tells all who have subscribed to a topic.
    pub fn push(&self, topic: &str, body: Data) {
        self.scheduler.post(vec![FromWorker::Push { topic: topic.into(), body }]);
    }

    /// Asks the scheduler to be let go once others have what is needed of this worker.
    pub fn retire(&self) {
        self.scheduler.post(vec![FromWorker::Retire]);
    }

    /// What is done when the worker is closed; once.
    pub(in crate::cluster) fn on_close(&self, then: OnClose) {
        // Others would be another worker's.
        drop(self.on_close.set(then));
    }

    /// Lets the threads go after the tasks that they run now, and the scheduler know.
    pub fn close(&self, reason: &str) {
        if self.closed.swap(true, Ordering::AcqRel) {
            return;
        }
        {
            // With the lock: nobody is between looking and waiting.
            let _threads = self.threads.lock();
            self.work.notify_all();
            self.ended.notify_all();
        }
        self.memory.close();
        self.host().closing(reason);
        if let Some(then) = self.on_close.get() {
            then(reason);
        }
    }

    /// Whether it has been closed.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed.load(Ordering::Acquire)
    }

    /// Waits until it is closed: whether it is. Its threads may still be at their last tasks.
    pub fn wait(&self, timeout: Option<Duration>) -> bool {
        let until = timeout.map(|timeout| Instant::now() + timeout);
        let mut threads = self.threads.lock();
        while !self.is_closed() {
            match until {
                None => self.ended.wait(&mut threads),
                Some(until) => {
                    if self.ended.wait_until(&mut threads, until).timed_out() {
                        return self.is_closed();
                    }
                }
            }
        }
        true
    }

    /// Tasks that have a thread's place.
    #[must_use]
    pub fn n_executing(&self) -> u32 {
        self.shared.with(&self.this, |state| state.machine.n_executing())
    }

    /// The values of these that are here; those on disk are read, and stay there.
    #[must_use]
    pub fn values(&self, tasks: &[TaskId]) -> Vec<(TaskId, Value)> {
        let (mut values, mut lost) = (Vec::with_capacity(tasks.len()), Vec::new());
        for (task, slot, found) in self.find(tasks) {
            match self.memory.store.load(found, false) {
                Ok(value) => values.push((task, value)),
                Err(_) => lost.push((task, slot)),
            }
        }
        if !lost.is_empty() {
            self.lost(lost);
        }
        values
    }

    /// The value of a task, an actor say, if it is here.
    #[must_use]
    pub fn value(&self, task: TaskId) -> Option<Value> {
        self.values(&[task]).pop().map(|(_, value)| value)
    }

    /// Takes values for which the scheduler has said that this is their place: false if the worker is closed.
    pub fn put(&self, values: Vec<(TaskId, Value)>) -> bool {
        let is_open = !self.is_closed();
        if is_open {
            let values = values.into_iter().map(|(task, value)| (task, Ok(value))).collect();
            self.told([Incoming::Put(self.memory.land(values))]);
        }
        is_open
    }

    /// The scheduler has said something.
    pub(in crate::cluster) fn heard(&self, messages: impl IntoIterator<Item = ToWorker>) {
        self.told(messages.into_iter().map(Incoming::Scheduler));
    }

    fn told(&self, incoming: impl IntoIterator<Item = Incoming>) {
        self.shared.post(incoming);
        if let Some(this) = self.this.upgrade() {
            make_due(this);
        }
    }

    fn now(&self) -> Time {
        Time(self.started.elapsed().as_nanos() as u64)
    }
}

/// The way of the scheduler to a worker of its process.
pub(in crate::cluster) struct ToWorkerHere(pub(in crate::cluster) Arc<WorkerNode>);

impl Outbox<ToWorker> for ToWorkerHere {
    fn post(&self, messages: Vec<ToWorker>) {
        self.0.heard(messages);
    }

    fn close(&self) {
        self.0.close("the scheduler was closed");
    }
}

impl Drop for WorkerNode {
    fn drop(&mut self) {
        self.memory.close();
    }
}
