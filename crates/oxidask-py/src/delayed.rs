//! Delayed values: the class that users call and combine.
//!
//! A delayed value is a [`Node`] and, for a function that returns several values, their number.
//! Calls and operators make one new node each, at constant cost. Signatures, docs and the
//! protocol's less frequent parts are in `oxidask/delayed.py`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use oxidask_core::key::{Group, Key};
use oxidask_core::node::Node;
use oxidask_core::op::Op;
use pyo3::basic::CompareOp;
use pyo3::exceptions::{PyAttributeError, PyKeyError, PyTypeError, PyUserWarning};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyIterator, PyList, PyString, PyTuple, PyType};
use rustc_hash::FxHashMap;

use crate::graph::{constant, import_nodes};
use crate::key::{self as keys, Groups};
use crate::op::{Annotated, PyOp, funcname};
use crate::portable;
use crate::template::{Call, Template};
use crate::unpack::Unpack;

static SEED: [AtomicU64; 2] = [AtomicU64::new(0), AtomicU64::new(0)];
static COUNT: AtomicU64 = AtomicU64::new(0);

/// Seeds the tokens of calls that are not pure: at import, and again in a forked child.
#[pyfunction]
pub(crate) fn seed_tokens(seed: [u8; 16]) {
    for (half, bytes) in SEED.iter().zip(seed.chunks_exact(8)) {
        half.store(bytes.iter().fold(0, |n, &b| n << 8 | u64::from(b)), Ordering::Relaxed);
    }
}

