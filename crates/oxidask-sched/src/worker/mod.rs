//! The worker, as a machine: what it was asked to run, what values it has and which ones it is getting.
//!
//! Messages of the scheduler, ends of attempts and of fetches come in through [`Worker::handle`];
//! execution threads pull tasks with [`Worker::next`]. Values themselves are in a store of the runtime, under
//! their [`TaskId`]s; this machine says when a value is fetched and when it is dropped.
//!
//! A task can have two rows here, which live and die apart: one for an attempt at running it, one for its
//! value.
//!
//! # Attempts
//!
//! | State | Meaning | Left by |
//! |---|---|---|
//! | waiting | some inputs are not here yet | the last input lands: ready; all holders of one fail: answered `MissingInputs`; `Retract`, `Cancel`: answered `Retracted` |
//! | ready | all inputs are here | a thread takes it: executing; the next one to be taken needs resources that others have: constrained; `Retract`, `Cancel` |
//! | constrained | ready, but resources are in use | resources come back: ready; `Retract`, `Cancel` |
//! | executing | a thread runs it | `Executed`: answered; `Seceded`: long-running |
//! | long-running | runs without taking a thread's place | `Executed`: answered; `Rejoined`: executing |
//! | cancelled | executing or long-running, and nobody waits for it | `Executed`: its value is thrown away, answered `Retracted`; `Compute`: goes on under the new run |
//!
//! Erred is no state here: a failure is reported, and the scheduler keeps it. An attempt holds a claim on
//! each of its inputs, and on its resources while it runs, until it is answered. Every attempt is answered
//! exactly once; one that a newer `Compute` of its task replaces or takes over is answered `Retracted`.
//!
//! # Values
//!
//! | State | Meaning | Left by |
//! |---|---|---|
//! | fetch | queued for a holder, until that has fewer than the allowed flights | a flight takes it: flight; nobody needs it any more: forgotten |
//! | coming | an attempt of this worker will give it | the attempt ends: memory; without a value: fetch from a holder, if one is known, or missing |
//! | flight | a peer was asked for it | `Fetched`: memory, announced by `Copied`; the peer does not have it: fetch from the next holder |
//! | missing | all holders failed: this lasts no time | reported for each attempt that waits for it, then forgotten |
//! | memory | in the store | `Free`: dropped, or, while attempts need it, when the last of them is answered |
//! | cancelled flight | nobody needs what is on its way | `Fetched`: dropped unannounced; needed again: flight |
//!
//! The scheduler knows of every value in memory (by `Finished` or `Copied`) but of those that it has freed, and
//! decides alone how long they stay. Actors are values like others: they stay where they are because the
//! scheduler names no one else to run what reads them.
//!
//! # Threads
//!
//! [`Action::Wake`] says how many idle threads should call [`Worker::next`]. Whoever is woken, or has
//! reported the end of an attempt that held a thread's place, calls `next` once at least; the machine counts on
//! it and wakes nobody else for the task that such a thread will find.

mod attempts;
mod fetches;
mod invariants;
mod resources;
mod values;

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::data::Data;
use crate::ids::{RunId, TaskId, Time, WorkerId};
use crate::message::{Blob, Compute, FromWorker, Health, Inline, TaskFailure, ToWorker};
use crate::table::Table;

use attempts::{Attempt, Queues};
use fetches::Fetches;
use resources::Resources;
use values::Value;

/// What a worker is and how it fetches.
#[derive(Clone, Debug)]
pub struct WorkerConfig {
    /// Who it is.
    pub id: WorkerId,
    /// Tasks that it runs at a time.
    pub n_threads: u32,
    /// What it has of each resource.
    pub resources: Vec<(Arc<str>, f64)>,
    /// One fetch asks for no more bytes than these, if for more than one value.
    pub max_fetch_bytes: u64,
    /// A peer is asked for no more than so many fetches at a time.
    pub max_fetches_per_peer: u32,
}

impl WorkerConfig {
    /// The usual settings, without resources: fetches of 64 MiB, two at a time from a peer.
    #[must_use]
    pub fn new(id: WorkerId, n_threads: u32) -> Self {
        Self {
            id,
            n_threads,
            resources: Vec::new(),
            max_fetch_bytes: 64 << 20,
            max_fetches_per_peer: 2,
        }
    }
}

