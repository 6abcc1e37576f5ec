//! Python functions of blocks.

use std::any::Any;
use std::borrow::Cow;

use oxidask_core::layer::unravel;
use oxidask_core::op::{Lane, Op, TaskContext, TaskError};
use oxidask_core::value::{Native, Value};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;
use pyo3::types::{PyDict, PyList, PyTuple};

use crate::array::numpy::wrap;
use crate::object::{PYTHON, PyValue, into_object, raised, to_object};
use crate::op::funcname;

/// An argument of a block's call.
pub(crate) enum BlockArg {
    /// The same object for every block.
    Literal(Py<PyAny>),
    /// The same object for every block, which graphs that Python reads have under a key of its
    /// own.
    Shared {
        /// The key.
        key: String,
        /// The object.
        object: Py<PyAny>,
    },
    /// The next inputs of the task: one, or nested lists over the axes whose counts are given.
    Input {
        /// How many blocks are read along each axis, and whether the axis makes a list.
        counts: Vec<(Count, bool)>,
    },
    /// The block's coordinates, as a tuple.
    Index,
    /// What a function of the block's coordinates gives.
    PerBlock(Py<PyAny>),
}

/// How many blocks are read along an axis.
#[derive(Clone)]
pub(crate) enum Count {
    /// As many for every task.
    Fixed(usize),
    /// `by` of `extent` from `by` times the coordinate on, fewer at the end: the level of a tree.
    Grouped {
        /// Which coordinate.
        axis: usize,
        by: usize,
        extent: usize,
    },
}

/// A [`Count`] as numbers: axis (-1 for a fixed count), count or group size, extent.
pub(crate) type CountParts = (i64, usize, usize);

impl Count {
    /// As numbers.
    pub(crate) fn encoded(&self) -> CountParts {
        match *self {
            Self::Fixed(count) => (-1, count, 0),
            Self::Grouped { axis, by, extent } => (axis as i64, by, extent),
        }
    }

    /// Of numbers.
    pub(crate) fn decoded((axis, by, extent): CountParts) -> Self {
        match usize::try_from(axis) {
            Ok(axis) => Self::Grouped { axis, by, extent },
            Err(_) => Self::Fixed(by),
        }
    }

    /// The most that a task reads. What is shared never comes behind a grouped axis.
    fn most(&self) -> usize {
        match *self {
            Self::Fixed(count) | Self::Grouped { by: count, .. } => count,
        }
    }

    fn at(&self, coords: &[u32]) -> usize {
        match *self {
            Self::Fixed(count) => count,
            Self::Grouped { axis, by, extent } => {
                let from = by.saturating_mul(coords[axis] as usize);
                extent.saturating_sub(from).min(by)
            }
        }
    }
}

/// A Python function of blocks.
pub(crate) struct BlockOp {
    pub(crate) function: Py<PyAny>,
    pub(crate) args: Vec<BlockArg>,
    /// Keywords; those named in `block_kwargs` are called with the block's coordinates.
    pub(crate) kwargs: Py<PyDict>,
    pub(crate) block_kwargs: Py<PyDict>,
    /// Whether lists of blocks are put together along their axes.
    pub(crate) concatenate: bool,
    pub(crate) grid: Box<[u32]>,
}

