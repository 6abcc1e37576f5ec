//! Python objects as values, and Python itself as a lane.

use std::borrow::Cow;

use oxidask_array::error::ArrayError;
use oxidask_array::ops::ChunkValue;
use oxidask_core::op::{Lane, TaskError};
use oxidask_core::value::{Buffer, CodecError, Encoded, Family, Payload, Region, Value};
use pyo3::buffer::PyBuffer;
use pyo3::exceptions::{PyKeyboardInterrupt, PyTypeError};
use pyo3::intern;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{
    PyBool, PyByteArray, PyBytes, PyDict, PyFloat, PyInt, PyList, PyNone, PySet, PyString, PyTuple,
};

use crate::array::numpy::array_error;
use crate::crew::thread_ident;

/// What a small object is taken to weigh: asking each one would cost more than the answer is worth.
const SMALL_BYTES: u64 = 48;

/// How many items of containers, and how deep, the estimate of one value looks at: a list may hold
/// itself, or share its parts so often that counting them would never end.
const MAX_LOOKS: u32 = 100;
const MAX_DEPTH: u32 = 4;

/// No estimate is larger: sums of some millions of them must not overflow.
const MAX_BYTES: u64 = 1 << 40;

/// Objects of at least this size give their memory back as soon as they are dropped, even where
/// that means to wait for the interpreter.
const LARGE_BYTES: u64 = 64 << 10;

/// A Python object that a task gave.
pub(crate) struct PyValue {
    object: Option<Py<PyAny>>,
    nbytes: u64,
}

impl PyValue {
    /// Wraps an object as a value.
    pub(crate) fn wrap(object: &Bound<'_, PyAny>) -> Value {
        let nbytes = nbytes(object, 0, &mut { MAX_LOOKS });
        Value::new(Self { object: Some(object.clone().unbind()), nbytes })
    }
}

impl Drop for PyValue {
    fn drop(&mut self) {
        if self.nbytes >= LARGE_BYTES
            && let Some(object) = self.object.take()
        {
            Python::try_attach(|py| object.drop_ref(py));
        }
    }
}

/// The Python object behind a value.
///
/// # Errors
/// If the value is of another family.
pub(crate) fn to_object<'py>(py: Python<'py>, value: &Value) -> PyResult<Bound<'py, PyAny>> {
    match value.downcast_ref::<PyValue>() {
        Some(PyValue { object: Some(object), .. }) => Ok(object.bind(py).clone()),
        _ => native_object(py, value).unwrap_or_else(|| {
            Err(PyTypeError::new_err(format!(
                "a {} value has no Python object",
                value.payload().family().name()
            )))
        }),
    }
}

fn native_object<'py>(py: Python<'py>, value: &Value) -> Option<PyResult<Bound<'py, PyAny>>> {
    crate::array::memory::to_python(py, value)
        .or_else(|| crate::frame::pandas::to_python(py, value))
}

