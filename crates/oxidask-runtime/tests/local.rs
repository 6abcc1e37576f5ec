//! The local scheduler: right answers on every graph, within memory, and a clear end to failures.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use oxidask_core::graph::{Graph, TaskGraph, TaskRef};
use oxidask_core::layer::TaskSpec;
use oxidask_core::op::{Function, Lane, Op, TaskContext, TaskError};
use oxidask_core::reference::execute;
use oxidask_core::value::{Bytes, Native, Value};
use oxidask_runtime::local::{Failure, Pool, Run, RunOptions, run};
use oxidask_runtime::store::Budget;
use parking_lot::{Mutex, MutexGuard};
use proptest::prelude::*;

fn op(
    name: &'static str,
    f: impl Fn(&mut [Value], &TaskContext<'_>) -> Result<Value, TaskError> + Send + Sync + 'static,
) -> Arc<dyn Op> {
    Arc::new(Function::new(name, f))
}

fn number(value: &Value) -> u64 {
    value.downcast_ref::<Native<u64>>().unwrap().0
}

fn mix(seed: u64) -> Arc<dyn Op> {
    op("mix", move |inputs, _| {
        let sum = inputs.iter().fold(seed, |sum, v| sum.wrapping_mul(31).wrapping_add(number(v)));
        Ok(Value::new(Native(sum)))
    })
}

/// A lock that stands for an interpreter's.
struct TestLane(Mutex<()>);

static LANE: TestLane = TestLane(Mutex::new(()));

impl Lane for TestLane {
    fn id(&self) -> usize {
        7
    }

    fn enter(&self, body: &mut dyn FnMut()) {
        let _inside: MutexGuard<'_, ()> = self.0.lock();
        body();
    }
}

/// An op that runs in the test's lane, and checks that it does.
struct InLane(Arc<dyn Op>);

impl Op for InLane {
    fn call(&self, inputs: &mut [Value], ctx: &TaskContext<'_>) -> Result<Value, TaskError> {
        assert!(LANE.0.is_locked(), "a task of the lane ran outside of it");
        self.0.call(inputs, ctx)
    }

    fn lane(&self) -> Option<&'static dyn Lane> {
        Some(&LANE)
    }

    fn name(&self) -> std::borrow::Cow<'_, str> {
        self.0.name()
    }
}

#[derive(Default)]
struct Builder(Graph);

impl Builder {
    fn task(&mut self, key: &str, op: Arc<dyn Op>, inputs: &[TaskRef]) -> TaskRef {
        self.0.push_task(TaskSpec { key: key.into(), op, inputs: inputs.to_vec() })
    }

    fn expand(self, outputs: &[TaskRef]) -> TaskGraph {
        Arc::new(self.0).expand(outputs).unwrap()
    }
}

fn options(n_workers: usize) -> RunOptions {
    RunOptions { n_workers, ..RunOptions::default() }
}

fn compute(graph: TaskGraph, options: RunOptions) -> Result<Vec<Value>, Failure> {
    let run = Arc::new(Run::new(graph, Vec::new(), None, options).unwrap());
    run::compute(&run, &Pool::default(), &mut || true)?;
    Ok(run.values()?)
}

fn random_dag(tasks: &[(Vec<u32>, bool)]) -> (Builder, Vec<TaskRef>) {
    let mut graph = Builder::default();
    let mut refs: Vec<TaskRef> = Vec::new();
    for (i, (back, in_lane)) in tasks.iter().enumerate() {
        let inputs: Vec<TaskRef> =
            back.iter().filter_map(|&b| i.checked_sub(b as usize).map(|at| refs[at])).collect();
        let op = if *in_lane { Arc::new(InLane(mix(i as u64))) } else { mix(i as u64) };
        refs.push(graph.task(&format!("t{i}"), op, &inputs));
    }
    (graph, refs)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]
    #[test]
    fn any_number_of_workers_gives_the_reference_answers(
        tasks in proptest::collection::vec((proptest::collection::vec(1u32..20, 0..5), any::<bool>()), 1..200),
        n_workers in 1usize..6,
    ) {
        let (graph, refs) = random_dag(&tasks);
        let outputs = [*refs.last().unwrap(), refs[refs.len() / 2]];
        let want_graph = graph.0.clone();
        let mut want = Vec::new();
        // The reference runs in one thread; it stands inside the lane throughout.
        LANE.enter(&mut || {
            want = execute(&Arc::new(want_graph.clone()).expand(&outputs).unwrap()).unwrap();
        });
        let got = compute(graph.expand(&outputs), options(n_workers)).unwrap();
        prop_assert_eq!(
            got.iter().map(number).collect::<Vec<_>>(),
            want.iter().map(number).collect::<Vec<_>>()
        );
    }
}

