//! Blocks with the edges of their neighbours, and blocks without them again.

use std::borrow::Cow;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::error::{ArrayError, Result};
use crate::foreign::{Arg, Call};
use crate::kernel::cast::cast_chunk;
use crate::kernel::{Chunk, Dims, copy};
use crate::ops::{Block, Kernel, chunk, chunks, value};

/// What lies beyond the ends of an axis.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Boundary {
    /// Nothing: the blocks at the ends get no edge there.
    None,
    /// The elements before the end, in reverse, the last one included.
    Reflect,
    /// The other end of the axis.
    Periodic,
    /// The last element.
    Nearest,
    /// A 0-d chunk everywhere.
    Constant(Chunk),
}

impl Boundary {
    /// Whether blocks at the ends get edges.
    #[must_use]
    pub fn is_some(&self) -> bool {
        !matches!(self, Self::None)
    }
}

/// The edges along one axis.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Halo {
    /// Elements of the block before.
    pub before: usize,
    /// Elements of the block after.
    pub after: usize,
    /// What the blocks at the ends get.
    pub boundary: Boundary,
}

/// Which blocks of an axis one block reads, in ascending order, and where in this list the
/// neighbours and the block itself are.
pub(crate) struct Reads {
    pub(crate) blocks: SmallVec<[u32; 3]>,
    before: Option<usize>,
    own: usize,
    after: Option<usize>,
}

impl Halo {
    /// What block `at` of `n` reads.
    pub(crate) fn reads(&self, at: u32, n: u32) -> Reads {
        let periodic = matches!(self.boundary, Boundary::Periodic);
        let neighbour = |depth: usize, is_end: bool, inside: u32, other_end: u32| match depth {
            0 => None,
            _ if !is_end => Some(inside),
            _ => periodic.then_some(other_end),
        };
        let before = neighbour(self.before, at == 0, at.wrapping_sub(1), n - 1);
        let after = neighbour(self.after, at + 1 == n, at + 1, 0);
        let mut blocks: SmallVec<[u32; 3]> = before.into_iter().chain([at]).chain(after).collect();
        blocks.sort_unstable();
        blocks.dedup();
        let place = |block: u32| blocks.iter().position(|&b| b == block).unwrap_or_default();
        Reads { before: before.map(place), own: place(at), after: after.map(place), blocks }
    }
}

/// A block with its neighbours' edges.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Overlap {
    /// Axis by axis.
    pub axes: Vec<Halo>,
}

/// A run of the target along one axis: from which of the blocks, where in it and how long.
struct Segment {
    block: usize,
    start: usize,
    len: usize,
    at: usize,
}

/// How one axis of the target is made.
struct AxisPlan {
    segments: SmallVec<[Segment; 3]>,
    /// Elements at either end that no block gives.
    missing: (usize, usize),
    extent: usize,
}

impl Overlap {
    fn axis_plan(&self, axis: usize, reads: &Reads, extents: &[usize]) -> Result<AxisPlan> {
        let halo = &self.axes[axis];
        let enough = |place: usize, depth: usize| {
            if extents[place] >= depth {
                return Ok(extents[place]);
            }
            Err(ArrayError::Value(format!(
                "The overlapping depth {depth} is larger than a block of {} along axis {axis}; \
                 rechunk first",
                extents[place]
            )))
        };
        let mut plan = AxisPlan { segments: SmallVec::new(), missing: (0, 0), extent: 0 };
        let push = |plan: &mut AxisPlan, block: usize, start: usize, len: usize| {
            plan.segments.push(Segment { block, start, len, at: plan.extent });
            plan.extent += len;
        };
        if let Some(place) = reads.before {
            let extent = enough(place, halo.before)?;
            push(&mut plan, place, extent - halo.before, halo.before);
        } else if halo.boundary.is_some() {
            plan.missing.0 = halo.before;
            plan.extent = halo.before;
        }
        push(&mut plan, reads.own, 0, extents[reads.own]);
        if let Some(place) = reads.after {
            enough(place, halo.after)?;
            push(&mut plan, place, 0, halo.after);
        } else if halo.boundary.is_some() {
            plan.missing.1 = halo.after;
            plan.extent += halo.after;
        }
        if matches!(halo.boundary, Boundary::Reflect | Boundary::Nearest) {
            let least = if matches!(halo.boundary, Boundary::Nearest) { 1 } else { usize::MAX };
            enough(reads.own, plan.missing.0.min(least))?;
            enough(reads.own, plan.missing.1.min(least))?;
        }
        Ok(plan)
    }

