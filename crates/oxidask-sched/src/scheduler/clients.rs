//! What clients say.

use std::sync::Arc;

use oxidask_core::key::Key;
use rustc_hash::FxHashSet;

use super::slots::SlotSet;
use super::submit::AT_A_TIME;
use super::task::{NO_BLOB, NOBODY, State};
use super::{Scheduler, Step};
use crate::coordination::Asker;
use crate::data::Data;
use crate::ids::{ClientId, WorkerId};
use crate::message::{Action, Cause, ClientInfo, FromClient, Input, Location, ToClient, ToWorker};

/// One client.
pub(super) struct ClientState {
    pub(super) info: ClientInfo,
    /// Tasks that it holds.
    pub(super) wants: SlotSet,
    /// Workers whose address it was told.
    pub(super) knows: FxHashSet<WorkerId>,
    /// Shared parts that it relies on to be here.
    pub(super) blobs: FxHashSet<u32>,
}

impl Scheduler {
    /// The clients that are here, by what they call themselves.
    pub fn clients(&self) -> impl Iterator<Item = (ClientId, &Arc<str>)> {
        self.clients.iter().map(|(id, state)| (*id, &state.info.name))
    }

    pub(super) fn client_joined(&mut self, client: ClientId, info: ClientInfo) {
        self.log_client("client-joined", &info);
        let state = ClientState {
            info,
            wants: SlotSet::default(),
            knows: FxHashSet::default(),
            blobs: FxHashSet::default(),
        };
        self.clients.insert(client, state);
    }

    pub(super) fn client_lost(&mut self, client: ClientId, actions: &mut Vec<Action>) {
        let Some(state) = self.clients.remove(&client) else { return };
        self.log_client("client-left", &state.info);
        self.brings_nothing(client);
        self.asks_no_more(client);
        let wants: Vec<u32> = state.wants.iter().collect();
        for slots in wants.chunks(AT_A_TIME) {
            self.tasks.look_up(slots.iter().map(|&slot| &self.tasks.cold(slot).key));
            slots.iter().for_each(|&slot| self.unwant(client, slot));
            self.drain(actions);
        }
        let mut blobs: Vec<u32> = state.blobs.into_iter().collect();
        blobs.sort_unstable();
        // Tasks that were its own hold their blobs until they are forgotten.
        blobs.into_iter().for_each(|blob| self.let_go_of_blob(blob, actions));
    }

    fn log_client(&mut self, action: &str, info: &ClientInfo) {
        let body = Data::map([("action", action.into()), ("client", info.name.clone().into())]);
        self.coordination.log(self.now, &"clients".into(), body);
    }

    pub(super) fn on_client(
        &mut self,
        client: ClientId,
        message: FromClient,
        actions: &mut Vec<Action>,
    ) {
        if client.is_real() && !self.clients.contains_key(&client) {
            return;
        }
        match message {
            FromClient::Submit(submission) => self.submit(client, submission, actions),
            FromClient::Want(keys) => {
                keys.into_iter().for_each(|key| match self.tasks.find(&key) {
                    Some(slot) => self.want(client, slot, actions),
                    None => actions.push(Action::Client(client, ToClient::Cancelled(key))),
                })
            }
            FromClient::Release(keys) => self.slots_of(&keys).for_each_in(self, |this, slot| {
                this.unwant(client, slot);
            }),
            FromClient::Cancel { keys, force } => {
                self.slots_of(&keys)
                    .for_each_in(self, |this, slot| this.cancel(client, slot, force, actions));
            }
            FromClient::Retry(keys) => {
                self.slots_of(&keys).for_each_in(self, |this, slot| this.retry(slot, actions));
            }
            FromClient::Scattered(values) => values
                .into_iter()
                .for_each(|(key, place)| self.scattered(client, key, place, actions)),
            FromClient::Locate { request, keys } => {
                let places: Vec<Option<Input>> = keys.iter().map(|key| self.located(key)).collect();
                self.introduce_to_client(client, places.iter().flatten(), actions);
                actions.push(Action::Client(client, ToClient::Located { request, places }));
            }
            FromClient::Unfetched(keys) => keys.into_iter().for_each(|(key, holder)| {
                if let Some(slot) = self.tasks.find(&key) {
                    self.not_there(self.tasks.id(slot), holder, actions);
                }
            }),
            FromClient::DropBlobs(hashes) => hashes.into_iter().for_each(|hash| {
                let number = self.blobs.find(hash).unwrap_or(NO_BLOB);
                let state = self.clients.get_mut(&client);
                if state.is_some_and(|state| state.blobs.remove(&number)) {
                    self.let_go_of_blob(number, actions);
                }
            }),
            FromClient::Replicate { keys, n, workers } => {
                self.slots_of(&keys)
                    .for_each_in(self, |this, slot| this.replicate(slot, n, &workers, actions));
            }
            FromClient::Ask { request, verb, body } => {
                self.asked(Asker { client, request }, verb, body, actions);
            }
            FromClient::Abandon(request) => self.abandoned(Asker { client, request }),
            FromClient::Place { request, values, workers, broadcast } => {
                self.place_values(client, request, values, &workers, broadcast, actions);
            }
        }
    }

