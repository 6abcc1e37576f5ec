//! Workers as the scheduler keeps them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::sync::Arc;

use rustc_hash::{FxHashMap, FxHashSet};

use super::slots::SlotSet;
use crate::ids::{RunId, TaskId, Time, WorkerId};
use crate::message::{Health, WorkerInfo};

/// A ready task in a queue, the most urgent first. Entries of tasks that have left the queue stay and are
/// skipped.
pub(super) type Entry = (u64, u32, u32);

/// Ready tasks, the most urgent first.
///
/// What comes in order is appended to a list; only what comes out of order pays for a heap.
#[derive(Default)]
pub(super) struct Queue {
    sorted: VecDeque<Entry>,
    heap: BinaryHeap<Reverse<Entry>>,
}

impl Queue {
    pub(super) fn push(&mut self, entry: Entry) {
        if self.sorted.back().is_none_or(|last| *last <= entry) {
            self.sorted.push_back(entry);
        } else {
            self.heap.push(Reverse(entry));
        }
    }

    pub(super) fn peek(&self) -> Option<Entry> {
        match (self.sorted.front(), self.heap.peek()) {
            (Some(a), Some(Reverse(b))) => Some(*a.min(b)),
            (Some(a), None) => Some(*a),
            (None, b) => b.map(|Reverse(b)| *b),
        }
    }

    pub(super) fn pop(&mut self) -> Option<Entry> {
        match (self.sorted.front(), self.heap.peek()) {
            (Some(a), Some(Reverse(b))) if b < a => self.heap.pop().map(|Reverse(entry)| entry),
            (Some(_), _) => self.sorted.pop_front(),
            (None, _) => self.heap.pop().map(|Reverse(entry)| entry),
        }
    }

    /// The slots of some entries, also of tasks that have left the queue.
    pub(super) fn sample(&self, most: usize) -> impl Iterator<Item = u32> {
        let entries = self.sorted.iter().chain(self.heap.iter().map(|Reverse(entry)| entry));
        entries.take(most).map(|entry| entry.1)
    }

    /// Everything, in no order.
    pub(super) fn drain(&mut self) -> Vec<Entry> {
        let mut all: Vec<Entry> = self.sorted.drain(..).collect();
        all.extend(self.heap.drain().map(|Reverse(entry)| entry));
        all
    }
}

/// One worker.
pub(super) struct WorkerState {
    pub(super) info: WorkerInfo,
    /// Tasks that it was sent and has not answered.
    pub(super) out: FxHashSet<u32>,
    /// Of these, those that it has not said to run, with their expected seconds.
    pub(super) n_unstarted: u32,
    pub(super) unstarted_s: f64,
    /// Expected seconds of all that it was sent.
    pub(super) charge_s: f64,
    /// Tasks that run without a thread.
    pub(super) n_seceded: u32,
    /// Attempts that nobody waits for and that the worker has not answered yet.
    pub(super) ghosts: FxHashMap<(TaskId, RunId), f32>,
    /// Values that it holds.
    pub(super) held: SlotSet,
    pub(super) held_bytes: u64,
    /// Ready tasks that are best run here.
    pub(super) queue: Queue,
    /// Those in `queue` that count, and their expected seconds.
    pub(super) n_queued: u32,
    pub(super) queued_s: f64,
    /// Ready tasks that wait for its resources.
    pub(super) constrained: Vec<Entry>,
    /// What its tasks take of its resources.
    pub(super) used: BTreeMap<Arc<str>, f64>,
    /// Workers whose address it was told.
    pub(super) knows: FxHashSet<WorkerId>,
    /// Shared parts that it was sent.
    pub(super) blobs: FxHashSet<u32>,
    pub(super) health: Health,
    pub(super) retiring: bool,
    /// It was told to go: that it does is no task's fault.
    pub(super) closing: bool,
    /// When it last said how it is.
    pub(super) seen_at: Time,
    /// It may have room for more tasks: it is in the list of those to look at.
    pub(super) is_listed: bool,
    /// Its place among the hungry, if it is one of them.
    pub(super) hungry_at: Option<u32>,
    /// Values that others were asked to copy because it retires.
    pub(super) rescued: FxHashSet<u32>,
}

