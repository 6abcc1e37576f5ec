//! Python tasks.

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;

use oxidask_core::op::{Lane, Op, TaskContext, TaskError};
use oxidask_core::value::Value;
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyString};

use crate::object::{PYTHON, PyValue, raised, to_object};
use crate::template::{Builders, Call, Template};

/// What a Python task runs.
pub(crate) enum PyOp {
    /// A call: what most tasks are, and so not behind another pointer.
    Call(Call),
    /// Another expression over the inputs.
    Template(Template),
    /// Some other library's task object: called with a dict of its dependencies' values.
    Node(Box<NodeTask>),
    /// The value of the only input under another key.
    Alias,
}

/// A task object and its inputs.
pub(crate) struct NodeTask {
    /// The task object.
    pub(crate) node: Py<PyAny>,
    /// The keys of the inputs, as the object knows them.
    pub(crate) keys: Box<[Py<PyAny>]>,
}

/// A Python object in a graph: a task that needs no run.
pub(crate) struct PyConstant(pub(crate) Value);

impl Op for PyConstant {
    fn call(&self, _: &mut [Value], _: &TaskContext<'_>) -> Result<Value, TaskError> {
        Ok(self.0.clone())
    }

    fn lane(&self) -> Option<&'static dyn Lane> {
        Some(&PYTHON)
    }

    fn name(&self) -> Cow<'_, str> {
        "literal".into()
    }

    fn constant(&self) -> Option<Value> {
        Some(self.0.clone())
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

/// An op with what the user annotated it with.
pub(crate) struct Annotated {
    pub(crate) op: Arc<dyn Op>,
    pub(crate) annotations: Py<PyDict>,
}

impl Op for Annotated {
    fn call(&self, inputs: &mut [Value], ctx: &TaskContext<'_>) -> Result<Value, TaskError> {
        self.op.call(inputs, ctx)
    }

    fn lane(&self) -> Option<&'static dyn Lane> {
        self.op.lane()
    }

    fn name(&self) -> Cow<'_, str> {
        self.op.name()
    }

    fn constant(&self) -> Option<Value> {
        self.op.constant()
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

/// The annotations of the enclosing blocks; none if there are none.
pub(crate) fn active_annotations(py: Python<'_>) -> PyResult<Option<Bound<'_, PyDict>>> {
    static ACTIVE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let get = ACTIVE.get_or_try_init(py, || -> PyResult<_> {
        let variable = py.import("oxidask._annotations")?.getattr("_annotations")?;
        Ok(variable.getattr("get")?.unbind())
    })?;
    let active = get.bind(py).call0()?;
    Ok(active.cast_into::<PyDict>().ok().filter(|active| !active.is_empty()))
}

/// The op without its annotations, and these.
pub(crate) fn split_annotations(op: &dyn Op) -> (&dyn Op, Option<&Py<PyDict>>) {
    match op.as_any().and_then(|any| any.downcast_ref::<Annotated>()) {
        Some(annotated) => (&*annotated.op, Some(&annotated.annotations)),
        None => (op, None),
    }
}

impl Op for PyOp {
    fn call(&self, inputs: &mut [Value], _: &TaskContext<'_>) -> Result<Value, TaskError> {
        // Inside the lane this only looks up that the thread is attached.
        Python::attach(|py| self.run(py, inputs).map_err(raised))
    }

    fn lane(&self) -> Option<&'static dyn Lane> {
        Some(&PYTHON)
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }

    fn name(&self) -> Cow<'_, str> {
        Python::attach(|py| {
            let function = match self {
                Self::Call(call) => match &call.function {
                    Template::Const(function) => function.bind(py).clone(),
                    _ => return "call".into(),
                },
                Self::Template(_) => return "structure".into(),
                Self::Node(task) => match task.node.bind(py).getattr_opt(intern!(py, "func")) {
                    Ok(Some(function)) => function,
                    _ => return "task".into(),
                },
                Self::Alias => return "alias".into(),
            };
            funcname(&function).map_or_else(|_| "call".into(), |name| name.to_string().into())
        })
    }
}

impl From<Template> for PyOp {
    fn from(template: Template) -> Self {
        match template {
            Template::Call(call) => Self::Call(*call),
            template => Self::Template(template),
        }
    }
}

impl PyOp {
    /// The Python op behind a task of a graph, if it is one.
    pub(crate) fn of(op: &dyn Op) -> Option<&Self> {
        split_annotations(op).0.as_any()?.downcast_ref()
    }

    /// The op as an object made by `builders`, unless it is a task object already: see
    /// [`Template::rebuild`].
    pub(crate) fn rebuild<'py>(
        &self,
        py: Python<'py>,
        leaf: &dyn Fn(u32) -> PyResult<Bound<'py, PyAny>>,
        builders: &Builders<'py>,
    ) -> Result<PyResult<Bound<'py, PyAny>>, &NodeTask> {
        match self {
            Self::Call(call) => Ok(call.rebuild(py, leaf, builders)),
            Self::Template(template) => Ok(template.rebuild(py, leaf, builders)),
            Self::Alias => Ok(leaf(0)),
            Self::Node(task) => Err(task),
        }
    }

    fn run(&self, py: Python<'_>, inputs: &mut [Value]) -> PyResult<Value> {
        match self {
            Self::Call(call) => Ok(PyValue::wrap(&call.eval(py, inputs)?)),
            Self::Template(template) => Ok(PyValue::wrap(&template.eval(py, inputs)?)),
            Self::Node(task) => {
                let NodeTask { node, keys } = &**task;
                let values = PyDict::new(py);
                for (key, value) in keys.iter().zip(inputs) {
                    values.set_item(key, to_object(py, value)?)?;
                }
                Ok(PyValue::wrap(&node.bind(py).call1((values,))?))
            }
            Self::Alias => Ok(inputs[0].clone()),
        }
    }
}

/// The name of a function for keys and pictures.
pub(crate) fn funcname<'py>(function: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyString>> {
    let py = function.py();
    static FUNCNAME: pyo3::sync::PyOnceLock<Py<PyAny>> = pyo3::sync::PyOnceLock::new();
    let name = FUNCNAME.import(py, "oxidask.utils", "funcname")?.call1((function,))?;
    Ok(name.cast_into()?)
}
