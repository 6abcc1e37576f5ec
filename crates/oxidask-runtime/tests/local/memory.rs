//! Values that do not fit in memory, and where they go.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, AtomicU32, Ordering};
use std::time::Duration;

use oxidask_core::graph::TaskRef;
use oxidask_core::op::{Op, TaskError};
use oxidask_core::value::{Bytes, CodecError, Encoded, Family, Native, Payload, Value};
use oxidask_runtime::local::{Failure, Pool, Run, RunOptions, run};
use oxidask_runtime::store::Budget;
use proptest::prelude::*;

use crate::graphs::{Builder, InLane, number, op, options, prepared};

#[test]
fn values_that_sum_to_four_budgets_are_spilled_and_come_back_right() {
    let directory = tempfile::tempdir().unwrap();
    let mib = 1usize << 20;
    let mut graph = Builder::default();
    let chunks: Vec<_> = (0..128u64)
        .map(|i| {
            let fill = op("fill", move |_, _| Ok(Value::new(Bytes(vec![i as u8; 2 * mib].into()))));
            graph.task(&format!("fill-{i}"), fill, &[])
        })
        .collect();
    // Every chunk is read twice, by tasks that lie far apart in the order.
    let sum_of = move |values: &mut [Value]| {
        values.iter().map(|v| u64::from(v.downcast_ref::<Bytes>().unwrap().0[mib])).sum::<u64>()
    };
    let all = graph.task("all", op("barrier", |_, _| Ok(Value::new(Native(0u64)))), &chunks[..1]);
    let mut sums = Vec::new();
    for pair in chunks.chunks(2).chain(chunks[1..127].chunks(2)) {
        let sum = op("sum", move |inputs, _| {
            let (head, tail) = inputs.split_at_mut(1);
            assert_eq!(number(&head[0]), 0);
            Ok(Value::new(Native(sum_of(tail))))
        });
        sums.push(graph.task("sum", sum, &[&[all], pair].concat()));
    }
    let total = graph.task(
        "total",
        op("total", |inputs, _| Ok(Value::new(Native(inputs.iter().map(number).sum::<u64>())))),
        &sums,
    );
    let budget = Budget { memory_bytes: 64 << 20, spill_directory: directory.path().into() };
    let options = RunOptions { n_workers: 2, budget, slice: Duration::from_millis(1) };
    let run = prepared(graph.expand(&[total]), options);
    run::compute(&run, &Pool::default(), &mut || true).unwrap();
    let want: u64 = (0..128).sum::<u64>() + (1..127).sum::<u64>();
    assert_eq!(number(&run.values().unwrap()[0]), want);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

/// Payloads that are alive. Only `every_value_dies_with_its_run` makes any.
static N_ALIVE: AtomicIsize = AtomicIsize::new(0);

/// A number with ballast. Every seventh has no byte form.
struct Counted {
    number: u64,
    ballast: Vec<u8>,
}

impl Counted {
    fn value(number: u64, ballast: Vec<u8>) -> Value {
        N_ALIVE.fetch_add(1, Ordering::Relaxed);
        Value::new(Self { number, ballast })
    }

    fn of(value: &Value) -> u64 {
        let counted = value.downcast_ref::<Self>().expect("a counted value");
        assert!(counted.ballast.iter().all(|&byte| byte == counted.number as u8));
        counted.number
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        N_ALIVE.fetch_sub(1, Ordering::Relaxed);
    }
}

struct CountedFamily;

impl Family for CountedFamily {
    fn name(&self) -> &'static str {
        "counted"
    }

    fn decode(&self, header: &[u8], mut buffers: Vec<Vec<u8>>) -> Result<Value, CodecError> {
        let number = header.try_into().map(u64::from_le_bytes).expect("eight bytes");
        Ok(Counted::value(number, buffers.pop().unwrap_or_default()))
    }
}

impl Payload for Counted {
    fn family(&self) -> &'static dyn Family {
        &CountedFamily
    }

    fn nbytes(&self) -> u64 {
        self.ballast.len() as u64
    }

    fn type_name(&self) -> Cow<'_, str> {
        "counted".into()
    }

    fn encode(&self) -> Result<Encoded, CodecError> {
        if self.number.is_multiple_of(7) {
            return Native(()).encode();
        }
        let buffers = vec![Box::new(self.ballast.clone()) as _];
        Ok(Encoded { header: self.number.to_le_bytes().into(), buffers })
    }
}

#[derive(Debug, Clone)]
struct RandomTask {
    /// Distances back to its inputs.
    back: Vec<usize>,
    kib: usize,
    is_in_lane: bool,
    fails: bool,
    is_given: bool,
}

fn random_task() -> impl Strategy<Value = RandomTask> {
    (
        proptest::collection::vec(1usize..16, 0..5),
        0usize..300,
        any::<bool>(),
        proptest::bool::weighted(0.01),
        proptest::bool::weighted(0.03),
    )
        .prop_map(|(back, kib, is_in_lane, fails, is_given)| RandomTask {
            back,
            kib,
            is_in_lane,
            fails,
            is_given,
        })
}

