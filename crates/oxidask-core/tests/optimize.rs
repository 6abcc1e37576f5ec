//! Optimised graphs give the answers of the graphs they come from, with fewer tasks.

use std::sync::Arc;

use oxidask_core::graph::{Graph, GraphError, TaskGraph, TaskRef, elementwise};
use oxidask_core::key::Group;
use oxidask_core::layer::{AxisMap, IndexMap, Layer, LayerInput, MappedLayer, TaskSpec};
use oxidask_core::op::{Function, Op, TaskContext};
use oxidask_core::optimize::{Operand, Program, Step, fuse_blockwise, fuse_linear, inline};
use oxidask_core::reference::execute;
use oxidask_core::value::{Native, Value};
use proptest::prelude::*;

fn number(value: &Value) -> u64 {
    value.downcast_ref::<Native<u64>>().expect("a number").0
}

/// An op whose answer depends on the order of its arguments and on its own number.
fn mix(seed: u64) -> Arc<dyn Op> {
    Arc::new(Function::new(format!("mix{seed}"), move |inputs: &mut [Value], _: &_| {
        let sum = inputs.iter().enumerate().fold(seed, |sum, (at, value)| {
            sum.wrapping_mul(31).wrapping_add(at as u64 + number(value))
        });
        Ok(Value::new(Native(sum)))
    }))
}

/// An op that gives its block's number.
fn block() -> Arc<dyn Op> {
    Arc::new(Function::new("block", |_: &mut [Value], ctx: &TaskContext<'_>| {
        Ok(Value::new(Native(u64::from(ctx.block))))
    }))
}

fn answers(tasks: &TaskGraph) -> Vec<u64> {
    let values = execute(tasks).expect("no task fails");
    values.iter().map(number).collect()
}

fn expand(graph: Graph, outputs: &[TaskRef]) -> TaskGraph {
    Arc::new(graph).expand(outputs).expect("a whole graph")
}

#[test]
fn a_run_of_elementwise_layers_becomes_one() {
    let mut graph = Graph::new();
    let shape = [4, 5];
    let x = graph.push(elementwise("x", &shape, block(), &[]));
    let y = graph.push(elementwise("y", &shape, mix(1), &[x]));
    let z = graph.push(elementwise("z", &shape, mix(2), &[y, y]));
    let w = graph.push(elementwise("w", &shape, mix(3), &[z, x]));
    let total = graph.push(Layer::Mapped(MappedLayer {
        name: Group::new("total"),
        shape: [1].into(),
        op: mix(4),
        inputs: [LayerInput {
            layer: w,
            map: IndexMap::Axes([AxisMap::Every, AxisMap::Every].into()),
        }]
        .into(),
    }));
    let outputs = [TaskRef { layer: total, block: 0 }];
    let fused = fuse_blockwise(&graph, &[total]);
    let (before, after) = (expand(graph, &outputs), expand(fused, &outputs));
    assert_eq!((before.len(), after.len()), (4 * 20 + 1, 3 * 20 + 1));
    assert_eq!(answers(&before), answers(&after));
}

#[test]
fn an_output_layer_is_kept() {
    let mut graph = Graph::new();
    let x = graph.push(elementwise("x", &[3], block(), &[]));
    let y = graph.push(elementwise("y", &[3], mix(1), &[x]));
    let outputs = [TaskRef { layer: x, block: 2 }, TaskRef { layer: y, block: 2 }];
    let fused = expand(fuse_blockwise(&graph, &[x, y]), &outputs);
    assert_eq!(fused.len(), 2);
    assert_eq!(answers(&fused), answers(&expand(graph, &outputs)));
}

#[test]
fn chains_become_single_tasks() {
    let mut graph = Graph::new();
    let mut last = None;
    for i in 0..10 {
        let inputs = last.into_iter().collect();
        last = Some(graph.push_task(TaskSpec { key: (*i.to_string()).into(), op: mix(i), inputs }));
    }
    let tasks = expand(graph, &[last.unwrap()]);
    let (fused, outputs) = fuse_linear(&tasks);
    let fused = expand(fused, &outputs);
    assert_eq!(fused.len(), 1);
    assert_eq!(fused.key(0).to_string(), "9");
    assert_eq!(answers(&fused), answers(&tasks));
}

