//! Values: which are in the store, which are wanted, who needs them, and when they go.

use std::collections::BTreeMap;
use std::sync::Arc;

use smallvec::SmallVec;

use super::attempts::Missing;
use super::{Action, Copied, Worker};
use crate::ids::{TaskId, WorkerId};
use crate::message::{FromWorker, Input};

/// A value that is in the store, wanted or on its way.
#[derive(Debug)]
pub(super) struct Value {
    pub(super) task: TaskId,
    pub(super) nbytes: u64,
    /// None before it is in the store.
    pub(super) type_name: Option<Arc<str>>,
    /// It is in the store.
    pub(super) held: bool,
    /// The store may have it though it is not held: it is dropped when the row goes.
    pub(super) lingers: bool,
    /// The scheduler has freed it, but attempts need it: it goes with the last of them.
    pub(super) doomed: bool,
    /// Attempts that read it, in whatever state.
    pub(super) n_claims: u32,
    /// The number of the attempt that claimed it last.
    last_claim: u64,
    /// The fetch that is bringing it; zero for none.
    pub(super) landing: u64,
    /// It is not in the store, and should be.
    pub(super) want: Option<Box<Want>>,
}

/// What is known about a value that should be had.
#[derive(Debug)]
pub(super) struct Want {
    /// Whom it is queued for, unless a fetch is bringing it; this worker itself if its own attempt will.
    pub(super) peer: WorkerId,
    /// Of the most urgent attempt that waits for it.
    pub(super) priority: u64,
    /// The scheduler asked for a copy.
    pub(super) acquired: bool,
    /// Who has it, and whether they have failed to give it.
    pub(super) holders: SmallVec<[(WorkerId, bool); 2]>,
    /// Attempts that wait for it.
    pub(super) waiters: SmallVec<[u32; 2]>,
}

impl Value {
    /// Counts an attempt that reads it; false if that attempt was counted before.
    pub(super) fn claim(&mut self, number: u64) -> bool {
        let is_new = self.last_claim != number;
        if is_new {
            self.last_claim = number;
            self.n_claims += 1;
        }
        is_new
    }

    /// Whether it is to come from an attempt of this worker, which is `own`.
    pub(super) fn is_coming(&self, own: WorkerId) -> bool {
        self.landing == 0 && self.want.as_ref().is_some_and(|want| want.peer == own)
    }
}

impl Worker {
    pub(super) fn value_row(&mut self, task: TaskId) -> u32 {
        self.values.find(&task).unwrap_or_else(|| {
            let row = Value {
                task,
                nbytes: 0,
                type_name: None,
                held: false,
                lingers: false,
                doomed: false,
                n_claims: 0,
                last_claim: 0,
                landing: 0,
                want: None,
            };
            self.values.insert(task, row)
        })
    }

    /// A value that is here is needed after all, should the scheduler have freed it.
    pub(super) fn keep(&mut self, value: u32) {
        let value = &mut self.values[value];
        if value.doomed {
            value.doomed = false;
            self.copied.push(value.task);
        }
    }

    /// A value that is not here should be. False if no one is left who could give it.
    pub(super) fn want(&mut self, at: u32, input: &Input, priority: u64) -> bool {
        let own_id = self.config.id;
        let value = &mut self.values[at];
        value.doomed = false;
        value.nbytes = input.place.nbytes;
        let is_new = value.want.is_none();
        let want = value.want.get_or_insert_with(|| {
            Box::new(Want {
                peer: own_id,
                priority,
                acquired: false,
                holders: SmallVec::new(),
                waiters: SmallVec::new(),
            })
        });
        for &holder in &input.place.holders {
            match want.holders.iter_mut().find(|(other, _)| *other == holder) {
                // The scheduler may know better by now.
                Some((_, failed)) => *failed = holder == own_id,
                None => want.holders.push((holder, holder == own_id)),
            }
        }
        if value.landing != 0 {
            want.priority = want.priority.min(priority);
            true
        } else if is_new {
            let task = value.task;
            let comes =
                input.place.holders.contains(&own_id) && self.attempts.find(&task).is_some();
            comes || self.queue_fetch(at)
        } else if want.peer == own_id {
            want.priority = want.priority.min(priority);
            true
        } else {
            self.hasten_fetch(at, priority);
            true
        }
    }

