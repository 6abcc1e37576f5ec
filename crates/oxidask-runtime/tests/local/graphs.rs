//! Graphs of small numbers, and of bytes.

use std::sync::Arc;

use oxidask_core::graph::{Graph, TaskGraph, TaskRef};
use oxidask_core::layer::TaskSpec;
use oxidask_core::op::{Function, Lane, Op, TaskContext, TaskError};
use oxidask_core::value::{Native, Value};
use oxidask_runtime::local::{Failure, Pool, Run, RunOptions, run};
use parking_lot::{Mutex, MutexGuard};

pub(crate) fn op(
    name: &'static str,
    f: impl Fn(&mut [Value], &TaskContext<'_>) -> Result<Value, TaskError> + Send + Sync + 'static,
) -> Arc<dyn Op> {
    Arc::new(Function::new(name, f))
}

pub(crate) fn number(value: &Value) -> u64 {
    value.downcast_ref::<Native<u64>>().expect("a number").0
}

pub(crate) fn mix(seed: u64) -> Arc<dyn Op> {
    op("mix", move |inputs, _| {
        let sum = inputs.iter().fold(seed, |sum, v| sum.wrapping_mul(31).wrapping_add(number(v)));
        Ok(Value::new(Native(sum)))
    })
}

/// A lock that stands for an interpreter's.
pub(crate) struct TestLane(Mutex<()>);

pub(crate) static LANE: TestLane = TestLane(Mutex::new(()));

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
pub(crate) struct InLane(pub(crate) Arc<dyn Op>);

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
pub(crate) struct Builder(pub(crate) Graph);

impl Builder {
    pub(crate) fn task(&mut self, key: &str, op: Arc<dyn Op>, inputs: &[TaskRef]) -> TaskRef {
        self.0.push_task(TaskSpec { key: key.into(), op, inputs: inputs.to_vec() })
    }

    pub(crate) fn expand(self, outputs: &[TaskRef]) -> TaskGraph {
        Arc::new(self.0).expand(outputs).expect("a whole graph")
    }
}

pub(crate) fn options(n_workers: usize) -> RunOptions {
    RunOptions { n_workers, ..RunOptions::default() }
}

pub(crate) fn prepared(graph: TaskGraph, options: RunOptions) -> Arc<Run> {
    Arc::new(Run::new(graph, Vec::new(), None, options).expect("no cycle"))
}

pub(crate) fn compute(graph: TaskGraph, options: RunOptions) -> Result<Vec<Value>, Failure> {
    let run = prepared(graph, options);
    run::compute(&run, &Pool::default(), &mut || true)?;
    Ok(run.values()?)
}

pub(crate) fn random_dag(tasks: &[(Vec<u32>, bool)]) -> (Builder, Vec<TaskRef>) {
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
