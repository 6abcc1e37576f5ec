//! The scheduler as a node: its machine, its links and its clock.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use oxidask_core::key::Key;
use oxidask_sched::data::{Answer, Data};
use oxidask_sched::ids::{ClientId, Time, WorkerId};
use oxidask_sched::message::{
    Action, ClientInfo, Event, FromClient, FromWorker, ToClient, ToWorker, WorkerInfo,
};
use oxidask_sched::scheduler::{Config, Counts, Scheduler, TaskSpec};
use parking_lot::{Condvar, Mutex};

use super::here::WorkersHere;
use super::host::{Host, NoHost};
use super::link::Outbox;
use super::turn::{Node, Shared, make_due};

/// A scheduler that runs.
pub struct SchedulerNode {
    shared: Shared<State, Incoming>,
    n_workers: AtomicU32,
    n_clients: AtomicU32,
    n_questions: AtomicU64,
    started: Instant,
    timer: Arc<Timer>,
    host: OnceLock<Arc<dyn Host>>,
    here: Arc<WorkersHere>,
    this: Weak<Self>,
}

enum Incoming {
    Event(Event),
    Worker(WorkerId, WorkerInfo, Arc<dyn Outbox<ToWorker>>),
    Client(ClientId, ClientInfo, Arc<dyn Outbox<ToClient>>),
    Question(u64, Then),
}

/// Takes the answer to a question of this process.
type Then = Box<dyn FnOnce(Answer) + Send>;

struct State {
    machine: Scheduler,
    workers: BTreeMap<WorkerId, Arc<dyn Outbox<ToWorker>>>,
    clients: BTreeMap<ClientId, Arc<dyn Outbox<ToClient>>>,
    /// Questions of this process that are not answered.
    asked: BTreeMap<u64, Then>,
    /// Kept for its room.
    actions: Vec<Action>,
}

/// When the machine wants to be woken, for the thread that does it.
#[derive(Default)]
struct Timer {
    due: Mutex<Due>,
    changed: Condvar,
}

#[derive(Default)]
struct Due {
    at: Option<Instant>,
    closed: bool,
}

impl SchedulerNode {
    /// A scheduler without workers.
    #[must_use]
    pub fn new(mut config: Config) -> Arc<Self> {
        let since_1970 = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        config.started_s = since_1970.as_secs_f64();
        let state = State {
            machine: Scheduler::new(config),
            workers: BTreeMap::new(),
            clients: BTreeMap::new(),
            asked: BTreeMap::new(),
            actions: Vec::new(),
        };
        Arc::new_cyclic(|this| Self {
            shared: Shared::new(state),
            n_workers: AtomicU32::new(0),
            n_clients: AtomicU32::new(0),
            n_questions: AtomicU64::new(0),
            started: Instant::now(),
            timer: Arc::default(),
            host: OnceLock::new(),
            here: Arc::default(),
            this: this.clone(),
        })
    }

    /// Starts the thread that looks at the clock for the machine.
    ///
    /// # Errors
    /// If the system gives no thread.
    pub fn start_timer(&self) -> std::io::Result<thread::JoinHandle<()>> {
        let (timer, this) = (self.timer.clone(), self.this.clone());
        thread::Builder::new()
            .name("oxidask-timer".into())
            .spawn(move || timer.serve(&|| this.upgrade().is_some_and(|node| node.tick())))
    }

    /// Who answers questions that the machine does not; once.
    pub fn set_host(&self, host: Arc<dyn Host>) {
        // A second host would be another scheduler's.
        drop(self.host.set(host));
    }

    /// Lets workers and clients go, and ends the timer. The machine runs on the threads of others.
    pub fn close(&self) {
        let (workers, clients) = self.shared.with(&self.this, |state| {
            (std::mem::take(&mut state.workers), std::mem::take(&mut state.clients))
        });
        clients.values().for_each(|client| client.close());
        workers.values().for_each(|worker| worker.close());
        self.here.leave_others();
        self.timer.due.lock().closed = true;
        self.timer.changed.notify_all();
    }

    /// A number for a worker, under which it joins.
    pub fn next_worker(&self) -> WorkerId {
        WorkerId(self.n_workers.fetch_add(1, Ordering::Relaxed))
    }

    /// A worker has come.
    pub fn join(&self, id: WorkerId, info: WorkerInfo, outbox: Arc<dyn Outbox<ToWorker>>) {
        self.take_in([Incoming::Worker(id, info, outbox)]);
    }

