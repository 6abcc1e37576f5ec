//! A worker as a node: its machine, its values, and what its threads do.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use oxidask_core::value::Value;
use oxidask_sched::data::Data;
use oxidask_sched::ids::{RunId, TaskId, Time, WorkerId};
use oxidask_sched::message::{FromWorker, ToWorker, WorkerInfo};
use oxidask_sched::worker::{Action, Copied, Event, Outcome, Worker, WorkerConfig};
use parking_lot::{Condvar, Mutex};
use rustc_hash::FxHashMap;

use super::host::{Host, NoHost};
use super::inline::InlineForm;
use super::job::{Job, Landed, run};
use super::link::{Fetched, Outbox, SharedPeers};
use super::ops::Ops;
use super::running::Running;
use super::turn::{Node, Shared, after, make_due};

/// What a worker is made of.
#[derive(Clone)]
pub struct NewWorker {
    /// Who it is.
    pub info: WorkerInfo,
    /// What makes ops of its tasks.
    pub ops: Arc<dyn Ops>,
    /// Who answers questions that are put to it; none for nobody, or for one that comes later.
    pub host: Option<Arc<dyn Host>>,
}

impl NewWorker {
    /// A worker without a host.
    #[must_use]
    pub fn new(info: WorkerInfo, ops: Arc<dyn Ops>) -> Self {
        Self { info, ops, host: None }
    }
}

/// A worker that runs.
pub struct WorkerNode {
    id: WorkerId,
    name: Arc<str>,
    n_threads: u32,
    shared: Shared<State, Incoming>,
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
    /// Threads that it has started itself.
    own_threads: Mutex<Vec<JoinHandle<()>>>,
    n_started: AtomicU32,
    started: Instant,
    this: Weak<Self>,
}

type OnClose = Box<dyn Fn(&str) + Send + Sync>;

/// Threads within [`WorkerNode::work`].
#[derive(Default)]
struct Threads {
    /// Those that were told to look for work and have not yet.
    n_wakes: u32,
    /// Those that run no task that has seceded.
    n_serving: u32,
}

enum Incoming {
    Scheduler(ToWorker),
    Fetched(u64, Option<Vec<Landed>>),
    Put(Vec<Landed>),
}

