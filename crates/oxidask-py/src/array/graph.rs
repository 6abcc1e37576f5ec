//! Arrays, dataframes and delayed values as one graph: native for our schedulers, a mapping for everyone else.

use std::sync::Arc;

use oxidask_array::ops::{AnyKernel, KernelOp};
use oxidask_array::plan::array::Array;
use oxidask_array::plan::gather;
use oxidask_array::plan::lower::{self, Fusion};
use oxidask_array::plan::note;
use oxidask_core::graph::{Graph, TaskRef};
use oxidask_core::layer::unravel;
use oxidask_core::node::Node;
use oxidask_core::op::Op;
use oxidask_core::optimize::fuse_blockwise;
use oxidask_frame::plan::{Table, exchange};
use pyo3::exceptions::{PyKeyError, PyTypeError};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyIterator, PyList, PyString, PyTuple};
use rustc_hash::{FxHashMap, FxHashSet};

use crate::array::block_op::{BlockOp, call_op};
use crate::array::expr::{ArrayExpr, IntoPython};
use crate::array::io::BlockOf;
use crate::array::note::layers_said;
use crate::cluster::FutureRef;
use crate::delayed::Delayed;
use crate::frame::FrameExpr;
use crate::graph::{Imported, graph_error};
use crate::key as keys;
use crate::object::to_object;
use crate::op::PyOp;
use crate::portable;

/// The graph of some arrays, dataframes and delayed values.
#[pyclass(frozen, mapping, module = "oxidask._native")]
pub(crate) struct ArrayGraph {
    arrays: Vec<Array>,
    tables: Vec<Table>,
    delayed: Vec<Node>,
    fusion: Fusion,
    dict: PyOnceLock<Py<PyDict>>,
}

/// One graph for expressions of arrays and of dataframes, and delayed values.
#[pyfunction]
#[pyo3(signature = (values, fuse=true))]
pub(crate) fn merge_arrays(values: Vec<Bound<'_, PyAny>>, fuse: bool) -> PyResult<ArrayGraph> {
    let (mut arrays, mut tables, mut delayed) = (Vec::new(), Vec::new(), Vec::new());
    for value in values {
        if let Ok(array) = value.cast::<ArrayExpr>() {
            arrays.push(array.get().0.clone());
        } else if let Ok(table) = value.cast::<FrameExpr>() {
            tables.push(table.get().0.clone());
        } else if let Ok(value) = value.cast::<Delayed>() {
            delayed.push(value.get().node.clone());
        } else {
            return Err(PyTypeError::new_err(format!("{} is neither", value.get_type())));
        }
    }
    let fusion = if fuse { Fusion::On } else { Fusion::Off };
    Ok(ArrayGraph { arrays, tables, delayed, fusion, dict: PyOnceLock::new() })
}

/// What a key of a question asks for.
enum Wanted {
    /// The whole of an array, as one value.
    Whole(usize),
    /// A block.
    Block(usize, u32),
    /// The whole of a dataframe, as one value.
    WholeTable(usize),
    /// A partition.
    Partition(usize, u32),
    Delayed(usize),
}

