//! A client as a node: its machine, the results that it was told of, and those who wait for them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use oxidask_core::graph::TaskGraph;
use oxidask_core::key::Key;
use oxidask_core::op::TaskError;
use oxidask_core::value::{CodecError, Value};
use oxidask_sched::client::{Action, Client, ClientConfig, Event, Settlement};
use oxidask_sched::content::Content;
use oxidask_sched::ids::{BlobHash, Time};
use oxidask_sched::message::{
    Blob, FromClient, Input, InputRef, NewTask, RunSpec, Submission, TaskFailure, ToClient,
};
use parking_lot::{Condvar, Mutex};
use rustc_hash::FxHashMap;

use super::inline::Families;
use super::link::{Outbox, SharedPeers};
use super::ops::{HERE, OpObject};
use super::turn::{Node, Shared, after, make_due};

/// A client that runs.
pub struct ClientNode {
    shared: Shared<State, ToClient>,
    /// A lock of its own: whoever has that of the state must look into the inbox after letting go of it,
    /// which a wait does not.
    known: Mutex<Known>,
    news: Condvar,
    scheduler: std::sync::OnceLock<Box<dyn Outbox<FromClient>>>,
    peers: SharedPeers,
    families: Families,
    n_requests: AtomicU64,
    started: Instant,
    this: Weak<Self>,
}

struct State {
    machine: Client,
    /// Kept for its room.
    actions: Vec<Action>,
}

/// What those who wait look at.
#[derive(Default)]
struct Known {
    settled: FxHashMap<Key, Settlement>,
    located: FxHashMap<u64, Vec<Option<Input>>>,
    fetched: FxHashMap<u64, Option<Vec<Value>>>,
    closed: bool,
}

/// Why a result can't be had.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ClusterError {
    /// The task, or one that it reads, has failed.
    #[error("{}", .0.text)]
    Failed(Arc<TaskFailure>),
    /// The task was cancelled, or was released before.
    #[error("{0} was cancelled, or its future was released")]
    Cancelled(Key),
    /// The result came, and can't be read here.
    #[error("the result of {0} can't be had: {1}")]
    Codec(Key, CodecError),
    /// The client is closed.
    #[error("the client is closed: {0} can't be had any more; connect again")]
    Closed(Key),
    /// It took longer than the caller would wait.
    #[error("{key} has no result after {seconds} s")]
    TimedOut {
        /// The task.
        key: Key,
        /// How long was waited.
        seconds: f64,
    },
}

impl ClusterError {
    /// The failure of the task's own code, if that is what it is and it comes from this process.
    #[must_use]
    pub fn task_error(&self) -> Option<&TaskError> {
        match self {
            Self::Failed(failure) => failure.bytes.downcast_ref(),
            _ => None,
        }
    }
}

impl ClientNode {
    /// A client that is not connected yet.
    #[must_use]
    pub fn new(config: ClientConfig, peers: SharedPeers, families: Families) -> Arc<Self> {
        let state = State { machine: Client::new(config), actions: Vec::new() };
        Arc::new_cyclic(|this| Self {
            shared: Shared::new(state),
            known: Mutex::default(),
            news: Condvar::new(),
            scheduler: std::sync::OnceLock::new(),
            peers,
            families,
            n_requests: AtomicU64::new(1),
            started: Instant::now(),
            this: this.clone(),
        })
    }

    /// Where it posts; once.
    pub fn connect(&self, scheduler: Box<dyn Outbox<FromClient>>) {
        // A second connection would be another client's.
        drop(self.scheduler.set(scheduler));
    }

    /// Something that the user does.
    pub fn handle(&self, event: Event) {
        after(|| {
            self.shared.with(&self.this, |state| {
                self.take_in(state);
                state.machine.handle(self.now(), event, &mut state.actions);
                self.carry_out(state);
            });
        });
    }

    /// Submits what the outputs of a graph need and gives their keys, in the order of the outputs: a
    /// future of each is held. Ops stay in this process.
    ///
    /// # Errors
    /// If tasks wait for each other.
    pub fn submit_graph(
        &self,
        graph: &TaskGraph,
    ) -> Result<Vec<Key>, oxidask_core::graph::GraphError> {
        let order = graph.order()?;
        let mut by_priority: Vec<u32> = (0..graph.len() as u32).collect();
        by_priority.sort_unstable_by_key(|&task| order[task as usize]);
        let mut place = vec![0; graph.len()];
        for (at, &task) in by_priority.iter().enumerate() {
            place[task as usize] = at as u32;
        }
        let mut wanted = vec![false; graph.len()];
        for &output in graph.outputs() {
            wanted[output as usize] = true;
        }
        let blob = Blob { hash: BlobHash(0), family: HERE.into(), bytes: Content::object(()) };
        let tasks = by_priority.iter().map(|&task| NewTask {
            key: graph.key(task),
            run: RunSpec {
                blob: 0,
                block: graph.origin(task).block,
                payload: Content::object(OpObject(graph.op(task).clone())),
            },
            inputs: graph
                .args(task)
                .iter()
                .map(|&input| InputRef::Local(place[input as usize]))
                .collect(),
            wanted: wanted[task as usize],
            annotations: 0,
        });
        let submission =
            Submission { blobs: vec![blob], tasks: tasks.collect(), ..Submission::default() };
        self.handle(Event::Submit(submission));
        Ok(graph.outputs().iter().map(|&output| graph.key(output)).collect())
    }

    /// Waits for futures and gives their values.
    ///
    /// # Errors
    /// With the first of them that has none.
    pub fn gather(
        &self,
        keys: &[Key],
        timeout: Option<Duration>,
    ) -> Result<Vec<Value>, ClusterError> {
        let until = timeout.map(|timeout| Instant::now() + timeout);
        keys.iter().map(|key| self.result(key, until, timeout)).collect()
    }