    /// An attempt waits for a value that is wanted.
    pub(super) fn await_value(&mut self, value: u32, attempt: u32) {
        if let Some(want) = &mut self.values[value].want {
            want.waiters.push(attempt);
        }
    }

    /// An attempt that read a value is over; `waiter` if it may have waited for it.
    pub(super) fn unclaim(&mut self, at: u32, waiter: Option<u32>) {
        let value = &mut self.values[at];
        value.n_claims -= 1;
        if let (Some(waiter), Some(want)) = (waiter, &mut value.want) {
            let found = want.waiters.iter().position(|&other| other == waiter);
            found.map(|found| want.waiters.swap_remove(found));
        }
        self.review(at);
    }

    /// Lets go of a value that nobody needs any more.
    pub(super) fn review(&mut self, at: u32) {
        if let Some(want) = &self.values[at].want {
            if want.acquired || !want.waiters.is_empty() {
                return;
            }
            self.unqueue_fetch(at);
            self.values[at].want = None;
            self.values[at].doomed = false;
        }
        let value = &self.values[at];
        match (value.n_claims, value.held) {
            (0, true) if value.doomed => self.drop_value(at),
            (0, false) => self.forget_value(at),
            _ => {}
        }
    }

    /// Forgets a value that is neither held nor wanted, unless a fetch will tell of it.
    fn forget_value(&mut self, at: u32) {
        let value = &self.values[at];
        let (task, lingers) = (value.task, value.lingers);
        if value.landing == 0 {
            self.values.remove(&task, at);
            if lingers {
                self.drop_from_store(task);
            }
        }
    }

    /// The result of an attempt is in the store.
    pub(super) fn land_result(&mut self, task: TaskId, nbytes: u64, type_name: Arc<str>) {
        let at = self.value_row(task);
        self.values[at].doomed = false;
        self.land(at, nbytes, type_name);
    }

    /// A value is in the store: whoever waits for it goes on.
    pub(super) fn land(&mut self, at: u32, nbytes: u64, type_name: Arc<str>) {
        if self.values[at].want.is_some() {
            self.unqueue_fetch(at);
        }
        let value = &mut self.values[at];
        value.held = true;
        value.lingers = false;
        value.nbytes = nbytes;
        value.type_name = Some(type_name);
        if let Some(want) = value.want.take() {
            for waiter in want.waiters {
                self.input_landed(waiter);
            }
        }
    }

    /// A fetch has brought a value.
    pub(super) fn land_copy(
        &mut self,
        at: u32,
        nbytes: u64,
        type_name: Arc<str>,
        actions: &mut Vec<Action>,
    ) {
        let value = &self.values[at];
        let task = value.task;
        if value.held {
            return;
        }
        if value.want.is_none() {
            self.values[at].lingers = true;
            self.review(at);
            return;
        }
        if !value.doomed {
            self.copied.push(task);
        }
        self.land(at, nbytes, type_name);
        // There is no need to compute it then.
        if let Some(attempt) = self.attempts.find(&task)
            && !self.attempts[attempt].stage.has_started()
        {
            let run = self.attempts[attempt].run;
            self.values[at].doomed = false;
            self.answer_with_value(at, run, actions);
            self.end_attempt(attempt);
        }
    }

    /// A cancelled attempt has put its value into the store. It goes, but for the sake of others. False
    /// if there are none who might need it.
    pub(super) fn discard(&mut self, task: TaskId, nbytes: u64, type_name: Arc<str>) -> bool {
        let Some(at) = self.values.find(&task) else { return false };
        let value = &mut self.values[at];
        if value.want.is_some() {
            if !value.doomed {
                self.copied.push(task);
            }
            self.land(at, nbytes, type_name);
        } else if !value.held {
            value.lingers = true;
        }
        true
    }

    /// The scheduler needs no copy here.
    pub(super) fn free(&mut self, task: TaskId) {
        let Some(at) = self.values.find(&task) else { return };
        // The store may have lost what an attempt still runs on.
        let value = &mut self.values[at];
        value.doomed = value.held || value.want.is_some();
        if let Some(want) = &mut value.want {
            want.acquired = false;
        }
        self.review(at);
    }

    /// Takes a value that is here out of the store. If a fetch that is under way puts it there
    /// again, that has to land first.
    fn drop_value(&mut self, at: u32) {
        let value = &mut self.values[at];
        value.held = false;
        value.lingers = true;
        value.doomed = false;
        self.forget_value(at);
    }

