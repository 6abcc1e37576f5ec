//! A handle to an expression, for the Python class `Array`.

use oxidask_array::dtype::DType;
use oxidask_array::error::ArrayError;
use oxidask_array::kernel::Chunk;
use oxidask_array::plan::array::Array;
use oxidask_array::plan::chunks::{Chunks, UNKNOWN};
use pyo3::prelude::*;
use pyo3::types::{PyInt, PyTuple};

use crate::array::numpy::array_error;

pyo3::create_exception!(
    oxidask._native,
    NoKernel,
    pyo3::exceptions::PyNotImplementedError,
    "What was asked for has no native kernel: NumPy must do it."
);

/// A lazy array's expression: immutable, cheap to copy.
#[pyclass(frozen, module = "oxidask._native")]
pub(crate) struct ArrayExpr(pub(crate) Array);

/// `Result` of the array crate as a Python result.
pub(crate) trait IntoPython<T> {
    /// The value, or the exception that NumPy would raise.
    fn py(self) -> PyResult<T>;
}

impl<T> IntoPython<T> for Result<T, ArrayError> {
    fn py(self) -> PyResult<T> {
        self.map_err(|error| array_error(&error))
    }
}

/// An array as an expression.
pub(crate) fn expr(array: Result<Array, ArrayError>) -> PyResult<ArrayExpr> {
    array.py().map(ArrayExpr)
}

/// A list of extents as Python numbers; `nan` where unknown.
fn extents<'py>(py: Python<'py>, extents: &[usize]) -> PyResult<Bound<'py, PyTuple>> {
    let mut last: Option<(usize, Bound<'py, PyAny>)> = None;
    let items = extents.iter().map(|&n| {
        if let Some((known, object)) = &last
            && *known == n
        {
            return Ok(object.clone());
        }
        let object = if n == UNKNOWN {
            // The one object that Python code compares by identity: no nan equals another.
            py.import("numpy")?.getattr("nan")?
        } else {
            PyInt::new(py, n).into_any()
        };
        last = Some((n, object.clone()));
        Ok(object)
    });
    PyTuple::new(py, items.collect::<PyResult<Vec<_>>>()?)
}

/// Chunks as tuples of tuples.
pub(crate) fn chunks_to_python<'py>(
    py: Python<'py>,
    chunks: &Chunks,
) -> PyResult<Bound<'py, PyTuple>> {
    let axes: PyResult<Vec<_>> = chunks.iter().map(|axis| extents(py, axis)).collect();
    PyTuple::new(py, axes?)
}

/// Chunks of tuples of tuples; `nan` stands for unknown.
pub(crate) struct PyChunks(pub(crate) Chunks);

impl<'a, 'py> FromPyObject<'a, 'py> for PyChunks {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        let mut axes = Vec::new();
        for axis in object.try_iter()? {
            let mut blocks: Vec<usize> = Vec::new();
            for extent in axis?.try_iter()? {
                let extent = extent?;
                blocks.push(match extent.extract::<usize>() {
                    Ok(extent) => extent,
                    Err(error) => match extent.extract::<f64>() {
                        Ok(number) if number.is_nan() => UNKNOWN,
                        Ok(number) if number >= 0.0 && number.fract() == 0.0 => number as usize,
                        _ => return Err(error),
                    },
                });
            }
            axes.push(blocks.into());
        }
        Ok(Self(Chunks::new(axes)))
    }
}

/// A native dtype of a NumPy type string; `None` for others.
pub(crate) fn dtype_of(typestr: Option<&str>) -> Option<DType> {
    typestr?.parse().ok()
}

#[pymethods]
impl ArrayExpr {
    /// The name: block `(i, j)` has the key `(name, i, j)`.
    #[getter]
    fn name(&self) -> &str {
        self.0.name().as_str()
    }

    /// Extents of the blocks along each axis, as tuples; `nan` where unknown.
    #[getter]
    fn chunks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        chunks_to_python(py, self.0.chunks())
    }

    /// Extents of the axes; `nan` where unknown.
    #[getter]
    fn shape<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        extents(py, &self.0.shape())
    }

    /// Number of blocks along each axis.
    #[getter]
    fn numblocks<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyTuple>> {
        PyTuple::new(py, self.0.chunks().iter().map(|axis| axis.len()))
    }

    /// NumPy's type string of a native dtype; `None` for others.
    #[getter]
    fn typestr(&self) -> Option<String> {
        self.0.dtype().map(DType::typestr)
    }

    /// Number of axes.
    #[getter]
    fn ndim(&self) -> usize {
        self.0.ndim()
    }

    /// Whether the blocks are made by kernels, not by Python functions.
    #[getter]
    fn is_native(&self) -> bool {
        self.0.is_native() && self.0.chunks().is_known() && self.0.dtype().is_some()
    }

    /// The same array under another name.
    fn renamed(&self, name: &str) -> Self {
        Self(self.0.renamed(name))
    }

    /// The same array under another name, with extents of its blocks that are known better.
    fn sized(&self, name: &str, chunks: PyChunks) -> PyResult<Self> {
        self.0.sized(name, chunks.0).py().map(Self)
    }

    /// The expressions that it is made of.
    fn inputs(&self) -> Vec<Self> {
        self.0.inputs().iter().cloned().map(Self).collect()
    }

    fn __repr__(&self) -> String {
        format!("<ArrayExpr {} {}>", self.0.name().as_str(), self.0.chunks())
    }
}

/// A 0-d chunk of a NumPy scalar.
pub(crate) fn scalar_chunk(object: &Bound<'_, PyAny>) -> Option<Chunk> {
    crate::array::memory::to_chunk(object).filter(|chunk| chunk.ndim() == 0)
}
