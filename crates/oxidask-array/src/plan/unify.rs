//! Common chunks for arrays that are computed together.
//!
//! Axes with the same letter get the same blocks: the coarsest cut that has every array's block
//! boundaries. Axes of extent 1 stretch to any other. Nothing can be cut anew where extents are
//! unknown, so there the number of blocks must agree.

use std::sync::Arc;

use rustc_hash::FxHashMap;
use smallvec::SmallVec;

use crate::error::{ArrayError, Result};
use crate::plan::chunks::{AxisChunks, Chunks, Tuple, UNKNOWN, extent};

/// Letters of an array's axes, as in Einstein's sums.
pub type Letters = SmallVec<[u32; 4]>;

/// What [`unify`] finds.
#[derive(Debug, Clone, PartialEq)]
pub struct Unified {
    /// The blocks of every letter.
    pub axes: FxHashMap<u32, AxisChunks>,
    /// How each array must be cut: as it is, if nothing changes.
    pub chunks: Vec<Chunks>,
}

/// The common blocks of an axis.
///
/// # Errors
/// If extents differ, or unknown ones differ in number.
pub fn common_axis(candidates: &[&AxisChunks]) -> Result<AxisChunks> {
    let Some((first, rest)) = candidates.split_first() else { return Ok(Arc::from([0])) };
    if rest.iter().all(|other| other == first) {
        return Ok((*first).clone());
    }
    let shown = || {
        let all: Vec<_> = candidates.iter().map(|blocks| Tuple(blocks).to_string()).collect();
        all.join(", ")
    };
    if let Some(unknown) = candidates.iter().find(|blocks| blocks.contains(&UNKNOWN)) {
        if candidates.iter().any(|blocks| blocks.len() != unknown.len()) {
            return Err(ArrayError::Value(format!(
                "Arrays' chunk sizes ({}) are unknown and differ in number.\n\nA possible \
                 solution:\n  x.compute_chunk_sizes()",
                shown()
            )));
        }
        // Where one array knows a block's extent, the others must have the same.
        let known = |i: usize| {
            candidates.iter().map(|blocks| blocks[i]).find(|&n| n != UNKNOWN).unwrap_or(UNKNOWN)
        };
        return Ok((0..unknown.len()).map(known).collect());
    }
    let total = extent(first);
    if rest.iter().any(|other| extent(other) != total) {
        return Err(ArrayError::Value(format!("Chunks do not add up to same value: {}", shown())));
    }
    let mut ends: Vec<usize> = Vec::new();
    for blocks in candidates {
        let mut at = 0;
        ends.extend(blocks.iter().map(|n| {
            at += n;
            at
        }));
    }
    ends.sort_unstable();
    ends.dedup();
    let mut start = 0;
    let cut =
        |end: usize| (end > start || total == 0).then(|| end - std::mem::replace(&mut start, end));
    Ok(ends.into_iter().filter_map(cut).collect())
}

/// Whether an axis stretches: one block of extent 1.
fn is_one(blocks: &[usize]) -> bool {
    extent(blocks) == 1
}

/// Common chunks of arrays whose axes carry letters.
///
/// # Errors
/// If axes of one letter differ in extent.
///
/// # Panics
/// If an array has not as many letters as axes.
pub fn unify(arrays: &[(&Chunks, &[u32])]) -> Result<Unified> {
    let mut candidates: FxHashMap<u32, Vec<&AxisChunks>> = FxHashMap::default();
    for (chunks, letters) in arrays {
        assert_eq!(chunks.ndim(), letters.len(), "one letter for each axis");
        for (blocks, &letter) in chunks.iter().zip(*letters) {
            candidates.entry(letter).or_default().push(blocks);
        }
    }
    let one: AxisChunks = Arc::from([1]);
    let mut axes = FxHashMap::default();
    for (letter, all) in candidates {
        let long: Vec<&AxisChunks> = all.iter().copied().filter(|blocks| !is_one(blocks)).collect();
        let blocks = if long.is_empty() { one.clone() } else { common_axis(&long)? };
        axes.insert(letter, blocks);
    }
    let recut = |(chunks, letters): &(&Chunks, &[u32])| -> Chunks {
        let axis = |(blocks, letter): (&AxisChunks, &u32)| {
            if is_one(blocks) {
                one.clone()
            } else if blocks.contains(&UNKNOWN) {
                blocks.clone()
            } else {
                axes.get(letter).filter(|new| !new.contains(&UNKNOWN)).unwrap_or(blocks).clone()
            }
        };
        chunks.iter().zip(*letters).map(axis).collect()
    };
    let chunks = arrays.iter().map(recut).collect();
    Ok(Unified { axes, chunks })
}

/// NumPy's broadcasting: the letters of arrays whose last axes meet. Letter 0 is the last axis.
#[must_use]
pub fn trailing_letters(ndim: usize) -> Letters {
    (0..ndim as u32).rev().collect()
}

