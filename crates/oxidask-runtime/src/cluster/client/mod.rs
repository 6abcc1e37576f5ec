//! A client as a node: its machine, the results that it was told of, and those who wait for them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak, mpsc};
use std::time::{Duration, Instant};

use oxidask_core::graph::TaskGraph;
use oxidask_core::key::Key;
use oxidask_core::value::Value;
use oxidask_sched::client::{Action, Client, ClientConfig, Event, FutureState, Settlement};
use oxidask_sched::content::Content;
use oxidask_sched::data::{Answer, Data};
use oxidask_sched::ids::{BlobHash, TaskId, Time, WorkerId};
use oxidask_sched::message::{
    Blob, FromClient, Input, InputRef, NewTask, RunSpec, Submission, ToClient,
};
use parking_lot::Mutex;
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::cluster::inline::Families;
use crate::cluster::link::{Outbox, SharedPeers, ThenPut};
use crate::cluster::ops::{HERE, OpObject};
use crate::cluster::turn::{Node, Shared, after, make_due};

mod gather;
mod waiting;

pub use self::gather::ClusterError;
use self::waiting::Countdown;

/// A client that runs.
pub struct ClientNode {
    shared: Shared<State, ToClient>,
    /// A lock of its own: whoever has that of the state must look into the inbox after letting go of it,
    /// which a wait does not.
    known: Mutex<Known>,
    pushed: OnceLock<OnPush>,
    scheduler: OnceLock<Box<dyn Outbox<FromClient>>>,
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
    /// When something was last posted at once.
    posted: Option<Instant>,
}

/// Submissions that follow each other more closely gather, until somebody waits.
const CLOSE: Duration = Duration::from_micros(100);

impl State {
    /// Whether messages may wait for others: nobody waits for what a release does, and of many submissions the first
    /// has set the scheduler to work.
    fn may_wait(&mut self, messages: &[FromClient]) -> bool {
        let is_release = |message: &FromClient| matches!(message, FromClient::Release(_));
        if messages.iter().all(is_release) {
            return true;
        }
        let gathers = |message| is_release(message) || matches!(message, FromClient::Submit(_));
        let now = Instant::now();
        let is_close = self.posted.is_some_and(|posted| now - posted < CLOSE);
        if is_close && messages.iter().all(gathers) {
            return true;
        }
        self.posted = Some(now);
        false
    }
}

/// What those who wait look at.
#[derive(Default)]
struct Known {
    settled: FxHashMap<Key, Settlement>,
    /// Those who wait for a future that is not settled.
    waiting: FxHashMap<Key, SmallVec<[Waiting; 1]>>,
    requests: FxHashMap<u64, Then>,
    closed: bool,
}

