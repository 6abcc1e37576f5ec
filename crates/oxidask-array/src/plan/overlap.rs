//! Blocks that overlap: each with the edges of its neighbours, in one layer.

use std::sync::Arc;

use oxidask_core::dag::Csr;
use oxidask_core::layer::{AxisMap, IndexMap};

use crate::error::{ArrayError, Result};
use crate::ops::overlap::{AxisTrim, Boundary, Halo, Overlap, Trim};
use crate::plan::array::Array;
use crate::plan::chunks::{AxisChunks, Tuple, UNKNOWN};

impl Array {
    /// Every block with its neighbours' edges.
    ///
    /// # Errors
    /// [`ArrayError::Value`] if a block is smaller than the edge that its neighbour takes of it.
    pub fn overlap(&self, axes: Vec<Halo>) -> Result<Self> {
        if axes.len() != self.ndim() {
            return Err(ArrayError::Value(format!(
                "edges for {} axes of an array of {}",
                axes.len(),
                self.ndim()
            )));
        }
        let mut chunks = Vec::with_capacity(axes.len());
        let mut maps = Vec::with_capacity(axes.len());
        for (axis, halo) in axes.iter().enumerate() {
            let blocks = &self.chunks()[axis];
            check_depth(blocks, halo, axis)?;
            let n = blocks.len() as u32;
            chunks.push(extended(blocks, halo));
            maps.push(match halo.boundary {
                _ if halo.before == 0 && halo.after == 0 => AxisMap::Same(axis as u8),
                Boundary::Periodic => {
                    let mut rows = Csr::with_capacity(blocks.len(), 3 * blocks.len());
                    for at in 0..n {
                        rows.push_row(halo.reads(at, n).blocks);
                    }
                    AxisMap::Lists { axis: axis as u8, rows: Arc::new(rows) }
                }
                _ => AxisMap::Halo {
                    axis: axis as u8,
                    before: u32::from(halo.before > 0),
                    after: u32::from(halo.after > 0),
                },
            });
        }
        let inputs = vec![(self.clone(), IndexMap::Axes(maps.into()))];
        let chunks = chunks.into_iter().collect();
        Self::layer("overlap", Overlap { axes }, inputs, chunks, self.dtype())
    }

    /// Every block without its edges.
    ///
    /// # Errors
    /// [`ArrayError::Value`] if there are not as many trims as axes.
    pub fn trim(&self, axes: Vec<AxisTrim>) -> Result<Self> {
        if axes.len() != self.ndim() {
            return Err(ArrayError::Value(format!(
                "edges to trim for {} axes of an array of {}",
                axes.len(),
                self.ndim()
            )));
        }
        let trimmed = |(blocks, trim): (&AxisChunks, &AxisTrim)| -> AxisChunks {
            let n = blocks.len() as u32;
            let extent = |(at, &extent): (usize, &usize)| {
                let (before, after) = trim.of(at as u32, n);
                if extent == UNKNOWN { UNKNOWN } else { extent.saturating_sub(before + after) }
            };
            blocks.iter().enumerate().map(extent).collect()
        };
        let chunks = self.chunks().iter().zip(&axes).map(trimmed).collect();
        let inputs = vec![(self.clone(), IndexMap::Identity)];
        Self::layer("trim", Trim { axes }, inputs, chunks, self.dtype())
    }
}

fn check_depth(blocks: &[usize], halo: &Halo, axis: usize) -> Result<()> {
    let depth = halo.before.max(halo.after);
    if depth == 0 {
        return Ok(());
    }
    if let Some(&small) = blocks.iter().find(|&&n| n < depth) {
        // Only neighbours and boundaries take edges.
        if blocks.len() > 1 || halo.boundary.is_some() {
            return Err(ArrayError::Value(format!(
                "The overlapping depth {depth} is larger than your smallest chunk size {small} \
                 along axis {axis}, whose chunks are {}. Rechunk your array with a larger chunk \
                 size or a chunk size that more evenly divides the shape of your array.",
                Tuple(blocks)
            )));
        }
    }
    Ok(())
}

fn extended(blocks: &[usize], halo: &Halo) -> AxisChunks {
    let last = blocks.len() - 1;
    let extent = |(at, &extent): (usize, &usize)| {
        if extent == UNKNOWN {
            return UNKNOWN;
        }
        let ends = halo.boundary.is_some();
        let before = if ends || at > 0 { halo.before } else { 0 };
        let after = if ends || at < last { halo.after } else { 0 };
        extent + before + after
    };
    blocks.iter().enumerate().map(extent).collect()
}

/// The cut of an axis next to `blocks` in which every block has `least` elements: a small block takes
/// what it lacks from the one before, or joins it where that has nothing to spare.
///
/// # Errors
/// [`ArrayError::Value`] if the axis itself is smaller.
pub fn ensure_minimum(least: usize, blocks: &[usize]) -> Result<AxisChunks> {
    if blocks.iter().all(|&n| n >= least) {
        return Ok(blocks.into());
    }
    let mut cut: Vec<usize> = Vec::with_capacity(blocks.len());
    // What comes before the first block that is large enough.
    let mut carried = 0;
    for &block in blocks {
        let block = block + std::mem::take(&mut carried);
        if block >= least {
            cut.push(block);
            continue;
        }
        match cut.last_mut() {
            Some(last) if *last + block >= 2 * least => {
                *last = *last + block - least;
                cut.push(least);
            }
            Some(last) => *last += block,
            None => carried = block,
        }
    }
    if cut.is_empty() {
        return Err(ArrayError::Value(format!(
            "The overlapping depth {least} is larger than your array {carried}."
        )));
    }
    Ok(cut.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dtype::DType;
    use crate::kernel::Chunk;
    use crate::ops::source::Full;

    fn zeros(axes: &[&[usize]]) -> Array {
        let chunks: crate::plan::chunks::Chunks = axes.iter().copied().collect();
        let kernel = Full { value: Chunk::scalar(0i64).unwrap(), bounds: chunks.all_bounds() };
        Array::source("full", kernel, chunks, DType::I64).unwrap()
    }

    #[test]
    fn small_blocks_take_from_the_one_before() {
        let least_ten = |blocks: &[usize]| ensure_minimum(10, blocks).unwrap().to_vec();
        assert_eq!(least_ten(&[10, 10, 1]), [10, 11]);
        assert_eq!(least_ten(&[20, 20, 20, 1]), [20, 20, 11, 10]);
        assert_eq!(least_ten(&[2, 20, 2, 20]), [14, 10, 20]);
        assert_eq!(least_ten(&[1, 1, 1, 1, 7]), [11]);
        assert!(ensure_minimum(10, &[5, 2, 1, 1]).is_err());
    }

    #[test]
    fn chunks_grow_by_the_edges() {
        let halo = |before, after, boundary| Halo { before, after, boundary };
        let axes = vec![halo(2, 1, Boundary::None), halo(1, 1, Boundary::Periodic)];
        let overlapped = zeros(&[&[4, 4, 4], &[3, 3]]).overlap(axes).unwrap();
        assert_eq!(overlapped.chunks().to_string(), "((5, 7, 6), (5, 5))");
        let trims = vec![
            AxisTrim { before: 2, after: 1, ends: false },
            AxisTrim { before: 1, after: 1, ends: true },
        ];
        assert_eq!(overlapped.trim(trims).unwrap().chunks().to_string(), "((4, 4, 4), (3, 3))");
        let error = zeros(&[&[4, 1]]).overlap(vec![halo(2, 2, Boundary::None)]);
        assert!(error.is_err());
    }
}
