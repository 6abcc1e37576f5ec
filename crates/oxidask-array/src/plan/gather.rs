//! One result out of the blocks of an array.

use std::sync::Arc;

use oxidask_core::graph::{Graph, TaskRef};
use oxidask_core::key::{Group, Key};
use oxidask_core::layer::{IndexMap, Layer, LayerInput, MappedLayer, TaskSpec};
use oxidask_core::op::Op;

use crate::error::Result;
use crate::kernel::program::AxesOrder;
use crate::ops::buckets;
use crate::ops::place::{Gathered, Place, PlaceProgram, PlaceSorted, Target};
use crate::plan::array::Array;

/// Adds a task that gathers the blocks of `array` into one chunk, written block by block into place
/// as they come, so that no more than the result and the blocks at work take memory. Returns the
/// task, or `None` if the array's shape isn't known or its chunks aren't native.
///
/// # Errors
/// If there is not enough memory for the result.
pub fn gather(graph: &mut Graph, array: &Array, layer: u32) -> Result<Option<TaskRef>> {
    let chunks = array.chunks();
    let (Some(dtype), true) = (array.dtype(), chunks.is_known()) else { return Ok(None) };
    if chunks.n_blocks() == 1 {
        return Ok(Some(TaskRef { layer, block: 0 }));
    }
    let of = |layer: &Layer| match layer {
        Layer::Mapped(mapped) => Some((mapped.op.clone(), mapped.inputs.clone())),
        Layer::Explicit(_) => None,
    };
    let unread = (!is_read(graph, layer)).then(|| of(&graph.layers()[layer as usize])).flatten();
    let direct = unread.as_ref().and_then(|(op, _)| PlaceProgram::of(&**op));
    let sorted = unread.as_ref().and_then(|(op, _)| buckets::sorted_bounds(&**op));
    let order: AxesOrder = match &direct {
        Some((_, order)) => order.clone(),
        None => (0..chunks.ndim() as u8).collect(),
    };
    let target = Target::new(dtype, &chunks.shape(), &order)?;
    let grid = chunks.grid();
    let place = Place { target: target.clone(), bounds: chunks.all_bounds(), grid: grid.clone() };
    let name = |suffix: &str| Group::new(&format!("{suffix}-{}", array.name().as_str()));
    let (op, inputs): (Arc<dyn Op>, _) = match (unread, direct, sorted) {
        (Some((op, inputs)), Some((program, order)), _) => {
            (Arc::new(PlaceProgram { op, program, order, place }), inputs)
        }
        (Some((op, inputs)), _, Some(bounds)) => {
            (Arc::new(PlaceSorted { op, bounds, place }), inputs)
        }
        _ => (Arc::new(place), [LayerInput { layer, map: IndexMap::Identity }].into()),
    };
    let shape = grid.clone();
    let placed = graph.push(Layer::Mapped(MappedLayer { name: name("place"), shape, op, inputs }));
    let mut task = TaskSpec {
        key: Key::block(name("gather"), &[]),
        op: Arc::new(Gathered { target, bounds: chunks.all_bounds() }),
        inputs: Vec::new(),
    };
    let n_blocks = grid.iter().product::<u32>();
    task.inputs.extend((0..n_blocks).map(|block| TaskRef { layer: placed, block }));
    Ok(Some(graph.push_task(task)))
}

/// Whether a layer of the graph reads this one.
fn is_read(graph: &Graph, layer: u32) -> bool {
    graph.layers().iter().any(|reader| match reader {
        Layer::Mapped(mapped) => mapped.inputs.iter().any(|input| input.layer == layer),
        Layer::Explicit(tasks) => {
            let blocks = 0..tasks.len() as u32;
            blocks.flat_map(|block| tasks.inputs(block)).any(|input| input.layer == layer)
        }
    })
}
