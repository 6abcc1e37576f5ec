//! Zarr arrays on local paths.

use std::path::PathBuf;

use oxidask_array::error::ArrayError;
use oxidask_array::io::zarr::{self, Creation, Layout, Place, ReadZarr, WriteZarr};
use oxidask_array::plan::array::{Array, Build, Node};
use oxidask_core::key::Group;
use oxidask_core::layer::IndexMap;
use pyo3::prelude::*;

use crate::array::expr::{ArrayExpr, IntoPython, PyChunks, expr};
use crate::array::memory::to_numpy;

fn place(root: PathBuf, component: &str) -> Place {
    Place { root, component: component.trim_matches('/').into() }
}

/// Shape, chunks, shards and type string of an array in a store.
type Opened = (Vec<usize>, Vec<usize>, Vec<usize>, String);

/// Shape, chunks, what is written at once, and the type string of a Zarr array.
#[pyfunction]
pub(crate) fn zarr_open(py: Python<'_>, root: PathBuf, component: &str) -> PyResult<Opened> {
    let place = place(root, component);
    let layout = py.detach(|| zarr::open(&place)).py()?;
    Ok((layout.shape, layout.chunks, layout.units, layout.dtype.typestr()))
}

/// Makes a Zarr array.
#[pyfunction]
#[expect(clippy::too_many_arguments, reason = "keywords of a Python function")]
pub(crate) fn zarr_create(
    py: Python<'_>,
    root: PathBuf,
    component: &str,
    shape: Vec<usize>,
    chunks: Vec<usize>,
    typestr: &str,
    format: u8,
    overwrite: bool,
) -> PyResult<()> {
    let place = place(root, component);
    let dtype = typestr.parse().py()?;
    let layout = Layout { dtype, shape, units: chunks.clone(), chunks };
    py.detach(|| zarr::create(&place, &layout, Creation { format, overwrite })).py()
}

/// Whether all that lies in a region of a Zarr array was written.
#[pyfunction]
pub(crate) fn zarr_is_written(
    root: PathBuf,
    component: &str,
    start: Vec<usize>,
    end: Vec<usize>,
) -> PyResult<bool> {
    zarr::is_written(&place(root, component), &start, &end).py()
}

/// A region of a Zarr array as a NumPy array.
#[pyfunction]
pub(crate) fn zarr_read<'py>(
    py: Python<'py>,
    root: PathBuf,
    component: &str,
    typestr: &str,
    start: Vec<usize>,
    end: Vec<usize>,
) -> PyResult<Bound<'py, PyAny>> {
    let place = place(root, component);
    let dtype = typestr.parse().py()?;
    let chunk = py.detach(|| zarr::read(&place, dtype, &start, &end)).py()?;
    to_numpy(py, chunk)
}

/// An array over a Zarr array.
#[pyfunction]
pub(crate) fn array_from_zarr(
    root: PathBuf,
    component: &str,
    chunks: PyChunks,
    typestr: &str,
    name: &str,
) -> PyResult<ArrayExpr> {
    let PyChunks(chunks) = chunks;
    let dtype = typestr.parse().py()?;
    let place = place(root, component);
    let kernel = ReadZarr { place, dtype, bounds: chunks.all_bounds() };
    let build = Build::Source(kernel.into());
    Ok(ArrayExpr(Array::new(Node { name: Group::new(name), chunks, dtype: Some(dtype), build })))
}

/// An array whose blocks are written to a Zarr array when they are computed; it gives empty blocks.
#[pyfunction]
pub(crate) fn array_to_zarr(
    array: &ArrayExpr,
    root: PathBuf,
    component: &str,
) -> PyResult<ArrayExpr> {
    let array = &array.0;
    let Some(dtype) = array.dtype() else {
        return Err(ArrayError::NoKernel("an array without native chunks".into())).py();
    };
    let chunks = array.chunks().clone();
    let kernel = WriteZarr { place: place(root, component), dtype, bounds: chunks.all_bounds() };
    // Without a dtype, because the blocks have other shapes than the chunks say.
    expr(Array::layer("to-zarr", kernel, vec![(array.clone(), IndexMap::Identity)], chunks, None))
}
