//! Arrays that come from nowhere: of memory, and of one value.

use oxidask_array::ops::source::{FromChunk, Full};
use oxidask_array::plan::array::{Array, Build, Node};
use oxidask_core::key::Group;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::array::expr::{ArrayExpr, NoKernel, PyChunks, expr, scalar_chunk};
use crate::array::memory::to_chunk;

/// Views of a NumPy array. The name is the caller's: hashing the elements is up to them.
#[pyfunction]
pub(crate) fn array_from_numpy(
    array: &Bound<'_, PyAny>,
    chunks: PyChunks,
    name: &str,
) -> PyResult<ArrayExpr> {
    let Some(chunk) = to_chunk(array) else {
        return Err(NoKernel::new_err("an array without native chunks"));
    };
    let PyChunks(chunks) = chunks;
    if chunks.shape().as_slice() != chunk.shape() {
        return Err(PyValueError::new_err(format!(
            "Chunks do not add up to shape. Got chunks={chunks}, shape={:?}",
            chunk.shape()
        )));
    }
    let dtype = Some(chunk.dtype());
    let kernel = FromChunk { array: chunk, bounds: chunks.all_bounds() };
    let build = Build::Source(kernel.into());
    Ok(ArrayExpr(Array::new(Node { name: Group::new(name), chunks, dtype, build })))
}

/// One value everywhere.
#[pyfunction]
pub(crate) fn array_full(
    value: &Bound<'_, PyAny>,
    chunks: PyChunks,
    prefix: &str,
) -> PyResult<ArrayExpr> {
    let Some(value) = scalar_chunk(value) else {
        return Err(NoKernel::new_err("a value without a native dtype"));
    };
    let PyChunks(chunks) = chunks;
    let dtype = value.dtype();
    let kernel = Full { value, bounds: chunks.all_bounds() };
    expr(Array::source(prefix, kernel, chunks, dtype))
}
