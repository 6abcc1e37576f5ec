//! Sending a task to the worker that computes its last input, before that is there.
//!
//! A chain would else take a trip to the scheduler and back for each link. A task goes ahead if one input alone is
//! missing, a worker has that and nobody else reads it, the other inputs are on the same worker, and little time is
//! at stake should the estimate of it be wrong: what the worker was sent stays within the horizon.
//!
//! Such a task is *assigned* like any other. The worker starts it when the input is there, and gives it
//! back as one whose inputs are missing if the input's attempt ends without a value.

use super::Scheduler;
use super::task::{Flags, State};
use crate::ids::WorkerId;
use crate::message::Action;

impl Scheduler {
    /// A task has come that reads what may be at a worker already.
    pub(super) fn may_go_ahead(&mut self, slot: u32) {
        let hot = self.tasks.hot(slot);
        if hot.state == State::Waiting && hot.waiting == 1 && !hot.annotated {
            self.aheads.push(self.tasks.id(slot));
        }
    }

    /// Sends those ahead that may go, of what has come in this event.
    pub(super) fn feed_ahead(&mut self, actions: &mut Vec<Action>) {
        while let Some(task) = self.aheads.pop() {
            let Some(slot) = self.tasks.live(task) else { continue };
            let inputs = &self.tasks.cold(slot).inputs;
            let missing =
                inputs.iter().copied().find(|&input| self.tasks.hot(input).state.is_out());
            if let Some(missing) = missing
                && self.goes_ahead(slot, missing)
            {
                let id = WorkerId(self.tasks.hot(missing).worker);
                self.assign(slot, id, actions);
                self.send_readers_ahead(slot, id, actions);
            }
        }
    }

    /// A worker was sent a task, or has begun it: what reads its value follows, and what reads that.
    pub(super) fn send_readers_ahead(
        &mut self,
        mut last: u32,
        id: WorkerId,
        actions: &mut Vec<Action>,
    ) {
        while let Some(reader) = self.only_reader(last)
            && self.goes_ahead(reader, last)
        {
            self.assign(reader, id, actions);
            last = reader;
        }
    }

    /// The task that alone waits for a value.
    fn only_reader(&self, slot: u32) -> Option<u32> {
        if self.tasks.hot(slot).waiters != 1 {
            return None;
        }
        let mut readers = self.tasks.cold(slot).readers.iter();
        readers.find_map(|&reader| {
            self.tasks.live(reader).filter(|&reader| self.tasks.hot(reader).state.needs_inputs())
        })
    }

    /// Whether a task may be sent to the worker that has `missing`, one of its inputs.
    fn goes_ahead(&self, slot: u32, missing: u32) -> bool {
        let (hot, input) = (self.tasks.hot(slot), self.tasks.hot(missing));
        let is_next = hot.state == State::Waiting
            && hot.waiting == 1
            && !hot.annotated
            && input.state.is_out()
            && input.waiters == 1
            && !input.flags.has(Flags::SECEDED)
            && !input.flags.has(Flags::RETRACTING);
        if !is_next {
            return false;
        }
        let id = WorkerId(input.worker);
        let Some(worker) = self.workers.get(id) else { return false };
        let horizon_s = self.config.horizon_s;
        let charge_s = self.measured.get(hot.group).expected_s();
        let more_urgent = |entry: super::workers::Entry| entry.0 < hot.priority;
        worker.is_open()
            && f64::from(input.charge_s) < horizon_s
            && worker.unstarted_s + charge_s < horizon_s
            && !worker.queue.peek().is_some_and(more_urgent)
            && !self.anywhere.peek().is_some_and(more_urgent)
            && self.tasks.cold(slot).inputs.iter().all(|&other| {
                other == missing
                    || self.workers.get(id).is_some_and(|worker| worker.held.contains(other))
            })
    }

    /// Whether a worker was sent a task before all inputs were there.
    pub(super) fn is_ahead(&self, slot: u32) -> bool {
        let mut inputs = self.tasks.cold(slot).inputs.iter();
        inputs.any(|&input| self.tasks.hot(input).state != State::Memory)
    }
}
