//! Partitions as pandas objects, and back.
//!
//! `oxidask.dataframe._pandas` takes objects apart into NumPy and Arrow arrays and puts them together; here these become
//! columns without a copy.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::Int32Type;
use arrow_array::{Array, ArrayRef, BooleanArray, DictionaryArray, Int32Array, make_array};
use arrow_buffer::{BooleanBuffer, Buffer, NullBuffer, ScalarBuffer};
use arrow_data::ArrayData;
use oxidask_core::value::Value;
use oxidask_frame::dtype::{DType, Number};
use oxidask_frame::error::FrameError;
use oxidask_frame::kernel::{Frame, RowLabels};
use oxidask_frame::ops::foreign::Foreign;
use oxidask_frame::ops::{FrameValue, Parts};
use oxidask_frame::schema::{Field, IndexSchema, Schema};
use pyo3::exceptions::PyTypeError;
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyList, PyTuple};

use super::labels::{IntoPython, PyLabel, dtype_named, kind_name, kind_of, label_to_python};
use super::memory::{of_numpy, text_of_python, text_to_python, to_numpy};
use crate::array::NoKernel;
use crate::object::to_object;

fn helper<'py>(py: Python<'py>, name: &str) -> PyResult<Bound<'py, PyAny>> {
    py.import("oxidask.dataframe._pandas")?.getattr(name)
}

/// Registers pandas as the one who knows what foreign partitions are.
pub(crate) fn register() {
    oxidask_frame::ops::foreign::register(Box::new(Pandas));
}

struct Pandas;

impl Foreign for Pandas {
    fn frame(&self, value: &Value) -> Result<Frame, FrameError> {
        let attached = Python::try_attach(|py| of_pandas(&to_object(py, value)?));
        match attached {
            Some(Ok(frame)) => Ok(frame),
            Some(Err(error)) => Err(FrameError::Type(Python::attach(|py| {
                format!("a partition that is no native one: {}", error.value(py))
            }))),
            None => Err(FrameError::Type("Python has ended".into())),
        }
    }

    fn call(&self, function: &[u8], inputs: &[Value]) -> Result<Value, FrameError> {
        super::values::call_pickled(function, inputs)
    }
}

/// The frame that a pandas object is.
///
/// # Errors
/// `NoKernel` if it has columns or labels that are not native.
pub(crate) fn of_pandas(object: &Bound<'_, PyAny>) -> PyResult<Frame> {
    let py = object.py();
    let parts = helper(py, "take_apart")?.call1((object,))?;
    let (kind, n_rows, index, columns, columns_name): (
        String,
        usize,
        Bound<'_, PyAny>,
        Vec<Bound<'_, PyTuple>>,
        PyLabel,
    ) = parts.extract()?;
    let column = |part: &Bound<'_, PyTuple>| -> PyResult<(Field, ArrayRef)> {
        let PyLabel(label) = part.get_item(0)?.extract()?;
        let (dtype, array) = column_of(part.get_item(1)?.cast::<PyTuple>()?)?;
        Ok((Field { label, dtype }, array))
    };
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) =
        columns.iter().map(column).collect::<PyResult<Vec<_>>>()?.into_iter().unzip();
    let (index_schema, labels) = match index.extract::<(PyLabel, i64, i64)>() {
        Ok((PyLabel(name), start, step)) => {
            let levels = vec![Field { label: name, dtype: DType::I64 }];
            (IndexSchema { levels, is_range: true }, RowLabels::Range { start, step })
        }
        Err(_) => {
            let levels: Vec<Bound<'_, PyTuple>> = index.extract()?;
            let (levels, arrays): (Vec<_>, Vec<_>) =
                levels.iter().map(column).collect::<PyResult<Vec<_>>>()?.into_iter().unzip();
            (IndexSchema { levels, is_range: false }, RowLabels::Levels(arrays))
        }
    };
    let PyLabel(columns_name) = columns_name;
    let schema =
        Schema { kind: kind_of(&kind)?, index: index_schema, columns: fields, columns_name };
    Frame::new(Arc::new(schema), labels, arrays, n_rows).py()
}

