//! Tasks of a cluster that the user's own thread runs: where a debugger sees them.

use std::sync::atomic::AtomicBool;

use oxidask_core::key::Key;
use oxidask_core::op::TaskContext;
use oxidask_core::value::Value;
use oxidask_runtime::cluster::ops::Ops;
use oxidask_sched::data::Data;
use oxidask_sched::ids::BlobHash;
use oxidask_sched::message::{Blob, RunSpec};
use oxidask_sched::scheduler::TaskSpec;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::PyList;

use super::call::PyOps;
use super::data;
use crate::key;
use crate::object::{PyValue, exception, to_object};

/// A task as the scheduler has it, to be run here.
#[pyclass(frozen, module = "oxidask._native")]
pub(crate) struct TaskHere {
    spec: TaskSpec,
}

impl TaskHere {
    pub(super) fn new(spec: TaskSpec) -> Self {
        Self { spec }
    }
}

#[pymethods]
impl TaskHere {
    /// The task that an answer to `tasks.spec` tells of.
    #[staticmethod]
    fn read(answer: &Bound<'_, PyAny>) -> PyResult<Self> {
        let answer = data::from_python(answer)?;
        let bytes = |name: &str| match answer.get(name) {
            Some(Data::Bytes(bytes)) => Ok(bytes.clone().into()),
            _ => Err(PyValueError::new_err(format!("the answer has no {name}: {answer}"))),
        };
        let family = answer.get("family").and_then(Data::as_text).cloned().unwrap_or_default();
        let block = answer.get("block").and_then(Data::as_int).unwrap_or_default();
        let inputs = answer.get("inputs").map_or(&[][..], Data::items);
        Ok(Self::new(TaskSpec {
            // The name of the shared part is of no use here: nothing is kept by it.
            blob: Blob { hash: BlobHash(0), family, bytes: bytes("blob")? },
            run: RunSpec { blob: 0, block: block as u32, payload: bytes("payload")? },
            inputs: inputs.iter().filter_map(Data::as_key).collect(),
        }))
    }

    /// The keys of what it reads, in order.
    #[getter]
    fn inputs<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let keys = self.spec.inputs.iter().map(|key: &Key| key::to_python(py, key));
        PyList::new(py, keys.collect::<PyResult<Vec<_>>>()?)
    }

    /// Runs it in the calling thread, on these values of its inputs.
    fn run<'py>(
        &self,
        py: Python<'py>,
        values: Vec<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let op = py.detach(|| PyOps::of_this_process().op(&self.spec.blob, &self.spec.run));
        let op = op.map_err(|error| PyRuntimeError::new_err(error.to_string()))?;
        let mut inputs: Vec<Value> = values.iter().map(PyValue::wrap).collect();
        let cancelled = AtomicBool::new(false);
        let ctx = TaskContext { block: self.spec.run.block, cancelled: &cancelled };
        match py.detach(|| op.call(&mut inputs, &ctx)) {
            Ok(value) => to_object(py, &value),
            Err(error) => Err(exception(py, &error)),
        }
    }
}
