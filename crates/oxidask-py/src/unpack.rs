//! Looking for collections in the arguments of a delayed call.

use std::sync::Arc;

use oxidask_core::key::{Group, Key};
use oxidask_core::node::Node;
use oxidask_core::op::Op;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyBool, PyBytes, PyDict, PyFloat, PyInt, PyList, PyNone, PySet, PySlice, PyString, PyTuple,
    PyType,
};
use rustc_hash::FxHashMap;

use crate::cluster::{FutureCore, FutureRef};
use crate::delayed::Delayed;
use crate::depth::deeper;
use crate::graph::import_nodes;
use crate::op::PyOp;
use crate::template::{Container, Template};

/// The nodes that an expression reads, each once.
#[derive(Default)]
pub(crate) struct Unpack {
    pub(crate) inputs: Vec<Node>,
    /// Where each node is, once there are many.
    places: FxHashMap<Key, u32>,
    /// Looks for futures, and leaves collections as they are.
    futures_only: bool,
}

impl Unpack {
    /// Looks for futures only.
    pub(crate) fn of_futures() -> Self {
        Self { futures_only: true, ..Self::default() }
    }

    /// The hole that the value of `node` fills.
    pub(crate) fn input(&mut self, node: &Node) -> Template {
        const FEW: usize = 8;
        if self.inputs.len() < FEW {
            if let Some(at) = self.inputs.iter().position(|other| other.is(node)) {
                return Template::Input(at as u32);
            }
        } else {
            if self.places.is_empty() {
                let places = self.inputs.iter().enumerate();
                self.places.extend(places.map(|(at, node)| (node.key().clone(), at as u32)));
            }
            if let Some(&at) = self.places.get(node.key()) {
                return Template::Input(at);
            }
            self.places.insert(node.key().clone(), self.inputs.len() as u32);
        }
        self.inputs.push(node.clone());
        Template::Input(self.inputs.len() as u32 - 1)
    }

    /// The expression that gives `object` with the values of the collections in it.
    ///
    /// # Errors
    /// If a dataclass with collections in it can't be rebuilt, or a collection has no graph.
    pub(crate) fn template(&mut self, object: &Bound<'_, PyAny>) -> PyResult<Template> {
        if !self.futures_only
            && let Ok(delayed) = object.cast::<Delayed>()
        {
            return Ok(self.input(&delayed.get().node));
        }
        if is_plain(object) {
            return Ok(Template::Const(object.clone().unbind()));
        }
        deeper(object.py(), c" while looking for collections", || self.structure(object))
    }

    fn structure(&mut self, object: &Bound<'_, PyAny>) -> PyResult<Template> {
        let found = if let Ok(list) = object.cast_exact::<PyList>() {
            self.templates(list.iter())?.map(|items| Container::List(items).into())
        } else if let Ok(tuple) = object.cast_exact::<PyTuple>() {
            self.templates(tuple.iter())?.map(|items| Container::Tuple(items).into())
        } else if let Ok(dict) = object.cast_exact::<PyDict>() {
            self.dict(dict)?
        } else if let Ok(set) = object.cast_exact::<PySet>() {
            self.templates(set.iter())?.map(|items| Container::Set(items).into())
        } else if let Ok(slice) = object.cast_exact::<PySlice>() {
            self.slice(slice)?
        } else {
            self.other(object)?
        };
        Ok(found.unwrap_or_else(|| Template::Const(object.clone().unbind())))
    }

