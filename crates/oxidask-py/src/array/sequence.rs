//! Ranges, evenly spaced numbers and diagonals.

use oxidask_array::error::ArrayError;
use oxidask_array::kernel::sequence::{Band, Numbers};
use oxidask_array::ops::sequence::{Diagonal, Sequence};
use oxidask_array::plan::array::Array;
use pyo3::prelude::*;

use crate::array::expr::{ArrayExpr, IntoPython, NoKernel, PyChunks, dtype_of, expr};

fn native(typestr: &str) -> PyResult<oxidask_array::dtype::DType> {
    dtype_of(Some(typestr)).ok_or_else(|| NoKernel::new_err(format!("the dtype {typestr}")))
}

/// Numbers along an axis: integers from `start` by `step`.
#[pyfunction]
pub(crate) fn array_int_range(
    prefix: &str,
    start: i64,
    step: i64,
    typestr: &str,
    chunks: PyChunks,
    axis: usize,
) -> PyResult<ArrayExpr> {
    sequence(prefix, Numbers::Int { start, step }, typestr, chunks, axis)
}

/// Numbers along an axis: floats from `start` by `step`, `last` being a position and the number there.
#[pyfunction]
#[pyo3(signature = (prefix, start, step, typestr, chunks, axis, last=None, floors=false))]
#[expect(clippy::too_many_arguments, reason = "keywords of a Python function")]
pub(crate) fn array_float_range(
    prefix: &str,
    start: f64,
    step: f64,
    typestr: &str,
    chunks: PyChunks,
    axis: usize,
    last: Option<(u64, f64)>,
    floors: bool,
) -> PyResult<ArrayExpr> {
    sequence(prefix, Numbers::Float { start, step, last, floors }, typestr, chunks, axis)
}

fn sequence(
    prefix: &str,
    numbers: Numbers,
    typestr: &str,
    PyChunks(chunks): PyChunks,
    axis: usize,
) -> PyResult<ArrayExpr> {
    let dtype = native(typestr)?;
    if axis >= chunks.ndim() {
        return Err(ArrayError::Axis { axis: axis as i64, ndim: chunks.ndim() }).py();
    }
    let kernel = Sequence { numbers, axis, dtype, bounds: chunks.all_bounds() };
    expr(Array::source(prefix, kernel, chunks, dtype))
}

/// A matrix of ones on a diagonal (`eye`), or also below it (`tri`).
#[pyfunction]
pub(crate) fn array_diagonal_ones(
    prefix: &str,
    k: i64,
    below: bool,
    typestr: &str,
    chunks: PyChunks,
) -> PyResult<ArrayExpr> {
    let dtype = native(typestr)?;
    let PyChunks(chunks) = chunks;
    let band = if below { Band::Below } else { Band::On };
    let kernel = Diagonal { band, k, dtype, bounds: chunks.all_bounds() };
    expr(Array::source(prefix, kernel, chunks, dtype))
}
