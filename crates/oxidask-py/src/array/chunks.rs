//! Chunks from what users say.

use oxidask_array::plan::chunks::Chunks;
use oxidask_array::plan::normalize::{AxisSpec, ChunkSpec, Request, normalize};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyInt, PyString, PyTuple};

use crate::array::expr::{IntoPython, PyChunks, chunks_to_python};

/// One axis: an extent, -1 or None for the whole axis, `"auto"`, bytes as text, extents of blocks.
fn axis_spec(spec: &Bound<'_, PyAny>, none_keeps: bool) -> PyResult<AxisSpec> {
    if spec.is_none() {
        return Ok(if none_keeps { AxisSpec::Keep } else { AxisSpec::Whole });
    }
    if let Ok(text) = spec.cast::<PyString>() {
        let text = text.to_cow()?;
        if text == "auto" {
            return Ok(AxisSpec::Auto);
        }
        let bytes = spec.py().import("oxidask.utils")?.getattr("parse_bytes")?.call1((text,))?;
        return Ok(AxisSpec::Bytes(bytes.extract()?));
    }
    if let Ok(extent) = spec.extract::<i64>()
        && !spec.is_instance_of::<PyBool>()
    {
        return match extent {
            -1 => Ok(AxisSpec::Whole),
            extent => usize::try_from(extent).map(AxisSpec::Size).map_err(|_| {
                PyValueError::new_err(format!(
                    "Chunks can't be negative (but -1 for all): {extent}"
                ))
            }),
        };
    }
    if let Ok(number) = spec.extract::<f64>() {
        if number.is_nan() {
            return Ok(AxisSpec::Sizes(vec![oxidask_array::plan::chunks::UNKNOWN]));
        }
        if number >= 0.0 && number.fract() == 0.0 {
            return Ok(AxisSpec::Size(number as usize));
        }
    }
    let one = PyTuple::new(spec.py(), [spec])?;
    match one.extract::<PyChunks>() {
        Ok(PyChunks(chunks)) => Ok(AxisSpec::Sizes(chunks[0].to_vec())),
        Err(_) => Err(PyTypeError::new_err(format!("Chunks can't be {}", spec.repr()?))),
    }
}

/// Tuples of extents for `chunks`, in any of the forms that users give, of an array of `shape`.
#[pyfunction]
#[pyo3(signature = (chunks, shape, itemsize, limit_bytes, default_bytes, previous, tolerance, none_keeps=false))]
#[expect(clippy::too_many_arguments, reason = "keywords of a Python function")]
pub(crate) fn array_normalize_chunks<'py>(
    py: Python<'py>,
    chunks: &Bound<'py, PyAny>,
    shape: Vec<Bound<'py, PyAny>>,
    itemsize: Option<usize>,
    limit_bytes: Option<u64>,
    default_bytes: u64,
    previous: Option<PyChunks>,
    tolerance: f64,
    none_keeps: bool,
) -> PyResult<Bound<'py, PyTuple>> {
    let extent = |n: &Bound<'py, PyAny>| match n.extract::<usize>() {
        Ok(n) => Ok(n),
        Err(error) => match n.extract::<f64>() {
            Ok(n) if n.is_nan() => Ok(oxidask_array::plan::chunks::UNKNOWN),
            Ok(n) if n >= 0.0 => Ok(n as usize),
            _ => Err(error),
        },
    };
    let shape: Vec<usize> = shape.iter().map(extent).collect::<PyResult<_>>()?;
    let previous: Option<Chunks> = previous.map(|PyChunks(chunks)| chunks);
    let is_one = chunks.is_none()
        || chunks.is_instance_of::<PyString>()
        || chunks.is_instance_of::<PyInt>()
        || chunks.extract::<f64>().is_ok();
    let spec = if is_one {
        ChunkSpec::Uniform(axis_spec(chunks, none_keeps)?)
    } else {
        let axes = chunks.try_iter()?.map(|axis| axis_spec(&axis?, none_keeps));
        ChunkSpec::Axes(axes.collect::<PyResult<_>>()?)
    };
    let request = Request {
        shape: &shape,
        itemsize,
        limit_bytes,
        default_bytes,
        previous: previous.as_ref(),
        tolerance,
    };
    chunks_to_python(py, &normalize(&spec, &request).py()?)
}
