//! Plain data between Python and the machines.
//!
//! Dicts with text keys are maps, lists are lists, tuples are keys of tasks, and a future stands for
//! the name of its task: `{"key": ...}`.

use std::sync::Arc;

use bytes::Bytes;
use oxidask_sched::data::{Answer, AskError, Data};
use pyo3::exceptions::{
    PyBaseException, PyConnectionError, PyKeyError, PyNotImplementedError, PyOSError,
    PyRuntimeError, PyTimeoutError, PyTypeError, PyValueError,
};
use pyo3::prelude::*;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyInt, PyList, PySet, PyString, PyTuple,
};

use super::future::FutureCore;
use crate::depth::deeper;
use crate::key::{self, Groups};

/// Our form of a Python object.
///
/// # Errors
/// `TypeError` if it is no plain data.
pub(super) fn from_python(object: &Bound<'_, PyAny>) -> PyResult<Data> {
    deeper(object.py(), c" while reading plain data", || plain(object))
}

fn plain(object: &Bound<'_, PyAny>) -> PyResult<Data> {
    if object.is_none() {
        return Ok(Data::Nil);
    }
    if let Ok(value) = object.cast_exact::<PyBool>() {
        return Ok(Data::Bool(value.is_true()));
    }
    if let Ok(text) = object.cast::<PyString>() {
        return Ok(Data::Text(text.to_cow()?.as_ref().into()));
    }
    if object.is_instance_of::<PyInt>() {
        return object.extract().map(Data::Int);
    }
    if let Ok(float) = object.cast::<PyFloat>() {
        return Ok(Data::Float(float.value()));
    }
    if let Ok(bytes) = object.cast::<PyBytes>() {
        return Ok(Data::Bytes(Bytes::copy_from_slice(bytes.as_bytes())));
    }
    if let Ok(bytes) = object.cast::<PyByteArray>() {
        return Ok(Data::Bytes(bytes.to_vec().into()));
    }
    if let Ok(future) = object.cast::<FutureCore>() {
        return Ok(Data::map([("key", Data::Key(future.get().key().clone()))]));
    }
    if let Ok(dict) = object.cast::<PyDict>() {
        let mut entries: Vec<(Arc<str>, Data)> = Vec::with_capacity(dict.len());
        for (name, value) in dict {
            let name = name.cast::<PyString>().map_err(|_| {
                PyTypeError::new_err(format!("names in plain data are text, not {name:?}"))
            })?;
            entries.push((name.to_cow()?.as_ref().into(), from_python(&value)?));
        }
        return Ok(Data::Map(entries));
    }
    if object.is_instance_of::<PyTuple>() {
        return Ok(Data::Key(key::from_python(object, &mut Groups::default())?));
    }
    if object.is_instance_of::<PyList>() || object.is_instance_of::<PySet>() {
        let items = object.try_iter()?.map(|item| from_python(&item?));
        return items.collect::<PyResult<_>>().map(Data::List);
    }
    if let Ok(int) = object.call_method0("__index__") {
        return int.extract().map(Data::Int);
    }
    if let Ok(float) = object.call_method0("__float__") {
        return float.extract().map(Data::Float);
    }
    Err(PyTypeError::new_err(format!(
        "{} is no plain data: give None, bool, int, float, str, bytes, lists and dicts of such; \
         pickle anything else first",
        object.get_type()
    )))
}

/// The Python form of data.
pub(super) fn to_python<'py>(py: Python<'py>, data: &Data) -> PyResult<Bound<'py, PyAny>> {
    Ok(match data {
        Data::Nil => py.None().into_bound(py),
        Data::Bool(value) => PyBool::new(py, *value).to_owned().into_any(),
        Data::Int(value) => value.into_pyobject(py)?.into_any(),
        Data::Float(value) => PyFloat::new(py, *value).into_any(),
        Data::Text(text) => PyString::new(py, text).into_any(),
        Data::Bytes(bytes) => PyBytes::new(py, bytes).into_any(),
        Data::Key(key) => key::to_python(py, key)?,
        Data::List(items) => {
            let items: PyResult<Vec<_>> = items.iter().map(|item| to_python(py, item)).collect();
            PyList::new(py, items?)?.into_any()
        }
        Data::Map(entries) => {
            let dict = PyDict::new(py);
            for (name, value) in entries {
                dict.set_item(&**name, to_python(py, value)?)?;
            }
            dict.into_any()
        }
    })
}

/// The exception that a question's error is raised as: the one that Python code raised, if that is what it is
/// and it can be read.
pub(super) fn exception(py: Python<'_>, error: &AskError) -> PyErr {
    if !error.bytes.is_empty()
        && let Ok(raised) = super::failure::unpickle(py, &error.bytes)
    {
        return raised;
    }
    let text = error.text.to_string();
    match &*error.class {
        "ValueError" => PyValueError::new_err(text),
        "TypeError" => PyTypeError::new_err(text),
        "KeyError" => PyKeyError::new_err(text),
        "TimeoutError" => PyTimeoutError::new_err(text),
        "NotImplementedError" => PyNotImplementedError::new_err(text),
        "OSError" | "CommClosedError" => PyOSError::new_err(text),
        "ConnectionError" => PyConnectionError::new_err(text),
        "RuntimeError" => PyRuntimeError::new_err(text),
        class => PyRuntimeError::new_err(format!("{class}: {text}")),
    }
}

/// What a question of this process's Python code gets.
pub(super) fn answer_of(py: Python<'_>, result: PyResult<Bound<'_, PyAny>>) -> Answer {
    result.and_then(|object| from_python(&object)).map_err(|error| error_of(py, &error))
}

/// A Python exception as a question's error.
pub(super) fn error_of(py: Python<'_>, error: &PyErr) -> AskError {
    let (class, bytes) = super::failure::pickle(py, error);
    let class = class.strip_prefix("builtins.").unwrap_or(&class);
    let value: &Bound<'_, PyBaseException> = error.value(py);
    AskError { class: class.into(), text: value.to_string().into(), bytes: bytes.into() }
}

/// The Python form of an answer; raises its error.
pub(super) fn answer_to_python(py: Python<'_>, answer: Answer) -> PyResult<Bound<'_, PyAny>> {
    match answer {
        Ok(data) => to_python(py, &data),
        Err(error) => Err(exception(py, &error)),
    }
}
