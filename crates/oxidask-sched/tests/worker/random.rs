//! Random events, all of which can happen, beside a book of what scheduler, threads and store must see.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use oxidask_sched::ids::{RunId, TaskId, Time};
use oxidask_sched::message::{Compute, FromWorker, Health, Input, ToWorker};
use oxidask_sched::worker::{Action, Copied, Event, Outcome, Worker, WorkerConfig};
use proptest::prelude::*;

use crate::driver::{OWN_ID, compute, failure, input, task, value};

const N_TASKS: u32 = 8;
const N_THREADS: u32 = 2;

/// What may happen next; numbers choose among what there is.
#[derive(Clone, Debug)]
enum Step {
    Compute {
        slot: u32,
        inputs: Vec<(u32, u8)>,
        priority: u64,
        gpus: u8,
    },
    Retract(usize),
    Cancel(usize),
    Free(Vec<u32>),
    Acquire(Vec<(u32, u8)>),
    Next,
    /// A thread puts its value into the store, and has not said so yet.
    Put(usize),
    End(usize, u8),
    Secede(usize),
    Rejoin(usize),
    /// Some of what was asked for comes into the store, and nobody was told yet.
    Arrive(usize, u32),
    Fetched(usize),
    FetchFailed(usize),
    Pause(bool),
    Lose(u32),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let slot = 0..N_TASKS;
    let which = any::<prop::sample::Index>().prop_map(|index| index.index(64));
    // The bits are those who hold it: the worker itself and three peers.
    let inputs = prop::collection::vec((slot.clone(), 0..16_u8), 0..4);
    let step = prop_oneof![
        6 => (slot.clone(), inputs.clone(), 0..4_u64, 0..4_u8).prop_map(
            |(slot, inputs, priority, gpus)| Step::Compute { slot, inputs, priority, gpus }
        ),
        1 => which.clone().prop_map(Step::Retract),
        2 => which.clone().prop_map(Step::Cancel),
        2 => prop::collection::vec(slot.clone(), 1..4).prop_map(Step::Free),
        1 => inputs.prop_map(Step::Acquire),
        4 => Just(Step::Next),
        1 => which.clone().prop_map(Step::Put),
        4 => (which.clone(), 0..8_u8).prop_map(|(which, how)| Step::End(which, how)),
        1 => which.clone().prop_map(Step::Secede),
        1 => which.clone().prop_map(Step::Rejoin),
        1 => (which.clone(), any::<u32>()).prop_map(|(which, mask)| Step::Arrive(which, mask)),
        3 => which.clone().prop_map(Step::Fetched),
        1 => which.prop_map(Step::FetchFailed),
        1 => any::<bool>().prop_map(Step::Pause),
        1 => slot.prop_map(Step::Lose),
    ];
    prop::collection::vec(step, 0..120)
}

#[derive(Debug)]
struct Running {
    task: TaskId,
    run: RunId,
    seceded: bool,
    /// Its value is in the store.
    has_put: bool,
}

#[derive(Debug)]
struct Flight {
    tasks: Vec<TaskId>,
    /// Which have come into the store, by bit.
    arrived: u32,
}

/// A worker and all that it speaks to.
struct World {
    worker: Worker,
    now: Time,
    n_runs: u32,
    /// Runs that the scheduler has sent and not had an answer to.
    open: BTreeMap<RunId, TaskId>,
    /// Values that the scheduler believes to be here.
    believed: BTreeSet<TaskId>,
    store: BTreeSet<TaskId>,
    running: Vec<Running>,
    flights: BTreeMap<u64, Flight>,
    n_awake: u32,
}

fn pick<T>(items: &[T], which: usize) -> Option<usize> {
    (!items.is_empty()).then(|| which % items.len())
}

/// Graphs have no cycles: a task reads those with smaller slots only.
fn inputs_of(inputs: &[(u32, u8)], before: Option<u32>) -> Vec<Input> {
    let inputs = inputs.iter().filter(|(slot, _)| before.is_none_or(|reader| *slot < reader));
    inputs
        .map(|&(slot, mask)| {
            let holders: Vec<u32> = (0..4).filter(|bit| mask >> bit & 1 == 1).collect();
            input(slot, &holders)
        })
        .collect()
}

impl World {
    fn new() -> Self {
        let mut config = WorkerConfig::new(OWN_ID, N_THREADS);
        config.resources = vec![("GPU".into(), 1.0)];
        config.max_fetch_bytes = 250;
        config.max_fetches_per_peer = 1;
        Self {
            worker: Worker::new(config),
            now: Time(0),
            n_runs: 0,
            open: BTreeMap::new(),
            believed: BTreeSet::new(),
            store: BTreeSet::new(),
            running: Vec::new(),
            flights: BTreeMap::new(),
            n_awake: 0,
        }
    }