    /// Drops a value, unless an attempt may have put its own there.
    fn drop_from_store(&mut self, task: TaskId) {
        match self.attempts.find(&task) {
            Some(at) if self.attempts[at].stage.has_started() => {
                self.attempts[at].lingers = true;
            }
            _ => self.dropped.push(task),
        }
    }

    /// Copies are to be had of these.
    /// Values that came with no attempt and no fetch: the scheduler has said that they would.
    pub(super) fn put(&mut self, values: Vec<Copied>) {
        for Copied { task, nbytes, type_name } in values {
            let at = self.value_row(task);
            self.values[at].doomed = false;
            self.land(at, nbytes, type_name);
            self.copied.push(task);
        }
    }

    pub(super) fn acquire(&mut self, inputs: Vec<Input>, actions: &mut Vec<Action>) {
        let mut missing = Vec::new();
        for input in inputs {
            let at = self.value_row(input.task);
            if self.values[at].held {
                self.values[at].doomed = false;
                self.copied.push(input.task);
                continue;
            }
            let is_there = self.want(at, &input, u64::MAX);
            if let Some(want) = &mut self.values[at].want {
                want.acquired = true;
            }
            if !is_there {
                missing.push(at);
            }
        }
        self.report_missing(&missing, actions);
    }

    /// Gives up wanted values, of which every holder has failed, and the attempts that wait for
    /// them.
    pub(super) fn report_missing(&mut self, values: &[u32], actions: &mut Vec<Action>) {
        let mut starved: BTreeMap<u32, Missing> = BTreeMap::new();
        let mut unacquired = Vec::new();
        for &at in values {
            let value = &mut self.values[at];
            let task = value.task;
            let Some(want) = value.want.take() else { continue };
            let failed: Vec<_> = want.holders.iter().map(|&(holder, _)| holder).collect();
            if want.acquired {
                unacquired.push(task);
            }
            for &waiter in &want.waiters {
                starved.entry(waiter).or_default().push((task, failed.clone()));
            }
            if want.waiters.is_empty() {
                self.review(at);
            }
        }
        for (attempt, inputs) in starved {
            let (task, run) = (self.attempts[attempt].task, self.attempts[attempt].run);
            self.end_attempt(attempt);
            actions.push(Action::Scheduler(FromWorker::MissingInputs { task, run, inputs }));
        }
        if !unacquired.is_empty() {
            actions.push(Action::Scheduler(FromWorker::Dropped(unacquired)));
        }
    }

    /// Looks elsewhere for values that attempts of this worker should have given, and have not.
    pub(super) fn give_up_orphaned(&mut self, actions: &mut Vec<Action>) {
        while let Some(task) = self.orphaned.pop() {
            let Some(at) = self.values.find(&task) else { continue };
            let comes_still = self.attempts.find(&task).is_some();
            if !comes_still && self.values[at].is_coming(self.config.id) && !self.queue_fetch(at) {
                self.report_missing(&[at], actions);
            }
        }
    }

    /// The store has lost values.
    pub(super) fn lost(&mut self, tasks: &[TaskId], actions: &mut Vec<Action>) {
        let mut gone = Vec::new();
        let mut starved: BTreeMap<u32, Missing> = BTreeMap::new();
        for &task in tasks {
            let Some(at) = self.values.find(&task) else { continue };
            let value = &mut self.values[at];
            value.lingers = false;
            if !std::mem::take(&mut value.held) {
                continue;
            }
            if !std::mem::take(&mut value.doomed) {
                gone.push(task);
            }
            for (attempt, row) in self.attempts.iter() {
                if !row.stage.has_started() && row.inputs.contains(&at) {
                    let own_id = self.config.id;
                    starved.entry(attempt).or_default().push((task, vec![own_id]));
                }
            }
            self.review(at);
        }
        if !gone.is_empty() {
            actions.push(Action::Scheduler(FromWorker::Dropped(gone)));
        }
        for (attempt, inputs) in starved {
            let (task, run) = (self.attempts[attempt].task, self.attempts[attempt].run);
            self.end_attempt(attempt);
            actions.push(Action::Scheduler(FromWorker::MissingInputs { task, run, inputs }));
        }
    }
}
