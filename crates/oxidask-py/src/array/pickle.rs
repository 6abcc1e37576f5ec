//! Expressions of arrays as what pickle stores: one entry for each expression, inputs first.
//!
//! An entry costs what the expression costs, not its blocks: kernels travel as bytes, Python
//! functions as objects beside them, index maps as their rules. Arrays in memory travel as NumPy
//! arrays, so that pickle can send their memory out of band.

use std::sync::Arc;

use oxidask_array::ops::AnyKernel;
use oxidask_array::ops::elementwise::Elementwise as ElementwiseKernel;
use oxidask_array::ops::reduce::Aggregate;
use oxidask_array::ops::source::FromChunk;
use oxidask_array::plan::array::{Array, Build, Elementwise, From, Layers, Node, ProtoLayer};
use oxidask_array::plan::lower;
use oxidask_array::plan::reduce::Reduced;
use oxidask_core::dag::Csr;
use oxidask_core::key::Group;
use oxidask_core::layer::{AxisMap, IndexMap};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyBytes, PyList, PyTuple};
use rustc_hash::FxHashMap;

use crate::array::expr::{ArrayExpr, IntoPython, PyChunks, chunks_to_python, dtype_of};
use crate::array::graph::graph_dict;
use crate::array::memory::{to_chunk, to_numpy};
use crate::array::portable;
use crate::graph::{Imported, import};

type State<'py> = (String, Bound<'py, PyTuple>, Option<String>, Vec<usize>, Bound<'py, PyTuple>);

/// What pickle stores of an expression and all that it is made of.
#[pyfunction]
pub(crate) fn array_to_state<'py>(py: Python<'py>, expr: &ArrayExpr) -> PyResult<Vec<State<'py>>> {
    let arrays = lower::walk(std::slice::from_ref(&expr.0));
    let numbers: FxHashMap<Group, usize> =
        arrays.iter().enumerate().map(|(at, array)| (array.name().clone(), at)).collect();
    let entry = |array: &Array| -> PyResult<State<'py>> {
        Ok((
            array.name().as_str().to_owned(),
            chunks_to_python(py, array.chunks())?,
            array.dtype().map(|dtype| dtype.typestr()),
            array.inputs().iter().map(|input| numbers[input.name()]).collect(),
            build_state(py, array)?,
        ))
    };
    arrays.iter().map(entry).collect()
}

fn build_state<'py>(py: Python<'py>, array: &Array) -> PyResult<Bound<'py, PyTuple>> {
    let bytes = |kernel: &AnyKernel| Ok::<_, PyErr>(PyBytes::new(py, &kernel.to_bytes().py()?));
    match &array.node().build {
        Build::Source(AnyKernel::FromChunk(FromChunk { array, .. })) => {
            ("memory", to_numpy(py, array.clone())?).into_pyobject(py)
        }
        Build::Source(kernel) => ("source", bytes(kernel)?).into_pyobject(py),
        Build::Elementwise(elementwise) => {
            let program = elementwise.program.clone();
            let kernel = ElementwiseKernel { program, bounds: Vec::new(), made: Vec::new() };
            ("elementwise", bytes(&kernel.into())?).into_pyobject(py)
        }
        Build::Reduction(reduced) => {
            let casts: Vec<String> = reduced.casts.iter().map(|dtype| dtype.typestr()).collect();
            let finish = bytes(&Aggregate { finish: reduced.finish.clone() }.into())?;
            ("reduction", finish, casts, reduced.by.clone()).into_pyobject(py)
        }
        Build::Layers(layers) => {
            let list = PyList::empty(py);
            for layer in &layers.layers {
                let inputs = layer.inputs.iter().map(|(from, map)| {
                    let (is_input, at) = match *from {
                        From::Input(at) => (true, at),
                        From::Layer(at) => (false, at),
                    };
                    Ok((is_input, at, map_state(py, map)?))
                });
                let inputs: Vec<_> = inputs.collect::<PyResult<_>>()?;
                let op = portable::encode(py, &*layer.op)?;
                list.append((&layer.suffix, layer.grid.to_vec(), op, inputs))?;
            }
            ("layers", list).into_pyobject(py)
        }
        Build::Graph { graph, blocks } => {
            let (dict, keys) = graph_dict(py, graph, blocks)?;
            ("graph", dict, keys).into_pyobject(py)
        }
    }
}