    fn assemble(&self, blocks: &[Chunk], at: &[u32], grid: &[u32]) -> Result<Chunk> {
        let ndim = self.axes.len();
        if blocks.iter().any(|block| block.ndim() != ndim) {
            return Err(ArrayError::Value(format!(
                "a block of shape {:?} has not the {ndim} axes that its array has",
                blocks.iter().map(Chunk::shape).find(|shape| shape.len() != ndim)
            )));
        }
        let reads: Vec<Reads> =
            (0..ndim).map(|axis| self.axes[axis].reads(at[axis], grid[axis])).collect();
        let mut strides = Dims::from_elem(1, ndim);
        for axis in (1..ndim).rev() {
            strides[axis - 1] = strides[axis] * reads[axis].blocks.len();
        }
        let plans: Vec<AxisPlan> = (0..ndim)
            .map(|axis| {
                let extents: Dims = (0..reads[axis].blocks.len())
                    .map(|i| blocks[i * strides[axis]].shape()[axis])
                    .collect();
                self.axis_plan(axis, &reads[axis], &extents)
            })
            .collect::<Result<_>>()?;
        let first = &blocks[0];
        if plans.iter().all(|plan| plan.segments.len() == 1 && plan.missing == (0, 0)) {
            return Ok(first.clone());
        }
        if blocks.iter().any(|block| block.dtype() != first.dtype()) {
            return Err(ArrayError::NoKernel("blocks of different dtypes".into()));
        }
        let shape: Dims = plans.iter().map(|plan| plan.extent).collect();
        let target = Chunk::new(first.dtype(), &shape)?;
        place_segments(blocks, &plans, &strides, &target)?;
        for (axis, plan) in plans.iter().enumerate() {
            self.fill(&target, axis, plan)?;
        }
        Ok(target)
    }

    /// Fills what no block gave at the ends of `axis`, from what lies inside.
    fn fill(&self, target: &Chunk, axis: usize, plan: &AxisPlan) -> Result<()> {
        let (before, after) = plan.missing;
        let inside = (before, plan.extent - after);
        for (start, len, edge) in [(0, before, true), (inside.1, after, false)] {
            if len == 0 {
                continue;
            }
            let mut shape = Dims::from(target.shape());
            shape[axis] = len;
            let from = match &self.axes[axis].boundary {
                Boundary::Constant(value) => {
                    cast_chunk(value, target.dtype())?.broadcast_to(&shape)?
                }
                Boundary::Nearest => {
                    let last = if edge { inside.0 } else { inside.1 - 1 };
                    target.sliced(axis, last, 1, 1).broadcast_to(&shape)?
                }
                Boundary::Reflect => {
                    let last = if edge { inside.0 + len - 1 } else { inside.1 - 1 };
                    target.sliced(axis, last, -1, len)
                }
                Boundary::None | Boundary::Periodic => continue,
            };
            let mut at = Dims::from_elem(0, target.ndim());
            at[axis] = start;
            #[expect(unsafe_code, reason = "the ends of a new array, from its inside")]
            // SAFETY: the target is new and ours; what is read lies inside, what is written at the
            // end of the axis.
            unsafe {
                copy::copy_into(&from, target, &at)?;
            }
        }
        Ok(())
    }
}

/// Copies every block's part into its place.
fn place_segments(
    blocks: &[Chunk],
    plans: &[AxisPlan],
    strides: &[usize],
    target: &Chunk,
) -> Result<()> {
    let mut counter = Dims::from_elem(0, plans.len());
    loop {
        let segments = || plans.iter().zip(&counter).map(|(plan, &i)| &plan.segments[i]);
        let number: usize = segments().zip(strides).map(|(s, stride)| s.block * stride).sum();
        let mut part = blocks[number].clone();
        for (axis, segment) in segments().enumerate() {
            if segment.start + segment.len > part.shape()[axis] {
                return Err(ArrayError::Value(format!(
                    "a block of shape {:?} does not fit to its neighbours along axis {axis}",
                    blocks[number].shape()
                )));
            }
            part = part.sliced(axis, segment.start, 1, segment.len);
        }
        let at: Dims = segments().map(|segment| segment.at).collect();
        #[expect(unsafe_code, reason = "parts of a new array that nobody else has")]
        // SAFETY: the target is new.
        unsafe {
            copy::copy_into(&part, target, &at)?;
        }
        let mut axis = plans.len();
        loop {
            if axis == 0 {
                return Ok(());
            }
            axis -= 1;
            counter[axis] += 1;
            if counter[axis] < plans[axis].segments.len() {
                break;
            }
            counter[axis] = 0;
        }
    }
}

impl Kernel for Overlap {
    fn name(&self) -> Cow<'_, str> {
        "overlap".into()
    }

    fn run(&self, inputs: &mut [Value], block: &Block<'_>) -> Result<Value> {
        Ok(value(self.assemble(&chunks(inputs)?, block.coords, block.grid)?))
    }

    fn call(&self, block: &Block<'_>) -> Result<Call> {
        let place = |at: Option<usize>| at.map_or(Arg::None, |at| Arg::Int(at as i64));
        let axis = |(axis, halo): (usize, &Halo)| {
            let reads = halo.reads(block.coords[axis], block.grid[axis]);
            let boundary = match &halo.boundary {
                Boundary::None => Arg::None,
                Boundary::Reflect => Arg::Text("reflect".into()),
                Boundary::Periodic => Arg::Text("periodic".into()),
                Boundary::Nearest => Arg::Text("nearest".into()),
                Boundary::Constant(value) => Arg::Chunk(value.clone()),
            };
            Arg::Tuple(vec![
                Arg::Int(reads.blocks.len() as i64),
                place(reads.before),
                place(Some(reads.own)),
                place(reads.after),
                Arg::Int(halo.before as i64),
                Arg::Int(halo.after as i64),
                boundary,
            ])
        };
        let axes = self.axes.iter().enumerate().map(axis).collect();
        Ok(Call::new(
            "oxidask.array._numpy_overlap.overlap_block",
            [Arg::Rest(0), Arg::Tuple(axes)],
        ))
    }
}

