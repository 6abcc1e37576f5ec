//! Delayed values: the class that users call and combine.
//!
//! A delayed value is a [`Node`] and, for a function that returns several values, their number.
//! Calls and operators make one new node each, at constant cost. Signatures, docs and the
//! protocol's less frequent parts are in `oxidask/delayed.py`.

mod leaf;
mod naming;
mod native_graph;
mod operators;

use std::sync::Arc;

use oxidask_core::key::{Group, Key};
use oxidask_core::node::Node;
use oxidask_core::op::Op;
use pyo3::exceptions::{PyAttributeError, PyKeyError, PyTypeError, PyUserWarning};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyIterator, PyList, PyString, PyTuple};

pub(crate) use leaf::{DelayedAttr, DelayedLeaf};
pub(crate) use naming::seed_tokens;
pub(crate) use native_graph::{DelayedGraph, merge_delayed};

use crate::graph::import_nodes;
use crate::key::{self as keys};
use crate::op::PyOp;
use crate::portable;
use crate::template::{Call, Template};
use crate::unpack::Unpack;
use naming::{Naming, annotated, pure_by_default};

/// The Python object of a delayed value.
#[expect(unsafe_code, reason = "no safe wrapper for this call")]
fn attached(py: Python<'_>, delayed: Delayed) -> PyResult<Bound<'_, Delayed>> {
    let object = Bound::new(py, delayed)?;
    // Its parts are counted, not traced: the collector could only waste time on millions of them.
    // SAFETY: the object is new, of a type that the collector knows, and tracked.
    unsafe { pyo3::ffi::PyObject_GC_UnTrack(object.as_ptr().cast()) };
    Ok(object)
}

/// A value that is computed later. See `oxidask.delayed`.
#[pyclass(subclass, frozen, weakref, module = "oxidask.delayed")]
pub(crate) struct Delayed {
    pub(crate) node: Node,
    length: Option<u32>,
}

impl Delayed {
    pub(crate) fn from_node(node: Node, length: Option<u32>) -> Self {
        Self { node, length }
    }

    /// The call of an operator on this value: pure by definition.
    fn operator<'py>(
        slf: &Bound<'py, Self>,
        name: &str,
        args: &[&Bound<'py, PyAny>],
    ) -> PyResult<Bound<'py, Delayed>> {
        let py = slf.py();
        let function = py.import(intern!(py, "operator"))?.getattr(name)?;
        let mut unpack = Unpack::default();
        let templates =
            args.iter().map(|arg| unpack.template(arg)).collect::<PyResult<Vec<_>>>()?;
        let group = Group::new(name.trim_end_matches('_'));
        let key =
            Naming::Pure(group, std::iter::once(&function).chain(args.iter().copied()).collect())
                .key(py)?;
        let template = Template::call(function.unbind(), templates, []);
        let op = annotated(py, Arc::new(PyOp::from(template)))?;
        attached(py, Delayed { node: Node::new(key, op, unpack.inputs), length: None })
    }

    /// The call of a function, or of a method of a delayed value, with these arguments.
    fn call<'py>(
        py: Python<'py>,
        callee: Callee<'py>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, Delayed>> {
        let mut unpack = Unpack::default();
        let Callee { group, token, mut function, mut pure, nout } = callee;
        if let Template::Input(_) = function {
            let object = token.get_item(0)?.cast_into::<Delayed>()?;
            function = unpack.input(&object.get().node);
        }
        // A method's own object comes first.
        let object = token.get_item(1).ok().and_then(|o| o.cast_into::<Delayed>().ok());
        // Exact, because the allocator would keep what is cut off later.
        let mut templates = Vec::with_capacity(args.len() + usize::from(object.is_some()));
        if let Some(object) = object {
            templates.push(unpack.input(&object.get().node));
        }
        for arg in args {
            templates.push(unpack.template(&arg)?);
        }
        let mut named = Vec::new();
        let mut given = None;
        let kwargs = kwargs.filter(|kwargs| !kwargs.is_empty());
        let passed = kwargs.map(|kwargs| kwargs.copy()).transpose()?;
        if let Some(passed) = &passed {
            for name in [intern!(py, "dask_key_name"), intern!(py, "pure")] {
                if let Some(value) = passed.get_item(name)? {
                    passed.del_item(name)?;
                    if name == "pure" {
                        pure = if value.is_none() { pure } else { Some(value.is_truthy()?) };
                    } else if !value.is_none() {
                        given = Some(value);
                    }
                }
            }
            for (name, value) in passed {
                let name = name.cast_into::<PyString>()?;
                named.push((name.unbind(), unpack.template(&value)?));
            }
        }
        let pure = match pure {
            Some(pure) => pure,
            None => pure_by_default(py)?,
        };
        let key = match given {
            Some(key) => Naming::Given(key),
            None if pure => {
                let kwargs = passed
                    .as_ref()
                    .map_or_else(|| py.None().into_bound(py), |k| k.clone().into_any());
                let objects = [token.as_any(), args.as_any(), &kwargs];
                return Self::finish(
                    py,
                    Naming::Pure(group, objects.to_vec()).key(py)?,
                    function,
                    templates,
                    named,
                    unpack,
                    nout,
                );
            }
            None => Naming::Unique(group),
        };
        Self::finish(py, key.key(py)?, function, templates, named, unpack, nout)
    }

    fn finish(
        py: Python<'_>,
        key: Key,
        function: Template,
        args: Vec<Template>,
        kwargs: Vec<(Py<PyString>, Template)>,
        unpack: Unpack,
        length: Option<u32>,
    ) -> PyResult<Bound<'_, Delayed>> {
        let op = annotated(py, Arc::new(PyOp::Call(Call::new(function, args, kwargs))))?;
        attached(py, Delayed { node: Node::new(key, op, unpack.inputs), length })
    }
}

