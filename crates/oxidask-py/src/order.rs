//! The static order of a Python graph.

use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::graph::{graph_error, import};

/// The place of every key of `dsk` in the static order, 0 first. Among equals the later key of
/// `keys` comes first.
#[pyfunction]
pub(crate) fn order<'py>(
    py: Python<'py>,
    dsk: Bound<'py, PyAny>,
    keys: Vec<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let imported = import(&dsk, &keys, None)?;
    let priorities = py.detach(|| {
        let tasks = imported.graph.expand(&imported.outputs)?;
        let priorities = tasks.order()?;
        Ok(tasks.outputs().iter().map(|&task| priorities[task as usize]).collect::<Vec<_>>())
    });
    let dict = PyDict::new(py);
    for (key, priority) in keys.iter().zip(priorities.map_err(graph_error)?) {
        dict.set_item(key, priority)?;
    }
    Ok(dict)
}