/// How much goes from the ends of a block along one axis.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct AxisTrim {
    /// Elements at its start.
    pub before: usize,
    /// Elements at its end.
    pub after: usize,
    /// Whether the axis' own ends are trimmed too.
    pub ends: bool,
}

impl AxisTrim {
    /// What goes from block `at` of `n`.
    pub(crate) fn of(self, at: u32, n: u32) -> (usize, usize) {
        let before = if self.ends || at > 0 { self.before } else { 0 };
        let after = if self.ends || at + 1 < n { self.after } else { 0 };
        (before, after)
    }
}

/// A block without its edges.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Trim {
    /// Axis by axis.
    pub axes: Vec<AxisTrim>,
}

impl Trim {
    fn cuts(&self, block: &Block<'_>) -> impl Iterator<Item = (usize, usize)> {
        let positions = block.coords.iter().zip(block.grid);
        self.axes.iter().zip(positions).map(|(trim, (&at, &n))| trim.of(at, n))
    }
}

impl Kernel for Trim {
    fn name(&self) -> Cow<'_, str> {
        "trim".into()
    }

    fn run(&self, inputs: &mut [Value], block: &Block<'_>) -> Result<Value> {
        let [source] = inputs else {
            return Err(ArrayError::Value("one block is trimmed at a time".into()));
        };
        let mut view = chunk(source)?;
        if view.ndim() == 0 {
            // What a function reduced to a scalar has no edges.
            return Ok(value(view));
        }
        if view.ndim() != self.axes.len() {
            return Err(ArrayError::Value(format!(
                "a block of shape {:?} has not the {} axes to trim",
                view.shape(),
                self.axes.len()
            )));
        }
        for (axis, (before, after)) in self.cuts(block).enumerate() {
            let extent = view.shape()[axis];
            let start = before.min(extent);
            view = view.sliced(axis, start, 1, extent.saturating_sub(before + after));
        }
        Ok(value(view))
    }

    fn call(&self, block: &Block<'_>) -> Result<Call> {
        let slice = |(before, after): (usize, usize)| {
            Arg::Slice(Some(before as i64), (after > 0).then_some(-(after as i64)), None)
        };
        let index = self.cuts(block).map(slice).collect();
        Ok(Call::new(".__getitem__", [Arg::Input(0), Arg::Tuple(index)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halo(before: usize, after: usize, boundary: Boundary) -> Overlap {
        Overlap { axes: vec![Halo { before, after, boundary }] }
    }

    fn numbers(from: i64, to: i64) -> Chunk {
        let numbers: Vec<i64> = (from..to).collect();
        Chunk::from_slice(&numbers, &[numbers.len()]).unwrap()
    }

    fn run(overlap: &Overlap, blocks: &[Chunk], at: u32) -> Vec<i64> {
        let reads = overlap.axes[0].reads(at, blocks.len() as u32);
        let read: Vec<Chunk> = reads.blocks.iter().map(|&b| blocks[b as usize].clone()).collect();
        let joined = overlap.assemble(&read, &[at], &[blocks.len() as u32]).unwrap();
        joined.elements::<i64>().unwrap().to_vec()
    }

    #[test]
    fn blocks_get_their_neighbours_edges() {
        let blocks = [numbers(0, 3), numbers(3, 6), numbers(6, 9)];
        let overlap = halo(2, 1, Boundary::None);
        assert_eq!(run(&overlap, &blocks, 0), [0, 1, 2, 3]);
        assert_eq!(run(&overlap, &blocks, 1), [1, 2, 3, 4, 5, 6]);
        assert_eq!(run(&overlap, &blocks, 2), [4, 5, 6, 7, 8]);
    }

    #[test]
    fn ends_follow_the_boundary() {
        let blocks = [numbers(0, 3), numbers(3, 6)];
        assert_eq!(run(&halo(2, 2, Boundary::Reflect), &blocks, 0), [1, 0, 0, 1, 2, 3, 4]);
        assert_eq!(run(&halo(2, 2, Boundary::Reflect), &blocks, 1), [1, 2, 3, 4, 5, 5, 4]);
        assert_eq!(run(&halo(2, 2, Boundary::Nearest), &blocks, 1), [1, 2, 3, 4, 5, 5, 5]);
        assert_eq!(run(&halo(2, 1, Boundary::Periodic), &blocks, 0), [4, 5, 0, 1, 2, 3]);
        assert_eq!(run(&halo(1, 1, Boundary::Periodic), &blocks[..1], 0), [2, 0, 1, 2, 0]);
        let nine = Boundary::Constant(Chunk::scalar(9i64).unwrap());
        assert_eq!(run(&halo(1, 1, nine), &blocks, 1), [2, 3, 4, 5, 9]);
    }
}
