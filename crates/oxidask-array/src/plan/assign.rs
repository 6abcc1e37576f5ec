//! Assignment to parts of an array: a new expression, in which every block takes what is meant for it
//! of the value.

use std::sync::Arc;

use oxidask_core::layer::{AxisMap, IndexMap};

use crate::error::{ArrayError, Result};
use crate::ops::setitem::{SetAxis, SetItem};
use crate::ops::slice::Cut;
use crate::plan::array::Array;
use crate::plan::chunks::{AxisChunks, Chunks, Tuple, UNKNOWN, extent};
use crate::plan::index::{Range, position, slice_range};
use crate::plan::slice::{locate, slice_axis};

/// An index of an assignment; one for each axis.
#[derive(Clone)]
pub enum SetIndex {
    /// An integer.
    Int(i64),
    /// A slice.
    Slice(Option<i64>, Option<i64>, Option<i64>),
    /// Positions, or a mask, of one axis: known or computed.
    Array(Array),
}

/// What an axis means for the value: its blocks, and which of them a block of the array reads.
struct ValueAxis {
    axis: usize,
    blocks: Option<AxisChunks>,
    spans: Arc<[(u32, u32)]>,
    /// How long the value may be besides 1; nobody knows for masks.
    extent: usize,
    /// How long it may be at most.
    most: usize,
}

impl Array {
    /// This array with `self[indices] = value`, an index for each axis.
    ///
    /// # Errors
    /// NumPy's, if indices lie outside or the value can't be broadcast to what is indexed; a
    /// `NotImplementedError` for more than one index array.
    pub fn setitem(&self, indices: &[SetIndex], value: &Self) -> Result<Self> {
        self.chunks().require_known("assignment").map_err(|_| unknown(self.chunks()))?;
        let mut axes = Vec::new();
        let mut value_axes = Vec::new();
        let mut positions: Option<Self> = None;
        for (axis, index) in indices.iter().enumerate() {
            let blocks = &self.chunks()[axis];
            match index {
                SetIndex::Int(i) => {
                    let at = position(*i, axis, extent(blocks))?;
                    let (block, local) = locate(&self.chunks().bounds(axis), at);
                    axes.push(SetAxis::At(block, local));
                }
                SetIndex::Slice(start, stop, step) => {
                    let range = slice_range((*start, *stop, *step), extent(blocks))?;
                    let (set, value) = sliced(axis, blocks, range);
                    axes.push(set);
                    value_axes.push(value);
                }
                SetIndex::Array(array) => {
                    if positions.is_some() {
                        return Err(ArrayError::Unsupported(
                            "assignment with more than one index array; index one axis at a time, \
                             or assign through oxidask.array.where"
                                .into(),
                        ));
                    }
                    axes.push(SetAxis::Positions(self.chunks().bounds(axis)));
                    let is_mask = array.dtype() == Some(crate::dtype::DType::Bool);
                    let n = one_axis(array, is_mask, axis, extent(blocks))?;
                    value_axes.push(ValueAxis {
                        axis,
                        blocks: None,
                        spans: blocks.iter().map(|_| (0, 1)).collect(),
                        extent: if is_mask { UNKNOWN } else { n },
                        most: n,
                    });
                    positions = Some(array.clone());
                }
            }
        }
        let (value, map) = fitted(value, &value_axes)?;
        let mut inputs = vec![(self.clone(), IndexMap::Identity)];
        if let Some(positions) = positions {
            inputs.push((whole(&positions)?, IndexMap::Axes(Box::new([AxisMap::Every]))));
        }
        inputs.push((value, map));
        let chunks = self.chunks().clone();
        Self::layer("setitem", SetItem { axes }, inputs, chunks, self.dtype())
    }
}

/// The extent of an index array, which must have one axis, as long as the array's for a mask.
fn one_axis(array: &Array, is_mask: bool, axis: usize, extent: usize) -> Result<usize> {
    let shape = array.shape();
    match *shape {
        [n] if !is_mask || n == extent || n == UNKNOWN => Ok(n),
        _ if is_mask => Err(ArrayError::Index(format!(
            "boolean index did not match indexed array along axis {axis}; size of axis is {extent} \
             but the index has shape {}",
            Tuple(&shape)
        ))),
        _ => Err(ArrayError::Index(format!(
            "assignment takes index arrays of one axis, not of shape {}",
            Tuple(&shape)
        ))),
    }
}

