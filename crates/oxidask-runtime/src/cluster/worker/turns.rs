//! Turns of a worker: what comes in, and what follows from it.

use oxidask_sched::ids::{RunId, TaskId};
use oxidask_sched::message::{FromWorker, ToWorker};
use oxidask_sched::worker::{Action, Copied, Event, Outcome, Worker};
use rustc_hash::FxHashMap;

use super::WorkerNode;
use super::job::{Job, Landed};
use super::memory::Dropped;
use crate::cluster::link::Fetched;
use crate::cluster::turn::{Node, after};
use crate::store::Found;

pub(super) enum Incoming {
    Scheduler(ToWorker),
    Fetched(u64, Option<Vec<Landed>>),
    Put(Vec<Landed>),
}

pub(super) struct State {
    pub(super) machine: Worker,
    values: FxHashMap<TaskId, Held>,
    n_uses: u64,
    /// Slots of values to be dropped without the lock: dropping may run any code.
    dropped: Vec<u32>,
    /// Kept for its room.
    actions: Vec<Action>,
}

impl State {
    pub(super) fn new(machine: Worker) -> Self {
        Self {
            machine,
            values: FxHashMap::default(),
            n_uses: 0,
            dropped: Vec::new(),
            actions: Vec::new(),
        }
    }
}

/// A value in the store.
struct Held {
    slot: u32,
    /// Counts uses of all values: when this one was used last.
    used: u64,
}

impl WorkerNode {
    pub(super) fn take_job(&self) -> Option<Job> {
        let (job, _dropped) = self.shared.with(&self.this, |state| {
            self.take_in(state);
            let State { machine, values, n_uses, actions, .. } = state;
            let job = machine.next(actions).map(|compute| {
                let inputs = compute.inputs.iter().map(|input| {
                    let held = values.get_mut(&input.task)?;
                    *n_uses += 1;
                    held.used = *n_uses;
                    self.memory.store.find(held.slot).ok()
                });
                let inputs = inputs.collect();
                let blob = machine.blob(compute.spec.blob).cloned();
                Job { compute, blob, inputs }
            });
            self.carry_out(state);
            (job, self.dropped(state))
        });
        job
    }

    pub(super) fn report(&self, task: TaskId, run: RunId, outcome: Outcome, slot: Option<u32>) {
        after(|| {
            let _dropped = self.shared.with(&self.this, |state| {
                if let Some(slot) = slot {
                    state.hold(task, slot);
                }
                if let Outcome::InputsLost(lost) = &outcome {
                    lost.iter().for_each(|task| state.let_go(*task));
                }
                let executed = Event::Executed { task, run, outcome };
                state.machine.handle(self.now(), executed, &mut state.actions);
                self.carry_out(state);
                self.dropped(state)
            });
        });
    }

    pub(super) fn happened(&self, event: Event) {
        after(|| {
            let _dropped = self.shared.with(&self.this, |state| {
                state.machine.handle(self.now(), event, &mut state.actions);
                self.carry_out(state);
                self.dropped(state)
            });
        });
    }

    /// The values of these that are here, wherever they are.
    pub(super) fn find(&self, tasks: &[TaskId]) -> Vec<(TaskId, u32, Found)> {
        self.shared.with(&self.this, |state| {
            let held = tasks.iter().filter(|task| state.machine.holds(**task));
            let found = held.filter_map(|task| {
                let slot = state.values.get(task)?.slot;
                Some((*task, slot, self.memory.store.find(slot).ok()?))
            });
            found.collect()
        })
    }

    /// Values could not be read from these slots.
    pub(super) fn lost(&self, mut lost: Vec<(TaskId, u32)>) {
        after(|| {
            let _dropped = self.shared.with(&self.this, |state| {
                // Another value may be there by now.
                lost.retain(|(task, slot)| {
                    state.values.get(task).is_some_and(|it| it.slot == *slot)
                });
                lost.iter().for_each(|(task, _)| state.let_go(*task));
                let lost = Event::Lost(lost.iter().map(|(task, _)| *task).collect());
                state.machine.handle(self.now(), lost, &mut state.actions);
                self.carry_out(state);
                self.dropped(state)
            });
        });
    }

