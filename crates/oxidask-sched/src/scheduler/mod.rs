//! The scheduler: which worker runs which task when, and what is kept how long.
//!
//! # States of a task
//!
//! | state | means | leaves to |
//! |---|---|---|
//! | released | not needed, or lost and not needed now | waiting when a client or a reader needs it; forgotten |
//! | waiting | `waiting` inputs have no value yet | queued, limited, no-worker; assigned ahead of its last input (`ahead.rs`); erred with an input |
//! | limited | as many of its name run as may | queued when one of them ends |
//! | no-worker | no worker that is here may run it | queued when one comes |
//! | delayed | waits for its next attempt | queued when its time has come |
//! | placed | a client is bringing its value to workers | memory; waiting or erred if nobody brings it any more |
//! | queued | ready, in the queue of one worker or of all | assigned |
//! | assigned | sent to a worker that has not begun | running; queued if it was retracted or the worker is gone |
//! | running | a worker runs it | memory, erred, delayed, queued; erred if it killed too many workers |
//! | memory | workers hold its value | released when nobody needs it; waiting if the value is lost |
//! | erred | it has failed, or an input has | released by a retry; forgotten |
//! | forgotten | its slot is free | |
//!
//! Two flags go with *assigned* and *running*: the worker was asked to give the task back (retracting), and
//! the task runs without a thread (seceded). Whatever is cancelled while a worker has it becomes a **ghost**: it takes
//! up the worker until that answers, and its answer is dropped because its run is not the task's any more.
//!
//! # Who counts what
//!
//! - A task's `waiting` is the number of its inputs that are not in memory; kept while it waits.
//! - Its `waiters` are its readers between waiting and running. With no waiter and no client its value goes.
//! - Its `readers` are its readers in the table, in any state. A task is forgotten once it has neither
//!   readers nor clients: until then it may be needed to compute a reader again.
//! - A worker's `out` are the tasks whose `worker` it is in states assigned and running; `held` those in
//!   memory on it.
//!
//! # How an event is handled
//!
//! Each event changes one thing and leaves [`Step`]s behind; `drain` takes them to a fixpoint without
//! recursing; `feed` then sends tasks to the workers that got room. See `transitions.rs`, `placement.rs`,
//! `feed.rs`. A value that is lost is computed again from its inputs by the same steps: `loss.rs`.

mod ahead;
mod answers;
mod arrivals;
mod blobs;
mod clients;
mod feed;
mod invariants;
mod limits;
mod loss;
mod measure;
mod peers;
mod placement;
mod questions;
mod slots;
mod story;
mod stream;
mod submit;
mod task;
mod timing;
mod transitions;
mod workers;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap};
use std::sync::Arc;

use oxidask_core::key::Key;

use self::arrivals::Arrival;
use self::blobs::Blobs;
use self::clients::ClientState;
use self::limits::Limits;
use self::measure::Measurements;
use self::questions::Questions;
pub use self::questions::TaskSpec;
use self::stream::Stream;
pub use self::task::State;
use self::task::Tasks;
use self::timing::Deadline;
use self::workers::{Queue, Workers};
use crate::coordination::Coordination;
use crate::ids::{ClientId, TaskId, Time, WorkerId};
use crate::message::{Action, Event, Input, Location, TaskFailure, ToClient, ToWorker};

/// What can be set.
#[derive(Clone, Copy, Debug)]
pub struct Config {
    /// A task that was running when this many workers died fails. Dask's `allowed-failures`.
    pub allowed_failures: u8,
    /// Workers are sent tasks that keep them busy for so long.
    pub horizon_s: f64,
    /// What a message between two workers takes.
    pub latency_s: f64,
    /// Decides between workers that are equally good.
    pub seed: u64,
    /// When the scheduler's time began, in seconds since 1970: for times that people read.
    pub started_s: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self { allowed_failures: 3, horizon_s: 1e-3, latency_s: 0.3e-3, seed: 0, started_s: 0.0 }
    }
}

/// What is left to do about a task.
#[derive(Debug)]
enum Step {
    /// Somebody needs its value.
    Require(u32),
    /// It may have all inputs.
    Ready(u32),
    /// It or an input has failed.
    Fail(u32, Arc<TaskFailure>),
    /// Somebody does not need its value any more.
    Release(u32),
    /// Something that kept it in the table is gone.
    Forget(u32),
}