/// Random graphs: for each task the distances back to its inputs.
fn random_graph() -> impl Strategy<Value = (Graph, Vec<TaskRef>)> {
    let task = proptest::collection::vec(1u32..6, 0..4);
    (proptest::collection::vec(task, 1..30), any::<prop::sample::Index>()).prop_map(
        |(tasks, output)| {
            let mut graph = Graph::new();
            for (number, back) in tasks.iter().enumerate() {
                let inputs = back.iter().filter_map(|&b| {
                    let block = (number as u32).checked_sub(b)?;
                    Some(TaskRef { layer: 0, block })
                });
                let key = (*format!("t{number}")).into();
                graph.push_task(TaskSpec { key, op: mix(number as u64), inputs: inputs.collect() });
            }
            let last = TaskRef { layer: 0, block: tasks.len() as u32 - 1 };
            let other = TaskRef { layer: 0, block: output.index(tasks.len()) as u32 };
            (graph, vec![last, other])
        },
    )
}

proptest! {
    #[test]
    fn fusion_and_inlining_keep_the_answers((graph, outputs) in random_graph()) {
        let tasks = expand(graph, &outputs);
        let want = answers(&tasks);
        let (fused, fused_outputs) = fuse_linear(&tasks);
        let fused = expand(fused, &fused_outputs);
        prop_assert!(fused.len() <= tasks.len());
        prop_assert_eq!(&answers(&fused), &want);
        let (inlined, inlined_outputs) = inline(&fused, |task| task % 2 == 0);
        let inlined = expand(inlined, &inlined_outputs);
        prop_assert!(inlined.len() <= fused.len());
        prop_assert_eq!(&answers(&inlined), &want);
    }
}

#[test]
fn blocks_of_grids_keep_their_numbers_when_they_become_tasks_of_their_own() {
    let mut graph = Graph::new();
    let x = graph.push(elementwise("x", &[4], block(), &[]));
    let y = graph.push(elementwise("y", &[4], block(), &[x]));
    let outputs = [3, 1].map(|block| TaskRef { layer: y, block });
    for graph in [fuse_blockwise(&graph, &[y]), graph] {
        let tasks = expand(graph, &outputs);
        let (fused, fused_outputs) = fuse_linear(&tasks);
        assert_eq!(answers(&expand(fused, &fused_outputs)), [3, 1]);
        let (inlined, inlined_outputs) = inline(&tasks, |_| true);
        assert_eq!(answers(&expand(inlined, &inlined_outputs)), [3, 1]);
    }
}

#[test]
fn layers_that_read_themselves_are_left_for_the_cycle_to_be_found() {
    for cycle in [1, 2] {
        let mut graph = Graph::new();
        for i in 0..cycle {
            graph.push(elementwise("x", &[2], mix(0), &[(i + 1) % cycle]));
        }
        let y = graph.push(elementwise("y", &[2], mix(1), &[0]));
        let tasks = expand(fuse_blockwise(&graph, &[y]), &[TaskRef { layer: y, block: 0 }]);
        assert!(matches!(tasks.order(), Err(GraphError::Cycle { .. })));
    }
    let mut graph = Graph::new();
    let lost = graph.push(elementwise("lost", &[2], mix(0), &[7]));
    let fused = Arc::new(fuse_blockwise(&graph, &[lost]));
    let missing = fused.expand(&[TaskRef { layer: lost, block: 0 }]);
    assert!(matches!(missing, Err(GraphError::MissingTask { .. })));
}

#[test]
fn grids_that_numbers_cannot_count_are_refused() {
    let mut graph = Graph::new();
    let x = graph.push(elementwise("x", &[1 << 20, 1 << 20], block(), &[]));
    let error = Arc::new(graph).expand(&[TaskRef { layer: x, block: 0 }]).err().unwrap();
    assert!(matches!(error, GraphError::TooLarge { n, .. } if n == 1 << 40), "{error}");
    assert!(error.to_string().contains("\"x\"") && error.to_string().contains("1099511627776"));
}

/// A program hands each value over with its last use, so that ops may work in place.
#[test]
fn values_are_handed_over_with_their_last_use() {
    let add_in_place: Arc<dyn Op> =
        Arc::new(Function::new("add", |inputs: &mut [Value], _: &_| {
            let more: u64 = inputs[1..].iter().map(number).sum();
            let sum = inputs[0].get_mut::<Native<u64>>().expect("the only handle");
            sum.0 += more;
            Ok(inputs[0].clone())
        }));
    let step = |args: &[Operand]| Step { op: Arc::clone(&add_in_place), args: args.into() };
    let (a, b) = (Operand::Input(0), Operand::Input(1));
    let program = Program::new(vec![step(&[a, b, b]), step(&[Operand::Step(0), b])]);
    let cancelled = std::sync::atomic::AtomicBool::new(false);
    let ctx = TaskContext { block: 0, cancelled: &cancelled };
    let mut inputs = [1u64, 10].map(|n| Value::new(Native(n)));
    assert_eq!(number(&program.call(&mut inputs, &ctx).unwrap()), 31);
}
