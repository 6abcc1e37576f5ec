//! Groups of positions along an axis, each of which comes to lie in one block.
//!
//! Small groups share a block while it stays about as large as the blocks were; where a group is
//! larger than any of them, the other axes are cut finer, so that blocks don't grow.

use std::sync::Arc;

use crate::error::{ArrayError, Result};
use crate::plan::array::Array;
use crate::plan::chunks::{AxisChunks, Chunks, UNKNOWN, extent};
use crate::plan::take::{self, Points};

impl Array {
    /// The elements at `positions` along `axis`; `lengths` cuts the positions into groups, of which
    /// none is spread over blocks. Blocks may be `tolerance` times as large as they were.
    ///
    /// # Errors
    /// If extents along the axis are unknown, or a position is outside of it.
    pub fn shuffled(
        &self,
        axis: usize,
        positions: &[usize],
        lengths: &[usize],
        tolerance: f64,
    ) -> Result<Self> {
        let blocks = &self.chunks()[axis];
        if !self.chunks().is_known() {
            return Err(ArrayError::Value(format!(
                "Shuffling only allowed with known chunk sizes, got {}; call \
                 compute_chunk_sizes() first",
                self.chunks()
            )));
        }
        let n = extent(blocks);
        if let Some(outside) = positions.iter().find(|&&position| position >= n) {
            return Err(ArrayError::Index(format!(
                "Indexer contains out of bounds index. Dimension only has {n} elements, got \
                 {outside}"
            )));
        }
        if lengths == &blocks[..] && positions.iter().copied().eq(0..n) {
            return Ok(self.clone());
        }
        let merged = merged_groups(lengths, n as f64 / blocks.len() as f64 * tolerance);
        let longest = lengths.iter().copied().max().unwrap_or(0) as f64;
        let largest = blocks.iter().copied().max().unwrap_or(0).max(1) as f64;
        let source = match longest > largest * tolerance {
            true => self.rechunked(cut_others(self.chunks(), axis, longest / largest))?,
            false => self.clone(),
        };
        let positions: [Arc<[usize]>; 1] = [positions.into()];
        let shape = [positions[0].len()];
        let points = Points { axes: &[axis], positions: &positions, shape: &shape, at: axis };
        let plan = take::plan(source.chunks(), &points, merged)?;
        let inputs = vec![(source.clone(), plan.map)];
        Self::layer("shuffle", plan.kernel, inputs, plan.chunks, self.dtype())
    }
}

/// Groups joined with their neighbours, up to `limit` elements.
fn merged_groups(lengths: &[usize], limit: f64) -> AxisChunks {
    let mut merged: Vec<usize> = Vec::new();
    for &n in lengths.iter().filter(|&&n| n > 0) {
        match merged.last_mut() {
            Some(last) if (*last + n) as f64 <= limit => *last += n,
            _ => merged.push(n),
        }
    }
    if merged.is_empty() {
        merged.push(0);
    }
    merged.into()
}

/// The chunks with blocks that are `factor` times smaller, by cuts through other axes than `axis`:
/// all of them by the same factor, but none below 1.
fn cut_others(chunks: &Chunks, axis: usize, factor: f64) -> Chunks {
    let largest = chunks.largest_block();
    let mut open: Vec<usize> = (0..chunks.ndim()).filter(|&other| other != axis).collect();
    let mut factor = factor;
    let mut target: Vec<f64> = vec![1.0; chunks.ndim()];
    while !open.is_empty() {
        let each = factor.powf(1.0 / open.len() as f64);
        let (small, rest): (Vec<usize>, Vec<usize>) =
            open.iter().copied().partition(|&other| largest[other] as f64 <= each);
        if small.is_empty() {
            for &other in &rest {
                target[other] = largest[other] as f64 / each;
            }
            break;
        }
        // These can only be cut into single elements: the others make up for it.
        factor = small.iter().fold(factor, |left, &other| left / largest[other].max(1) as f64);
        open = rest;
    }
    let cut = |other: usize| -> AxisChunks {
        if other == axis {
            return chunks[axis].clone();
        }
        chunks[other].iter().flat_map(|&n| even(n, target[other])).collect()
    };
    Chunks::new((0..chunks.ndim()).map(cut))
}

/// `n` in equal parts of at most `most`.
fn even(n: usize, most: f64) -> impl Iterator<Item = usize> {
    debug_assert_ne!(n, UNKNOWN);
    let parts = ((n as f64 / most).ceil() as usize).clamp(1, n.max(1));
    (0..parts).map(move |part| n / parts + usize::from(part < n % parts))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_share_blocks_up_to_the_limit() {
        assert_eq!(*merged_groups(&[3, 2, 3], 5.0), [5, 3]);
        assert_eq!(*merged_groups(&[3, 2, 3], 4.0), [3, 2, 3]);
        assert_eq!(*merged_groups(&[1, 6, 0, 1], 5.0), [1, 6, 1]);
        assert_eq!(*merged_groups(&[0], 5.0), [0]);
    }

    #[test]
    fn other_axes_are_cut_as_evenly_as_they_can_be() {
        let of = |axes: &[&[usize]]| -> Chunks { axes.iter().copied().collect() };
        let chunks = of(&[&[45, 100, 38, 67], &[10; 5]]);
        let cut = cut_others(&chunks, 1, 2.0);
        assert_eq!(*cut[0], [45, 50, 50, 38, 34, 33]);
        assert_eq!(cut[1], chunks[1]);
        let cut = cut_others(&of(&[&[5], &[10; 5], &[2, 3]]), 1, 10.0);
        assert_eq!((&*cut[0], &*cut[2]), (&[2, 1, 1, 1][..], &[1; 5][..]));
        let cut = cut_others(&of(&[&[5], &[10; 5], &[2, 3]]), 1, 100.0);
        assert_eq!((&*cut[0], &*cut[2]), (&[1; 5][..], &[1; 5][..]));
        let cut = cut_others(&of(&[&[4]]), 0, 3.0);
        assert_eq!(*cut[0], [4]);
    }
}
