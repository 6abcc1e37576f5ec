//! Things that happen later, in their order.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::random::Random;
use crate::ids::{ClientId, RunId, TaskId, Time, WorkerId};
use crate::message::{FromClient, FromWorker, ToClient, ToWorker};
use crate::worker::Outcome;

/// Something on its way.
#[derive(Clone, Debug)]
pub(super) enum Parcel {
    ToScheduler(WorkerId, FromWorker),
    ToWorker(WorkerId, ToWorker),
    FromClient(ClientId, FromClient),
    ToClient(ClientId, ToClient),
    /// A thread of a worker looks for a task.
    Thread(WorkerId),
    /// A task ends on a worker.
    End(WorkerId, TaskId, RunId, Outcome, Option<u64>),
    /// A worker asks another for values.
    Fetch {
        from: WorkerId,
        peer: WorkerId,
        request: u64,
        tasks: Vec<TaskId>,
    },
    /// The answer; none if the peer can't be reached.
    Fetched {
        to: WorkerId,
        request: u64,
        values: Option<Vec<(TaskId, u64)>>,
    },
    /// A client puts a value on a worker.
    Put {
        client: ClientId,
        worker: WorkerId,
        number: usize,
        task: TaskId,
    },
    /// The scheduler finds out that a worker is gone.
    WorkerGone(WorkerId),
    /// A worker that was short of memory has some again.
    Resumed(WorkerId),
    /// A seceded task wants its thread back.
    Rejoin(WorkerId, TaskId, RunId),
}

/// An ordered stream.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Stream {
    ToScheduler(WorkerId),
    ToWorker(WorkerId),
    FromClient(ClientId),
    ToClient(ClientId),
}

struct Timed {
    at: Time,
    number: u64,
    parcel: Parcel,
}

impl PartialEq for Timed {
    fn eq(&self, other: &Self) -> bool {
        self.number == other.number
    }
}

impl Eq for Timed {}

impl PartialOrd for Timed {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Timed {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.number).cmp(&(other.at, other.number))
    }
}

/// What is on its way, by arrival.
#[derive(Default)]
pub(super) struct Network {
    parcels: BinaryHeap<Reverse<Timed>>,
    /// When the last parcel of each stream arrives: none overtakes another.
    last: BTreeMap<Stream, Time>,
    n_sent: u64,
}

/// Nanoseconds that a message takes at least and, mostly, at most.
const LATENCY_NS: (usize, usize) = (20_000, 400_000);
/// How long a connection that breaks and is resumed stalls.
const STALL_NS: usize = 50_000_000;

impl Network {
    /// Sends something after a delay of its own.
    pub(super) fn later(&mut self, at: Time, parcel: Parcel) {
        self.n_sent += 1;
        self.parcels.push(Reverse(Timed { at, number: self.n_sent, parcel }));
    }

    /// Sends something along a stream.
    pub(super) fn send(
        &mut self,
        now: Time,
        random: &mut Random,
        stalls: bool,
        stream: Stream,
        parcel: Parcel,
    ) {
        let mut delay = LATENCY_NS.0 + random.below(LATENCY_NS.1);
        if stalls && random.per_mille(5) {
            delay += random.below(STALL_NS);
        }
        let last = self.last.entry(stream).or_default();
        let at = Time(now.0 + delay as u64).max(*last);
        *last = at;
        self.later(at, parcel);
    }

    pub(super) fn next(&mut self) -> Option<(Time, Parcel)> {
        self.parcels.pop().map(|Reverse(timed)| (timed.at, timed.parcel))
    }

    pub(super) fn next_at(&self) -> Option<Time> {
        self.parcels.peek().map(|Reverse(timed)| timed.at)
    }
}
