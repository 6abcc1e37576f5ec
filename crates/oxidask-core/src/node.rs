//! Shared handles to tasks not yet in a graph: what delayed calls are made of.
//!
//! Each call makes one [`Node`] that points at the nodes it reads: constant time whatever stands
//! behind it, and a part that nobody holds any more is freed at once. [`collect`] lays out what
//! some nodes need as an explicit layer.

use std::sync::Arc;

use rustc_hash::FxHashMap;

use crate::graph::{Graph, GraphError, TaskRef};
use crate::key::Key;
use crate::layer::{ExplicitLayer, Layer};
use crate::op::Op;

/// A task and, through its inputs, everything that it needs.
#[derive(Clone)]
pub struct Node(Arc<Task>);

struct Task {
    key: Key,
    op: Arc<dyn Op>,
    inputs: Box<[Node]>,
}

impl Node {
    /// A task that takes the values of `inputs`.
    #[must_use]
    pub fn new(key: Key, op: Arc<dyn Op>, inputs: impl Into<Box<[Node]>>) -> Self {
        Self(Arc::new(Task { key, op, inputs: inputs.into() }))
    }

    /// The task's key.
    #[must_use]
    pub fn key(&self) -> &Key {
        &self.0.key
    }

    /// What the task runs.
    #[must_use]
    pub fn op(&self) -> &Arc<dyn Op> {
        &self.0.op
    }

    /// The tasks whose values it takes, in order.
    #[must_use]
    pub fn inputs(&self) -> &[Node] {
        &self.0.inputs
    }

    /// Whether both are the same task object, not only of the same key.
    #[must_use]
    pub fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Drop for Task {
    // A chain of a million calls would overflow the stack if each node dropped the next.
    fn drop(&mut self) {
        let mut doomed = std::mem::take(&mut self.inputs).into_vec();
        while let Some(Node(task)) = doomed.pop() {
            if let Some(mut task) = Arc::into_inner(task) {
                doomed.extend(std::mem::take(&mut task.inputs));
            }
        }
    }
}

/// Lays out what `outputs` need as one explicit layer. Of nodes with one key the first one found
/// stands for all. Inputs come before their readers.
///
/// # Errors
/// If a node needs another one of its own key.
pub fn collect(outputs: &[Node]) -> Result<(Graph, Vec<TaskRef>), GraphError> {
    let mut layer = ExplicitLayer::default();
    let mut blocks: FxHashMap<&Key, u32> = FxHashMap::default();
    // A node is met twice: first to send its inputs ahead, then to be appended.
    let mut stack: Vec<(&Node, bool)> = outputs.iter().rev().map(|node| (node, false)).collect();
    while let Some((node, inputs_sent)) = stack.pop() {
        if inputs_sent {
            let inputs =
                node.inputs().iter().map(|input| TaskRef { layer: 0, block: blocks[input.key()] });
            let inputs: Vec<_> = inputs.collect();
            if let Some(own) = inputs.iter().position(|input| input.block == PENDING) {
                let key = node.inputs()[own].key().to_string();
                return Err(GraphError::Cycle { keys: vec![key.clone(), key] });
            }
            let block = layer.push(node.key().clone(), Arc::clone(node.op()), inputs);
            blocks.insert(node.key(), block);
        } else if !blocks.contains_key(node.key()) {
            blocks.insert(node.key(), PENDING);
            stack.push((node, true));
            stack.extend(node.inputs().iter().rev().map(|input| (input, false)));
        }
    }
    let outputs = outputs.iter().map(|node| TaskRef { layer: 0, block: blocks[node.key()] });
    let outputs = outputs.collect();
    let mut graph = Graph::new();
    graph.push(Layer::Explicit(layer));
    Ok((graph, outputs))
}

const PENDING: u32 = u32::MAX;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::op::Constant;
    use crate::value::{Native, Value};

    fn node(key: &str, inputs: &[&Node]) -> Node {
        let op = Arc::new(Constant(Value::new(Native(0))));
        Node::new(key.into(), op, inputs.iter().map(|&n| n.clone()).collect::<Vec<_>>())
    }

    #[test]
    fn shared_nodes_are_laid_out_once_and_inputs_first() {
        let a = node("a", &[]);
        let (b, c) = (node("b", &[&a]), node("c", &[&a]));
        let d = node("d", &[&b, &c, &b]);
        let (graph, outputs) = collect(&[d, a]).unwrap();
        assert_eq!(graph.n_tasks(), 4);
        let mut inputs = Vec::new();
        graph.inputs(outputs[0], &mut inputs).unwrap();
        let keys: Vec<_> = inputs.iter().map(|&t| graph.key(t).to_string()).collect();
        assert_eq!(keys, ["b", "c", "b"]);
        assert_eq!(outputs[1].block, 0);
    }

    #[test]
    fn a_key_that_needs_itself_is_a_cycle() {
        let inner = node("x", &[]);
        let outer = node("x", &[&node("y", &[&inner])]);
        assert!(matches!(collect(&[outer]), Err(GraphError::Cycle { .. })));
    }

    #[test]
    fn long_chains_are_freed_without_recursion() {
        let mut tip = node("0", &[]);
        for i in 1..300_000 {
            tip = node(&i.to_string(), &[&tip]);
        }
        assert_eq!(collect(std::slice::from_ref(&tip)).unwrap().0.n_tasks(), 300_000);
        drop(tip);
    }
}
