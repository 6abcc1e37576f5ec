//! Push-down: a basic slice of a source becomes a read of that region.
//!
//! Where nobody else reads a source, a slice of it is not a view of blocks that were read whole: its
//! blocks are read as they are. Slices go through elementwise expressions on the way (casts,
//! transposes, arithmetic) if they get to such a source. Sources are Zarr arrays, and ops of a face,
//! which registers a [`Reader`] for them. Only lowering with fusion rewrites.

use std::any::Any;
use std::sync::{Arc, OnceLock};

use oxidask_core::layer::{AxisMap, IndexMap};
use oxidask_core::op::Op;

use crate::io::zarr::{ReadRegion, ReadZarr};
use crate::kernel::program::{AxesMap, Input, Program};
pub use crate::ops::slice::RegionAxis;
use crate::ops::slice::{Cut, Slice, SliceAxis};
use crate::ops::{AnyKernel, KernelOp};
use crate::plan::array::{Array, Build, Elementwise, From, Layers, Node, ProtoLayer};
use crate::plan::chunks::{AxisChunks, Chunks};

/// Knows the ops of a face that read sources.
pub trait Reader: Send + Sync {
    /// Whether each block is a read of its own region of a source, which can be made narrower.
    fn is_source(&self, op: &dyn Any) -> bool;

    /// The op that reads these regions instead, over a grid of so many blocks.
    fn narrowed(&self, op: &dyn Any, axes: &[RegionAxis], grid: &[u32]) -> Option<Arc<dyn Op>>;
}

static READER: OnceLock<Box<dyn Reader>> = OnceLock::new();

/// Most expressions between a slice and a source.
const DEEPEST: usize = 16;

/// Registers what knows sources; the first one stays.
pub fn set_reader(reader: Box<dyn Reader>) {
    // A second registration is by the same face loaded twice.
    let _ = READER.set(reader);
}

/// The only layer of an array that has one.
fn only_layer(array: &Array) -> Option<(&ProtoLayer, &[Array])> {
    match &array.node().build {
        Build::Layers(Layers { inputs, layers }) => match layers.as_slice() {
            [layer] => Some((layer, inputs)),
            _ => None,
        },
        _ => None,
    }
}

/// What reads a source.
enum Source<'a> {
    /// An op of a face.
    Op(&'a dyn Any),
    /// A Zarr array.
    Zarr(&'a ReadZarr),
}

impl Source<'_> {
    /// How regions are read, over a grid of so many blocks.
    fn narrowed(&self, axes: Vec<RegionAxis>, grid: Box<[u32]>) -> Option<Build> {
        Some(match self {
            Self::Zarr(zarr) => {
                let (place, dtype) = (zarr.place.clone(), zarr.dtype);
                Build::Source(ReadRegion { place, dtype, axes }.into())
            }
            Self::Op(op) => {
                let op = READER.get()?.narrowed(*op, &axes, &grid)?;
                let layer = ProtoLayer { suffix: String::new(), grid, op, inputs: Vec::new() };
                Build::Layers(Layers { inputs: Vec::new(), layers: vec![layer] })
            }
        })
    }
}

/// What reads a source, if the array is nothing but that.
fn source(array: &Array) -> Option<Source<'_>> {
    if let Build::Source(AnyKernel::ReadZarr(zarr)) = &array.node().build {
        return Some(Source::Zarr(zarr));
    }
    let (layer, inputs) = only_layer(array)?;
    let op = layer.op.as_any()?;
    (inputs.is_empty() && READER.get()?.is_source(op)).then_some(Source::Op(op))
}

/// A slice without new axes: its kernel, the blocks that it reads, and of what.
fn slice(array: &Array) -> Option<(&Slice, &[AxisMap], &Array)> {
    let (layer, inputs) = only_layer(array)?;
    let kernel = &layer.op.as_any()?.downcast_ref::<KernelOp>()?.kernel;
    match (kernel, layer.inputs.as_slice(), inputs) {
        (AnyKernel::Slice(slice), [(From::Input(0), IndexMap::Axes(maps))], [input])
            if slice.new.is_empty() =>
        {
            Some((slice, maps, input))
        }
        _ => None,
    }
}

