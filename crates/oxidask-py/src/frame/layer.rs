//! Layers of Python functions of partitions, and tables of other graphs.

use std::sync::Arc;

use oxidask_core::key::Group;
use oxidask_core::layer::{AxisMap, IndexMap};
use oxidask_frame::plan::lower::same_or_only;
use oxidask_frame::plan::table::{Build, From, Layers, Node, ProtoLayer, Reads};
use oxidask_frame::plan::{Divisions, Table};
use pyo3::exceptions::{PyTypeError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyTuple};

use super::FrameExpr;
use super::labels::divisions_of;
use crate::array::block_op::{BlockArg, BlockOp, Count};
use crate::graph::{Imported, import};

/// One argument as Python describes it: `("literal", object)`, `("shared", object, key)` for one that graphs show as a
/// task of its own, `("index",)` for the partition's coordinates, `("per_block", function)` of them, or a table by
/// what each task reads of it: `("partition", expr)` the one of its number, or the only one; `("every", expr)` all, as a
/// list; `("tree", expr, by)` so many, as a list; `("at", expr, [...])` for each task the one of this number.
fn argument(
    arg: &Bound<'_, PyTuple>,
    n_partitions: u32,
    tables: &mut Vec<Table>,
    maps: &mut Vec<IndexMap>,
) -> PyResult<BlockArg> {
    let kind: String = arg.get_item(0)?.extract()?;
    let table = || -> PyResult<Table> { Ok(arg.get_item(1)?.cast::<FrameExpr>()?.get().0.clone()) };
    let mut read = |table: Table, map: IndexMap, counts: Vec<(Count, bool)>| {
        tables.push(table);
        maps.push(map);
        BlockArg::Input { counts }
    };
    Ok(match kind.as_str() {
        "literal" => BlockArg::Literal(arg.get_item(1)?.unbind()),
        "shared" => {
            BlockArg::Shared { key: arg.get_item(2)?.extract()?, object: arg.get_item(1)?.unbind() }
        }
        "index" => BlockArg::Index,
        "per_block" => BlockArg::PerBlock(arg.get_item(1)?.unbind()),
        "partition" => {
            let table = table()?;
            if ![1, n_partitions].contains(&table.n_partitions()) {
                return Err(PyValueError::new_err(format!(
                    "{} partitions and {n_partitions} can't be taken together; repartition one of the two",
                    table.n_partitions()
                )));
            }
            let map = same_or_only(&table, n_partitions);
            read(table, map, Vec::new())
        }
        "every" => {
            let table = table()?;
            let counts = vec![(Count::Fixed(table.n_partitions() as usize), true)];
            read(table, IndexMap::Axes([AxisMap::Every].into()), counts)
        }
        "tree" => {
            let (table, by): (Table, u32) = (table()?, arg.get_item(2)?.extract()?);
            let extent = table.n_partitions() as usize;
            let count = Count::Grouped { axis: 0, by: by as usize, extent };
            read(table, IndexMap::Axes([AxisMap::Tree { axis: 0, by }].into()), vec![(count, true)])
        }
        "at" => {
            let (table, rows): (Table, Vec<u32>) = (table()?, arg.get_item(2)?.extract()?);
            let mut lists = oxidask_core::dag::Csr::default();
            rows.iter().for_each(|&row| lists.push_row([row]));
            read(table, IndexMap::Table(lists), Vec::new())
        }
        kind => return Err(PyTypeError::new_err(format!("an argument of kind {kind}"))),
    })
}

/// A table whose partitions a Python function computes from those of others.
#[pyfunction]
#[pyo3(signature = (name, function, args, npartitions, kwargs=None, divisions=None, rows_of=None))]
#[expect(clippy::too_many_arguments, reason = "keywords of a Python function")]
pub(crate) fn frame_python_layer(
    py: Python<'_>,
    name: &str,
    function: Py<PyAny>,
    args: Vec<Bound<'_, PyTuple>>,
    npartitions: u32,
    kwargs: Option<Bound<'_, PyDict>>,
    divisions: Option<Vec<Bound<'_, PyAny>>>,
    rows_of: Option<Bound<'_, FrameExpr>>,
) -> PyResult<FrameExpr> {
    let (mut inputs, mut maps) = (Vec::new(), Vec::new());
    let args = args.iter().map(|arg| argument(arg, npartitions, &mut inputs, &mut maps));
    let grid: Box<[u32]> = [npartitions].into();
    let op = BlockOp {
        function,
        args: args.collect::<PyResult<_>>()?,
        kwargs: kwargs.unwrap_or_else(|| PyDict::new(py)).unbind(),
        block_kwargs: PyDict::new(py).unbind(),
        concatenate: false,
        grid: grid.clone(),
    };
    let reads = maps.into_iter().enumerate().map(|(i, map)| (From::Input(i), map)).collect();
    let layer = ProtoLayer { suffix: String::new(), grid, op: Arc::new(op), inputs: reads };
    let build = Build::Layers(Layers { inputs, reads: Reads::All, layers: vec![layer] });
    let rows = rows_of.map(|expr| expr.get().0.rows().clone());
    let name = Group::new(name);
    Ok(FrameExpr(Table::new(Node {
        rows: rows.unwrap_or_else(|| name.clone()),
        name,
        schema: None,
        n_partitions: npartitions,
        divisions: divisions_of(divisions)?,
        build,
    })))
}

/// A table of partitions that another graph computes: `keys` of `dsk`, in their order. With the schema of
/// `like`, if they are its partitions.
#[pyfunction]
#[pyo3(signature = (dsk, name, keys, divisions=None, like=None))]
pub(crate) fn frame_from_graph(
    dsk: Bound<'_, PyAny>,
    name: &str,
    keys: Vec<Bound<'_, PyAny>>,
    divisions: Option<Vec<Bound<'_, PyAny>>>,
    like: Option<Bound<'_, FrameExpr>>,
) -> PyResult<FrameExpr> {
    let schema = like.and_then(|expr| expr.get().0.schema().cloned());
    let Imported { graph, outputs, .. } = import(&dsk, &keys, None)?;
    let n_partitions = outputs.len() as u32;
    let build = Build::Graph { graph, blocks: outputs.into() };
    let divisions: Divisions = divisions_of(divisions)?;
    let name = Group::new(name);
    let rows = name.clone();
    Ok(FrameExpr(Table::new(Node { name, schema, n_partitions, divisions, rows, build })))
}