/// The scheduler's whole state.
pub struct Scheduler {
    config: Config,
    now: Time,
    tasks: Tasks,
    workers: Workers,
    clients: BTreeMap<ClientId, ClientState>,
    measured: Measurements,
    blobs: Blobs,
    /// Ready tasks that may run anywhere.
    anywhere: Queue,
    n_anywhere: u32,
    no_worker: BTreeSet<u32>,
    limits: Limits,
    deadlines: BinaryHeap<Reverse<Deadline>>,
    steps: Vec<Step>,
    /// New tasks that may be sent before all inputs are there.
    aheads: Vec<TaskId>,
    /// Workers whose room or queue has changed.
    listed: Vec<WorkerId>,
    /// Workers that have room and found nothing to do, those with the fewest tasks first.
    hungry: BTreeSet<(u32, WorkerId)>,
    /// Workers with ready tasks in their queues.
    with_queue: BTreeSet<WorkerId>,
    /// Workers that were sent more than they have begun.
    with_spare: BTreeSet<WorkerId>,
    /// Values to drop, by worker.
    frees: BTreeMap<WorkerId, Vec<TaskId>>,
    /// Values that clients are bringing.
    arrivals: BTreeMap<u32, Arrival>,
    /// Locks, queues, topics and the like.
    coordination: Coordination,
    /// Questions that wait for something to happen.
    questions: Questions,
    /// Values that move or are copied: what to whom; and from whom, if that is to have it no more.
    moving: BTreeMap<(TaskId, WorkerId), Option<WorkerId>>,
    stream: Option<Box<Stream>>,
    /// What this scheduler is called, and where it is reached.
    name: (Arc<str>, Arc<str>),
    /// Workers that retire.
    retiring: BTreeSet<WorkerId>,
    /// Tasks submitted so far.
    sequence: u64,
    /// Where the next search among equals begins.
    cursor: u32,
}

/// Numbers of a scheduler, for people.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Counts {
    /// Tasks in the table.
    pub tasks: usize,
    /// Tasks that were ever submitted.
    pub submitted: u64,
    /// Ready tasks in queues.
    pub queued: usize,
    /// Tasks that workers have.
    pub out: usize,
    /// Workers.
    pub workers: usize,
    /// Clients.
    pub clients: usize,
}