#[test]
fn one_worker_follows_the_static_order() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let mut graph = Builder::default();
    let mut roots = Vec::new();
    for i in 0..50u64 {
        let log = Arc::clone(&seen);
        let root = op("root", move |_, _| {
            log.lock().push(i);
            Ok(Value::new(Native(i)))
        });
        roots.push(graph.task(&format!("r{i}"), root, &[]));
    }
    let pairs: Vec<_> = roots.chunks(2).map(|pair| graph.task("pair", mix(0), pair)).collect();
    let last = graph.task("last", mix(0), &pairs);
    let tasks = graph.expand(&[last]);
    let order = tasks.order().unwrap();
    let mut want: Vec<u64> = (0..50).collect();
    want.sort_by_key(|&i| order[i as usize]);
    compute(tasks, options(1)).unwrap();
    assert_eq!(*seen.lock(), want);
}

#[test]
fn a_failure_names_the_task_and_stops_the_rest() {
    let ran = Arc::new(AtomicUsize::new(0));
    let mut graph = Builder::default();
    let bad = graph.task("bad", op("bad", |_, _| Err(TaskError::raised(std::fmt::Error))), &[]);
    let count = Arc::clone(&ran);
    let after = op("after", move |_, _| {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(Value::new(Native(0u64)))
    });
    let after = graph.task("after", after, &[bad]);
    match compute(graph.expand(&[after]), options(2)) {
        Err(Failure::Task { key, error: TaskError::Raised(_) }) => {
            assert_eq!(key.to_string(), "bad")
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(ran.load(Ordering::Relaxed), 0);
}

#[test]
fn a_panic_is_a_failure_and_the_pool_lives_on() {
    let pool = Pool::default();
    for message in ["one", "two"] {
        let mut graph = Builder::default();
        let bad = graph.task("bad", op("bad", move |_, _| panic!("{message}")), &[]);
        let run = Run::new(graph.expand(&[bad]), Vec::new(), None, options(2)).unwrap();
        match run::compute(&Arc::new(run), &pool, &mut || true) {
            Err(Failure::Task { error: TaskError::Panicked(text), .. }) => {
                assert_eq!(text, message)
            }
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn giving_up_ends_the_wait_while_a_task_still_runs() {
    let mut graph = Builder::default();
    let long = op("long", |_, ctx| {
        while !ctx.is_cancelled() {
            std::thread::yield_now();
        }
        Err(TaskError::Cancelled)
    });
    let long = graph.task("long", long, &[]);
    let run = Arc::new(Run::new(graph.expand(&[long]), Vec::new(), None, options(1)).unwrap());
    let outcome = run::compute(&run, &Pool::default(), &mut || false);
    assert!(matches!(outcome, Err(Failure::Cancelled)), "{outcome:?}");
}

#[test]
fn a_cycle_is_refused_with_its_keys() {
    let mut graph = Builder::default();
    let later = TaskRef { layer: 0, block: 1 };
    let a = graph.task("a", mix(0), &[later]);
    graph.task("b", mix(0), &[a]);
    let error = Run::new(graph.expand(&[a]), Vec::new(), None, options(1)).err().unwrap();
    let text = error.to_string();
    assert!(text.contains('a') && text.contains('b') && text.contains("Cycle"), "{text}");
}

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
    let run = Arc::new(Run::new(graph.expand(&[total]), Vec::new(), None, options).unwrap());
    run::compute(&run, &Pool::default(), &mut || true).unwrap();
    let want: u64 = (0..128).sum::<u64>() + (1..127).sum::<u64>();
    assert_eq!(number(&run.values().unwrap()[0]), want);
    assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
}

#[test]
fn a_task_may_compute_on_the_same_pool() {
    let pool = Pool::default();
    let mut graph = Builder::default();
    let outer: Vec<_> = (0..8u64)
        .map(|i| {
            let pool = pool.clone();
            let nested = op("nested", move |_, _| {
                let mut inner = Builder::default();
                let a = inner.task("a", mix(i), &[]);
                let b = inner.task("b", mix(1), &[a]);
                let run = Run::new(inner.expand(&[b]), Vec::new(), None, options(2)).unwrap();
                let run = Arc::new(run);
                run::compute(&run, &pool, &mut || true).unwrap();
                Ok(run.values().unwrap().remove(0))
            });
            graph.task(&format!("n{i}"), nested, &[])
        })
        .collect();
    let run = Run::new(graph.expand(&outer), Vec::new(), None, options(4)).unwrap();
    let run = Arc::new(run);
    run::compute(&run, &pool, &mut || true).unwrap();
    let got: Vec<u64> = run.values().unwrap().iter().map(number).collect();
    assert_eq!(got, (0..8).map(|i| 31 + i).collect::<Vec<u64>>());
}
