//! `annotate` blocks as notes on the arrays that are made inside of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use oxidask_array::plan::array::Array;
use oxidask_array::plan::lower::{self, Fusion};
use oxidask_array::plan::note::{self, Note};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::array::expr::IntoPython;
use crate::array::graph::layer_name;
use crate::op::active_annotations;

/// Whether there ever was an `annotate` block: before, nobody looks for one.
static USED: AtomicBool = AtomicBool::new(false);

/// The annotations of a block.
struct Said(Py<PyDict>);

/// From now on each array looks whether it is made inside of an `annotate` block.
#[pyfunction]
pub(crate) fn note_annotations() {
    USED.store(true, Ordering::Release);
}

/// Registers `annotate` blocks as what tells notes.
pub(crate) fn register() {
    note::set_source(current);
}

fn current() -> Option<Note> {
    if !USED.load(Ordering::Acquire) {
        return None;
    }
    Python::attach(|py| {
        let said = active_annotations(py).ok().flatten()?;
        Some(Arc::new(Said(said.unbind())) as Note)
    })
}

/// What notes say: each dict once.
pub(crate) fn dicts<'py>(py: Python<'py>, notes: &[Note]) -> Vec<Bound<'py, PyDict>> {
    let mut dicts: Vec<Bound<'py, PyDict>> = Vec::new();
    for said in notes.iter().filter_map(|note| note.downcast_ref::<Said>()) {
        let dict = said.0.bind(py);
        if !dicts.iter().any(|other| other.is(dict)) {
            dicts.push(dict.clone());
        }
    }
    dicts
}

/// What was said about the tasks of layers, by their names: dicts, what counts most last.
pub(super) fn layers_said<'py>(
    py: Python<'py>,
    arrays: &[Array],
    fusion: Fusion,
) -> PyResult<Bound<'py, PyDict>> {
    let said = PyDict::new(py);
    if !note::is_any(arrays) {
        return Ok(said);
    }
    let lowered = py.detach(|| lower::lower(arrays, fusion)).py()?;
    let lower::Lowered { graph, layers, owners, .. } = lowered;
    for (layer, notes) in note::of_layers(arrays, &owners, &graph, &layers) {
        let mut dicts = dicts(py, &notes);
        dicts.reverse();
        said.set_item(layer_name(&graph, layer), dicts)?;
    }
    Ok(said)
}
