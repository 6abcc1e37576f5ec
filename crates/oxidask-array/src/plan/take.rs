//! Advanced indexing by blocks: which blocks have the elements that each block of the result needs,
//! and where in them. Costs as much as there are picks and blocks, not their product.

use std::sync::Arc;

use oxidask_core::dag::Csr;
use oxidask_core::layer::{AxisMap, IndexMap, n_blocks, unravel};
use rustc_hash::FxHashMap;

use crate::error::{ArrayError, Result};
use crate::kernel::Dims;
use crate::kernel::chunk::n_elements;
use crate::ops::take::Take;
use crate::plan::chunks::{AxisChunks, Chunks, UNKNOWN};
use crate::plan::normalize::split;
use crate::plan::room;
use crate::plan::slice::locate;

/// One layer.
#[derive(Debug)]
pub struct TakePlan {
    /// What each block runs.
    pub kernel: Take,
    /// The result's chunks.
    pub chunks: Chunks,
    /// Which blocks of the input each block reads.
    pub map: IndexMap,
}

/// What is picked.
#[derive(Clone, Copy, Debug)]
pub struct Points<'a> {
    /// The axes that are gathered, ascending.
    pub axes: &'a [usize],
    /// The position along each of them, point by point.
    pub positions: &'a [Arc<[usize]>],
    /// The shape of the points.
    pub shape: &'a [usize],
    /// Where the points' axes come among the other axes.
    pub at: usize,
}

/// Points of small blocks are put together until their block has so many bytes.
const GATHERED_BYTES: u64 = 2 << 20;

/// So many times as many blocks as are read are too many, if they are small.
const MANY: usize = 4;

/// Fewer blocks than these may be as small as they are.
const FEW: usize = 64;

/// The blocks along the first axis of the points: as many points in each as the largest block of the
/// input has. Where that makes many more blocks than there were, all of them small, they have more:
/// the months' means by the month of each day are one row each.
#[must_use]
pub fn point_blocks(chunks: &Chunks, points: &Points<'_>, itemsize: usize) -> AxisChunks {
    let largest = chunks.largest_block();
    let aim: usize =
        points.axes.iter().map(|&axis| largest[axis].max(1)).fold(1, usize::saturating_mul);
    let row = n_elements(&points.shape[1..]).max(1);
    let aim = (aim / row).max(1);
    let n_read = points.axes.iter().map(|&axis| chunks[axis].len()).fold(1, usize::saturating_mul);
    let n_blocks = points.shape[0].div_ceil(aim);
    if n_blocks <= FEW || n_blocks / MANY <= n_read {
        return split(aim, points.shape[0]);
    }
    let others = rest(chunks, points).into_iter().map(|axis| largest[axis] as u64);
    let bytes = others.fold((row * itemsize) as u64, u64::saturating_mul).max(1);
    let gathered = (room::task_bytes(GATHERED_BYTES) / bytes) as usize;
    split(gathered.max(aim), points.shape[0])
}

/// Plans the gathering of points; `blocks` cuts the first axis of their shape.
///
/// # Errors
/// If a gathered axis has unknown extents, or there are more blocks than can be counted.
///
/// # Panics
/// If the points have no axes.
pub fn plan(chunks: &Chunks, points: &Points<'_>, blocks: AxisChunks) -> Result<TakePlan> {
    for &axis in points.axes {
        if !chunks.axis_known(axis) {
            chunks.require_known("taking elements by their positions")?;
        }
        if chunks[axis].iter().any(|&n| n != UNKNOWN && u32::try_from(n).is_err()) {
            return Err(ArrayError::Unsupported(format!(
                "blocks of more than 2^32 elements along axis {axis}; rechunk them first"
            )));
        }
    }
    let tail: Dims = points.shape[1..].into();
    let row = n_elements(&tail);
    let bounds: Vec<_> = points.axes.iter().map(|&axis| chunks.bounds(axis)).collect();
    let n = points.positions.first().map_or(0, |positions| positions.len());
    let mut kernel = Take {
        axes: points.axes.into(),
        at: points.at as u8,
        tail: tail.clone(),
        rows: Arc::clone(&blocks),
        ends: Arc::default(),
        slots: Arc::default(),
        locals: Arc::default(),
    };
    let (mut ends, mut slots) = (Vec::with_capacity(blocks.len()), Vec::with_capacity(n));
    let mut locals = Vec::with_capacity(n * points.axes.len());
    // For each block of the result the blocks that it reads: their coordinates on the gathered axes.
    let mut sources: Vec<Vec<u32>> = Vec::with_capacity(blocks.len());
    let mut slot_of: FxHashMap<u64, u32> = FxHashMap::default();
    let mut coords = Dims::new();
    let mut at = 0;
    for &extent in blocks.iter() {
        slot_of.clear();
        let mut read: Vec<u32> = Vec::new();
        for point in at..at + extent * row {
            // The block's number in the grid of the gathered axes.
            let mut id = 0;
            coords.clear();
            for (positions, bounds) in points.positions.iter().zip(&bounds) {
                let (block, local) = locate(bounds, positions[point]);
                id = id * (bounds.len() as u64 - 1) + u64::from(block);
                coords.push(block as usize);
                locals.push(local as u32);
            }
            let next = slot_of.len() as u32;
            let slot = *slot_of.entry(id).or_insert_with(|| {
                read.extend(coords.iter().map(|&block| block as u32));
                next
            });
            slots.push(slot);
        }
        if read.is_empty() {
            // Nothing is picked, but dtype and other extents come from some block.
            read.extend(points.axes.iter().map(|_| 0));
        }
        sources.push(read);
        at += extent * row;
        ends.push(at);
    }
    (kernel.ends, kernel.slots, kernel.locals) = (ends.into(), slots.into(), locals.into());
    let result = result_chunks(chunks, points, blocks);
    let map = index_map(chunks, &result, points, &sources)?;
    Ok(TakePlan { kernel, chunks: result, map })
}

