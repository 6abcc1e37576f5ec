//! Chunks: how an array is cut, axis by axis.
//!
//! The extent of a block may be [`UNKNOWN`]: a boolean mask keeps as many rows as computing tells.
//! What can be done without knowing still works; the rest asks to compute the sizes first.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use smallvec::SmallVec;

use crate::error::{ArrayError, Result};
use crate::kernel::Dims;
use crate::ops::source::{Bounds, bounds};

/// The extent of a block along an axis that only computing tells.
pub const UNKNOWN: usize = usize::MAX;

/// The extents of the blocks along one axis.
pub type AxisChunks = Arc<[usize]>;

/// The extents of the blocks along every axis.
#[derive(Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Chunks(SmallVec<[AxisChunks; 4]>);

/// The extent of an axis: the sum of its blocks, [`UNKNOWN`] if one of them is.
#[must_use]
pub fn extent(blocks: &[usize]) -> usize {
    if blocks.contains(&UNKNOWN) { UNKNOWN } else { blocks.iter().sum() }
}

impl Chunks {
    /// Chunks of these axes. An axis without blocks gets one of extent 0.
    #[must_use]
    pub fn new(axes: impl IntoIterator<Item = AxisChunks>) -> Self {
        let filled = |axis: AxisChunks| if axis.is_empty() { Arc::from([0]) } else { axis };
        Self(axes.into_iter().map(filled).collect())
    }

    /// One block for the whole shape.
    #[must_use]
    pub fn single(shape: &[usize]) -> Self {
        Self(shape.iter().map(|&extent| Arc::from([extent])).collect())
    }

    /// Extents of the axes, [`UNKNOWN`] where a block's is.
    #[must_use]
    pub fn shape(&self) -> Dims {
        self.iter().map(|axis| extent(axis)).collect()
    }

    /// How many blocks there are along every axis.
    #[must_use]
    pub fn grid(&self) -> Box<[u32]> {
        self.iter().map(|axis| u32::try_from(axis.len()).unwrap_or(u32::MAX)).collect()
    }

    /// Number of axes.
    #[must_use]
    pub fn ndim(&self) -> usize {
        self.0.len()
    }

    /// Whether all extents are known.
    #[must_use]
    pub fn is_known(&self) -> bool {
        (0..self.ndim()).all(|axis| self.axis_known(axis))
    }

    /// Whether all extents of an axis are known.
    #[must_use]
    pub fn axis_known(&self, axis: usize) -> bool {
        !self[axis].contains(&UNKNOWN)
    }

    /// How many blocks there are.
    #[must_use]
    pub fn n_blocks(&self) -> u128 {
        self.iter().map(|axis| axis.len() as u128).product()
    }

    /// How many elements there are; `None` if unknown.
    #[must_use]
    pub fn n_elements(&self) -> Option<u128> {
        let shape = self.shape();
        (!shape.contains(&UNKNOWN)).then(|| shape.iter().map(|&n| n as u128).product())
    }

    /// Where the blocks of an axis start. Unknown extents count as nothing.
    #[must_use]
    pub fn bounds(&self, axis: usize) -> Bounds {
        if self.axis_known(axis) {
            bounds(&self[axis])
        } else {
            std::iter::repeat_n(0, self[axis].len() + 1).collect()
        }
    }

    /// Where the blocks start, axis by axis.
    #[must_use]
    pub fn all_bounds(&self) -> Vec<Bounds> {
        (0..self.ndim()).map(|axis| self.bounds(axis)).collect()
    }

    /// The extents of the largest block; unknown ones are left out of account.
    #[must_use]
    pub fn largest_block(&self) -> Dims {
        let largest = |axis: &AxisChunks| axis.iter().filter(|&&n| n != UNKNOWN).max().copied();
        self.iter().map(|axis| largest(axis).unwrap_or(0)).collect()
    }

    /// Bytes of the largest block.
    #[must_use]
    pub fn max_block_bytes(&self, itemsize: usize) -> u128 {
        let elements = self.largest_block().iter().map(|&n| n as u128).product::<u128>();
        elements.saturating_mul(itemsize as u128)
    }