impl ArrayGraph {
    fn wanted(&self, key: &Bound<'_, PyAny>) -> PyResult<Option<Wanted>> {
        let position = |name: &str| self.arrays.iter().position(|a| a.name().as_str() == name);
        if let Ok(expr) = key.cast::<ArrayExpr>() {
            return Ok(position(expr.get().0.name().as_str()).map(Wanted::Whole));
        }
        let table = |name: &str| self.tables.iter().position(|t| t.name().as_str() == name);
        if let Ok(expr) = key.cast::<FrameExpr>() {
            return Ok(table(expr.get().0.name().as_str()).map(Wanted::WholeTable));
        }
        if let Ok(tuple) = key.cast::<PyTuple>()
            && tuple.len() == 2
            && let Ok(name) = tuple.get_item(0)?.cast::<PyString>()
            && let Some(at) = table(&name.to_cow()?)
        {
            let partition = tuple.get_item(1)?.extract::<u32>().ok();
            let partition = partition.filter(|&i| i < self.tables[at].n_partitions());
            return Ok(partition.map(|i| Wanted::Partition(at, i)));
        }
        if let Ok(tuple) = key.cast::<PyTuple>()
            && !tuple.is_empty()
            && let Ok(name) = tuple.get_item(0)?.cast::<PyString>()
            && let Some(at) = position(&name.to_cow()?)
        {
            let grid = self.arrays[at].chunks().grid();
            let coords: Vec<i64> = match tuple.get_slice(1, tuple.len()).extract() {
                Ok(coords) => coords,
                Err(_) => return Ok(None),
            };
            let inside = coords.len() == grid.len()
                && coords.iter().zip(&grid).all(|(&c, &n)| (0..i64::from(n)).contains(&c));
            let block = coords.iter().zip(&grid).fold(0u32, |b, (&c, &n)| b * n + c as u32);
            return Ok(inside.then_some(Wanted::Block(at, block)));
        }
        let key = keys::from_python(key, &mut keys::Groups::default())?;
        Ok(self.delayed.iter().position(|node| *node.key() == key).map(Wanted::Delayed))
    }

