//! Delayed objects that are known already, and attributes of delayed values.

use std::sync::Arc;

use oxidask_core::key::Group;
use oxidask_core::node::Node;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString, PyTuple, PyType};

use super::naming::{Naming, annotated, pure_by_default};
use super::{Callee, Delayed};
use crate::graph::constant;
use crate::op::{PyOp, funcname};
use crate::template::Template;

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

    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyType>, Bound<'py, PyTuple>)> {
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
    pub(super) attr: Py<PyString>,
}

impl DelayedAttr {
    pub(super) fn create<'py>(
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

    fn __reduce__<'py>(
        slf: &Bound<'py, Self>,
    ) -> PyResult<(Bound<'py, PyType>, Bound<'py, PyTuple>)> {
        let py = slf.py();
        let args = (slf.get().object.bind(py), slf.get().attr.bind(py)).into_pyobject(py)?;
        Ok((slf.get_type(), args))
    }
}
