//! Attempts: from `Compute` over waiting and ready to a thread, and to their answer.

use std::collections::BTreeSet;
use std::sync::Arc;

use smallvec::SmallVec;

use super::resources::Share;
use super::{Action, Outcome, Worker};
use crate::content::Content;
use crate::ids::{RunId, TaskId, WorkerId};
use crate::message::{Cause, Compute, Finished, FromWorker, TaskFailure};
use crate::table::Table;

/// Inputs that an attempt can't have, each with those who failed to give it.
pub(super) type Missing = Vec<(TaskId, Vec<WorkerId>)>;

/// Where an attempt is. See the table of the [module](super).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Stage {
    /// So many of its inputs are not here.
    Waiting(u32),
    Ready,
    Constrained,
    Executing,
    LongRunning,
}

impl Stage {
    /// Whether a thread has taken it.
    pub(super) fn has_started(self) -> bool {
        matches!(self, Self::Executing | Self::LongRunning)
    }
}

#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) task: TaskId,
    /// The run that it is answered under.
    pub(super) run: RunId,
    /// The run that its thread knows it by, once it has one.
    pub(super) taken_as: RunId,
    pub(super) stage: Stage,
    /// Nobody waits for it. Only started ones.
    pub(super) cancelled: bool,
    /// The store may have a value for its task that is to go, unless its own comes in its place.
    pub(super) lingers: bool,
    pub(super) priority: u64,
    /// Counts arrivals.
    pub(super) number: u64,
    /// The places of its inputs' values, each once.
    pub(super) inputs: SmallVec<[u32; 4]>,
    pub(super) share: Share,
    /// For the thread that takes it.
    pub(super) compute: Option<Box<Compute>>,
}

/// By priority, then by arrival; and the attempt's place.
pub(super) type Queue = BTreeSet<(u64, u64, u32)>;

/// Attempts that could start.
#[derive(Debug, Default)]
pub(super) struct Queues {
    pub(super) ready: Queue,
    pub(super) constrained: Queue,
    n_arrived: u64,
}

fn rank(attempts: &Table<TaskId, Attempt>, at: u32) -> (u64, u64, u32) {
    (attempts[at].priority, attempts[at].number, at)
}

impl Worker {
    pub(super) fn compute(&mut self, compute: Box<Compute>, actions: &mut Vec<Action>) {
        let (task, run) = (compute.task, compute.run);
        let before = self.attempts.find(&task);
        if before.is_some_and(|at| self.attempts[at].run == run) {
            return;
        }
        if let Some(value) = self.values.find(&task)
            && self.values[value].held
        {
            if let Some(at) = before {
                self.give_up(at, actions);
            }
            self.values[value].doomed = false;
            self.answer_with_value(value, run, actions);
            return;
        }
        match before {
            Some(at) if self.attempts[at].stage.has_started() => self.adopt(at, run, actions),
            Some(at) => {
                self.give_up(at, actions);
                self.begin_attempt(compute, actions);
            }
            None => self.begin_attempt(compute, actions),
        }
    }

    /// A started attempt goes on under a new run; the old one is over.
    fn adopt(&mut self, at: u32, run: RunId, actions: &mut Vec<Action>) {
        let attempt = &mut self.attempts[at];
        let task = attempt.task;
        let before = std::mem::replace(&mut attempt.run, run);
        attempt.cancelled = false;
        actions.push(Action::Scheduler(FromWorker::Retracted { task, run: before }));
        actions.push(Action::Scheduler(FromWorker::Started { task, run }));
        if attempt.stage == Stage::LongRunning {
            actions.push(Action::Scheduler(FromWorker::Seceded { task, run }));
        }
    }

    /// Nobody waits for an attempt: it ends now, unless a thread has it.
    fn give_up(&mut self, at: u32, actions: &mut Vec<Action>) {
        let Attempt { task, run, stage, .. } = self.attempts[at];
        if stage.has_started() {
            self.attempts[at].cancelled = true;
        } else {
            self.end_attempt(at);
            actions.push(Action::Scheduler(FromWorker::Retracted { task, run }));
        }
    }