/// What happens to a worker.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// The scheduler has said something.
    Scheduler(ToWorker),
    /// An attempt that a thread took is over. Its value, if it gave one, is in the store.
    Executed {
        /// The task.
        task: TaskId,
        /// The attempt, as the thread took it.
        run: RunId,
        /// How it ended.
        outcome: Outcome,
    },
    /// An attempt goes on without a thread's place.
    Seceded {
        /// The task.
        task: TaskId,
        /// The attempt, as the thread took it.
        run: RunId,
    },
    /// An attempt that had seceded takes a thread's place again.
    Rejoined {
        /// The task.
        task: TaskId,
        /// The attempt, as the thread took it.
        run: RunId,
    },
    /// The answer to a fetch: these are in the store now. What was asked for and isn't among them, the
    /// peer does not have.
    Fetched {
        /// The number of the fetch.
        request: u64,
        /// What has come.
        values: Vec<Copied>,
    },
    /// The peer of this fetch can't be reached.
    FetchFailed {
        /// The number of the fetch.
        request: u64,
    },
    /// How the process is. It is passed on to the scheduler, with the bandwidth measured here.
    Health(Health),
    /// The store has lost these values, to a bad disk say.
    Lost(Vec<TaskId>),
    /// A client has put these values into the store.
    Put(Vec<Copied>),
}

/// A value that a peer has sent.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Copied {
    /// The task whose value it is.
    pub task: TaskId,
    /// Its estimated bytes.
    pub nbytes: u64,
    /// The name of its type.
    pub type_name: Arc<str>,
}

/// How an attempt ended.
#[derive(Clone, PartialEq, Debug)]
pub enum Outcome {
    /// It gave a value, which is in the store.
    Value {
        /// Estimated bytes.
        nbytes: u64,
        /// Seconds that it ran.
        duration_s: f64,
        /// When it began, in seconds since 1970.
        begun_s: f64,
        /// Which thread ran it.
        thread: u32,
        /// The name of the value's type.
        type_name: Arc<str>,
        /// The value, if it is small and was asked for.
        inline: Option<Inline>,
    },
    /// It has raised.
    Failed(Arc<TaskFailure>),
    /// It asks to be run elsewhere or later.
    Reschedule,
    /// It could not run, because the store has lost these of its inputs.
    InputsLost(Vec<TaskId>),
}

/// What a worker wants done. To be carried out in order, before the next event is handled: a value that is to
/// be dropped may be put into the store again by what comes later.
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// Tell the scheduler.
    Scheduler(FromWorker),
    /// Ask a peer for values. Answered by [`Event::Fetched`] or [`Event::FetchFailed`].
    Fetch {
        /// Whom.
        peer: WorkerId,
        /// The number of the fetch: never used again.
        request: u64,
        /// What for.
        tasks: Vec<TaskId>,
    },
    /// Take these values out of the store.
    DropValues(Vec<TaskId>),
    /// Where a worker is reached that a fetch may name later.
    Peer {
        /// The worker.
        worker: WorkerId,
        /// Its address.
        address: Arc<str>,
    },
    /// What was made of this shared part can go.
    DropBlob(u32),
    /// So many idle threads should call [`Worker::next`].
    Wake(u32),
    /// Somebody asks the host of this worker: answered by a [`FromWorker::Answer`] to the scheduler.
    Ask {
        /// Comes back with the answer.
        request: u64,
        /// What is asked.
        verb: Arc<str>,
        /// What the question is about.
        body: Data,
    },
    /// The scheduler lets the worker go, and says why.
    Close(Arc<str>),
}

/// The worker. See the [module](self).
#[derive(Debug)]
pub struct Worker {
    config: WorkerConfig,
    attempts: Table<TaskId, Attempt>,
    queues: Queues,
    values: Table<TaskId, Value>,
    fetches: Fetches,
    resources: Resources,
    blobs: FxHashMap<u32, Blob>,
    paused: bool,
    /// Attempts in state executing.
    n_executing: u32,
    /// Threads that are awake and will call `next`.
    n_awake: u32,
    /// To be announced at the end of the event.
    copied: Vec<TaskId>,
    /// To be dropped from the store at the end of the event.
    dropped: Vec<TaskId>,
    /// Tasks whose attempts have ended, though others wait for their values here.
    orphaned: Vec<TaskId>,
}

impl Worker {
    /// A worker that has nothing yet.
    #[must_use]
    pub fn new(config: WorkerConfig) -> Self {
        let resources = Resources::new(&config.resources);
        Self {
            config,
            attempts: Table::default(),
            queues: Queues::default(),
            values: Table::default(),
            fetches: Fetches::default(),
            resources,
            blobs: FxHashMap::default(),
            paused: false,
            n_executing: 0,
            n_awake: 0,
            copied: Vec::new(),
            dropped: Vec::new(),
            orphaned: Vec::new(),
        }
    }