    fn result(
        &self,
        key: &Key,
        until: Option<Instant>,
        timeout: Option<Duration>,
    ) -> Result<Value, ClusterError> {
        loop {
            match self.settlement(key, until, timeout)? {
                Settlement::Failed(failure) => return Err(ClusterError::Failed(failure)),
                Settlement::Cancelled => return Err(ClusterError::Cancelled(key.clone())),
                Settlement::Finished { inline, .. } => {
                    match inline.map(|inline| self.families.value(&inline)) {
                        Some(Ok(value)) => return Ok(value),
                        Some(Err(error)) => return Err(ClusterError::Codec(key.clone(), error)),
                        None => {}
                    }
                    if let Some(value) = self.fetch(key) {
                        return Ok(value);
                    }
                }
            }
        }
    }

    /// How a future was settled, when it is.
    fn settlement(
        &self,
        key: &Key,
        until: Option<Instant>,
        timeout: Option<Duration>,
    ) -> Result<Settlement, ClusterError> {
        let is_held = |state: &mut State| state.machine.state_of(key).is_some();
        if !self.shared.with(&self.this, is_held) {
            return Err(ClusterError::Cancelled(key.clone()));
        }
        let mut known = self.known.lock();
        loop {
            if let Some(settlement) = known.settled.get(key) {
                return Ok(settlement.clone());
            }
            if known.closed {
                return Err(ClusterError::Closed(key.clone()));
            }
            match until {
                None => self.news.wait(&mut known),
                Some(until) => {
                    if self.news.wait_until(&mut known, until).timed_out() {
                        let seconds = timeout.unwrap_or_default().as_secs_f64();
                        return Err(ClusterError::TimedOut { key: key.clone(), seconds });
                    }
                }
            }
        }
    }

    /// A value from a worker that holds it; none if it has to be looked for again.
    fn fetch(&self, key: &Key) -> Option<Value> {
        let request = self.n_requests.fetch_add(1, Ordering::Relaxed);
        self.handle(Event::Locate { request, keys: vec![key.clone()] });
        let place = self.answer(|known| known.located.remove(&request))?.pop().flatten();
        let Input { task, place } = place?;
        let holder = *place.holders.first()?;
        let this = self.this.clone();
        let then = Box::new(move |values: Option<super::link::Fetched>| {
            let Some(this) = this.upgrade() else { return };
            let values = values.map(|values| values.into_iter().map(|(_, value)| value).collect());
            this.known.lock().fetched.insert(request, values);
            this.news.notify_all();
        });
        self.peers.fetch(holder, vec![task], then);
        let values = self.answer(|known| known.fetched.remove(&request))?;
        let value = values.and_then(|mut values: Vec<Value>| values.pop());
        if value.is_none() {
            self.handle(Event::Unfetched(vec![(key.clone(), holder)]));
        }
        value
    }

    /// Waits for an answer; none if the client is closed.
    fn answer<T>(&self, take: impl Fn(&mut Known) -> Option<T>) -> Option<T> {
        let mut known = self.known.lock();
        loop {
            match take(&mut known) {
                Some(answer) => return Some(answer),
                None if known.closed => return None,
                None => self.news.wait(&mut known),
            }
        }
    }

    /// Ends all waiting: nothing comes any more.
    pub fn close(&self) {
        self.known.lock().closed = true;
        self.news.notify_all();
    }

    /// The scheduler has said something.
    pub(super) fn told(&self, messages: impl IntoIterator<Item = ToClient>) {
        self.shared.post(messages);
        if let Some(this) = self.this.upgrade() {
            make_due(this);
        }
    }

    fn now(&self) -> Time {
        Time(self.started.elapsed().as_nanos() as u64)
    }

    fn take_in(&self, state: &mut State) {
        loop {
            let incoming = self.shared.take();
            if incoming.is_empty() {
                return;
            }
            let now = self.now();
            for message in incoming {
                state.machine.handle(now, Event::Scheduler(message), &mut state.actions);
            }
            self.carry_out(state);
        }
    }

    fn carry_out(&self, state: &mut State) {
        let mut messages = Vec::new();
        if state.actions.is_empty() {
            return;
        }
        let mut known = self.known.lock();
        let mut news = false;
        for action in state.actions.drain(..) {
            match action {
                Action::Scheduler(message) => {
                    if let FromClient::Release(keys) = &message {
                        keys.iter().for_each(|key| _ = known.settled.remove(key));
                    }
                    messages.push(message);
                }
                Action::Settled { key, settlement } => {
                    known.settled.insert(key, settlement);
                    news = true;
                }
                Action::Lost(key) => _ = known.settled.remove(&key),
                Action::Peer { worker, address } => self.peers.learn(worker, &address),
                Action::Located { request, places } => {
                    known.located.insert(request, places);
                    news = true;
                }
            }
        }
        drop(known);
        if news {
            self.news.notify_all();
        }
        if !messages.is_empty()
            && let Some(scheduler) = self.scheduler.get()
        {
            scheduler.post(messages);
        }
    }
}

impl Node for ClientNode {
    fn turn(&self) {
        self.shared.turn(|state| self.take_in(state));
    }
}

/// The way of the scheduler to a client of its process.
pub(super) struct ToClientHere(pub(super) Weak<ClientNode>);

impl Outbox<ToClient> for ToClientHere {
    fn post(&self, messages: Vec<ToClient>) {
        let Some(node) = self.0.upgrade() else { return };
        node.told(messages);
    }
}