/// What a delayed call calls.
struct Callee<'py> {
    group: Group,
    /// What stands for the function in a pure call's token; a delayed function first, or a
    /// method's object second, becomes an input.
    token: Bound<'py, PyTuple>,
    /// The function, or an input's hole to be numbered.
    function: Template,
    pure: Option<bool>,
    nout: Option<u32>,
}

#[pymethods]
impl Delayed {
    /// The delayed value of `key` in the graph `dsk`.
    #[new]
    #[pyo3(signature = (key, dsk, length=None, layer=None))]
    fn new(
        key: Bound<'_, PyAny>,
        dsk: Bound<'_, PyAny>,
        length: Option<u32>,
        layer: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Self> {
        let py = key.py();
        check_layer(&key, &dsk, layer.as_ref())?;
        let mut nodes = import_nodes(&dsk, std::slice::from_ref(&key))?;
        let node = nodes.pop().ok_or_else(|| PyKeyError::new_err(key.clone().unbind()))?;
        let _ = py;
        Ok(Self { node, length })
    }

    /// The key of the value in its graph.
    #[getter]
    fn key<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        keys::to_python(py, self.node.key())
    }

    #[getter]
    fn _key<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.key(py)
    }

    #[getter]
    fn _length(&self) -> Option<u32> {
        self.length
    }

    /// The task graph, as a graph of layers.
    #[getter]
    fn dask<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        forward(slf, "_layered_graph", None)
    }

    /// The task graph, still in native form.
    fn __dask_graph__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        forward(slf, "_layered_graph", None)
    }

    fn __dask_keys__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        PyList::new(py, [self.key(py)?])
    }

    fn __dask_layers__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, [self.key(py)?])
    }

    fn __dask_tokenize__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.key(py)
    }

    fn __dask_postcompute__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        forward(slf, "_postcompute", None)
    }

    fn __dask_postpersist__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        forward(slf, "_postpersist", None)
    }

    #[getter]
    fn __dask_scheduler__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        py.import("oxidask.threaded")?.getattr("get")
    }

    #[getter]
    fn __dask_optimize__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        py.import("oxidask.delayed")?.getattr("optimize")
    }

    /// Computes the value; see `oxidask.compute`.
    #[pyo3(signature = (**kwargs))]
    fn compute<'py>(
        slf: &Bound<'py, Self>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        forward(slf, "_compute", kwargs)
    }

    /// Computes the value and gives a delayed value that holds it; see `oxidask.persist`.
    #[pyo3(signature = (**kwargs))]
    fn persist<'py>(
        slf: &Bound<'py, Self>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        forward(slf, "_persist", kwargs)
    }

    /// Draws the task graph; see `oxidask.visualize`.
    #[pyo3(signature = (filename=None, format=None, optimize_graph=false, **kwargs))]
    fn visualize<'py>(
        slf: &Bound<'py, Self>,
        filename: Option<Bound<'py, PyAny>>,
        format: Option<&str>,
        optimize_graph: bool,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let all = kwargs.map_or_else(|| Ok(PyDict::new(py)), |kwargs| kwargs.copy())?;
        if let Some(filename) = filename {
            all.set_item("filename", filename)?;
        }
        all.set_item("format", format)?;
        all.set_item("optimize_graph", optimize_graph)?;
        forward(slf, "_visualize", Some(&all))
    }

    #[pyo3(signature = (*args, **kwargs))]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, Delayed>> {
        static GROUP: std::sync::OnceLock<Group> = std::sync::OnceLock::new();
        let callee = Callee {
            group: GROUP.get_or_init(|| Group::new("apply")).clone(),
            token: PyTuple::new(slf.py(), [slf])?,
            function: Template::Input(0),
            pure: None,
            nout: None,
        };
        Self::call(slf.py(), callee, args, kwargs)
    }

    fn __getattr__<'py>(
        slf: &Bound<'py, Self>,
        attr: Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        let name = attr.to_cow()?;
        if name.starts_with('_') {
            return Err(PyAttributeError::new_err(format!("Attribute {name} not found")));
        }
        if name == "visualise" {
            let text =
                c"oxidask.delayed objects have no `visualise` method. Did you mean `visualize`?";
            PyErr::warn(py, &py.get_type::<PyUserWarning>(), text, 1)?;
        }
        if name == "dtype"
            && let Ok(own) = slf.cast::<DelayedAttr>()
            && own.get().attr.bind(py) == "dtype"
        {
            // NumPy asks for the dtype of a dtype until there is none.
            return Err(PyAttributeError::new_err("Attribute dtype not found"));
        }
        Ok(DelayedAttr::create(slf, attr)?.into_any())
    }

    fn __setattr__(&self, _name: &str, _value: Bound<'_, PyAny>) -> PyResult<()> {
        Err(PyTypeError::new_err("Delayed objects are immutable"))
    }

    fn __delattr__(&self, _name: &str) -> PyResult<()> {
        Err(PyTypeError::new_err("Delayed objects are immutable"))
    }

    fn __setitem__(&self, _item: Bound<'_, PyAny>, _value: Bound<'_, PyAny>) -> PyResult<()> {
        Err(PyTypeError::new_err("Delayed objects are immutable"))
    }

    fn __get__<'py>(
        slf: &Bound<'py, Self>,
        instance: Option<Bound<'py, PyAny>>,
        _owner: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let py = slf.py();
        match instance.filter(|instance| !instance.is_none()) {
            Some(instance) => py.import("types")?.getattr("MethodType")?.call1((slf, instance)),
            None => Ok(slf.clone().into_any()),
        }
    }

    fn __dir__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("builtins")?.getattr("dir")?.call1((slf.get_type(),))
    }

    fn __iter__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyIterator>> {
        let py = slf.py();
        let Some(length) = slf.get().length else {
            return Err(PyTypeError::new_err(
                "Delayed objects of unspecified length are not iterable; pass nout= to delayed",
            ));
        };
        let mut items = Vec::with_capacity(length as usize);
        for i in 0..length {
            items.push(Self::operator(
                slf,
                "getitem",
                &[slf.as_any(), i.into_pyobject(py)?.as_any()],
            )?);
        }
        PyList::new(py, items)?.try_iter()
    }

    fn __len__(&self) -> PyResult<usize> {
        self.length.map(|length| length as usize).ok_or_else(|| {
            PyTypeError::new_err(
                "Delayed objects of unspecified length have no len(); pass nout= to delayed",
            )
        })
    }

    fn __await__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("oxidask.base")?.call_method1("_awaited", (slf,))
    }

    fn __bool__(&self) -> PyResult<bool> {
        Err(PyTypeError::new_err("Truth of Delayed objects is not supported; compute them first"))
    }

    fn __hash__(&self, py: Python<'_>) -> PyResult<isize> {
        self.key(py)?.hash()
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        Ok(format!("Delayed({})", self.key(py)?.repr()?))
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        portable::reduce(slf)
    }

    #[pyo3(signature = (dsk, *, rename=None))]
    fn _rebuild<'py>(
        slf: &Bound<'py, Self>,
        dsk: Bound<'py, PyAny>,
        rename: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let kwargs = PyDict::new(slf.py());
        kwargs.set_item("dsk", dsk)?;
        kwargs.set_item("rename", rename)?;
        forward(slf, "_rebuild", Some(&kwargs))
    }
}