    /// Takes one event and appends what follows from it.
    pub fn handle(&mut self, now: Time, event: Event, actions: &mut Vec<Action>) {
        match event {
            Event::Scheduler(message) => self.told(message, actions),
            Event::Executed { task, run, outcome } => self.executed(task, run, outcome, actions),
            Event::Seceded { task, run } => self.seceded(task, run, actions),
            Event::Rejoined { task, run } => self.rejoined(task, run),
            Event::Fetched { request, values } => self.fetched(now, request, values, actions),
            Event::FetchFailed { request } => self.fetch_failed(request, actions),
            Event::Health(health) => self.health(health, actions),
            Event::Lost(tasks) => self.lost(&tasks, actions),
            Event::Put(values) => self.put(values),
        }
        self.flush(now, actions);
    }

    /// The most urgent task that may run now, for a thread without one. The caller runs it and
    /// reports its end with [`Event::Executed`].
    pub fn next(&mut self, actions: &mut Vec<Action>) -> Option<Box<Compute>> {
        self.n_awake = self.n_awake.saturating_sub(1);
        if self.paused || self.n_executing >= self.config.n_threads {
            return None;
        }
        let compute = self.take_ready()?;
        self.n_executing += 1;
        let (task, run) = (compute.task, compute.run);
        actions.push(Action::Scheduler(FromWorker::Started { task, run }));
        Some(compute)
    }

    /// The shared part of this number, if the scheduler has sent it and not dropped it since.
    #[must_use]
    pub fn blob(&self, number: u32) -> Option<&Blob> {
        self.blobs.get(&number)
    }

    /// Whether the value of this task is in the store.
    #[must_use]
    pub fn holds(&self, task: TaskId) -> bool {
        self.values.find(&task).is_some_and(|at| self.values[at].held)
    }

    /// Attempts that read the value of this task, whether it is here or not.
    #[must_use]
    pub fn n_claims(&self, task: TaskId) -> u32 {
        self.values.find(&task).map_or(0, |at| self.values[at].n_claims)
    }

    /// Attempts that are not answered yet.
    #[must_use]
    pub fn n_attempts(&self) -> usize {
        self.attempts.len()
    }

    /// Attempts that have a thread's place.
    #[must_use]
    pub fn n_executing(&self) -> u32 {
        self.n_executing
    }

    /// Whether it starts no tasks for want of memory.
    #[must_use]
    pub fn is_paused(&self) -> bool {
        self.paused
    }

    fn told(&mut self, message: ToWorker, actions: &mut Vec<Action>) {
        match message {
            ToWorker::Blob { number, blob } => {
                self.blobs.insert(number, blob);
            }
            ToWorker::DropBlob(number) => {
                if self.blobs.remove(&number).is_some() {
                    actions.push(Action::DropBlob(number));
                }
            }
            ToWorker::Compute(compute) => self.compute(compute, actions),
            ToWorker::Retract { task, run } => self.retract(task, run, actions),
            ToWorker::Cancel { task, run } => self.cancel(task, run, actions),
            ToWorker::Free(tasks) => tasks.into_iter().for_each(|task| self.free(task)),
            ToWorker::Acquire(inputs) => self.acquire(inputs, actions),
            ToWorker::Peer { worker, address } => actions.push(Action::Peer { worker, address }),
            ToWorker::Ask { request, verb, body } => {
                actions.push(Action::Ask { request, verb, body });
            }
            ToWorker::Close(reason) => actions.push(Action::Close(reason)),
        }
    }

    fn health(&mut self, mut health: Health, actions: &mut Vec<Action>) {
        self.paused = health.paused;
        health.bandwidth = self.fetches.bandwidth;
        actions.push(Action::Scheduler(FromWorker::Health(health)));
    }

    /// What follows from every event alike.
    fn flush(&mut self, now: Time, actions: &mut Vec<Action>) {
        self.give_up_orphaned(actions);
        if !self.copied.is_empty() {
            let copied = std::mem::take(&mut self.copied);
            actions.push(Action::Scheduler(FromWorker::Copied(copied)));
        }
        if !self.dropped.is_empty() {
            actions.push(Action::DropValues(std::mem::take(&mut self.dropped)));
        }
        if self.paused {
            self.fetches.forget_idle_stirred();
            return;
        }
        self.launch_fetches(now, actions);
        let idle = self.config.n_threads.saturating_sub(self.n_executing);
        let wanted = idle.min(self.queues.ready.len() as u32);
        if wanted > self.n_awake {
            actions.push(Action::Wake(wanted - self.n_awake));
            self.n_awake = wanted;
        }
    }
}
