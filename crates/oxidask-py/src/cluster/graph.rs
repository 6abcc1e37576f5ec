//! Graphs as submissions: dict graphs, delayed values and arrays.
//!
//! Where tasks travel, ops are encoded: a call of one Python function as that function and a payload, all else as
//! an op of its own, once for all blocks that share it.

use std::sync::Arc;

use oxidask_core::graph::TaskGraph;
use oxidask_core::key::Key;
use oxidask_core::op::Op;
use oxidask_core::optimize::{Operand, Program, Step};
use oxidask_core::tokenize::Token;
use oxidask_runtime::cluster::ops::OpObject;
use oxidask_sched::content::Content;
use oxidask_sched::ids::BlobHash;
use oxidask_sched::message::{Blob, InputRef, NewTask, RunSpec, Submission};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyTuple};
use rustc_hash::FxHashMap;

use super::annotated::Said;
use super::call::{Arguments, OP_FAMILY, PyCall};
use super::function::pickle;
use super::link::{Command, Link};
use super::submit::{future_key, here};
use crate::array::block_op::call_op;
use crate::array::graph::is_memory;
use crate::array::io::BlockOf;
use crate::array::portable as arrays;
use crate::graph::{Imported, constant, graph_error, import};
use crate::object::to_object;
use crate::op::{NodeTask, PyOp, split_annotations};
use crate::template::{Call, Container, Template};

/// Submits what `keys` of a graph need, and gives the keys of the tasks that they are.
pub(super) fn submit<'py>(
    link: &Arc<Link>,
    dsk: &Bound<'py, PyAny>,
    keys: &[Bound<'py, PyAny>],
    given: Option<&Bound<'py, PyDict>>,
) -> PyResult<Vec<Key>> {
    let py = dsk.py();
    let Imported { graph, outputs, notes } = import(dsk, keys, None)?;
    let tasks = py.detach(|| graph.expand(&outputs)).map_err(graph_error)?;
    let order = py.detach(|| tasks.order()).map_err(graph_error)?;
    let mut builder = Builder::new(link, &tasks);
    let submission = builder.submission(py, &order, Said::new(py, given, &notes)?)?;
    let keys: Vec<Key> = tasks.outputs().iter().map(|&task| builder.key(task)).collect();
    // Outputs may be one task, or futures that are there: each is another future of it.
    let mut made: FxHashMap<&Key, ()> = FxHashMap::default();
    let mut more = Vec::new();
    for (key, &task) in keys.iter().zip(tasks.outputs()) {
        if builder.external[task as usize].is_some() || made.insert(key, ()).is_some() {
            more.push(key.clone());
        }
    }
    if !submission.tasks.is_empty() {
        link.post(Command::Submit(submission));
    }
    more.into_iter().for_each(|key| link.post(Command::Want(key)));
    Ok(keys)
}

/// Makes a submission of a graph.
struct Builder<'a> {
    link: &'a Arc<Link>,
    tasks: &'a TaskGraph,
    /// Keys of the tasks that are futures.
    external: Vec<Option<Key>>,
    blobs: Vec<Blob>,
    by_hash: FxHashMap<BlobHash, u32>,
    by_op: FxHashMap<usize, u32>,
}

impl<'a> Builder<'a> {
    fn new(link: &'a Arc<Link>, tasks: &'a TaskGraph) -> Self {
        let external = (0..tasks.len() as u32).map(|task| future_key(&**tasks.op(task))).collect();
        Self {
            link,
            tasks,
            external,
            blobs: Vec::new(),
            by_hash: FxHashMap::default(),
            by_op: FxHashMap::default(),
        }
    }

    fn key(&self, task: u32) -> Key {
        self.external[task as usize].clone().unwrap_or_else(|| self.tasks.key(task))
    }