enum Waiting {
    /// A thread that waits for several.
    Thread(Arc<Countdown>),
    /// Somebody to be called.
    Call(Box<dyn FnOnce(Told<'_>) + Send>),
}

/// What those who asked to be called are told: how a future was settled, or none if the client was closed before.
pub type Told<'a> = Option<&'a Settlement>;

/// Hears what the scheduler pushes: topic and body.
pub type OnPush = Box<dyn Fn(&str, &Data) + Send + Sync>;

type ThenLocated = Box<dyn FnOnce(Option<Vec<Option<Input>>>) + Send>;

enum Then {
    Located(ThenLocated),
    Answered(Box<dyn FnOnce(Option<Answer>) + Send>),
}

impl ClientNode {
    /// A client that is not connected yet.
    #[must_use]
    pub fn new(config: ClientConfig, peers: SharedPeers, families: Families) -> Arc<Self> {
        let state = State { machine: Client::new(config), actions: Vec::new(), posted: None };
        Arc::new_cyclic(|this| Self {
            shared: Shared::new(state),
            known: Mutex::default(),
            pushed: OnceLock::new(),
            scheduler: OnceLock::new(),
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
                if let Event::Retry(keys) = &event {
                    // Whoever waits from now on waits for what the retry gives.
                    let mut known = self.known.lock();
                    keys.iter().for_each(|key| {
                        if let Some(Settlement::Failed(_)) = known.settled.get(key) {
                            known.settled.remove(key);
                        }
                    });
                }
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

    /// How a future was settled; none if it was not, or is not held.
    #[must_use]
    pub fn settlement(&self, key: &Key) -> Option<Settlement> {
        self.known.lock().settled.get(key).cloned()
    }

    /// Where a future stands; none if the user does not hold it.
    #[must_use]
    pub fn state_of(&self, key: &Key) -> Option<FutureState> {
        self.shared.with(&self.this, |state| state.machine.state_of(key))
    }

    /// All keys that the user has futures of, how many of each, and where it stands.
    #[must_use]
    pub fn all_held(&self) -> Vec<(Key, u32, FutureState)> {
        self.shared.with(&self.this, |state| {
            let held = state.machine.held();
            held.map(|(key, n, stands)| (key.clone(), n, stands)).collect()
        })
    }

    /// Asks a question. `then` is called with the answer, or with none if the client is closed before; as that of
    /// [`ClientNode::when_settled`]. Gives the number by which it can be abandoned.
    pub fn ask(&self, verb: &str, body: Data, then: Box<dyn FnOnce(Option<Answer>) + Send>) -> u64 {
        let request = self.n_requests.fetch_add(1, Ordering::Relaxed);
        if let Some(Then::Answered(then)) = self.expect(request, Then::Answered(then)) {
            then(None);
            return request;
        }
        self.handle(Event::Ask { request, verb: verb.into(), body });
        request
    }

    /// Nobody waits for the answer to this question any more.
    pub fn abandon(&self, request: u64) {
        self.known.lock().requests.remove(&request);
        self.handle(Event::Abandon(request));
    }

    /// Calls `then` with what the scheduler pushes.
    pub fn on_push(&self, then: OnPush) {
        // A second listener would be another client's.
        drop(self.pushed.set(then));
    }

    /// Where these are; none if the client is closed.
    fn locate(&self, keys: &[Key]) -> Option<Vec<Option<Input>>> {
        self.located(|request| Event::Locate { request, keys: keys.to_vec() })
    }

    /// Asks for a place for values of the user's; none if the client is closed. See [`Event::Place`].
    #[must_use]
    pub fn place(
        &self,
        values: Vec<(Key, (u64, Arc<str>))>,
        workers: Vec<Arc<str>>,
        broadcast: bool,
    ) -> Option<Vec<Option<Input>>> {
        self.located(|request| Event::Place { request, values, workers, broadcast })
    }

    /// Gives a worker a value that [`ClientNode::place`] has found a place for there. `then` is called from any
    /// thread. The task is there once the worker has told the scheduler.
    pub fn put(&self, worker: WorkerId, task: TaskId, value: Value, then: ThenPut) {
        self.peers.put(worker, task, value, then);
    }

    fn located(&self, event: impl FnOnce(u64) -> Event) -> Option<Vec<Option<Input>>> {
        let request = self.n_requests.fetch_add(1, Ordering::Relaxed);
        let (give, take) = mpsc::sync_channel(1);
        let then = Then::Located(Box::new(move |places| _ = give.send(places)));
        if self.expect(request, then).is_some() {
            return None;
        }
        self.handle(event(request));
        take.recv().ok().flatten()
    }

    /// Who is to be called with the answer to a request; comes back if there will be none.
    fn expect(&self, request: u64, then: Then) -> Option<Then> {
        let mut known = self.known.lock();
        if known.closed {
            return Some(then);
        }
        known.requests.insert(request, then);
        None
    }

    /// Ends all waiting: nothing comes any more.
    pub fn close(&self) {
        let mut known = self.known.lock();
        known.closed = true;
        // What is known of futures goes too: none of them stands for anything now.
        let settled = std::mem::take(&mut known.settled);
        let waiting = std::mem::take(&mut known.waiting);
        let requests = std::mem::take(&mut known.requests);
        drop(known);
        drop(settled);
        for waiting in waiting.into_values().flatten() {
            match waiting {
                Waiting::Thread(countdown) => countdown.end(),
                Waiting::Call(then) => then(None),
            }
        }
        for then in requests.into_values() {
            match then {
                Then::Located(then) => then(None),
                Then::Answered(then) => then(None),
            }
        }
    }

    /// Whether nothing comes any more.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.known.lock().closed
    }

    /// The scheduler has said something.
    pub(in crate::cluster) fn told(&self, messages: impl IntoIterator<Item = ToClient>) {
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
        for action in state.actions.drain(..) {
            match action {
                Action::Scheduler(message) => {
                    if let FromClient::Release(keys) = &message {
                        keys.iter().for_each(|key| _ = known.settled.remove(key));
                    }
                    messages.push(message);
                }
                Action::Settled { key, settlement } => {
                    for waiting in known.waiting.remove(&key).unwrap_or_default() {
                        match waiting {
                            Waiting::Thread(countdown) => countdown.one_less(),
                            Waiting::Call(then) => then(Some(&settlement)),
                        }
                    }
                    known.settled.insert(key, settlement);
                }
                Action::Lost(key) => _ = known.settled.remove(&key),
                Action::Peer { worker, address } => self.peers.learn(worker, &address),
                Action::Located { request, places } => {
                    if let Some(Then::Located(then)) = known.requests.remove(&request) {
                        then(Some(places));
                    }
                }
                Action::Answer { request, answer } => {
                    if let Some(Then::Answered(then)) = known.requests.remove(&request) {
                        then(Some(answer));
                    }
                }
                Action::Push { topic, body } => {
                    if let Some(then) = self.pushed.get() {
                        then(&topic, &body);
                    }
                }
            }
        }
        drop(known);
        if !messages.is_empty()
            && let Some(scheduler) = self.scheduler.get()
        {
            match state.may_wait(&messages) {
                true => scheduler.post_later(messages),
                false => scheduler.post(messages),
            }
        }
    }

    /// The workers that are known are those of a scheduler that is gone.
    pub(super) fn forget_peers(&self) {
        self.peers.forget();
    }

    /// There is another scheduler, which knows nothing of this client; `switch` makes the way to it the client's. What
    /// the client has is presented.
    pub(super) fn new_epoch(&self, switch: impl FnOnce()) {
        after(|| {
            self.shared.with(&self.this, |state| {
                self.take_in(state);
                switch();
                state.machine.handle(self.now(), Event::NewEpoch, &mut state.actions);
                self.carry_out(state);
            });
        });
    }

    /// Somebody waits: nothing that was posted does.
    fn flush(&self) {
        if let Some(scheduler) = self.scheduler.get() {
            scheduler.flush();
        }
    }
}

impl Node for ClientNode {
    fn turn(&self) {
        self.shared.turn(|state| self.take_in(state));
    }
}

/// The way of the scheduler to a client of its process.
pub(in crate::cluster) struct ToClientHere(pub(in crate::cluster) Weak<ClientNode>);

impl Outbox<ToClient> for ToClientHere {
    fn post(&self, messages: Vec<ToClient>) {
        let Some(node) = self.0.upgrade() else { return };
        node.told(messages);
    }

    fn close(&self) {
        if let Some(node) = self.0.upgrade() {
            node.close();
        }
    }
}
