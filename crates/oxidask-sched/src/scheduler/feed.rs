//! Sending ready tasks to workers that have room.
//!
//! Ready tasks stay here until a worker is about to need them: it is sent what keeps it busy for
//! [`super::Config::horizon_s`], by the durations measured so far, and one task beyond its threads. So priorities hold to
//! the last moment, roots can't flood memory, and most stealing is a move between queues of the scheduler. Only
//! what a worker was sent and has not begun must be asked back from it (retracted).

use super::Scheduler;
use super::task::{Flags, NOBODY, State};
use super::workers::{Entry, WorkerState};
use crate::ids::{RunId, TaskId, WorkerId};
use crate::message::{Action, Compute, Input, Location, ToWorker};

/// Workers that are looked at for work to take over.
const VICTIMS: usize = 4;
/// Entries of a victim's queue that are looked at.
const LOOKS: usize = 8;
/// Work that is worth asking a worker back for lasts at least so many latencies.
const WORTH_LATENCIES: f64 = 4.0;

impl WorkerState {
    /// An attempt that nobody waits for takes up the worker until it is answered.
    pub(super) fn add_ghost(&mut self, task: TaskId, run: RunId, charge_s: f32, seceded: bool) {
        // A task without a thread takes up nothing: it is no ghost.
        if !seceded {
            self.ghosts.insert((task, run), charge_s);
            self.charge_s += f64::from(charge_s);
        }
    }

    pub(super) fn drop_ghost(&mut self, task: TaskId, run: RunId) {
        if let Some(charge_s) = self.ghosts.remove(&(task, run)) {
            self.charge_s -= f64::from(charge_s);
        }
    }
}

impl Scheduler {
    /// Puts a ready task into the queue of a worker, or of all.
    pub(super) fn enqueue(&mut self, slot: u32, to: Option<WorkerId>) {
        let charge_s = self.measured.get(self.tasks.hot(slot).group).expected_s() as f32;
        self.tasks.set_state(slot, State::Queued);
        let hot = self.tasks.hot_mut(slot);
        hot.charge_s = charge_s;
        let entry = (hot.priority, slot, hot.generation);
        let worker = to.and_then(|id| Some((id, self.workers.get_mut(id)?)));
        let Some((id, worker)) = worker else {
            hot.worker = NOBODY;
            self.anywhere.push(entry);
            self.n_anywhere += 1;
            return;
        };
        hot.worker = id.0;
        worker.queue.push(entry);
        worker.n_queued += 1;
        worker.queued_s += f64::from(charge_s);
        let has_room = worker.has_room(self.config.horizon_s);
        self.with_queue.insert(id);
        self.list(id);
        if !has_room && let Some(&(_, other)) = self.hungry.first() {
            self.list(other);
        }
    }

    /// A queued task is queued no more.
    pub(super) fn leave_queue(&mut self, slot: u32) {
        let hot = self.tasks.hot(slot);
        if hot.worker == NOBODY {
            self.n_anywhere -= 1;
            return;
        }
        let id = WorkerId(hot.worker);
        if let Some(worker) = self.workers.get_mut(id) {
            worker.n_queued -= 1;
            worker.queued_s -= f64::from(hot.charge_s);
            if worker.n_queued == 0 {
                worker.queued_s = 0.0;
                self.with_queue.remove(&id);
            }
        }
    }

    /// A worker is to be looked at before the event is over.
    pub(super) fn list(&mut self, id: WorkerId) {
        if let Some(worker) = self.workers.get_mut(id)
            && !std::mem::replace(&mut worker.is_listed, true)
        {
            self.listed.push(id);
        }
    }

    /// Sends tasks out until nobody has room or nothing is ready.
    pub(super) fn feed(&mut self, actions: &mut Vec<Action>) {
        loop {
            while let Some(id) = self.listed.pop() {
                if let Some(worker) = self.workers.get_mut(id) {
                    worker.is_listed = false;
                    self.feed_worker(id, actions);
                }
            }
            if self.n_anywhere == 0 {
                break;
            }
            let Some(id) = self.next_hungry() else { break };
            self.feed_worker(id, actions);
        }
        self.feed_ahead(actions);
    }

