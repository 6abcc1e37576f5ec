//! The client, as a machine: which futures it has, what became of each, and what the scheduler is told.
//!
//! What users do and what the scheduler says come in through [`Client::handle`]; messages and news for waiting
//! users go out. A future is a [`Key`] that is held so and so often: users make several of one key, and the
//! scheduler hears of the first and of the last.
//!
//! # States of a future
//!
//! | State | Meaning | Left by |
//! |---|---|---|
//! | pending | nothing is known | `Ready`: finished; `Failed`, `Refused`: error; `Cancelled`: cancelled |
//! | finished | workers hold its value | `Lost`: lost |
//! | error | it has failed | a retry: pending, or lost if another client asked for it |
//! | lost | its value was there and is being computed again | as pending |
//! | cancelled | a user or the scheduler has cancelled it | held anew: pending |
//! | gone | released or never answered a cancel: see below | held anew: pending; the fence: forgotten |
//!
//! # News of a former life
//!
//! A key may be released or cancelled and held again while news of its former life are on their way: a
//! failure, or the answer to the cancel. So a key stays in the table after its release, silent, until a
//! **fence** has come back: a request that is sent after the release, and whose answer comes after all such
//! news. Fences are sent when a silent key is held again, and now and then to empty the table.
//!
//! # A scheduler that comes back
//!
//! A new epoch of the scheduler knows only what it has written down. The client presents again the submissions
//! that no fence has proved to be taken in, what it holds, and its open requests.

mod blobs;
mod invariants;
mod news;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use oxidask_core::key::Key;

use crate::data::{Answer, Data};
use crate::ids::{Time, WorkerId};
use crate::message::{FromClient, Inline, Input, Location, Submission, TaskFailure, ToClient};
use crate::table::Table;

use blobs::SentBlobs;

/// Fences are requests whose numbers have this bit.
const FENCE: u64 = 1 << 63;

/// How a client behaves.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Keeps submissions until they are known to be taken in, for a scheduler that may come back.
    pub resubmits: bool,
    /// Relies on the scheduler to keep no more shared parts than these.
    pub max_blobs: usize,
    /// Nor more bytes of them.
    pub max_blob_bytes: u64,
    /// Keys that were released and may still be heard of, before a fence is sent.
    pub max_silent: usize,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self { resubmits: false, max_blobs: 1024, max_blob_bytes: 256 << 20, max_silent: 1024 }
    }
}

/// What happens to a client.
#[derive(Clone, PartialEq, Debug)]
pub enum Event {
    /// New tasks. Each that is wanted makes a future. The number is the machine's to set, and shared parts
    /// always have their bytes.
    Submit(Submission),
    /// A future more of each of these.
    Want(Vec<Key>),
    /// A future less of each of these.
    Release(Vec<Key>),
    /// Cancel these at once.
    Cancel {
        /// The tasks.
        keys: Vec<Key>,
        /// Also if other clients hold them.
        force: bool,
    },
    /// Run those of these that have failed again.
    Retry(Vec<Key>),
    /// Values that the user has put on workers: a future more of each.
    Scattered(Vec<(Key, Location)>),
    /// Where these are: answered by [`Action::Located`].
    Locate {
        /// Comes back with the answer. Below 2^63, and in use once at a time.
        request: u64,
        /// The tasks.
        keys: Vec<Key>,
    },
    /// These could not be fetched from these workers.
    Unfetched(Vec<(Key, WorkerId)>),
    /// Copies of these are to be on so many of these workers (of all, if none is named).
    Replicate {
        /// The tasks.
        keys: Vec<Key>,
        /// How many copies.
        n: u32,
        /// Where.
        workers: Vec<WorkerId>,
    },
    /// A question that has no message of its own: answered by [`Action::Answer`].
    Ask {
        /// Comes back with the answer. In use once at a time.
        request: u64,
        /// What is asked.
        verb: Arc<str>,
        /// What the question is about.
        body: Data,
    },
    /// Nobody waits for the answer to this question any more.
    Abandon(u64),
    /// Values that the user is about to put on workers, a future more of each: answered by
    /// [`Action::Located`].
    Place {
        /// As that of [`Event::Locate`], and not the same.
        request: u64,
        /// The values: names, estimated bytes and names of types.
        values: Vec<(Key, (u64, Arc<str>))>,
        /// Names, addresses or hosts of the workers that may have them; none means any.
        workers: Vec<Arc<str>>,
        /// Whether each of the workers gets every value.
        broadcast: bool,
    },
    /// The scheduler has said something.
    Scheduler(ToClient),
    /// The session could not be resumed: the scheduler is another one, which knows nothing of this
    /// client but what it has written down.
    NewEpoch,
}