    /// The native graph with the tasks of `flat`, if all of them are the graph's own values.
    pub(crate) fn import(
        &self,
        py: Python<'_>,
        flat: &[Bound<'_, PyAny>],
    ) -> PyResult<Option<Imported>> {
        let mut wanted = Vec::with_capacity(flat.len());
        for key in flat {
            match self.wanted(key)? {
                Some(what) => wanted.push(what),
                None => return Ok(None),
            }
        }
        py.detach(|| self.lowered(&wanted)).map(Some)
    }

    fn lowered(&self, wanted: &[Wanted]) -> PyResult<Imported> {
        let lowered = lower::lower(&self.arrays, self.fusion).py()?;
        let lower::Lowered { mut graph, layers, mut keys, owners } = lowered;
        let mut gathered: FxHashMap<usize, TaskRef> = FxHashMap::default();
        for what in wanted {
            if let Wanted::Whole(at) = *what
                && !gathered.contains_key(&at)
            {
                let task = gather::gather(&mut graph, &self.arrays[at], layers[at]).py()?;
                let task = task.ok_or_else(|| {
                    PyTypeError::new_err("an array of unknown shape is gathered block by block")
                })?;
                gathered.insert(at, task);
            }
        }
        let tables = self.append_tables(&mut graph, &mut keys);
        let mut gathered_tables: FxHashMap<usize, TaskRef> = FxHashMap::default();
        for what in wanted {
            if let Wanted::WholeTable(at) = *what {
                let gather = || exchange::gather(&mut graph, &self.tables[at], tables[at]);
                gathered_tables.entry(at).or_insert_with(gather);
            }
        }
        let (delayed, places) = oxidask_core::node::collect(&self.delayed).map_err(graph_error)?;
        let base = graph.layers().len() as u32;
        lower::append(&mut graph, &delayed, &mut keys);
        let mut graph = Arc::new(graph);
        let outputs: Vec<TaskRef> = wanted
            .iter()
            .map(|what| match *what {
                Wanted::Whole(at) => gathered[&at],
                Wanted::Block(at, block) => TaskRef { layer: layers[at], block },
                Wanted::WholeTable(at) => gathered_tables[&at],
                Wanted::Partition(at, block) => TaskRef { layer: tables[at], block },
                Wanted::Delayed(at) => TaskRef { layer: places[at].layer + base, ..places[at] },
            })
            .collect();
        let wanted: Vec<u32> = outputs.iter().map(|output| output.layer).collect();
        if self.fusion == Fusion::On {
            graph = Arc::new(fuse_blockwise(&graph, &wanted));
        }
        let notes = note::of_layers(&self.arrays, &owners, &graph, &wanted);
        Ok(Imported { graph, outputs, notes })
    }

    /// Adds the layers of the dataframes, and gives the last one of each.
    fn append_tables(
        &self,
        graph: &mut Graph,
        keys: &mut FxHashMap<oxidask_core::key::Key, TaskRef>,
    ) -> Vec<u32> {
        if self.tables.is_empty() {
            return Vec::new();
        }
        let mut seen: FxHashMap<usize, u32> = FxHashMap::default();
        let mut own_keys = FxHashMap::default();
        let mut append = |graph: &mut Graph, other: &Arc<Graph>| {
            *seen.entry(Arc::as_ptr(other) as usize).or_insert_with(|| {
                let base = graph.layers().len() as u32;
                lower::append(graph, other, &mut own_keys);
                base
            })
        };
        let lowered = oxidask_frame::plan::lower::lower(&self.tables, &mut append);
        let base = graph.layers().len() as u32;
        lower::append(graph, &lowered.graph, keys);
        lowered.layers.iter().map(|layer| layer + base).collect()
    }

    /// The layers of everything but delayed values, as they were written.
    fn unfused(&self) -> PyResult<Graph> {
        let lower::Lowered { mut graph, mut keys, .. } =
            lower::lower(&self.arrays, self.fusion).py()?;
        self.append_tables(&mut graph, &mut keys);
        Ok(graph)
    }

    fn dict<'py>(&self, py: Python<'py>) -> PyResult<&Bound<'py, PyDict>> {
        let dict = self.dict.get_or_try_init(py, || -> PyResult<_> {
            let dict = PyDict::new(py);
            for (_, tasks) in self.layers(py)? {
                for (key, task) in &tasks {
                    dict.set_item(key, task)?;
                }
            }
            for item in portable::tasks(py, &self.delayed)? {
                dict.set_item(item.get_item(0)?, item.get_item(2)?)?;
            }
            Ok(dict.unbind())
        })?;
        Ok(dict.bind(py))
    }

    /// The tasks of each layer as Python task objects, inputs first.
    fn layers<'py>(&self, py: Python<'py>) -> PyResult<Vec<(String, Bound<'py, PyDict>)>> {
        let graph = py.detach(|| self.unfused())?;
        let make = py.import("oxidask.array._graph")?.getattr("block_task")?;
        let homes = Homes::of(py, &graph)?;
        let mut layers = Vec::with_capacity(graph.layers().len());
        for layer in 0..graph.layers().len() as u32 {
            layers.push((layer_name(&graph, layer), PyDict::new(py)));
        }
        let mut inputs = Vec::new();
        for layer in 0..graph.layers().len() as u32 {
            for block in 0..graph.layers()[layer as usize].n_tasks() {
                let task = TaskRef { layer, block };
                if let Some(home) = homes.of_task(task) {
                    let dict = &layers[home as usize].1;
                    set_task(py, &graph, task, &mut inputs, &make, dict)?;
                }
            }
        }
        layers.retain(|(_, dict)| !dict.is_empty());
        Ok(layers)
    }
}

/// A graph as Python writes it, and the keys of some of its tasks.
pub(crate) fn graph_dict<'py>(
    py: Python<'py>,
    graph: &Graph,
    outputs: &[TaskRef],
) -> PyResult<(Bound<'py, PyDict>, Vec<Bound<'py, PyAny>>)> {
    let make = py.import("oxidask.array._graph")?.getattr("block_task")?;
    let (dict, mut inputs) = (PyDict::new(py), Vec::new());
    for layer in 0..graph.layers().len() as u32 {
        for block in 0..graph.layers()[layer as usize].n_tasks() {
            set_task(py, graph, TaskRef { layer, block }, &mut inputs, &make, &dict)?;
        }
    }
    let keys = outputs.iter().map(|&task| task_key(py, graph, task)).collect::<PyResult<_>>()?;
    Ok((dict, keys))
}