/// Whether a slice of `array` may become a read: `once` tells whether one expression alone reads an
/// array.
fn leads_to_a_source(array: &Array, once: &dyn Fn(&Array) -> bool, depth: usize) -> bool {
    if depth == 0 || !once(array) || !array.chunks().is_known() {
        return false;
    }
    let below = |input: &Array| leads_to_a_source(input, once, depth - 1);
    match &array.node().build {
        Build::Elementwise(elementwise) => elementwise.inputs.iter().any(below),
        _ => source(array).is_some() || slice(array).is_some_and(|(_, _, input)| below(input)),
    }
}

/// The array in whose place a slice that leads to a source is computed.
pub(super) fn pushed_down(array: &Array, once: &dyn Fn(&Array) -> bool) -> Option<Array> {
    let (kernel, maps, input) = slice(array)?;
    if !leads_to_a_source(input, once, DEEPEST) {
        return None;
    }
    // A slice of such an expression becomes one itself.
    let within = slice(input).and_then(|_| pushed_down(input, once));
    for whole in [input].into_iter().chain(&within) {
        if let Build::Elementwise(elementwise) = &whole.node().build {
            return through(array, elementwise, whole, kernel, maps);
        }
    }
    let (source, axes) = region(array, once)?;
    Some(standing_for(array, source.narrowed(axes, array.chunks().grid())?))
}

fn standing_for(array: &Array, build: Build) -> Array {
    let (name, chunks) = (array.name().clone(), array.chunks().clone());
    Array::new(Node { name, chunks, dtype: array.dtype(), build })
}

/// What a slice, of a slice perhaps, reads of a source, and the source.
fn region<'a>(
    array: &'a Array,
    once: &dyn Fn(&Array) -> bool,
) -> Option<(Source<'a>, Vec<RegionAxis>)> {
    if let Some(source) = source(array) {
        let whole = |(axis, blocks): (usize, &AxisChunks)| {
            let bounds = array.chunks().bounds(axis);
            let cut = |(&start, &len): (&usize, &usize)| Cut { start, step: 1, len };
            RegionAxis::Along(axis as u8, bounds.iter().zip(blocks.iter()).map(cut).collect())
        };
        return Some((source, array.chunks().iter().enumerate().map(whole).collect()));
    }
    let (kernel, maps, input) = slice(array)?;
    if !once(input) {
        return None;
    }
    let (source, inner) = region(input, once)?;
    let axes = inner.into_iter().map(|axis| match axis {
        RegionAxis::At(index) => Some(RegionAxis::At(index)),
        RegionAxis::Along(place, cuts) => {
            composed(&cuts, kernel.axes.get(place as usize)?, maps.get(place as usize)?)
        }
    });
    Some((source, axes.collect::<Option<_>>()?))
}

/// An axis that is read in `cuts`, sliced.
fn composed(cuts: &Arc<[Cut]>, slice: &SliceAxis, map: &AxisMap) -> Option<RegionAxis> {
    let element = |cut: Cut, at: usize| (cut.start as isize + cut.step * at as isize) as usize;
    Some(match (slice, map) {
        (SliceAxis::All, AxisMap::Same(place)) => RegionAxis::Along(*place, Arc::clone(cuts)),
        (SliceAxis::At(at), AxisMap::Fixed(block)) => {
            RegionAxis::At(element(*cuts.get(*block as usize)?, *at))
        }
        (SliceAxis::Cuts(place, of_blocks), AxisMap::Ranges { spans, .. }) => {
            let each = of_blocks.iter().zip(spans.iter()).map(|(outer, span)| {
                let inner = *cuts.get(span.0 as usize)?;
                // Nothing may be taken behind the end.
                let start = if outer.len == 0 { inner.start } else { element(inner, outer.start) };
                Some(Cut { start, step: inner.step * outer.step, len: outer.len })
            });
            RegionAxis::Along(*place, each.collect::<Option<_>>()?)
        }
        _ => return None,
    })
}

