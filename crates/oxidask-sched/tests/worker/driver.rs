//! A worker, what it was told, and what it said.

use std::sync::Arc;

use oxidask_core::key::{Group, Key};
use oxidask_sched::content::Content;
use oxidask_sched::ids::{RunId, TaskId, Time, WorkerId};
use oxidask_sched::message::{
    Cause, Compute, FromWorker, Input, Location, RunSpec, TaskFailure, ToWorker,
};
use oxidask_sched::worker::{Action, Copied, Event, Outcome, Worker, WorkerConfig};

pub(crate) const OWN_ID: WorkerId = WorkerId(0);

pub(crate) fn task(slot: u32) -> TaskId {
    TaskId { slot, generation: 0 }
}

pub(crate) fn key(slot: u32) -> Key {
    Key::block(Group::new("x"), &[i64::from(slot)])
}

/// The value of a task, of 100 bytes, with those who hold it.
pub(crate) fn input(slot: u32, holders: &[u32]) -> Input {
    let holders = holders.iter().map(|&id| WorkerId(id)).collect();
    Input { task: task(slot), place: Location { holders, nbytes: 100 } }
}

/// A task whose number is its slot, its run and its priority.
pub(crate) fn compute(slot: u32, inputs: Vec<Input>) -> Compute {
    Compute {
        task: task(slot),
        run: RunId(slot),
        key: key(slot),
        spec: RunSpec::default(),
        inputs,
        priority: u64::from(slot),
        resources: Vec::new(),
        inline: false,
        actor: false,
    }
}

pub(crate) fn value() -> Outcome {
    Outcome::Value {
        nbytes: 8,
        duration_s: 0.5,
        begun_s: 1.0,
        thread: 0,
        type_name: "int".into(),
        inline: None,
    }
}

pub(crate) fn failure(slot: u32) -> Arc<TaskFailure> {
    let cause = Cause::Raised("builtins.ValueError".into());
    Arc::new(TaskFailure { origin: key(slot), cause, text: "no".into(), bytes: Content::new() })
}

pub(crate) struct Driver {
    pub(crate) worker: Worker,
    pub(crate) now: Time,
}

impl Driver {
    pub(crate) fn new(n_threads: u32) -> Self {
        Self::with_config(WorkerConfig::new(OWN_ID, n_threads))
    }

    pub(crate) fn with_config(config: WorkerConfig) -> Self {
        Self { worker: Worker::new(config), now: Time(0) }
    }

    /// What follows from one event.
    pub(crate) fn handle(&mut self, event: Event) -> Vec<Action> {
        self.now = Time(self.now.0 + 1_000_000);
        let mut actions = Vec::new();
        self.worker.handle(self.now, event, &mut actions);
        assert_eq!(self.worker.check_invariants(), Ok(()));
        actions
    }

    pub(crate) fn tell(&mut self, message: ToWorker) -> Vec<Action> {
        self.handle(Event::Scheduler(message))
    }

    pub(crate) fn compute(&mut self, slot: u32, inputs: &[Input]) -> Vec<Action> {
        self.tell(ToWorker::Compute(Box::new(compute(slot, inputs.to_vec()))))
    }

    /// The slot of the task that a thread takes.
    pub(crate) fn next(&mut self) -> Option<u32> {
        let mut actions = Vec::new();
        let taken = self.worker.next(&mut actions);
        assert_eq!(self.worker.check_invariants(), Ok(()));
        let told: Vec<_> =
            taken.iter().map(|taken| started(taken.task.slot, taken.run.0)).collect();
        assert_eq!(actions, told, "a task that is taken is said to have started, and nothing else");
        taken.map(|taken| taken.task.slot)
    }

    pub(crate) fn end(&mut self, slot: u32, outcome: Outcome) -> Vec<Action> {
        self.end_run(slot, slot, outcome)
    }

    pub(crate) fn end_run(&mut self, slot: u32, run: u32, outcome: Outcome) -> Vec<Action> {
        self.handle(Event::Executed { task: task(slot), run: RunId(run), outcome })
    }

    /// Runs a task without inputs to its end, after which there is nothing to do.
    pub(crate) fn run(&mut self, slot: u32) {
        self.compute(slot, &[]);
        assert_eq!(self.next(), Some(slot));
        self.end(slot, value());
        assert_eq!(self.next(), None);
        assert!(self.worker.holds(task(slot)));
    }

    pub(crate) fn fetched(&mut self, request: u64, slots: &[u32]) -> Vec<Action> {
        let values = slots.iter().map(|&slot| Copied {
            task: task(slot),
            nbytes: 100,
            type_name: "array".into(),
        });
        let event = Event::Fetched { request, values: values.collect() };
        self.handle(event)
    }

    pub(crate) fn free(&mut self, slots: &[u32]) -> Vec<Action> {
        self.tell(ToWorker::Free(slots.iter().map(|&slot| task(slot)).collect()))
    }
}

pub(crate) fn said(message: FromWorker) -> Action {
    Action::Scheduler(message)
}

pub(crate) fn started(slot: u32, run: u32) -> Action {
    said(FromWorker::Started { task: task(slot), run: RunId(run) })
}

pub(crate) fn retracted(slot: u32, run: u32) -> Action {
    said(FromWorker::Retracted { task: task(slot), run: RunId(run) })
}

pub(crate) fn copied(slots: &[u32]) -> Action {
    said(FromWorker::Copied(slots.iter().map(|&slot| task(slot)).collect()))
}

pub(crate) fn missing(slot: u32, inputs: &[(u32, &[u32])]) -> Action {
    let inputs = inputs
        .iter()
        .map(|&(input, failed)| (task(input), failed.iter().map(|&id| WorkerId(id)).collect()));
    let (task, run) = (task(slot), RunId(slot));
    said(FromWorker::MissingInputs { task, run, inputs: inputs.collect() })
}

pub(crate) fn dropped(slots: &[u32]) -> Action {
    Action::DropValues(slots.iter().map(|&slot| task(slot)).collect())
}

pub(crate) fn fetch(request: u64, peer: u32, slots: &[u32]) -> Action {
    let tasks = slots.iter().map(|&slot| task(slot)).collect();
    Action::Fetch { peer: WorkerId(peer), request, tasks }
}

/// The run, bytes, duration and type of what is said to be finished.
pub(crate) fn finished(actions: &[Action]) -> Vec<(u32, u32, u64, f64, &str)> {
    let finished = actions.iter().filter_map(|action| match action {
        Action::Scheduler(FromWorker::Finished(end)) => Some(end),
        _ => None,
    });
    finished
        .map(|end| (end.task.slot, end.run.0, end.nbytes, end.duration_s, &*end.type_name))
        .collect()
}
