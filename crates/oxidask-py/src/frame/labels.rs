//! Labels, dtypes and schemas as Python has them.

use oxidask_frame::dtype::{DType, Number, Unit};
use oxidask_frame::error::FrameError;
use oxidask_frame::plan::Divisions;
use oxidask_frame::scalar::Scalar;
use oxidask_frame::schema::{Field, IndexSchema, Kind, Label, Schema};
use pyo3::exceptions::{
    PyFileNotFoundError, PyIndexError, PyKeyError, PyNotImplementedError, PyOSError, PyTypeError,
    PyValueError,
};
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyFloat, PyInt, PyString, PyTuple};

use crate::array::NoKernel;

/// `Result` of the frame crate as a Python result.
pub(crate) trait IntoPython<T> {
    /// The value, or the exception that pandas would raise.
    fn py(self) -> PyResult<T>;
}

impl<T> IntoPython<T> for Result<T, FrameError> {
    fn py(self) -> PyResult<T> {
        self.map_err(|error| frame_error(&error))
    }
}

/// The exception that pandas would raise.
pub(crate) fn frame_error(error: &FrameError) -> PyErr {
    let text = error.to_string();
    let of = |module: &str, name: &str, text: String| {
        Python::attach(|py| {
            let class = py.import(module).and_then(|module| module.getattr(name));
            class.and_then(|class| class.call1((&text,))).map_or_else(
                |_| PyValueError::new_err(text.clone()),
                |error| PyErr::from_value(error),
            )
        })
    };
    match error {
        FrameError::Key(_) => PyKeyError::new_err(text),
        FrameError::Value(_) => PyValueError::new_err(text),
        FrameError::Type(_) => PyTypeError::new_err(text),
        FrameError::Overflow(_) => pyo3::exceptions::PyOverflowError::new_err(text),
        FrameError::Index(_) => PyIndexError::new_err(text),
        FrameError::Merge(_) => of("pandas.errors", "MergeError", text),
        FrameError::Parse { .. } => of("pandas.errors", "ParserError", text),
        FrameError::Damaged { .. } => of("pyarrow.lib", "ArrowInvalid", text),
        FrameError::Io { path, .. } if !std::path::Path::new(path).exists() => {
            PyFileNotFoundError::new_err(text)
        }
        FrameError::Io { .. } => PyOSError::new_err(text),
        FrameError::Unsupported(_) => PyNotImplementedError::new_err(text),
        FrameError::NoKernel(_) => NoKernel::new_err(text),
    }
}

/// The label that an object is, if native frames can have it.
pub(crate) fn label_of(object: &Bound<'_, PyAny>) -> Option<Label> {
    if object.is_none() {
        return Some(Label::None);
    }
    if let Ok(text) = object.cast::<PyString>() {
        return Some(Label::from(&*text.to_cow().ok()?));
    }
    if object.is_exact_instance_of::<PyInt>() {
        return object.extract().ok().map(Label::Int);
    }
    let tuple = object.cast_exact::<PyTuple>().ok()?;
    tuple.iter().map(|item| label_of(&item)).collect::<Option<_>>().map(Label::Tuple)
}

/// A label, for arguments.
pub(crate) struct PyLabel(pub(crate) Label);

impl<'a, 'py> FromPyObject<'a, 'py> for PyLabel {
    type Error = PyErr;

    fn extract(object: Borrowed<'a, 'py, PyAny>) -> PyResult<Self> {
        label_of(&object)
            .map(Self)
            .ok_or_else(|| NoKernel::new_err(format!("a label of type {}", object.get_type())))
    }
}

/// A label as Python has it.
pub(crate) fn label_to_python<'py>(py: Python<'py>, label: &Label) -> PyResult<Bound<'py, PyAny>> {
    Ok(match label {
        Label::None => py.None().into_bound(py),
        Label::Str(text) => PyString::new(py, text).into_any(),
        Label::Int(number) => PyInt::new(py, *number).into_any(),
        Label::Tuple(items) => {
            let items = items.iter().map(|item| label_to_python(py, item));
            PyTuple::new(py, items.collect::<PyResult<Vec<_>>>()?)?.into_any()
        }
    })
}

/// A kind by its name: `frame`, `series` or `index`.
pub(crate) fn kind_of(name: &str) -> PyResult<Kind> {
    match name {
        "frame" => Ok(Kind::Frame),
        "series" => Ok(Kind::Series),
        "index" => Ok(Kind::Index),
        other => Err(PyValueError::new_err(format!("no kind of partitions is called {other:?}"))),
    }
}

/// The name of a kind.
pub(crate) fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Frame => "frame",
        Kind::Series => "series",
        Kind::Index => "index",
    }
}

const NUMBERS: [Number; 10] = [
    Number::I8,
    Number::I16,
    Number::I32,
    Number::I64,
    Number::U8,
    Number::U16,
    Number::U32,
    Number::U64,
    Number::F32,
    Number::F64,
];

fn unit_of(name: &str) -> Option<Unit> {
    [Unit::Second, Unit::Milli, Unit::Micro, Unit::Nano].into_iter().find(|u| u.name() == name)
}

