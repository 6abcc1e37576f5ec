//! A client as a node: its machine, the results that it was told of, and those who wait for them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak, mpsc};
use std::time::{Duration, Instant};

use oxidask_core::graph::TaskGraph;
use oxidask_core::key::Key;
use oxidask_core::op::TaskError;
use oxidask_core::value::{CodecError, Value};
use oxidask_sched::client::{Action, Client, ClientConfig, Event, FutureState, Settlement};
use oxidask_sched::content::Content;
use oxidask_sched::data::{Answer, Data};
use oxidask_sched::ids::{BlobHash, TaskId, Time, WorkerId};
use oxidask_sched::message::{
    Blob, FromClient, Input, InputRef, NewTask, RunSpec, Submission, TaskFailure, ToClient,
};
use parking_lot::{Condvar, Mutex};
use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use super::inline::Families;
use super::link::{Outbox, SharedPeers, ThenPut};
use super::ops::{HERE, OpObject};
use super::turn::{Node, Shared, after, make_due};

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

/// How many futures a thread still waits for.
struct Countdown {
    left: Mutex<usize>,
    done: Condvar,
}

impl Countdown {
    fn one_less(&self) {
        let mut left = self.left.lock();
        *left = left.saturating_sub(1);
        if *left == 0 {
            self.done.notify_all();
        }
    }

    fn end(&self) {
        *self.left.lock() = 0;
        self.done.notify_all();
    }

    /// Whether the count is at zero; waits for that until then.
    fn wait(&self, until: Option<Instant>) -> bool {
        let mut left = self.left.lock();
        while *left > 0 {
            match until {
                None => self.done.wait(&mut left),
                Some(until) => {
                    if self.done.wait_until(&mut left, until).timed_out() {
                        return *left == 0;
                    }
                }
            }
        }
        true
    }
}

/// What is known of a result without asking a worker.
enum Near {
    Known(Result<Value, ClusterError>),
    /// A worker has it.
    Far,
    /// It is not there, or not any more.
    Open,
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
    /// It can't be brought here from the worker that holds it.
    #[error("the result of {0} can't be had: {1}")]
    Unreadable(Key, Arc<str>),
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

    /// Waits until all of these are settled, or nothing comes any more; false if `until` comes before. Futures
    /// that the user does not hold count as settled.
    pub fn wait_all(&self, keys: &[Key], until: Option<Instant>) -> bool {
        let countdown = Arc::new(Countdown { left: Mutex::new(1), done: Condvar::new() });
        self.shared.with(&self.this, |state| {
            let mut known = self.known.lock();
            for key in keys {
                let is_open = !known.closed
                    && !known.settled.contains_key(key)
                    && state.machine.state_of(key).is_some();
                if is_open {
                    *countdown.left.lock() += 1;
                    let waiting = Waiting::Thread(countdown.clone());
                    known.waiting.entry(key.clone()).or_default().push(waiting);
                }
            }
        });
        countdown.one_less();
        if *countdown.left.lock() > 0 {
            self.flush();
        }
        let all = countdown.wait(until);
        if !all {
            let mut known = self.known.lock();
            for key in keys {
                if let Some(waiting) = known.waiting.get_mut(key) {
                    waiting.retain(|waiting| {
                        !matches!(waiting, Waiting::Thread(other) if Arc::ptr_eq(other, &countdown))
                    });
                    if waiting.is_empty() {
                        known.waiting.remove(key);
                    }
                }
            }
        }
        all
    }

