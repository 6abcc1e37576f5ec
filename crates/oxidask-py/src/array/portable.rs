//! Tasks of arrays as what pickle stores.

use std::sync::Arc;

use oxidask_array::ops::{self, AnyKernel, KernelOp};
use oxidask_core::op::Op;
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyDict, PyTuple};

use crate::array::block_op::{BlockArg, BlockOp, Count, CountParts};
use crate::array::expr::IntoPython;
use crate::array::graph::BlockTask;
use crate::array::io::BlockOf;

/// What pickle stores of an op.
pub(crate) fn encode<'py>(py: Python<'py>, op: &dyn Op) -> PyResult<Bound<'py, PyAny>> {
    let any = op.as_any();
    if let Some(op) = any.and_then(|any| any.downcast_ref::<KernelOp>()) {
        let bytes = PyBytes::new(py, &op.kernel.to_bytes().py()?);
        return Ok(("kernel", bytes, op.grid.to_vec()).into_pyobject(py)?.into_any());
    }
    if let Some(op) = any.and_then(|any| any.downcast_ref::<BlockOp>()) {
        let args: PyResult<Vec<_>> = op.args.iter().map(|arg| encode_arg(py, arg)).collect();
        let state = (
            "python",
            op.function.bind(py),
            args?,
            op.kwargs.bind(py),
            op.block_kwargs.bind(py),
            op.concatenate,
            op.grid.to_vec(),
        );
        return Ok(state.into_pyobject(py)?.into_any());
    }
    if let Some(op) = any.and_then(|any| any.downcast_ref::<oxidask_frame::ops::KernelOp>()) {
        let bytes = crate::frame::labels::IntoPython::py(op.to_bytes())?;
        return Ok(("frame", PyBytes::new(py, &bytes)).into_pyobject(py)?.into_any());
    }
    if op.name() == "alias" {
        return Ok(("alias",).into_pyobject(py)?.into_any());
    }
    Err(PyTypeError::new_err(format!("the task {} has no byte form", op.name())))
}

fn encode_arg<'py>(py: Python<'py>, arg: &BlockArg) -> PyResult<Bound<'py, PyTuple>> {
    match arg {
        BlockArg::Literal(object) => ("literal", object.bind(py)).into_pyobject(py),
        BlockArg::Shared { key, object } => ("shared", (key, object.bind(py))).into_pyobject(py),
        BlockArg::Input { counts } => {
            let counts: Vec<_> =
                counts.iter().map(|(count, list)| (count.encoded(), *list)).collect();
            ("input", counts).into_pyobject(py)
        }
        BlockArg::Index => ("index", py.None()).into_pyobject(py),
        BlockArg::PerBlock(function) => ("per_block", function.bind(py)).into_pyobject(py),
    }
}

fn decode_arg(arg: &Bound<'_, PyTuple>) -> PyResult<BlockArg> {
    let kind: String = arg.get_item(0)?.extract()?;
    let body = arg.get_item(1)?;
    Ok(match kind.as_str() {
        "literal" => BlockArg::Literal(body.unbind()),
        "shared" => {
            let (key, object): (String, Bound<'_, PyAny>) = body.extract()?;
            BlockArg::Shared { key, object: object.unbind() }
        }
        "input" => {
            let counts: Vec<(CountParts, bool)> = body.extract()?;
            let decode = |(parts, list)| (Count::decoded(parts), list);
            BlockArg::Input { counts: counts.into_iter().map(decode).collect() }
        }
        "index" => BlockArg::Index,
        _ => BlockArg::PerBlock(body.unbind()),
    })
}

/// The op of what [`encode`] gave.
pub(crate) fn decode(state: &Bound<'_, PyTuple>) -> PyResult<Arc<dyn Op>> {
    let kind: String = state.get_item(0)?.extract()?;
    match kind.as_str() {
        "kernel" => {
            let bytes = state.get_item(1)?;
            let kernel = AnyKernel::from_bytes(bytes.cast::<PyBytes>()?.as_bytes()).py()?;
            let grid: Vec<u32> = state.get_item(2)?.extract()?;
            Ok(ops::op(kernel, &grid))
        }
        "python" => {
            let args: Vec<Bound<'_, PyTuple>> = state.get_item(2)?.extract()?;
            let grid: Vec<u32> = state.get_item(6)?.extract()?;
            Ok(Arc::new(BlockOp {
                function: state.get_item(1)?.unbind(),
                args: args.iter().map(decode_arg).collect::<PyResult<_>>()?,
                kwargs: state.get_item(3)?.cast_into::<PyDict>()?.unbind(),
                block_kwargs: state.get_item(4)?.cast_into::<PyDict>()?.unbind(),
                concatenate: state.get_item(5)?.extract()?,
                grid: grid.into(),
            }))
        }
        "frame" => {
            let bytes = state.get_item(1)?;
            let op = oxidask_frame::ops::KernelOp::from_bytes(bytes.cast::<PyBytes>()?.as_bytes());
            Ok(Arc::new(crate::frame::labels::IntoPython::py(op)?))
        }
        "alias" => Ok(Arc::new(ops::Alias)),
        kind => Err(PyValueError::new_err(format!("a task of kind {kind}"))),
    }
}

/// What pickle stores of an op that is one block's.
pub(crate) fn encode_block<'py>(py: Python<'py>, op: &dyn Op) -> PyResult<Bound<'py, PyAny>> {
    match op.as_any().and_then(|any| any.downcast_ref::<BlockOf>()) {
        Some(BlockOf { op, block }) => {
            Ok((encode(py, &**op)?, *block).into_pyobject(py)?.into_any())
        }
        None => Ok((encode(py, op)?, 0u32).into_pyobject(py)?.into_any()),
    }
}

/// The op of what [`encode_block`] gave.
pub(crate) fn decode_block(state: &Bound<'_, PyAny>) -> PyResult<Arc<dyn Op>> {
    let (state, block): (Bound<'_, PyTuple>, u32) = state.extract()?;
    Ok(Arc::new(BlockOf { op: decode(&state)?, block }))
}

/// A task of an array from what pickle stored.
#[pyfunction]
pub(crate) fn rebuild_block_task(state: &Bound<'_, PyTuple>, block: u32) -> PyResult<BlockTask> {
    Ok(BlockTask { op: decode(state)?, block })
}