fn unknown(chunks: &Chunks) -> ArrayError {
    ArrayError::Value(format!(
        "Arrays chunk sizes are unknown: {}\n\nA possible solution:\n  x.compute_chunk_sizes()",
        Tuple(&chunks.shape())
    ))
}

/// Positions in one block, if their number is known; else a task takes all of the blocks.
fn whole(positions: &Array) -> Result<Array> {
    let chunks = positions.chunks();
    if chunks[0].len() == 1 {
        return Ok(positions.clone());
    }
    if chunks.is_known() {
        return positions.rechunked(Chunks::single(&positions.shape()));
    }
    let grid = chunks[0].len();
    let kernel = crate::ops::assemble::Concatenate { grid: [grid].into_iter().collect() };
    let every = IndexMap::Axes(Box::new([AxisMap::Every]));
    let inputs = vec![(positions.clone(), every)];
    Array::layer("concatenate", kernel, inputs, Chunks::single(&[UNKNOWN]), positions.dtype())
}

fn sliced(axis: usize, blocks: &AxisChunks, range: Range) -> (SetAxis, ValueAxis) {
    let slice = slice_axis(blocks, range);
    let mut cuts: Vec<Option<Cut>> = vec![None; blocks.len()];
    let mut spans: Vec<(u32, u32)> = vec![(0, 0); blocks.len()];
    for (i, (&block, &cut)) in slice.sources.iter().zip(&slice.cuts).enumerate() {
        if cut.len > 0 {
            cuts[block as usize] = Some(cut);
            spans[block as usize] = (i as u32, i as u32 + 1);
        }
    }
    let value = ValueAxis {
        axis,
        blocks: Some(slice.extents()),
        spans: spans.into(),
        extent: range.len,
        most: range.len,
    };
    (SetAxis::Cuts(cuts.into()), value)
}

/// The value cut as the indexed part is, and which of its blocks each block of the array reads.
fn fitted(value: &Array, axes: &[ValueAxis]) -> Result<(Array, IndexMap)> {
    let refuse = || {
        let indexed: Vec<usize> = axes.iter().map(|axis| axis.extent).collect();
        ArrayError::Value(format!(
            "could not broadcast input array from shape {} into shape {}",
            Tuple(&value.shape()),
            Tuple(&indexed)
        ))
    };
    // Axes of 1 before those that are indexed don't matter.
    let leading = value.ndim().saturating_sub(axes.len());
    if value.shape()[..leading].iter().any(|&n| n != 1) {
        return Err(refuse());
    }
    let value = match leading {
        0 => value.clone(),
        _ => value.squeeze(&(0..leading).collect::<Vec<_>>())?,
    };
    let axes = &axes[axes.len() - value.ndim()..];
    let mut cut = Vec::new();
    let mut maps = Vec::new();
    for (have, axis) in value.chunks().iter().zip(axes) {
        let n = extent(have);
        if n == 1 && axis.extent != 1 {
            cut.push(Arc::from([1]));
            let spans = axis.spans.iter().map(|&(from, to)| (0, u32::from(to > from))).collect();
            maps.push(AxisMap::Ranges { axis: axis.axis as u8, spans });
            continue;
        }
        let other = n != axis.extent && axis.extent != UNKNOWN;
        if n != UNKNOWN && (other || n > axis.most) {
            return Err(refuse());
        }
        let blocks = match &axis.blocks {
            Some(blocks) if n != UNKNOWN => blocks.clone(),
            _ => Arc::from([n]),
        };
        cut.push(blocks);
        let spans = Arc::clone(&axis.spans);
        maps.push(AxisMap::Ranges { axis: axis.axis as u8, spans });
    }
    let value = value.rechunked(cut.into_iter().collect())?;
    Ok((value, IndexMap::Axes(maps.into())))
}