/// A token that no other call in this or another process has.
fn unique_token() -> u128 {
    // The finalizer of MurmurHash3: a bijection, so that distinct counts give distinct tokens.
    let mix = |mut n: u64| {
        n = (n ^ (n >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
        n = (n ^ (n >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
        n ^ (n >> 33)
    };
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let half = |at: usize| mix(SEED[at].load(Ordering::Relaxed).wrapping_add(count));
    u128::from(half(0)) << 64 | u128::from(half(1))
}

/// The setting `delayed_pure`.
fn pure_by_default(py: Python<'_>) -> PyResult<bool> {
    static CONFIG: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let config = CONFIG.import(py, "oxidask.config", "config")?;
    let Ok(config) = config.cast::<PyDict>() else { return Ok(false) };
    for name in [intern!(py, "delayed_pure"), intern!(py, "delayed-pure")] {
        if let Some(pure) = config.get_item(name)? {
            return pure.is_truthy();
        }
    }
    Ok(false)
}

/// What a call's key is made of.
enum Naming<'a, 'py> {
    /// Exactly this key.
    Given(Bound<'py, PyAny>),
    /// The group and a token of these objects.
    Pure(Group, Vec<&'a Bound<'py, PyAny>>),
    /// The group and a token of its own.
    Unique(Group),
}

impl Naming<'_, '_> {
    fn key(self, py: Python<'_>) -> PyResult<Key> {
        match self {
            Self::Given(key) => keys::from_python(&key, &mut Groups::default()),
            Self::Unique(group) => Ok(Key::with_token(group, unique_token())),
            Self::Pure(group, objects) => {
                let objects = PyTuple::new(py, objects)?;
                let token = crate::tokenize::tokenize(py, &objects, None, None)?;
                let token = u128::from_str_radix(&token.to_cow()?, 16)
                    .map_err(|e| PyTypeError::new_err(e.to_string()))?;
                Ok(Key::with_token(group, token))
            }
        }
    }
}

/// The op with the annotations of the enclosing blocks, if there are any.
fn annotated(py: Python<'_>, op: Arc<dyn Op>) -> PyResult<Arc<dyn Op>> {
    static ACTIVE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let get = ACTIVE.get_or_try_init(py, || -> PyResult<_> {
        let variable = py.import("oxidask._annotations")?.getattr("_annotations")?;
        Ok(variable.getattr("get")?.unbind())
    })?;
    let active = get.bind(py).call0()?;
    match active.cast::<PyDict>() {
        Ok(active) if !active.is_empty() => {
            Ok(Arc::new(Annotated { op, annotations: active.copy()?.unbind() }))
        }
        _ => Ok(op),
    }
}

fn attached(py: Python<'_>, delayed: Delayed) -> PyResult<Bound<'_, Delayed>> {
    Bound::new(py, delayed)
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
        let key = Naming::Pure(group, std::iter::once(&function).chain(args.iter().copied()).collect())
            .key(py)?;
        let template = Template::call(function.unbind(), templates, []);
        let op = annotated(py, Arc::new(PyOp::from(template)))?;
        attached(py, Delayed { node: Node::new(key, op, unpack.inputs), length: None })
    }

    fn binary<'py>(
        slf: &Bound<'py, Self>,
        name: &str,
        other: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, Delayed>> {
        Self::operator(slf, name, &[slf.as_any(), other])
    }

    fn reflected<'py>(
        slf: &Bound<'py, Self>,
        name: &str,
        other: &Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, Delayed>> {
        Self::operator(slf, name, &[other, slf.as_any()])
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
                let kwargs = passed.as_ref().map_or_else(|| py.None().into_bound(py), |k| k.clone().into_any());
                let objects = [token.as_any(), args.as_any(), &kwargs];
                return Self::finish(py, Naming::Pure(group, objects.to_vec()).key(py)?, function, templates, named, unpack, nout);
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
            let text = c"oxidask.delayed objects have no `visualise` method. Did you mean `visualize`?";
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
            items.push(Self::binary(slf, "getitem", i.into_pyobject(py)?.as_any())?);
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

    fn _rebuild<'py>(
        slf: &Bound<'py, Self>,
        dsk: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let kwargs = PyDict::new(slf.py());
        kwargs.set_item("dsk", dsk)?;
        forward(slf, "_rebuild", Some(&kwargs))
    }

    fn __richcmp__<'py>(
        slf: &Bound<'py, Self>,
        other: Bound<'py, PyAny>,
        op: CompareOp,
    ) -> PyResult<Bound<'py, Delayed>> {
        let name = match op {
            CompareOp::Lt => "lt",
            CompareOp::Le => "le",
            CompareOp::Eq => "eq",
            CompareOp::Ne => "ne",
            CompareOp::Gt => "gt",
            CompareOp::Ge => "ge",
        };
        Self::binary(slf, name, &other)
    }

    fn __getitem__<'py>(s: &Bound<'py, Self>, o: Bound<'py, PyAny>) -> PyResult<Bound<'py, Delayed>> {
        Self::binary(s, "getitem", &o)
    }

    fn __add__<'py>(s: &Bound<'py, Self>, o: Bound<'py, PyAny>) -> PyResult<Bound<'py, Delayed>> {
        Self::binary(s, "add", &o)
    }

    fn __radd__<'py>(s: &Bound<'py, Self>, o: Bound<'py, PyAny>) -> PyResult<Bound<'py, Delayed>> {
        Self::reflected(s, "add", &o)
    }

    fn __sub__<'py>(s: &Bound<'py, Self>, o: Bound<'py, PyAny>) -> PyResult<Bound<'py, Delayed>> {
        Self::binary(s, "sub", &o)
    }

    fn __rsub__<'py>(s: &Bound<'py, Self>, o: Bound<'py, PyAny>) -> PyResult<Bound<'py, Delayed>> {
        Self::reflected(s, "sub", &o)
    }

    fn __mul__<'py>(s: &Bound<'py, Self>, o: Bound<'py, PyAny>) -> PyResult<Bound<'py, Delayed>> {
        Self::binary(s, "mul", &o)
    }

    fn __rmul__<'py>(s: &Bound<'py, Self>, o: Bound<'py, PyAny>) -> PyResult<Bound<'py, Delayed>> {
        Self::reflected(s, "mul", &o)
    }

    fn __truediv__<'py>(s: &Bound<'py, Self>, o: Bound<'py, PyAny>) -> PyResult<Bound<'py, Delayed>> {
        Self::binary(s, "truediv", &o)
    }

    fn __rtruediv__<'py>(s: &Bound<'py, Self>, o: Bound<'py, PyAny>) -> PyResult<Bound<'py, Delayed>> {
        Self::reflected(s, "truediv", &o)
    }

    fn __floordiv__<'py>(s: &Bound<'py, Self>, o: Bound<'py, PyAny>) -> PyResult<Bound<'py, Delayed>> {
        Self::binary(s, "floordiv", &o)
    }

    fn __rfloordiv__<'py>(s: &Bound<'py, Self>, o: Bound<'py, PyAny>) -> PyResult<Bound<'py, Delayed>> {
        Self::reflected(s, "floordiv", &o)
    }

    fn __mod__<'py>(s: &Bound<'py, Self>, o: Bound<'py, PyAny>) -> PyResult<Bound<'py, Delayed>> {
        Self::binary(s, "mod", &o)
    }

    fn __rmod__<'py>(s: &Bound<'py, Self>, o: Bound<'py, PyAny>) -> PyResult<Bound<'py, Delayed>> {
        Self::reflected(s, "mod", &o)
    }

    fn __matmul__<'py>(s: &Bound<'py, Self>, o: Bound<'py, PyAny>) -> PyResult<Bound<'py, Delayed>> {
        Self::binary(s, "matmul", &o)
    }

    fn __rmatmul__<'py>(s: &Bound<'py, Self>, o: Bound<'py, PyAny>) -> PyResult<Bound<'py, Delayed>> {
        Self::reflected(s, "matmul", &o)
    }

    fn __and__<'py>(s: &Bound<'py, Self>, o: Bound<'py, PyAny>) -> PyResult<Bound<'py, Delayed>> {
        Self::binary(s, "and_", &o)
    }

    fn __rand__<'py>(s: &Bound<'py, Self>, o: Bound<'py, PyAny>) -> PyResult<Bound<'py, Delayed>> {
        Self::reflected(s, "and_", &o)
    }

    fn __or__<'py>(s: &Bound<'py, Self>, o: Bound<'py, PyAny>) -> PyResult<Bound<'py, Delayed>> {
        Self::binary(s, "or_", &o)
    }

    fn __ror__<'py>(s: &Bound<'py, Self>, o: Bound<'py, PyAny>) -> PyResult<Bound<'py, Delayed>> {
        Self::reflected(s, "or_", &o)
    }

    fn __xor__<'py>(s: &Bound<'py, Self>, o: Bound<'py, PyAny>) -> PyResult<Bound<'py, Delayed>> {
        Self::binary(s, "xor", &o)
    }

    fn __rxor__<'py>(s: &Bound<'py, Self>, o: Bound<'py, PyAny>) -> PyResult<Bound<'py, Delayed>> {
        Self::reflected(s, "xor", &o)
    }

    fn __lshift__<'py>(s: &Bound<'py, Self>, o: Bound<'py, PyAny>) -> PyResult<Bound<'py, Delayed>> {
        Self::binary(s, "lshift", &o)
    }

    fn __rlshift__<'py>(s: &Bound<'py, Self>, o: Bound<'py, PyAny>) -> PyResult<Bound<'py, Delayed>> {
        Self::reflected(s, "lshift", &o)
    }

    fn __rshift__<'py>(s: &Bound<'py, Self>, o: Bound<'py, PyAny>) -> PyResult<Bound<'py, Delayed>> {
        Self::binary(s, "rshift", &o)
    }

    fn __rrshift__<'py>(s: &Bound<'py, Self>, o: Bound<'py, PyAny>) -> PyResult<Bound<'py, Delayed>> {
        Self::reflected(s, "rshift", &o)
    }

    fn __pow__<'py>(
        s: &Bound<'py, Self>,
        o: Bound<'py, PyAny>,
        _modulo: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, Delayed>> {
        Self::binary(s, "pow", &o)
    }

    fn __rpow__<'py>(
        s: &Bound<'py, Self>,
        o: Bound<'py, PyAny>,
        _modulo: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, Delayed>> {
        Self::reflected(s, "pow", &o)
    }

    fn __neg__<'py>(s: &Bound<'py, Self>) -> PyResult<Bound<'py, Delayed>> {
        Self::operator(s, "neg", &[s.as_any()])
    }

    fn __pos__<'py>(s: &Bound<'py, Self>) -> PyResult<Bound<'py, Delayed>> {
        Self::operator(s, "pos", &[s.as_any()])
    }

    fn __abs__<'py>(s: &Bound<'py, Self>) -> PyResult<Bound<'py, Delayed>> {
        Self::operator(s, "abs", &[s.as_any()])
    }

    fn __invert__<'py>(s: &Bound<'py, Self>) -> PyResult<Bound<'py, Delayed>> {
        Self::operator(s, "invert", &[s.as_any()])
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