    fn slots_of(&self, keys: &[Key]) -> Slots {
        Slots(keys.iter().filter_map(|key| self.tasks.find(key)).collect())
    }

    pub(super) fn client_has_blob(&mut self, client: ClientId, number: u32) {
        if let Some(state) = self.clients.get_mut(&client)
            && state.blobs.insert(number)
        {
            self.blobs.hold(number);
        }
    }

    /// A client no longer holds a task.
    pub(super) fn unwant(&mut self, client: ClientId, slot: u32) {
        if let Some(state) = self.clients.get_mut(&client) {
            state.wants.remove(slot);
        }
        let cold = self.tasks.cold_mut(slot);
        let before = cold.clients.len();
        cold.clients.retain(|other| *other != client);
        if cold.clients.len() < before {
            self.steps.push(Step::Release(slot));
        }
    }

    /// Stops a task and what reads it, unless another client holds it.
    fn cancel(&mut self, client: ClientId, slot: u32, force: bool, actions: &mut Vec<Action>) {
        let mut stack = vec![slot];
        let mut seen = FxHashSet::default();
        while let Some(slot) = stack.pop() {
            if !seen.insert(slot) {
                continue;
            }
            let cold = self.tasks.cold(slot);
            if !force && cold.clients.iter().any(|other| *other != client) {
                if cold.clients.contains(&client) {
                    let cancelled = ToClient::Cancelled(cold.key.clone());
                    actions.push(Action::Client(client, cancelled));
                    self.unwant(client, slot);
                }
                continue;
            }
            let readers = cold.readers.iter().filter_map(|reader| self.tasks.live(*reader));
            stack.extend(readers);
            self.tell(slot, actions, ToClient::Cancelled);
            for client in self.tasks.cold(slot).clients.clone() {
                self.unwant(client, slot);
            }
        }
    }

    /// Runs a task that has failed again, with those that it failed for.
    fn retry(&mut self, slot: u32, actions: &mut Vec<Action>) {
        let mut stack = vec![slot];
        let mut failed = Vec::new();
        while let Some(slot) = stack.pop() {
            if self.tasks.hot(slot).state != State::Erred || self.lacks_an_input(slot) {
                continue;
            }
            let hot = self.tasks.hot_mut(slot);
            (hot.retries, hot.suspicion) = (0, 0);
            self.tasks.set_state(slot, State::Released);
            self.tasks.failures.remove(&slot);
            stack.extend_from_slice(&self.tasks.cold(slot).inputs);
            failed.push(slot);
        }
        for slot in failed {
            self.tell(slot, actions, ToClient::Lost);
            self.steps.push(Step::Require(slot));
        }
    }

