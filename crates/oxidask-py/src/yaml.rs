//! The configuration's native half: reading and writing YAML, the defaults, the former names.
//!
//! The tree itself is Python's (`oxidask/config.py`): real nested dictionaries that users may hold
//! and change. Texts are understood by `oxidask_core::config`, as the Rust programs do.

use oxidask_core::config::deprecation::DEPRECATIONS;
use oxidask_core::config::emit::to_yaml;
use oxidask_core::config::{DEFAULTS_YAML, Map, Value, parse_yaml};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyDict, PyFloat, PyInt, PyList, PyString, PyTuple};

/// Deeper nesting than this can't be written: a list may contain itself.
const MAX_DEPTH: usize = 100;

/// Read a YAML document of plain data.
///
/// Parameters
/// ----------
/// text : str
///     One document; JSON is YAML too.
///
/// Returns
/// -------
/// object
///     Dicts, lists, texts, numbers, truth values and None, as PyYAML's ``safe_load`` makes them;
///     dates stay text.
///
/// Raises
/// ------
/// ValueError
///     With line and column, when the text is no YAML or has tags that are no plain data.
///
/// Examples
/// --------
/// >>> from oxidask._native import yaml_load
/// >>> yaml_load("a: {b: [1, 2.5, yes, ~]}")
/// {'a': {'b': [1, 2.5, True, None]}}
#[pyfunction]
pub(crate) fn yaml_load<'py>(py: Python<'py>, text: &str) -> PyResult<Bound<'py, PyAny>> {
    let value = parse_yaml(text).map_err(|error| PyValueError::new_err(error.to_string()))?;
    to_python(py, &value)
}

/// Write plain data as a YAML document.
///
/// Parameters
/// ----------
/// data : object
///     Dicts, lists, tuples, texts, numbers, truth values and None.
///
/// Returns
/// -------
/// str
///
/// Raises
/// ------
/// TypeError
///     When there is something else in it.
///
/// Examples
/// --------
/// >>> from oxidask._native import yaml_dump
/// >>> print(yaml_dump({"a": {"b": [1, "yes"]}}), end="")
/// a:
///   b:
///   - 1
///   - 'yes'
#[pyfunction]
pub(crate) fn yaml_dump(data: &Bound<'_, PyAny>) -> PyResult<String> {
    Ok(to_yaml(&from_python(data, 0)?))
}

/// The YAML text of the default configuration.
///
/// Examples
/// --------
/// >>> from oxidask._native import default_config_yaml, yaml_load
/// >>> yaml_load(default_config_yaml())["array"]["chunk-size"]
/// '128MiB'
#[pyfunction]
pub(crate) fn default_config_yaml() -> &'static str {
    DEFAULTS_YAML
}

/// Former names of settings, and the present ones, or None for settings that are gone.
///
/// Examples
/// --------
/// >>> from oxidask._native import config_deprecations
/// >>> config_deprecations()["fuse-ave-width"]
/// 'optimization.fuse.ave-width'
#[pyfunction]
pub(crate) fn config_deprecations(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let names = PyDict::new(py);
    for (former, present) in DEPRECATIONS {
        names.set_item(former, present)?;
    }
    Ok(names)
}

fn to_python<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    Ok(match value {
        Value::Null => py.None().into_bound(py),
        Value::Bool(value) => PyBool::new(py, *value).to_owned().into_any(),
        Value::Int(value) => value.into_pyobject(py)?.into_any(),
        Value::Float(value) => PyFloat::new(py, *value).into_any(),
        Value::Str(text) => PyString::new(py, text).into_any(),
        Value::List(values) => {
            let list = PyList::empty(py);
            for value in values {
                list.append(to_python(py, value)?)?;
            }
            list.into_any()
        }
        Value::Map(map) => {
            let dict = PyDict::new(py);
            for (name, value) in map.iter() {
                dict.set_item(to_python(py, name)?, to_python(py, value)?)?;
            }
            dict.into_any()
        }
    })
}

fn from_python(data: &Bound<'_, PyAny>, depth: usize) -> PyResult<Value> {
    if depth > MAX_DEPTH {
        return Err(PyValueError::new_err(format!(
            "data is nested deeper than {MAX_DEPTH} levels; does it contain itself?"
        )));
    }
    let inner = |item: &Bound<'_, PyAny>| from_python(item, depth + 1);
    if data.is_none() {
        Ok(Value::Null)
    } else if let Ok(value) = data.cast::<PyBool>() {
        Ok(Value::Bool(value.is_true()))
    } else if data.is_instance_of::<PyInt>() {
        Ok(Value::Int(data.extract()?))
    } else if data.is_instance_of::<PyFloat>() {
        Ok(Value::Float(data.extract()?))
    } else if data.is_instance_of::<PyString>() {
        Ok(Value::Str(data.extract()?))
    } else if let Ok(list) = data.cast::<PyList>() {
        Ok(Value::List(list.iter().map(|item| inner(&item)).collect::<PyResult<_>>()?))
    } else if let Ok(tuple) = data.cast::<PyTuple>() {
        Ok(Value::List(tuple.iter().map(|item| inner(&item)).collect::<PyResult<_>>()?))
    } else if let Ok(dict) = data.cast::<PyDict>() {
        let mut map = Map::new();
        for (name, value) in dict.iter() {
            let name = inner(&name)?;
            if matches!(name, Value::List(_) | Value::Map(_)) {
                return Err(PyTypeError::new_err("a tuple can't be a name in YAML; use text"));
            }
            map.insert(name, inner(&value)?);
        }
        Ok(Value::Map(map))
    } else {
        Err(PyTypeError::new_err(format!(
            "cannot write {} as YAML: only dicts, lists, texts, numbers, truth values and None",
            data.get_type().name()?
        )))
    }
}
