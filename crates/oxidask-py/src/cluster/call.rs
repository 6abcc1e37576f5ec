//! Python tasks on a cluster: as objects where nothing travels, as bytes where it does.
//!
//! In bytes, a task of the family `python` is a blob, the pickled function, and a payload:
//!
//! ```text
//!   (nothing)                    the function of its inputs, in order
//!   0, pickle of args            the function of these, which no input is among
//!   1, pickle of (args, kwargs)  as before, with keywords
//!   2, pickle of a template      the function of what a template gives for the inputs
//! ```
//!
//! A template is nested tuples: `("const", object)`, `("input", number)`, `("list", [template])` and so for
//! `tuple`, `set`, `frozenset`; `("dict", [(template, template)])`; `("call", function, [template], {name:
//! template})`. The payload's is `("tuple", [args...])` or, with keywords, a pair of that and a dict.
//! The family `oxidask` is for tasks whose blob gives the op itself, of native arrays and fused tasks.

use std::any::Any;
use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use oxidask_core::op::{Lane, Op, TaskContext, TaskError};
use oxidask_core::value::{CodecError, Value};
use oxidask_runtime::cluster::ops::{OpObject, Ops};
use oxidask_sched::content::Content;
use oxidask_sched::ids::BlobHash;
use oxidask_sched::message::{Blob, RunSpec};
use parking_lot::Mutex;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyBytes, PyDict, PyTuple};
use rustc_hash::FxHashMap;

use super::failure;
use super::function::FAMILY;
use crate::object::{PYTHON, PyValue, raised, to_object};
use crate::op::funcname;
use crate::template::Template;

/// The family of tasks whose blob is an op.
pub(super) const OP_FAMILY: &str = "oxidask";

/// Ops that are kept by their blobs; beyond that all are forgotten.
const MAX_BLOBS: usize = 1024;

const ARGS: u8 = 0;
const ARGS_AND_KEYWORDS: u8 = 1;
const TEMPLATE: u8 = 2;

/// A call of a Python function.
pub(super) struct PyCall {
    pub(super) function: Py<PyAny>,
    pub(super) args: Arguments,
}

/// What a function is called with.
pub(super) enum Arguments {
    /// The values of the inputs.
    Inputs,
    /// These.
    Objects(Py<PyTuple>, Option<Py<PyDict>>),
    /// What these give: a tuple, and a dict of keywords.
    Templates(Template, Option<Template>),
    /// What is in a payload.
    Payload(Bytes),
}

impl PyCall {
    fn eval<'py>(&self, py: Python<'py>, inputs: &[Value]) -> PyResult<Bound<'py, PyAny>> {
        let function = self.function.bind(py);
        match &self.args {
            Arguments::Inputs => {
                let args = inputs.iter().map(|input| to_object(py, input));
                function.call1(PyTuple::new(py, args.collect::<PyResult<Vec<_>>>()?)?)
            }
            Arguments::Objects(args, kwargs) => {
                let kwargs = kwargs.as_ref().map(|kwargs| kwargs.bind(py).copy()).transpose()?;
                function.call(args.bind(py).clone(), kwargs.as_ref())
            }
            Arguments::Templates(args, kwargs) => {
                call_templates(function, args, kwargs.as_ref(), inputs)
            }
            Arguments::Payload(payload) => call_payload(function, payload, inputs),
        }
    }

    /// What the task is sent as; its blob is the function.
    pub(super) fn payload(py: Python<'_>, args: &Arguments) -> PyResult<Content> {
        let (tag, object) = match args {
            Arguments::Inputs => return Ok(Content::new()),
            Arguments::Payload(payload) => return Ok(payload.clone().into()),
            Arguments::Objects(args, None) => (ARGS, args.bind(py).clone().into_any()),
            Arguments::Objects(args, Some(kwargs)) => {
                let both = (args.bind(py), kwargs.bind(py)).into_pyobject(py)?;
                (ARGS_AND_KEYWORDS, both.into_any())
            }
            Arguments::Templates(args, kwargs) => {
                let kwargs = kwargs.as_ref().map(|kwargs| kwargs.to_plain(py)).transpose()?;
                (TEMPLATE, (args.to_plain(py)?, kwargs).into_pyobject(py)?.into_any())
            }
        };
        pickled(tag, &object)
    }
}

