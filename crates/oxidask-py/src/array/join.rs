//! Joining arrays.

use oxidask_array::plan::array::Array;
use oxidask_array::plan::join;
use pyo3::prelude::*;

use crate::array::expr::{ArrayExpr, expr};

/// Arrays one after the other along an axis (`concatenate`), or along a new one (`stack`). Their
/// dtypes must agree; `NoKernel` otherwise.
#[pyfunction]
pub(crate) fn array_join(
    kind: &str,
    arrays: Vec<PyRef<'_, ArrayExpr>>,
    axis: i64,
    allow_unknown: bool,
) -> PyResult<ArrayExpr> {
    let arrays: Vec<Array> = arrays.iter().map(|array| array.0.clone()).collect();
    expr(match kind {
        "stack" => join::stack(&arrays, axis, allow_unknown),
        _ => join::concatenate(&arrays, axis, allow_unknown),
    })
}
