//! Layers of Python functions, and arrays of other graphs.

use std::sync::Arc;

use oxidask_array::plan::array::{Array, Build, From, Layers, Node, ProtoLayer};
use oxidask_core::graph::TaskRef;
use oxidask_core::key::Group;
use oxidask_core::layer::{AxisMap, IndexMap, n_blocks};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use crate::array::block_op::{BlockArg, BlockOp, Count};
use crate::array::expr::{ArrayExpr, PyChunks, dtype_of};
use crate::graph::{Imported, import};

/// The axis of an input that a block reads whole: contraction.
const EVERY: i64 = -1;
/// The axis of an input of which every block reads the first block.
const FIRST: i64 = -2;

/// One argument as Python describes it: `("literal", object)`, `("shared", object, key)` for one
/// that graphs show as a task of its own (by default with the key `original-` and the array's
/// name), `("index",)`,
/// `("per_block", function)`, or `("blocks", expr, axes, lists)` where `axes` says for each axis of
/// the input which axis of the output it follows, -1 for all of its blocks or -2 for its first, and
/// `lists` which axes make lists. A fifth item makes a level of a tree: how many blocks along each
/// axis every task reads, 0 for one.
fn argument(
    name: &str,
    arg: &Bound<'_, PyTuple>,
    arrays: &mut Vec<Array>,
    maps: &mut Vec<IndexMap>,
    grid: &[u32],
) -> PyResult<BlockArg> {
    let kind: String = arg.get_item(0)?.extract()?;
    Ok(match kind.as_str() {
        "literal" => BlockArg::Literal(arg.get_item(1)?.unbind()),
        "shared" => {
            let key = match arg.get_item(2) {
                Ok(key) => key.extract()?,
                Err(_) => format!("original-{name}"),
            };
            BlockArg::Shared { key, object: arg.get_item(1)?.unbind() }
        }
        "index" => BlockArg::Index,
        "per_block" => BlockArg::PerBlock(arg.get_item(1)?.unbind()),
        "blocks" => {
            let expr = arg.get_item(1)?;
            let array = &expr.cast::<ArrayExpr>()?.get().0;
            let axes: Vec<i64> = arg.get_item(2)?.extract()?;
            let lists: Vec<bool> = arg.get_item(3)?.extract()?;
            // Axes of a tree: how many blocks each task reads, 0 for other axes.
            let groups: Vec<u32> = match arg.len() {
                0..=4 => vec![0; axes.len()],
                _ => arg.get_item(4)?.extract()?,
            };
            let mut map = Vec::with_capacity(axes.len());
            let mut counts = Vec::with_capacity(axes.len());
            let each = axes.iter().zip(lists).zip(groups).zip(array.chunks().iter());
            for (((&axis, list), by), blocks) in each {
                let every = axis == EVERY;
                if by > 0 && (0..grid.len() as i64).contains(&axis) {
                    let extent = blocks.len();
                    map.push(AxisMap::Tree { axis: axis as u8, by });
                    let axis = axis as usize;
                    counts.push((Count::Grouped { axis, by: by as usize, extent }, list));
                    continue;
                }
                map.push(match axis {
                    EVERY => AxisMap::Every,
                    FIRST => AxisMap::Fixed(0),
                    axis if axis >= 0 && (axis as usize) < grid.len() => {
                        // One block serves all along an axis that it is broadcast to.
                        if blocks.len() == 1 {
                            AxisMap::Fixed(0)
                        } else {
                            AxisMap::Same(axis as u8)
                        }
                    }
                    axis => {
                        return Err(PyValueError::new_err(format!(
                            "axis {axis} of a layer of {} axes",
                            grid.len()
                        )));
                    }
                });
                counts.push((Count::Fixed(if every { blocks.len() } else { 1 }), list));
            }
            arrays.push(array.clone());
            maps.push(IndexMap::Axes(map.into()));
            BlockArg::Input { counts }
        }
        kind => return Err(PyTypeError::new_err(format!("an argument of kind {kind}"))),
    })
}

/// An array whose blocks a Python function computes from blocks of others. `typestr` is that of a
/// native dtype, or None.
#[pyfunction]
#[pyo3(signature = (name, function, args, chunks, typestr, kwargs=None, block_kwargs=None, concatenate=false))]
#[expect(clippy::too_many_arguments, reason = "keywords of a Python function")]
pub(crate) fn array_python_layer(
    py: Python<'_>,
    name: &str,
    function: Py<PyAny>,
    args: Vec<Bound<'_, PyTuple>>,
    chunks: PyChunks,
    typestr: Option<&str>,
    kwargs: Option<Bound<'_, PyDict>>,
    block_kwargs: Option<Bound<'_, PyDict>>,
    concatenate: bool,
) -> PyResult<ArrayExpr> {
    let PyChunks(chunks) = chunks;
    let grid = chunks.grid();
    let (mut arrays, mut maps) = (Vec::new(), Vec::new());
    let args: PyResult<Vec<BlockArg>> =
        args.iter().map(|arg| argument(name, arg, &mut arrays, &mut maps, &grid)).collect();
    let dict = |dict: Option<Bound<'_, PyDict>>| dict.unwrap_or_else(|| PyDict::new(py)).unbind();
    let op = BlockOp {
        function,
        args: args?,
        kwargs: dict(kwargs),
        block_kwargs: dict(block_kwargs),
        concatenate,
        grid: grid.clone(),
    };
    let inputs = maps.into_iter().enumerate().map(|(i, map)| (From::Input(i), map)).collect();
    let layer = ProtoLayer { suffix: String::new(), grid, op: Arc::new(op), inputs };
    let build = Build::Layers(Layers { inputs: arrays, layers: vec![layer] });
    let dtype = dtype_of(typestr);
    Ok(ArrayExpr(Array::new(Node { name: Group::new(name), chunks, dtype, build })))
}

/// An array of blocks that another graph computes: `(name, i, j, ...)` are keys of `dsk`.
#[pyfunction]
pub(crate) fn array_from_graph(
    py: Python<'_>,
    dsk: Bound<'_, PyAny>,
    name: &str,
    chunks: PyChunks,
    typestr: Option<&str>,
) -> PyResult<ArrayExpr> {
    let PyChunks(chunks) = chunks;
    let grid = chunks.grid();
    let total = n_blocks(&grid).ok_or_else(|| PyValueError::new_err("more than 2^32 blocks"))?;
    let mut keys = Vec::with_capacity(total as usize);
    let mut coords = Vec::new();
    for block in 0..total {
        oxidask_core::layer::unravel(block, &grid, &mut coords);
        let head = std::iter::once(name.into_pyobject(py)?.into_any());
        let tail = coords.iter().map(|&c| c.into_pyobject(py).map(Bound::into_any));
        let items: Vec<_> = head.map(Ok).chain(tail).collect::<Result<_, _>>()?;
        keys.push(PyTuple::new(py, items)?.into_any());
    }
    let Imported { graph, outputs, .. } = import(&dsk, &keys, None)?;
    let blocks: Arc<[TaskRef]> = outputs.into();
    let build = Build::Graph { graph, blocks };
    let dtype = dtype_of(typestr);
    Ok(ArrayExpr(Array::new(Node { name: Group::new(name), chunks, dtype, build })))
}