    fn begin_attempt(&mut self, compute: Box<Compute>, actions: &mut Vec<Action>) {
        let (task, run, priority) = (compute.task, compute.run, compute.priority);
        let share = match self.resources.share(&compute.resources) {
            Ok(share) => share,
            Err(text) => {
                let failure = Arc::new(TaskFailure {
                    origin: compute.key.clone(),
                    cause: Cause::Unrunnable,
                    text: text.into(),
                    bytes: Content::new(),
                });
                actions.push(Action::Scheduler(FromWorker::Failed { task, run, failure }));
                return;
            }
        };
        self.queues.n_arrived += 1;
        let number = self.queues.n_arrived;
        let at = self.attempts.insert(
            task,
            Attempt {
                task,
                run,
                taken_as: run,
                stage: Stage::Waiting(0),
                cancelled: false,
                lingers: false,
                priority,
                number,
                inputs: SmallVec::new(),
                share,
                compute: None,
            },
        );
        let mut inputs = SmallVec::new();
        let mut n_awaited = 0;
        let mut missing = Vec::new();
        for input in &compute.inputs {
            let value = self.value_row(input.task);
            if !self.values[value].claim(number) {
                continue;
            }
            inputs.push(value);
            if self.values[value].held {
                self.keep(value);
            } else {
                n_awaited += 1;
                if !self.want(value, input, priority) {
                    missing.push(value);
                }
                self.await_value(value, at);
            }
        }
        let attempt = &mut self.attempts[at];
        attempt.inputs = inputs;
        attempt.stage = Stage::Waiting(n_awaited);
        attempt.compute = Some(compute);
        if n_awaited == 0 {
            self.make_ready(at);
        } else if !missing.is_empty() {
            self.report_missing(&missing, actions);
        }
    }

    /// The first ready attempt whose resources are free. Those before it are constrained.
    pub(super) fn take_ready(&mut self) -> Option<Box<Compute>> {
        while let Some(rank @ (_, _, at)) = self.queues.ready.pop_first() {
            let attempt = &mut self.attempts[at];
            if self.resources.take(&attempt.share) {
                attempt.stage = Stage::Executing;
                attempt.taken_as = attempt.run;
                return attempt.compute.take();
            }
            attempt.stage = Stage::Constrained;
            self.queues.constrained.insert(rank);
        }
        None
    }

    pub(super) fn retract(&mut self, task: TaskId, run: RunId, actions: &mut Vec<Action>) {
        if let Some(at) = self.answered_as(task, run)
            && !self.attempts[at].stage.has_started()
        {
            self.give_up(at, actions);
        }
    }

    pub(super) fn cancel(&mut self, task: TaskId, run: RunId, actions: &mut Vec<Action>) {
        if let Some(at) = self.answered_as(task, run) {
            self.give_up(at, actions);
        }
    }

    pub(super) fn executed(
        &mut self,
        task: TaskId,
        run: RunId,
        outcome: Outcome,
        actions: &mut Vec<Action>,
    ) {
        let Some(at) = self.taken(task, run) else { return };
        let attempt = &self.attempts[at];
        let (run, cancelled) = (attempt.run, attempt.cancelled);
        if attempt.stage == Stage::Executing {
            self.n_awake += 1;
        }
        if let Outcome::InputsLost(inputs) = &outcome {
            self.lost(inputs, actions);
        }
        let answer = match outcome {
            Outcome::Value { nbytes, type_name, .. } if cancelled => {
                let is_left = !self.discard(task, nbytes, type_name);
                self.attempts[at].lingers |= is_left;
                FromWorker::Retracted { task, run }
            }
            _ if cancelled => FromWorker::Retracted { task, run },
            Outcome::Value { nbytes, duration_s, begun_s, thread, type_name, inline } => {
                self.land_result(task, nbytes, type_name.clone());
                FromWorker::Finished(Box::new(Finished {
                    task,
                    run,
                    nbytes,
                    duration_s,
                    begun_s,
                    thread,
                    type_name,
                    inline,
                }))
            }
            Outcome::Failed(failure) => FromWorker::Failed { task, run, failure },
            Outcome::Reschedule => FromWorker::Reschedule { task, run },
            Outcome::InputsLost(inputs) => {
                let lost = inputs.iter().map(|&input| (input, vec![self.config.id])).collect();
                FromWorker::MissingInputs { task, run, inputs: lost }
            }
        };
        actions.push(Action::Scheduler(answer));
        let lingers = self.attempts[at].lingers;
        self.end_attempt(at);
        if lingers {
            match self.values.find(&task) {
                None => self.dropped.push(task),
                Some(value) => self.values[value].lingers = !self.values[value].held,
            }
        }
    }

