//! Blocks with the edges of their neighbours.

use oxidask_array::ops::overlap::{AxisTrim, Boundary, Halo};
use oxidask_array::plan::overlap;
use pyo3::prelude::*;
use pyo3::types::{PyString, PyTuple};

use crate::array::expr::{ArrayExpr, IntoPython, NoKernel, expr, scalar_chunk};

fn boundary(object: &Bound<'_, PyAny>) -> PyResult<Boundary> {
    if let Ok(text) = object.cast::<PyString>() {
        return match &*text.to_cow()? {
            "reflect" => Ok(Boundary::Reflect),
            "periodic" => Ok(Boundary::Periodic),
            "nearest" => Ok(Boundary::Nearest),
            _ => Ok(Boundary::None),
        };
    }
    if object.is_none() {
        return Ok(Boundary::None);
    }
    scalar_chunk(object)
        .map(Boundary::Constant)
        .ok_or_else(|| NoKernel::new_err("a boundary without a native dtype"))
}

/// Every block with edges: for each axis `(before, after, boundary)`, where the boundary is one of
/// `"none"`, `"reflect"`, `"periodic"`, `"nearest"`, or a NumPy scalar.
#[pyfunction]
pub(crate) fn array_overlap(
    array: &ArrayExpr,
    axes: Vec<(usize, usize, Bound<'_, PyAny>)>,
) -> PyResult<ArrayExpr> {
    let halo = |(before, after, what): (usize, usize, Bound<'_, PyAny>)| {
        Ok(Halo { before, after, boundary: boundary(&what)? })
    };
    let axes: PyResult<Vec<Halo>> = axes.into_iter().map(halo).collect();
    expr(array.0.overlap(axes?))
}

/// Every block without its edges: for each axis `(before, after, ends)`, where `ends` says whether
/// the ends of the axis are trimmed too.
#[pyfunction]
pub(crate) fn array_trim(
    array: &ArrayExpr,
    axes: Vec<(usize, usize, bool)>,
) -> PyResult<ArrayExpr> {
    let trim = |(before, after, ends)| AxisTrim { before, after, ends };
    expr(array.0.trim(axes.into_iter().map(trim).collect()))
}

/// Extents of blocks along an axis, none of them smaller than `least`.
#[pyfunction]
pub(crate) fn array_minimum_chunks<'py>(
    py: Python<'py>,
    least: usize,
    blocks: Vec<usize>,
) -> PyResult<Bound<'py, PyTuple>> {
    PyTuple::new(py, overlap::ensure_minimum(least, &blocks).py()?.iter())
}