    /// The parts' expressions, or nothing if none holds a collection.
    fn templates<'py>(
        &mut self,
        items: impl Iterator<Item = Bound<'py, PyAny>>,
    ) -> PyResult<Option<Box<[Template]>>> {
        let items: Box<[Template]> =
            items.map(|item| self.template(&item)).collect::<PyResult<_>>()?;
        Ok(items.iter().any(|item| !item.is_const()).then_some(items))
    }

    fn dict(&mut self, dict: &Bound<'_, PyDict>) -> PyResult<Option<Template>> {
        let mut pairs = Vec::with_capacity(dict.len());
        for (key, value) in dict {
            pairs.push((self.template(&key)?, self.template(&value)?));
        }
        let any = pairs.iter().any(|(key, value)| !key.is_const() || !value.is_const());
        Ok(any.then(|| Container::Dict(pairs.into()).into()))
    }

    fn slice(&mut self, slice: &Bound<'_, PySlice>) -> PyResult<Option<Template>> {
        let py = slice.py();
        let parts = [intern!(py, "start"), intern!(py, "stop"), intern!(py, "step")];
        let parts: PyResult<Vec<_>> = parts.into_iter().map(|part| slice.getattr(part)).collect();
        let parts = self.templates(parts?.into_iter())?;
        let kind = py.get_type::<PySlice>().into_any().unbind();
        Ok(parts.map(|parts| Template::call(kind, parts, [])))
    }

    /// Collections of others, iterators, named tuples and dataclasses.
    fn other(&mut self, object: &Bound<'_, PyAny>) -> PyResult<Option<Template>> {
        let py = object.py();
        if let Ok(future) = object.cast::<FutureCore>() {
            return Ok(Some(self.input(&future_node(future))));
        }
        let kind = object.get_type();
        if !self.futures_only
            && kind.getattr_opt(intern!(py, "__dask_graph__"))?.is_some()
            && !object.is_instance_of::<PyType>()
            && is_collection(object)?
        {
            let node = collection_node(object)?;
            return Ok(Some(self.input(&node)));
        }
        if object.is_instance_of::<PyTuple>() && kind.getattr_opt(intern!(py, "_fields"))?.is_some()
        {
            let parts =
                self.templates(object.try_iter()?.collect::<PyResult<Vec<_>>>()?.into_iter())?;
            let Some(parts) = parts else { return Ok(None) };
            let own = kind.getattr(intern!(py, "__dict__"))?;
            if own.contains("__new__")? && !own.contains("_fields")? {
                // Its constructor may take anything; what it is made of is known.
                let make = kind.getattr(intern!(py, "_make"))?.unbind();
                return Ok(Some(Template::call(make, vec![Container::Tuple(parts).into()], [])));
            }
            return Ok(Some(Template::call(kind.into_any().unbind(), parts, [])));
        }
        if kind.getattr_opt(intern!(py, "__dataclass_fields__"))?.is_some()
            && !object.is_instance_of::<PyType>()
        {
            return self.dataclass(object, &kind);
        }
        if !self.futures_only
            && let Some(like) = iterator_of(&kind)?
        {
            let items = object.try_iter()?.collect::<PyResult<Vec<_>>>()?;
            let items = py.get_type::<PyList>().call1((items,))?;
            let items = match like {
                "tuple_iterator" => py.get_type::<PyTuple>().call1((items,))?,
                "set_iterator" => py.get_type::<PySet>().call1((items,))?,
                _ => items,
            };
            return self.template(&items).map(Some);
        }
        Ok(None)
    }

    fn dataclass(
        &mut self,
        object: &Bound<'_, PyAny>,
        kind: &Bound<'_, PyType>,
    ) -> PyResult<Option<Template>> {
        let py = object.py();
        let mut names = Vec::new();
        let mut values = Vec::new();
        let mut set_but_not_init = Vec::new();
        let fields = kind.getattr(intern!(py, "__dataclass_fields__"))?;
        for field in py.import("dataclasses")?.call_method1("fields", (object,))?.try_iter()? {
            let field = field?;
            let name: Bound<'_, PyString> = field.getattr(intern!(py, "name"))?.cast_into()?;
            if let Some(value) = object.getattr_opt(&name)? {
                if !field.getattr(intern!(py, "init"))?.is_truthy()? {
                    set_but_not_init.push(name.to_string());
                }
                names.push(name.unbind());
                values.push(value);
            }
        }
        drop(fields);
        let Some(parts) = self.templates(values.into_iter())? else { return Ok(None) };
        let class = kind.name()?;
        if let Some(field) = set_but_not_init.first() {
            return Err(PyValueError::new_err(format!(
                "Failed to unpack {class} instance. Note that using fields with `init=False` are \
                 not supported: field {field:?} is set. Pass the parts as arguments instead."
            )));
        }
        if !has_generated_init(kind)? {
            return Err(PyTypeError::new_err(format!(
                "Failed to unpack {class} instance. Note that using a custom __init__ is not \
                 supported. Pass the parts as arguments instead."
            )));
        }
        let kwargs: Vec<_> = names.into_iter().zip(parts).collect();
        Ok(Some(Template::call(kind.clone().into_any().unbind(), [], kwargs)))
    }
}