impl Scheduler {
    /// A scheduler that knows nobody.
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            now: Time(0),
            tasks: Tasks::default(),
            workers: Workers::default(),
            clients: BTreeMap::new(),
            measured: Measurements::default(),
            blobs: Blobs::default(),
            anywhere: Queue::default(),
            n_anywhere: 0,
            no_worker: BTreeSet::new(),
            limits: Limits::default(),
            deadlines: BinaryHeap::new(),
            steps: Vec::new(),
            aheads: Vec::new(),
            listed: Vec::new(),
            hungry: BTreeSet::new(),
            with_queue: BTreeSet::new(),
            with_spare: BTreeSet::new(),
            frees: BTreeMap::new(),
            arrivals: BTreeMap::new(),
            coordination: Coordination::new(config.started_s),
            questions: Questions::default(),
            moving: BTreeMap::new(),
            stream: None,
            name: ("scheduler".into(), "".into()),
            retiring: BTreeSet::new(),
            sequence: 0,
            cursor: config.seed as u32,
        }
    }

    /// Takes in what has happened at `now` and appends what is to be done.
    pub fn handle(&mut self, now: Time, event: Event, actions: &mut Vec<Action>) {
        self.take_in(now, event, actions);
        self.settle(actions);
    }

    /// As [`Scheduler::handle`] of each: tasks are sent out once, when all have been taken in.
    pub fn handle_all(
        &mut self,
        now: Time,
        events: impl IntoIterator<Item = Event>,
        actions: &mut Vec<Action>,
    ) {
        for event in events {
            self.take_in(now, event, actions);
        }
        self.settle(actions);
    }

    fn take_in(&mut self, now: Time, event: Event, actions: &mut Vec<Action>) {
        self.now = self.now.max(now);
        if let Some(story) = &mut self.tasks.story {
            story.now = self.now;
        }
        match event {
            Event::Worker(worker, message) => self.on_worker(worker, message, actions),
            Event::Client(client, message) => self.on_client(client, message, actions),
            Event::WorkerJoined(worker, info) => self.worker_joined(worker, info, actions),
            Event::WorkerLost(worker, how) => self.worker_lost(worker, &how, actions),
            Event::WorkerRetires(worker) => self.worker_retires(worker, actions),
            Event::ClientJoined(client, info) => self.client_joined(client, info),
            Event::ClientLost(client) => self.client_lost(client, actions),
            Event::Answered(client, request, answer) => {
                actions.push(Action::Client(client, ToClient::Answer { request, answer }));
            }
            Event::Tick => {}
        }
        self.deadlines_met(actions);
        self.questions_due(actions);
        self.coordinate(actions);
        self.drain(actions);
    }

    /// Sends out what the steps have made ready.
    fn settle(&mut self, actions: &mut Vec<Action>) {
        for (worker, tasks) in std::mem::take(&mut self.frees) {
            actions.push(Action::Worker(worker, ToWorker::Free(tasks)));
        }
        self.feed(actions);
        self.retire(actions);
        self.tell_story();
        self.coordinate(actions);
    }

    /// What people are told that this scheduler is called, and where it is reached.
    pub fn set_name(&mut self, id: &str, address: &str) {
        self.name = (id.into(), address.into());
    }

    /// A time as people read it, in seconds since 1970.
    fn wall_s(&self, at: Time) -> f64 {
        self.config.started_s + at.seconds_since(Time(0))
    }

    /// When [`Event::Tick`] is due, if time alone changes anything.
    #[must_use]
    pub fn deadline(&self) -> Option<Time> {
        let of_tasks = self.deadlines.peek().map(|Reverse(deadline)| deadline.at);
        let others = [of_tasks, self.coordination.deadline(), self.questions.deadline()];
        others.into_iter().flatten().min()
    }

    /// How many there are of everything.
    #[must_use]
    pub fn counts(&self) -> Counts {
        let queued = self.workers.iter().map(|(_, worker)| worker.n_queued).sum::<u32>();
        Counts {
            tasks: self.tasks.len(),
            submitted: self.sequence,
            queued: (queued + self.n_anywhere) as usize,
            out: self.workers.iter().map(|(_, worker)| worker.out.len()).sum(),
            workers: self.workers.alive().len(),
            clients: self.clients.len(),
        }
    }

    /// Where a task stands; none if there is no such task.
    #[must_use]
    pub fn state_of(&self, key: &Key) -> Option<State> {
        Some(self.tasks.hot(self.tasks.find(key)?).state)
    }

    /// What workers know a task by.
    #[must_use]
    pub fn id_of(&self, key: &Key) -> Option<TaskId> {
        self.tasks.find(key).map(|slot| self.tasks.id(slot))
    }

    /// Where a value is; none if it is nowhere.
    #[must_use]
    pub fn locate(&self, key: &Key) -> Option<Location> {
        let slot = self.tasks.find(key)?;
        let holders = self.tasks.holders(slot);
        let nbytes = self.tasks.hot(slot).nbytes;
        (!holders.is_empty()).then_some(Location { holders, nbytes })
    }

    /// Where a value is, and what workers know it by.
    fn located(&self, key: &Key) -> Option<Input> {
        Some(Input { task: self.id_of(key)?, place: self.locate(key)? })
    }

    /// All that is known of a task, in words: what it waits for, and who has it.
    #[must_use]
    pub fn explain(&self, key: &Key) -> String {
        let Some(slot) = self.tasks.find(key) else { return format!("{key} is not known") };
        let hot = self.tasks.hot(slot);
        let worker = self.workers.get(WorkerId(hot.worker)).map(|worker| {
            format!(
                "; worker {} ({}): {} of {} threads busy, {} sent and not begun ({:.6} s), {} queued, \
                 {} not answering for cancelled ones{}",
                hot.worker,
                worker.info.address,
                worker.n_busy(),
                worker.info.n_threads,
                worker.n_unstarted,
                worker.unstarted_s,
                worker.n_queued,
                worker.ghosts.len(),
                if worker.is_open() { "" } else { ", takes no tasks" },
            )
        });
        format!(
            "{key} is {:?}, waits for {} inputs, {} readers wait for it{}",
            hot.state,
            hot.waiting,
            hot.waiters,
            worker.unwrap_or_default()
        )
    }

    /// Tells all who hold a task.
    fn tell(&self, slot: u32, actions: &mut Vec<Action>, message: impl Fn(Key) -> ToClient) {
        let cold = self.tasks.cold(slot);
        for &client in cold.clients.iter().filter(|client| client.is_real()) {
            actions.push(Action::Client(client, message(cold.key.clone())));
        }
    }
}