    /// When values are needed next, by their slots: the larger the later.
    pub(super) fn next_uses(&self) -> FxHashMap<u32, u64> {
        self.shared.with(&self.this, |state| {
            let State { machine, values, .. } = state;
            let uses = values.iter().map(|(task, held)| {
                // Those that nothing here waits for come first, the oldest of them before others.
                let unclaimed = u64::from(machine.n_claims(*task) == 0) << 63;
                (held.slot, unclaimed | ((1 << 63) - 1 - held.used))
            });
            uses.collect()
        })
    }

    fn dropped(&self, state: &mut State) -> Dropped {
        Dropped(self.memory.clone(), std::mem::take(&mut state.dropped))
    }

    fn take_in(&self, state: &mut State) {
        loop {
            let incoming = self.shared.take();
            if incoming.is_empty() {
                return;
            }
            let now = self.now();
            for incoming in incoming {
                let event = match incoming {
                    Incoming::Scheduler(message) => Event::Scheduler(message),
                    Incoming::Fetched(request, None) => Event::FetchFailed { request },
                    Incoming::Fetched(request, Some(landed)) => {
                        Event::Fetched { request, values: state.hold_all(landed) }
                    }
                    Incoming::Put(landed) => Event::Put(state.hold_all(landed)),
                };
                state.machine.handle(now, event, &mut state.actions);
                // Before the next event: see `Action`.
                self.carry_out(state);
            }
        }
    }

    fn carry_out(&self, state: &mut State) {
        let (mut messages, mut closed) = (Vec::new(), None);
        let mut actions = std::mem::take(&mut state.actions);
        for action in actions.drain(..) {
            match action {
                Action::Scheduler(message) => messages.push(message),
                Action::DropValues(tasks) => {
                    tasks.iter().for_each(|task| state.let_go(*task));
                }
                Action::DropBlob(_) => {}
                Action::Ask { request, verb, body } => {
                    let this = self.this.clone();
                    let reply = Box::new(move |answer| {
                        if let Some(this) = this.upgrade() {
                            this.scheduler.post(vec![FromWorker::Answer { request, answer }]);
                        }
                    });
                    self.host().ask(verb, body, reply);
                }
                Action::Close(reason) => {
                    closed = Some(reason);
                }
                Action::Peer { worker, address } => self.peers.learn(worker, &address),
                Action::Wake(n) => {
                    self.threads.lock().n_wakes += n;
                    (0..n).for_each(|_| _ = self.work.notify_one());
                }
                Action::Fetch { peer, request, tasks } => {
                    let this = self.this.clone();
                    let then = Box::new(move |fetched: Option<Fetched>| {
                        let Some(this) = this.upgrade() else { return };
                        let landed = fetched.map(|fetched| this.memory.land(fetched));
                        this.told([Incoming::Fetched(request, landed)]);
                    });
                    self.peers.fetch(peer, tasks, then);
                }
            }
        }
        state.actions = actions;
        if !messages.is_empty() {
            self.scheduler.post(messages);
        }
        if let Some(reason) = closed {
            self.close(&reason);
        }
    }
}

impl State {
    /// A task's value is in this slot.
    fn hold(&mut self, task: TaskId, slot: u32) {
        self.n_uses += 1;
        let held = Held { slot, used: self.n_uses };
        let before = self.values.insert(task, held);
        self.dropped.extend(before.map(|held| held.slot));
    }

    fn let_go(&mut self, task: TaskId) {
        let held = self.values.remove(&task);
        self.dropped.extend(held.map(|held| held.slot));
    }

    /// Takes values in, and says what the machine has to know of them.
    fn hold_all(&mut self, landed: Vec<Landed>) -> Vec<Copied> {
        let mut all = Vec::with_capacity(landed.len());
        for Landed { slot, copied } in landed {
            self.hold(copied.task, slot);
            all.push(copied);
        }
        all
    }
}

impl Node for WorkerNode {
    fn turn(&self) {
        self.shared.turn(|state| {
            self.take_in(state);
            self.dropped(state)
        });
    }
}