/// Whether the class's `__init__` takes exactly the fields of the dataclass.
fn has_generated_init(kind: &Bound<'_, PyType>) -> PyResult<bool> {
    let py = kind.py();
    let signature = py.import("inspect")?.call_method1("signature", (kind,))?;
    let parameters = signature.getattr("parameters")?;
    for field in py.import("dataclasses")?.call_method1("fields", (kind,))?.try_iter()? {
        let field = field?;
        if field.getattr("init")?.is_truthy()? && !parameters.contains(field.getattr("name")?)? {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The node that stands for a future.
fn future_node(future: &Bound<'_, FutureCore>) -> Node {
    let op: Arc<dyn Op> = Arc::new(FutureRef { future: future.clone().unbind() });
    Node::new(future.get().key().clone(), op, Vec::new())
}

/// Whether nothing can be found in an object of this type: the most frequent ones.
pub(crate) fn is_plain(object: &Bound<'_, PyAny>) -> bool {
    object.is_exact_instance_of::<PyInt>()
        || object.is_exact_instance_of::<PyString>()
        || object.is_exact_instance_of::<PyFloat>()
        || object.is_exact_instance_of::<PyBool>()
        || object.is_exact_instance_of::<PyNone>()
        || object.is_exact_instance_of::<PyBytes>()
}

/// The name of the type if it is an iterator over a list, tuple or set.
fn iterator_of(kind: &Bound<'_, PyType>) -> PyResult<Option<&'static str>> {
    let name = kind.name()?;
    let name = name.to_cow()?;
    let known = ["list_iterator", "tuple_iterator", "set_iterator"];
    Ok(known.into_iter().find(|&known| known == name))
}

/// Whether an object of another library is a collection of lazy parts.
fn is_collection(object: &Bound<'_, PyAny>) -> PyResult<bool> {
    let py = object.py();
    static CHECK: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    CHECK.import(py, "oxidask.base", "is_dask_collection")?.call1((object,))?.is_truthy()
}

/// One node that gives what `compute` would give of another library's collection.
///
/// The Python layer optimises the collection's graph and says how its parts make up the result.
fn collection_node(object: &Bound<'_, PyAny>) -> PyResult<Node> {
    let py = object.py();
    static PREPARE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let prepare = PREPARE.import(py, "oxidask.delayed", "_finalize_parts")?;
    let (graph, keys, finish, token) =
        prepare
            .call1((object,))?
            .extract::<(Bound<'_, PyAny>, Bound<'_, PyAny>, Bound<'_, PyAny>, String)>()?;
    let mut flat = Vec::new();
    flatten(&keys, &mut flat)?;
    let nodes = import_nodes(&graph, &flat)?;
    let mut parts = Unpack::default();
    let mut next = nodes.iter();
    let argument = parts.nested(&keys, &mut next)?;
    let op: Arc<dyn Op> = Arc::new(PyOp::from(Template::call(finish.unbind(), [argument], [])));
    let key = Key::text(&token, Group::new);
    Ok(Node::new(key, op, parts.inputs))
}

fn flatten<'py>(keys: &Bound<'py, PyAny>, flat: &mut Vec<Bound<'py, PyAny>>) -> PyResult<()> {
    match keys.cast::<PyList>() {
        Ok(list) => deeper(keys.py(), c" while reading keys", || {
            list.iter().try_for_each(|keys| flatten(&keys, flat))
        }),
        Err(_) => {
            flat.push(keys.clone());
            Ok(())
        }
    }
}

impl Unpack {
    /// The nested lists of `keys` with holes for the nodes that they name.
    fn nested<'a>(
        &mut self,
        keys: &Bound<'_, PyAny>,
        nodes: &mut impl Iterator<Item = &'a Node>,
    ) -> PyResult<Template> {
        match keys.cast::<PyList>() {
            Ok(list) => {
                let items = list.iter().map(|keys| self.nested(&keys, nodes));
                Ok(Container::List(items.collect::<PyResult<_>>()?).into())
            }
            Err(_) => match nodes.next() {
                Some(node) => Ok(self.input(node)),
                None => Err(PyValueError::new_err("fewer nodes than keys came back")),
            },
        }
    }
}
