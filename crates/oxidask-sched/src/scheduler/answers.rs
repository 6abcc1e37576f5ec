//! What workers say.

use std::sync::Arc;

use super::task::{Flags, NOBODY, State};
use super::{Scheduler, Step};
use crate::ids::{RunId, TaskId, WorkerId};
use crate::message::{
    Action, Cause, Finished, FromWorker, Health, RetryPolicy, TaskFailure, ToClient, ToWorker,
};

impl Scheduler {
    pub(super) fn on_worker(
        &mut self,
        worker: WorkerId,
        message: FromWorker,
        actions: &mut Vec<Action>,
    ) {
        if self.workers.get(worker).is_none() {
            // It was given up: what it says is of another life.
            return;
        }
        match message {
            FromWorker::Started { task, run } => {
                if let Some(slot) = self.attempt(worker, task, run)
                    && self.tasks.hot(slot).state == State::Assigned
                {
                    self.begun(slot, worker);
                    self.watch(slot);
                    self.stream_begun(slot);
                    self.send_readers_ahead(slot, worker, actions);
                }
            }
            FromWorker::Finished(finished) => self.finished(worker, *finished, actions),
            FromWorker::Failed { task, run, failure } => {
                if let Some(slot) = self.answered(worker, task, run) {
                    self.stream_failed(slot, worker, &failure);
                    self.attempt_failed(slot, failure);
                }
            }
            FromWorker::Retracted { task, run } | FromWorker::Reschedule { task, run } => {
                if let Some(slot) = self.answered(worker, task, run) {
                    self.steps.push(Step::Ready(slot));
                }
            }
            FromWorker::MissingInputs { task, run, inputs } => {
                for (input, holders) in inputs {
                    holders.into_iter().for_each(|holder| self.not_there(input, holder, actions));
                }
                // Last: it may wait for what was found to be lost.
                if let Some(slot) = self.answered(worker, task, run) {
                    self.steps.push(Step::Ready(slot));
                }
            }
            FromWorker::Seceded { task, run } => {
                if let Some(slot) = self.attempt(worker, task, run) {
                    self.seceded(slot, worker);
                }
            }
            FromWorker::Copied(tasks) => {
                for task in tasks {
                    self.copied(task, worker, actions);
                    self.copy_is_there(task, worker, actions);
                }
            }
            FromWorker::Dropped(tasks) => {
                for task in tasks {
                    self.copy_is_not_there(task, worker, actions);
                    if let Some(slot) = self.tasks.live(task) {
                        self.not_rescued(slot);
                    }
                    self.not_there(task, worker, actions);
                }
            }
            FromWorker::Health(health) => self.health(worker, health),
            FromWorker::Answer { request, answer } => {
                self.worker_answered(worker, request, answer, actions);
            }
            FromWorker::Push { topic, body } => self.coordination.log(self.now, &topic, body),
            FromWorker::Retire => self.worker_retires(worker, actions),
        }
    }

    /// The task of an attempt that is still the newest.
    fn attempt(&self, worker: WorkerId, task: TaskId, run: RunId) -> Option<u32> {
        let slot = self.tasks.live(task)?;
        let hot = self.tasks.hot(slot);
        (hot.state.is_out() && hot.run == run && hot.worker == worker.0).then_some(slot)
    }

    /// An attempt has ended without a value. Its task is back here, waiting for nothing; or it was a ghost.
    fn answered(&mut self, worker: WorkerId, task: TaskId, run: RunId) -> Option<u32> {
        let Some(slot) = self.attempt(worker, task, run) else {
            self.ghost_answered(worker, task, run);
            return None;
        };
        self.taken_back(slot, worker);
        self.leave_limit(slot);
        self.count_missing(slot);
        Some(slot)
    }

    fn ghost_answered(&mut self, worker: WorkerId, task: TaskId, run: RunId) {
        if let Some(state) = self.workers.get_mut(worker) {
            state.drop_ghost(task, run);
            self.list(worker);
        }
    }

    fn finished(&mut self, worker: WorkerId, finished: Finished, actions: &mut Vec<Action>) {
        let (task, run) = (finished.task, finished.run);
        let Some(slot) = self.attempt(worker, task, run) else {
            self.ghost_answered(worker, task, run);
            self.unasked_value(task, worker);
            return;
        };
        self.stream_finished(slot, worker, &finished);
        let Finished { nbytes, duration_s, type_name, inline, .. } = finished;
        self.taken_back(slot, worker);
        self.leave_limit(slot);
        self.measured.learn(self.tasks.hot(slot).group, duration_s, nbytes);
        let hot = self.tasks.hot_mut(slot);
        hot.nbytes = nbytes;
        hot.worker = worker.0;
        self.tasks.set_state(slot, State::Memory);
        if let Some(state) = self.workers.get_mut(worker) {
            state.held.insert(slot);
            state.held_bytes += nbytes;
        }
        self.tell(slot, actions, |key| ToClient::Ready {
            key,
            nbytes,
            type_name: type_name.clone(),
            inline: inline.clone(),
        });
        self.tasks.cold_mut(slot).type_name = Some(type_name);
        self.let_go_of_inputs(slot);
        self.has_value(slot);
    }

