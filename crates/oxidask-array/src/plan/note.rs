//! What users say about how the tasks of their arrays are to be run: kept with the arrays that they make meanwhile,
//! and told of the layers that these become.
//!
//! Notes are the face's: nobody here looks into one. A face that has any registers [`set_source`]. An array that is
//! merged into others has no tasks of its own; its notes are theirs then.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use oxidask_core::graph::Graph;
use oxidask_core::key::Group;
use oxidask_core::layer::Layer;
use rustc_hash::{FxHashMap, FxHashSet};

use crate::plan::array::Array;
use crate::plan::lower::walk;

/// What a user says.
pub type Note = Arc<dyn Any + Send + Sync>;

static SOURCE: OnceLock<fn() -> Option<Note>> = OnceLock::new();

/// Registers what tells the note of arrays that are made now; the first one stays.
pub fn set_source(source: fn() -> Option<Note>) {
    // A second registration is by the same face loaded twice.
    let _ = SOURCE.set(source);
}

/// The note of arrays that are made now.
pub(super) fn current() -> Option<Note> {
    SOURCE.get().and_then(|source| source())
}

/// Whether there is a note on any array that `roots` are made of.
#[must_use]
pub fn is_any(roots: &[Array]) -> bool {
    walk(roots).iter().any(|array| array.note().is_some())
}

/// The notes on the layers of a graph that are still of use to `outputs`, by their number; layers without any are left
/// out. `owners` has the array that each of the first layers was made for.
#[must_use]
pub fn of_layers(
    roots: &[Array],
    owners: &[Option<Group>],
    graph: &Graph,
    outputs: &[u32],
) -> Vec<(u32, Vec<Note>)> {
    if !is_any(roots) {
        return Vec::new();
    }
    let arrays = walk(roots);
    let arrays: FxHashMap<&Group, &Array> = arrays.iter().map(|a| (a.name(), a)).collect();
    let needed = needed(graph, outputs);
    let owner = |layer: u32| owners.get(layer as usize)?.as_ref();
    let has_layers: FxHashSet<&Group> = needed.iter().filter_map(|&layer| owner(layer)).collect();
    let mut found = Vec::new();
    for &layer in &needed {
        let Some(array) = owner(layer).and_then(|name| arrays.get(name)) else { continue };
        let notes = merged_into(array, &has_layers);
        if !notes.is_empty() {
            found.push((layer, notes));
        }
    }
    found
}

/// The notes of an array and of those that were merged into it.
fn merged_into(array: &Array, has_layers: &FxHashSet<&Group>) -> Vec<Note> {
    let (mut notes, mut seen) = (Vec::new(), FxHashSet::default());
    let mut stack = vec![array];
    while let Some(array) = stack.pop() {
        notes.extend(array.note().cloned());
        let inputs = array.inputs().iter().filter(|input| !has_layers.contains(input.name()));
        stack.extend(inputs.filter(|input| seen.insert(input.name())));
    }
    notes
}

/// The layers that some are made from, with these, in order.
fn needed(graph: &Graph, outputs: &[u32]) -> Vec<u32> {
    let mut is_needed = vec![false; graph.layers().len()];
    let mut stack = outputs.to_vec();
    while let Some(layer) = stack.pop() {
        if std::mem::replace(&mut is_needed[layer as usize], true) {
            continue;
        }
        if let Layer::Mapped(mapped) = &graph.layers()[layer as usize] {
            stack.extend(mapped.inputs.iter().map(|input| input.layer));
        }
    }
    (0..).zip(is_needed).filter(|(_, needed)| *needed).map(|(layer, _)| layer).collect()
}