    fn submission<'py>(
        &mut self,
        py: Python<'py>,
        order: &[u32],
        mut said: Said<'py>,
    ) -> PyResult<Submission> {
        let n = self.tasks.len();
        let mut by_priority: Vec<u32> = (0..n as u32).collect();
        by_priority.retain(|&task| self.external[task as usize].is_none());
        by_priority.sort_unstable_by_key(|&task| order[task as usize]);
        let mut place = vec![u32::MAX; n];
        for (at, &task) in by_priority.iter().enumerate() {
            place[task as usize] = at as u32;
        }
        let mut wanted = vec![false; n];
        self.tasks.outputs().iter().for_each(|&output| wanted[output as usize] = true);
        let mut new = Vec::with_capacity(by_priority.len());
        for &task in &by_priority {
            let inputs =
                self.tasks.args(task).iter().map(|&input| match &self.external[input as usize] {
                    Some(key) => InputRef::Known(key.clone()),
                    None => InputRef::Local(place[input as usize]),
                });
            let inputs = inputs.collect();
            new.push(NewTask {
                key: self.tasks.key(task),
                run: self.run(py, task)?,
                inputs,
                wanted: wanted[task as usize],
                annotations: said.of(py, self.tasks, task)?,
            });
        }
        let blobs = std::mem::take(&mut self.blobs);
        Ok(Submission { number: 0, blobs, annotations: said.into_list(), tasks: new })
    }

    fn run(&mut self, py: Python<'_>, task: u32) -> PyResult<RunSpec> {
        let (op, block) = (self.tasks.op(task), self.tasks.origin(task).block);
        if self.link.is_local {
            let blob = self.blob(here());
            return Ok(RunSpec { blob, block, payload: Content::object(OpObject(op.clone())) });
        }
        let address = Arc::as_ptr(op).cast::<()>() as usize;
        if let Some(&blob) = self.by_op.get(&address) {
            return Ok(RunSpec { blob, block, payload: Content::new() });
        }
        // What lies in memory goes task by task: each worker gets what it runs, and no more.
        if let Some(value) = value_of(py, &**op, block)? {
            let blob = self.blob(self.link.functions.identity(py)?);
            let args = PyTuple::new(py, [value])?.unbind();
            let payload = PyCall::payload(py, &Arguments::Objects(args, None))?;
            return Ok(RunSpec { blob, block: 0, payload });
        }
        if let Some(PyOp::Call(call)) = PyOp::of(&**op)
            && let Some(run) = self.call(py, call)?
        {
            return Ok(run);
        }
        let state = op_state(py, &**op)?;
        let bytes = pickle(&state)?;
        let hash = BlobHash(Token::of_bytes(&bytes).as_u128());
        let blob = self.blob(Blob { hash, family: OP_FAMILY.into(), bytes: bytes.into() });
        self.by_op.insert(address, blob);
        Ok(RunSpec { blob, block, payload: Content::new() })
    }

    /// A call of a function that is known now.
    fn call(&mut self, py: Python<'_>, call: &Call) -> PyResult<Option<RunSpec>> {
        let Template::Const(function) = &call.function else { return Ok(None) };
        let submitted = self.link.functions.get(function.bind(py), false, true)?;
        let Some(blob) = submitted.blob else { return Ok(None) };
        let payload = PyCall::payload(py, &arguments(py, call)?)?;
        Ok(Some(RunSpec { blob: self.blob(blob), block: 0, payload }))
    }

    fn blob(&mut self, blob: Blob) -> u32 {
        let blobs = &mut self.blobs;
        *self.by_hash.entry(blob.hash).or_insert_with(|| {
            blobs.push(blob);
            blobs.len() as u32 - 1
        })
    }
}

/// The value of a task that only hands one out: a literal, or a block of an array in memory.
fn value_of<'py>(py: Python<'py>, op: &dyn Op, block: u32) -> PyResult<Option<Bound<'py, PyAny>>> {
    let (op, _) = split_annotations(op);
    if let Some(value) = op.constant() {
        return to_object(py, &value).map(Some);
    }
    let (op, block) = match op.as_any().and_then(|any| any.downcast_ref::<BlockOf>()) {
        Some(BlockOf { op, block }) => (&**op, *block),
        None => (op, block),
    };
    if is_memory(op) { call_op(py, op, block, &[]).map(Some) } else { Ok(None) }
}

/// The arguments of a call, in the shortest form.
fn arguments(py: Python<'_>, call: &Call) -> PyResult<Arguments> {
    let consts: Option<Vec<_>> = call
        .args
        .iter()
        .map(|arg| match arg {
            Template::Const(object) => Some(object.bind(py).clone()),
            _ => None,
        })
        .collect();
    let has_keywords = call.has_keywords();
    if let Some(args) = consts
        && !has_keywords
    {
        return Ok(Arguments::Objects(PyTuple::new(py, args)?.unbind(), None));
    }
    let inputs = call.args.iter().enumerate();
    if !has_keywords && { inputs }
        .all(|(i, arg)| matches!(arg, Template::Input(at) if *at as usize == i))
    {
        return Ok(Arguments::Inputs);
    }
    let (args, kwargs) = call.parts(py);
    let kwargs = has_keywords.then(|| Container::Dict(kwargs).into());
    Ok(Arguments::Templates(Container::Tuple(args).into(), kwargs))
}