/// What a client wants done.
#[derive(Clone, PartialEq, Debug)]
pub enum Action {
    /// Tell the scheduler.
    Scheduler(FromClient),
    /// A future is settled: those who wait for it go on.
    Settled {
        /// The task.
        key: Key,
        /// How.
        settlement: Settlement,
    },
    /// A value that was there, or a failure, is no longer: it is computed again, and settled anew.
    Lost(Key),
    /// Where a worker is reached that an answer may name later.
    Peer {
        /// The worker.
        worker: WorkerId,
        /// Its address.
        address: Arc<str>,
    },
    /// The answer to [`Event::Ask`].
    Answer {
        /// The request's.
        request: u64,
        /// The answer.
        answer: Answer,
    },
    /// Something that the user has subscribed to.
    Push {
        /// What it is about.
        topic: Arc<str>,
        /// What there is to say.
        body: Data,
    },
    /// The answer to [`Event::Locate`], in the order of its keys.
    Located {
        /// The request's.
        request: u64,
        /// What workers know each by and where it is; none for those without a value now.
        places: Vec<Option<Input>>,
    },
}

/// What became of a future.
#[derive(Clone, PartialEq, Debug)]
pub enum Settlement {
    /// Its value is there.
    Finished {
        /// Estimated bytes.
        nbytes: u64,
        /// The name of its type.
        type_name: Arc<str>,
        /// The value, if it is small.
        inline: Option<Inline>,
    },
    /// It has failed.
    Failed(Arc<TaskFailure>),
    /// It was cancelled, or nobody knows it.
    Cancelled,
}

/// Where a future stands. See the table of the [module](self).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum FutureState {
    /// Nothing is known.
    Pending,
    /// Its value is there.
    Finished,
    /// It has failed.
    Error,
    /// Its value was there and is being computed again.
    Lost,
    /// It was cancelled.
    Cancelled,
}

impl FutureState {
    fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Lost)
    }
}

#[derive(Debug)]
struct Future {
    key: Key,
    state: FutureState,
    /// How many the user has; none if the key is gone.
    n_held: u32,
    /// News before the answer to this fence are of a former life.
    silent_until: u64,
    /// The submission that made it.
    submission: u64,
}

/// The client. See the [module](self).
#[derive(Debug)]
pub struct Client {
    config: ClientConfig,
    futures: Table<Key, Future>,
    n_gone: usize,
    /// Keys that were released, with the fence that ends their silence, in the order of fences. Some are held
    /// again.
    gone: VecDeque<(u64, Key)>,
    /// The newest fence that was sent, and the newest that came back.
    fence_sent: u64,
    fence_answered: u64,
    n_submissions: u64,
    /// Submissions with the fence that proves them taken in.
    unproved: VecDeque<(u64, Submission)>,
    locates: BTreeMap<u64, Vec<Key>>,
    /// Questions that are not answered yet.
    asked: BTreeMap<u64, (Arc<str>, Data)>,
    blobs: SentBlobs,
}

