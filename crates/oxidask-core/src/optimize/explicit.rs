//! Fusion and inlining of expanded tasks.

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;

use super::program::{Operand, Program, Step, same_lane};
use crate::graph::{Graph, TaskGraph, TaskRef};
use crate::layer::{ExplicitLayer, Layer};
use crate::op::{Lane, Op, TaskContext, TaskError};
use crate::value::Value;

/// Merges chains: a task whose only reader reads nothing else runs in one with it.
///
/// Gives a graph of one explicit layer, and the outputs in it. Linear in tasks and edges.
#[must_use]
pub fn fuse_linear(tasks: &TaskGraph) -> (Graph, Vec<TaskRef>) {
    let is_output = outputs_of(tasks);
    let dag = tasks.dag();
    let next = |task: u32| match dag.users.row(task) {
        [user]
            if dag.inputs.row(*user) == [task]
                && tasks.args(*user) == [task]
                && !is_output[task as usize]
                && same_lane(&**tasks.op(task), &**tasks.op(*user)) =>
        {
            Some(*user)
        }
        _ => None,
    };
    let mut merged_into = vec![false; tasks.len()];
    for task in 0..tasks.len() as u32 {
        if let Some(user) = next(task) {
            merged_into[user as usize] = true;
        }
    }
    let mut rewrite = Rewrite::new(tasks);
    for head in (0..tasks.len() as u32).filter(|&task| !merged_into[task as usize]) {
        let mut steps = Program::steps_of(&op_of(tasks, head), tasks.args(head).len() as u32);
        let mut last = head;
        while let Some(user) = next(last) {
            let before = steps.len() as u32 - 1;
            steps.extend(spliced(&op_of(tasks, user), &[Operand::Step(before)], before + 1));
            last = user;
        }
        let op: Arc<dyn Op> =
            if last == head { op_of(tasks, head) } else { Arc::new(Program::new(steps)) };
        rewrite.push(last, op, tasks.args(head).to_vec());
    }
    rewrite.finish()
}

/// Runs cheap tasks without inputs again in each of their readers instead of keeping their
/// values. `cheap` says which tasks qualify; outputs stay, and so do tasks of another lane than
/// their reader's.
#[must_use]
pub fn inline(tasks: &TaskGraph, cheap: impl Fn(u32) -> bool) -> (Graph, Vec<TaskRef>) {
    let is_output = outputs_of(tasks);
    let candidate = |task: u32| tasks.args(task).is_empty() && cheap(task);
    let goes_into =
        |task: u32, user: u32| candidate(task) && same_lane(&**tasks.op(task), &**tasks.op(user));
    let mut rewrite = Rewrite::new(tasks);
    for task in 0..tasks.len() as u32 {
        let users = tasks.dag().users.row(task);
        let gone = !is_output[task as usize]
            && !users.is_empty()
            && users.iter().all(|&user| goes_into(task, user));
        if gone {
            continue;
        }
        let args = tasks.args(task);
        if !args.iter().any(|&input| goes_into(input, task)) {
            rewrite.push(task, op_of(tasks, task), args.to_vec());
            continue;
        }
        let (mut steps, mut kept, mut operands) = (Vec::new(), Vec::new(), Vec::new());
        for &input in args {
            if goes_into(input, task) {
                steps.extend(spliced(&op_of(tasks, input), &[], steps.len() as u32));
                operands.push(Operand::Step(steps.len() as u32 - 1));
            } else {
                operands.push(Operand::Input(kept.len() as u32));
                kept.push(input);
            }
        }
        steps.extend(spliced(&op_of(tasks, task), &operands, steps.len() as u32));
        rewrite.push(task, Arc::new(Program::new(steps)), kept);
    }
    rewrite.finish()
}

/// The steps of `op`, numbered from `base`, reading `operands` in place of its inputs.
pub(super) fn spliced(op: &Arc<dyn Op>, operands: &[Operand], base: u32) -> Vec<Step> {
    let mut steps = Program::steps_of(op, operands.len() as u32);
    for arg in steps.iter_mut().flat_map(|step| &mut step.args) {
        *arg = match *arg {
            Operand::Input(i) => operands[i as usize],
            Operand::Step(i) => Operand::Step(base + i),
        };
    }
    steps
}

fn outputs_of(tasks: &TaskGraph) -> Vec<bool> {
    let mut is_output = vec![false; tasks.len()];
    for &output in tasks.outputs() {
        is_output[output as usize] = true;
    }
    is_output
}

/// A task's op, for use under another block number.
fn op_of(tasks: &TaskGraph, task: u32) -> Arc<dyn Op> {
    let op = tasks.op(task);
    let TaskRef { layer, block } = tasks.origin(task);
    match &tasks.graph().layers()[layer as usize] {
        Layer::Explicit(_) => Arc::clone(op),
        Layer::Mapped(_) => match op.as_program() {
            None => Arc::new(Placed { op: Arc::clone(op), block }),
            Some(program) => {
                let place = |step: &Step| Step {
                    op: Arc::new(Placed { op: Arc::clone(&step.op), block }),
                    args: step.args.clone(),
                };
                Arc::new(Program::new(program.steps().iter().map(place).collect()))
            }
        },
    }
}

/// The op of a grid's block: it finds the block's number in its context, wherever it runs.
struct Placed {
    op: Arc<dyn Op>,
    block: u32,
}

impl Op for Placed {
    fn call(&self, inputs: &mut [Value], ctx: &TaskContext<'_>) -> Result<Value, TaskError> {
        self.op.call(inputs, &TaskContext { block: self.block, ..*ctx })
    }

    fn lane(&self) -> Option<&'static dyn Lane> {
        self.op.lane()
    }

    fn name(&self) -> Cow<'_, str> {
        self.op.name()
    }

    fn constant(&self) -> Option<Value> {
        self.op.constant()
    }

    fn as_any(&self) -> Option<&dyn Any> {
        self.op.as_any()
    }
}

/// A new explicit layer in the making, whose tasks stand for old ones.
struct Rewrite<'a> {
    tasks: &'a TaskGraph,
    specs: Vec<(u32, Arc<dyn Op>, Vec<u32>)>,
    block_of: Vec<u32>,
}

impl<'a> Rewrite<'a> {
    fn new(tasks: &'a TaskGraph) -> Self {
        Self { tasks, specs: Vec::new(), block_of: vec![u32::MAX; tasks.len()] }
    }

    /// Adds the task that gives the value of old task `task` from those of old tasks `args`.
    fn push(&mut self, task: u32, op: Arc<dyn Op>, args: Vec<u32>) {
        self.block_of[task as usize] = self.specs.len() as u32;
        self.specs.push((task, op, args));
    }

    fn finish(self) -> (Graph, Vec<TaskRef>) {
        let place = |old: u32| TaskRef { layer: 0, block: self.block_of[old as usize] };
        let mut layer = ExplicitLayer::with_capacity(self.specs.len());
        for (task, op, args) in &self.specs {
            let args = args.iter().map(|&old| place(old));
            layer.push(self.tasks.key(*task), Arc::clone(op), args);
        }
        let outputs = self.tasks.outputs().iter().map(|&old| place(old)).collect();
        let mut graph = Graph::new();
        graph.push(Layer::Explicit(layer));
        (graph, outputs)
    }
}