    /// The extents of the block at `coords`.
    #[must_use]
    pub fn block_shape(&self, coords: &[u32]) -> Dims {
        self.iter().zip(coords).map(|(axis, &c)| axis[c as usize]).collect()
    }

    /// The same with other blocks along one axis.
    #[must_use]
    pub fn with_axis(mut self, axis: usize, blocks: impl Into<AxisChunks>) -> Self {
        self.0[axis] = blocks.into();
        self
    }

    /// The axes, to be changed: every one must keep at least one block.
    #[must_use]
    pub fn into_axes(self) -> SmallVec<[AxisChunks; 4]> {
        self.0
    }

    /// Fails if an extent is unknown.
    ///
    /// # Errors
    /// A `ValueError` that names the way out; `what` cannot be done.
    pub fn require_known(&self, what: &str) -> Result<()> {
        if self.is_known() {
            return Ok(());
        }
        Err(ArrayError::Value(format!(
            "{what} needs to know the chunk sizes, but the array has shape {} with unknown chunks \
             {self}; compute them first with x.compute_chunk_sizes()",
            Tuple(&self.shape())
        )))
    }
}

impl Deref for Chunks {
    type Target = [AxisChunks];

    fn deref(&self) -> &[AxisChunks] {
        &self.0
    }
}

impl FromIterator<AxisChunks> for Chunks {
    fn from_iter<I: IntoIterator<Item = AxisChunks>>(axes: I) -> Self {
        Self::new(axes)
    }
}

impl<'a> FromIterator<&'a [usize]> for Chunks {
    fn from_iter<I: IntoIterator<Item = &'a [usize]>>(axes: I) -> Self {
        Self::new(axes.into_iter().map(Arc::from))
    }
}

/// Extents as Python shows a tuple; `nan` for unknown ones.
pub struct Tuple<'a>(pub &'a [usize]);

impl fmt::Display for Tuple<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (i, &n) in self.0.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            if n == UNKNOWN { f.write_str("nan")? } else { write!(f, "{n}")? }
        }
        f.write_str(if self.0.len() == 1 { ",)" } else { ")" })
    }
}

impl fmt::Display for Chunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(")?;
        for (i, axis) in self.iter().enumerate() {
            write!(f, "{}{}", if i > 0 { ", " } else { "" }, Tuple(axis))?;
        }
        f.write_str(if self.ndim() == 1 { ",)" } else { ")" })
    }
}

impl fmt::Debug for Chunks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Chunks{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(axes: &[&[usize]]) -> Chunks {
        axes.iter().copied().collect()
    }

    #[test]
    fn chunks_know_shape_and_grid() {
        let c = chunks(&[&[2, 3], &[4]]);
        assert_eq!(c.shape().as_slice(), [5, 4]);
        assert_eq!(&*c.grid(), [2, 1]);
        assert_eq!(c.n_blocks(), 2);
        assert_eq!(&*c.bounds(0), [0, 2, 5]);
        assert_eq!(c.max_block_bytes(8), 96);
        assert_eq!(c.block_shape(&[1, 0]).as_slice(), [3, 4]);
        assert_eq!(c.to_string(), "((2, 3), (4,))");
        assert_eq!(Chunks::single(&[]).n_blocks(), 1);
    }

    #[test]
    fn unknown_extents_spread_to_the_shape_and_are_named() {
        let c = chunks(&[&[2, UNKNOWN], &[4]]);
        assert_eq!(c.shape().as_slice(), [UNKNOWN, 4]);
        assert!(!c.is_known() && c.axis_known(1));
        assert_eq!(c.n_elements(), None);
        let error = c.require_known("reshape").unwrap_err().to_string();
        assert!(error.contains("(nan, 4)") && error.contains("((2, nan), (4,))"), "{error}");
    }

    #[test]
    fn an_axis_without_blocks_is_one_empty_block() {
        assert_eq!(chunks(&[&[]]), chunks(&[&[0]]));
    }
}