    /// Calls `then` once a future is settled: now if it is, and else on a thread that serves others too, under a
    /// lock of this client. It must not block nor come back to the client. A future that the user does not hold is
    /// cancelled.
    pub fn when_settled(&self, key: &Key, then: Box<dyn FnOnce(Told<'_>) + Send>) {
        let is_held = self.shared.with(&self.this, |state| state.machine.state_of(key).is_some());
        let mut known = self.known.lock();
        if known.closed {
            drop(known);
            then(None);
        } else if let Some(settlement) = known.settled.get(key).cloned() {
            drop(known);
            then(Some(&settlement));
        } else if !is_held {
            drop(known);
            then(Some(&Settlement::Cancelled));
        } else {
            known.waiting.entry(key.clone()).or_default().push(Waiting::Call(then));
            drop(known);
            self.flush();
        }
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

    /// Waits for futures and gives their values.
    ///
    /// # Errors
    /// With the first of them that has none.
    pub fn gather(
        &self,
        keys: &[Key],
        timeout: Option<Duration>,
    ) -> Result<Vec<Value>, ClusterError> {
        let all = self.gather_each(keys, timeout.map(|timeout| Instant::now() + timeout));
        all.into_iter()
            .zip(keys)
            .map(|(value, key)| match value {
                Some(value) => value,
                None => {
                    let seconds = timeout.unwrap_or_default().as_secs_f64();
                    Err(ClusterError::TimedOut { key: key.clone(), seconds })
                }
            })
            .collect()
    }

    /// Waits for futures and gives what became of each; none if `until` comes before.
    #[must_use]
    pub fn gather_each(
        &self,
        keys: &[Key],
        until: Option<Instant>,
    ) -> Vec<Option<Result<Value, ClusterError>>> {
        let mut results: Vec<Option<Result<Value, ClusterError>>> = Vec::new();
        results.resize_with(keys.len(), || None);
        // A value may be lost between the news and the fetch: then it is waited for again.
        let mut open: Vec<usize> = (0..keys.len()).collect();
        loop {
            let waited: Vec<Key> = open.iter().map(|&i| keys[i].clone()).collect();
            let all = self.wait_all(&waited, until);
            let mut far = Vec::new();
            let mut lost = Vec::new();
            let held = self.held(&waited);
            for ((&i, key), held) in open.iter().zip(&waited).zip(held) {
                match self.near(key, held) {
                    Near::Known(result) => results[i] = Some(result),
                    Near::Far => far.push(i),
                    Near::Open => lost.push(i),
                }
            }
            let fetched = self.fetch(far.iter().map(|&i| keys[i].clone()).collect());
            for (i, value) in far.into_iter().zip(fetched) {
                match value {
                    Some(value) => results[i] = Some(value),
                    None => lost.push(i),
                }
            }
            if lost.is_empty() || !all {
                return results;
            }
            lost.sort_unstable();
            open = lost;
        }
    }

    fn held(&self, keys: &[Key]) -> Vec<bool> {
        self.shared.with(&self.this, |state| {
            keys.iter().map(|key| state.machine.state_of(key).is_some()).collect()
        })
    }

    /// What is known here of a result.
    fn near(&self, key: &Key, is_held: bool) -> Near {
        let known = self.known.lock();
        let (settlement, closed) = (known.settled.get(key).cloned(), known.closed);
        drop(known);
        match settlement {
            Some(Settlement::Failed(failure)) => Near::Known(Err(ClusterError::Failed(failure))),
            Some(Settlement::Cancelled) => Near::Known(Err(ClusterError::Cancelled(key.clone()))),
            Some(Settlement::Finished { inline, .. }) => match inline {
                Some(inline) => Near::Known(
                    self.families
                        .value(&inline)
                        .map_err(|error| ClusterError::Codec(key.clone(), error)),
                ),
                None if closed => Near::Known(Err(ClusterError::Closed(key.clone()))),
                None => Near::Far,
            },
            None if closed => Near::Known(Err(ClusterError::Closed(key.clone()))),
            None if !is_held => Near::Known(Err(ClusterError::Cancelled(key.clone()))),
            None => Near::Open,
        }
    }

    /// Values from workers that hold them; none where one has to be looked for again.
    fn fetch(&self, keys: Vec<Key>) -> Vec<Option<Result<Value, ClusterError>>> {
        let mut values: Vec<Option<Result<Value, ClusterError>>> = Vec::new();
        values.resize_with(keys.len(), || None);
        if keys.is_empty() {
            return values;
        }
        let Some(places) = self.locate(&keys) else { return values };
        let mut by_holder: BTreeMap<WorkerId, Vec<(usize, TaskId)>> = BTreeMap::new();
        for (i, place) in places.into_iter().enumerate() {
            if let Some(Input { task, place }) = place
                && let Some(holder) = place.holders.first()
            {
                by_holder.entry(*holder).or_default().push((i, task));
            }
        }
        let (give, take) = mpsc::channel();
        for (&holder, asked) in &by_holder {
            let give = give.clone();
            let tasks = asked.iter().map(|&(_, task)| task).collect();
            let then = Box::new(move |fetched| _ = give.send((holder, fetched)));
            self.peers.fetch(holder, tasks, then);
        }
        drop(give);
        while let Ok((holder, fetched)) = take.recv() {
            let mut fetched: FxHashMap<TaskId, Result<Value, Arc<str>>> =
                fetched.unwrap_or_default().into_iter().collect();
            let mut absent = Vec::new();
            for (i, task) in by_holder.get(&holder).into_iter().flatten() {
                let value = fetched.remove(task);
                let unreadable = |reason| ClusterError::Unreadable(keys[*i].clone(), reason);
                values[*i] = value.map(|value| value.map_err(unreadable));
                if values[*i].is_none() {
                    absent.push((keys[*i].clone(), holder));
                }
            }
            if !absent.is_empty() {
                self.handle(Event::Unfetched(absent));
            }
        }
        values
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
pub(super) struct ToClientHere(pub(super) Weak<ClientNode>);

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
