//! Delayed graphs outside of this process's memory: as task objects for Python code that reads
//! graphs, and as plain tuples for pickle.

use std::sync::Arc;

use oxidask_core::graph::{Graph, TaskRef};
use oxidask_core::layer::Layer;
use oxidask_core::node::{self, Node};
use oxidask_core::op::Op;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList, PyTuple};

use crate::cluster::FutureRef;
use crate::delayed::Delayed;
use crate::graph::{constant, graph_error};
use crate::key::{self, Groups};
use crate::object::to_object;
use crate::op::{Annotated, NodeTask, PyOp, split_annotations};
use crate::template::{Builders, Template};

/// Calls `visit(task, op, keys of its inputs)` for every task that `nodes` need, inputs first.
fn each_task<'py>(
    py: Python<'py>,
    nodes: &[Node],
    mut visit: impl FnMut(Bound<'py, PyAny>, &dyn Op, Vec<(u32, Bound<'py, PyAny>)>) -> PyResult<()>,
) -> PyResult<()> {
    let (graph, _): (Graph, Vec<TaskRef>) = node::collect(nodes).map_err(graph_error)?;
    let [Layer::Explicit(layer)] = graph.layers() else { return Ok(()) };
    let keys = layer.keys().iter().map(|key| key::to_python(py, key));
    let keys: Vec<Bound<'py, PyAny>> = keys.collect::<PyResult<_>>()?;
    for (block, key) in keys.iter().enumerate() {
        let inputs = layer.inputs(block as u32).iter();
        let inputs =
            inputs.map(|input| (input.block, keys[input.block as usize].clone())).collect();
        let op = graph.layers()[0].op(block as u32);
        visit(key.clone(), &**op, inputs)?;
    }
    Ok(())
}

/// The task object of an op, and its annotations.
pub(crate) fn task_object<'py, 'a>(
    py: Python<'py>,
    op: &'a dyn Op,
    key: &Bound<'py, PyAny>,
    inputs: &[Bound<'py, PyAny>],
) -> PyResult<(Bound<'py, PyAny>, Option<&'a Py<PyDict>>)> {
    let makers = py.import("oxidask.delayed")?;
    let builders = Builders {
        constant: makers.getattr("_task_constant")?,
        call: makers.getattr("_task_call")?,
        container: makers.getattr("_task_container")?,
    };
    let reference = makers.getattr("_task_reference")?;
    let (op, annotations) = split_annotations(op);
    let leaf = |i: u32| reference.call1((&inputs[i as usize],));
    let future = op.as_any().and_then(|any| any.downcast_ref::<FutureRef>());
    let task = if let Some(future) = future {
        // As it was put in: those who look for futures in graphs find it.
        future.future.bind(py).clone().into_any()
    } else if let Some(value) = op.constant() {
        makers.getattr("_task_data")?.call1((key, to_object(py, &value)?))?
    } else {
        match PyOp::of(op).map(|op| op.rebuild(py, &leaf, &builders)) {
            Some(Ok(expression)) => makers.getattr("_task_finish")?.call1((key, expression?))?,
            Some(Err(task)) => task.node.bind(py).clone(),
            None => crate::array::graph::task_of_block(py, op, key, inputs)?,
        }
    };
    Ok((task, annotations))
}

/// Key, dependencies, task object and annotations of every task that `nodes` need.
pub(crate) fn tasks<'py>(py: Python<'py>, nodes: &[Node]) -> PyResult<Bound<'py, PyList>> {
    let list = PyList::empty(py);
    each_task(py, nodes, |key, op, inputs| {
        let keys: Vec<_> = inputs.into_iter().map(|(_, key)| key).collect();
        let (task, annotations) = task_object(py, op, &key, &keys)?;
        let annotations = annotations.map(|annotations| annotations.bind(py));
        list.append((key, keys, task, annotations))
    })?;
    Ok(list)
}