/// A pickle behind a tag.
fn pickled(tag: u8, object: &Bound<'_, PyAny>) -> PyResult<Content> {
    let py = object.py();
    static DUMPS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let dumps = DUMPS.import(py, "pickle", "dumps")?;
    let mut bytes = vec![tag];
    // Most arguments need no more than pickle. What refers to __main__ other processes would not find.
    match dumps.call1((object, 5)).and_then(|bytes| Ok(bytes.cast_into::<PyBytes>()?)) {
        Ok(plain) if !contains(plain.as_bytes(), b"__main__") => {
            bytes.extend_from_slice(plain.as_bytes());
        }
        _ => bytes.extend(super::function::pickle(object)?),
    }
    Ok(bytes.into())
}

fn contains(bytes: &[u8], word: &[u8]) -> bool {
    bytes.len() >= word.len() && bytes.windows(word.len()).any(|window| window == word)
}

fn loads<'py>(py: Python<'py>, bytes: &[u8]) -> PyResult<Bound<'py, PyAny>> {
    static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    LOADS.import(py, "pickle", "loads")?.call1((PyBytes::new(py, bytes),))
}

fn call_payload<'py>(
    function: &Bound<'py, PyAny>,
    payload: &[u8],
    inputs: &[Value],
) -> PyResult<Bound<'py, PyAny>> {
    let py = function.py();
    let Some((tag, rest)) = payload.split_first() else {
        let args = inputs.iter().map(|input| to_object(py, input));
        return function.call1(PyTuple::new(py, args.collect::<PyResult<Vec<_>>>()?)?);
    };
    let object = loads(py, rest)?;
    match *tag {
        ARGS => function.call1(object.cast_into::<PyTuple>()?),
        ARGS_AND_KEYWORDS => {
            let (args, kwargs): (Bound<'_, PyTuple>, Bound<'_, PyDict>) = object.extract()?;
            function.call(args, Some(&kwargs))
        }
        TEMPLATE => {
            let (args, kwargs): (Bound<'_, PyAny>, Option<Bound<'_, PyAny>>) = object.extract()?;
            let kwargs = kwargs.map(|kwargs| Template::from_plain(&kwargs)).transpose()?;
            call_templates(function, &Template::from_plain(&args)?, kwargs.as_ref(), inputs)
        }
        tag => Err(PyValueError::new_err(format!("no payload of Python tasks has the tag {tag}"))),
    }
}

fn call_templates<'py>(
    function: &Bound<'py, PyAny>,
    args: &Template,
    kwargs: Option<&Template>,
    inputs: &[Value],
) -> PyResult<Bound<'py, PyAny>> {
    let py = function.py();
    let args = args.eval(py, inputs)?.cast_into::<PyTuple>()?;
    let kwargs = kwargs.map(|kwargs| kwargs.eval(py, inputs)).transpose()?;
    let kwargs = kwargs.map(|kwargs| kwargs.cast_into::<PyDict>()).transpose()?;
    function.call(args, kwargs.as_ref())
}

impl Op for PyCall {
    fn call(&self, inputs: &mut [Value], _: &TaskContext<'_>) -> Result<Value, TaskError> {
        Python::attach(|py| {
            let result = self.eval(py, inputs).and_then(|result| awaited(&result));
            result.map(|object| PyValue::wrap(&object)).map_err(raised)
        })
    }

    fn lane(&self) -> Option<&'static dyn Lane> {
        Some(&PYTHON)
    }

    fn name(&self) -> Cow<'_, str> {
        Python::attach(|py| {
            funcname(self.function.bind(py))
                .map_or_else(|_| "call".into(), |s| s.to_string().into())
        })
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