/// A delayed object that is known already, such as the function of `delayed(function)`.
#[pyclass(frozen, extends = Delayed, module = "oxidask.delayed")]
pub(crate) struct DelayedLeaf {
    object: Py<PyAny>,
    group: Group,
    pure: Option<bool>,
    nout: Option<u32>,
}

#[pymethods]
impl DelayedLeaf {
    #[new]
    #[pyo3(signature = (object, key=None, pure=None, nout=None))]
    fn new(
        object: Bound<'_, PyAny>,
        key: Option<Bound<'_, PyAny>>,
        pure: Option<bool>,
        nout: Option<u32>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let py = object.py();
        let name = match object.getattr_opt(intern!(py, "__name__"))? {
            Some(name) if name.is_instance_of::<PyString>() => name.cast_into()?,
            _ => object.get_type().name()?,
        };
        let nout_object = nout.into_pyobject(py)?.into_any();
        let name = Group::new(&name.to_cow()?);
        let is_pure = match pure {
            Some(pure) => pure,
            None => pure_by_default(py)?,
        };
        let naming = match key {
            Some(key) => Naming::Given(key),
            None if is_pure => Naming::Pure(name, vec![&object, &nout_object]),
            None => Naming::Unique(name),
        };
        let key = naming.key(py)?;
        let node = Node::new(key, annotated(py, constant(&object))?, []);
        let group = if object.is_callable() {
            Group::new(&funcname(&object)?.to_cow()?)
        } else {
            Group::new("call")
        };
        let base = Delayed { node, length: nout };
        let leaf = Self { object: object.unbind(), group, pure, nout };
        Ok(PyClassInitializer::from(base).add_subclass(leaf))
    }