    pub(super) fn seceded(&mut self, task: TaskId, run: RunId, actions: &mut Vec<Action>) {
        let Some(at) = self.taken(task, run) else { return };
        let attempt = &mut self.attempts[at];
        if attempt.stage == Stage::Executing {
            attempt.stage = Stage::LongRunning;
            self.n_executing -= 1;
            let run = attempt.run;
            actions.push(Action::Scheduler(FromWorker::Seceded { task, run }));
        }
    }

    pub(super) fn rejoined(&mut self, task: TaskId, run: RunId) {
        let Some(at) = self.taken(task, run) else { return };
        let attempt = &mut self.attempts[at];
        if attempt.stage == Stage::LongRunning {
            attempt.stage = Stage::Executing;
            self.n_executing += 1;
        }
    }

    /// Forgets an attempt, which gives back all that it had. The answer is the caller's.
    pub(super) fn end_attempt(&mut self, at: u32) {
        let rank = rank(&self.attempts, at);
        let task = self.attempts[at].task;
        let attempt = self.attempts.remove(&task, at);
        if let Some(value) = self.values.find(&task)
            && self.values[value].is_coming(self.config.id)
        {
            self.orphaned.push(task);
        }
        match attempt.stage {
            Stage::Waiting(_) => {}
            Stage::Ready => _ = self.queues.ready.remove(&rank),
            Stage::Constrained => _ = self.queues.constrained.remove(&rank),
            Stage::Executing => self.n_executing -= 1,
            Stage::LongRunning => {}
        }
        if attempt.stage.has_started() {
            self.resources.give_back(&attempt.share);
        }
        if !attempt.share.is_empty() {
            self.reconsider_constrained();
        }
        let waits = matches!(attempt.stage, Stage::Waiting(_));
        for &value in &attempt.inputs {
            self.unclaim(value, waits.then_some(at));
        }
    }

    fn make_ready(&mut self, at: u32) {
        self.attempts[at].stage = Stage::Ready;
        self.queues.ready.insert(rank(&self.attempts, at));
    }

    /// One more input of an attempt that waits is here.
    pub(super) fn input_landed(&mut self, at: u32) {
        match &mut self.attempts[at].stage {
            Stage::Waiting(1) => self.make_ready(at),
            Stage::Waiting(n) => *n -= 1,
            stage => unreachable!("an attempt that waits for an input is {stage:?}"),
        }
    }

    /// The attempt of `task` that a thread took as `run`.
    fn taken(&self, task: TaskId, run: RunId) -> Option<u32> {
        let at = self.attempts.find(&task)?;
        let attempt = &self.attempts[at];
        (attempt.stage.has_started() && attempt.taken_as == run).then_some(at)
    }

    /// The attempt of `task` that is to be answered under `run`.
    fn answered_as(&self, task: TaskId, run: RunId) -> Option<u32> {
        let at = self.attempts.find(&task)?;
        (self.attempts[at].run == run && !self.attempts[at].cancelled).then_some(at)
    }

    /// Makes those ready that fit by now. Not only resources that come back change that: an attempt
    /// that they were left to may be gone.
    fn reconsider_constrained(&mut self) {
        let mut left = self.resources.clone();
        let constrained = self.queues.constrained.iter().copied();
        let fitting: Vec<_> =
            constrained.filter(|&(_, _, at)| left.take(&self.attempts[at].share)).collect();
        for rank @ (_, _, at) in fitting {
            self.queues.constrained.remove(&rank);
            self.make_ready(at);
        }
    }

    /// Answers for a value that is here already.
    pub(super) fn answer_with_value(&mut self, value: u32, run: RunId, actions: &mut Vec<Action>) {
        let value = &self.values[value];
        actions.push(Action::Scheduler(FromWorker::Finished(Box::new(Finished {
            task: value.task,
            run,
            nbytes: value.nbytes,
            duration_s: 0.0,
            begun_s: 0.0,
            thread: 0,
            type_name: value.type_name.clone().unwrap_or_else(|| "".into()),
            inline: None,
        }))));
    }
}
