//! Blocks of another cut: the overlapping parts of the old blocks, put together.

use std::borrow::Cow;
use std::sync::Arc;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::error::{ArrayError, Result};
use crate::foreign::{Arg, Call};
use crate::kernel::{Chunk, Dims, copy};
use crate::ops::{Block, Kernel, chunks, value};
use crate::plan::chunks::UNKNOWN;

/// How the blocks of one axis are put together, new block by new block.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AxisCut {
    /// Which old blocks are read: the first, and the one after the last.
    pub spans: Arc<[(u32, u32)]>,
    /// Where the new block starts inside of the first.
    pub starts: Arc<[usize]>,
    /// How long it is; all that is there, if unknown.
    pub extents: Arc<[usize]>,
}

/// The overlapping parts of a grid of old blocks as one new one; of one old block a view, if it may
/// be that.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Rechunk {
    /// Axis by axis.
    pub cuts: Vec<AxisCut>,
    /// Whether a part of a block is copied, so that it doesn't keep the rest in memory.
    pub owned: bool,
}

impl Rechunk {
    /// Along every axis: how many inputs, where to start in the first, how long.
    fn region(&self, coords: &[u32]) -> (Dims, Dims, Dims) {
        let at = |get: fn(&AxisCut, usize) -> usize| {
            self.cuts.iter().zip(coords).map(|(cut, &c)| get(cut, c as usize)).collect()
        };
        (
            at(|cut, c| (cut.spans[c].1 - cut.spans[c].0) as usize),
            at(|cut, c| cut.starts[c]),
            at(|cut, c| cut.extents[c]),
        )
    }
}

/// The part of a grid of blocks that starts at `start` in its first block and has `extents`.
///
/// # Errors
/// If the blocks don't reach so far, or there is not enough memory.
pub fn gather_region(
    blocks: &[Chunk],
    grid: &[usize],
    start: &[usize],
    extents: &[usize],
) -> Result<Chunk> {
    let [first, ..] = blocks else {
        return Err(ArrayError::Value("a block of no other blocks".into()));
    };
    let short = |block: &Chunk| {
        ArrayError::Value(format!(
            "a block of shape {:?} is not what its chunks said: {extents:?} from {start:?} on do \
             not lie in it",
            block.shape()
        ))
    };
    let ndim = first.ndim();
    if ndim != grid.len() || blocks.iter().any(|block| block.ndim() != ndim) {
        return Err(short(first));
    }
    if let [only] = blocks {
        let mut view = only.clone();
        for axis in 0..ndim {
            let len = if extents[axis] == UNKNOWN { view.shape()[axis] } else { extents[axis] };
            if start[axis] + len > view.shape()[axis] {
                return Err(short(only));
            }
            view = view.sliced(axis, start[axis], 1, len);
        }
        return Ok(view);
    }
    if blocks.iter().any(|block| block.dtype() != first.dtype()) {
        return Err(ArrayError::NoKernel("blocks of different dtypes".into()));
    }
    let mut shape = Dims::from(extents);
    for (axis, n) in shape.iter_mut().enumerate().filter(|(_, n)| **n == UNKNOWN) {
        *n = first.shape()[axis];
    }
    let target = Chunk::new(first.dtype(), &shape)?;
    let mut coords = Dims::from_elem(0, ndim);
    // Where the block at `coords` starts in the target, and what of it comes before the region.
    let mut at = Dims::from_elem(0, ndim);
    let mut filled = 0;
    for block in blocks {
        let mut part = block.clone();
        for axis in 0..ndim {
            let skip = if coords[axis] == 0 { start[axis] } else { 0 };
            let have = block.shape()[axis].checked_sub(skip).ok_or_else(|| short(block))?;
            part = part.sliced(axis, skip, 1, have.min(shape[axis] - at[axis].min(shape[axis])));
        }
        filled += part.len();
        #[expect(unsafe_code, reason = "parts of a new array that nobody else has")]
        // SAFETY: the target is new.
        unsafe {
            copy::copy_into(&part, &target, &at)?;
        }
        for axis in (0..ndim).rev() {
            coords[axis] += 1;
            if coords[axis] < grid[axis] {
                at[axis] += part.shape()[axis];
                break;
            }
            coords[axis] = 0;
            at[axis] = 0;
        }
    }
    if filled == target.len() { Ok(target) } else { Err(short(first)) }
}

impl Kernel for Rechunk {
    fn name(&self) -> Cow<'_, str> {
        "rechunk".into()
    }

    fn run(&self, inputs: &mut [Value], block: &Block<'_>) -> Result<Value> {
        let (grid, start, extents) = self.region(block.coords);
        let blocks = chunks(inputs)?;
        let part = gather_region(&blocks, &grid, &start, &extents)?;
        if !self.owned || blocks.len() > 1 || part.len() == blocks[0].len() {
            return Ok(value(part));
        }
        let copied = Chunk::new(part.dtype(), part.shape())?;
        #[expect(unsafe_code, reason = "a new array that nobody else has")]
        // SAFETY: the target is new.
        unsafe {
            copy::copy_into(&part, &copied, &Dims::from_elem(0, part.ndim()))?;
        }
        Ok(value(copied))
    }

    fn call(&self, block: &Block<'_>) -> Result<Call> {
        let (grid, start, extents) = self.region(block.coords);
        let ints = |dims: &Dims| {
            let int = |&n: &usize| if n == UNKNOWN { Arg::None } else { Arg::Int(n as i64) };
            Arg::Tuple(dims.iter().map(int).collect())
        };
        let args = [Arg::Rest(0), ints(&grid), ints(&start), ints(&extents)];
        Ok(Call::new("oxidask.array._numpy_indexing.gather_region", args)
            .with("owned", Arg::Bool(self.owned)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_region_across_blocks_is_copied() {
        let block = |from: i64| Chunk::from_slice(&[from, from + 1, from + 2, from + 3], &[2, 2]);
        let blocks =
            [block(0).unwrap(), block(10).unwrap(), block(20).unwrap(), block(30).unwrap()];
        let part = gather_region(&blocks, &[2, 2], &[1, 1], &[2, 2]).unwrap();
        assert_eq!(part.as_slice::<i64>().unwrap(), [3, 12, 21, 30]);
        let view = gather_region(&blocks[..1], &[1, 1], &[1, 0], &[1, 2]).unwrap();
        assert_eq!(view.as_slice::<i64>().unwrap(), [2, 3]);
    }

    #[test]
    fn blocks_that_are_not_what_chunks_said_are_refused() {
        let block = Chunk::from_slice(&[1i64, 2], &[2]).unwrap();
        assert!(gather_region(std::slice::from_ref(&block), &[1], &[1], &[2]).is_err());
        assert!(gather_region(&[block.clone(), block], &[2], &[0], &[5]).is_err());
        assert!(gather_region(&[], &[0], &[0], &[0]).is_err());
    }
}