pub(super) fn layer_name(graph: &Graph, layer: u32) -> String {
    match &graph.layers()[layer as usize] {
        oxidask_core::layer::Layer::Mapped(mapped) => mapped.name.as_str().to_owned(),
        oxidask_core::layer::Layer::Explicit(_) => format!("tasks-{layer}"),
    }
}

/// In which layer Python code sees a task. An array of a foreign graph is a layer of aliases; where
/// the graph's own tasks have the array's keys already, they are that layer.
#[derive(Default)]
struct Homes {
    moved: FxHashMap<TaskRef, u32>,
    hidden: FxHashSet<TaskRef>,
}

impl Homes {
    fn of(py: Python<'_>, graph: &Graph) -> PyResult<Self> {
        let mut homes = Self::default();
        let mut inputs = Vec::new();
        for (at, layer) in graph.layers().iter().enumerate() {
            let oxidask_core::layer::Layer::Mapped(mapped) = layer else { continue };
            let is_alias = is_alias(&*mapped.op);
            if !is_alias {
                continue;
            }
            for block in 0..layer.n_tasks() {
                let task = TaskRef { layer: at as u32, block };
                inputs.clear();
                if graph.inputs(task, &mut inputs).is_err() {
                    continue;
                }
                let [source] = inputs[..] else { continue };
                let is_explicit = matches!(
                    graph.layers()[source.layer as usize],
                    oxidask_core::layer::Layer::Explicit(_)
                );
                // As Python writes them: that of an array without axes is a tuple, too.
                if is_explicit && task_key(py, graph, source)?.eq(task_key(py, graph, task)?)? {
                    homes.moved.insert(source, at as u32);
                    homes.hidden.insert(task);
                }
            }
        }
        Ok(homes)
    }

    fn is_empty(&self) -> bool {
        self.hidden.is_empty()
    }

    /// The layer of a task, if it is seen at all.
    fn of_task(&self, task: TaskRef) -> Option<u32> {
        if self.hidden.contains(&task) {
            return None;
        }
        Some(self.moved.get(&task).copied().unwrap_or(task.layer))
    }
}

fn is_alias(op: &dyn Op) -> bool {
    op.as_any().is_some_and(|op| {
        op.is::<oxidask_array::ops::Alias>() || op.is::<oxidask_frame::ops::source::Alias>()
    })
}

fn set_task<'py>(
    py: Python<'py>,
    graph: &Graph,
    task: TaskRef,
    inputs: &mut Vec<TaskRef>,
    make: &Bound<'py, PyAny>,
    dict: &Bound<'py, PyDict>,
) -> PyResult<()> {
    inputs.clear();
    graph.inputs(task, inputs).map_err(graph_error)?;
    let key = task_key(py, graph, task)?;
    let inputs: PyResult<Vec<_>> = inputs.iter().map(|&input| task_key(py, graph, input)).collect();
    let (inputs, op) = (inputs?, Arc::clone(graph.layers()[task.layer as usize].op(task.block)));
    if let Some(value) = op.constant()
        && is_array(&to_object(py, &value)?)?
    {
        return dict.set_item(&key, to_object(py, &value)?);
    }
    let is_future = op.as_any().is_some_and(|any| any.is::<FutureRef>());
    if is_future || op.constant().is_some() || PyOp::of(&*op).is_some() {
        let (task, _) = portable::task_object(py, &*op, &key, &inputs)?;
        return dict.set_item(&key, task);
    }
    block_task(py, dict, &key, op, task.block, inputs, make)
}

