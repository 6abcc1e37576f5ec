//! The stand-ins of kernels: calls of NumPy.

use std::sync::Mutex;

use oxidask_array::error::ArrayError;
use oxidask_array::foreign::{Arg, Call, Foreign};
use oxidask_array::kernel::Chunk;
use oxidask_array::ops;
use oxidask_core::op::TaskError;
use oxidask_core::value::Value;
use pyo3::exceptions::{
    PyIndexError, PyMemoryError, PyNotImplementedError, PyOSError, PyTypeError, PyValueError,
};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyEllipsis, PyList, PySlice, PyTuple};
use rustc_hash::FxHashMap;

use crate::array::expr::NoKernel;
use crate::array::memory::{to_chunk, to_numpy};
use crate::object::{PyValue, raised, to_object};

/// NumPy, and our Python functions over it.
#[derive(Default)]
pub(crate) struct NumPy {
    functions: Mutex<FxHashMap<String, Py<PyAny>>>,
}

impl Foreign for NumPy {
    fn chunk(&self, value: &Value) -> Option<Chunk> {
        // Values of Rust types are no arrays: no need to take the lock.
        value.downcast_ref::<PyValue>()?;
        Python::try_attach(|py| to_chunk(&to_object(py, value).ok()?)).flatten()
    }

    fn call(&self, call: &Call, inputs: &[Value]) -> Result<Value, TaskError> {
        Python::try_attach(|py| {
            let result = self.run(py, call, inputs).map_err(raised)?;
            Ok(wrap(&result))
        })
        .unwrap_or(Err(TaskError::Cancelled))
    }
}

/// An object as a value: arrays of native dtypes become chunks, so that the next kernel need not
/// ask Python for them.
pub(crate) fn wrap(object: &Bound<'_, PyAny>) -> Value {
    if let Some(chunk) = to_chunk(object) {
        return ops::value(chunk);
    }
    // Several chunks of one task come as a tuple.
    if let Ok(tuple) = object.cast_exact::<PyTuple>()
        && !tuple.is_empty()
    {
        let parts: Option<Vec<Value>> =
            tuple.iter().map(|item| to_chunk(&item).map(ops::value)).collect();
        if let Some(parts) = parts {
            return Value::new(ops::Parts(parts));
        }
    }
    PyValue::wrap(object)
}

impl NumPy {
    fn function<'py>(&self, py: Python<'py>, path: &str) -> PyResult<Bound<'py, PyAny>> {
        let lock = || self.functions.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        if let Some(function) = lock().get(path) {
            return Ok(function.bind(py).clone());
        }
        let (module, name) = path.rsplit_once('.').unwrap_or(("numpy", path));
        let function = py.import(module)?.getattr(name)?;
        lock().insert(path.into(), function.clone().unbind());
        Ok(function)
    }

    fn run<'py>(
        &self,
        py: Python<'py>,
        call: &Call,
        inputs: &[Value],
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut args = Vec::with_capacity(call.args.len());
        for arg in &call.args {
            args.push(argument(py, arg, inputs)?);
        }
        let kwargs = PyDict::new(py);
        for (name, arg) in &call.kwargs {
            kwargs.set_item(name, argument(py, arg, inputs)?)?;
        }
        let kwargs = (!kwargs.is_empty()).then_some(&kwargs);
        match call.function.strip_prefix('.') {
            Some(method) => {
                let object = args.remove(0);
                object.call_method(method, PyTuple::new(py, args)?, kwargs)
            }
            None => self.function(py, &call.function)?.call(PyTuple::new(py, args)?, kwargs),
        }
    }
}

fn argument<'py>(py: Python<'py>, arg: &Arg, inputs: &[Value]) -> PyResult<Bound<'py, PyAny>> {
    let items = |args: &[Arg]| -> PyResult<Vec<Bound<'py, PyAny>>> {
        args.iter().map(|arg| argument(py, arg, inputs)).collect()
    };
    Ok(match arg {
        Arg::Input(at) => to_object(py, &inputs[*at])?,
        Arg::Rest(from) => {
            let rest: PyResult<Vec<_>> =
                inputs[*from..].iter().map(|value| to_object(py, value)).collect();
            PyList::new(py, rest?)?.into_any()
        }
        Arg::None => py.None().into_bound(py),
        Arg::Ellipsis => PyEllipsis::get(py).to_owned().into_any(),
        Arg::Bool(flag) => flag.into_pyobject(py)?.to_owned().into_any(),
        Arg::Int(number) => number.into_pyobject(py)?.into_any(),
        Arg::Float(number) => number.into_pyobject(py)?.into_any(),
        Arg::Text(text) => text.into_pyobject(py)?.into_any(),
        Arg::DType(text) => py.import("numpy")?.getattr("dtype")?.call1((text,))?,
        Arg::Slice(start, stop, step) => {
            let slice = py.get_type::<PySlice>();
            slice.call1((*start, *stop, *step))?
        }
        Arg::List(args) => PyList::new(py, items(args)?)?.into_any(),
        Arg::Tuple(args) => PyTuple::new(py, items(args)?)?.into_any(),
        Arg::Chunk(chunk) => to_numpy(py, chunk.clone())?,
    })
}

/// An array's error as the exception that NumPy would raise.
pub(crate) fn array_error(error: &ArrayError) -> PyErr {
    let text = error.to_string();
    let from_numpy = |module: &str, name: &str, args: Py<PyTuple>| {
        Python::attach(|py| {
            match py.import(module).and_then(|module| module.getattr(name)?.call1(args.bind(py))) {
                Ok(error) => PyErr::from_value(error),
                Err(error) => error,
            }
        })
    };
    let args = |py: Python<'_>, text: &str| PyTuple::new(py, [text]).map(Bound::unbind);
    match error {
        ArrayError::Value(_) => PyValueError::new_err(text),
        ArrayError::Type(_) => PyTypeError::new_err(text),
        ArrayError::Index(_) => PyIndexError::new_err(text),
        ArrayError::Memory { .. } => PyMemoryError::new_err(text),
        ArrayError::Unsupported(_) => PyNotImplementedError::new_err(text),
        ArrayError::Io { .. } => PyOSError::new_err(text),
        ArrayError::NoKernel(_) => NoKernel::new_err(text),
        ArrayError::Axis { .. } => match Python::attach(|py| args(py, &text)) {
            Ok(args) => from_numpy("numpy.exceptions", "AxisError", args),
            Err(error) => error,
        },
        ArrayError::LinAlg(_) => match Python::attach(|py| args(py, &text)) {
            Ok(args) => from_numpy("numpy.linalg", "LinAlgError", args),
            Err(error) => error,
        },
    }
}

/// Registers NumPy as the stand-in of kernels.
pub(crate) fn register() {
    oxidask_array::foreign::register(Box::new(NumPy::default()));
}