impl BlockOp {
    /// Calls the function for a block.
    pub(crate) fn run<'py>(
        &self,
        py: Python<'py>,
        inputs: &[Bound<'py, PyAny>],
        block: u32,
    ) -> PyResult<Bound<'py, PyAny>> {
        let mut coords = Vec::new();
        unravel(block, &self.grid, &mut coords);
        let index = PyTuple::new(py, &coords)?;
        let mut inputs = inputs.iter();
        let mut args = Vec::with_capacity(self.args.len());
        for arg in &self.args {
            args.push(match arg {
                BlockArg::Literal(object) | BlockArg::Shared { object, .. } => {
                    object.bind(py).clone()
                }
                BlockArg::Input { counts } => {
                    let counts: Vec<(usize, bool)> =
                        counts.iter().map(|(count, list)| (count.at(&coords), *list)).collect();
                    self.gather(py, &counts, &mut inputs)?
                }
                BlockArg::Index => index.clone().into_any(),
                BlockArg::PerBlock(function) => function.bind(py).call1((&index,))?,
            });
        }
        let block_kwargs = self.block_kwargs.bind(py);
        let kwargs = self.kwargs.bind(py);
        let kwargs = if block_kwargs.is_empty() {
            kwargs.clone()
        } else {
            let merged = kwargs.copy()?;
            for (name, function) in block_kwargs {
                merged.set_item(name, function.call1((&index,))?)?;
            }
            merged
        };
        self.function.bind(py).call(PyTuple::new(py, args)?, Some(&kwargs))
    }

    /// What the blocks share under keys of their own: keys, objects, and before which input of the
    /// others each comes.
    pub(crate) fn shared(&self) -> Vec<(&str, &Py<PyAny>, usize)> {
        let mut at = 0;
        let mut shared = Vec::new();
        for arg in &self.args {
            match arg {
                BlockArg::Shared { key, object } => shared.push((key.as_str(), object, at)),
                BlockArg::Input { counts } => {
                    let each = counts.iter().map(|(n, list)| if *list { n.most() } else { 1 });
                    at += each.product::<usize>();
                }
                _ => {}
            }
        }
        shared
    }

    /// The same op taking what is shared as inputs.
    pub(crate) fn unshared(&self, py: Python<'_>) -> Self {
        let mut op = self.same(py);
        for arg in &mut op.args {
            if matches!(arg, BlockArg::Shared { .. }) {
                *arg = BlockArg::Input { counts: Vec::new() };
            }
        }
        op
    }

    /// The same op.
    pub(crate) fn same(&self, py: Python<'_>) -> Self {
        let args = self.args.iter().map(|arg| match arg {
            BlockArg::Shared { key, object } => {
                BlockArg::Shared { key: key.clone(), object: object.clone_ref(py) }
            }
            BlockArg::Literal(object) => BlockArg::Literal(object.clone_ref(py)),
            BlockArg::Input { counts } => BlockArg::Input { counts: counts.clone() },
            BlockArg::Index => BlockArg::Index,
            BlockArg::PerBlock(function) => BlockArg::PerBlock(function.clone_ref(py)),
        });
        Self {
            function: self.function.clone_ref(py),
            args: args.collect(),
            kwargs: self.kwargs.clone_ref(py),
            block_kwargs: self.block_kwargs.clone_ref(py),
            concatenate: self.concatenate,
            grid: self.grid.clone(),
        }
    }

    fn gather<'a, 'py: 'a>(
        &self,
        py: Python<'py>,
        counts: &[(usize, bool)],
        inputs: &mut impl Iterator<Item = &'a Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyAny>> {
        let nested = nest(py, counts, inputs)?;
        let axes: Vec<usize> = counts
            .iter()
            .enumerate()
            .filter(|(_, (_, list))| *list)
            .map(|(axis, _)| axis)
            .collect();
        if !self.concatenate || axes.is_empty() {
            return Ok(nested);
        }
        static JOIN: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
        JOIN.import(py, "oxidask.array._numpy", "concatenate_nested")?.call1((nested, axes))
    }
}

/// Takes the next inputs as nested lists.
fn nest<'a, 'py: 'a>(
    py: Python<'py>,
    counts: &[(usize, bool)],
    inputs: &mut impl Iterator<Item = &'a Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    match counts.split_first() {
        None => inputs.next().cloned().ok_or_else(|| {
            pyo3::exceptions::PyRuntimeError::new_err("fewer blocks than the call takes")
        }),
        Some(((_, false), rest)) => nest(py, rest, inputs),
        Some((&(count, true), rest)) => {
            let items: PyResult<Vec<_>> = (0..count).map(|_| nest(py, rest, inputs)).collect();
            Ok(PyList::new(py, items?)?.into_any())
        }
    }
}

impl Op for BlockOp {
    fn call(&self, inputs: &mut [Value], ctx: &TaskContext<'_>) -> Result<Value, TaskError> {
        Python::attach(|py| {
            // Handed over: a function may write to what nobody else will read.
            let inputs = inputs.iter_mut().map(|input| std::mem::replace(input, nothing()));
            let objects: PyResult<Vec<_>> = inputs.map(|value| into_object(py, value)).collect();
            let result = objects.and_then(|objects| self.run(py, &objects, ctx.block));
            result.map(|result| PyValue::wrap(&result)).map_err(raised)
        })
    }

    fn lane(&self) -> Option<&'static dyn Lane> {
        Some(&PYTHON)
    }

    fn name(&self) -> Cow<'_, str> {
        Python::attach(|py| {
            let name = funcname(self.function.bind(py));
            name.map_or_else(|_| "call".into(), |name| name.to_string().into())
        })
    }

    fn as_any(&self) -> Option<&dyn Any> {
        Some(self)
    }
}

fn nothing() -> Value {
    Value::new(Native(()))
}

fn value_of(object: &Bound<'_, PyAny>) -> Value {
    match object.cast_exact::<crate::frame::HeldValue>() {
        Ok(held) => held.get().0.clone(),
        Err(_) => wrap(object),
    }
}

/// Runs any op of an array's layer on Python objects: what a task object of ours does elsewhere.
pub(crate) fn call_op<'py>(
    py: Python<'py>,
    op: &dyn Op,
    block: u32,
    inputs: &[Bound<'py, PyAny>],
) -> PyResult<Bound<'py, PyAny>> {
    if let Some(op) = op.as_any().and_then(|op| op.downcast_ref::<BlockOp>()) {
        // Objects go in as they are: a function may write to them.
        return op.run(py, inputs, block);
    }
    let cancelled = std::sync::atomic::AtomicBool::new(false);
    let ctx = TaskContext { block, cancelled: &cancelled };
    let mut values: Vec<Value> = inputs.iter().map(value_of).collect();
    let result = py.detach(|| op.call(&mut values, &ctx));
    let value = result.map_err(|error| crate::object::exception(py, &error))?;
    to_object(py, &value)
}
