//! A cluster of this process: graphs run as the reference executor says, workers come and die.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use oxidask_core::graph::{Graph, TaskGraph, TaskRef};
use oxidask_core::key::Key;
use oxidask_core::layer::TaskSpec;
use oxidask_core::op::{Function, Op, TaskError};
use oxidask_core::reference::execute;
use oxidask_core::value::{Native, Value};
use oxidask_runtime::cluster::{ClusterError, LocalCluster};
use oxidask_sched::client::Event;
use proptest::prelude::*;

/// No test should take this long, whatever else the machine does.
const PATIENCE: Option<Duration> = Some(Duration::from_secs(120));

fn number(value: &Value) -> u64 {
    value.downcast_ref::<Native<u64>>().expect("a number").0
}

fn sum_plus(plus: u64) -> Arc<dyn Op> {
    Arc::new(Function::new("sum", move |inputs: &mut [Value], _: &_| {
        let sum = inputs.iter().map(number).fold(plus, u64::wrapping_add);
        Ok(Value::new(Native(sum.rotate_left(5))))
    }))
}

/// Task `i` reads tasks before it.
fn graph(inputs: &[Vec<usize>], op: impl Fn(usize) -> Arc<dyn Op>) -> Arc<TaskGraph> {
    let mut graph = Graph::new();
    let mut tasks: Vec<TaskRef> = Vec::new();
    for (i, inputs) in inputs.iter().enumerate() {
        let key = Key::from(format!("task-{i}").as_str());
        let inputs = inputs.iter().map(|&input| tasks[input]).collect();
        tasks.push(graph.push_task(TaskSpec { key, op: op(i), inputs }));
    }
    let outputs: Vec<TaskRef> = tasks.iter().copied().rev().take(3).collect();
    Arc::new(Arc::new(graph).expand(&outputs).expect("no cycle"))
}

fn run(cluster: &LocalCluster, graph: &TaskGraph) -> Result<Vec<u64>, ClusterError> {
    let (client, id) = cluster.connect("test");
    let keys = client.submit_graph(graph).expect("no cycle");
    let values = client.gather(&keys, PATIENCE);
    cluster.disconnect(&client, id);
    Ok(values?.iter().map(number).collect())
}

fn expected(graph: &TaskGraph) -> Vec<u64> {
    execute(graph).expect("it runs").iter().map(number).collect()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn any_graph_gives_what_the_reference_gives(
        seeds in prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..4), 1..80),
        n_workers in 1u32..4,
        n_threads in 1u32..3,
    ) {
        let inputs: Vec<Vec<usize>> = seeds
            .iter()
            .enumerate()
            .map(|(i, seeds)| if i == 0 { vec![] } else { seeds.iter().map(|s| s.index(i)).collect() })
            .collect();
        let graph = graph(&inputs, |i| sum_plus(i as u64));
        let cluster = LocalCluster::start(n_workers, n_threads).expect("threads");
        prop_assert_eq!(run(&cluster, &graph).expect("it runs"), expected(&graph));
        cluster.scheduler().check_invariants().expect("as it must be");
        prop_assert_eq!(cluster.scheduler().counts().tasks, 0);
    }
}

#[test]
fn a_failure_reaches_the_client_with_its_error_and_origin() {
    let graph = graph(&[vec![], vec![0], vec![1]], |i| match i {
        1 => Arc::new(Function::new("bad", |_: &mut [Value], _: &_| {
            Err(TaskError::raised(std::io::Error::other("no luck")))
        })),
        _ => sum_plus(0),
    });
    let cluster = LocalCluster::start(2, 1).expect("threads");
    let error = run(&cluster, &graph).expect_err("it fails");
    let ClusterError::Failed(failure) = &error else { panic!("{error:?}") };
    assert_eq!(failure.origin, Key::from("task-1"));
    assert!(error.task_error().is_some_and(|error| error.to_string() == "no luck"));
}

#[test]
fn a_panic_is_a_failure_of_its_task_only() {
    let bad = graph(&[vec![]], |_| {
        Arc::new(Function::new("bad", |_: &mut [Value], _: &_| panic!("ouch")))
    });
    let good = graph(&[vec![], vec![0]], |_| sum_plus(1));
    let cluster = LocalCluster::start(1, 1).expect("threads");
    assert!(run(&cluster, &bad).expect_err("it fails").to_string().contains("ouch"));
    assert_eq!(run(&cluster, &good).expect("it runs"), expected(&good));
}

#[test]
fn what_a_dead_worker_held_is_computed_again() {
    let runs = Arc::new(AtomicU32::new(0));
    let inputs: Vec<Vec<usize>> =
        (0..200).map(|i| if i < 100 { vec![] } else { vec![i - 100] }).collect();
    let counted = runs.clone();
    let graph = graph(&inputs, move |i| {
        let (op, runs) = (sum_plus(i as u64), counted.clone());
        Arc::new(Function::new("counted", move |inputs: &mut [Value], ctx: &_| {
            runs.fetch_add(1, Ordering::Relaxed);
            op.call(inputs, ctx)
        }))
    });
    let want = expected(&graph);
    let cluster = LocalCluster::start(3, 1).expect("threads");
    let (client, _) = cluster.connect("test");
    let keys = client.submit_graph(&graph).expect("no cycle");
    client.gather(&keys, PATIENCE).expect("it runs");
    let ids: Vec<_> = (0..3).map(oxidask_sched::ids::WorkerId).collect();
    for &id in &ids {
        cluster.add_worker(1).expect("a thread");
        cluster.kill_worker(id);
    }
    let values = client.gather(&keys, PATIENCE).expect("it runs again");
    assert_eq!(values.iter().map(number).collect::<Vec<_>>(), want);
    cluster.scheduler().check_invariants().expect("as it must be");
}

#[test]
fn released_futures_let_their_tasks_go() {
    let graph = graph(&[vec![], vec![0], vec![1], vec![2]], |_| sum_plus(1));
    let cluster = LocalCluster::start(2, 1).expect("threads");
    let (client, _) = cluster.connect("test");
    let keys = client.submit_graph(&graph).expect("no cycle");
    client.gather(&keys, PATIENCE).expect("it runs");
    client.handle(Event::Release(keys.clone()));
    let gone = client.gather(&keys, PATIENCE).expect_err("released");
    assert!(matches!(gone, ClusterError::Cancelled(_)), "{gone:?}");
    assert_eq!(cluster.scheduler().counts().tasks, 0);
}

#[test]
fn many_clients_at_once() {
    let cluster = LocalCluster::start(2, 2).expect("threads");
    let graph = graph(
        &(0..300)
            .map(|i| if i == 0 { vec![] } else { vec![i / 2] })
            .map(|v: Vec<usize>| v)
            .collect::<Vec<_>>(),
        |i| sum_plus(i as u64),
    );
    let want = expected(&graph);
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..10 {
                    assert_eq!(run(&cluster, &graph).expect("it runs"), want);
                }
            });
        }
    });
    assert_eq!(cluster.scheduler().counts().tasks, 0);
}
