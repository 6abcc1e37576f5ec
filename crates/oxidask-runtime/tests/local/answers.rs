//! Right answers, whatever the workers do.

use std::sync::Arc;

use oxidask_core::graph::TaskRef;
use oxidask_core::op::Lane;
use oxidask_core::reference::execute;
use oxidask_core::value::{Native, Value};
use oxidask_runtime::local::{Pool, Run, run};
use parking_lot::Mutex;
use proptest::prelude::*;

use crate::graphs::{Builder, LANE, compute, mix, number, op, options, prepared, random_dag};

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
                let run = prepared(inner.expand(&[b]), options(2));
                run::compute(&run, &pool, &mut || true).unwrap();
                Ok(run.values().unwrap().remove(0))
            });
            graph.task(&format!("n{i}"), nested, &[])
        })
        .collect();
    let run = prepared(graph.expand(&outer), options(4));
    run::compute(&run, &pool, &mut || true).unwrap();
    let got: Vec<u64> = run.values().unwrap().iter().map(number).collect();
    assert_eq!(got, (0..8).map(|i| 31 + i).collect::<Vec<u64>>());
}

/// `a <- b <- c` and `a <- d`, where `b` is given: what reads it sees the given value, it never runs
/// itself, not even when `a` is done, and `a` runs only if `d` is asked for.
#[test]
fn a_given_task_never_runs_nor_does_what_only_it_needs() {
    for with_d in [false, true] {
        let log = Arc::new(Mutex::new(Vec::new()));
        let logged = |name: &'static str| {
            let log = Arc::clone(&log);
            op(name, move |inputs, _| {
                log.lock().push(name);
                Ok(Value::new(Native(1 + inputs.iter().map(number).sum::<u64>())))
            })
        };
        let mut graph = Builder::default();
        let a = graph.task("a", logged("a"), &[]);
        let b = graph.task("b", logged("b"), &[a]);
        let c = graph.task("c", logged("c"), &[b]);
        let d = graph.task("d", logged("d"), &[a]);
        let e = graph.task("e", logged("e"), &[d, c]);
        let tasks = graph.expand(&[if with_d { e } else { c }]);
        let b = (0..tasks.len() as u32).find(|&t| tasks.key(t).to_string() == "b").unwrap();
        // Of two values the last counts.
        let given = [10u64, 100].map(|n| (b, Value::new(Native(n)))).to_vec();
        let run = Arc::new(Run::new(tasks, given, None, options(2)).unwrap());
        run::compute(&run, &Pool::default(), &mut || true).unwrap();
        assert_eq!(number(&run.values().unwrap()[0]), if with_d { 104 } else { 101 });
        let mut ran = log.lock().clone();
        ran.sort_unstable();
        assert_eq!(ran, if with_d { vec!["a", "c", "d", "e"] } else { vec!["c"] });
    }
}

#[test]
fn an_output_may_be_asked_for_twice_and_read_too() {
    let mut graph = Builder::default();
    let a = graph.task("a", mix(3), &[]);
    let b = graph.task("b", mix(1), &[a, a]);
    let got = compute(graph.expand(&[a, b, a, b, b]), options(2)).unwrap();
    assert_eq!(
        got.iter().map(number).collect::<Vec<_>>(),
        [3, 34 * 31 + 3, 3, 34 * 31 + 3, 34 * 31 + 3]
    );
}