    /// One of those with the fewest tasks, each in its turn.
    fn next_hungry(&mut self) -> Option<WorkerId> {
        let &(level, _) = self.hungry.first()?;
        let after = (level, WorkerId(self.cursor));
        let next = self.hungry.range(after..=(level, WorkerId(u32::MAX))).next();
        let &(_, id) = next.or_else(|| self.hungry.first())?;
        self.cursor = id.0.wrapping_add(1);
        Some(id)
    }

    fn feed_worker(&mut self, id: WorkerId, actions: &mut Vec<Action>) {
        self.not_hungry(id);
        while self.workers.get(id).is_some_and(|worker| worker.has_room(self.config.horizon_s)) {
            let Some(slot) = self.next_for(id) else {
                self.now_hungry(id);
                self.ask_back_for(id, actions);
                return;
            };
            self.assign(slot, id, actions);
            self.send_readers_ahead(slot, id, actions);
        }
    }

    fn now_hungry(&mut self, id: WorkerId) {
        if let Some(worker) = self.workers.get_mut(id) {
            let level = worker.n_busy() / worker.info.n_threads.max(1);
            worker.hungry_at = Some(level);
            self.hungry.insert((level, id));
        }
    }

    pub(super) fn not_hungry(&mut self, id: WorkerId) {
        if let Some(level) = self.workers.get_mut(id).and_then(|worker| worker.hungry_at.take()) {
            self.hungry.remove(&(level, id));
        }
    }

    /// The most urgent ready task for a worker, out of its queue.
    fn next_for(&mut self, id: WorkerId) -> Option<u32> {
        let own = self.head_of(id);
        let common = self.head_of_all();
        let slot = match (own, common) {
            (Some(own), Some(common)) if common < own => self.anywhere.pop()?.1,
            (None, Some(_)) => self.anywhere.pop()?.1,
            (Some(_), _) => self.workers.get_mut(id)?.queue.pop()?.1,
            (None, None) => self.taken_over_by(id)?,
        };
        self.leave_queue(slot);
        Some(slot)
    }

    fn is_queued(&self, entry: Entry, at: u32) -> bool {
        let hot = self.tasks.hot(entry.1);
        hot.generation == entry.2 && hot.state == State::Queued && hot.worker == at
    }

    fn head_of_all(&mut self) -> Option<Entry> {
        while let Some(entry) = self.anywhere.peek() {
            if self.is_queued(entry, NOBODY) {
                return Some(entry);
            }
            self.anywhere.pop();
        }
        None
    }

    /// The head of a worker's queue that it has the resources for.
    fn head_of(&mut self, id: WorkerId) -> Option<Entry> {
        while let Some(entry) = self.workers.get(id)?.queue.peek() {
            let fits = self.is_queued(entry, id.0);
            if fits && self.is_spared(entry.1, id) {
                return Some(entry);
            }
            let worker = self.workers.get_mut(id)?;
            worker.queue.pop();
            if fits {
                worker.constrained.push(entry);
            }
        }
        None
    }

    /// Whether the worker has the resources for a task now.
    fn is_spared(&self, slot: u32, id: WorkerId) -> bool {
        if !self.tasks.hot(slot).annotated {
            return true;
        }
        let Some(annotations) = self.tasks.annotations.get(&slot) else { return true };
        self.workers.get(id).is_some_and(|worker| worker.can_spare(&annotations.resources))
    }

    /// A task from another worker's queue, for one that has nothing: if it is sooner there.
    fn taken_over_by(&mut self, thief: WorkerId) -> Option<u32> {
        if !self.workers.get(thief)?.is_idle() {
            return None;
        }
        let mut victims: Vec<(f64, WorkerId)> = self
            .some_of(&self.with_queue, thief)
            .filter_map(|id| Some((self.workers.get(id)?.backlog_s(), id)))
            .collect();
        victims.sort_by(|a, b| b.0.total_cmp(&a.0));
        victims.into_iter().find_map(|(backlog_s, victim)| self.take_from(victim, backlog_s, thief))
    }

