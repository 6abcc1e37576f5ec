//! Indexing of arrays: what [`crate::plan::index`] makes of square brackets, as layers.

use std::sync::Arc;

use oxidask_core::dag::Csr;
use oxidask_core::layer::{AxisMap, IndexMap};

use crate::dtype::DType;
use crate::error::{ArrayError, Result};
use crate::ops::mask::Compress;
use crate::ops::slice::{Slice, SliceAxis};
use crate::ops::take::TakeBy;
use crate::plan::array::Array;
use crate::plan::chunks::{AxisChunks, Chunks, UNKNOWN, extent};
use crate::plan::index::{AxisIndex, Index, Normal, OutAxis, Range, normalize};
use crate::plan::take::{Points, point_blocks};
use crate::plan::unify::common_axis;
use crate::plan::{slice, take};

impl Array {
    /// What NumPy gives for `x[indices]`.
    ///
    /// # Errors
    /// NumPy's, and a `ValueError` where an unknown extent would have to be known.
    pub fn getitem(&self, indices: &[Index]) -> Result<Self> {
        self.indexed(&normalize(indices, &self.shape())?)
    }

    /// The same with the axes of index arrays always first.
    ///
    /// # Errors
    /// As [`Array::getitem`].
    pub fn vindex(&self, indices: &[Index]) -> Result<Self> {
        let mut normal = normalize(indices, &self.shape())?;
        if let Some(at) = normal.out.iter().position(|out| *out == OutAxis::Points) {
            let points = normal.out.remove(at);
            normal.out.insert(0, points);
        }
        self.indexed(&normal)
    }

    fn indexed(&self, normal: &Normal) -> Result<Self> {
        if normal.is_identity(&self.shape()) {
            return Ok(self.clone());
        }
        if normal.points.is_empty() {
            return self.sliced(&normal.axes, &normal.out);
        }
        // Slices first, so that only blocks that are left are gathered from.
        let kept: Vec<usize> = (0..self.ndim())
            .filter(|&axis| !matches!(normal.axes[axis], AxisIndex::At(_)))
            .collect();
        let out: Vec<OutAxis> = kept.iter().map(|&axis| OutAxis::Axis(axis)).collect();
        let whole = kept.len() == self.ndim()
            && normal.axes.iter().zip(self.shape()).all(|(axis, n)| match axis {
                AxisIndex::Range(range) => range.is_all(n),
                _ => true,
            });
        let sliced = if whole { self.clone() } else { self.sliced(&normal.axes, &out)? };
        let mut axes = Vec::new();
        let mut positions = Vec::new();
        for (place, &axis) in kept.iter().enumerate() {
            if let AxisIndex::Points(array) = normal.axes[axis] {
                axes.push(place);
                positions.push(Arc::clone(&normal.points[array]));
            }
        }
        let at = normal
            .out
            .iter()
            .take_while(|out| **out != OutAxis::Points)
            .filter(|out| matches!(out, OutAxis::Axis(_)))
            .count();
        let shape = normal.points_shape.as_slice();
        let taken = sliced.taken(&Points { axes: &axes, positions: &positions, shape, at })?;
        taken.with_new_axes(normal)
    }

    /// One layer of views.
    fn sliced(&self, axes: &[AxisIndex], out: &[OutAxis]) -> Result<Self> {
        let plan = slice::plan(self.chunks(), axes, out);
        let inputs = vec![(self.clone(), IndexMap::Axes(plan.maps))];
        Self::layer("getitem", plan.kernel, inputs, plan.chunks, self.dtype())
    }

    fn taken(&self, points: &Points<'_>) -> Result<Self> {
        if let Some(range) = self.as_range(points) {
            let index = |axis: usize| match axis == points.axes[0] {
                true => AxisIndex::Range(range),
                false => AxisIndex::Range(Range::all(self.shape()[axis])),
            };
            let axes: Vec<AxisIndex> = (0..self.ndim()).map(index).collect();
            let out: Vec<OutAxis> = (0..self.ndim()).map(OutAxis::Axis).collect();
            if range.is_all(self.shape()[points.axes[0]]) {
                return Ok(self.clone());
            }
            return self.sliced(&axes, &out);
        }
        let blocks = point_blocks(self.chunks(), points, self.dtype().map_or(8, DType::itemsize));
        let plan = take::plan(self.chunks(), points, blocks)?;
        let inputs = vec![(self.clone(), plan.map)];
        Self::layer("take", plan.kernel, inputs, plan.chunks, self.dtype())
    }

    /// The points as a slice, if they are one after the other and more than a block has.
    fn as_range(&self, points: &Points<'_>) -> Option<Range> {
        let ([axis], [positions], [n]) = (points.axes, points.positions, points.shape) else {
            return None;
        };
        let consecutive = positions.windows(2).all(|pair| pair[1] == pair[0] + 1);
        let large = *n >= self.chunks().largest_block()[*axis];
        (consecutive && large && points.at == *axis && *n > 0).then(|| Range {
            start: positions[0],
            step: 1,
            len: *n,
        })
    }