    /// A client has come.
    pub fn connect(&self, info: ClientInfo, outbox: Arc<dyn Outbox<ToClient>>) -> ClientId {
        let id = self.next_client();
        self.client_came(id, info, outbox);
        id
    }

    /// Something has happened that is no message: a peer is gone, say.
    pub fn happened(&self, event: Event) {
        self.take_in([Incoming::Event(event)]);
    }

    /// Its workers in this process.
    pub(super) fn workers_here(&self) -> &Arc<WorkersHere> {
        &self.here
    }

    /// Asks a question of this process's own, of the machine or the host. `then` is called with the answer on
    /// whichever thread brings it, under a lock of this node: it only hands the answer on. It is dropped if the node
    /// is. Gives the number by which the question can be abandoned.
    pub fn ask(&self, verb: &str, body: Data, then: Box<dyn FnOnce(Answer) + Send>) -> u64 {
        let request = self.n_questions.fetch_add(1, Ordering::Relaxed);
        let ask = FromClient::Ask { request, verb: verb.into(), body };
        self.take_in([
            Incoming::Question(request, then),
            Incoming::Event(Event::Client(ClientId::PROCESS, ask)),
        ]);
        request
    }

    /// Nobody waits for the answer to this question any more. `then` is dropped with the answer if that comes all
    /// the same.
    pub fn abandon(&self, request: u64) {
        self.happened(Event::Client(ClientId::PROCESS, FromClient::Abandon(request)));
    }

    /// What people are told that this scheduler is called, and where it is reached.
    pub fn set_name(&self, id: &str, address: &str) {
        self.shared.with(&self.this, |state| state.machine.set_name(id, address));
    }

    /// How many there are of everything.
    #[must_use]
    pub fn counts(&self) -> Counts {
        self.shared.with(&self.this, |state| state.machine.counts())
    }

    /// What a task runs, objects of this process and all; none if it is not known, or came from outside as a value.
    #[must_use]
    pub fn spec_of(&self, key: &Key) -> Option<TaskSpec> {
        self.shared.with(&self.this, |state| state.machine.spec_of(key))
    }

    /// Checks the machine.
    ///
    /// # Errors
    /// With what is not as it must be.
    pub fn check_invariants(&self) -> Result<(), String> {
        self.shared.with(&self.this, |state| state.machine.check_invariants())
    }

    /// A worker has said something.
    pub(super) fn heard_worker(&self, id: WorkerId, messages: impl Iterator<Item = FromWorker>) {
        self.take_in(messages.map(|message| Incoming::Event(Event::Worker(id, message))));
    }

    /// A client has said something.
    pub(super) fn heard_client(&self, id: ClientId, messages: impl Iterator<Item = FromClient>) {
        self.take_in(messages.map(|message| Incoming::Event(Event::Client(id, message))));
    }

    /// A number for a client, under which it joins.
    pub(super) fn next_client(&self) -> ClientId {
        ClientId(self.n_clients.fetch_add(1, Ordering::Relaxed))
    }

    /// A client has come, under a number of [`SchedulerNode::next_client`].
    pub(super) fn client_came(
        &self,
        id: ClientId,
        info: ClientInfo,
        outbox: Arc<dyn Outbox<ToClient>>,
    ) {
        self.take_in([Incoming::Client(id, info, outbox)]);
    }

    fn take_in(&self, incoming: impl IntoIterator<Item = Incoming>) {
        self.shared.post(incoming);
        if let Some(this) = self.this.upgrade() {
            make_due(this);
        }
    }

    fn host(&self) -> &dyn Host {
        self.host.get().map_or(&NoHost, |host| &**host)
    }

    /// What the machine says to this process.
    fn told(&self, asked: &mut BTreeMap<u64, Then>, message: ToClient) {
        match message {
            ToClient::Answer { request, answer } => {
                if let Some(then) = asked.remove(&request) {
                    then(answer);
                }
            }
            ToClient::Push { topic, body } => self.host().push(topic, body),
            // The process holds no tasks.
            _ => {}
        }
    }

    fn tick(&self) -> bool {
        self.take_in([Incoming::Event(Event::Tick)]);
        true
    }

    fn now(&self) -> Time {
        Time(self.started.elapsed().as_nanos() as u64)
    }