impl WorkerState {
    pub(super) fn new(info: WorkerInfo, now: Time) -> Self {
        Self {
            info,
            out: FxHashSet::default(),
            n_unstarted: 0,
            unstarted_s: 0.0,
            charge_s: 0.0,
            n_seceded: 0,
            ghosts: FxHashMap::default(),
            held: SlotSet::default(),
            held_bytes: 0,
            queue: Queue::default(),
            n_queued: 0,
            queued_s: 0.0,
            constrained: Vec::new(),
            used: BTreeMap::new(),
            knows: FxHashSet::default(),
            blobs: FxHashSet::default(),
            health: Health::default(),
            retiring: false,
            closing: false,
            seen_at: now,
            is_listed: false,
            hungry_at: None,
            rescued: FxHashSet::default(),
        }
    }

    /// Whether it takes tasks at all.
    pub(super) fn is_open(&self) -> bool {
        !self.retiring && !self.health.paused
    }

    /// How it is, in a word.
    pub(super) fn status(&self) -> &'static str {
        match (self.closing, self.retiring, self.health.paused) {
            (true, ..) => "closing",
            (_, true, _) => "closing_gracefully",
            (_, _, true) => "paused",
            _ => "running",
        }
    }

    /// Attempts that take up its threads, or wait for them.
    pub(super) fn n_busy(&self) -> u32 {
        (self.out.len() + self.ghosts.len()) as u32 - self.n_seceded
    }

    pub(super) fn is_idle(&self) -> bool {
        self.n_busy() < self.info.n_threads.max(1)
    }

    /// Whether it should be sent another task: a thread is free, or what it has in store lasts for less
    /// than `horizon_s`.
    pub(super) fn has_room(&self, horizon_s: f64) -> bool {
        self.is_open()
            && (self.is_idle()
                || self.unstarted_s < horizon_s * f64::from(self.info.n_threads.max(1)))
    }

    /// Seconds until it would come to a task that is queued now.
    pub(super) fn backlog_s(&self) -> f64 {
        (self.charge_s + self.queued_s).max(0.0) / f64::from(self.info.n_threads.max(1))
    }

    /// What it has of a resource.
    pub(super) fn supply(&self, name: &str) -> f64 {
        self.info.resources.iter().filter(|(n, _)| **n == *name).map(|(_, amount)| amount).sum()
    }

    /// Whether so much of each resource is free.
    pub(super) fn can_spare(&self, needs: &[(Arc<str>, f64)]) -> bool {
        needs.iter().all(|(name, amount)| {
            self.supply(name) - self.used.get(name).copied().unwrap_or(0.0) >= *amount - 1e-9
        })
    }

    /// Whether it has so much of each resource at all.
    pub(super) fn could_spare(&self, needs: &[(Arc<str>, f64)]) -> bool {
        needs.iter().all(|(name, amount)| self.supply(name) >= *amount - 1e-9)
    }

    /// Whether a user who says `who` means it.
    pub(super) fn is_called(&self, who: &str) -> bool {
        *self.info.name == *who || *self.info.address == *who || *self.info.host == *who
    }
}

/// All workers, by number.
#[derive(Default)]
pub(super) struct Workers {
    slots: Vec<Option<Box<WorkerState>>>,
    alive: Vec<WorkerId>,
}

impl Workers {
    /// Puts a worker in its place.
    pub(super) fn insert(&mut self, id: WorkerId, worker: WorkerState) {
        let index = id.0 as usize;
        if self.slots.len() <= index {
            self.slots.resize_with(index + 1, || None);
        }
        if self.slots[index].replace(Box::new(worker)).is_none() {
            let at = self.alive.partition_point(|&other| other < id);
            self.alive.insert(at, id);
        }
    }

    pub(super) fn remove(&mut self, id: WorkerId) -> Option<Box<WorkerState>> {
        let worker = self.slots.get_mut(id.0 as usize)?.take();
        self.alive.retain(|&other| other != id);
        worker
    }

    pub(super) fn get(&self, id: WorkerId) -> Option<&WorkerState> {
        self.slots.get(id.0 as usize)?.as_deref()
    }

    pub(super) fn get_mut(&mut self, id: WorkerId) -> Option<&mut WorkerState> {
        self.slots.get_mut(id.0 as usize)?.as_deref_mut()
    }

    /// Those that are here, in the order of their numbers.
    pub(super) fn alive(&self) -> &[WorkerId] {
        &self.alive
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (WorkerId, &WorkerState)> {
        self.alive.iter().filter_map(|&id| Some((id, self.get(id)?)))
    }
}