/// Adds the task of one block to `dict`: the block itself if it lies in memory.
fn block_task<'py>(
    py: Python<'py>,
    dict: &Bound<'py, PyDict>,
    key: &Bound<'py, PyAny>,
    mut op: Arc<dyn Op>,
    block: u32,
    mut inputs: Vec<Bound<'py, PyAny>>,
    make: &Bound<'py, PyAny>,
) -> PyResult<()> {
    if is_memory(&*op) {
        return dict.set_item(key, call_op(py, &*op, block, &[])?);
    }
    if let Some(python) = op.as_any().and_then(|any| any.downcast_ref::<BlockOp>()) {
        let shared = python.shared();
        for (at, (key, object, before)) in shared.iter().enumerate() {
            if !dict.contains(key)? {
                dict.set_item(key, shared_object(object.bind(py))?)?;
            }
            inputs.insert(before + at, key.into_pyobject(py)?.into_any());
        }
        if !shared.is_empty() {
            op = Arc::new(python.unshared(py));
        }
    }
    let body = Bound::new(py, BlockTask { op, block })?;
    dict.set_item(key, make.call1((key, body, PyList::new(py, inputs)?))?)
}

/// The task object of a block that is a delayed value.
pub(crate) fn task_of_block<'py>(
    py: Python<'py>,
    op: &dyn Op,
    key: &Bound<'py, PyAny>,
    inputs: &[Bound<'py, PyAny>],
) -> PyResult<Bound<'py, PyAny>> {
    let op: Arc<dyn Op> = match op.as_any().and_then(|any| any.downcast_ref::<BlockOf>()) {
        Some(BlockOf { op, block }) if is_memory(&**op) => {
            let value = call_op(py, &**op, *block, &[])?;
            return py.import("oxidask._task_spec")?.getattr("DataNode")?.call1((key, value));
        }
        Some(BlockOf { op, block }) => Arc::new(BlockOf { op: Arc::clone(op), block: *block }),
        None if op.name() == "alias" => Arc::new(oxidask_array::ops::Alias),
        None => {
            let text = format!("the task {} has no Python form", op.name());
            return Err(PyTypeError::new_err(text));
        }
    };
    let make = py.import("oxidask.array._graph")?.getattr("block_task")?;
    let body = Bound::new(py, BlockTask { op, block: 0 })?;
    make.call1((key, body, PyList::new(py, inputs)?))
}

/// What a graph has for an object that tasks share: the object, marked as data if graphs read more
/// into it.
fn shared_object<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    if is_array(object)? {
        return Ok(object.clone());
    }
    let py = object.py();
    py.import("oxidask._task_spec")?.getattr("DataNode")?.call1((py.None(), object))
}

/// Whether an object is like an array, which graphs read nothing into.
fn is_array(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    Ok(object.getattr_opt("shape")?.is_some() && !object.is_callable())
}

pub(crate) fn is_memory(op: &dyn Op) -> bool {
    let any = op.as_any();
    let frame = any.and_then(|any| any.downcast_ref::<oxidask_frame::ops::KernelOp>());
    frame.is_some_and(|op| matches!(op.0, oxidask_frame::ops::AnyKernel::FromFrame(_)))
        || any
            .and_then(|any| any.downcast_ref::<KernelOp>())
            .is_some_and(|op| matches!(op.kernel, AnyKernel::FromChunk(_)))
}

/// The key of a task as Dask writes it: of arrays always `(name, i, j, ...)`.
fn task_key<'py>(py: Python<'py>, graph: &Graph, task: TaskRef) -> PyResult<Bound<'py, PyAny>> {
    match &graph.layers()[task.layer as usize] {
        oxidask_core::layer::Layer::Mapped(mapped) => {
            let mut coords = Vec::new();
            unravel(task.block, &mapped.shape, &mut coords);
            let name = mapped.name.as_str().into_pyobject(py)?.into_any();
            let coords = coords.into_iter().map(|c| c.into_pyobject(py).map(Bound::into_any));
            let items: Vec<_> =
                std::iter::once(Ok(name)).chain(coords).collect::<Result<_, _>>()?;
            Ok(PyTuple::new(py, items)?.into_any())
        }
        oxidask_core::layer::Layer::Explicit(_) => keys::to_python(py, &graph.key(task)),
    }
}