/// A column of `(dtype, array, ...)`: see `oxidask.dataframe._pandas.take_apart`.
fn column_of(part: &Bound<'_, PyTuple>) -> PyResult<(DType, ArrayRef)> {
    let name: String = part.get_item(0)?.extract()?;
    let values = part.get_item(1)?;
    if name == "category" {
        let (dtype, categories) = column_of(part.get_item(2)?.cast::<PyTuple>()?)?;
        let ordered: bool = part.get_item(3)?.extract()?;
        let codes = of_numpy(&values, 4)?;
        let codes = ScalarBuffer::<i32>::from(codes);
        let nulls = NullBuffer::from_iter(codes.iter().map(|&code| code >= 0));
        let codes = Int32Array::new(codes, Some(nulls).filter(|nulls| nulls.null_count() > 0));
        let array = DictionaryArray::<Int32Type>::try_new(codes, categories);
        let array = array.map_err(|error| NoKernel::new_err(error.to_string()))?;
        return Ok((DType::Category { values: Box::new(dtype), ordered }, Arc::new(array)));
    }
    let dtype =
        dtype_named(&name).ok_or_else(|| NoKernel::new_err(format!("a column of dtype {name}")))?;
    let array = match &dtype {
        DType::Str => text_of_python(&values)?,
        DType::Bool => Arc::new(BooleanArray::new(bits(&values)?, None)),
        DType::NullableBool => {
            let missing = bits(&part.get_item(2)?)?;
            Arc::new(BooleanArray::new(bits(&values)?, present(&missing)))
        }
        DType::Number(number) => primitive(&dtype, of_numpy(&values, number.size())?, None)?,
        DType::NullableNumber(number) => {
            let missing = bits(&part.get_item(2)?)?;
            primitive(&dtype, of_numpy(&values, number.size())?, present(&missing))?
        }
        DType::Datetime(..) | DType::Timedelta(_) => {
            let buffer = of_numpy(&values, 8)?;
            let times = ScalarBuffer::<i64>::from(buffer.clone());
            let has_missing = times.contains(&i64::MIN);
            let nulls = has_missing
                .then(|| NullBuffer::from_iter(times.iter().map(|&time| time != i64::MIN)));
            primitive(&dtype, buffer, nulls)?
        }
        DType::Category { .. } => return Err(PyTypeError::new_err("a category without codes")),
    };
    Ok((dtype, array))
}

fn primitive(dtype: &DType, values: Buffer, nulls: Option<NullBuffer>) -> PyResult<ArrayRef> {
    let width = dtype.arrow().primitive_width().unwrap_or(1);
    let data = ArrayData::builder(dtype.arrow()).len(values.len() / width).add_buffer(values);
    let data = data.nulls(nulls).build();
    Ok(make_array(data.map_err(|error| PyTypeError::new_err(error.to_string()))?))
}

/// The bits of an array of truth values of a byte each.
fn bits(array: &Bound<'_, PyAny>) -> PyResult<BooleanBuffer> {
    let bytes = of_numpy(array, 1)?;
    let bytes = bytes.as_slice();
    Ok(BooleanBuffer::collect_bool(bytes.len(), |i| bytes[i] != 0))
}

/// Where a value is, of where none is.
fn present(missing: &BooleanBuffer) -> Option<NullBuffer> {
    Some(NullBuffer::new(!missing)).filter(|nulls| nulls.null_count() > 0)
}

/// A frame as a pandas object.
pub(crate) fn to_pandas<'py>(py: Python<'py>, frame: &Frame) -> PyResult<Bound<'py, PyAny>> {
    let schema = frame.schema();
    let column = |field: &Field, array: &ArrayRef| -> PyResult<Bound<'py, PyTuple>> {
        (label_to_python(py, &field.label)?, part_of(py, &field.dtype, array)?).into_pyobject(py)
    };
    let columns: PyResult<Vec<_>> =
        schema.columns.iter().zip(frame.columns()).map(|(f, a)| column(f, a)).collect();
    let index = match frame.index() {
        RowLabels::Range { start, step } => {
            let name = label_to_python(py, &schema.index.levels[0].label)?;
            (name, *start, *step).into_pyobject(py)?.into_any()
        }
        RowLabels::Levels(levels) => {
            let fields = schema.index.levels.iter().zip(levels);
            let parts: PyResult<Vec<_>> = fields.map(|(f, a)| column(f, a)).collect();
            PyList::new(py, parts?)?.into_any()
        }
    };
    let name = label_to_python(py, &schema.columns_name)?;
    static PUT: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    let put = PUT.import(py, "oxidask.dataframe._pandas", "put_together")?;
    put.call1((kind_name(schema.kind), frame.n_rows(), index, columns?, name))
}