    /// Puts in the new axes that stood beside index arrays.
    fn with_new_axes(&self, normal: &Normal) -> Result<Self> {
        if !normal.out.iter().any(|out| matches!(out, OutAxis::New(_))) {
            return Ok(self.clone());
        }
        let mut out = Vec::new();
        let mut axis = 0;
        let mut next = || {
            axis += 1;
            OutAxis::Axis(axis - 1)
        };
        for what in &normal.out {
            match what {
                OutAxis::New(_) => out.push(*what),
                OutAxis::Axis(_) => out.push(next()),
                OutAxis::Points => out.extend(normal.points_shape.iter().map(|_| next())),
            }
        }
        let axes: Vec<AxisIndex> =
            self.shape().iter().map(|&n| AxisIndex::Range(Range::all(n))).collect();
        self.sliced(&axes, &out)
    }

    /// Elements along an axis by an array of positions that is computed, of one axis.
    ///
    /// # Errors
    /// If the positions have more than one axis. Positions outside fail when they are computed.
    pub fn take_by(&self, axis: usize, positions: &Self) -> Result<Self> {
        if positions.ndim() != 1 {
            return Err(ArrayError::Unsupported(format!(
                "indexing by a lazy array of {} axes; index by one axis and reshape, or compute \
                 the indices first",
                positions.ndim()
            )));
        }
        let indices = IndexMap::Axes(Box::new([AxisMap::Same(axis as u8)]));
        let along = |a: usize| if a == axis { AxisMap::Every } else { AxisMap::Same(a as u8) };
        let blocks = IndexMap::Axes((0..self.ndim()).map(along).collect());
        let chunks = self.chunks().clone().with_axis(axis, positions.chunks()[0].clone());
        let inputs = vec![(positions.clone(), indices), (self.clone(), blocks)];
        Self::layer("take", TakeBy { axis: axis as u8 }, inputs, chunks, self.dtype())
    }

    /// Elements along an axis where a lazy mask of one axis is true; so many that only computing
    /// tells.
    ///
    /// # Errors
    /// If the mask isn't boolean, or of another extent than the axis.
    pub fn compress(&self, axis: usize, mask: &Self) -> Result<Self> {
        let (n, m) = (extent(&self.chunks()[axis]), mask.shape());
        if m.len() != 1 || (m[0] != n && m[0] != UNKNOWN && n != UNKNOWN) {
            return Err(ArrayError::Index(format!(
                "boolean index did not match indexed array along axis {axis}; size of axis is {n} \
                 but size of corresponding boolean axis is {m:?}"
            )));
        }
        if mask.dtype().is_some_and(|dtype| dtype != DType::Bool) {
            return Err(ArrayError::Index("a mask must be boolean".into()));
        }
        let blocks = common_axis(&[&self.chunks()[axis], &mask.chunks()[0]])?;
        let cut = |array: &Self, axis: usize| match array.chunks().axis_known(axis) {
            true => array.rechunked(array.chunks().clone().with_axis(axis, blocks.clone())),
            false => Ok(array.clone()),
        };
        let (source, mask) = (cut(self, axis)?, cut(mask, 0)?);
        let unknown: AxisChunks = blocks.iter().map(|_| UNKNOWN).collect();
        let chunks = source.chunks().clone().with_axis(axis, unknown);
        let same = (0..self.ndim()).map(|a| AxisMap::Same(a as u8)).collect();
        let along = Box::new([AxisMap::Same(axis as u8)]);
        let inputs = vec![(source, IndexMap::Axes(same)), (mask, IndexMap::Axes(along))];
        Self::layer("compress", Compress { axis: axis as u8 }, inputs, chunks, self.dtype())
    }

    /// Some blocks along every axis, in any order.
    ///
    /// # Errors
    /// If there is no such block.
    pub fn blocks(&self, wanted: &[Vec<u32>]) -> Result<Self> {
        let (mut axes, mut maps): (Vec<AxisChunks>, Vec<AxisMap>) = (Vec::new(), Vec::new());
        for (axis, (blocks, have)) in wanted.iter().zip(self.chunks().iter()).enumerate() {
            let mut rows = Csr::with_capacity(blocks.len(), blocks.len());
            let mut extents = Vec::with_capacity(blocks.len());
            for &block in blocks {
                let extent = have.get(block as usize).ok_or_else(|| {
                    ArrayError::Index(format!(
                        "block {block} is out of bounds for axis {axis} of {} blocks",
                        have.len()
                    ))
                })?;
                extents.push(*extent);
                rows.push_row([block]);
            }
            if blocks.is_empty() {
                return Err(ArrayError::Index(format!("no blocks are left along axis {axis}")));
            }
            let all = blocks.len() == have.len()
                && blocks.iter().enumerate().all(|(i, &block)| i == block as usize);
            axes.push(extents.into());
            maps.push(match all {
                true => AxisMap::Same(axis as u8),
                false => AxisMap::Lists { axis: axis as u8, rows: Arc::new(rows) },
            });
        }
        let kernel = Slice { axes: vec![SliceAxis::All; self.ndim()], new: Vec::new() };
        let inputs = vec![(self.clone(), IndexMap::Axes(maps.into()))];
        Self::layer("blocks", kernel, inputs, Chunks::new(axes), self.dtype())
    }
}