impl Client {
    /// A client without futures.
    #[must_use]
    pub fn new(config: ClientConfig) -> Self {
        let blobs = SentBlobs::new(config.max_blobs, config.max_blob_bytes);
        Self {
            config,
            futures: Table::default(),
            n_gone: 0,
            gone: VecDeque::new(),
            fence_sent: 0,
            fence_answered: 0,
            n_submissions: 0,
            unproved: VecDeque::new(),
            locates: BTreeMap::new(),
            asked: BTreeMap::new(),
            blobs,
        }
    }

    /// Takes one event and appends what follows from it.
    pub fn handle(&mut self, _now: Time, event: Event, actions: &mut Vec<Action>) {
        match event {
            Event::Submit(submission) => self.submit(submission, actions),
            Event::Want(keys) => self.want(keys, actions),
            Event::Release(keys) => self.release(&keys, actions),
            Event::Cancel { keys, force } => self.cancel(keys, force, actions),
            Event::Retry(keys) => self.retry(keys, actions),
            Event::Scattered(values) => {
                values.iter().for_each(|(key, _)| _ = self.hold(key, 0, actions));
                actions.push(Action::Scheduler(FromClient::Scattered(values)));
            }
            Event::Locate { request, keys } => {
                self.locates.insert(request, keys.clone());
                actions.push(Action::Scheduler(FromClient::Locate { request, keys }));
            }
            Event::Unfetched(keys) => {
                actions.push(Action::Scheduler(FromClient::Unfetched(keys)));
            }
            Event::Replicate { keys, n, workers } => {
                actions.push(Action::Scheduler(FromClient::Replicate { keys, n, workers }));
            }
            Event::Ask { request, verb, body } => {
                self.asked.insert(request, (verb.clone(), body.clone()));
                actions.push(Action::Scheduler(FromClient::Ask { request, verb, body }));
            }
            Event::Abandon(request) => {
                if self.asked.remove(&request).is_some() {
                    actions.push(Action::Scheduler(FromClient::Abandon(request)));
                }
            }
            Event::Place { request, values, workers, broadcast } => {
                values.iter().for_each(|(key, _)| _ = self.hold(key, 0, actions));
                let keys = values.iter().map(|(key, _)| key.clone()).collect();
                self.locates.insert(request, keys);
                let place = FromClient::Place { request, values, workers, broadcast };
                actions.push(Action::Scheduler(place));
            }
            Event::Scheduler(message) => self.told(message, actions),
            Event::NewEpoch => self.present_again(actions),
        }
    }

    /// Where the future of a key stands; none if the user has none.
    #[must_use]
    pub fn state_of(&self, key: &Key) -> Option<FutureState> {
        let future = &self.futures[self.futures.find(key)?];
        (future.n_held > 0).then_some(future.state)
    }

    /// How many futures of a key the user has.
    #[must_use]
    pub fn n_held(&self, key: &Key) -> u32 {
        self.futures.find(key).map_or(0, |at| self.futures[at].n_held)
    }

    /// Keys of which the user has futures.
    #[must_use]
    pub fn n_futures(&self) -> usize {
        self.futures.len() - self.n_gone
    }

    /// The keys of which the user has futures, how many of each, and where it stands.
    pub fn held(&self) -> impl Iterator<Item = (&Key, u32, FutureState)> {
        let futures = self.futures.iter().map(|(_, future)| future);
        let held = futures.filter(|future| future.n_held > 0);
        held.map(|future| (&future.key, future.n_held, future.state))
    }

    /// One future more; true if the scheduler has to hear of it.
    fn hold(&mut self, key: &Key, submission: u64, actions: &mut Vec<Action>) -> bool {
        let Some(at) = self.futures.find(key) else {
            let future = Future {
                key: key.clone(),
                state: FutureState::Pending,
                n_held: 1,
                silent_until: 0,
                submission,
            };
            self.futures.insert(key.clone(), future);
            return true;
        };
        let future = &mut self.futures[at];
        future.n_held += 1;
        let was_gone = future.n_held == 1;
        // The scheduler may not know a key that is merely wanted, and be about to say so.
        let is_a_guess = future.state == FutureState::Pending && future.submission == 0;
        if is_a_guess && submission > 0 && !was_gone {
            future.silent_until = self.fence_sent + 1;
        } else if !was_gone && future.state != FutureState::Cancelled {
            return false;
        }
        self.n_gone -= usize::from(was_gone);
        future.state = FutureState::Pending;
        future.submission = submission;
        if future.silent_until > self.fence_sent {
            self.send_fence(actions);
        }
        true
    }