/// Chunks of the result of broadcasting arrays, and how each must be cut for it.
///
/// # Errors
/// NumPy's, with all shapes, if these can't be broadcast together.
pub fn broadcast_chunks(arrays: &[&Chunks]) -> Result<(Chunks, Vec<Chunks>)> {
    broadcast_shapes(&arrays.iter().map(|chunks| chunks.shape().to_vec()).collect::<Vec<_>>())?;
    let letters: Vec<Letters> = arrays.iter().map(|c| trailing_letters(c.ndim())).collect();
    let lettered: Vec<(&Chunks, &[u32])> =
        arrays.iter().zip(&letters).map(|(&chunks, l)| (chunks, l.as_slice())).collect();
    let unified = unify(&lettered)?;
    let ndim = arrays.iter().map(|chunks| chunks.ndim()).max().unwrap_or(0);
    let axes = trailing_letters(ndim).into_iter().filter_map(|l| unified.axes.get(&l).cloned());
    Ok((axes.collect(), unified.chunks))
}

/// The shape that shapes broadcast to. Unknown extents fit to anything.
///
/// # Errors
/// NumPy's, with all shapes.
pub fn broadcast_shapes(shapes: &[Vec<usize>]) -> Result<Vec<usize>> {
    let ndim = shapes.iter().map(Vec::len).max().unwrap_or(0);
    let mut result = vec![1; ndim];
    for shape in shapes {
        for (to, &from) in result[ndim - shape.len()..].iter_mut().zip(shape) {
            if *to == 1 || (*to == UNKNOWN && from != 1) {
                *to = from;
            } else if from != 1 && from != *to && from != UNKNOWN {
                let all: Vec<_> = shapes.iter().map(|s| Tuple(s).to_string()).collect();
                return Err(ArrayError::Value(format!(
                    "operands could not be broadcast together with shapes {}",
                    all.join(" ")
                )));
            }
        }
    }
    Ok(result)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn chunks(axes: &[&[usize]]) -> Chunks {
        axes.iter().copied().collect()
    }

    fn common(candidates: &[&[usize]]) -> Result<Vec<usize>> {
        let owned: Vec<AxisChunks> = candidates.iter().map(|&blocks| blocks.into()).collect();
        common_axis(&owned.iter().collect::<Vec<_>>()).map(|blocks| blocks.to_vec())
    }

    #[test]
    fn the_common_cut_has_every_boundary_and_no_other() {
        assert_eq!(common(&[&[10, 10], &[5, 15], &[20]]).unwrap(), [5, 5, 10]);
        assert_eq!(common(&[&[4, 6], &[10]]).unwrap(), [4, 6]);
        assert_eq!(common(&[&[5, 0, 5], &[10]]).unwrap(), [5, 5]);
        assert_eq!(common(&[&[0, 0], &[0]]).unwrap(), [0]);
        assert!(common(&[&[4], &[5]]).unwrap_err().to_string().contains("(4,), (5,)"));
    }

    #[test]
    fn unknown_extents_must_match_in_number() {
        assert_eq!(common(&[&[UNKNOWN, UNKNOWN], &[UNKNOWN, 3]]).unwrap(), [UNKNOWN, 3]);
        let error = common(&[&[UNKNOWN, UNKNOWN], &[4]]).unwrap_err().to_string();
        assert!(error.contains("(nan, nan), (4,)"), "{error}");
    }

    #[test]
    fn broadcasting_stretches_axes_of_one() {
        let (a, b) = (chunks(&[&[2, 2], &[1]]), chunks(&[&[3, 4]]));
        let (all, each) = broadcast_chunks(&[&a, &b]).unwrap();
        assert_eq!(all, chunks(&[&[2, 2], &[3, 4]]));
        assert_eq!(each, [a, b]);
    }

    #[test]
    fn broadcasting_cuts_both_operands() {
        let (a, b) = (chunks(&[&[6]]), chunks(&[&[2, 2], &[2, 4]]));
        let (all, each) = broadcast_chunks(&[&a, &b]).unwrap();
        assert_eq!(all, chunks(&[&[2, 2], &[2, 4]]));
        assert_eq!(each[0], chunks(&[&[2, 4]]));
    }

    #[test]
    fn shapes_that_do_not_fit_are_all_named() {
        let error = broadcast_chunks(&[&Chunks::single(&[2]), &Chunks::single(&[3, 4])]);
        let error = error.unwrap_err().to_string();
        assert_eq!(error, "operands could not be broadcast together with shapes (2,) (3, 4)");
    }

    #[test]
    fn contractions_share_the_blocks_of_a_letter() {
        let (a, b) = (chunks(&[&[4], &[5, 5]]), chunks(&[&[2, 8], &[3]]));
        let unified = unify(&[(&a, &[0, 1]), (&b, &[1, 2])]).unwrap();
        assert_eq!(&*unified.axes[&1], [2, 3, 5]);
        assert_eq!(unified.chunks[1], chunks(&[&[2, 3, 5], &[3]]));
    }
}
