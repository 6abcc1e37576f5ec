//! Steps of tasks from state to state, taken to a fixpoint.

use std::sync::Arc;

use super::task::{Flags, NO_BLOB, NOBODY, State};
use super::{Scheduler, Step};
use crate::ids::WorkerId;
use crate::message::{Action, Cause, TaskFailure, ToClient, ToWorker};

impl Scheduler {
    /// Takes steps until none is left.
    pub(super) fn drain(&mut self, actions: &mut Vec<Action>) {
        while let Some(step) = self.steps.pop() {
            match step {
                Step::Require(slot) => self.require(slot),
                Step::Ready(slot) => self.ready(slot),
                Step::Fail(slot, failure) => self.fail(slot, failure, actions),
                Step::Release(slot) => self.release(slot, actions),
                Step::Forget(slot) => self.forget(slot, actions),
            }
        }
    }

    /// Whether a client or a reader needs the value.
    pub(super) fn is_needed(&self, slot: u32) -> bool {
        self.tasks.hot(slot).waiters > 0 || !self.tasks.cold(slot).clients.is_empty()
    }

    /// A released task that is needed waits for its inputs.
    fn require(&mut self, slot: u32) {
        if self.tasks.hot(slot).state != State::Released || !self.is_needed(slot) {
            return;
        }
        if self.tasks.cold(slot).spec.blob == NO_BLOB {
            let failure = self.lost(slot);
            self.steps.push(Step::Fail(slot, failure));
            return;
        }
        let mut waiting = 0;
        let mut failed = None;
        // The last step is taken first, and inputs come best into their queue in their order.
        for i in (0..self.tasks.cold(slot).inputs.len()).rev() {
            let input = self.tasks.cold(slot).inputs[i];
            let hot = self.tasks.hot_mut(input);
            hot.waiters += 1;
            match hot.state {
                State::Memory => continue,
                State::Released => self.steps.push(Step::Require(input)),
                State::Erred => failed = self.tasks.failures.get(&input).cloned(),
                _ => {}
            }
            waiting += 1;
        }
        self.tasks.set_state(slot, State::Waiting);
        let hot = self.tasks.hot_mut(slot);
        hot.waiting = waiting;
        hot.worker = NOBODY;
        if let Some(failure) = failed {
            self.steps.push(Step::Fail(slot, failure));
        } else if waiting == 0 {
            self.steps.push(Step::Ready(slot));
        } else {
            self.may_go_ahead(slot);
        }
    }

    /// A task with all of its inputs goes where it is best run.
    fn ready(&mut self, slot: u32) {
        let hot = self.tasks.hot(slot);
        if hot.state == State::Waiting && hot.waiting == 0 && self.may_start(slot) {
            self.place(slot);
        }
    }

    /// A task fails, and with it those that wait for it.
    fn fail(&mut self, slot: u32, failure: Arc<TaskFailure>, actions: &mut Vec<Action>) {
        let (state, worker) = (self.tasks.hot(slot).state, self.tasks.hot(slot).worker);
        if !(state.needs_inputs() || state == State::Released) {
            return;
        }
        if state.needs_inputs() {
            self.withdraw(slot, actions);
            self.let_go_of_inputs(slot);
        }
        self.tasks.hot_mut(slot).worker = NOBODY;
        self.tasks.set_state(slot, State::Erred);
        for i in 0..self.tasks.cold(slot).readers.len() {
            let reader = self.tasks.cold(slot).readers[i];
            let Some(reader) = self.tasks.live(reader) else { continue };
            let hot = self.tasks.hot(reader);
            // One that was sent ahead waits for the value where it would have come from.
            let is_ahead = state.is_out() && hot.state == State::Assigned && hot.worker == worker;
            if hot.state == State::Waiting || is_ahead {
                self.steps.push(Step::Fail(reader, failure.clone()));
            }
        }
        self.tell(slot, actions, |key| ToClient::Failed { key, failure: failure.clone() });
        self.tasks.failures.insert(slot, failure);
        self.need_not_be_kept(slot);
        self.steps.push(Step::Forget(slot));
    }

    /// A value that nobody needs goes, and so does the work on one.
    fn release(&mut self, slot: u32, actions: &mut Vec<Action>) {
        let state = self.tasks.hot(slot).state;
        if state == State::Forgotten || self.is_needed(slot) {
            return;
        }
        if matches!(state, State::Memory | State::Placed) {
            self.moves_nowhere(slot, actions);
            self.drop_value(slot);
            self.arrivals.remove(&slot);
            self.tasks.set_state(slot, State::Released);
        } else if state.needs_inputs() {
            self.withdraw(slot, actions);
            self.tasks.set_state(slot, State::Released);
            self.let_go_of_inputs(slot);
        }
        self.steps.push(Step::Forget(slot));
    }

