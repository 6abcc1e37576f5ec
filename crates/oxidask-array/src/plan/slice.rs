//! Basic indexing by blocks: integers, slices and new axes. Blocks of the result are views of the
//! blocks that they come from; what a slice leaves nothing of is dropped from the grid.

use std::sync::Arc;

use oxidask_core::layer::AxisMap;

use crate::ops::slice::{Cut, Slice, SliceAxis};
use crate::plan::chunks::{AxisChunks, Chunks};
use crate::plan::index::{AxisIndex, OutAxis, Range};

/// One layer: its kernel, its chunks, and which block of the input each block reads.
#[derive(Debug)]
pub struct SlicePlan {
    /// What each block runs.
    pub kernel: Slice,
    /// The result's chunks.
    pub chunks: Chunks,
    /// Axis by axis of the input.
    pub maps: Box<[AxisMap]>,
}

/// Which block each block of a sliced axis comes from, and what of it.
#[derive(Debug, Clone, PartialEq)]
pub struct AxisSlice {
    /// Block of the input, by block of the result.
    pub sources: Vec<u32>,
    /// What is taken of it.
    pub cuts: Vec<Cut>,
}

impl AxisSlice {
    /// The extents of the result's blocks.
    #[must_use]
    pub fn extents(&self) -> AxisChunks {
        self.cuts.iter().map(|cut| cut.len).collect()
    }
}

/// The blocks that a range of an axis touches, in the range's order. An empty range is one empty
/// block.
#[must_use]
pub fn slice_axis(blocks: &[usize], range: Range) -> AxisSlice {
    let mut slice = AxisSlice { sources: Vec::new(), cuts: Vec::new() };
    let mut left = range.len;
    let mut at = range.start as isize;
    let mut visit = |block: usize, start: usize, extent: usize| {
        let end = (start + extent) as isize;
        if left == 0 || at < start as isize || at >= end {
            return;
        }
        let (first, step) = (at as usize - start, range.step);
        let room = if step > 0 { extent - 1 - first } else { first };
        let len = (room / step.unsigned_abs() + 1).min(left);
        slice.sources.push(block as u32);
        slice.cuts.push(Cut { start: first, step, len });
        left -= len;
        at += step * len as isize;
    };
    if range.step > 0 {
        let mut start = 0;
        for (block, &extent) in blocks.iter().enumerate() {
            visit(block, start, extent);
            start += extent;
        }
    } else {
        let mut end: usize = blocks.iter().sum();
        for (block, &extent) in blocks.iter().enumerate().rev() {
            visit(block, end - extent, extent);
            end -= extent;
        }
    }
    if slice.cuts.is_empty() {
        slice.sources.push(0);
        slice.cuts.push(Cut { start: 0, step: 1, len: 0 });
    }
    slice
}

/// The block in which a position lies, and the position inside of it.
#[must_use]
pub fn locate(bounds: &[usize], position: usize) -> (u32, usize) {
    let block = bounds.partition_point(|&start| start <= position).saturating_sub(1);
    let block = block.min(bounds.len().saturating_sub(2));
    (block as u32, position - bounds[block])
}

