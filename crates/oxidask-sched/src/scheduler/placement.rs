//! Where a ready task is best run.
//!
//! A task without inputs and conditions may run anywhere and lies in one queue for all. For others the candidates
//! are those who hold inputs and two workers with room; each costs its backlog, the time to bring what it lacks, and
//! its lack of memory. That is constant time for a task, however many workers there are.

use smallvec::SmallVec;

use super::Scheduler;
use super::task::{NOBODY, State};
use super::workers::WorkerState;
use crate::ids::WorkerId;
use crate::message::Annotations;

/// Holders that are weighed; more hardly differ.
const MAX_HOLDERS: usize = 16;
/// The share of its memory above which a worker is avoided.
const MEMORY_EASE: f64 = 0.6;
/// Seconds that a worker with full memory is worse than one at ease.
const MEMORY_PENALTY_S: f64 = 1.0;

/// What the inputs of a task weigh, and who holds how much.
pub(super) struct Weights {
    total: u64,
    by_holder: SmallVec<[(WorkerId, u64); MAX_HOLDERS]>,
}

impl Weights {
    fn missing(&self, worker: WorkerId) -> u64 {
        let held = self.by_holder.iter().find(|(w, _)| *w == worker).map_or(0, |(_, held)| *held);
        self.total.saturating_sub(held)
    }
}

impl Scheduler {
    /// Puts a ready task into a queue.
    pub(super) fn place(&mut self, slot: u32) {
        let annotations = self.conditions(slot);
        if let Some(annotations) = &annotations {
            match self.best_allowed(slot, annotations) {
                Some(worker) => self.enqueue(slot, Some(worker)),
                None => {
                    self.tasks.set_state(slot, State::NoWorker);
                    self.no_worker.insert(slot);
                }
            }
        } else if self.tasks.cold(slot).inputs.is_empty() {
            self.enqueue(slot, None);
        } else {
            let worker = self.best_near(slot);
            self.enqueue(slot, worker);
        }
    }

    /// What restricts where a task runs; none if nothing does.
    pub(super) fn conditions(&self, slot: u32) -> Option<std::sync::Arc<Annotations>> {
        if !self.tasks.hot(slot).annotated {
            return None;
        }
        let annotations = self.tasks.annotations.get(&slot)?;
        (!annotations.workers.is_empty() || !annotations.resources.is_empty())
            .then(|| annotations.clone())
    }

    /// Whether a worker may run a task at all.
    pub(super) fn may_run(&self, slot: u32, worker: &WorkerState) -> bool {
        self.conditions(slot).is_none_or(|annotations| is_allowed(&annotations, worker))
    }

    fn best_allowed(&mut self, slot: u32, annotations: &Annotations) -> Option<WorkerId> {
        let weights = self.weights(slot);
        let among = |only_named: bool| {
            let allowed = self.workers.iter().filter(|(_, worker)| {
                worker.could_spare(&annotations.resources)
                    && !worker.retiring
                    && (!only_named || is_named(annotations, worker))
            });
            let costs = allowed.map(|(id, worker)| (self.cost(id, worker, &weights), id));
            costs.min_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1))).map(|(_, id)| id)
        };
        among(true).or_else(|| annotations.allow_other_workers.then(|| among(false)).flatten())
    }

    /// The best of the holders of the inputs and two workers with room.
    fn best_near(&mut self, slot: u32) -> Option<WorkerId> {
        let weights = self.weights(slot);
        let mut candidates: SmallVec<[WorkerId; 20]> =
            weights.by_holder.iter().map(|(worker, _)| *worker).collect();
        candidates.extend(self.hungry.iter().take(2).map(|(_, worker)| *worker));
        let best = candidates.iter().filter_map(|&id| {
            let worker = self.workers.get(id).filter(|worker| worker.is_open())?;
            Some((self.cost(id, worker, &weights), id))
        });
        best.min_by(|a, b| a.0.total_cmp(&b.0)).map(|(_, id)| id)
    }

    /// Seconds until the task would run there.
    fn cost(&self, id: WorkerId, worker: &WorkerState, weights: &Weights) -> f64 {
        let missing = weights.missing(id);
        let transfer = self.transfer_s(missing);
        let limit = worker.info.memory_limit_bytes as f64;
        let used = worker.health.memory_bytes.max(worker.held_bytes) as f64;
        let pressure = if limit > 0.0 { (used / limit - MEMORY_EASE).max(0.0) } else { 0.0 };
        let closed = if worker.is_open() { 0.0 } else { 1e6 };
        worker.backlog_s() + transfer + pressure * MEMORY_PENALTY_S + closed
    }

    /// Seconds to bring so many bytes from another worker.
    pub(super) fn transfer_s(&self, nbytes: u64) -> f64 {
        if nbytes == 0 {
            0.0
        } else {
            self.config.latency_s + nbytes as f64 / self.measured.bandwidth
        }
    }

    /// Bytes that a worker would have to fetch for a task.
    pub(super) fn missing_bytes(&self, slot: u32, worker: WorkerId) -> u64 {
        self.weights(slot).missing(worker)
    }

    fn weights(&self, slot: u32) -> Weights {
        let mut weights = Weights { total: 0, by_holder: SmallVec::new() };
        for &input in &self.tasks.cold(slot).inputs {
            let hot = self.tasks.hot(input);
            // An empty value has to be fetched too.
            let nbytes = hot.nbytes.max(1);
            weights.total += nbytes;
            if hot.state != State::Memory || hot.worker == NOBODY {
                continue;
            }
            let first = WorkerId(hot.worker);
            let more = self.tasks.more_holders.get(&input).map_or(&[][..], |more| more);
            for &holder in std::iter::once(&first).chain(more) {
                let known = weights.by_holder.iter().position(|(worker, _)| *worker == holder);
                if let Some(at) = known {
                    weights.by_holder[at].1 += nbytes;
                } else if weights.by_holder.len() < MAX_HOLDERS {
                    weights.by_holder.push((holder, nbytes));
                }
            }
        }
        weights
    }
}

fn is_named(annotations: &Annotations, worker: &WorkerState) -> bool {
    annotations.workers.is_empty() || annotations.workers.iter().any(|who| worker.is_called(who))
}

fn is_allowed(annotations: &Annotations, worker: &WorkerState) -> bool {
    worker.could_spare(&annotations.resources)
        && (annotations.allow_other_workers || is_named(annotations, worker))
}