/// Calls a function of `oxidask.delayed` with this object.
fn forward<'py>(
    slf: &Bound<'py, Delayed>,
    function: &str,
    kwargs: Option<&Bound<'py, PyDict>>,
) -> PyResult<Bound<'py, PyAny>> {
    slf.py().import("oxidask.delayed")?.getattr(function)?.call((slf,), kwargs)
}

/// The layer must be there in a graph of layers.
fn check_layer(
    key: &Bound<'_, PyAny>,
    dsk: &Bound<'_, PyAny>,
    layer: Option<&Bound<'_, PyAny>>,
) -> PyResult<()> {
    let py = key.py();
    if dsk.is_exact_instance_of::<PyDict>() {
        return Ok(());
    }
    let Some(layers) = dsk.getattr_opt(intern!(py, "layers"))? else { return Ok(()) };
    let layer = layer.unwrap_or(key);
    if layers.contains(layer)? {
        return Ok(());
    }
    Err(pyo3::exceptions::PyValueError::new_err(format!(
        "Layer {} not in the graph's layers; pass layer= to name the one that holds the key",
        layer.repr()?
    )))
}

/// The delayed value of an expression: a structure with delayed values in it.
#[pyfunction]
#[pyo3(signature = (object, name=None, pure=None, nout=None))]
pub(crate) fn delayed_structure<'py>(
    object: Bound<'py, PyAny>,
    name: Option<Bound<'py, PyAny>>,
    pure: Option<bool>,
    nout: Option<u32>,
) -> PyResult<Option<Bound<'py, Delayed>>> {
    let py = object.py();
    let mut unpack = Unpack::default();
    let template = unpack.template(&object)?;
    if template.is_const() {
        return Ok(None);
    }
    let group = Group::new(&object.get_type().name()?.to_cow()?);
    let pure = match pure {
        Some(pure) => pure,
        None => pure_by_default(py)?,
    };
    let naming = match name {
        Some(name) => Naming::Given(name),
        None if pure => Naming::Pure(group, vec![&object]),
        None => Naming::Unique(group),
    };
    let op: Arc<dyn Op> = match template {
        Template::Input(_) => Arc::new(PyOp::Alias),
        template => Arc::new(PyOp::from(template)),
    };
    let node = Node::new(naming.key(py)?, annotated(py, op)?, unpack.inputs);
    attached(py, Delayed { node, length: nout }).map(Some)
}