/// An op as an object that pickle can store.
fn op_state<'py>(py: Python<'py>, op: &dyn Op) -> PyResult<Bound<'py, PyAny>> {
    let (op, _) = split_annotations(op);
    if let Some(program) = op.as_program() {
        let mut steps = Vec::with_capacity(program.steps().len());
        for step in program.steps() {
            let args = step.args.iter().map(|arg| match *arg {
                Operand::Input(i) => (true, i),
                Operand::Step(i) => (false, i),
            });
            steps.push((op_state(py, &*step.op)?, args.collect::<Vec<_>>()));
        }
        return Ok(("program", steps).into_pyobject(py)?.into_any());
    }
    if let Some(op) = PyOp::of(op) {
        return Ok(match op {
            PyOp::Call(call) => {
                let (args, kwargs) = call.parts(py);
                let args: PyResult<Vec<_>> = args.iter().map(|arg| arg.to_plain(py)).collect();
                let names = PyDict::new(py);
                for (name, value) in &*kwargs {
                    if let Template::Const(name) = name {
                        names.set_item(name, value.to_plain(py)?)?;
                    }
                }
                let call = ("call", call.function.to_plain(py)?, args?, names);
                ("template", call).into_pyobject(py)?.into_any()
            }
            PyOp::Template(template) => {
                ("template", template.to_plain(py)?).into_pyobject(py)?.into_any()
            }
            PyOp::Node(task) => {
                let keys = PyList::new(py, task.keys.iter().map(|key| key.bind(py)))?;
                ("node", (task.node.bind(py), keys)).into_pyobject(py)?.into_any()
            }
            PyOp::Alias => ("alias", py.None()).into_pyobject(py)?.into_any(),
        });
    }
    if op.as_any().is_some_and(|any| any.is::<BlockOf>()) {
        return Ok(("block", arrays::encode_block(py, op)?).into_pyobject(py)?.into_any());
    }
    if let Ok(state) = arrays::encode(py, op) {
        return Ok(("array", state).into_pyobject(py)?.into_any());
    }
    if op.name() == "alias" {
        return Ok(("alias", py.None()).into_pyobject(py)?.into_any());
    }
    match op.constant() {
        Some(value) => Ok(("constant", to_object(py, &value)?).into_pyobject(py)?.into_any()),
        None => Err(PyTypeError::new_err(format!(
            "the task {} has no byte form and can't go to another process; use a cluster of this one: \
             Client(processes=False)",
            op.name()
        ))),
    }
}

/// The op of what `op_state` gave, pickled.
pub(super) fn op_from_bytes(py: Python<'_>, bytes: &[u8]) -> PyResult<Arc<dyn Op>> {
    static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let loads = LOADS.import(py, "oxidask._pickle", "loads")?;
    op_from_state(&loads.call1((pyo3::types::PyBytes::new(py, bytes),))?)
}

fn op_from_state(state: &Bound<'_, PyAny>) -> PyResult<Arc<dyn Op>> {
    let (kind, body): (String, Bound<'_, PyAny>) = state.extract()?;
    Ok(match &*kind {
        "array" => arrays::decode(body.cast::<PyTuple>()?)?,
        "block" => arrays::decode_block(&body)?,
        "constant" => constant(&body),
        "template" => Arc::new(PyOp::from(Template::from_plain(&body)?)),
        "alias" => Arc::new(PyOp::Alias),
        "node" => {
            let (node, keys): (Py<PyAny>, Vec<Py<PyAny>>) = body.extract()?;
            Arc::new(PyOp::Node(Box::new(NodeTask { node, keys: keys.into() })))
        }
        "program" => {
            let mut steps = Vec::new();
            for step in body.try_iter()? {
                let (op, args): (Bound<'_, PyAny>, Vec<(bool, u32)>) = step?.extract()?;
                let args = args.into_iter().map(|(is_input, i)| match is_input {
                    true => Operand::Input(i),
                    false => Operand::Step(i),
                });
                steps.push(Step { op: op_from_state(&op)?, args: args.collect() });
            }
            Arc::new(Program::new(steps))
        }
        other => return Err(PyValueError::new_err(format!("no task is of the kind {other:?}"))),
    })
}