    /// Whether a task reads what was not known when it came: no retry helps.
    fn lacks_an_input(&self, slot: u32) -> bool {
        self.tasks.failures.get(&slot).is_some_and(|failure| {
            matches!(failure.cause, Cause::UnknownInput(_))
                && failure.origin == self.tasks.cold(slot).key
        })
    }

    /// A client has put a value on workers.
    fn scattered(
        &mut self,
        client: ClientId,
        key: Key,
        place: Location,
        actions: &mut Vec<Action>,
    ) {
        let (slot, is_new) = match self.tasks.find(&key) {
            Some(slot) => (slot, false),
            None => (self.enter_value(key), true),
        };
        let holders: Vec<WorkerId> =
            place.holders.into_iter().filter(|id| self.workers.get(*id).is_some()).collect();
        let state = self.tasks.hot(slot).state;
        if state.needs_inputs() || state == State::Erred {
            self.withdraw(slot, actions);
            if state.needs_inputs() {
                self.let_go_of_inputs(slot);
            }
            self.tasks.failures.remove(&slot);
        }
        if !holders.is_empty() {
            if state != State::Memory {
                let hot = self.tasks.hot_mut(slot);
                (hot.nbytes, hot.worker) = (place.nbytes, NOBODY);
                self.tasks.set_state(slot, State::Memory);
            }
            for holder in holders {
                self.held_by(slot, holder);
            }
        } else if !is_new && state != State::Memory {
            self.arrivals.remove(&slot);
            self.tasks.set_state(slot, State::Released);
            self.steps.push(Step::Require(slot));
        }
        self.want(client, slot, actions);
        if self.tasks.hot(slot).state == State::Memory && state != State::Memory {
            self.has_value(slot);
        }
    }

    /// One holder more.
    pub(super) fn held_by(&mut self, slot: u32, holder: WorkerId) {
        if self.tasks.holders(slot).contains(&holder) {
            return;
        }
        let hot = self.tasks.hot_mut(slot);
        let nbytes = hot.nbytes;
        if hot.worker == NOBODY {
            hot.worker = holder.0;
        } else {
            self.tasks.more_holders.entry(slot).or_default().push(holder);
        }
        if let Some(state) = self.workers.get_mut(holder) {
            state.held.insert(slot);
            state.held_bytes += nbytes;
        }
    }

    /// Has copies made until `n` of the workers hold the value.
    fn replicate(&mut self, slot: u32, n: u32, workers: &[WorkerId], actions: &mut Vec<Action>) {
        if self.tasks.hot(slot).state != State::Memory {
            return;
        }
        let holders = self.tasks.holders(slot);
        let among: Vec<WorkerId> =
            if workers.is_empty() { self.workers.alive().to_vec() } else { workers.to_vec() };
        let have = among.iter().filter(|id| holders.contains(id)).count() as u32;
        let mut others: Vec<(u64, WorkerId)> = among
            .into_iter()
            .filter(|id| !holders.contains(id))
            .filter_map(|id| Some((self.workers.get(id).filter(|w| w.is_open())?.held_bytes, id)))
            .collect();
        others.sort_unstable();
        let place = Location { holders, nbytes: self.tasks.hot(slot).nbytes };
        let input = Input { task: self.tasks.id(slot), place };
        for (_, id) in others.into_iter().take(n.saturating_sub(have) as usize) {
            self.introduce(id, std::slice::from_ref(&input), actions);
            actions.push(Action::Worker(id, ToWorker::Acquire(vec![input.clone()])));
        }
    }
}

/// Slots that were looked up before any of them changes.
struct Slots(Vec<u32>);

impl Slots {
    fn for_each_in(self, this: &mut Scheduler, mut each: impl FnMut(&mut Scheduler, u32)) {
        for slot in self.0 {
            if this.tasks.hot(slot).state != State::Forgotten {
                each(this, slot);
            }
        }
    }
}