    /// A worker has a value that it was not asked for any more, unless it is about to say so again.
    fn unasked_value(&mut self, task: TaskId, worker: WorkerId) {
        if let Some(slot) = self.tasks.live(task) {
            let hot = self.tasks.hot(slot);
            let comes_again = hot.state.is_out() && hot.worker == worker.0;
            if comes_again || self.tasks.holders(slot).contains(&worker) {
                return;
            }
        }
        self.frees.entry(worker).or_default().push(task);
    }

    /// An attempt has failed, and the task waits: for its next attempt, or it fails.
    pub(super) fn attempt_failed(&mut self, slot: u32, failure: Arc<TaskFailure>) {
        let hot = self.tasks.hot(slot);
        let tried = hot.retries;
        let policy = if hot.annotated { self.tasks.annotations.get(&slot) } else { None };
        let policy = policy.map(|annotations| &annotations.retries);
        match policy.filter(|policy| tried < policy.n && counts(policy, &failure.cause)) {
            Some(policy) => {
                let wait_s = policy.backoff_s * policy.factor.max(1.0).powf(f64::from(tried));
                let wait_s = wait_s.min(policy.max_backoff_s.max(policy.backoff_s));
                self.tasks.hot_mut(slot).retries += 1;
                if wait_s > 0.0 {
                    self.delay(slot, wait_s);
                } else {
                    self.steps.push(Step::Ready(slot));
                }
            }
            None => self.steps.push(Step::Fail(slot, failure)),
        }
    }

    fn seceded(&mut self, slot: u32, worker: WorkerId) {
        let hot = self.tasks.hot_mut(slot);
        if hot.flags.has(Flags::SECEDED) {
            return;
        }
        hot.flags.set(Flags::SECEDED);
        if let Some(state) = self.workers.get_mut(worker) {
            state.n_seceded += 1;
        }
        self.list(worker);
    }

    /// A worker has a copy of a value.
    fn copied(&mut self, task: TaskId, worker: WorkerId, actions: &mut Vec<Action>) {
        let Some(slot) = self.tasks.live(task) else {
            self.frees.entry(worker).or_default().push(task);
            return;
        };
        let hot = self.tasks.hot(slot);
        match hot.state {
            State::Placed => self.arrived(slot, worker, actions),
            State::Memory => {
                self.no_longer_expected(slot, worker);
                self.held_by(slot, worker);
            }
            _ => self.unasked_value(task, worker),
        }
    }

    /// A worker turns out not to have a value, or can't be reached for it.
    pub(super) fn not_there(&mut self, task: TaskId, holder: WorkerId, actions: &mut Vec<Action>) {
        let Some(slot) = self.tasks.live(task) else { return };
        self.will_not_arrive(slot, holder);
        if !self.tasks.holders(slot).contains(&holder) {
            return;
        }
        self.not_held(slot, holder);
        // It may have it after all and be out of reach only.
        actions.push(Action::Worker(holder, ToWorker::Free(vec![task])));
        self.no_longer_holds(slot, holder, actions);
    }

    /// One holder less; without any, the value is lost.
    pub(super) fn no_longer_holds(
        &mut self,
        slot: u32,
        holder: WorkerId,
        actions: &mut Vec<Action>,
    ) {
        if self.one_holder_less(slot, holder) == 0 {
            self.value_lost(slot, actions);
        }
    }

    /// The task's books lose a holder. Gives how many there are now.
    pub(super) fn one_holder_less(&mut self, slot: u32, holder: WorkerId) -> usize {
        let mut rest = self.tasks.holders(slot);
        rest.retain(|other| *other != holder);
        let n_left = rest.len();
        self.tasks.hot_mut(slot).worker = rest.first().map_or(NOBODY, |first| first.0);
        if n_left > 1 {
            rest.remove(0);
            self.tasks.more_holders.insert(slot, rest);
        } else {
            self.tasks.more_holders.remove(&slot);
        }
        n_left
    }

    fn health(&mut self, worker: WorkerId, health: Health) {
        self.measured.learn_bandwidth(health.bandwidth);
        let now = self.now;
        let Some(state) = self.workers.get_mut(worker) else { return };
        state.seen_at = now;
        let was_paused = state.health.paused;
        state.health = health;
        if health.paused && !was_paused {
            self.not_hungry(worker);
            self.requeue_all(worker);
        } else if was_paused && !health.paused {
            self.list(worker);
        }
    }
}

/// Whether a policy has another attempt for failures of this kind.
fn counts(policy: &RetryPolicy, cause: &Cause) -> bool {
    match cause {
        Cause::Raised(class) => {
            policy.only.is_empty() || policy.only.iter().any(|name| is_class(class, name))
        }
        Cause::TimedOut => {
            policy.only.is_empty() || policy.only.iter().any(|n| is_class("TimeoutError", n))
        }
        _ => false,
    }
}

/// Whether `module.Class` is what a user calls `name`.
fn is_class(class: &str, name: &str) -> bool {
    class == name || class.rsplit('.').next() == Some(name)
}