fn inputs_of(tasks: &[RandomTask], task: usize) -> impl Iterator<Item = usize> {
    tasks[task].back.iter().filter_map(move |&back| task.checked_sub(back))
}

fn sum(number: usize, inputs: impl Iterator<Item = u64>) -> u64 {
    inputs.fold(number as u64, |sum, input| sum.wrapping_mul(31).wrapping_add(input))
}

/// The graph, and how often each of its tasks has run.
fn counted_graph(tasks: &[RandomTask]) -> (Builder, Vec<TaskRef>, Arc<[AtomicU32]>) {
    let n_runs: Arc<[AtomicU32]> = (0..tasks.len()).map(|_| AtomicU32::new(0)).collect();
    let mut graph = Builder::default();
    let mut refs: Vec<TaskRef> = Vec::new();
    for (number, task) in tasks.iter().enumerate() {
        let n_runs = Arc::clone(&n_runs);
        let (fails, n_bytes) = (task.fails, task.kib << 10);
        let op = op("sum", move |inputs, _| {
            n_runs[number].fetch_add(1, Ordering::Relaxed);
            if fails {
                return Err(TaskError::raised(std::fmt::Error));
            }
            let sum = sum(number, inputs.iter().map(Counted::of));
            Ok(Counted::value(sum, vec![sum as u8; n_bytes]))
        });
        let op: Arc<dyn Op> = if task.is_in_lane { Arc::new(InLane(op)) } else { op };
        let inputs: Vec<TaskRef> = inputs_of(tasks, number).map(|input| refs[input]).collect();
        refs.push(graph.task(&format!("t{number}"), op, &inputs));
    }
    (graph, refs, n_runs)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]
    #[test]
    fn every_value_dies_with_its_run(
        tasks in proptest::collection::vec(random_task(), 1..80),
        budget_kib in 64u64..8192,
        n_workers in 1usize..5,
    ) {
        let directory = tempfile::tempdir().unwrap();
        let (graph, refs, n_runs) = counted_graph(&tasks);
        let outputs = [refs[refs.len() - 1], refs[refs.len() / 2]];
        let graph = graph.expand(&outputs);
        let number_of = |task: u32| graph.origin(task).block as usize;
        // What each task should give, whether it has to run, and whether it can.
        let mut want: Vec<u64> = Vec::new();
        let mut is_doomed: Vec<bool> = Vec::new();
        for (number, task) in tasks.iter().enumerate() {
            want.push(sum(number, inputs_of(&tasks, number).map(|input| want[input])));
            let doomed = inputs_of(&tasks, number).any(|input| is_doomed[input]);
            is_doomed.push(!task.is_given && (task.fails || doomed));
        }
        let mut is_needed = vec![false; tasks.len()];
        for number in (0..tasks.len()).rev() {
            is_needed[number] |= outputs.iter().any(|output| output.block as usize == number);
            if is_needed[number] && !tasks[number].is_given {
                inputs_of(&tasks, number).for_each(|input| is_needed[input] = true);
            }
        }
        let given = (0..graph.len() as u32).filter(|&task| tasks[number_of(task)].is_given);
        let given = given.map(|task| {
            let sum = want[number_of(task)];
            (task, Counted::value(sum, vec![sum as u8; 100_000]))
        });
        let given = given.collect();
        let budget =
            Budget { memory_bytes: budget_kib << 10, spill_directory: directory.path().into() };
        let options = RunOptions { budget, ..options(n_workers) };
        let run = Arc::new(Run::new(graph, given, None, options).unwrap());
        let outcome = run::compute(&run, &Pool::default(), &mut || true);
        // The workers leave when their last tasks have ended.
        while Arc::strong_count(&run) > 1 {
            std::thread::yield_now();
        }
        let fails = |number: usize| tasks[number].fails && !tasks[number].is_given;
        for (number, n_runs) in n_runs.iter().enumerate() {
            let n_runs = n_runs.load(Ordering::Relaxed);
            let may_run = is_needed[number]
                && !tasks[number].is_given
                && !inputs_of(&tasks, number).any(|input| is_doomed[input]);
            prop_assert!(n_runs <= u32::from(may_run), "t{} ran {} times", number, n_runs);
            prop_assert!(outcome.is_err() || n_runs == u32::from(may_run));
        }
        match outcome {
            Ok(()) => {
                prop_assert!((0..tasks.len()).all(|number| !(is_needed[number] && fails(number))));
                let got: Vec<u64> = run.values().unwrap().iter().map(Counted::of).collect();
                prop_assert_eq!(got, outputs.map(|output| want[output.block as usize]));
            }
            Err(Failure::Task { key, error: TaskError::Raised(_) }) => {
                let number: usize = key.to_string()[1..].parse().unwrap();
                prop_assert!(is_needed[number] && fails(number));
            }
            Err(other) => prop_assert!(false, "{}", other),
        }
        drop(run);
        prop_assert_eq!(N_ALIVE.load(Ordering::Relaxed), 0);
        prop_assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
