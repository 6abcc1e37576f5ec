//! Values that clients bring: the scheduler says to which workers, the client puts them there, the
//! workers announce them.
//!
//! Until then the task is *placed*: nothing can compute it, and what reads it waits. It is lost, and so fails,
//! once nobody is left who might announce it: all workers that were to have it are gone or could not be
//! reached, or the clients that were to bring it are.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::sync::Arc;

use oxidask_core::key::Key;
use smallvec::SmallVec;

use super::task::{NOBODY, State};
use super::{Scheduler, Step};
use crate::ids::{ClientId, WorkerId};
use crate::message::{Action, Holders, Input, Location, ToClient};

/// A value on its way from clients to workers.
pub(super) struct Arrival {
    /// Who brings it.
    pub(super) clients: SmallVec<[ClientId; 1]>,
    /// Workers that are to have it and have not announced it.
    pub(super) workers: Holders,
}

/// A worker's turn among those that may have a value: the lowest takes the next one.
type Turn = Reverse<(u64, u64, u32, WorkerId)>;

impl Scheduler {
    /// Says where a client is to put values.
    pub(super) fn place_values(
        &mut self,
        client: ClientId,
        request: u64,
        values: Vec<(Key, (u64, Arc<str>))>,
        among: &[Arc<str>],
        broadcast: bool,
        actions: &mut Vec<Action>,
    ) {
        let mut turns = self.turns(among);
        let everybody: Holders = turns.iter().map(|Reverse((.., id))| *id).collect();
        let mut places = Vec::with_capacity(values.len());
        for (key, (nbytes, type_name)) in values {
            if everybody.is_empty() {
                places.push(None);
                continue;
            }
            let holders =
                if broadcast { everybody.clone() } else { self.whose_turn(&mut turns, nbytes) };
            let slot = self.expect(client, key, nbytes, type_name, &holders, actions);
            places.push(Some(Input {
                task: self.tasks.id(slot),
                place: Location { holders, nbytes },
            }));
        }
        self.introduce_to_client(client, places.iter().flatten(), actions);
        actions.push(Action::Client(client, ToClient::Located { request, places }));
    }

    /// The workers that may have values: each takes as many as it has threads, those with the fewest bytes first.
    fn turns(&mut self, among: &[Arc<str>]) -> BinaryHeap<Turn> {
        let named = self.workers.iter().filter(|(_, worker)| {
            !worker.retiring && (among.is_empty() || among.iter().any(|who| worker.is_called(who)))
        });
        let named: Vec<_> = named.collect();
        let any_open = named.iter().any(|(_, worker)| worker.is_open());
        let from = self.cursor;
        let turns = named.into_iter().filter(|(_, worker)| worker.is_open() || !any_open);
        let turns = turns
            .map(|(id, worker)| Reverse((0, worker.held_bytes, id.0.wrapping_sub(from), id)))
            .collect();
        self.cursor = self.cursor.wrapping_add(1);
        turns
    }

    fn whose_turn(&self, turns: &mut BinaryHeap<Turn>, nbytes: u64) -> Holders {
        let Some(Reverse((load, held_bytes, rank, id))) = turns.pop() else {
            return Holders::new();
        };
        let n_threads = self.workers.get(id).map_or(1, |worker| worker.info.n_threads.max(1));
        let load = load + (1 << 20) / u64::from(n_threads);
        turns.push(Reverse((load, held_bytes + nbytes, rank, id)));
        Holders::from_slice(&[id])
    }

    /// A client is about to put a value on these workers.
    fn expect(
        &mut self,
        client: ClientId,
        key: Key,
        nbytes: u64,
        type_name: Arc<str>,
        holders: &Holders,
        actions: &mut Vec<Action>,
    ) -> u32 {
        let slot = self.tasks.find(&key).unwrap_or_else(|| self.enter_value(key));
        let state = self.tasks.hot(slot).state;
        if state.needs_inputs() {
            self.withdraw(slot, actions);
            self.let_go_of_inputs(slot);
        }
        self.tasks.failures.remove(&slot);
        if state != State::Memory {
            let hot = self.tasks.hot_mut(slot);
            (hot.nbytes, hot.worker) = (nbytes, NOBODY);
            self.tasks.set_state(slot, State::Placed);
            self.tasks.cold_mut(slot).type_name = Some(type_name);
        }
        let there = self.tasks.holders(slot);
        let arrival = self
            .arrivals
            .entry(slot)
            .or_insert_with(|| Arrival { clients: SmallVec::new(), workers: Holders::new() });
        if !arrival.clients.contains(&client) {
            arrival.clients.push(client);
        }
        let more = holders.iter().filter(|id| !there.contains(id) && !arrival.workers.contains(id));
        let more: Holders = more.copied().collect();
        arrival.workers.extend(more);
        if arrival.workers.is_empty() {
            self.arrivals.remove(&slot);
        }
        self.want(client, slot, actions);
        slot
    }

    /// A worker has announced a value that was placed: all who wait for it hear of it.
    pub(super) fn arrived(&mut self, slot: u32, worker: WorkerId, actions: &mut Vec<Action>) {
        self.no_longer_expected(slot, worker);
        self.tasks.set_state(slot, State::Memory);
        let nbytes = self.tasks.hot(slot).nbytes;
        self.held_by(slot, worker);
        let type_name = self.tasks.cold(slot).type_name.clone().unwrap_or_else(|| "object".into());
        self.tell(slot, actions, |key| ToClient::Ready {
            key,
            nbytes,
            type_name: type_name.clone(),
            inline: None,
        });
        self.has_value(slot);
    }

    /// A worker has announced a value, or will not. Without others the value is not on its way any more.
    pub(super) fn no_longer_expected(&mut self, slot: u32, worker: WorkerId) {
        let Some(arrival) = self.arrivals.get_mut(&slot) else { return };
        arrival.workers.retain(|other| *other != worker);
        if arrival.workers.is_empty() {
            self.arrivals.remove(&slot);
        }
    }

    /// A worker that was to have a value can't be reached, or is gone.
    pub(super) fn will_not_arrive(&mut self, slot: u32, worker: WorkerId) {
        self.no_longer_expected(slot, worker);
        self.give_up_arrival(slot);
    }

    /// A placed value that nobody brings any more is lost.
    fn give_up_arrival(&mut self, slot: u32) {
        if self.tasks.hot(slot).state == State::Placed && !self.arrivals.contains_key(&slot) {
            self.tasks.set_state(slot, State::Released);
            self.steps.push(Step::Require(slot));
            self.steps.push(Step::Release(slot));
        }
    }

    /// A worker is gone, with what it was to have.
    pub(super) fn nothing_arrives_at(&mut self, worker: WorkerId) {
        for slot in self.arrivals.keys().copied().collect::<Vec<_>>() {
            self.will_not_arrive(slot, worker);
        }
    }

    /// A client is gone: it brings nothing any more.
    pub(super) fn brings_nothing(&mut self, client: ClientId) {
        for slot in self.arrivals.keys().copied().collect::<Vec<_>>() {
            if let Some(arrival) = self.arrivals.get_mut(&slot) {
                arrival.clients.retain(|other| *other != client);
                if arrival.clients.is_empty() {
                    self.arrivals.remove(&slot);
                }
            }
            self.give_up_arrival(slot);
        }
    }
}
