//! What a plan will do and take.

use oxidask_array::plan::explain::{self, Plan};
use pyo3::prelude::*;

use crate::array::expr::{ArrayExpr, IntoPython};

/// A plan, explained.
#[pyclass(frozen, module = "oxidask._native")]
pub(crate) struct ArrayPlan(Plan);

/// Explains how expressions will be computed by so many workers within a budget of bytes.
#[pyfunction]
#[pyo3(signature = (arrays, n_workers, budget_bytes=None))]
pub(crate) fn array_explain(
    py: Python<'_>,
    arrays: Vec<Bound<'_, ArrayExpr>>,
    n_workers: usize,
    budget_bytes: Option<u64>,
) -> PyResult<ArrayPlan> {
    let arrays: Vec<_> = arrays.iter().map(|array| array.get().0.clone()).collect();
    py.detach(|| explain::explain(&arrays, n_workers, budget_bytes)).py().map(ArrayPlan)
}

#[pymethods]
impl ArrayPlan {
    /// Tasks that will run.
    #[getter]
    fn n_tasks(&self) -> usize {
        self.0.n_tasks
    }

    /// Bytes that all of it takes at most.
    #[getter]
    fn memory_bound_bytes(&self) -> u64 {
        self.0.memory_bound_bytes
    }

    /// Bytes of values alive at once.
    #[getter]
    fn live_bytes(&self) -> u64 {
        self.0.live_bytes
    }

    /// Bytes of inputs and output of the largest task.
    #[getter]
    fn task_bytes(&self) -> u64 {
        self.0.task_bytes
    }

    /// Bytes of the result.
    #[getter]
    fn result_bytes(&self) -> u64 {
        self.0.result_bytes
    }

    /// What each layer does, its blocks along every axis, and bytes of a block at most.
    #[getter]
    fn layers(&self) -> Vec<(String, Vec<u32>, u64)> {
        let layers = self.0.layers.iter();
        layers.map(|layer| (layer.does.clone(), layer.grid.to_vec(), layer.block_bytes)).collect()
    }

    fn __repr__(&self) -> String {
        self.0.to_string()
    }
}
