//! Fetches: whom to ask for what, how much at a time, and what of it has come.

use std::collections::BTreeSet;

use rustc_hash::FxHashMap;

use super::{Action, Copied, Worker};
use crate::ids::{TaskId, Time, WorkerId};

/// What the newest measurement of bandwidth counts for beside those before it.
const NEWEST: f64 = 0.3;

/// Another worker that is, or is to be, asked for values.
#[derive(Debug, Default)]
pub(super) struct Peer {
    /// Values to ask it for: by priority, then by place.
    pub(super) queue: BTreeSet<(u64, u32)>,
    /// Fetches that it has not answered.
    pub(super) n_flights: u32,
}

#[derive(Debug)]
pub(super) struct Flight {
    pub(super) peer: WorkerId,
    pub(super) tasks: Vec<TaskId>,
    since: Time,
}

/// What is asked of whom.
#[derive(Debug, Default)]
pub(super) struct Fetches {
    pub(super) peers: FxHashMap<WorkerId, Peer>,
    pub(super) flights: FxHashMap<u64, Flight>,
    /// Peers that might be asked for more now.
    pub(super) stirred: Vec<WorkerId>,
    last_request: u64,
    /// Bytes a second that fetches have got lately; zero if there were none.
    pub(super) bandwidth: f64,
}

impl Fetches {
    fn forget_idle(&mut self, peer: WorkerId) {
        if self.peers.get(&peer).is_some_and(|peer| peer.n_flights == 0 && peer.queue.is_empty()) {
            self.peers.remove(&peer);
        }
    }

    /// Forgets peers that nothing is asked of, where fetches are not launched for now.
    pub(super) fn forget_idle_stirred(&mut self) {
        let mut stirred = std::mem::take(&mut self.stirred);
        stirred.iter().for_each(|&peer| self.forget_idle(peer));
        stirred.retain(|peer| self.peers.contains_key(peer));
        self.stirred = stirred;
    }

    fn measure(&mut self, nbytes: u64, seconds: f64) {
        if nbytes == 0 || seconds <= 0.0 {
            return;
        }
        let newest = nbytes as f64 / seconds;
        let weight = if self.bandwidth == 0.0 { 1.0 } else { NEWEST };
        self.bandwidth += weight * (newest - self.bandwidth);
    }
}

impl Worker {
    /// Queues a wanted value for a holder that has not failed to give it: false if there is none. Turns
    /// begin at a holder that the task's number decides, which spreads the load, and prefer those who can be
    /// asked at once.
    pub(super) fn queue_fetch(&mut self, at: u32) -> bool {
        let value = &mut self.values[at];
        let first = value.task.slot as usize;
        let Some(want) = &mut value.want else { return false };
        let n = want.holders.len();
        let peers = &mut self.fetches.peers;
        let mut chosen = None;
        for turn in 0..n {
            let (holder, failed) = want.holders[(first + turn) % n];
            if failed {
                continue;
            }
            let is_free = peers
                .get(&holder)
                .is_none_or(|peer| peer.n_flights < self.config.max_fetches_per_peer);
            if is_free {
                chosen = Some(holder);
                break;
            }
            chosen = chosen.or(Some(holder));
        }
        let Some(chosen) = chosen else { return false };
        want.peer = chosen;
        peers.entry(chosen).or_default().queue.insert((want.priority, at));
        self.fetches.stirred.push(chosen);
        true
    }

    /// A value that is queued is needed by something of this priority too.
    pub(super) fn hasten_fetch(&mut self, at: u32, priority: u64) {
        let Some(want) = &mut self.values[at].want else { return };
        if priority < want.priority
            && let Some(peer) = self.fetches.peers.get_mut(&want.peer)
        {
            peer.queue.remove(&(want.priority, at));
            peer.queue.insert((priority, at));
            want.priority = priority;
        }
    }

    /// Takes a wanted value out of its queue, if it is in one.
    pub(super) fn unqueue_fetch(&mut self, at: u32) {
        let value = &self.values[at];
        let Some(want) = &value.want else { return };
        if value.landing == 0
            && let Some(peer) = self.fetches.peers.get_mut(&want.peer)
        {
            peer.queue.remove(&(want.priority, at));
            self.fetches.forget_idle(want.peer);
        }
    }

    /// Asks peers for what is queued for them, as much as they may be asked.
    pub(super) fn launch_fetches(&mut self, now: Time, actions: &mut Vec<Action>) {
        for id in std::mem::take(&mut self.fetches.stirred) {
            while let Some(peer) = self.fetches.peers.get_mut(&id)
                && peer.n_flights < self.config.max_fetches_per_peer
                && !peer.queue.is_empty()
            {
                self.fetches.last_request += 1;
                let request = self.fetches.last_request;
                peer.n_flights += 1;
                let mut tasks = Vec::new();
                let mut nbytes = 0_u64;
                while let Some(&(_, at)) = peer.queue.first() {
                    let value = &mut self.values[at];
                    nbytes = nbytes.saturating_add(value.nbytes);
                    if !tasks.is_empty() && nbytes > self.config.max_fetch_bytes {
                        break;
                    }
                    peer.queue.pop_first();
                    value.landing = request;
                    tasks.push(value.task);
                }
                let flight = Flight { peer: id, tasks: tasks.clone(), since: now };
                self.fetches.flights.insert(request, flight);
                actions.push(Action::Fetch { peer: id, request, tasks });
            }
            self.fetches.forget_idle(id);
        }
    }

    pub(super) fn fetched(
        &mut self,
        now: Time,
        request: u64,
        copies: Vec<Copied>,
        actions: &mut Vec<Action>,
    ) {
        let Some(flight) = self.end_flight(request) else { return };
        let nbytes = copies.iter().map(|copy| copy.nbytes).sum();
        self.fetches.measure(nbytes, now.seconds_since(flight.since));
        for Copied { task, nbytes, type_name } in copies {
            if let Some(at) = self.values.find(&task)
                && self.values[at].landing == request
            {
                self.values[at].landing = 0;
                self.land_copy(at, nbytes, type_name, actions);
            }
        }
        self.fetch_elsewhere(request, &flight, actions);
    }

    pub(super) fn fetch_failed(&mut self, request: u64, actions: &mut Vec<Action>) {
        let Some(flight) = self.end_flight(request) else { return };
        self.fetch_elsewhere(request, &flight, actions);
    }

    fn end_flight(&mut self, request: u64) -> Option<Flight> {
        let flight = self.fetches.flights.remove(&request)?;
        if let Some(peer) = self.fetches.peers.get_mut(&flight.peer) {
            peer.n_flights -= 1;
        }
        self.fetches.stirred.push(flight.peer);
        Some(flight)
    }

    /// What a fetch did not bring is asked of the next holder, or missing.
    fn fetch_elsewhere(&mut self, request: u64, flight: &Flight, actions: &mut Vec<Action>) {
        let mut missing = Vec::new();
        for &task in &flight.tasks {
            let Some(at) = self.values.find(&task) else { continue };
            let value = &mut self.values[at];
            if value.landing != request {
                continue;
            }
            value.landing = 0;
            if value.held {
                continue;
            }
            let Some(want) = &mut value.want else {
                self.review(at);
                continue;
            };
            let asked = want.holders.iter_mut().find(|(holder, _)| *holder == flight.peer);
            if let Some((_, failed)) = asked {
                *failed = true;
            }
            if !self.queue_fetch(at) {
                missing.push(at);
            }
        }
        self.report_missing(&missing, actions);
    }
}
