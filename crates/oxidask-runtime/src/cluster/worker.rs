//! A worker as a node: its machine, its values, and what its threads do.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use oxidask_core::op::{Op, TaskContext, TaskError};
use oxidask_core::value::Value;
use oxidask_sched::content::Content;
use oxidask_sched::data::Data;
use oxidask_sched::ids::{RunId, TaskId, Time, WorkerId};
use oxidask_sched::message::{Blob, Cause, Compute, FromWorker, TaskFailure, ToWorker};
use oxidask_sched::worker::{Action, Copied, Event, Outcome, Worker, WorkerConfig};
use parking_lot::{Condvar, Mutex};
use rustc_hash::FxHashMap;

use super::host::{Host, NoHost};
use super::inline::InlineForm;
use super::link::{Fetched, Outbox, SharedPeers};
use super::ops::Ops;
use super::turn::{Node, Shared, after, make_due};
use crate::local::panic_message;

/// A worker that runs.
pub struct WorkerNode {
    id: WorkerId,
    shared: Shared<State, Incoming>,
    /// Threads that were told to look for work and have not yet. A lock of its own: whoever has that of the state
    /// must look into the inbox after letting go of it, which a wait does not.
    n_wakes: Mutex<u32>,
    work: Condvar,
    closed: AtomicBool,
    scheduler: Box<dyn Outbox<FromWorker>>,
    peers: SharedPeers,
    ops: Arc<dyn Ops>,
    inline: InlineForm,
    host: OnceLock<Arc<dyn Host>>,
    started: Instant,
    this: Weak<Self>,
}

enum Incoming {
    Scheduler(ToWorker),
    Fetched(u64, Option<Fetched>),
}

struct State {
    machine: Worker,
    values: FxHashMap<TaskId, Value>,
    /// Values to be dropped without the lock: dropping may run any code.
    dropped: Vec<Value>,
    /// Kept for its room.
    actions: Vec<Action>,
}

/// A task with all that a thread needs to run it.
struct Job {
    compute: Box<Compute>,
    blob: Option<Blob>,
    inputs: Vec<Value>,
    lost: Vec<TaskId>,
}