/// A column as `(dtype, array, ...)`, as [`column_of`] reads it.
fn part_of<'py>(py: Python<'py>, dtype: &DType, array: &ArrayRef) -> PyResult<Bound<'py, PyTuple>> {
    let name = match dtype {
        DType::Category { .. } => "category".to_owned(),
        dtype => dtype.to_string(),
    };
    let n_rows = array.len();
    match dtype {
        DType::Str => (name, text_to_python(py, array)?).into_pyobject(py),
        DType::Bool => (name, bytes_of(py, array.as_boolean().values())?).into_pyobject(py),
        DType::NullableBool => {
            let values = bytes_of(py, array.as_boolean().values())?;
            (name, values, missing_of(py, array)?).into_pyobject(py)
        }
        DType::Number(number) => (name, numbers(py, *number, array)?).into_pyobject(py),
        DType::NullableNumber(number) => {
            (name, numbers(py, *number, array)?, missing_of(py, array)?).into_pyobject(py)
        }
        DType::Datetime(..) | DType::Timedelta(_) => {
            let times = ScalarBuffer::<i64>::from(values_of(array));
            let buffer = match array.nulls() {
                Some(nulls) if nulls.null_count() > 0 => {
                    let filled = times.iter().zip(nulls.iter());
                    let filled = filled.map(|(&time, is)| if is { time } else { i64::MIN });
                    Buffer::from_vec(filled.collect::<Vec<i64>>())
                }
                _ => times.into_inner(),
            };
            (name, to_numpy(py, &buffer, "<i8", n_rows)?).into_pyobject(py)
        }
        DType::Category { values, ordered } => {
            let category = array.as_dictionary::<Int32Type>();
            let codes = category.keys().iter().map(|code| code.unwrap_or(-1));
            let codes = Buffer::from_vec(codes.collect::<Vec<i32>>());
            let codes = to_numpy(py, &codes, "<i4", n_rows)?;
            let categories = part_of(py, values, category.values())?;
            (name, codes, categories, *ordered).into_pyobject(py)
        }
    }
}

fn values_of(array: &ArrayRef) -> Buffer {
    let data = array.to_data();
    let width = array.data_type().primitive_width().unwrap_or(1);
    data.buffers()[0].slice_with_length(data.offset() * width, data.len() * width)
}

fn numbers<'py>(py: Python<'py>, number: Number, array: &ArrayRef) -> PyResult<Bound<'py, PyAny>> {
    let typestr = match number {
        Number::I8 => "|i1",
        Number::I16 => "<i2",
        Number::I32 => "<i4",
        Number::I64 => "<i8",
        Number::U8 => "|u1",
        Number::U16 => "<u2",
        Number::U32 => "<u4",
        Number::U64 => "<u8",
        Number::F32 => "<f4",
        Number::F64 => "<f8",
    };
    to_numpy(py, &values_of(array), typestr, array.len())
}

fn bytes_of<'py>(py: Python<'py>, bits: &BooleanBuffer) -> PyResult<Bound<'py, PyAny>> {
    let bytes: Vec<u8> = bits.iter().map(u8::from).collect();
    let n_items = bytes.len();
    to_numpy(py, &Buffer::from_vec(bytes), "|b1", n_items)
}

fn missing_of<'py>(py: Python<'py>, array: &ArrayRef) -> PyResult<Bound<'py, PyAny>> {
    match array.nulls() {
        Some(nulls) => bytes_of(py, &!nulls.inner()),
        None => bytes_of(py, &BooleanBuffer::new_unset(array.len())),
    }
}

/// The Python form of a native partition.
pub(crate) fn to_python<'py>(
    py: Python<'py>,
    value: &Value,
) -> Option<PyResult<Bound<'py, PyAny>>> {
    if value.downcast_ref::<Parts>().is_some() {
        let held = Bound::new(py, super::HeldValue(value.clone()));
        return Some(held.map(Bound::into_any));
    }
    let FrameValue(frame) = value.downcast_ref()?;
    Some(to_pandas(py, frame))
}

/// A table over a pandas object in memory, cut at `bounds`.
#[pyfunction]
#[pyo3(signature = (object, bounds, divisions=None))]
pub(crate) fn frame_from_pandas(
    object: &Bound<'_, PyAny>,
    bounds: Vec<u64>,
    divisions: Option<Vec<Bound<'_, PyAny>>>,
) -> PyResult<super::FrameExpr> {
    let divisions = super::labels::divisions_of(divisions)?;
    let frame = of_pandas(object)?;
    oxidask_frame::plan::Table::from_frame(frame, bounds, divisions).py().map(super::FrameExpr)
}

/// A pandas object taken apart and put together again: for tests of the border.
#[pyfunction]
pub(crate) fn frame_to_pandas<'py>(object: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
    to_pandas(object.py(), &of_pandas(object)?)
}