/// The slice `array` of an elementwise expression as that expression of slices.
fn through(
    array: &Array,
    expression: &Elementwise,
    whole: &Array,
    kernel: &Slice,
    maps: &[AxisMap],
) -> Option<Array> {
    let is_kept = |axis: usize| !matches!(kernel.axes[axis], SliceAxis::At(_));
    let kept = |axis: usize| is_kept(axis).then(|| (0..axis).filter(|&a| is_kept(a)).count() as u8);
    let program = &expression.program;
    let (mut inputs, mut arrays) = (Vec::new(), Vec::new());
    for (input, of) in program.inputs.iter().zip(&expression.inputs) {
        let mut cut = CutInput::default();
        for (axis, to) in input.axes.iter().enumerate() {
            let blocks = &of.chunks()[axis];
            match to {
                Some(to) if blocks == &whole.chunks()[*to as usize] => {
                    let to = *to as usize;
                    cut.follow(&kernel.axes[to], &maps[to], kept(to), blocks)?;
                }
                // What is stretched, or of one element and gone, stays as it is.
                _ if **blocks == [1] => {
                    let place = to.and_then(|to| kept(to as usize));
                    if to.is_some() && place.is_none() {
                        cut.follow(&SliceAxis::At(0), &AxisMap::Fixed(0), None, blocks)?;
                    } else {
                        cut.stay(place, blocks);
                    }
                }
                _ => return None,
            }
        }
        inputs.push(Input { dtype: input.dtype, axes: std::mem::take(&mut cut.to) });
        arrays.push(cut.of(of)?);
    }
    let ndim = array.ndim();
    let program = Program { ndim, inputs, steps: program.steps.clone(), result: program.result };
    Some(standing_for(array, Build::Elementwise(Elementwise { program, inputs: arrays })))
}

/// The slice of one input of an expression, axis by axis.
#[derive(Default)]
struct CutInput {
    axes: Vec<SliceAxis>,
    maps: Vec<AxisMap>,
    chunks: Vec<AxisChunks>,
    /// Axes of the program that are left.
    to: AxesMap,
    is_cut: bool,
}

impl CutInput {
    fn stay(&mut self, to: Option<u8>, blocks: &AxisChunks) {
        self.axes.push(SliceAxis::All);
        self.maps.push(AxisMap::Same(self.chunks.len() as u8));
        self.chunks.push(blocks.clone());
        self.to.push(to);
    }

    fn follow(
        &mut self,
        slice: &SliceAxis,
        map: &AxisMap,
        to: Option<u8>,
        blocks: &AxisChunks,
    ) -> Option<()> {
        let place = self.chunks.len() as u8;
        match (slice, map) {
            (SliceAxis::All, _) => self.stay(to, blocks),
            (SliceAxis::At(at), AxisMap::Fixed(block)) => {
                self.axes.push(SliceAxis::At(*at));
                self.maps.push(AxisMap::Fixed(*block));
                self.is_cut = true;
            }
            (SliceAxis::Cuts(_, cuts), AxisMap::Ranges { spans, .. }) => {
                self.axes.push(SliceAxis::Cuts(place, Arc::clone(cuts)));
                self.maps.push(AxisMap::Ranges { axis: place, spans: Arc::clone(spans) });
                self.chunks.push(cuts.iter().map(|cut| cut.len).collect());
                self.to.push(to);
                self.is_cut = true;
            }
            _ => return None,
        }
        Some(())
    }

    fn of(self, array: &Array) -> Option<Array> {
        if !self.is_cut {
            return Some(array.clone());
        }
        let kernel = Slice { axes: self.axes, new: Vec::new() };
        let inputs = vec![(array.clone(), IndexMap::Axes(self.maps.into()))];
        Array::layer("getitem", kernel, inputs, Chunks::new(self.chunks), array.dtype()).ok()
    }
}
