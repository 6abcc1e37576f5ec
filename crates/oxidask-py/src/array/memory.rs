//! Chunks as NumPy arrays and back, without a copy.

use std::sync::Arc;

use oxidask_array::dtype::DType;
use oxidask_array::kernel::buffer::Buffer;
use oxidask_array::kernel::chunk::contiguous_strides;
use oxidask_array::kernel::{Chunk, Strides};
use oxidask_array::ops::place::Leftover;
use oxidask_array::ops::{ChunkValue, Parts};
use oxidask_core::value::{Native, Value};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyTuple, PyType};

use crate::object::{PyValue, to_object};

/// A chunk's memory, lent to NumPy.
#[pyclass(frozen, module = "oxidask._native")]
pub(crate) struct ChunkMemory {
    chunk: Chunk,
    writable: bool,
}

#[pymethods]
impl ChunkMemory {
    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item(intern!(py, "shape"), PyTuple::new(py, self.chunk.shape())?)?;
        dict.set_item(intern!(py, "typestr"), self.chunk.dtype().typestr())?;
        dict.set_item(intern!(py, "data"), (self.chunk.as_ptr() as usize, !self.writable))?;
        dict.set_item(intern!(py, "strides"), PyTuple::new(py, self.chunk.strides())?)?;
        dict.set_item(intern!(py, "version"), 3)?;
        Ok(dict)
    }
}

fn asarray(py: Python<'_>) -> PyResult<&Bound<'_, PyAny>> {
    static ASARRAY: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    ASARRAY.import(py, "numpy", "asarray")
}

/// A NumPy view of a chunk. It may be written to if nobody else holds the chunk's memory.
pub(crate) fn to_numpy<'py>(py: Python<'py>, mut chunk: Chunk) -> PyResult<Bound<'py, PyAny>> {
    let writable = chunk.is_unique() && !chunk.strides().contains(&0);
    asarray(py)?.call1((ChunkMemory { chunk, writable },))
}

/// The Python form of a native value: chunks as arrays, parts as tuples.
pub(crate) fn to_python<'py>(
    py: Python<'py>,
    value: &Value,
) -> Option<PyResult<Bound<'py, PyAny>>> {
    if let Some(ChunkValue(chunk)) = value.downcast_ref() {
        return Some(to_numpy(py, chunk.clone()));
    }
    if let Some(Parts(parts)) = value.downcast_ref() {
        let parts: PyResult<Vec<_>> = parts.iter().map(|part| to_object(py, part)).collect();
        return Some(parts.and_then(|parts| Ok(PyTuple::new(py, parts)?.into_any())));
    }
    if let Some(Native(leftover)) = value.downcast_ref::<Native<Leftover>>() {
        return Some(filled(py, leftover));
    }
    None
}

/// A result some of whose blocks had no native form.
fn filled<'py>(py: Python<'py>, leftover: &Leftover) -> PyResult<Bound<'py, PyAny>> {
    let items: Vec<_> = leftover
        .blocks
        .iter()
        .map(|(place, value)| Ok((PyTuple::new(py, place)?, to_object(py, value)?)))
        .collect::<PyResult<_>>()?;
    let bounds: Vec<&[usize]> = leftover.bounds.iter().map(|axis| &**axis).collect();
    let result = to_numpy(py, leftover.chunk.clone())?;
    py.import("oxidask.array._numpy")?.getattr("fill_blocks")?.call1((result, items, bounds))
}

/// The chunk that a Python object is: a plain array of a native dtype, in the machine's byte order.
pub(crate) fn to_chunk(object: &Bound<'_, PyAny>) -> Option<Chunk> {
    let py = object.py();
    static NDARRAY: PyOnceLock<Py<PyType>> = PyOnceLock::new();
    let ndarray = NDARRAY.import(py, "numpy", "ndarray").ok()?;
    if !object.get_type().is(ndarray) {
        // NumPy's scalars are 0-d arrays: results of reductions over everything.
        static GENERIC: PyOnceLock<Py<PyType>> = PyOnceLock::new();
        let generic = GENERIC.import(py, "numpy", "generic").ok()?;
        if !object.is_instance(generic).unwrap_or(false) {
            return None;
        }
        let array = asarray(py).ok()?.call1((object,)).ok()?;
        return array.get_type().is(ndarray).then(|| array_chunk(&array)).flatten();
    }
    array_chunk(object)
}

fn array_chunk(array: &Bound<'_, PyAny>) -> Option<Chunk> {
    let py = array.py();
    let interface = array.getattr(intern!(py, "__array_interface__")).ok()?;
    let interface = interface.cast::<PyDict>().ok()?;
    let item = |name| interface.get_item(name).ok().flatten();
    let typestr: String = item(intern!(py, "typestr"))?.extract().ok()?;
    let dtype: DType = typestr.parse().ok()?;
    let shape: Vec<usize> = item(intern!(py, "shape"))?.extract().ok()?;
    let (address, _): (usize, bool) = item(intern!(py, "data"))?.extract().ok()?;
    let strides: Strides = match item(intern!(py, "strides")) {
        Some(strides) if !strides.is_none() => strides.extract::<Vec<isize>>().ok()?.into(),
        _ => contiguous_strides(&shape, dtype.itemsize()),
    };
    if !address.is_multiple_of(dtype.itemsize().min(8)) {
        return None;
    }
    // The lowest and highest addresses that elements take.
    let (mut low, mut high) = (0isize, dtype.itemsize() as isize);
    if shape.contains(&0) {
        high = 0;
    } else {
        for (&extent, &stride) in shape.iter().zip(&strides) {
            let reach = (extent as isize - 1) * stride;
            if reach < 0 { low += reach } else { high += reach }
        }
    }
    let start = (address as isize + low) as *const u8;
    let owner = Box::new(PyValue::wrap(array));
    #[expect(unsafe_code, reason = "an array's memory")]
    // SAFETY: the array keeps its memory for as long as the owner lives; tasks may not write to
    // their inputs, nor may users while a computation runs.
    unsafe {
        let buffer = Buffer::foreign(start, (high - low) as usize, owner);
        Some(Chunk::from_raw(dtype, shape.into(), strides, -low as usize, Arc::new(buffer)))
    }
}