fn map_state<'py>(py: Python<'py>, map: &IndexMap) -> PyResult<Bound<'py, PyAny>> {
    Ok(match map {
        IndexMap::Identity => py.None().into_bound(py),
        IndexMap::Axes(axes) => {
            let axes: PyResult<Vec<_>> = axes.iter().map(|axis| axis_state(py, axis)).collect();
            ("axes", axes?).into_pyobject(py)?.into_any()
        }
        IndexMap::Table(table) => {
            let rows: Vec<Vec<u32>> =
                (0..table.len()).map(|b| table.row(b as u32).into()).collect();
            ("table", rows).into_pyobject(py)?.into_any()
        }
    })
}

fn axis_state<'py>(py: Python<'py>, axis: &AxisMap) -> PyResult<Bound<'py, PyTuple>> {
    match axis {
        AxisMap::Same(axis) => ("same", *axis).into_pyobject(py),
        AxisMap::Fixed(index) => ("fixed", *index).into_pyobject(py),
        AxisMap::Affine { axis, start, step } => ("affine", *axis, *start, *step).into_pyobject(py),
        AxisMap::Tree { axis, by } => ("tree", *axis, *by).into_pyobject(py),
        AxisMap::Halo { axis, before, after } => ("halo", *axis, *before, *after).into_pyobject(py),
        AxisMap::Every => ("every",).into_pyobject(py),
        AxisMap::Window { axis, start } => ("window", *axis, *start).into_pyobject(py),
        AxisMap::Ranges { axis, spans } => ("ranges", *axis, spans.to_vec()).into_pyobject(py),
        AxisMap::Lists { axis, rows } => {
            let rows: Vec<Vec<u32>> = (0..rows.len()).map(|b| rows.row(b as u32).into()).collect();
            ("lists", *axis, rows).into_pyobject(py)
        }
    }
}

fn table(rows: &Bound<'_, PyAny>) -> PyResult<Csr> {
    let rows: Vec<Vec<u32>> = rows.extract()?;
    let mut table = Csr::default();
    for row in rows {
        table.push_row(row);
    }
    Ok(table)
}

