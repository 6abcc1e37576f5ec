//! What the worker machine costs for each task: `cargo run --release -p oxidask-sched --example
//! worker_cost`.

use std::io::Write;
use std::time::Instant;

use oxidask_core::key::{Group, Key};
use oxidask_sched::ids::{RunId, TaskId, Time, WorkerId};
use oxidask_sched::message::{Compute, Input, Location, RunSpec, ToWorker};
use oxidask_sched::worker::{Copied, Event, Outcome, Worker, WorkerConfig};

/// Tasks of a round: few, so that some rounds are not interrupted.
const N: u32 = 2_000;
/// The quickest of these counts.
const ROUNDS: u32 = 500;
/// Tasks that the scheduler has sent ahead.
const AHEAD: u32 = 16;

fn id(slot: u32) -> TaskId {
    TaskId { slot, generation: 0 }
}

fn compute(group: &Group, slot: u32, inputs: Vec<Input>) -> Event {
    Event::Scheduler(ToWorker::Compute(Box::new(Compute {
        task: id(slot),
        run: RunId(1),
        key: Key::block(group.clone(), &[i64::from(slot)]),
        spec: RunSpec::default(),
        inputs,
        priority: u64::from(slot),
        resources: Vec::new(),
        inline: false,
        actor: false,
    })))
}

/// Nanoseconds a task of `N` that each read what `inputs` gives, from their arrival until their values are
/// freed.
#[expect(clippy::disallowed_methods, reason = "a measurement needs a clock")]
fn measure(inputs: impl Fn(u32) -> Vec<Input>) -> f64 {
    let group = Group::new("x");
    let mut events: Vec<Event> = (0..N).rev().map(|i| compute(&group, i, inputs(i))).collect();
    let mut worker = Worker::new(WorkerConfig::new(WorkerId(0), 1));
    let type_name = "int".into();
    let mut actions = Vec::new();
    let mut told = Vec::new();
    let start = Instant::now();
    for i in 0..N + AHEAD {
        if let Some(event) = events.pop() {
            worker.handle(Time(u64::from(i)), event, &mut actions);
        }
        for action in actions.drain(..) {
            if let oxidask_sched::worker::Action::Fetch { request, tasks, .. } = action {
                let copies = tasks.into_iter().map(|task| Copied {
                    task,
                    nbytes: 100,
                    type_name: std::sync::Arc::clone(&type_name),
                });
                told.push(Event::Fetched { request, values: copies.collect() });
            }
        }
        for event in told.drain(..) {
            worker.handle(Time(u64::from(i)), event, &mut actions);
        }
        if i < AHEAD {
            continue;
        }
        let Some(taken) = worker.next(&mut actions) else { continue };
        let outcome = Outcome::Value {
            begun_s: 0.0,
            thread: 0,
            nbytes: 8,
            duration_s: 0.0,
            type_name: std::sync::Arc::clone(&type_name),
            inline: None,
        };
        let event = Event::Executed { task: taken.task, run: taken.run, outcome };
        worker.handle(Time(u64::from(i)), event, &mut actions);
        let mut freed: Vec<TaskId> = taken.inputs.iter().map(|input| input.task).collect();
        freed.push(taken.task);
        let event = Event::Scheduler(ToWorker::Free(freed));
        worker.handle(Time(u64::from(i)), event, &mut actions);
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(N)
}

fn main() -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let best = |inputs: &dyn Fn(u32) -> Vec<Input>| {
        (0..ROUNDS).map(|_| measure(inputs)).fold(f64::INFINITY, f64::min)
    };
    writeln!(out, "without inputs     {:6.0} ns a task", best(&|_| Vec::new()))?;
    let fetched = |i| {
        let holders = std::iter::once(WorkerId(1 + i % 3)).collect();
        vec![Input { task: id(N + i), place: Location { holders, nbytes: 100 } }]
    };
    writeln!(out, "one fetched input  {:6.0} ns a task", best(&fetched))
}
