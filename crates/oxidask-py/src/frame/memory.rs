//! Columns as NumPy and Arrow arrays of Python, and back.

use std::panic::AssertUnwindSafe;
use std::ptr::NonNull;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::ffi::{FFI_ArrowArray, FFI_ArrowSchema, from_ffi, to_ffi};
use arrow_array::{Array, ArrayRef, LargeStringArray, StringViewArray};
use arrow_buffer::Buffer;
use arrow_schema::DataType;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyCapsule, PyDict, PyTuple};

use crate::object::PyValue;

/// A buffer, lent to NumPy.
#[pyclass(frozen, module = "oxidask._native")]
pub(crate) struct ColumnMemory {
    buffer: Buffer,
    typestr: &'static str,
    n_items: usize,
}

#[pymethods]
impl ColumnMemory {
    #[getter]
    fn __array_interface__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let dict = PyDict::new(py);
        dict.set_item(intern!(py, "shape"), (self.n_items,))?;
        dict.set_item(intern!(py, "typestr"), self.typestr)?;
        dict.set_item(intern!(py, "data"), (self.buffer.as_ptr() as usize, true))?;
        dict.set_item(intern!(py, "version"), 3)?;
        Ok(dict)
    }
}

/// The items of a buffer as a NumPy array that can't be written to.
pub(crate) fn to_numpy<'py>(
    py: Python<'py>,
    buffer: &Buffer,
    typestr: &'static str,
    n_items: usize,
) -> PyResult<Bound<'py, PyAny>> {
    let memory = ColumnMemory { buffer: buffer.clone(), typestr, n_items };
    py.import("numpy")?.call_method1("asarray", (memory,))
}

/// The memory of a contiguous NumPy array of one axis: bytes of its items, which it keeps.
pub(crate) fn of_numpy(array: &Bound<'_, PyAny>, item_size: usize) -> PyResult<Buffer> {
    let py = array.py();
    let array = py.import("numpy")?.call_method1("ascontiguousarray", (array,))?;
    let interface = array.getattr(intern!(py, "__array_interface__"))?;
    let interface = interface.cast::<PyDict>()?;
    let item = |name| interface.get_item(name)?.ok_or_else(|| PyTypeError::new_err("no array"));
    let (address, _): (usize, bool) = item("data")?.extract()?;
    let shape: Vec<usize> = item("shape")?.extract()?;
    let n_bytes = shape.iter().product::<usize>() * item_size;
    let said: usize = array.getattr("nbytes")?.extract()?;
    if said != n_bytes {
        return Err(PyTypeError::new_err(format!("{said} bytes where {n_bytes} are due")));
    }
    let Some(start) = NonNull::new(address as *mut u8).filter(|_| n_bytes > 0) else {
        return Ok(Buffer::from(&[][..]));
    };
    let owner = Arc::new(AssertUnwindSafe(PyValue::wrap(&array)));
    #[expect(unsafe_code, reason = "an array's memory")]
    // SAFETY: the array keeps its memory for as long as the owner lives; tasks don't write to their
    // inputs, nor may users while a computation runs.
    let buffer = unsafe { Buffer::from_custom_allocation(start, n_bytes, owner) };
    Ok(if address.is_multiple_of(item_size.clamp(1, 8)) {
        buffer
    } else {
        Buffer::from_slice_ref(buffer.as_slice())
    })
}

/// A column for pyarrow.
#[pyclass(frozen, module = "oxidask._native")]
pub(crate) struct TextColumn(ArrayRef);

#[pymethods]
impl TextColumn {
    #[pyo3(signature = (requested_schema=None))]
    fn __arrow_c_array__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyTuple>> {
        let _ = requested_schema;
        let failed = |error: arrow_schema::ArrowError| PyValueError::new_err(error.to_string());
        let (array, schema) = to_ffi(&self.0.to_data()).map_err(failed)?;
        let schema = PyCapsule::new_with_value(py, schema, c"arrow_schema")?;
        let array = PyCapsule::new_with_value(py, array, c"arrow_array")?;
        PyTuple::new(py, [schema, array])
    }
}

/// Text as pandas keeps it: an Arrow array with large offsets.
pub(crate) fn text_to_python<'py>(
    py: Python<'py>,
    column: &ArrayRef,
) -> PyResult<Bound<'py, PyAny>> {
    let text: LargeStringArray = column.as_string_view().iter().collect();
    py.import("pyarrow")?.call_method1("array", (TextColumn(Arc::new(text)),))
}

/// The text of an array of pyarrow's.
pub(crate) fn text_of_python(array: &Bound<'_, PyAny>) -> PyResult<ArrayRef> {
    let (schema, array): (Bound<'_, PyCapsule>, Bound<'_, PyCapsule>) =
        array.call_method0("__arrow_c_array__")?.extract()?;
    let schema = schema.pointer_checked(Some(c"arrow_schema"))?.cast::<FFI_ArrowSchema>();
    let array = array.pointer_checked(Some(c"arrow_array"))?.cast::<FFI_ArrowArray>();
    #[expect(unsafe_code, reason = "Arrow's C data interface")]
    // SAFETY: capsules of these names hold these structures; the array is moved out of its own, which
    // is left released, as the interface demands.
    let data = unsafe {
        let array = FFI_ArrowArray::from_raw(array.as_ptr());
        from_ffi(array, schema.as_ref())
    };
    let data = data.map_err(|error| PyValueError::new_err(error.to_string()))?;
    let array = arrow_array::make_array(data);
    match array.data_type() {
        DataType::Utf8 => Ok(Arc::new(StringViewArray::from(array.as_string::<i32>()))),
        DataType::LargeUtf8 => Ok(Arc::new(StringViewArray::from(array.as_string::<i64>()))),
        DataType::Utf8View => Ok(array),
        other => Err(PyTypeError::new_err(format!("text is no {other}"))),
    }
}
