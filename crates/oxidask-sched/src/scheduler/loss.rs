//! Workers that come, go and die; values that are lost with them and computed again.

use std::sync::Arc;

use super::task::{NOBODY, State};
use super::workers::WorkerState;
use super::{Scheduler, Step};
use crate::data::Data;
use crate::ids::WorkerId;
use crate::message::{Action, Cause, Input, Location, TaskFailure, ToClient, ToWorker, WorkerInfo};

impl Scheduler {
    pub(super) fn worker_joined(
        &mut self,
        id: WorkerId,
        info: WorkerInfo,
        actions: &mut Vec<Action>,
    ) {
        let body = said_of("worker-joined", &info);
        self.coordination.log(self.now, &"workers".into(), body);
        self.workers.insert(id, WorkerState::new(info, self.now));
        self.list(id);
        self.somebody_joined(actions);
        for slot in std::mem::take(&mut self.no_worker) {
            self.tasks.set_state(slot, State::Waiting);
            self.steps.push(Step::Ready(slot));
        }
    }

    pub(super) fn worker_lost(&mut self, id: WorkerId, how: &Arc<str>, actions: &mut Vec<Action>) {
        self.not_hungry(id);
        self.requeue_all(id);
        self.with_queue.remove(&id);
        self.with_spare.remove(&id);
        self.retiring.remove(&id);
        self.left_for_good(id, true, actions);
        self.frees.remove(&id);
        let Some(worker) = self.workers.remove(id) else { return };
        let mut body = said_of("worker-left", &worker.info);
        if let Data::Map(entries) = &mut body {
            entries.push(("reason".into(), how.clone().into()));
        }
        self.coordination.log(self.now, &"workers".into(), body);
        for &retiring in &self.retiring {
            // It may have been asked for copies: others are now.
            if let Some(other) = self.workers.get_mut(retiring) {
                other.rescued.clear();
            }
        }
        let mut out: Vec<u32> = worker.out.iter().copied().collect();
        out.sort_unstable();
        for slot in out {
            self.attempt_lost(slot, &worker, how);
        }
        self.nothing_arrives_at(id);
        self.answers_no_more(id, how, actions);
        self.nothing_moves_to(id, actions);
        self.somebody_left(id, actions);
        let held: Vec<u32> = worker.held.iter().collect();
        for slot in held {
            self.no_longer_holds(slot, id, actions);
        }
    }

    /// The worker that had a task is gone.
    fn attempt_lost(&mut self, slot: u32, worker: &WorkerState, how: &Arc<str>) {
        let address = &worker.info.address;
        let was_running = self.tasks.hot(slot).state == State::Running && !worker.closing;
        self.leave_limit(slot);
        self.count_missing(slot);
        let hot = self.tasks.hot_mut(slot);
        hot.flags = super::task::Flags::default();
        hot.suspicion = hot.suspicion.saturating_add(u8::from(was_running));
        let n = u32::from(hot.suspicion);
        if was_running && hot.suspicion > self.config.allowed_failures {
            let key = self.tasks.cold(slot).key.clone();
            let text = format!(
                "{n} workers died while they ran {key}, the last one {address}: {how}. Look at what the \
                 task does to its process: memory, crashes in native code, os._exit"
            );
            let failure = TaskFailure {
                origin: key,
                cause: Cause::KilledWorkers { n, last: address.clone() },
                text: text.into(),
                bytes: crate::content::Content::new(),
            };
            self.steps.push(Step::Fail(slot, Arc::new(failure)));
        } else {
            self.steps.push(Step::Ready(slot));
        }
    }

    /// Nobody holds a value any more: what needs it waits, and it is computed again if anything does.
    pub(super) fn value_lost(&mut self, slot: u32, actions: &mut Vec<Action>) {
        let still_comes = self.arrivals.contains_key(&slot);
        let state = if still_comes { State::Placed } else { State::Released };
        self.tasks.set_state(slot, state);
        for i in 0..self.tasks.cold(slot).readers.len() {
            let reader = self.tasks.cold(slot).readers[i];
            let Some(reader) = self.tasks.live(reader) else { continue };
            match self.tasks.hot(reader).state {
                State::Waiting => self.wait_again(reader),
                State::Queued | State::NoWorker | State::Limited | State::Delayed => {
                    self.withdraw(reader, actions);
                    self.wait_again(reader);
                }
                // Those that workers have may have got it already; else they say so.
                _ => {}
            }
        }
        self.tell(slot, actions, ToClient::Lost);
        self.steps.push(Step::Require(slot));
        self.steps.push(Step::Release(slot));
    }

    /// A task that was further waits for those inputs that are not there, and is ready or fails if that
    /// is known already.
    pub(super) fn wait_again(&mut self, slot: u32) {
        self.count_missing(slot);
        if self.tasks.hot(slot).waiting == 0 {
            self.steps.push(Step::Ready(slot));
        }
    }