impl WorkerNode {
    /// A worker without threads: those that call [`WorkerNode::work`] are its threads.
    #[must_use]
    pub fn new(
        config: WorkerConfig,
        scheduler: Box<dyn Outbox<FromWorker>>,
        peers: SharedPeers,
        ops: Arc<dyn Ops>,
        inline: InlineForm,
    ) -> Arc<Self> {
        let id = config.id;
        let state = State {
            machine: Worker::new(config),
            values: FxHashMap::default(),
            dropped: Vec::new(),
            actions: Vec::new(),
        };
        Arc::new_cyclic(|this| Self {
            id,
            shared: Shared::new(state),
            n_wakes: Mutex::new(0),
            work: Condvar::new(),
            closed: AtomicBool::new(false),
            scheduler,
            peers,
            ops,
            inline,
            host: OnceLock::new(),
            started: Instant::now(),
            this: this.clone(),
        })
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> WorkerId {
        self.id
    }

    /// Runs tasks until the worker is closed. As many threads as the worker was announced with call this.
    pub fn work(&self) {
        while let Some(job) = self.next_job() {
            let (task, run) = (job.compute.task, job.compute.run);
            let (outcome, value) = self.run(job);
            self.report(task, run, outcome, value);
        }
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

    /// Lets the threads go after the tasks that they run now.
    pub fn close(&self) {
        self.closed.store(true, Ordering::Release);
        // With the lock: nobody is between looking and waiting.
        let _n_wakes = self.n_wakes.lock();
        self.work.notify_all();
    }

    /// The values of these that are here.
    #[must_use]
    pub fn values(&self, tasks: &[TaskId]) -> Fetched {
        self.shared.with(&self.this, |state| {
            let held = tasks.iter().filter(|task| state.machine.holds(**task));
            held.filter_map(|task| Some((*task, state.values.get(task)?.clone()))).collect()
        })
    }

    /// The scheduler has said something.
    pub(super) fn told(&self, messages: impl IntoIterator<Item = ToWorker>) {
        self.shared.post(messages.into_iter().map(Incoming::Scheduler));
        if let Some(this) = self.this.upgrade() {
            make_due(this);
        }
    }

    fn now(&self) -> Time {
        Time(self.started.elapsed().as_nanos() as u64)
    }

    /// The next task for a thread, when there is one; none if the worker is closed.
    fn next_job(&self) -> Option<Job> {
        loop {
            if self.closed.load(Ordering::Acquire) {
                return None;
            }
            // What a turn makes due has its turn before this thread waits.
            if let Some(job) = after(|| self.take_job()) {
                return Some(job);
            }
            let mut n_wakes = self.n_wakes.lock();
            while *n_wakes == 0 && !self.closed.load(Ordering::Acquire) {
                self.work.wait(&mut n_wakes);
            }
            *n_wakes = n_wakes.saturating_sub(1);
        }
    }

    fn take_job(&self) -> Option<Job> {
        let (job, _dropped) = self.shared.with(&self.this, |state| {
            self.take_in(state);
            let State { machine, values, actions, .. } = state;
            let job = machine.next(actions).map(|compute| {
                let mut inputs = Vec::with_capacity(compute.inputs.len());
                let mut lost = Vec::new();
                for input in &compute.inputs {
                    match values.get(&input.task) {
                        Some(value) => inputs.push(value.clone()),
                        None => lost.push(input.task),
                    }
                }
                let blob = machine.blob(compute.spec.blob).cloned();
                Job { compute, blob, inputs, lost }
            });
            self.carry_out(state);
            (job, std::mem::take(&mut state.dropped))
        });
        job
    }

    fn run(&self, job: Job) -> (Outcome, Option<Value>) {
        let Job { compute, blob, mut inputs, lost } = job;
        if !lost.is_empty() {
            return (Outcome::InputsLost(lost), None);
        }
        let failed = |cause: Cause, text: String, bytes: Content| {
            let (origin, text) = (compute.key.clone(), text.into());
            let failure = TaskFailure { origin, cause, text, bytes };
            (Outcome::Failed(Arc::new(failure)), None)
        };
        let op = match blob.map(|blob| self.ops.op(&blob, &compute.spec)) {
            Some(Ok(op)) => op,
            Some(Err(error)) => return failed(Cause::Codec, error.to_string(), Content::new()),
            None => return failed(Cause::Codec, "its op never came".into(), Content::new()),
        };
        let start = Instant::now();
        let result = call(&*op, &mut inputs, compute.spec.block);
        let duration_s = start.elapsed().as_secs_f64();
        match result {
            Ok(value) => {
                let (nbytes, type_name) = (value.payload().nbytes(), value.payload().type_name());
                let type_name: Arc<str> = type_name.as_ref().into();
                let small = compute.inline && nbytes <= self.inline.most_bytes();
                let inline = if small { self.inline.of(&value) } else { None };
                let (begun_s, thread) = (seconds_since_1970() - duration_s, 0);
                let outcome =
                    Outcome::Value { nbytes, duration_s, begun_s, thread, type_name, inline };
                (outcome, Some(value))
            }
            Err(error) => {
                let (class, bytes) = match self.inline {
                    InlineForm::Object => ("TaskError".into(), Content::object(error.clone())),
                    InlineForm::Bytes => self.ops.failure(&error),
                };
                failed(Cause::Raised(class), error.to_string(), bytes)
            }
        }
    }

    fn report(&self, task: TaskId, run: RunId, outcome: Outcome, value: Option<Value>) {
        after(|| {
            let _dropped = self.shared.with(&self.this, |state| {
                if let Some(value) = value {
                    state.values.insert(task, value);
                }
                let executed = Event::Executed { task, run, outcome };
                state.machine.handle(self.now(), executed, &mut state.actions);
                self.carry_out(state);
                std::mem::take(&mut state.dropped)
            });
        });
    }

    fn take_in(&self, state: &mut State) {
        loop {
            let incoming = self.shared.take();
            if incoming.is_empty() {
                return;
            }
            let now = self.now();
            for incoming in incoming {
                let event = match incoming {
                    Incoming::Scheduler(message) => Event::Scheduler(message),
                    Incoming::Fetched(request, None) => Event::FetchFailed { request },
                    Incoming::Fetched(request, Some(fetched)) => {
                        let values = fetched.iter().map(|(task, value)| Copied {
                            task: *task,
                            nbytes: value.payload().nbytes(),
                            type_name: value.payload().type_name().as_ref().into(),
                        });
                        let values = values.collect();
                        state.values.extend(fetched);
                        Event::Fetched { request, values }
                    }
                };
                state.machine.handle(now, event, &mut state.actions);
                // Before the next event: see `Action`.
                self.carry_out(state);
            }
        }
    }

    fn carry_out(&self, state: &mut State) {
        let mut messages = Vec::new();
        let mut actions = std::mem::take(&mut state.actions);
        for action in actions.drain(..) {
            match action {
                Action::Scheduler(message) => messages.push(message),
                Action::DropValues(tasks) => {
                    let values = tasks.iter().filter_map(|task| state.values.remove(task));
                    state.dropped.extend(values);
                }
                Action::DropBlob(_) => {}
                Action::Ask { request, verb, body } => {
                    let this = self.this.clone();
                    let reply = Box::new(move |answer| {
                        if let Some(this) = this.upgrade() {
                            this.scheduler.post(vec![FromWorker::Answer { request, answer }]);
                        }
                    });
                    self.host().ask(verb, body, reply);
                }
                Action::Close(reason) => {
                    self.host().closing(&reason);
                    self.close();
                }
                Action::Peer { worker, address } => self.peers.learn(worker, &address),
                Action::Wake(n) => {
                    *self.n_wakes.lock() += n;
                    (0..n).for_each(|_| _ = self.work.notify_one());
                }
                Action::Fetch { peer, request, tasks } => {
                    let this = self.this.clone();
                    let then = Box::new(move |values| {
                        if let Some(this) = this.upgrade() {
                            this.shared.post([Incoming::Fetched(request, values)]);
                            make_due(this);
                        }
                    });
                    self.peers.fetch(peer, tasks, then);
                }
            }
        }
        state.actions = actions;
        if !messages.is_empty() {
            self.scheduler.post(messages);
        }
    }
}

fn seconds_since_1970() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// Runs an op; a panic is its failure.
fn call(op: &dyn Op, inputs: &mut [Value], block: u32) -> Result<Value, TaskError> {
    let cancelled = AtomicBool::new(false);
    let ctx = TaskContext { block, cancelled: &cancelled };
    catch_unwind(AssertUnwindSafe(|| op.call(inputs, &ctx)))
        .unwrap_or_else(|panic| Err(TaskError::Panicked(panic_message(&*panic))))
}

impl Node for WorkerNode {
    fn turn(&self) {
        self.shared.turn(|state| {
            self.take_in(state);
            std::mem::take(&mut state.dropped)
        });
    }
}

/// The way of the scheduler to a worker of its process.
pub(super) struct ToWorkerHere(pub(super) Arc<WorkerNode>);

impl Outbox<ToWorker> for ToWorkerHere {
    fn post(&self, messages: Vec<ToWorker>) {
        self.0.told(messages);
    }
}
