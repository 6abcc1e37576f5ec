//! Arrays of delayed values, and the blocks of arrays as delayed values.

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;

use oxidask_array::ops::KernelOp;
use oxidask_array::plan::array::{Array, Build, Node as ArrayNode};
use oxidask_array::plan::lower::{self, Fusion};
use oxidask_core::graph::TaskRef;
use oxidask_core::key::{Group, Key};
use oxidask_core::layer::n_blocks;
use oxidask_core::node::{self, Node};
use oxidask_core::op::{Lane, Op, TaskContext, TaskError};
use oxidask_core::value::Value;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use rustc_hash::FxHashMap;

use crate::array::block_op::BlockOp;
use crate::array::expr::{ArrayExpr, IntoPython, PyChunks, dtype_of};
use crate::delayed::Delayed;
use crate::graph::graph_error;

/// The op of one block of a layer, as a task of its own.
pub(crate) struct BlockOf {
    pub(crate) op: Arc<dyn Op>,
    pub(crate) block: u32,
}

impl BlockOf {
    /// The op of a block, which other ops than those of array layers don't look at.
    fn of(op: &Arc<dyn Op>, block: u32) -> Arc<dyn Op> {
        let any = op.as_any();
        let looks = any.is_some_and(|any| any.is::<KernelOp>() || any.is::<BlockOp>());
        if looks { Arc::new(Self { op: Arc::clone(op), block }) } else { Arc::clone(op) }
    }
}

impl Op for BlockOf {
    fn call(&self, inputs: &mut [Value], ctx: &TaskContext<'_>) -> Result<Value, TaskError> {
        self.op.call(inputs, &TaskContext { block: self.block, cancelled: ctx.cancelled })
    }

    fn lane(&self) -> Option<&'static dyn Lane> {
        self.op.lane()
    }

    fn name(&self) -> Cow<'_, str> {
        self.op.name()
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

/// An array whose blocks, in row-major order, are delayed values.
#[pyfunction]
pub(crate) fn array_from_delayed(
    values: Vec<Bound<'_, Delayed>>,
    name: &str,
    chunks: PyChunks,
    typestr: Option<&str>,
) -> PyResult<ArrayExpr> {
    let PyChunks(chunks) = chunks;
    if n_blocks(&chunks.grid()).is_none_or(|n| n as usize != values.len()) {
        return Err(PyValueError::new_err(format!(
            "{} delayed values for the blocks of chunks {chunks}",
            values.len()
        )));
    }
    let nodes: Vec<Node> = values.iter().map(|value| value.get().node.clone()).collect();
    let (graph, blocks) = node::collect(&nodes).map_err(graph_error)?;
    let build = Build::Graph { graph: Arc::new(graph), blocks: blocks.into() };
    let dtype = dtype_of(typestr);
    Ok(ArrayExpr(Array::new(ArrayNode { name: Group::new(name), chunks, dtype, build })))
}

/// The blocks of an array as delayed values, in row-major order. What they share is shared.
#[pyfunction]
pub(crate) fn array_to_delayed(
    py: Python<'_>,
    expr: &ArrayExpr,
    fuse: bool,
) -> PyResult<Vec<Delayed>> {
    py.detach(|| {
        let array = &expr.0;
        let fusion = if fuse { Fusion::On } else { Fusion::Off };
        let lowered = lower::lower(std::slice::from_ref(array), fusion).py()?;
        let layer = lowered.layers[0];
        let graph = Arc::new(lowered.graph);
        let n = graph.layers()[layer as usize].n_tasks();
        let outputs: Vec<TaskRef> = (0..n).map(|block| TaskRef { layer, block }).collect();
        let tasks = graph.expand(&outputs).map_err(graph_error)?;
        let order = tasks.order().map_err(graph_error)?;
        let mut schedule: Vec<u32> = (0..tasks.len() as u32).collect();
        schedule.sort_unstable_by_key(|&task| order[task as usize]);
        let mut nodes: Vec<Option<Node>> = vec![None; tasks.len()];
        let mut made: FxHashMap<Key, Node> = FxHashMap::default();
        for task in schedule {
            let inputs = tasks.args(task).iter();
            let inputs: Vec<Node> =
                inputs.filter_map(|&input| nodes[input as usize].clone()).collect();
            // A block of a persisted array stands for a task of its own key: they are one node.
            let key = tasks.key(task);
            let node = made.entry(key.clone()).or_insert_with(|| {
                Node::new(key, BlockOf::of(tasks.op(task), tasks.origin(task).block), inputs)
            });
            nodes[task as usize] = Some(node.clone());
        }
        let outputs = tasks.outputs().iter();
        let nodes = outputs.filter_map(|&task| nodes[task as usize].clone());
        Ok(nodes.map(|node| Delayed::from_node(node, None)).collect())
    })
}