    fn take(&mut self, step: Step) {
        match step {
            Step::Compute { slot, inputs, priority, gpus } => {
                let mut compute = compute(slot, inputs_of(&inputs, Some(slot)));
                self.n_runs += 1;
                compute.run = RunId(self.n_runs);
                compute.priority = priority;
                if gpus > 1 {
                    compute.resources = vec![("GPU".into(), f64::from(gpus) * 0.5)];
                }
                self.open.insert(compute.run, compute.task);
                self.tell(ToWorker::Compute(Box::new(compute)));
            }
            Step::Retract(which) => {
                if let Some((run, task)) = self.open_run(which) {
                    self.tell(ToWorker::Retract { task, run });
                }
            }
            Step::Cancel(which) => {
                if let Some((run, task)) = self.open_run(which) {
                    self.tell(ToWorker::Cancel { task, run });
                }
            }
            Step::Free(slots) => {
                let tasks: Vec<_> = slots.into_iter().map(task).collect();
                tasks.iter().for_each(|task| _ = self.believed.remove(task));
                self.tell(ToWorker::Free(tasks));
            }
            Step::Acquire(inputs) => self.tell(ToWorker::Acquire(inputs_of(&inputs, None))),
            Step::Next => self.next(),
            Step::Put(which) => {
                if let Some(at) = pick(&self.running, which) {
                    self.running[at].has_put = true;
                    self.store.insert(self.running[at].task);
                }
            }
            Step::End(which, how) => {
                if let Some(at) = pick(&self.running, which) {
                    self.end(at, how);
                }
            }
            Step::Secede(which) => self.move_thread(which, true),
            Step::Rejoin(which) => self.move_thread(which, false),
            Step::Arrive(which, mask) => {
                let requests: Vec<u64> = self.flights.keys().copied().collect();
                if let Some(at) = pick(&requests, which)
                    && let Some(flight) = self.flights.get_mut(&requests[at])
                {
                    flight.arrived |= mask;
                    self.store.extend(came(flight));
                }
            }
            Step::Fetched(which) => self.answer(which, false),
            Step::FetchFailed(which) => self.answer(which, true),
            Step::Pause(paused) => {
                self.handle(Event::Health(Health { paused, ..Health::default() }));
            }
            Step::Lose(slot) => {
                // Only what is neither being written nor on its way can be said to be lost.
                let id = task(slot);
                let is_busy = self.running.iter().any(|running| running.task == id)
                    || self.flights.values().any(|flight| flight.tasks.contains(&id));
                if !is_busy && self.store.remove(&id) {
                    self.handle(Event::Lost(vec![id]));
                }
            }
        }
    }

    fn open_run(&self, which: usize) -> Option<(RunId, TaskId)> {
        let open: Vec<_> = self.open.iter().collect();
        pick(&open, which).map(|at| (*open[at].0, *open[at].1))
    }

    /// A thread that is awake looks for work.
    fn next(&mut self) {
        if self.n_awake == 0 {
            return;
        }
        self.n_awake -= 1;
        let mut actions = Vec::new();
        let taken = self.worker.next(&mut actions);
        self.carry_out(actions);
        let Some(taken) = taken else { return };
        let Compute { task, run, inputs, .. } = *taken;
        for input in &inputs {
            assert!(self.store.contains(&input.task), "{task:?} lacks {:?}", input.task);
        }
        let twice = self.running.iter().any(|running| running.task == task);
        assert!(!twice, "{task:?} runs twice");
        self.running.push(Running { task, run, seceded: false, has_put: false });
    }

    fn end(&mut self, at: usize, how: u8) {
        let Running { task, run, seceded, has_put } = self.running.remove(at);
        let outcome = match how {
            0 if !has_put => Outcome::Failed(failure(task.slot)),
            1 if !has_put => Outcome::Reschedule,
            _ => {
                self.store.insert(task);
                value()
            }
        };
        self.n_awake += u32::from(!seceded);
        self.handle(Event::Executed { task, run, outcome });
    }

    fn move_thread(&mut self, which: usize, seceded: bool) {
        if let Some(at) = pick(&self.running, which) {
            let running = &mut self.running[at];
            running.seceded = seceded;
            let (task, run) = (running.task, running.run);
            self.handle(if seceded {
                Event::Seceded { task, run }
            } else {
                Event::Rejoined { task, run }
            });
        }
    }

