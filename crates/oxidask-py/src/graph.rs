//! Graphs as Python writes them, brought to ours.
//!
//! A graph is any mapping of keys to tasks. A task is a tuple with a callable first (`(f, "x", 1)`,
//! nested at will), a list or another structure of such, the key of another task (an alias), a
//! literal, or a task object of ours or of stock Dask's: callable with the values of its
//! `dependencies`.

use std::cell::RefCell;
use std::sync::Arc;

use oxidask_array::plan::note::Note;
use oxidask_core::graph::{Graph, TaskRef};
use oxidask_core::layer::{ExplicitLayer, Layer};
use oxidask_core::node::{self, Node};
use oxidask_core::op::Op;
use pyo3::exceptions::{PyKeyError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{
    PyDict, PyFloat, PyFrozenSet, PyInt, PyList, PyMapping, PySet, PyString, PyTuple, PyType,
};
use rustc_hash::FxHashMap;

use crate::array::ArrayGraph;
use crate::cluster::{FutureCore, FutureRef};
use crate::delayed::DelayedGraph;
use crate::depth::deeper;
use crate::key::{self, Groups};
use crate::object::PyValue;
use crate::op::{NodeTask, PyConstant, PyOp};
use crate::template::{Container, Template};

/// A graph with the places of the tasks that were asked for.
pub(crate) struct Imported {
    pub(crate) graph: Arc<Graph>,
    pub(crate) outputs: Vec<TaskRef>,
    /// What is said about the tasks of layers of arrays, by the layer's number.
    pub(crate) notes: Vec<(u32, Vec<Note>)>,
}

impl Imported {
    fn of(graph: Graph, outputs: Vec<TaskRef>) -> Self {
        Self { graph: Arc::new(graph), outputs, notes: Vec::new() }
    }
}

/// Brings the Python graph `dsk` to ours. `cache` holds values of keys that need no task.
///
/// # Errors
/// `KeyError` if one of `keys` is neither in the graph nor in the cache; `ValueError` if a task
/// object depends on a key that is in neither.
pub(crate) fn import(
    dsk: &Bound<'_, PyAny>,
    keys: &[Bound<'_, PyAny>],
    cache: Option<&Bound<'_, PyMapping>>,
) -> PyResult<Imported> {
    if cache.is_none()
        && let Ok(delayed) = dsk.cast::<DelayedGraph>()
        && let Some(outputs) = delayed.get().nodes_of(keys)?
    {
        let (graph, outputs) = node::collect(&outputs).map_err(graph_error)?;
        return Ok(Imported::of(graph, outputs));
    }
    if cache.is_none()
        && let Ok(arrays) = dsk.cast::<ArrayGraph>()
        && let Some(imported) = arrays.get().import(dsk.py(), keys)?
    {
        return Ok(imported);
    }
    let importer = Importer::new(dsk, cache)?;
    let outputs = keys.iter().map(|key| importer.output(key)).collect::<PyResult<_>>()?;
    let mut graph = Graph::new();
    graph.push(Layer::Explicit(importer.layer()?));
    Ok(Imported::of(graph, outputs))
}

/// Brings what `keys` need of the Python graph `dsk` to shared nodes.
pub(crate) fn import_nodes(
    dsk: &Bound<'_, PyAny>,
    keys: &[Bound<'_, PyAny>],
) -> PyResult<Vec<Node>> {
    if let Ok(delayed) = dsk.cast::<DelayedGraph>()
        && let Some(nodes) = delayed.get().nodes_of(keys)?
    {
        return Ok(nodes);
    }
    let Imported { graph, outputs, .. } = import(dsk, keys, None)?;
    let tasks = graph.expand(&outputs).map_err(graph_error)?;
    let order = tasks.order().map_err(graph_error)?;
    let mut schedule: Vec<u32> = (0..tasks.len() as u32).collect();
    schedule.sort_unstable_by_key(|&task| order[task as usize]);
    let mut nodes: Vec<Option<Node>> = vec![None; tasks.len()];
    for task in schedule {
        let inputs: Vec<Node> =
            tasks.args(task).iter().filter_map(|&input| nodes[input as usize].clone()).collect();
        nodes[task as usize] = Some(Node::new(tasks.key(task), Arc::clone(tasks.op(task)), inputs));
    }
    Ok(tasks.outputs().iter().filter_map(|&task| nodes[task as usize].clone()).collect())
}

/// A graph's defect as the exception that Dask raises for it.
pub(crate) fn graph_error(error: oxidask_core::graph::GraphError) -> PyErr {
    use oxidask_core::graph::GraphError::{Cycle, MissingTask, TooLarge};
    match &error {
        Cycle { .. } => pyo3::exceptions::PyRuntimeError::new_err(error.to_string()),
        MissingTask { .. } | TooLarge { .. } => PyValueError::new_err(error.to_string()),
    }
}

struct Importer<'py> {
    py: Python<'py>,
    /// Number of each key, and the tasks by number.
    numbers: Bound<'py, PyDict>,
    tasks: Vec<(Bound<'py, PyAny>, Bound<'py, PyAny>)>,
    /// Tasks from this number on are values of the cache.
    n_tasks: usize,
    /// Futures in the graph: tasks whose numbers go on from those of `tasks`.
    futures: RefCell<Vec<Bound<'py, FutureCore>>>,
}

impl<'py> Importer<'py> {
    fn new(dsk: &Bound<'py, PyAny>, cache: Option<&Bound<'py, PyMapping>>) -> PyResult<Self> {
        let py = dsk.py();
        let numbers = PyDict::new(py);
        let mut tasks = Vec::with_capacity(dsk.len()?);
        if let Ok(dict) = dsk.cast_exact::<PyDict>() {
            for (key, task) in dict {
                numbers.set_item(&key, tasks.len())?;
                tasks.push((key, task));
            }
        } else {
            for item in dsk.call_method0(intern!(py, "items"))?.try_iter()? {
                let (key, task): (Bound<'py, PyAny>, Bound<'py, PyAny>) = item?.extract()?;
                numbers.set_item(&key, tasks.len())?;
                tasks.push((key, task));
            }
        }
        let n_tasks = tasks.len();
        if let Some(cache) = cache {
            for item in cache.items()?.iter() {
                let (key, value): (Bound<'py, PyAny>, Bound<'py, PyAny>) = item.extract()?;
                // A cached value stands in for the task of its key.
                numbers.set_item(&key, tasks.len())?;
                tasks.push((key, value));
            }
        }
        Ok(Self { py, numbers, tasks, n_tasks, futures: RefCell::default() })
    }

    fn output(&self, key: &Bound<'py, PyAny>) -> PyResult<TaskRef> {
        match self.number(key)? {
            Some(block) => Ok(TaskRef { layer: 0, block }),
            None => Err(PyKeyError::new_err(key.clone().unbind())),
        }
    }

    /// The task of this key, if the object is one.
    fn number(&self, object: &Bound<'py, PyAny>) -> PyResult<Option<u32>> {
        match self.numbers.get_item(object) {
            Ok(Some(number)) => Ok(Some(number.extract()?)),
            Ok(None) => Ok(None),
            // Not hashable, hence no key.
            Err(error) if error.is_instance_of::<pyo3::exceptions::PyTypeError>(self.py) => {
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Whether an object of this type may be the key of another task inside a task.
    fn may_be_key(object: &Bound<'py, PyAny>) -> bool {
        object.is_exact_instance_of::<PyString>()
            || object.is_instance_of::<PyTuple>()
            || object.is_exact_instance_of::<PyInt>()
            || object.is_exact_instance_of::<PyFloat>()
            || object.is_instance_of::<PyString>()
    }

    fn layer(&self) -> PyResult<ExplicitLayer> {
        let mut layer = ExplicitLayer::with_capacity(self.tasks.len());
        let mut groups = Groups::default();
        let mut kinds = Kinds::default();
        let mut inputs = Inputs::default();
        for (number, (key, task)) in self.tasks.iter().enumerate() {
            inputs.clear();
            let op = if number >= self.n_tasks {
                constant(task)
            } else {
                self.op(key, task, number as u32, &mut kinds, &mut inputs)?
            };
            let inputs = inputs.tasks.iter().map(|&block| TaskRef { layer: 0, block });
            layer.push(key::from_python(key, &mut groups)?, op, inputs);
        }
        for future in self.futures.take() {
            let key = future.get().key().clone();
            layer.push(key, Arc::new(FutureRef { future: future.unbind() }), []);
        }
        Ok(layer)
    }

    fn op(
        &self,
        key: &Bound<'py, PyAny>,
        task: &Bound<'py, PyAny>,
        number: u32,
        kinds: &mut Kinds,
        inputs: &mut Inputs,
    ) -> PyResult<Arc<dyn Op>> {
        if let Ok(future) = task.cast::<FutureCore>() {
            if *future.get().key() == key::from_python(key, &mut Groups::default())? {
                return Ok(Arc::new(FutureRef { future: future.clone().unbind() }));
            }
            inputs.number(self.future(future));
            return Ok(Arc::new(PyOp::Alias));
        }
        if kinds.is_node(task)? {
            return self.node_op(key, task, inputs);
        }
        if Self::may_be_key(task)
            && let Some(target) = self.number(task)?
            && target != number
        {
            inputs.number(target);
            return Ok(Arc::new(PyOp::Alias));
        }
        let template = self.template(task, kinds, inputs)?;
        Ok(match template {
            Template::Const(object) => constant(object.bind(self.py)),
            template => Arc::new(PyOp::from(template)),
        })
    }

    /// The number of a future.
    fn future(&self, future: &Bound<'py, FutureCore>) -> u32 {
        let mut futures = self.futures.borrow_mut();
        let known = futures.iter().position(|other| other.get().key() == future.get().key());
        let at = known.unwrap_or_else(|| {
            futures.push(future.clone());
            futures.len() - 1
        });
        (self.tasks.len() + at) as u32
    }

    /// A task object: ours, or another library's.
    fn node_op(
        &self,
        key: &Bound<'py, PyAny>,
        task: &Bound<'py, PyAny>,
        inputs: &mut Inputs,
    ) -> PyResult<Arc<dyn Op>> {
        let kind = task.get_type();
        if kind.name()? == "DataNode"
            && let Some(value) = task.getattr_opt(intern!(self.py, "value"))?
        {
            return Ok(constant(&value));
        }
        let dependencies = task.getattr(intern!(self.py, "dependencies"))?;
        let mut keys = Vec::new();
        for dependency in dependencies.try_iter()? {
            let dependency = dependency?;
            let Some(target) = self.number(&dependency)? else {
                return Err(PyValueError::new_err(format!(
                    "Missing dependency {} of task {}: it is neither in the graph nor in the cache",
                    dependency.repr()?,
                    key.repr()?
                )));
            };
            keys.push((target, dependency.unbind()));
        }
        // A set's order differs between runs; the graph's does not.
        keys.sort_unstable_by_key(|(target, _)| *target);
        inputs.tasks.extend(keys.iter().map(|(target, _)| *target));
        if kind.name()? == "Alias" && keys.len() == 1 {
            return Ok(Arc::new(PyOp::Alias));
        }
        let keys = keys.into_iter().map(|(_, key)| key).collect();
        Ok(Arc::new(PyOp::Node(Box::new(NodeTask { node: task.clone().unbind(), keys }))))
    }

    /// The expression of a task, or of a part of one.
    fn template(
        &self,
        task: &Bound<'py, PyAny>,
        kinds: &mut Kinds,
        inputs: &mut Inputs,
    ) -> PyResult<Template> {
        if let Ok(tuple) = task.cast_exact::<PyTuple>()
            && !tuple.is_empty()
            && tuple.get_item(0)?.is_callable()
        {
            let mut args = Vec::with_capacity(tuple.len() - 1);
            for arg in tuple.iter().skip(1) {
                args.push(self.part(&arg, kinds, inputs)?);
            }
            return Ok(Template::call(tuple.get_item(0)?.unbind(), args, []));
        }
        let container = if let Ok(list) = task.cast_exact::<PyList>() {
            let items = self.parts(list.iter(), kinds, inputs)?;
            items.map(Container::List)
        } else if let Ok(tuple) = task.cast_exact::<PyTuple>() {
            let items = self.parts(tuple.iter(), kinds, inputs)?;
            items.map(Container::Tuple)
        } else if let Ok(set) = task.cast_exact::<PySet>() {
            self.parts(set.iter(), kinds, inputs)?.map(Container::Set)
        } else if let Ok(set) = task.cast_exact::<PyFrozenSet>() {
            self.parts(set.iter(), kinds, inputs)?.map(Container::FrozenSet)
        } else {
            None
        };
        Ok(container.map_or_else(|| Template::Const(task.clone().unbind()), Template::from))
    }

    /// An argument: another task's key, a task object, or an expression. Dicts are left as they are.
    fn part(
        &self,
        part: &Bound<'py, PyAny>,
        kinds: &mut Kinds,
        inputs: &mut Inputs,
    ) -> PyResult<Template> {
        if let Ok(future) = part.cast::<FutureCore>() {
            return Ok(Template::Input(inputs.number(self.future(future))));
        }
        if Self::may_be_key(part) {
            if let Some(number) = self.number(part)? {
                return Ok(Template::Input(inputs.number(number)));
            }
        } else if kinds.is_node(part)? {
            return self.nested_node(part, inputs);
        }
        deeper(self.py, c" while reading a task", || self.template(part, kinds, inputs))
    }

    /// A task object inside a tuple task: its value for the inputs that it depends on.
    fn nested_node(&self, node: &Bound<'py, PyAny>, inputs: &mut Inputs) -> PyResult<Template> {
        let mut pairs = Vec::new();
        for dependency in node.getattr(intern!(self.py, "dependencies"))?.try_iter()? {
            let dependency = dependency?;
            let number = self.output(&dependency)?.block;
            let key = Template::Const(dependency.unbind());
            pairs.push((key, Template::Input(inputs.number(number))));
        }
        Ok(Template::call(node.clone().unbind(), [Container::Dict(pairs.into()).into()], []))
    }

    /// The items of a container, or nothing if all of them are literals.
    fn parts(
        &self,
        items: impl Iterator<Item = Bound<'py, PyAny>>,
        kinds: &mut Kinds,
        inputs: &mut Inputs,
    ) -> PyResult<Option<Box<[Template]>>> {
        let items: Box<[Template]> =
            items.map(|item| self.part(&item, kinds, inputs)).collect::<PyResult<_>>()?;
        Ok(items.iter().any(|item| !item.is_const()).then_some(items))
    }
}

/// A literal as an op.
pub(crate) fn constant(object: &Bound<'_, PyAny>) -> Arc<dyn Op> {
    Arc::new(PyConstant(PyValue::wrap(object)))
}

/// The inputs of the task at hand, each once, in the order of first use.
#[derive(Default)]
struct Inputs {
    tasks: Vec<u32>,
    numbers: FxHashMap<u32, u32>,
}

impl Inputs {
    fn clear(&mut self) {
        self.tasks.clear();
        self.numbers.clear();
    }

    /// The number of `task` among the inputs.
    fn number(&mut self, task: u32) -> u32 {
        // Most tasks have a handful of inputs: no table for those.
        if self.tasks.len() < 16 {
            if let Some(at) = self.tasks.iter().position(|&other| other == task) {
                return at as u32;
            }
        } else {
            if self.numbers.is_empty() {
                self.numbers.extend(self.tasks.iter().enumerate().map(|(at, &t)| (t, at as u32)));
            }
            if let Some(&at) = self.numbers.get(&task) {
                return at;
            }
            self.numbers.insert(task, self.tasks.len() as u32);
        }
        self.tasks.push(task);
        self.tasks.len() as u32 - 1
    }
}

/// Which types are task objects; looked up once a type.
#[derive(Default)]
struct Kinds {
    known: FxHashMap<usize, bool>,
    /// Keeps the types of `known` alive, so that their addresses mean them.
    types: Vec<Py<PyType>>,
}

impl Kinds {
    fn is_node(&mut self, object: &Bound<'_, PyAny>) -> PyResult<bool> {
        if object.is_exact_instance_of::<PyTuple>() || object.is_exact_instance_of::<PyString>() {
            return Ok(false);
        }
        let kind = object.get_type();
        let address = kind.as_ptr() as usize;
        if let Some(&known) = self.known.get(&address) {
            return Ok(known);
        }
        let py = object.py();
        let is_node = kind.getattr_opt(intern!(py, "dependencies"))?.is_some()
            && kind.getattr_opt(intern!(py, "substitute"))?.is_some()
            && object.is_callable();
        self.known.insert(address, is_node);
        self.types.push(kind.unbind());
        Ok(is_node)
    }
}