    #[getter]
    fn _obj<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self.object.bind(py).clone()
    }

    #[getter]
    fn _pure(&self) -> Option<bool> {
        self.pure
    }

    #[getter]
    fn _nout(&self) -> Option<u32> {
        self.nout
    }

    #[getter]
    fn __wrapped__<'py>(&self, py: Python<'py>) -> Bound<'py, PyAny> {
        self._obj(py)
    }

    #[getter]
    fn __name__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.object.bind(py).getattr(intern!(py, "__name__"))
    }

    #[getter]
    fn __qualname__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.object.bind(py).getattr(intern!(py, "__qualname__"))
    }

    #[pyo3(signature = (*args, **kwargs))]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, Delayed>> {
        let py = slf.py();
        let leaf = slf.get();
        let callee = Callee {
            group: leaf.group.clone(),
            token: PyTuple::new(py, [leaf.object.bind(py)])?,
            function: Template::Const(leaf.object.clone_ref(py)),
            pure: leaf.pure,
            nout: leaf.nout,
        };
        Delayed::call(py, callee, args, kwargs)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyType>, Bound<'py, PyTuple>)> {
        let py = slf.py();
        let leaf = slf.get();
        let key = slf.as_super().get().key(py)?;
        let args = (leaf.object.bind(py), key, leaf.pure, leaf.nout).into_pyobject(py)?;
        Ok((slf.get_type(), args))
    }
}

/// An attribute of a delayed value; calling it calls the method.
#[pyclass(frozen, extends = Delayed, module = "oxidask.delayed")]
pub(crate) struct DelayedAttr {
    object: Py<Delayed>,
    attr: Py<PyString>,
}

impl DelayedAttr {
    fn create<'py>(
        object: &Bound<'py, Delayed>,
        attr: Bound<'py, PyString>,
    ) -> PyResult<Bound<'py, Self>> {
        Bound::new(object.py(), Self::new(object.clone(), attr)?)
    }
}

#[pymethods]
impl DelayedAttr {
    #[new]
    fn new(
        object: Bound<'_, Delayed>,
        attr: Bound<'_, PyString>,
    ) -> PyResult<PyClassInitializer<Self>> {
        let py = object.py();
        static GROUP: std::sync::OnceLock<Group> = std::sync::OnceLock::new();
        let getattr = py.import(intern!(py, "builtins"))?.getattr(intern!(py, "getattr"))?;
        let group = GROUP.get_or_init(|| Group::new("getattr")).clone();
        let key = Naming::Pure(group, vec![object.as_any(), attr.as_any()]).key(py)?;
        let args = [Template::Input(0), Template::Const(attr.clone().into_any().unbind())];
        let op = Arc::new(PyOp::from(Template::call(getattr.unbind(), args, [])));
        let node = Node::new(key, annotated(py, op)?, [object.get().node.clone()]);
        let attr = Self { object: object.unbind(), attr: attr.unbind() };
        Ok(PyClassInitializer::from(Delayed { node, length: None }).add_subclass(attr))
    }