struct State {
    machine: Worker,
    values: FxHashMap<TaskId, Value>,
    /// Values to be dropped without the lock: dropping may run any code.
    dropped: Vec<Value>,
    /// Kept for its room.
    actions: Vec<Action>,
}

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
        let NewWorker { info, ops, host } = new;
        let n_threads = info.n_threads;
        let config = WorkerConfig { resources: info.resources, ..WorkerConfig::new(id, n_threads) };
        let state = State {
            machine: Worker::new(config),
            values: FxHashMap::default(),
            dropped: Vec::new(),
            actions: Vec::new(),
        };
        Arc::new_cyclic(|this| Self {
            id,
            name: info.name,
            n_threads,
            shared: Shared::new(state),
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
            own_threads: Mutex::default(),
            n_started: AtomicU32::new(0),
            started: Instant::now(),
            this: this.clone(),
        })
    }

    /// Its number.
    #[must_use]
    pub fn id(&self) -> WorkerId {
        self.id
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

    /// Runs tasks until the worker is closed, or until there are more threads than the worker was announced with:
    /// after a task that had seceded. `thread` is the number that the tasks are said to have run on.
    pub fn work(&self, thread: u32) {
        self.threads.lock().n_serving += 1;
        while let Some(job) = self.next_job() {
            let (task, run_id) = (job.compute.task, job.compute.run);
            let running = Running::new(&job.compute, thread, self.this.clone());
            let (outcome, value) = run(job, &running, &*self.ops, self.inline);
            if running.has_seceded() {
                self.threads.lock().n_serving += 1;
            }
            self.report(task, run_id, outcome, value);
        }
    }

    /// Starts a thread that runs tasks. Who wants threads of another kind calls [`WorkerNode::work`] from them.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start_thread(&self) -> std::io::Result<()> {
        let Some(this) = self.this.upgrade() else { return Ok(()) };
        let number = self.n_started.fetch_add(1, Ordering::Relaxed);
        let name = format!("oxidask-task-{number}");
        let thread = thread::Builder::new().name(name).spawn(move || this.work(number))?;
        self.own_threads.lock().push(thread);
        Ok(())
    }

    /// Waits for the threads that the worker has started itself: they end once it is closed.
    pub(super) fn join_threads(&self) {
        loop {
            let threads = std::mem::take(&mut *self.own_threads.lock());
            if threads.is_empty() {
                return;
            }
            for thread in threads {
                // A thread that panicked has said so.
                drop(thread.join());
            }
        }
    }

    /// A task goes on without a thread's place.
    pub(super) fn seceded(&self, running: &Running) {
        let needed = {
            let mut threads = self.threads.lock();
            threads.n_serving = threads.n_serving.saturating_sub(1);
            threads.n_serving < self.n_threads
        };
        let (task, run) = (running.task, running.run);
        self.happened(Event::Seceded { task, run });
        let is_open = needed && !self.is_closed();
        if is_open && !self.host().thread_needed() && self.start_thread().is_err() {
            let text = "the system gives no thread for the place that a task has left";
            self.push("worker-events", Data::Text(text.into()));
        }
    }

    /// A task takes a thread's place again.
    pub(super) fn rejoined(&self, running: &Running) {
        self.threads.lock().n_serving += 1;
        let (task, run) = (running.task, running.run);
        self.happened(Event::Rejoined { task, run });
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
    pub(super) fn on_close(&self, then: OnClose) {
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

    /// The values of these that are here.
    #[must_use]
    pub fn values(&self, tasks: &[TaskId]) -> Fetched {
        self.shared.with(&self.this, |state| {
            let held = tasks.iter().filter(|task| state.machine.holds(**task));
            held.filter_map(|task| Some((*task, state.values.get(task)?.clone()))).collect()
        })
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
            let land = |(task, value)| Landed::new(task, value);
            self.told([Incoming::Put(values.into_iter().map(land).collect())]);
        }
        is_open
    }

    /// The scheduler has said something.
    pub(super) fn heard(&self, messages: impl IntoIterator<Item = ToWorker>) {
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

    /// The next task for a thread, when there is one; none if the thread is not needed any more.
    fn next_job(&self) -> Option<Job> {
        loop {
            if self.is_closed() {
                return None;
            }
            // What a turn makes due has its turn before this thread waits.
            if let Some(job) = after(|| self.take_job()) {
                return Some(job);
            }
            let mut threads = self.threads.lock();
            loop {
                if threads.n_serving > self.n_threads {
                    threads.n_serving -= 1;
                    return None;
                }
                if threads.n_wakes > 0 || self.is_closed() {
                    break;
                }
                self.work.wait(&mut threads);
            }
            threads.n_wakes = threads.n_wakes.saturating_sub(1);
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

    fn report(&self, task: TaskId, run: RunId, outcome: Outcome, value: Option<Value>) {
        after(|| {
            let _dropped = self.shared.with(&self.this, |state| {
                if let Some(value) = value {
                    state.dropped.extend(state.values.insert(task, value));
                }
                let executed = Event::Executed { task, run, outcome };
                state.machine.handle(self.now(), executed, &mut state.actions);
                self.carry_out(state);
                std::mem::take(&mut state.dropped)
            });
        });
    }

    fn happened(&self, event: Event) {
        after(|| {
            let _dropped = self.shared.with(&self.this, |state| {
                state.machine.handle(self.now(), event, &mut state.actions);
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
                    Incoming::Fetched(request, Some(landed)) => {
                        Event::Fetched { request, values: state.store(landed) }
                    }
                    Incoming::Put(landed) => Event::Put(state.store(landed)),
                };
                state.machine.handle(now, event, &mut state.actions);
                // Before the next event: see `Action`.
                self.carry_out(state);
            }
        }
    }

    fn carry_out(&self, state: &mut State) {
        let (mut messages, mut closed) = (Vec::new(), None);
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
                    closed = Some(reason);
                }
                Action::Peer { worker, address } => self.peers.learn(worker, &address),
                Action::Wake(n) => {
                    self.threads.lock().n_wakes += n;
                    (0..n).for_each(|_| _ = self.work.notify_one());
                }
                Action::Fetch { peer, request, tasks } => {
                    let this = self.this.clone();
                    let then = Box::new(move |fetched: Option<Fetched>| {
                        let Some(this) = this.upgrade() else { return };
                        let land = |(task, value)| Landed::new(task, value);
                        let landed = fetched.map(|all| all.into_iter().map(land).collect());
                        this.told([Incoming::Fetched(request, landed)]);
                    });
                    self.peers.fetch(peer, tasks, then);
                }
            }
        }
        state.actions = actions;
        if !messages.is_empty() {
            self.scheduler.post(messages);
        }
        if let Some(reason) = closed {
            self.close(&reason);
        }
    }
}

impl State {
    /// Takes values in, and says what the machine has to know of them.
    fn store(&mut self, landed: Vec<Landed>) -> Vec<Copied> {
        let mut all = Vec::with_capacity(landed.len());
        for Landed { value, copied } in landed {
            self.dropped.extend(self.values.insert(copied.task, value));
            all.push(copied);
        }
        all
    }
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
        self.0.heard(messages);
    }

    fn close(&self) {
        self.0.close("the scheduler was closed");
    }
}