/// The dtype of pandas' name for it. Categories are no business of names.
pub(crate) fn dtype_named(name: &str) -> Option<DType> {
    match name {
        "bool" => return Some(DType::Bool),
        "boolean" => return Some(DType::NullableBool),
        "str" => return Some(DType::Str),
        _ => {}
    }
    if let Some(number) = NUMBERS.into_iter().find(|number| number.name() == name) {
        return Some(DType::Number(number));
    }
    let nullable = NUMBERS.into_iter().map(DType::NullableNumber);
    if let Some(dtype) = nullable.into_iter().find(|dtype| dtype.to_string() == name) {
        return Some(dtype);
    }
    let inside = |prefix: &str| name.strip_prefix(prefix)?.strip_suffix(']');
    if let Some(unit) = inside("timedelta64[") {
        return unit_of(unit).map(DType::Timedelta);
    }
    let inside = inside("datetime64[")?;
    match inside.split_once(", ") {
        Some((unit, zone)) => Some(DType::Datetime(unit_of(unit)?, Some(zone.into()))),
        None => unit_of(inside).map(|unit| DType::Datetime(unit, None)),
    }
}

fn field_to_python<'py>(py: Python<'py>, field: &Field) -> PyResult<Bound<'py, PyTuple>> {
    let label = label_to_python(py, &field.label)?;
    let dtype = match &field.dtype {
        DType::Category { values, ordered } => {
            ("category", values.to_string(), *ordered).into_pyobject(py)?.into_any()
        }
        dtype => dtype.to_string().into_pyobject(py)?.into_any(),
    };
    (label, dtype).into_pyobject(py)
}

/// A schema as `(kind, is_range, levels, columns, columns_name)`, each field as `(label, dtype)`.
pub(crate) fn schema_to_python<'py>(
    py: Python<'py>,
    schema: &Schema,
) -> PyResult<Bound<'py, PyTuple>> {
    let fields = |fields: &[Field]| -> PyResult<Vec<_>> {
        fields.iter().map(|field| field_to_python(py, field)).collect()
    };
    let IndexSchema { levels, is_range } = &schema.index;
    let name = label_to_python(py, &schema.columns_name)?;
    let kind = kind_name(schema.kind);
    (kind, *is_range, fields(levels)?, fields(&schema.columns)?, name).into_pyobject(py)
}

/// A value as a native scalar: numbers, text, truth values, `None`, NaN and `NaT`, and pairs of a kind and a number
/// for times, as Python's side writes them: `("datetime", value, unit, zone)`, `("timedelta", value, unit)`.
pub(crate) fn scalar_of(object: &Bound<'_, PyAny>) -> Option<Scalar> {
    if object.is_none() {
        return Some(Scalar::Missing);
    }
    if object.is_exact_instance_of::<PyBool>() {
        return object.extract().ok().map(Scalar::Bool);
    }
    if object.is_exact_instance_of::<PyInt>() {
        let signed = object.extract().ok().map(Scalar::Int);
        return signed.or_else(|| object.extract().ok().map(Scalar::UInt));
    }
    if object.is_exact_instance_of::<PyFloat>() {
        let number: f64 = object.extract().ok()?;
        return Some(if number.is_nan() { Scalar::Missing } else { Scalar::Float(number) });
    }
    if let Ok(text) = object.cast_exact::<PyString>() {
        return Some(Scalar::Str((&*text.to_cow().ok()?).into()));
    }
    let tuple = object.cast_exact::<PyTuple>().ok()?;
    let (kind, value): (String, i64) =
        (tuple.get_item(0).ok()?.extract().ok()?, tuple.get_item(1).ok()?.extract().ok()?);
    let unit = unit_of(&tuple.get_item(2).ok()?.extract::<String>().ok()?)?;
    match kind.as_str() {
        "datetime" => {
            let zone: Option<String> = tuple.get_item(3).ok()?.extract().ok()?;
            Some(Scalar::Datetime(value, unit, zone.map(Into::into)))
        }
        "timedelta" => Some(Scalar::Timedelta(value, unit)),
        _ => None,
    }
}

/// A scalar as Python's side reads it.
pub(crate) fn scalar_to_python<'py>(
    py: Python<'py>,
    scalar: &Scalar,
) -> PyResult<Bound<'py, PyAny>> {
    Ok(match scalar {
        Scalar::Missing => py.None().into_bound(py),
        Scalar::Bool(value) => PyBool::new(py, *value).to_owned().into_any(),
        Scalar::Int(value) => PyInt::new(py, *value).into_any(),
        Scalar::UInt(value) => PyInt::new(py, *value).into_any(),
        Scalar::Float(value) => PyFloat::new(py, *value).into_any(),
        Scalar::Str(value) => PyString::new(py, value).into_any(),
        Scalar::Datetime(value, unit, zone) => {
            ("datetime", *value, unit.name(), zone.as_deref()).into_pyobject(py)?.into_any()
        }
        Scalar::Timedelta(value, unit) => {
            ("timedelta", *value, unit.name()).into_pyobject(py)?.into_any()
        }
    })
}

/// Divisions of a list of scalars, or None.
pub(crate) fn divisions_of(object: Option<Vec<Bound<'_, PyAny>>>) -> PyResult<Divisions> {
    let Some(items) = object else { return Ok(Divisions::Unknown) };
    let scalars: Option<Vec<Scalar>> = items.iter().map(scalar_of).collect();
    // What is no native scalar Python's side keeps.
    Ok(scalars.map_or(Divisions::Unknown, |scalars| Divisions::Known(scalars.into())))
}
