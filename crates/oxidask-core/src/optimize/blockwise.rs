//! Fusion of mapped layers that walk their blocks in step.

use std::sync::Arc;

use super::explicit::spliced;
use super::program::{Operand, Program, same_lane};
use crate::graph::Graph;
use crate::layer::{IndexMap, Layer, LayerInput, MappedLayer};

/// Merges each mapped layer into its only reader where that reads it block for block (the
/// identity map, on a grid of the same shape), so that a run of elementwise layers becomes one.
///
/// Layers keep their indices; one that was merged away stays in the list and is not expanded any
/// more. Layers named in `outputs` are not merged. The cost is that of the layers, not of their
/// blocks.
#[must_use]
pub fn fuse_blockwise(graph: &Graph, outputs: &[u32]) -> Graph {
    let mut layers = graph.layers().to_vec();
    let n_readers = count_readers(&layers, outputs);
    for index in 0..layers.len() {
        while let Some(fused) = merge_one(&layers, index, &n_readers) {
            layers[index] = Layer::Mapped(fused);
        }
    }
    let mut fused = Graph::new();
    for layer in layers {
        fused.push(layer);
    }
    fused
}

/// How many read each layer; a layer counts as read by several where it may not be merged.
fn count_readers(layers: &[Layer], outputs: &[u32]) -> Vec<usize> {
    let mut n_readers = vec![0usize; layers.len()];
    // A layer that isn't there is an error of `expand`.
    let mut count = |layer: u32, n| n_readers.get_mut(layer as usize).map_or((), |sum| *sum += n);
    for layer in layers {
        match layer {
            Layer::Mapped(mapped) => mapped.inputs.iter().for_each(|input| count(input.layer, 1)),
            // A task on its own may read any block of any layer.
            Layer::Explicit(explicit) => {
                for block in 0..explicit.len() as u32 {
                    explicit.inputs(block).iter().for_each(|input| count(input.layer, 2));
                }
            }
        }
    }
    outputs.iter().for_each(|&output| count(output, 2));
    n_readers
}

/// Merges one mergeable input of layer `index` into it.
fn merge_one(layers: &[Layer], index: usize, n_readers: &[usize]) -> Option<MappedLayer> {
    let Layer::Mapped(reader) = &layers[index] else { return None };
    let (at, source) = reader.inputs.iter().enumerate().find_map(|(at, input)| {
        let Layer::Mapped(source) = layers.get(input.layer as usize)? else { return None };
        // A layer that reads itself is an error of `expand`; here it would be merged for ever.
        let fits = input.layer as usize != index
            && input.map == IndexMap::Identity
            && source.shape == reader.shape
            && n_readers[input.layer as usize] == 1
            && one_value_each(reader)
            && one_value_each(source)
            && same_lane(&*source.op, &*reader.op);
        fits.then_some((at, source))
    })?;
    let mut inputs: Vec<LayerInput> = reader.inputs.to_vec();
    let n_source = source.inputs.len();
    inputs.splice(at..=at, source.inputs.iter().cloned());
    let source_args: Vec<Operand> =
        (0..n_source).map(|i| Operand::Input((at + i) as u32)).collect();
    let mut steps = spliced(&source.op, &source_args, 0);
    let value = Operand::Step(steps.len() as u32 - 1);
    let reader_args: Vec<Operand> = (0..reader.inputs.len())
        .map(|i| match i.cmp(&at) {
            std::cmp::Ordering::Less => Operand::Input(i as u32),
            std::cmp::Ordering::Equal => value,
            std::cmp::Ordering::Greater => Operand::Input((i - 1 + n_source) as u32),
        })
        .collect();
    steps.extend(spliced(&reader.op, &reader_args, steps.len() as u32));
    Some(MappedLayer {
        name: reader.name.clone(),
        shape: reader.shape.clone(),
        op: Arc::new(Program::new(steps)),
        inputs: inputs.into(),
    })
}

/// Whether each input gives exactly one value to each block, so that arguments can be numbered.
fn one_value_each(layer: &MappedLayer) -> bool {
    use crate::layer::AxisMap::{Affine, Every, Fixed, Halo, Lists, Ranges, Same, Tree, Window};
    layer.inputs.iter().all(|input| match &input.map {
        IndexMap::Identity => true,
        IndexMap::Table(_) => false,
        IndexMap::Axes(axes) => axes.iter().all(|axis| match axis {
            Same(_) | Fixed(_) | Affine { .. } => true,
            Ranges { spans, .. } => spans.iter().all(|&(from, to)| to == from + 1),
            Every | Halo { .. } | Lists { .. } | Tree { .. } | Window { .. } => false,
        }),
    })
}