/// The axes of the array that aren't gathered.
fn rest(chunks: &Chunks, points: &Points<'_>) -> Vec<usize> {
    (0..chunks.ndim()).filter(|axis| !points.axes.contains(axis)).collect()
}

fn result_chunks(chunks: &Chunks, points: &Points<'_>, blocks: AxisChunks) -> Chunks {
    let rest = rest(chunks, points);
    let before = rest[..points.at].iter().map(|&axis| chunks[axis].clone());
    let tail = points.shape[1..].iter().map(|&extent| Arc::from([extent]));
    let after = rest[points.at..].iter().map(|&axis| chunks[axis].clone());
    before.chain(std::iter::once(blocks)).chain(tail).chain(after).collect()
}

fn index_map(
    chunks: &Chunks,
    result: &Chunks,
    points: &Points<'_>,
    sources: &[Vec<u32>],
) -> Result<IndexMap> {
    // Where each axis that isn't gathered lies in the result.
    let n_new = points.shape.len();
    let place = |i: usize| if i < points.at { i } else { i + n_new };
    let rest = rest(chunks, points);
    if let [gathered] = points.axes {
        let mut rows = Csr::with_capacity(sources.len(), sources.iter().map(Vec::len).sum());
        for read in sources {
            rows.push_row(read.iter().copied());
        }
        let rows = Arc::new(rows);
        let map = |axis: usize| match rest.iter().position(|&r| r == axis) {
            Some(i) => AxisMap::Same(place(i) as u8),
            None => AxisMap::Lists { axis: points.at as u8, rows: Arc::clone(&rows) },
        };
        debug_assert!(!rest.contains(gathered));
        return Ok(IndexMap::Axes((0..chunks.ndim()).map(map).collect()));
    }
    let (grid, inputs) = (result.grid(), chunks.grid());
    let (Some(n), Some(_)) = (n_blocks(&grid), n_blocks(&inputs)) else {
        return Err(ArrayError::Value(format!("more than 2^32 blocks: {}", result.n_blocks())));
    };
    let mut strides = vec![1u32; chunks.ndim()];
    for axis in (1..chunks.ndim()).rev() {
        strides[axis - 1] = strides[axis] * inputs[axis];
    }
    let n_axes = points.axes.len();
    let mut table = Csr::with_capacity(n as usize, n as usize);
    let mut coords = Vec::new();
    for block in 0..n {
        unravel(block, &grid, &mut coords);
        let base: u32 =
            rest.iter().enumerate().map(|(i, &axis)| coords[place(i)] * strides[axis]).sum();
        let read = &sources[coords[points.at] as usize];
        let along = |id: &[u32]| -> u32 {
            id.iter().zip(points.axes).map(|(&block, &axis)| block * strides[axis]).sum()
        };
        table.push_row(read.chunks(n_axes).map(|id| base + along(id)));
    }
    Ok(IndexMap::Table(table))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kernel::Chunk;
    use crate::kernel::gather::{Picks, gather};

    fn positions(list: &[usize]) -> Vec<Arc<[usize]>> {
        vec![list.into()]
    }

    #[test]
    fn blocks_are_as_large_as_the_inputs() {
        let chunks: Chunks = [&[20, 20, 20, 20][..], &[20, 20]].into_iter().collect();
        let list = positions(&[5, 1, 47, 3]);
        let points = Points { axes: &[0], positions: &list, shape: &[4], at: 0 };
        let plan = plan(&chunks, &points, point_blocks(&chunks, &points, 8)).unwrap();
        assert_eq!(plan.chunks.to_string(), "((4,), (20, 20))");
        assert_eq!(
            (&*plan.kernel.slots, &*plan.kernel.locals),
            (&[0, 0, 1, 0][..], &[5, 1, 7, 3][..])
        );
        let mut read = Vec::new();
        assert!(plan.map.read(1, &[0, 1], &[4, 2], &mut read));
        assert_eq!(read, [1, 5]);
    }

    #[test]
    fn many_small_blocks_are_put_together() {
        let chunks = Chunks::new([vec![1; 12].into(), AxisChunks::from([500, 500])]);
        let rows = |n: usize| {
            let months = positions(&(0..n).map(|i| i / 30 % 12).collect::<Vec<_>>());
            let points = Points { axes: &[0], positions: &months, shape: &[n], at: 0 };
            point_blocks(&chunks, &points, 8)
        };
        assert_eq!(*rows(60), [1; 60]);
        assert_eq!(*rows(720), [524, 196]);
        let large = Chunks::new([vec![1; 12].into(), AxisChunks::from([1 << 20])]);
        let months = positions(&[3; 100]);
        let points = Points { axes: &[0], positions: &months, shape: &[100], at: 0 };
        assert_eq!(*point_blocks(&large, &points, 8), [1; 100]);
    }

    #[test]
    fn points_of_two_axes_read_the_blocks_that_have_them() {
        let chunks: Chunks = [&[2, 2][..], &[3], &[2, 2]].into_iter().collect();
        let list: Vec<Arc<[usize]>> = vec![[0, 3].into(), [3, 0].into()];
        let points = Points { axes: &[0, 2], positions: &list, shape: &[2], at: 0 };
        let plan = plan(&chunks, &points, point_blocks(&chunks, &points, 8)).unwrap();
        assert_eq!(plan.chunks.to_string(), "((2,), (3,))");
        let mut read = Vec::new();
        assert!(plan.map.read(0, &[0, 0], &[2, 1, 2], &mut read));
        assert_eq!(read, [1, 2]);
    }

    #[test]
    fn nothing_is_picked_from_some_block() {
        let chunks: Chunks = [&[2, 2][..]].into_iter().collect();
        let list = positions(&[]);
        let points = Points { axes: &[0], positions: &list, shape: &[0], at: 0 };
        let plan = plan(&chunks, &points, point_blocks(&chunks, &points, 8)).unwrap();
        let mut read = Vec::new();
        assert!(plan.map.read(0, &[0], &[2], &mut read));
        assert_eq!((plan.chunks.to_string().as_str(), &*read), ("((0,),)", &[0][..]));
    }

    proptest! {
        #[test]
        fn taking_by_blocks_is_taking_from_the_axis(
            blocks in prop::collection::vec(1usize..6, 1..6),
            picks in prop::collection::vec(0usize..1000, 0..20),
        ) {
            let n: usize = blocks.iter().sum();
            let picks: Vec<usize> = picks.into_iter().map(|i| i % n).collect();
            let chunks = Chunks::new([AxisChunks::from(blocks.clone())]);
            let list = positions(&picks);
            let points = Points { axes: &[0], positions: &list, shape: &[picks.len()], at: 0 };
            let plan = plan(&chunks, &points, point_blocks(&chunks, &points, 8)).unwrap();
            let bounds = chunks.bounds(0);
            let all: Vec<i64> = (0..n as i64).collect();
            let mut got = Vec::new();
            let mut start = 0;
            for (block, &end) in plan.kernel.ends.iter().enumerate() {
                let mut read = Vec::new();
                prop_assert!(plan.map.read(block as u32, &[block as u32], &chunks.grid(), &mut read));
                let sources: Vec<Chunk> = read
                    .iter()
                    .map(|&b| &all[bounds[b as usize]..bounds[b as usize + 1]])
                    .map(|part| Chunk::from_slice(part, &[part.len()]).unwrap())
                    .collect();
                let picks = Picks {
                    slots: &plan.kernel.slots[start..end],
                    locals: &plan.kernel.locals[start..end],
                };
                let taken = gather(&sources, &[0], 0, picks).unwrap();
                prop_assert_eq!(taken.len(), plan.chunks[0][block]);
                got.extend_from_slice(taken.as_slice::<i64>().unwrap());
                start = end;
            }
            let expected: Vec<i64> = picks.iter().map(|&i| i as i64).collect();
            prop_assert_eq!(got, expected);
        }
    }
}