fn map_of(state: &Bound<'_, PyAny>) -> PyResult<IndexMap> {
    if state.is_none() {
        return Ok(IndexMap::Identity);
    }
    let (kind, body): (String, Bound<'_, PyAny>) = state.extract()?;
    if kind == "table" {
        return Ok(IndexMap::Table(table(&body)?));
    }
    let axes: Vec<Bound<'_, PyTuple>> = body.extract()?;
    Ok(IndexMap::Axes(axes.iter().map(axis_of).collect::<PyResult<_>>()?))
}

fn axis_of(state: &Bound<'_, PyTuple>) -> PyResult<AxisMap> {
    let kind: String = state.get_item(0)?.extract()?;
    let number = |at: usize| state.get_item(at)?.extract::<u32>();
    let axis = || state.get_item(1)?.extract::<u8>();
    Ok(match kind.as_str() {
        "same" => AxisMap::Same(axis()?),
        "fixed" => AxisMap::Fixed(number(1)?),
        "affine" => AxisMap::Affine {
            axis: axis()?,
            start: number(2)?,
            step: state.get_item(3)?.extract()?,
        },
        "tree" => AxisMap::Tree { axis: axis()?, by: number(2)? },
        "halo" => AxisMap::Halo { axis: axis()?, before: number(2)?, after: number(3)? },
        "every" => AxisMap::Every,
        "window" => AxisMap::Window { axis: axis()?, start: number(2)? },
        "ranges" => {
            let spans: Vec<(u32, u32)> = state.get_item(2)?.extract()?;
            AxisMap::Ranges { axis: axis()?, spans: spans.into() }
        }
        "lists" => AxisMap::Lists { axis: axis()?, rows: Arc::new(table(&state.get_item(2)?)?) },
        kind => return Err(PyValueError::new_err(format!("an index map of kind {kind}"))),
    })
}

/// The expression that pickle stored.
#[pyfunction]
pub(crate) fn array_from_state(entries: Vec<Bound<'_, PyTuple>>) -> PyResult<ArrayExpr> {
    let mut arrays: Vec<Array> = Vec::with_capacity(entries.len());
    for entry in entries {
        let name: String = entry.get_item(0)?.extract()?;
        let PyChunks(chunks) = entry.get_item(1)?.extract()?;
        let typestr: Option<String> = entry.get_item(2)?.extract()?;
        let inputs: Vec<usize> = entry.get_item(3)?.extract()?;
        let inputs: Option<Vec<Array>> = inputs.iter().map(|&at| arrays.get(at).cloned()).collect();
        let inputs = inputs.ok_or_else(|| PyValueError::new_err("an array reads a later one"))?;
        let state = entry.get_item(4)?.cast_into::<PyTuple>()?;
        let build = build_of(&state, inputs, &chunks)?;
        let dtype = dtype_of(typestr.as_deref());
        arrays.push(Array::new(Node { name: Group::new(&name), chunks, dtype, build }));
    }
    arrays.pop().map(ArrayExpr).ok_or_else(|| PyValueError::new_err("there is no array"))
}

fn build_of(
    state: &Bound<'_, PyTuple>,
    inputs: Vec<Array>,
    chunks: &oxidask_array::plan::chunks::Chunks,
) -> PyResult<Build> {
    let kind: String = state.get_item(0)?.extract()?;
    let body = state.get_item(1)?;
    let kernel = || AnyKernel::from_bytes(body.cast::<PyBytes>()?.as_bytes()).py();
    Ok(match kind.as_str() {
        "memory" => {
            let array = to_chunk(&body)
                .ok_or_else(|| PyValueError::new_err("memory that is no native array"))?;
            Build::Source(FromChunk { array, bounds: chunks.all_bounds() }.into())
        }
        "source" => Build::Source(kernel()?),
        "elementwise" => match kernel()? {
            AnyKernel::Elementwise(kernel) => {
                Build::Elementwise(Elementwise { program: kernel.program, inputs })
            }
            _ => return Err(PyValueError::new_err("no elementwise program")),
        },
        "reduction" => {
            let AnyKernel::ReduceAggregate(Aggregate { finish, .. }) = kernel()? else {
                return Err(PyValueError::new_err("no reduction"));
            };
            let casts: Vec<String> = state.get_item(2)?.extract()?;
            let casts = casts.iter().map(|text| text.parse()).collect::<Result<_, _>>().py()?;
            Build::Reduction(Reduced { inputs, casts, finish, by: state.get_item(3)?.extract()? })
        }
        "layers" => {
            let states: Vec<Bound<'_, PyTuple>> = body.extract()?;
            let layers = states.iter().map(layer_of).collect::<PyResult<_>>()?;
            Build::Layers(Layers { inputs, layers })
        }
        "graph" => {
            let keys: Vec<Bound<'_, PyAny>> = state.get_item(2)?.extract()?;
            let Imported { graph, outputs, .. } = import(&body, &keys, None)?;
            Build::Graph { graph, blocks: outputs.into() }
        }
        kind => return Err(PyValueError::new_err(format!("an array of kind {kind}"))),
    })
}

fn layer_of(state: &Bound<'_, PyTuple>) -> PyResult<ProtoLayer> {
    let grid: Vec<u32> = state.get_item(1)?.extract()?;
    let op = portable::decode(&state.get_item(2)?.cast_into::<PyTuple>()?)?;
    let inputs: Vec<(bool, usize, Bound<'_, PyAny>)> = state.get_item(3)?.extract()?;
    let inputs = inputs.iter().map(|(is_input, at, map)| {
        let from = if *is_input { From::Input(*at) } else { From::Layer(*at) };
        Ok((from, map_of(map)?))
    });
    Ok(ProtoLayer {
        suffix: state.get_item(0)?.extract()?,
        grid: grid.into(),
        op,
        inputs: inputs.collect::<PyResult<_>>()?,
    })
}