    fn take_from(&mut self, victim: WorkerId, backlog_s: f64, thief: WorkerId) -> Option<u32> {
        let mut passed = Vec::new();
        let mut found = None;
        while found.is_none() && passed.len() < LOOKS {
            let Some(entry) = self.workers.get_mut(victim)?.queue.pop() else { break };
            if !self.is_queued(entry, victim.0) {
                continue;
            }
            let slot = entry.1;
            let may = self.workers.get(thief).is_some_and(|worker| self.may_run(slot, worker));
            if may
                && self.is_spared(slot, thief)
                && self.transfer_s(self.missing_bytes(slot, thief)) < backlog_s
            {
                found = Some(slot);
            } else {
                passed.push(entry);
            }
        }
        let queue = &mut self.workers.get_mut(victim)?.queue;
        passed.into_iter().for_each(|entry| queue.push(entry));
        found
    }

    /// Some members of a set, starting where the last search ended.
    fn some_of<'a>(
        &'a self,
        set: &'a std::collections::BTreeSet<WorkerId>,
        but: WorkerId,
    ) -> impl Iterator<Item = WorkerId> + 'a {
        let from = WorkerId(self.cursor);
        set.range(from..)
            .chain(set.range(..from))
            .copied()
            .filter(move |&id| id != but)
            .take(VICTIMS)
    }

    /// Asks a worker back for what it has not begun, for one that has nothing to do.
    fn ask_back_for(&mut self, thief: WorkerId, actions: &mut Vec<Action>) {
        if !self.workers.get(thief).is_some_and(WorkerState::is_idle) || self.with_spare.is_empty()
        {
            return;
        }
        let worth_s = WORTH_LATENCIES * self.config.latency_s;
        let victims = self.some_of(&self.with_spare, thief).filter_map(|id| {
            let worker = self.workers.get(id)?;
            let spare = worker.n_busy() > worker.info.n_threads.max(1);
            (spare && worker.unstarted_s > worth_s).then_some((worker.unstarted_s, id))
        });
        let Some((_, victim)) = victims.max_by(|a, b| a.0.total_cmp(&b.0)) else { return };
        let Some(slot) = self.last_unstarted(victim, thief) else { return };
        let (task, run) = (self.tasks.id(slot), self.tasks.hot(slot).run);
        self.tasks.hot_mut(slot).flags.set(Flags::RETRACTING);
        actions.push(Action::Worker(victim, ToWorker::Retract { task, run }));
    }

    /// What a worker would come to last, of what another may run as soon.
    fn last_unstarted(&self, victim: WorkerId, thief: WorkerId) -> Option<u32> {
        let (state, other) = (self.workers.get(victim)?, self.workers.get(thief)?);
        let movable = state.out.iter().copied().filter(|&slot| {
            let hot = self.tasks.hot(slot);
            hot.state == State::Assigned
                && !hot.flags.has(Flags::RETRACTING)
                && !self.is_ahead(slot)
                && self.may_run(slot, other)
                && self.transfer_s(self.missing_bytes(slot, thief)) < state.unstarted_s
        });
        movable.max_by_key(|&slot| (self.tasks.hot(slot).priority, slot))
    }

    /// Sends a task to a worker.
    pub(super) fn assign(&mut self, slot: u32, id: WorkerId, actions: &mut Vec<Action>) {
        let blob = self.tasks.cold(slot).spec.blob;
        self.send_blob(blob, id, actions);
        let task = self.tasks.id(slot);
        // More may be known of its kind than when it was queued.
        let charge_s = self.measured.get(self.tasks.hot(slot).group).expected_s() as f32;
        let hot = self.tasks.hot_mut(slot);
        (hot.worker, hot.charge_s) = (id.0, charge_s);
        self.tasks.set_state(slot, State::Assigned);
        let hot = self.tasks.hot_mut(slot);
        hot.run = RunId(hot.run.0 + 1);
        let (run, priority, charge_s) = (hot.run, hot.priority, f64::from(hot.charge_s));
        let annotations = if hot.annotated { self.tasks.annotations.get(&slot) } else { None };
        let resources = annotations.map_or_else(Vec::new, |a| a.resources.clone());
        let actor = annotations.is_some_and(|a| a.actor);
        let inputs = self.inputs_of(slot);
        self.introduce(id, &inputs, actions);
        let cold = self.tasks.cold(slot);
        let compute = Compute {
            task,
            run,
            key: cold.key.clone(),
            spec: cold.spec.clone(),
            inputs,
            priority,
            resources: resources.clone(),
            inline: !cold.clients.is_empty(),
            actor,
        };
        let Some(worker) = self.workers.get_mut(id) else { return };
        // An attempt of the same task that still runs there is adopted, and answers for this one.
        if !worker.ghosts.is_empty() {
            let older: Vec<RunId> =
                worker.ghosts.keys().filter(|(t, _)| *t == task).map(|(_, run)| *run).collect();
            older.into_iter().for_each(|run| worker.drop_ghost(task, run));
        }
        worker.out.insert(slot);
        worker.charge_s += charge_s;
        worker.n_unstarted += 1;
        worker.unstarted_s += charge_s;
        for (name, amount) in resources {
            *worker.used.entry(name).or_insert(0.0) += amount;
        }
        self.with_spare.insert(id);
        actions.push(Action::Worker(id, ToWorker::Compute(Box::new(compute))));
    }

    fn inputs_of(&self, slot: u32) -> Vec<Input> {
        let inputs = self.tasks.cold(slot).inputs.iter();
        inputs
            .map(|&input| {
                let hot = self.tasks.hot(input);
                let nbytes = hot.nbytes;
                let mut holders = self.tasks.holders(input);
                if hot.state.is_out() {
                    // Sent ahead: the worker itself is about to have it.
                    holders.push(WorkerId(hot.worker));
                }
                Input { task: self.tasks.id(input), place: Location { holders, nbytes } }
            })
            .collect()
    }

    /// A worker has begun a task.
    pub(super) fn begun(&mut self, slot: u32, id: WorkerId) {
        self.tasks.set_state(slot, State::Running);
        let hot = self.tasks.hot_mut(slot);
        hot.flags.clear(Flags::RETRACTING);
        let charge_s = f64::from(hot.charge_s);
        self.no_longer_unstarted(id, charge_s);
        self.list(id);
    }

    fn no_longer_unstarted(&mut self, id: WorkerId, charge_s: f64) {
        if let Some(worker) = self.workers.get_mut(id) {
            worker.n_unstarted -= 1;
            worker.unstarted_s -= charge_s;
            if worker.n_unstarted == 0 {
                worker.unstarted_s = 0.0;
                self.with_spare.remove(&id);
            }
        }
    }

    /// A worker no longer has a task. Gives what it was charged.
    pub(super) fn taken_back(&mut self, slot: u32, id: WorkerId) -> f32 {
        let hot = self.tasks.hot_mut(slot);
        let (was_unstarted, charge_s) = (hot.state == State::Assigned, hot.charge_s);
        let seceded = hot.flags.has(Flags::SECEDED);
        hot.flags.clear(Flags::SECEDED);
        hot.flags.clear(Flags::RETRACTING);
        hot.worker = NOBODY;
        let resources = match self.tasks.annotations.get(&slot) {
            Some(annotations) if self.tasks.hot(slot).annotated => annotations.resources.clone(),
            _ => Vec::new(),
        };
        if was_unstarted {
            self.no_longer_unstarted(id, f64::from(charge_s));
        }
        if let Some(worker) = self.workers.get_mut(id) {
            worker.out.remove(&slot);
            worker.n_seceded -= u32::from(seceded);
            worker.charge_s -= f64::from(charge_s);
            if worker.out.is_empty() && worker.ghosts.is_empty() {
                worker.charge_s = 0.0;
            }
            if !resources.is_empty() {
                for (name, amount) in resources {
                    *worker.used.entry(name).or_insert(0.0) -= amount;
                }
                let waiting = std::mem::take(&mut worker.constrained);
                waiting.into_iter().for_each(|entry| worker.queue.push(entry));
            }
        }
        self.list(id);
        charge_s
    }
}