    fn submit(&mut self, mut submission: Submission, actions: &mut Vec<Action>) {
        self.n_submissions += 1;
        submission.number = self.n_submissions;
        let mut says_something = false;
        for task in &submission.tasks {
            // No short circuit: each is to be held.
            says_something |= !task.wanted || self.hold(&task.key, submission.number, actions);
        }
        if says_something {
            self.send_submission(submission, actions);
            if self.config.resubmits && self.fence_sent == self.fence_answered {
                self.send_fence(actions);
            }
        }
    }

    fn send_submission(&mut self, mut submission: Submission, actions: &mut Vec<Action>) {
        if self.config.resubmits {
            self.unproved.push_back((self.fence_sent + 1, submission.clone()));
        }
        let too_many = self.blobs.on_the_way_out(&mut submission.blobs);
        actions.push(Action::Scheduler(FromClient::Submit(submission)));
        if !too_many.is_empty() {
            actions.push(Action::Scheduler(FromClient::DropBlobs(too_many)));
        }
    }

    fn want(&mut self, mut keys: Vec<Key>, actions: &mut Vec<Action>) {
        keys.retain(|key| self.hold(key, 0, actions));
        if !keys.is_empty() {
            actions.push(Action::Scheduler(FromClient::Want(keys)));
        }
    }

    fn release(&mut self, keys: &[Key], actions: &mut Vec<Action>) {
        let mut released = Vec::new();
        for key in keys {
            let Some(at) = self.futures.find(key) else { continue };
            let future = &mut self.futures[at];
            if future.n_held != 1 {
                future.n_held = future.n_held.saturating_sub(1);
                continue;
            }
            future.n_held = 0;
            if future.state != FutureState::Cancelled {
                future.silent_until = self.fence_sent + 1;
                released.push(key.clone());
            } else if future.silent_until <= self.fence_answered {
                self.futures.remove(key, at);
                continue;
            }
            self.gone.push_back((future.silent_until, key.clone()));
            self.n_gone += 1;
        }
        if !released.is_empty() {
            actions.push(Action::Scheduler(FromClient::Release(released)));
        }
        if self.gone.len() > self.config.max_silent && self.fence_sent == self.fence_answered {
            self.send_fence(actions);
        }
    }

    fn cancel(&mut self, keys: Vec<Key>, force: bool, actions: &mut Vec<Action>) {
        for key in &keys {
            let Some(at) = self.futures.find(key) else { continue };
            let future = &mut self.futures[at];
            if future.n_held > 0 && future.state != FutureState::Cancelled {
                future.state = FutureState::Cancelled;
                future.silent_until = self.fence_sent + 1;
                let settlement = Settlement::Cancelled;
                actions.push(Action::Settled { key: key.clone(), settlement });
            }
        }
        if !keys.is_empty() {
            actions.push(Action::Scheduler(FromClient::Cancel { keys, force }));
        }
    }

    fn retry(&mut self, mut keys: Vec<Key>, actions: &mut Vec<Action>) {
        keys.retain(|key| {
            let Some(at) = self.futures.find(key) else { return false };
            let future = &mut self.futures[at];
            let has_failed = future.n_held > 0 && future.state == FutureState::Error;
            if has_failed {
                future.state = FutureState::Pending;
            }
            has_failed
        });
        if !keys.is_empty() {
            actions.push(Action::Scheduler(FromClient::Retry(keys)));
        }
    }
}
