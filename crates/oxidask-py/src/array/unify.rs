//! Common chunks of several arrays.

use oxidask_array::plan::chunks::Chunks;
use oxidask_array::plan::unify;
use pyo3::prelude::*;
use pyo3::types::PyTuple;

use crate::array::expr::{ArrayExpr, IntoPython, chunks_to_python};

/// The common extents of each letter, and the arrays cut to fit.
type Unified<'py> = (Vec<(u32, Bound<'py, PyAny>)>, Vec<ArrayExpr>);

/// Cuts arrays so that axes of one letter have the same blocks. Gives the blocks of every letter,
/// and the arrays.
#[pyfunction]
pub(crate) fn array_unify<'py>(
    py: Python<'py>,
    arrays: Vec<PyRef<'py, ArrayExpr>>,
    letters: Vec<Vec<u32>>,
) -> PyResult<Unified<'py>> {
    let lettered: Vec<(&Chunks, &[u32])> =
        arrays.iter().zip(&letters).map(|(array, l)| (array.0.chunks(), l.as_slice())).collect();
    let unified = unify::unify(&lettered).py()?;
    let mut axes: Vec<_> = unified.axes.into_iter().collect();
    axes.sort_unstable_by_key(|(letter, _)| *letter);
    let (letters, blocks): (Vec<u32>, Vec<_>) = axes.into_iter().unzip();
    let blocks: Bound<'py, PyTuple> = chunks_to_python(py, &Chunks::new(blocks))?;
    let axes = letters.into_iter().zip(blocks.iter()).collect();
    let cut = arrays.iter().zip(unified.chunks);
    let cut = cut.map(|(array, chunks)| array.0.rechunked(chunks).py().map(ArrayExpr));
    Ok((axes, cut.collect::<PyResult<_>>()?))
}

/// The blocks that arrays have broadcast to each other, and the arrays cut to fit.
#[pyfunction]
pub(crate) fn array_unify_broadcast<'py>(
    py: Python<'py>,
    arrays: Vec<PyRef<'py, ArrayExpr>>,
) -> PyResult<(Bound<'py, PyTuple>, Vec<ArrayExpr>)> {
    let chunks: Vec<&Chunks> = arrays.iter().map(|array| array.0.chunks()).collect();
    let (all, each) = unify::broadcast_chunks(&chunks).py()?;
    let cut = arrays.iter().zip(each);
    let cut = cut.map(|(array, chunks)| array.0.rechunked(chunks).py().map(ArrayExpr));
    Ok((chunks_to_python(py, &all)?, cut.collect::<PyResult<_>>()?))
}
