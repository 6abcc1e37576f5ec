//! Native values that have no form of their own in Python: held for whoever gives them to a kernel again.

use oxidask_core::value::{Family, Value};
use oxidask_frame::ops::FrameFamily;
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyTuple};

/// A native value, such as the parts that a partition was cut into.
#[pyclass(frozen, module = "oxidask._native")]
pub(crate) struct HeldValue(pub(crate) Value);

#[pymethods]
impl HeldValue {
    #[getter]
    fn nbytes(&self) -> u64 {
        self.0.payload().nbytes()
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyTuple>> {
        let py = slf.py();
        let encoded = slf.get().0.payload().encode();
        let encoded = encoded.map_err(|error| PyTypeError::new_err(error.to_string()))?;
        let buffers = encoded.buffers.iter().map(|buffer| PyBytes::new(py, (**buffer).as_ref()));
        let state = (PyBytes::new(py, &encoded.header), buffers.collect::<Vec<_>>());
        let rebuild = py.import("oxidask._native")?.getattr("rebuild_held_value")?;
        (rebuild, state).into_pyobject(py)
    }

    fn __repr__(&self) -> String {
        format!("<{} of {} bytes>", self.0.payload().type_name(), self.nbytes())
    }
}

/// A held value of what pickle stored.
#[pyfunction]
pub(crate) fn rebuild_held_value(header: &[u8], buffers: Vec<Vec<u8>>) -> PyResult<HeldValue> {
    let value = FrameFamily.decode(header, buffers);
    value.map(HeldValue).map_err(|error| PyTypeError::new_err(error.to_string()))
}
