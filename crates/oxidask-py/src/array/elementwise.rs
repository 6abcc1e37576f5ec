//! Ufuncs, casts and views.

use num_complex::Complex64;
use oxidask_array::dtype::Bool;
use oxidask_array::kernel::Chunk;
use oxidask_array::kernel::ufunc::Ufunc;
use oxidask_array::plan::elementwise::Operand;
use oxidask_array::promote::Weak;
use pyo3::prelude::*;
use pyo3::types::{PyBool, PyComplex, PyFloat, PyInt};

use crate::array::expr::{ArrayExpr, IntoPython, NoKernel, PyChunks, dtype_of, expr, scalar_chunk};

fn operand(object: &Bound<'_, PyAny>) -> PyResult<Operand> {
    if let Ok(array) = object.cast::<ArrayExpr>() {
        return Ok(Operand::Array(array.get().0.clone()));
    }
    let refuse = || NoKernel::new_err("an operand without a native dtype");
    Ok(if object.is_exact_instance_of::<PyBool>() {
        Operand::Weak(Weak::Bool, Chunk::scalar(Bool(object.extract::<bool>()?.into())).py()?)
    } else if object.is_exact_instance_of::<PyInt>() {
        match object.extract::<i64>() {
            Ok(number) => Operand::Weak(Weak::Int, Chunk::scalar(number).py()?),
            Err(_) => {
                let number = object.extract::<u64>().map_err(|_| refuse())?;
                Operand::Weak(Weak::Int, Chunk::scalar(number).py()?)
            }
        }
    } else if object.is_exact_instance_of::<PyFloat>() {
        Operand::Weak(Weak::Float, Chunk::scalar(object.extract::<f64>()?).py()?)
    } else if let Ok(number) = object.cast_exact::<PyComplex>() {
        let number = Complex64::new(number.real(), number.imag());
        Operand::Weak(Weak::Complex, Chunk::scalar(number).py()?)
    } else {
        Operand::Scalar(scalar_chunk(object).ok_or_else(refuse)?)
    })
}

/// A ufunc of expressions and numbers, broadcast. `NoKernel` if NumPy must do it.
#[pyfunction]
#[pyo3(signature = (name, operands, output=0))]
pub(crate) fn array_ufunc(
    name: &str,
    operands: Vec<Bound<'_, PyAny>>,
    output: u8,
) -> PyResult<ArrayExpr> {
    let ufunc =
        Ufunc::from_name(name).ok_or_else(|| NoKernel::new_err(format!("the ufunc {name}")))?;
    let operands: Vec<Operand> = operands.iter().map(operand).collect::<PyResult<_>>()?;
    expr(oxidask_array::plan::array::Array::ufunc_output(ufunc, output, &operands))
}

/// The elements under another dtype.
#[pyfunction]
pub(crate) fn array_astype(array: &ArrayExpr, typestr: &str) -> PyResult<ArrayExpr> {
    let dtype =
        dtype_of(Some(typestr)).ok_or_else(|| NoKernel::new_err(format!("the dtype {typestr}")))?;
    expr(array.0.astype(dtype))
}

/// A view under other axes: `transpose`, `expand_dims`, `squeeze` by axes, `broadcast_to` by chunks.
#[pyfunction]
#[pyo3(signature = (array, kind, axes=Vec::new(), chunks=None))]
pub(crate) fn array_view(
    array: &ArrayExpr,
    kind: &str,
    axes: Vec<usize>,
    chunks: Option<PyChunks>,
) -> PyResult<ArrayExpr> {
    expr(match (kind, chunks) {
        ("transpose", _) => array.0.transpose(&axes),
        ("expand_dims", _) => array.0.expand_dims(&axes),
        ("squeeze", _) => array.0.squeeze(&axes),
        ("broadcast_to", Some(PyChunks(chunks))) => array.0.broadcast_to_chunks(chunks),
        _ => return Err(NoKernel::new_err(format!("a view of kind {kind}"))),
    })
}