    /// Sets a task to waiting and counts what it waits for; if an input has failed, so will the task.
    pub(super) fn count_missing(&mut self, slot: u32) {
        let mut waiting = 0;
        for i in 0..self.tasks.cold(slot).inputs.len() {
            let input = self.tasks.cold(slot).inputs[i];
            match self.tasks.hot(input).state {
                State::Memory => continue,
                State::Erred => {
                    if let Some(failure) = self.tasks.failures.get(&input) {
                        self.steps.push(Step::Fail(slot, failure.clone()));
                    }
                }
                State::Released => self.steps.push(Step::Require(input)),
                _ => {}
            }
            waiting += 1;
        }
        self.tasks.set_state(slot, State::Waiting);
        let hot = self.tasks.hot_mut(slot);
        hot.worker = NOBODY;
        hot.waiting = waiting;
    }

    /// What is queued for a worker goes elsewhere.
    pub(super) fn requeue_all(&mut self, id: WorkerId) {
        let Some(worker) = self.workers.get_mut(id) else { return };
        let mut entries = worker.queue.drain();
        entries.append(&mut worker.constrained);
        entries.sort_unstable();
        for (_, slot, generation) in entries {
            let hot = self.tasks.hot(slot);
            if hot.generation == generation && hot.state == State::Queued && hot.worker == id.0 {
                self.leave_queue(slot);
                self.tasks.set_state(slot, State::Waiting);
                self.tasks.hot_mut(slot).worker = NOBODY;
                self.steps.push(Step::Ready(slot));
            }
        }
    }

    pub(super) fn worker_retires(&mut self, id: WorkerId, actions: &mut Vec<Action>) {
        let Some(worker) = self.workers.get_mut(id) else { return };
        worker.retiring = true;
        self.retiring.insert(id);
        self.not_hungry(id);
        self.requeue_all(id);
        let mut unstarted: Vec<u32> = self.workers.get(id).map_or_else(Vec::new, |worker| {
            let out = worker.out.iter().copied();
            out.filter(|&slot| self.tasks.hot(slot).state == State::Assigned).collect()
        });
        unstarted.sort_unstable();
        for slot in unstarted {
            let (task, run) = (self.tasks.id(slot), self.tasks.hot(slot).run);
            actions.push(Action::Worker(id, ToWorker::Retract { task, run }));
        }
    }

    /// Brings what only retiring workers have to others, and lets go of those that have nothing left.
    pub(super) fn retire(&mut self, actions: &mut Vec<Action>) {
        for id in self.retiring.clone() {
            let Some(worker) = self.workers.get(id) else { continue };
            let mut only_here: Vec<u32> = worker.held.iter().collect();
            only_here.retain(|&slot| {
                self.tasks.holders(slot).iter().all(|holder| self.retiring.contains(holder))
            });
            let comes = self.arrivals.values().any(|arrival| arrival.workers.contains(&id));
            let is_done =
                worker.out.is_empty() && worker.ghosts.is_empty() && only_here.is_empty() && !comes;
            if is_done {
                self.retiring.remove(&id);
                self.has_retired(id, actions);
                continue;
            }
            if self.workers.iter().all(|(_, worker)| !worker.is_open())
                && !only_here.is_empty()
                && self.is_asked_to_retire(id)
            {
                self.stays(id, actions);
                continue;
            }
            only_here.sort_unstable();
            only_here.into_iter().for_each(|slot| self.rescue(slot, id, actions));
        }
    }

    /// A worker that was asked to retire stays: nobody could take over what only it has.
    fn stays(&mut self, id: WorkerId, actions: &mut Vec<Action>) {
        self.retiring.remove(&id);
        if let Some(worker) = self.workers.get_mut(id) {
            worker.retiring = false;
            worker.rescued.clear();
        }
        self.list(id);
        self.left_for_good(id, false, actions);
        for slot in std::mem::take(&mut self.no_worker) {
            self.tasks.set_state(slot, State::Waiting);
            self.steps.push(Step::Ready(slot));
        }
        self.drain(actions);
        self.feed(actions);
    }

    /// A copy of a value was not to be had: those who retire ask others.
    pub(super) fn not_rescued(&mut self, slot: u32) {
        for holder in self.tasks.holders(slot) {
            if let Some(worker) = self.workers.get_mut(holder) {
                worker.rescued.remove(&slot);
            }
        }
    }

    /// Asks the worker with the least to hold to get a copy.
    fn rescue(&mut self, slot: u32, from: WorkerId, actions: &mut Vec<Action>) {
        let already = self.workers.get(from).is_some_and(|worker| worker.rescued.contains(&slot));
        let others = self.workers.iter().filter(|(_, worker)| worker.is_open());
        let best = others.min_by_key(|(id, worker)| (worker.held_bytes, *id)).map(|(id, _)| id);
        let (Some(to), false) = (best, already) else { return };
        let place =
            Location { holders: self.tasks.holders(slot), nbytes: self.tasks.hot(slot).nbytes };
        let input = Input { task: self.tasks.id(slot), place };
        self.introduce(to, std::slice::from_ref(&input), actions);
        actions.push(Action::Worker(to, ToWorker::Acquire(vec![input])));
        if let Some(worker) = self.workers.get_mut(from) {
            worker.rescued.insert(slot);
        }
    }
}

/// What the topic of workers hears.
fn said_of(action: &str, info: &WorkerInfo) -> Data {
    Data::map([
        ("action", action.into()),
        ("worker", info.address.clone().into()),
        ("name", info.name.clone().into()),
        ("nthreads", info.n_threads.into()),
    ])
}