    fn turn_with(&self, state: &mut State, incoming: Vec<Incoming>) {
        let State { machine, workers, clients, asked, actions } = state;
        let mut lost = Vec::new();
        let mut abandoned = Vec::new();
        let events = incoming.into_iter().filter_map(|incoming| match incoming {
            Incoming::Question(request, then) => {
                asked.insert(request, then);
                None
            }
            Incoming::Worker(id, info, outbox) => {
                workers.insert(id, outbox);
                Some(Event::WorkerJoined(id, info))
            }
            Incoming::Client(id, info, outbox) => {
                clients.insert(id, outbox);
                Some(Event::ClientJoined(id, info))
            }
            Incoming::Event(event) => {
                if matches!(event, Event::WorkerLost(..) | Event::ClientLost(_)) {
                    lost.push(event.clone());
                }
                if let Event::Client(ClientId::PROCESS, FromClient::Abandon(request)) = &event {
                    abandoned.extend(asked.remove(request));
                }
                Some(event)
            }
        });
        let events: Vec<Event> = events.collect();
        machine.handle_all(self.now(), events, actions);
        for event in lost {
            match event {
                Event::WorkerLost(id, _) => drop(workers.remove(&id)),
                Event::ClientLost(id) => drop(clients.remove(&id)),
                _ => {}
            }
        }
        let mut to_workers: BTreeMap<WorkerId, Vec<ToWorker>> = BTreeMap::new();
        let mut to_clients: BTreeMap<ClientId, Vec<ToClient>> = BTreeMap::new();
        let mut retired = Vec::new();
        for action in actions.drain(..) {
            match action {
                Action::Worker(id, message) => to_workers.entry(id).or_default().push(message),
                Action::Client(ClientId::PROCESS, message) => self.told(asked, message),
                Action::Client(id, message) => to_clients.entry(id).or_default().push(message),
                Action::Retired(id) => retired.push(id),
                Action::Ask { client, request, verb, body } => {
                    let this = self.this.clone();
                    let reply = Box::new(move |answer| {
                        if let Some(this) = this.upgrade() {
                            this.happened(Event::Answered(client, request, answer));
                        }
                    });
                    self.host().ask(verb, body, reply);
                }
            }
        }
        for (id, messages) in to_workers {
            if let Some(outbox) = workers.get(&id) {
                outbox.post(messages);
            }
        }
        for (id, messages) in to_clients {
            if let Some(outbox) = clients.get(&id) {
                outbox.post(messages);
            }
        }
        for id in &retired {
            if let Some(outbox) = workers.get(id) {
                outbox.post(vec![ToWorker::Close("it has retired".into())]);
            }
        }
        let gone = retired.into_iter().map(|id| Event::WorkerLost(id, "retired".into()));
        self.shared.post(gone.map(Incoming::Event));
        let due = machine.deadline().map(|at| self.started + Duration::from_nanos(at.0));
        self.timer.set(due);
    }
}

impl Node for SchedulerNode {
    fn turn(&self) {
        self.shared.turn(|state| {
            let incoming = self.shared.take();
            if !incoming.is_empty() {
                self.turn_with(state, incoming);
            }
        });
    }
}

impl Timer {
    fn set(&self, at: Option<Instant>) {
        let mut due = self.due.lock();
        if due.at != at {
            due.at = at;
            self.changed.notify_one();
        }
    }

    /// Calls `tick` whenever it is time, until it says that there is nobody to call.
    fn serve(&self, tick: &dyn Fn() -> bool) {
        let mut due = self.due.lock();
        while !due.closed {
            match due.at {
                None => self.changed.wait(&mut due),
                Some(at) if at > Instant::now() => {
                    self.changed.wait_until(&mut due, at);
                }
                Some(_) => {
                    due.at = None;
                    drop(due);
                    if !tick() {
                        return;
                    }
                    due = self.due.lock();
                }
            }
        }
    }
}

/// The way of a worker to the scheduler of its process.
pub(super) struct FromWorkerHere(pub(super) WorkerId, pub(super) Weak<SchedulerNode>);

impl Outbox<FromWorker> for FromWorkerHere {
    fn post(&self, messages: Vec<FromWorker>) {
        if let Some(node) = self.1.upgrade() {
            node.heard_worker(self.0, messages.into_iter());
        }
    }
}

/// The way of a client to the scheduler of its process.
pub(super) struct FromClientHere(pub(super) ClientId, pub(super) Weak<SchedulerNode>);

impl Outbox<FromClient> for FromClientHere {
    fn post(&self, messages: Vec<FromClient>) {
        if let Some(node) = self.1.upgrade() {
            node.heard_client(self.0, messages.into_iter());
        }
    }
}
