//! Assignment by blocks: what of a value goes to which elements of a block.

use std::borrow::Cow;
use std::sync::Arc;

use oxidask_core::value::Value;
use serde::{Deserialize, Serialize};

use crate::dtype::{Bool, DType};
use crate::error::{ArrayError, Result};
use crate::foreign::{Arg, Call};
use crate::kernel::Chunk;
use crate::kernel::assign::{Part, assign};
use crate::kernel::gather::as_indices;
use crate::ops::slice::{Cut, slice_arg};
use crate::ops::source::Bounds;
use crate::ops::{Block, Kernel, chunk, value};

/// The part of one axis that is assigned to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum SetAxis {
    /// One element: its block, and its place there.
    At(u32, usize),
    /// A part of each block; nothing of those without one.
    Cuts(Arc<[Option<Cut>]>),
    /// Where the second input says: positions along the whole axis, or a mask of it.
    Positions(Bounds),
}

/// A block with a part of it replaced: the first input, the positions if an axis has some, then the
/// value.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct SetItem {
    /// Axis by axis.
    pub axes: Vec<SetAxis>,
}

impl SetItem {
    /// Whether anything of the block is assigned to, as far as integers and slices tell.
    fn touches(&self, coords: &[u32]) -> bool {
        self.axes.iter().zip(coords).all(|(axis, &c)| match axis {
            SetAxis::At(block, _) => *block == c,
            SetAxis::Cuts(cuts) => cuts[c as usize].is_some(),
            SetAxis::Positions(_) => true,
        })
    }

    fn positions(&self) -> Option<(usize, &Bounds)> {
        self.axes.iter().enumerate().find_map(|(axis, what)| match what {
            SetAxis::Positions(bounds) => Some((axis, bounds)),
            _ => None,
        })
    }
}

/// The positions that lie in a block, from its start, and their places in the list.
fn picks_of(
    positions: &Chunk,
    bounds: &Bounds,
    axis: usize,
    block: u32,
) -> Result<(Vec<(usize, usize)>, usize)> {
    let extent = bounds.last().copied().unwrap_or(0);
    let all: Vec<usize> = if positions.dtype() == DType::Bool {
        if positions.len() != extent {
            return Err(ArrayError::Index(format!(
                "boolean index did not match indexed array along axis {axis}; size of axis is \
                 {extent} but size of corresponding boolean axis is {}",
                positions.len()
            )));
        }
        let mask = positions.elements::<Bool>()?;
        mask.iter().enumerate().filter(|(_, hit)| hit.0 != 0).map(|(i, _)| i).collect()
    } else {
        let position = |i: i64| crate::plan::index::position(i, axis, extent);
        as_indices(positions)?.into_iter().map(position).collect::<Result<_>>()?
    };
    let (start, end) = (bounds[block as usize], bounds[block as usize + 1]);
    let here = all
        .iter()
        .enumerate()
        .filter(|(_, position)| (start..end).contains(position))
        .map(|(place, position)| (position - start, place))
        .collect();
    Ok((here, all.len()))
}

impl Kernel for SetItem {
    fn name(&self) -> Cow<'_, str> {
        "setitem".into()
    }

    fn run(&self, inputs: &mut [Value], block: &Block<'_>) -> Result<Value> {
        let [base, rest @ ..] = inputs else {
            return Err(ArrayError::Value("an assignment needs a block".into()));
        };
        if !self.touches(block.coords) {
            return Ok(base.clone());
        }
        let positions = self.positions();
        let mut picks = Vec::new();
        let new = match (positions, rest) {
            (None, [new]) => chunk(new)?,
            (Some((axis, bounds)), [positions, new]) => {
                let new = chunk(new)?;
                let n;
                (picks, n) = picks_of(&chunk(positions)?, bounds, axis, block.coords[axis])?;
                self.check(&new, axis, n)?;
                if picks.is_empty() {
                    return Ok(base.clone());
                }
                new
            }
            _ => return Err(ArrayError::Value("an assignment needs a value".into())),
        };
        let base = chunk(base)?;
        let parts: Vec<Part<'_>> = self
            .axes
            .iter()
            .zip(block.coords)
            .map(|(axis, &c)| match axis {
                SetAxis::At(_, at) => Part::At(*at),
                SetAxis::Cuts(cuts) => {
                    let cut = cuts[c as usize].unwrap_or(Cut { start: 0, step: 1, len: 0 });
                    Part::Cut { start: cut.start, step: cut.step, len: cut.len }
                }
                SetAxis::Positions(_) => Part::Picks(&picks),
            })
            .collect();
        Ok(value(assign(&base, &parts, &new)?))
    }

    fn call(&self, block: &Block<'_>) -> Result<Call> {
        if !self.touches(block.coords) {
            return Ok(Call::new("oxidask.array._numpy_indexing.unchanged", [Arg::Input(0)]));
        }
        let mut start = Arg::None;
        let index = self.axes.iter().zip(block.coords).map(|(axis, &c)| match axis {
            SetAxis::At(_, at) => Arg::Int(*at as i64),
            SetAxis::Cuts(cuts) => cuts[c as usize].map_or(Arg::None, slice_arg),
            SetAxis::Positions(bounds) => {
                let c = c as usize;
                let ends = [bounds[c], bounds[c + 1], bounds.last().copied().unwrap_or(0)];
                start = Arg::Tuple(ends.iter().map(|&n| Arg::Int(n as i64)).collect());
                Arg::None
            }
        });
        let index = Arg::Tuple(index.collect());
        let args = [Arg::Input(0), index, start, Arg::Rest(1)];
        Ok(Call::new("oxidask.array._numpy_indexing.setitem", args))
    }
}

impl SetItem {
    /// Whether a value has as many elements along the axis of the positions as there are of them.
    fn check(&self, new: &Chunk, axis: usize, n: usize) -> Result<()> {
        let behind = self.axes[axis + 1..].iter().filter(|a| !matches!(a, SetAxis::At(..))).count();
        match new.ndim().checked_sub(behind + 1).map(|at| new.shape()[at]) {
            Some(m) if m != 1 && m != n => Err(ArrayError::Value(format!(
                "shape mismatch: value array of shape {:?} could not be broadcast to the {n} \
                 elements that are indexed along axis {axis}",
                new.shape()
            ))),
            _ => Ok(()),
        }
    }
}
