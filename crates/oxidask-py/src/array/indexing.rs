//! Indexing, rechunking and reshaping of expressions.

use oxidask_array::dtype::Bool;
use oxidask_array::kernel::gather::as_indices;
use oxidask_array::plan::assign::SetIndex;
use oxidask_array::plan::chunks::Chunks;
use oxidask_array::plan::index::Index;
use oxidask_array::plan::rechunk::{Limits, balanced};
use oxidask_array::plan::reshape::Options;
use pyo3::exceptions::PyIndexError;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyEllipsis, PyInt, PySlice, PyTuple};

use crate::array::expr::{ArrayExpr, IntoPython, PyChunks, chunks_to_python, expr};
use crate::array::memory::to_chunk;

/// An integer; those that no axis is long enough for are clipped.
fn bound(object: &Bound<'_, PyAny>) -> PyResult<Option<i64>> {
    if object.is_none() {
        return Ok(None);
    }
    match object.extract::<i64>() {
        Ok(bound) => Ok(Some(bound)),
        Err(error) if object.is_instance_of::<PyInt>() => {
            let _ = error;
            Ok(Some(if object.lt(0)? { i64::MIN } else { i64::MAX }))
        }
        Err(error) => Err(error),
    }
}

/// One index: an integer, a slice, None, an ellipsis, an array of int64 or bool.
pub(crate) fn index(object: &Bound<'_, PyAny>) -> PyResult<Index> {
    if object.is_none() {
        return Ok(Index::NewAxis);
    }
    if object.is_instance_of::<PyEllipsis>() {
        return Ok(Index::Ellipsis);
    }
    if let Ok(slice) = object.cast::<PySlice>() {
        let part = |name: &str| bound(&slice.getattr(name)?);
        return Ok(Index::Slice(part("start")?, part("stop")?, part("step")?));
    }
    if object.is_exact_instance_of::<PyInt>() && !object.is_instance_of::<PyBool>() {
        let outside = |_| PyIndexError::new_err(format!("index {object} is out of bounds"));
        return Ok(Index::Int(object.extract::<i64>().map_err(outside)?));
    }
    let wrong = || {
        PyIndexError::new_err(
            "only integers, slices (`:`), ellipsis (`...`), None and integer or boolean arrays are \
             valid indices",
        )
    };
    let chunk = to_chunk(object).ok_or_else(wrong)?;
    let shape = chunk.shape().into();
    if let Ok(mask) = chunk.elements::<Bool>() {
        return Ok(Index::Bools(shape, mask.iter().map(|hit| hit.0 != 0).collect()));
    }
    Ok(Index::Ints(shape, as_indices(&chunk).py()?.into()))
}

fn indices(objects: &[Bound<'_, PyAny>]) -> PyResult<Vec<Index>> {
    objects.iter().map(index).collect()
}

/// What NumPy gives for `x[indices]`; with `points_first`, the axes of index arrays are the first.
#[pyfunction]
#[pyo3(signature = (array, index, points_first=false))]
pub(crate) fn array_getitem(
    array: &ArrayExpr,
    index: Vec<Bound<'_, PyAny>>,
    points_first: bool,
) -> PyResult<ArrayExpr> {
    let index = indices(&index)?;
    expr(if points_first { array.0.vindex(&index) } else { array.0.getitem(&index) })
}

/// Elements along an axis by positions, or a mask, of one axis that are computed themselves.
#[pyfunction]
pub(crate) fn array_take_by(
    array: &ArrayExpr,
    axis: usize,
    by: &ArrayExpr,
    is_mask: bool,
) -> PyResult<ArrayExpr> {
    expr(if is_mask { array.0.compress(axis, &by.0) } else { array.0.take_by(axis, &by.0) })
}

/// Some blocks along every axis.
#[pyfunction]
pub(crate) fn array_blocks(array: &ArrayExpr, wanted: Vec<Vec<u32>>) -> PyResult<ArrayExpr> {
    expr(array.0.blocks(&wanted))
}

/// The elements at positions along an axis, in groups that no block's edge goes through.
#[pyfunction]
pub(crate) fn array_shuffle(
    array: &ArrayExpr,
    axis: usize,
    positions: Vec<usize>,
    lengths: Vec<usize>,
    tolerance: f64,
) -> PyResult<ArrayExpr> {
    expr(array.0.shuffled(axis, &positions, &lengths, tolerance))
}

/// The same elements in other chunks.
#[pyfunction]
#[pyo3(signature = (array, chunks, block_bytes, threshold, direct=false))]
pub(crate) fn array_rechunk(
    array: &ArrayExpr,
    chunks: PyChunks,
    block_bytes: u64,
    threshold: f64,
    direct: bool,
) -> PyResult<ArrayExpr> {
    let mut limits = Limits { block_bytes, threshold, ..Limits::current() };
    if direct {
        limits = Limits { piece_bytes: 0, task_bytes: u64::MAX, ..limits };
    }
    expr(array.0.rechunked_within(&chunks.0, &limits))
}

/// Blocks of about equal extents along every axis, and the axes for which there is no such cut.
#[pyfunction]
pub(crate) fn array_balance_chunks<'py>(
    py: Python<'py>,
    chunks: PyChunks,
) -> PyResult<(Bound<'py, PyTuple>, Vec<usize>)> {
    let mut failed = Vec::new();
    let mut axes = Vec::new();
    for (axis, blocks) in chunks.0.iter().enumerate() {
        axes.push(balanced(blocks).unwrap_or_else(|| {
            failed.push(axis);
            blocks.clone()
        }));
    }
    Ok((chunks_to_python(py, &Chunks::new(axes))?, failed))
}

/// The elements in row-major order under another shape.
#[pyfunction]
#[pyo3(signature = (array, shape, merge_chunks=true, max_elements=None))]
pub(crate) fn array_reshape(
    array: &ArrayExpr,
    shape: Vec<i64>,
    merge_chunks: bool,
    max_elements: Option<usize>,
) -> PyResult<ArrayExpr> {
    expr(array.0.reshape(&shape, Options { merge_chunks, max_elements }))
}

/// Every block reshaped on its own.
#[pyfunction]
#[pyo3(signature = (array, shape, chunks=None))]
pub(crate) fn array_reshape_blockwise(
    array: &ArrayExpr,
    shape: Vec<usize>,
    chunks: Option<PyChunks>,
) -> PyResult<ArrayExpr> {
    expr(array.0.reshape_blockwise(&shape, chunks.as_ref().map(|PyChunks(chunks)| chunks)))
}

/// The array with `array[indices] = value`: an integer, a slice or an array for each axis.
#[pyfunction]
pub(crate) fn array_setitem(
    array: &ArrayExpr,
    indices: Vec<Bound<'_, PyAny>>,
    value: &ArrayExpr,
) -> PyResult<ArrayExpr> {
    let set_index = |object: &Bound<'_, PyAny>| {
        if let Ok(array) = object.cast::<ArrayExpr>() {
            return Ok(SetIndex::Array(array.get().0.clone()));
        }
        match index(object)? {
            Index::Int(i) => Ok(SetIndex::Int(i)),
            Index::Slice(start, stop, step) => Ok(SetIndex::Slice(start, stop, step)),
            _ => Err(PyIndexError::new_err("assignment takes an index for each axis")),
        }
    };
    let indices: Vec<SetIndex> = indices.iter().map(set_index).collect::<PyResult<_>>()?;
    expr(array.0.setitem(&indices, &value.0))
}