/// As [`to_object`] of a value that is handed over: an array may be written to if nobody else holds
/// its memory.
///
/// # Errors
/// As [`to_object`].
pub(crate) fn into_object(py: Python<'_>, value: Value) -> PyResult<Bound<'_, PyAny>> {
    match value.downcast_ref::<ChunkValue>().map(|chunk| chunk.0.clone()) {
        Some(chunk) => {
            drop(value);
            crate::array::memory::to_numpy(py, chunk)
        }
        None => to_object(py, &value),
    }
}

/// Estimated bytes that freeing `object` would give back.
fn nbytes(object: &Bound<'_, PyAny>, depth: u32, looks: &mut u32) -> u64 {
    if object.is_exact_instance_of::<PyInt>()
        || object.is_exact_instance_of::<PyFloat>()
        || object.is_exact_instance_of::<PyBool>()
        || object.is_exact_instance_of::<PyNone>()
    {
        return SMALL_BYTES;
    }
    if object.is_exact_instance_of::<PyString>()
        || object.is_exact_instance_of::<PyBytes>()
        || object.is_exact_instance_of::<PyByteArray>()
    {
        return SMALL_BYTES + object.len().unwrap_or(0) as u64;
    }
    estimate(object, depth, looks).unwrap_or_else(|error| {
        keep_interrupt(object.py(), &error);
        SMALL_BYTES
    })
}

/// [`nbytes`] of what isn't a scalar: containers by a sample of their items, arrays by what they
/// say, other objects by the package's `sizeof`.
fn estimate(object: &Bound<'_, PyAny>, depth: u32, looks: &mut u32) -> PyResult<u64> {
    const SAMPLE: usize = 10;
    let py = object.py();
    let container = object.is_exact_instance_of::<PyList>()
        || object.is_exact_instance_of::<PyTuple>()
        || object.is_exact_instance_of::<PySet>();
    let items = if container {
        Some(object.clone())
    } else if let Ok(dict) = object.cast_exact::<PyDict>() {
        Some(dict.call_method0(intern!(py, "values"))?)
    } else {
        None
    };
    if let Some(items) = items {
        let n = items.len()?;
        let (mut sampled, mut n_sampled) = (0u64, 0u64);
        for item in items.try_iter()?.take(SAMPLE) {
            if depth == MAX_DEPTH || *looks == 0 {
                break;
            }
            *looks -= 1;
            n_sampled += 1;
            sampled = sampled.saturating_add(16 + nbytes(&item?, depth + 1, looks));
        }
        let mean = sampled.checked_div(n_sampled).unwrap_or(16);
        return Ok(mean.saturating_mul(n as u64).min(MAX_BYTES) + SMALL_BYTES);
    }
    if let Some(said) = object.getattr_opt(intern!(py, "nbytes"))?
        && let Ok(said) = said.extract::<u64>()
    {
        return Ok(SMALL_BYTES + said.min(MAX_BYTES));
    }
    static SIZEOF: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    SIZEOF.import(py, "oxidask.sizeof", "sizeof")?.call1((object,))?.extract()
}

impl Payload for PyValue {
    fn family(&self) -> &'static dyn Family {
        &PyFamily
    }

    fn nbytes(&self) -> u64 {
        self.nbytes
    }

    fn type_name(&self) -> Cow<'_, str> {
        Python::attach(|py| match &self.object {
            Some(object) => type_name(object.bind(py)).into(),
            None => "object".into(),
        })
    }

    fn encode(&self) -> Result<Encoded, CodecError> {
        Python::attach(|py| {
            let Some(object) = &self.object else { return Ok(Encoded::default()) };
            let object = object.bind(py);
            encode(object).map_err(|error| codec_error(py, &type_name(object), "encoded", &error))
        })
    }
}

/// Our own Python code answers questions on values; a Ctrl-C that comes while it runs is not its
/// failure. On the main thread it is raised again where signals are looked for next; on others the
/// interrupt was sent by a run that is over.
fn keep_interrupt(py: Python<'_>, error: &PyErr) {
    if !error.is_instance_of::<PyKeyboardInterrupt>(py) {
        return;
    }
    let main = py.import("threading").and_then(|threading| threading.call_method0("main_thread"));
    let main = main.and_then(|main| main.getattr("ident")?.extract::<u64>());
    if let (Ok(main), Ok(this)) = (main, thread_ident(py))
        && main == this
    {
        set_interrupt();
    }
}

#[expect(unsafe_code, reason = "no safe wrapper for this call")]
fn set_interrupt() {
    // SAFETY: it has no preconditions; it notes a SIGINT for the main thread.
    unsafe { pyo3::ffi::PyErr_SetInterrupt() }
}

/// The name of an object's type, with its module unless it is a builtin one.
fn type_name(object: &Bound<'_, PyAny>) -> String {
    let class = object.get_type();
    let name = || -> PyResult<String> {
        let (module, name) = (class.module()?, class.qualname()?);
        let (module, name) = (module.to_cow()?, name.to_cow()?);
        Ok(if module == "builtins" { name.into_owned() } else { format!("{module}.{name}") })
    };
    name().unwrap_or_else(|_| "object".into())
}

fn codec_error(py: Python<'_>, type_name: &str, direction: &'static str, e: &PyErr) -> CodecError {
    let reason = format!("{}: {}", e.get_type(py), e.value(py));
    // Not before: Python looks for signals while it makes the text, and would drop what it finds.
    keep_interrupt(py, e);
    CodecError { family: "python", type_name: type_name.into(), direction, reason }
}

/// A Python buffer that stays where it is while its bytes are written.
struct Borrowed(PyBuffer<u8>);

impl AsRef<[u8]> for Borrowed {
    #[expect(unsafe_code, reason = "the bytes of a contiguous Python buffer")]
    fn as_ref(&self) -> &[u8] {
        // SAFETY: `encode` made sure that the buffer is C-contiguous; the export keeps the memory
        // alive and of this size. A task may not write to its inputs, nor to a value it gave.
        unsafe { std::slice::from_raw_parts(self.0.buf_ptr().cast(), self.0.len_bytes()) }
    }
}

