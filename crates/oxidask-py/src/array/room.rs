//! How much memory plans may reckon with: the configuration says.

use pyo3::prelude::*;

/// Bytes that a task should hold at most, if there is a bound.
fn task_room() -> Option<u64> {
    Python::attach(|py| {
        let room = py.import("oxidask.local").ok()?.call_method0("_task_room").ok()?;
        room.extract().ok()
    })
}

/// Registers the configuration as what tells plans.
pub(crate) fn register() {
    oxidask_array::plan::room::set_source(task_room);
}