/// The result of a coroutine, run on the package's event loop; anything else as it is.
fn awaited<'py>(result: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    static COROUTINE: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let py = result.py();
    if !result.get_type().is(COROUTINE.import(py, "types", "CoroutineType")?) {
        return Ok(result.clone());
    }
    py.import("oxidask.distributed._loop")?.call_method1("run", (result,))
}

/// Reads the tasks of workers with Python in them.
#[derive(Default)]
pub(super) struct PyOps {
    /// Whether whoever hears of failures is in this process.
    stays: bool,
    functions: Mutex<FxHashMap<BlobHash, Py<PyAny>>>,
    ops: Mutex<FxHashMap<BlobHash, Arc<dyn Op>>>,
}

impl PyOps {
    /// For a worker whose failures nobody hears of in another process.
    pub(super) fn of_this_process() -> Self {
        Self { stays: true, ..Self::default() }
    }

    fn function(&self, blob: &Blob) -> Result<Py<PyAny>, CodecError> {
        Python::attach(|py| {
            if let Some(function) = self.functions.lock().get(&blob.hash) {
                return Ok(function.clone_ref(py));
            }
            let bytes = bytes_of(&blob.bytes)?;
            let function = loads(py, bytes).map_err(|error| codec_error(py, &error))?.unbind();
            let mut functions = self.functions.lock();
            let forgotten = if functions.len() < MAX_BLOBS {
                None
            } else {
                Some(std::mem::take(&mut *functions))
            };
            functions.insert(blob.hash, function.clone_ref(py));
            drop(functions);
            drop(forgotten);
            Ok(function)
        })
    }

    fn op_of_blob(&self, blob: &Blob) -> Result<Arc<dyn Op>, CodecError> {
        if let Some(op) = self.ops.lock().get(&blob.hash) {
            return Ok(op.clone());
        }
        let bytes = bytes_of(&blob.bytes)?;
        let op = Python::attach(|py| {
            super::graph::op_from_bytes(py, bytes).map_err(|error| codec_error(py, &error))
        })?;
        let mut ops = self.ops.lock();
        let forgotten = if ops.len() < MAX_BLOBS { None } else { Some(std::mem::take(&mut *ops)) };
        ops.insert(blob.hash, op.clone());
        drop(ops);
        drop(forgotten);
        Ok(op)
    }
}

fn bytes_of(content: &Content) -> Result<&Bytes, CodecError> {
    content.as_bytes().ok_or_else(|| CodecError {
        family: FAMILY,
        type_name: "task".into(),
        direction: "decoded",
        reason: "it came as an object of another process".into(),
    })
}

fn codec_error(py: Python<'_>, error: &PyErr) -> CodecError {
    CodecError {
        family: FAMILY,
        type_name: "task".into(),
        direction: "decoded",
        reason: format!("{}: {}", error.get_type(py), error.value(py)),
    }
}

impl Ops for PyOps {
    fn op(&self, blob: &Blob, spec: &RunSpec) -> Result<Arc<dyn Op>, CodecError> {
        if let Some(OpObject(op)) = spec.payload.downcast_ref() {
            return Ok(op.clone());
        }
        if let Some(OpObject(op)) = blob.bytes.downcast_ref() {
            return Ok(op.clone());
        }
        if &*blob.family == OP_FAMILY {
            return self.op_of_blob(blob);
        }
        let function = self.function(blob)?;
        let payload = bytes_of(&spec.payload)?.clone();
        Ok(Arc::new(PyCall { function, args: Arguments::Payload(payload) }))
    }

    fn failure(&self, error: &TaskError) -> (Arc<str>, Content) {
        if self.stays {
            return (failure::class_of(error), Content::object(error.clone()));
        }
        let (class, bytes) = failure::of_task(error);
        (class, bytes.into())
    }

    fn is_reschedule(&self, error: &TaskError) -> bool {
        failure::class_of(error).ends_with("exceptions.Reschedule")
    }
}