    fn answer(&mut self, which: usize, fails: bool) {
        let requests: Vec<u64> = self.flights.keys().copied().collect();
        let Some(at) = pick(&requests, which) else { return };
        let request = requests[at];
        let Some(flight) = self.flights.remove(&request) else { return };
        let came = came(&flight);
        if fails && came.is_empty() {
            self.handle(Event::FetchFailed { request });
        } else {
            let values = came.into_iter().map(|task| Copied {
                task,
                nbytes: 100,
                type_name: "array".into(),
            });
            self.handle(Event::Fetched { request, values: values.collect() });
        }
    }

    fn tell(&mut self, message: ToWorker) {
        self.handle(Event::Scheduler(message));
    }

    fn handle(&mut self, event: Event) {
        self.now = Time(self.now.0 + 1);
        let mut actions = Vec::new();
        self.worker.handle(self.now, event, &mut actions);
        self.carry_out(actions);
    }

    fn carry_out(&mut self, actions: Vec<Action>) {
        for action in actions {
            match action {
                Action::Scheduler(message) => self.hear(message),
                Action::Fetch { request, tasks, .. } => {
                    self.flights.insert(request, Flight { tasks, arrived: 0 });
                }
                Action::DropValues(tasks) => {
                    for task in tasks {
                        assert!(self.store.remove(&task), "{task:?} is dropped and was not there");
                    }
                }
                Action::Peer { .. } | Action::Ask { .. } | Action::Close(_) => {}
                Action::DropBlob(_) => unreachable!("there are none"),
                Action::Wake(n) => self.n_awake += n,
            }
        }
        assert_eq!(self.worker.check_invariants(), Ok(()));
        for slot in 0..N_TASKS {
            let (id, holds) = (task(slot), self.worker.holds(task(slot)));
            assert!(!holds || self.store.contains(&id), "{id:?} is held and not in the store");
            assert!(holds || !self.believed.contains(&id), "{id:?} is believed to be here");
        }
    }

    fn hear(&mut self, message: FromWorker) {
        match message {
            FromWorker::Finished(end) => {
                self.answered(end.run, end.task);
                self.believed.insert(end.task);
            }
            FromWorker::Failed { task, run, .. }
            | FromWorker::Retracted { task, run }
            | FromWorker::MissingInputs { task, run, .. }
            | FromWorker::Reschedule { task, run } => self.answered(run, task),
            FromWorker::Started { task, run } | FromWorker::Seceded { task, run } => {
                assert_eq!(self.open.get(&run), Some(&task), "{run:?} is over");
            }
            FromWorker::Copied(tasks) => self.believed.extend(tasks),
            FromWorker::Dropped(tasks) => {
                tasks.iter().for_each(|task| _ = self.believed.remove(task));
            }
            FromWorker::Health(_)
            | FromWorker::Answer { .. }
            | FromWorker::Push { .. }
            | FromWorker::Retire => {}
        }
    }

    fn answered(&mut self, run: RunId, task: TaskId) {
        assert_eq!(self.open.remove(&run), Some(task), "{run:?} of {task:?} was not open");
    }

    /// Lets everything that was begun come to its end: threads only run when they are woken.
    fn settle(&mut self) {
        self.take(Step::Pause(false));
        while self.n_awake > 0 || !self.running.is_empty() || !self.flights.is_empty() {
            self.next();
            if !self.running.is_empty() {
                self.end(0, 2);
            }
            self.take(Step::Arrive(0, u32::MAX));
            self.take(Step::Fetched(0));
        }
        assert_eq!(self.open, BTreeMap::new(), "attempts without an answer");
        assert_eq!(self.worker.n_attempts(), 0);
        assert_eq!(self.worker.n_executing(), 0);
        assert_eq!(self.believed, self.store, "what the scheduler believes, and what is there");
        let all: Vec<u32> = (0..N_TASKS).collect();
        self.take(Step::Free(all));
        assert_eq!(self.store, BTreeSet::new());
    }
}

fn came(flight: &Flight) -> Vec<TaskId> {
    let tasks = flight.tasks.iter().enumerate();
    tasks.filter(|(i, _)| flight.arrived >> (i % 32) & 1 == 1).map(|(_, &task)| task).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn every_attempt_is_answered_once_and_nothing_is_left(steps in steps()) {
        let mut world = World::new();
        for step in steps {
            world.take(step);
        }
        world.settle();
    }
}
