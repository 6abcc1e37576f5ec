//! Reads of sources by Python functions, narrowed to what is wanted of them.

use std::any::Any;
use std::sync::Arc;

use oxidask_array::plan::region::{Reader, RegionAxis, set_reader};
use oxidask_core::op::Op;
use pyo3::prelude::*;
use pyo3::types::PyList;

use crate::array::block_op::{BlockArg, BlockOp};

struct Sources;

/// The source and the function of the blocks' slices, of an op that does nothing but read.
fn parts(op: &dyn Any) -> Option<(&BlockOp, &Py<PyAny>)> {
    let op = op.downcast_ref::<BlockOp>()?;
    match op.args.as_slice() {
        [BlockArg::Literal(_) | BlockArg::Shared { .. }, BlockArg::PerBlock(slices)] => {
            Some((op, slices))
        }
        _ => None,
    }
}

/// An axis as Python takes it: an index, or the result's axis and a table of starts, steps and
/// lengths.
fn axis_object<'py>(py: Python<'py>, axis: &RegionAxis) -> PyResult<Bound<'py, PyAny>> {
    match axis {
        RegionAxis::At(index) => Ok(index.into_pyobject(py)?.into_any()),
        RegionAxis::Along(place, cuts) => {
            let cuts: Vec<_> = cuts.iter().map(|cut| (cut.start, cut.step, cut.len)).collect();
            Ok((*place, cuts).into_pyobject(py)?.into_any())
        }
    }
}

impl Reader for Sources {
    fn is_source(&self, op: &dyn Any) -> bool {
        let Some((op, slices)) = parts(op) else { return false };
        Python::attach(|py| {
            let regions = py.import("oxidask.array._regions")?;
            let args = (&op.function, slices);
            regions.getattr("is_source")?.call1(args)?.extract::<bool>()
        })
        .unwrap_or(false)
    }

    fn narrowed(&self, op: &dyn Any, axes: &[RegionAxis], grid: &[u32]) -> Option<Arc<dyn Op>> {
        let (op, _) = parts(op)?;
        let narrowed = Python::attach(|py| -> PyResult<BlockOp> {
            let regions = py.import("oxidask.array._regions")?;
            let axes = axes.iter().map(|axis| axis_object(py, axis));
            let axes = PyList::new(py, axes.collect::<PyResult<Vec<_>>>()?)?;
            let function = regions.getattr("reader")?.call1((&op.function,))?;
            let slices = regions.getattr("BlockRegions")?.call1((axes,))?;
            let mut narrowed = op.same(py);
            narrowed.function = function.unbind();
            narrowed.args[1] = BlockArg::PerBlock(slices.unbind());
            narrowed.grid = grid.into();
            Ok(narrowed)
        });
        Some(Arc::new(narrowed.ok()?))
    }
}

/// Registers Python's sources as what slices are pushed down to.
pub(crate) fn register() {
    set_reader(Box::new(Sources));
}