/// Plans basic indexing: `axes` has no [`AxisIndex::Points`], `out` no [`OutAxis::Points`].
#[must_use]
pub fn plan(chunks: &Chunks, axes: &[AxisIndex], out: &[OutAxis]) -> SlicePlan {
    let place =
        |axis: usize| out.iter().position(|o| *o == OutAxis::Axis(axis)).unwrap_or_default() as u8;
    let shape = chunks.shape();
    let mut kernel = Slice { axes: Vec::new(), new: Vec::new() };
    let mut maps = Vec::new();
    let mut extents: Vec<AxisChunks> = out.iter().map(|_| Arc::from([1])).collect();
    for (axis, index) in axes.iter().enumerate() {
        match index {
            AxisIndex::At(position) => {
                let (block, local) = locate(&chunks.bounds(axis), *position);
                kernel.axes.push(SliceAxis::At(local));
                maps.push(AxisMap::Fixed(block));
            }
            AxisIndex::Range(range) if range.is_all(shape[axis]) => {
                kernel.axes.push(SliceAxis::All);
                maps.push(AxisMap::Same(place(axis)));
                extents[place(axis) as usize] = chunks[axis].clone();
            }
            AxisIndex::Range(range) => {
                let slice = slice_axis(&chunks[axis], *range);
                extents[place(axis) as usize] = slice.extents();
                let spans = slice.sources.iter().map(|&block| (block, block + 1)).collect();
                maps.push(AxisMap::Ranges { axis: place(axis), spans });
                kernel.axes.push(SliceAxis::Cuts(place(axis), slice.cuts.into()));
            }
            // Gathered afterwards.
            AxisIndex::Points(_) => {
                kernel.axes.push(SliceAxis::All);
                maps.push(AxisMap::Same(place(axis)));
                extents[place(axis) as usize] = chunks[axis].clone();
            }
        }
    }
    for (i, axis) in out.iter().enumerate() {
        if let OutAxis::New(extent) = axis {
            kernel.new.push((i as u8, *extent as u8));
            extents[i] = Arc::from([*extent]);
        }
    }
    SlicePlan { kernel, chunks: Chunks::new(extents), maps: maps.into() }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::plan::index::{Index, normalize, slice_range};

    #[test]
    fn blocks_follow_the_slice() {
        let slice = slice_axis(&[5, 5, 5, 5], slice_range((None, None, Some(2)), 20).unwrap());
        assert_eq!(&*slice.extents(), [3, 2, 3, 2]);
        let slice = slice_axis(&[5, 5], slice_range((None, Some(1), Some(-1)), 10).unwrap());
        assert_eq!((&*slice.extents(), &*slice.sources), (&[5, 3][..], &[1, 0][..]));
        assert_eq!(slice.cuts[1], Cut { start: 4, step: -1, len: 3 });
        let slice = slice_axis(&[5, 5], slice_range((Some(9), None, None), 10).unwrap());
        assert_eq!((&*slice.extents(), &*slice.sources), (&[1][..], &[1][..]));
        assert_eq!(&*slice_axis(&[2, 2], Range { start: 0, step: 1, len: 0 }).extents(), [0]);
    }

    #[test]
    fn integers_fix_a_block_and_new_axes_are_inserted() {
        let chunks: Chunks = [&[5, 5][..], &[5, 5]].into_iter().collect();
        let normal =
            normalize(&[Index::NewAxis, Index::Int(7), Index::NewAxis], &[10, 10]).unwrap();
        let plan = plan(&chunks, &normal.axes, &normal.out);
        assert_eq!(plan.chunks.to_string(), "((1,), (1,), (5, 5))");
        assert_eq!(*plan.maps, [AxisMap::Fixed(1), AxisMap::Same(2)]);
        assert_eq!(plan.kernel.new, [(0, 1), (1, 1)]);
    }

    proptest! {
        #[test]
        fn slicing_blocks_is_slicing_the_axis(
            blocks in prop::collection::vec(0usize..6, 1..6),
            start in prop::option::of(-30i64..30),
            stop in prop::option::of(-30i64..30),
            step in (-7i64..8).prop_filter("not zero", |step| *step != 0),
        ) {
            let n: usize = blocks.iter().sum();
            let range = slice_range((start, stop, Some(step)), n).unwrap();
            let expected: Vec<usize> =
                (0..range.len).map(|i| (range.start as isize + i as isize * range.step) as usize).collect();
            let bounds = crate::ops::source::bounds(&blocks);
            let slice = slice_axis(&blocks, range);
            let mut got = Vec::new();
            for (&source, cut) in slice.sources.iter().zip(&slice.cuts) {
                for i in 0..cut.len {
                    let local = cut.start as isize + i as isize * cut.step;
                    prop_assert!((0..blocks[source as usize] as isize).contains(&local));
                    got.push(bounds[source as usize] + local as usize);
                }
            }
            prop_assert_eq!(got, expected);
            for position in 0..n {
                let (block, local) = locate(&bounds, position);
                prop_assert!(local < blocks[block as usize]);
                prop_assert_eq!(bounds[block as usize] + local, position);
            }
        }
    }
}