    /// A task without clients and readers leaves the table.
    fn forget(&mut self, slot: u32, actions: &mut Vec<Action>) {
        let hot = self.tasks.hot(slot);
        if !matches!(hot.state, State::Released | State::Erred)
            || hot.readers > 0
            || !self.tasks.cold(slot).clients.is_empty()
        {
            return;
        }
        let group = hot.group;
        let blob = self.tasks.cold(slot).spec.blob;
        let inputs = std::mem::take(&mut self.tasks.cold_mut(slot).inputs);
        self.tasks.remove(slot);
        for input in inputs {
            let hot = self.tasks.hot_mut(input);
            hot.readers -= 1;
            let n_live = hot.readers as usize;
            if n_live == 0 {
                self.steps.push(Step::Forget(input));
            } else if self.tasks.cold(input).readers.len() > 2 * n_live + 8 {
                let mut readers = std::mem::take(&mut self.tasks.cold_mut(input).readers);
                readers.retain(|reader| self.tasks.live(*reader).is_some());
                self.tasks.cold_mut(input).readers = readers;
            }
        }
        self.measured.leave(group);
        self.let_go_of_blob(blob, actions);
    }

    /// Takes a task out of wherever it waits or runs. Its state is the caller's to set.
    pub(super) fn withdraw(&mut self, slot: u32, actions: &mut Vec<Action>) {
        let hot = self.tasks.hot(slot);
        let (state, run, worker) = (hot.state, hot.run, WorkerId(hot.worker));
        match state {
            State::Queued => self.leave_queue(slot),
            State::NoWorker => {
                self.no_worker.remove(&slot);
            }
            State::Assigned | State::Running => {
                let seceded = hot.flags.has(Flags::SECEDED);
                let charge = self.taken_back(slot, worker);
                let task = self.tasks.id(slot);
                if let Some(state) = self.workers.get_mut(worker) {
                    state.add_ghost(task, run, charge, seceded);
                    actions.push(Action::Worker(worker, ToWorker::Cancel { task, run }));
                }
            }
            _ => {}
        }
        self.leave_limit(slot);
    }

    /// A task stops needing its inputs.
    pub(super) fn let_go_of_inputs(&mut self, slot: u32) {
        for i in 0..self.tasks.cold(slot).inputs.len() {
            let input = self.tasks.cold(slot).inputs[i];
            let hot = self.tasks.hot_mut(input);
            hot.waiters -= 1;
            if hot.waiters == 0 {
                self.steps.push(Step::Release(input));
            }
        }
    }

    /// All who hold a value are told to drop it.
    fn drop_value(&mut self, slot: u32) {
        let task = self.tasks.id(slot);
        for holder in self.tasks.holders(slot) {
            self.not_held(slot, holder);
            self.frees.entry(holder).or_default().push(task);
        }
        self.tasks.more_holders.remove(&slot);
        self.tasks.hot_mut(slot).worker = NOBODY;
    }

    /// A worker's books lose a value.
    pub(super) fn not_held(&mut self, slot: u32, worker: WorkerId) {
        let nbytes = self.tasks.hot(slot).nbytes;
        if let Some(worker) = self.workers.get_mut(worker)
            && worker.held.remove(slot)
        {
            worker.held_bytes -= nbytes;
        }
    }

    /// A value is in memory: readers may go on, clients hear of it, inputs may go.
    pub(super) fn has_value(&mut self, slot: u32) {
        for i in 0..self.tasks.cold(slot).readers.len() {
            let reader = self.tasks.cold(slot).readers[i];
            let Some(reader) = self.tasks.live(reader) else { continue };
            let hot = self.tasks.hot_mut(reader);
            if hot.state == State::Waiting {
                hot.waiting -= 1;
                if hot.waiting == 0 {
                    self.steps.push(Step::Ready(reader));
                } else {
                    self.may_go_ahead(reader);
                }
            }
        }
        self.need_not_be_kept(slot);
        if !self.is_needed(slot) {
            self.steps.push(Step::Release(slot));
        }
    }

    /// The failure of a task whose value can't be computed again.
    pub(super) fn lost(&self, slot: u32) -> Arc<TaskFailure> {
        let key = self.tasks.cold(slot).key.clone();
        let text = format!(
            "the value of {key} is lost with all workers that held it, and it can't be computed \
             again because it was scattered; scatter it again, with broadcast=True for copies"
        );
        Arc::new(TaskFailure {
            origin: key,
            cause: Cause::Lost,
            text: text.into(),
            bytes: crate::content::Content::new(),
        })
    }
}