    #[getter]
    fn _obj<'py>(&self, py: Python<'py>) -> Bound<'py, Delayed> {
        self.object.bind(py).clone()
    }

    #[getter]
    fn _attr<'py>(&self, py: Python<'py>) -> Bound<'py, PyString> {
        self.attr.bind(py).clone()
    }

    #[pyo3(signature = (*args, **kwargs))]
    fn __call__<'py>(
        slf: &Bound<'py, Self>,
        args: &Bound<'py, PyTuple>,
        kwargs: Option<&Bound<'py, PyDict>>,
    ) -> PyResult<Bound<'py, Delayed>> {
        let py = slf.py();
        let attr = slf.get().attr.bind(py);
        static METHODCALLER: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        let method = METHODCALLER.import(py, "oxidask.utils", "methodcaller")?.call1((attr,))?;
        let object = slf.get().object.bind(py);
        let callee = Callee {
            group: Group::new(&attr.to_cow()?),
            token: PyTuple::new(py, [attr.as_any(), object.as_any()])?,
            function: Template::Const(method.unbind()),
            pure: None,
            nout: None,
        };
        Delayed::call(py, callee, args, kwargs)
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<(Bound<'py, PyType>, Bound<'py, PyTuple>)> {
        let py = slf.py();
        let args = (slf.get().object.bind(py), slf.get().attr.bind(py)).into_pyobject(py)?;
        Ok((slf.get_type(), args))
    }
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

/// The graphs of some delayed values in native form: a mapping that stays small until it is read.
#[pyclass(frozen, mapping, module = "oxidask._native")]
pub(crate) struct DelayedGraph {
    nodes: Vec<Node>,
}

/// One graph for several delayed values.
#[pyfunction]
pub(crate) fn merge_delayed(values: Vec<Bound<'_, Delayed>>) -> DelayedGraph {
    DelayedGraph { nodes: values.iter().map(|value| value.get().node.clone()).collect() }
}

impl DelayedGraph {
    /// The nodes of these keys, if all are the graph's own values.
    pub(crate) fn nodes_of(&self, wanted: &[Bound<'_, PyAny>]) -> PyResult<Option<Vec<Node>>> {
        let mut groups = Groups::default();
        let by_key: FxHashMap<&Key, &Node> = self.nodes.iter().map(|n| (n.key(), n)).collect();
        let mut nodes = Vec::with_capacity(wanted.len());
        for key in wanted {
            match by_key.get(&keys::from_python(key, &mut groups)?) {
                Some(&node) => nodes.push(node.clone()),
                None => return Ok(None),
            }
        }
        Ok(Some(nodes))
    }
}

#[pymethods]
impl DelayedGraph {
    /// Key, dependencies, task and annotations of every task, inputs first.
    fn tasks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        portable::tasks(py, &self.nodes)
    }

    fn to_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        for item in self.tasks(py)? {
            dict.set_item(item.get_item(0)?, item.get_item(2)?)?;
        }
        Ok(dict)
    }

    fn __len__(&self) -> PyResult<usize> {
        let (graph, _) =
            oxidask_core::node::collect(&self.nodes).map_err(crate::graph::graph_error)?;
        Ok(graph.n_tasks())
    }

    fn __getitem__<'py>(
        &self,
        py: Python<'py>,
        key: Bound<'py, PyAny>,
    ) -> PyResult<Bound<'py, PyAny>> {
        self.to_dict(py)?.get_item(&key)?.ok_or_else(|| PyKeyError::new_err(key.unbind()))
    }

    fn __iter__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyIterator>> {
        self.to_dict(py)?.try_iter()
    }

    fn __contains__<'py>(&self, py: Python<'py>, key: Bound<'py, PyAny>) -> PyResult<bool> {
        self.to_dict(py)?.contains(key)
    }

    fn keys<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.to_dict(py)?.call_method0("keys")
    }

    fn values<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.to_dict(py)?.call_method0("values")
    }

    fn items<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.to_dict(py)?.call_method0("items")
    }
}