/// What pickle stores of a delayed value: its tasks as plain tuples, inputs first, itself last.
pub(crate) fn reduce<'py>(slf: &Bound<'py, Delayed>) -> PyResult<Bound<'py, PyAny>> {
    let py = slf.py();
    let native = py.import("oxidask._native")?;
    let makers = py.import("oxidask.delayed")?;
    let builders = Builders {
        constant: makers.getattr("_plain_constant")?,
        call: makers.getattr("_plain_call")?,
        container: makers.getattr("_plain_container")?,
    };
    let list = PyList::empty(py);
    each_task(py, std::slice::from_ref(&slf.get().node), |key, op, inputs| {
        let (op, annotations) = split_annotations(op);
        let leaf = |i: u32| Ok(("input", i).into_pyobject(py)?.into_any());
        let form = if let Some(value) = op.constant() {
            ("literal", to_object(py, &value)?).into_pyobject(py)?
        } else {
            match PyOp::of(op) {
                Some(PyOp::Alias) => ("alias", py.None()).into_pyobject(py)?,
                Some(op) => match op.rebuild(py, &leaf, &builders) {
                    Ok(expression) => ("template", expression?).into_pyobject(py)?,
                    Err(NodeTask { node, keys }) => {
                        let keys: Vec<_> = keys.iter().map(|key| key.bind(py).clone()).collect();
                        ("node", (node.bind(py), keys)).into_pyobject(py)?
                    }
                },
                None => {
                    ("block", crate::array::portable::encode_block(py, op)?).into_pyobject(py)?
                }
            }
        };
        let blocks: Vec<u32> = inputs.iter().map(|(block, _)| *block).collect();
        let annotations = annotations.map(|annotations| annotations.bind(py));
        list.append((key, blocks, form, annotations))
    })?;
    let length = slf.getattr("_length")?;
    Ok((native.getattr("delayed_from_plain")?, (list, length)).into_pyobject(py)?.into_any())
}

/// Key, places of the inputs, form and annotations of a pickled task.
type PlainTask<'py> =
    (Bound<'py, PyAny>, Vec<usize>, Bound<'py, PyTuple>, Option<Bound<'py, PyDict>>);

/// The delayed value that pickle stored.
#[pyfunction]
pub(crate) fn delayed_from_plain<'py>(
    py: Python<'py>,
    tasks: Vec<PlainTask<'py>>,
    length: Option<u32>,
) -> PyResult<Bound<'py, Delayed>> {
    let mut groups = Groups::default();
    let mut nodes: Vec<Node> = Vec::with_capacity(tasks.len());
    for (key, inputs, form, annotations) in tasks {
        let body = form.get_item(1)?;
        let op: Arc<dyn Op> = match &*form.get_item(0)?.extract::<String>()? {
            "literal" => constant(&body),
            "template" => Arc::new(PyOp::from(Template::from_plain(&body)?)),
            "alias" => Arc::new(PyOp::Alias),
            "block" => crate::array::portable::decode_block(&body)?,
            "node" => {
                let (node, keys): (Bound<'_, PyAny>, Vec<Py<PyAny>>) = body.extract()?;
                Arc::new(PyOp::Node(Box::new(NodeTask { node: node.unbind(), keys: keys.into() })))
            }
            other => return Err(PyValueError::new_err(format!("no task form is named {other:?}"))),
        };
        let op = match annotations {
            Some(annotations) => Arc::new(Annotated { op, annotations: annotations.unbind() }),
            None => op,
        };
        let inputs: Option<Vec<Node>> = inputs.iter().map(|&at| nodes.get(at).cloned()).collect();
        let inputs = inputs.ok_or_else(|| PyValueError::new_err("a task reads a later one"))?;
        nodes.push(Node::new(key::from_python(&key, &mut groups)?, op, inputs));
    }
    let node = nodes.pop().ok_or_else(|| PyValueError::new_err("there is no task"))?;
    Bound::new(py, Delayed::from_node(node, length))
}