/// One task of an array as a callable of its inputs' values.
#[pyclass(frozen, module = "oxidask._native")]
pub(crate) struct BlockTask {
    pub(crate) op: Arc<dyn Op>,
    pub(crate) block: u32,
}

#[pymethods]
impl BlockTask {
    #[pyo3(signature = (*inputs))]
    fn __call__<'py>(
        &self,
        py: Python<'py>,
        inputs: Vec<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        call_op(py, &*self.op, self.block, &inputs)
    }

    /// What the task runs, for people.
    #[getter]
    fn __name__(&self) -> String {
        self.op.name().into_owned()
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let this = slf.get();
        let rebuild = py.import("oxidask._native")?.getattr("rebuild_block_task")?;
        if let Some(BlockOf { op, block }) = this.op.as_any().and_then(|any| any.downcast_ref()) {
            let state = crate::array::portable::encode(py, &**op)?;
            return (rebuild, (state, *block)).into_pyobject(py);
        }
        let state = crate::array::portable::encode(py, &*this.op)?;
        (rebuild, (state, this.block)).into_pyobject(py)
    }
}

#[pymethods]
impl ArrayGraph {
    /// Names and tasks of the layers, inputs first.
    fn layer_dicts<'py>(&self, py: Python<'py>) -> PyResult<Vec<(String, Bound<'py, PyDict>)>> {
        self.layers(py)
    }

    /// What was said about the tasks of layers, by their names: dicts, what counts most last.
    fn annotations<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        layers_said(py, &self.arrays, self.fusion)
    }

    /// Names of the layers and of those that each reads.
    fn dependencies(&self, py: Python<'_>) -> PyResult<Vec<(String, Vec<String>)>> {
        let graph = py.detach(|| self.unfused())?;
        let homes = Homes::of(py, &graph)?;
        let mut read: Vec<Option<FxHashSet<u32>>> = vec![None; graph.layers().len()];
        let mut inputs = Vec::new();
        for (at, layer) in graph.layers().iter().enumerate() {
            if let (oxidask_core::layer::Layer::Mapped(mapped), true) = (layer, homes.is_empty()) {
                read[at] = Some(mapped.inputs.iter().map(|input| input.layer).collect());
                continue;
            }
            for block in 0..layer.n_tasks() {
                let task = TaskRef { layer: at as u32, block };
                let Some(home) = homes.of_task(task) else { continue };
                inputs.clear();
                graph.inputs(task, &mut inputs).map_err(graph_error)?;
                let read = read[home as usize].get_or_insert_default();
                // What is hidden is seen under its layer still.
                read.extend(
                    inputs.iter().map(|&input| homes.of_task(input).unwrap_or(input.layer)),
                );
                read.remove(&home);
            }
        }
        let name = |at: u32| layer_name(&graph, at);
        let seen = read.iter().enumerate();
        let seen = seen.filter_map(|(at, read)| Some((at as u32, read.as_ref()?)));
        Ok(seen.map(|(at, read)| (name(at), read.iter().map(|&at| name(at)).collect())).collect())
    }

    /// Keys to task objects: a new dict at each call.
    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        self.dict(py)?.copy()
    }

    fn __len__(&self, py: Python<'_>) -> PyResult<usize> {
        Ok(self.dict(py)?.len())
    }

    fn __getitem__<'py>(
        &self,
        py: Python<'py>,
        key: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.dict(py)?.get_item(&key)?.ok_or_else(|| PyKeyError::new_err(key.unbind()))
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.dict(py)?.try_iter()
    }

    fn __contains__<'py>(&self, py: Python<'py>, key: Bound<'py, PyAny>) -> PyResult<bool> {
        self.dict(py)?.contains(key)
    }

    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.dict(py)?.call_method0("keys")
    }

    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.dict(py)?.call_method0("values")
    }

    fn items<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.dict(py)?.call_method0("items")
    }
}
