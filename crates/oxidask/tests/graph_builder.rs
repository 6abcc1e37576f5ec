//! Graphs by key: their answers, and what is refused before anything runs.

use oxidask::{Error, GraphBuilder, KeyedGraph, compute};
use proptest::prelude::*;

fn refused(graph: GraphBuilder) -> String {
    graph.build().map(drop).expect_err("a mistake").to_string()
}

#[test]
fn tasks_read_by_name_in_any_order() {
    let mut graph = GraphBuilder::new();
    graph.task("d", ["b", "c", "a"], |b: &i8, c: &String, a: &i64| format!("{b}{c}{a}"));
    graph.task("c", [], || "-".to_owned());
    graph.try_task("b", ["a"], |a: &i64| i8::try_from(a * 2));
    graph.value("a", 4i64);
    let graph = graph.build().unwrap();
    assert_eq!(graph.keys().map(ToString::to_string).collect::<Vec<_>>(), ["d", "c", "b", "a"]);
    let (d, b) = (graph.get::<String>("d").unwrap(), graph.get::<i8>("b").unwrap());
    let (d, b) = compute((&d, &b)).unwrap();
    assert_eq!((d.as_str(), *b), ("8-4", 8));
}

#[test]
fn mistakes_are_named() {
    let mut graph = GraphBuilder::new();
    graph.task("sum", ["x", "missing"], |x: &i64, y: &i64| x + y);
    graph.value("x", 1i64);
    assert_eq!(refused(graph), "sum reads missing, which is not in the graph");

    let mut graph = GraphBuilder::new();
    graph.value("x", 1i64);
    graph.value("x", 2i64);
    assert!(refused(graph).contains("two tasks named x"));

    let mut graph = GraphBuilder::new();
    graph.value("x", 1i64);
    graph.task("y", ["x", "x"], |x: &i64| *x);
    assert_eq!(refused(graph), "the function of task y takes 1 values, and 2 keys are given");

    let mut graph = GraphBuilder::new();
    graph.value("x", 1i64);
    graph.task("y", ["x"], |x: &f64| *x);
    assert_eq!(
        refused(graph),
        "the function of task y expects a f64 from task x, which gives a i64"
    );

    let mut graph = GraphBuilder::new();
    graph.value("x", 1i64);
    graph.value("y", 1u8);
    graph.task_of_all("z", ["x", "y"], |all: &[&i64]| all.len());
    assert!(refused(graph).contains("expects a i64 from task y"));

    let mut graph = GraphBuilder::new();
    graph.value("start", 1i64);
    graph.task("a", ["c", "start"], |c: &i64, s: &i64| c + s);
    graph.task("b", ["a"], |a: &i64| *a);
    graph.task("c", ["b"], |b: &i64| *b);
    let cycle = refused(graph);
    assert!(cycle.contains("graph: a -> ") && cycle.ends_with("-> a"), "{cycle}");
    assert!(
        ["b", "c"].iter().all(|key| cycle.contains(key)) && !cycle.contains("start"),
        "{cycle}"
    );
}

#[test]
fn keys_and_types_are_checked_when_values_are_asked_for() {
    let mut graph = GraphBuilder::new();
    (0..12).for_each(|i| graph.value(&format!("x{i}"), i));
    let graph = graph.build().unwrap();
    let error = graph.get::<i32>("y").unwrap_err();
    assert!(matches!(error, Error::UnknownKey { .. }));
    assert!(error.to_string().starts_with("the graph has no task named y; it has x0, x1, "));
    assert!(error.to_string().ends_with(", x9, ..."), "{error}");
    let error = graph.get::<u64>("x3").unwrap_err().to_string();
    assert_eq!(error, "the caller expects a u64 from task x3, which gives a i32");
}

#[test]
fn a_failing_task_keeps_its_error() {
    let mut graph = GraphBuilder::new();
    graph.try_task("n", [], || "x".parse::<u8>());
    let error = graph.build().unwrap().get::<u8>("n").unwrap().compute().unwrap_err();
    assert!(error.to_string().starts_with("task n failed: "));
    assert!(error.cause::<std::num::ParseIntError>().is_some());
}

#[test]
fn spillable_tasks_go_to_disk() {
    let mut graph = GraphBuilder::new();
    let names: Vec<String> = (0..64).map(|i| format!("chunk-{i}")).collect();
    for (name, i) in names.iter().zip(0u8..) {
        graph.task(name, [], move || vec![i; 1 << 20]).spillable();
    }
    let all = || names.iter().map(String::as_str);
    graph.task_of_all("sum", all(), |chunks: &[&Vec<u8>]| {
        chunks.iter().map(|chunk| u64::from(chunk[77])).sum::<u64>()
    });
    let sum = graph.build().unwrap().get::<u64>("sum").unwrap();
    let scheduler = oxidask::Scheduler::threads().memory_limit_bytes(8 << 20);
    let computation = scheduler.start(&sum).unwrap();
    computation.finish().unwrap();
    assert!(computation.spilled_bytes() > 0);
    assert_eq!(*computation.wait().unwrap(), (0..64).sum::<u64>());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn graphs_give_the_answers_of_direct_evaluation(
        backs in proptest::collection::vec(proptest::collection::vec(1usize..10, 0..4), 1..60),
        turn in 0usize..60,
    ) {
        let inputs: Vec<Vec<usize>> = backs
            .iter()
            .enumerate()
            .map(|(i, back)| back.iter().filter_map(|&b| i.checked_sub(b)).collect())
            .collect();
        let mut want: Vec<u64> = Vec::new();
        for (i, row) in inputs.iter().enumerate() {
            want.push(row.iter().fold(i as u64, |sum, &at| sum.wrapping_mul(31).wrapping_add(want[at])));
        }
        let names: Vec<String> = (0..inputs.len()).map(|i| format!("t{i}")).collect();
        let mut graph = GraphBuilder::new();
        for at in 0..inputs.len() {
            // Readers may well be added before what they read.
            let i = (at + turn) % inputs.len();
            let row = inputs[i].iter().map(|&input| names[input].as_str());
            graph.task_of_all(&names[i], row, move |values: &[&u64]| {
                values.iter().fold(i as u64, |sum, &&x| sum.wrapping_mul(31).wrapping_add(x))
            });
        }
        let graph: KeyedGraph = graph.build().unwrap();
        let all: Vec<_> = names.iter().map(|name| graph.get::<u64>(name).unwrap()).collect();
        let got = compute(&all).unwrap();
        prop_assert_eq!(got.iter().map(|x| **x).collect::<Vec<_>>(), want);
    }
}