/// Pickles with the buffers out of band.
fn encode(object: &Bound<'_, PyAny>) -> PyResult<Encoded> {
    let py = object.py();
    static DUMPS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let dumps = DUMPS.import(py, "oxidask._pickle", "dumps")?;
    let pieces = PyList::empty(py);
    let header: Bound<'_, PyBytes> =
        dumps.call1((object, pieces.getattr(intern!(py, "append"))?))?.cast_into()?;
    let mut buffers: Vec<Buffer> = Vec::with_capacity(pieces.len());
    for piece in pieces {
        let raw = piece.call_method0(intern!(py, "raw"))?;
        buffers.push(Box::new(Borrowed(PyBuffer::get(&raw)?)));
    }
    Ok(Encoded { header: header.as_bytes().to_vec(), buffers })
}

/// Python objects.
pub(crate) struct PyFamily;

impl Family for PyFamily {
    fn name(&self) -> &'static str {
        "python"
    }

    fn decode(&self, header: &[u8], buffers: Vec<Vec<u8>>) -> Result<Value, CodecError> {
        let block = |buffer| Box::new(buffer) as Box<dyn Region>;
        self.decode_around(header, buffers.into_iter().map(block).collect())
    }

    fn decode_around(
        &self,
        header: &[u8],
        buffers: Vec<Box<dyn Region>>,
    ) -> Result<Value, CodecError> {
        Python::attach(|py| {
            let decode = || {
                static LOADS: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
                let loads = LOADS.import(py, "oxidask._pickle", "loads")?;
                let mut pieces = Vec::with_capacity(buffers.len());
                for buffer in buffers {
                    pieces.push(Bound::new(py, Memory(buffer))?);
                }
                let object = loads.call1((PyBytes::new(py, header), pieces))?;
                Ok(PyValue::wrap(&object))
            };
            decode().map_err(|error: PyErr| codec_error(py, "object", "decoded", &error))
        })
    }
}

/// Bytes that came from disk or another process, lent to Python as a writable buffer.
#[pyclass(frozen)]
struct Memory(Box<dyn Region>);

#[pymethods]
impl Memory {
    #[expect(unsafe_code, reason = "the buffer protocol is a C interface")]
    unsafe fn __getbuffer__(
        slf: Bound<'_, Self>,
        view: *mut pyo3::ffi::Py_buffer,
        flags: std::ffi::c_int,
    ) -> PyResult<()> {
        let bytes = slf.get().0.bytes();
        let (start, len) = (bytes.as_ptr().cast_mut().cast(), bytes.len() as isize);
        // SAFETY: the view holds a reference to the object, whose bytes never move. Nobody else
        // reads them once they were handed to Python, so that it may write there.
        let status =
            unsafe { pyo3::ffi::PyBuffer_FillInfo(view, slf.as_ptr(), start, len, 0, flags) };
        if status == 0 { Ok(()) } else { Err(PyErr::fetch(slf.py())) }
    }
}

/// The Python interpreter, whose lock tasks take together.
pub(crate) struct PyLane;

/// The only lane of Python tasks.
pub(crate) static PYTHON: PyLane = PyLane;

impl Lane for PyLane {
    fn id(&self) -> usize {
        1
    }

    fn enter(&self, body: &mut dyn FnMut()) {
        // While the interpreter shuts down nobody may enter; the task's run is over then anyway.
        let _ = Python::try_attach(|_| body());
    }
}

/// A Python exception as a task's failure.
pub(crate) fn raised(error: PyErr) -> TaskError {
    TaskError::raised(error)
}

/// The exception of a task's failure, as the user's code raised it.
pub(crate) fn exception(py: Python<'_>, error: &TaskError) -> PyErr {
    match error {
        TaskError::Raised(inner) => match inner.downcast_ref::<PyErr>() {
            Some(raised) => raised.clone_ref(py),
            None => match inner.downcast_ref::<ArrayError>() {
                Some(error) => array_error(error),
                None => match inner.downcast_ref::<oxidask_frame::error::FrameError>() {
                    Some(error) => crate::frame::labels::frame_error(error),
                    None => pyo3::exceptions::PyRuntimeError::new_err(inner.to_string()),
                },
            },
        },
        TaskError::Panicked(_) | TaskError::Cancelled => {
            pyo3::exceptions::PyRuntimeError::new_err(error.to_string())
        }
    }
}
