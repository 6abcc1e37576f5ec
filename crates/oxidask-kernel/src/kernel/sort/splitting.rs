//! Where to cut sorted blocks so that the pieces between two cuts, merged, are a block of the
//! sorted whole.
//!
//! Cuts must be exact, because the extents of the result's blocks are known beforehand, and no task
//! may read all of the data. So: [`sample`] takes every so-many-th element of each block with its
//! rank; [`brackets`] finds for each wanted rank two samples between which the element of that rank
//! must lie; [`candidates`] counts each block's elements before the bracket and copies those
//! inside; [`cuts`] picks the exact places from those. A block's elements between two samples are
//! few, so every task but the last reads little.

use super::order::Sortable;
use crate::dispatch_sortable;
use crate::error::Result;
use crate::kernel::Chunk;

/// Every `stride`-th element of a sorted block.
///
/// # Errors
/// If there is not enough memory.
pub fn sample(sorted: &Chunk, stride: usize) -> Result<Chunk> {
    let n = sorted.len().div_ceil(stride);
    let picked = if n == 0 { sorted.clone() } else { sorted.sliced(0, 0, stride as isize, n) };
    crate::kernel::copy::contiguous_copy(&picked)
}

/// For each wanted rank two elements `lower <= x < upper` around it, as a chunk of shape
/// (ranks, 2) and one of booleans which says whether each bound is there.
///
/// `samples` are of blocks of `lengths` elements, each taken with its stride of `strides`.
///
/// # Errors
/// If there is not enough memory.
pub fn brackets(
    samples: &[Chunk],
    lengths: &[usize],
    strides: &[usize],
    ranks: &[usize],
) -> Result<(Chunk, Vec<[bool; 2]>)> {
    let dtype = samples[0].dtype();
    dispatch_sortable!(dtype, T => {
        // A sample with, for its block, the ranks of it and of the next sample.
        let mut all = Vec::new();
        for ((chunk, &n), &stride) in samples.iter().zip(lengths).zip(strides) {
            for (i, &x) in chunk.elements::<T>()?.iter().enumerate() {
                all.push((x.key(), x, ((i + 1) * stride).min(n) - i * stride));
            }
        }
        all.sort_unstable_by_key(|sample| sample.0);
        // At most so many elements are less than a sample: all of the strips begun before it; and
        // at least those of each block's strips that ended.
        let slack: usize = strides.iter().sum();
        let mut most = 0;
        let most: Vec<usize> = all
            .iter()
            .map(|sample| {
                let before = most;
                most += sample.2;
                before
            })
            .collect();
        let mut bounds = Vec::with_capacity(2 * ranks.len());
        let mut there = Vec::with_capacity(ranks.len());
        for &rank in ranks {
            // The last sample that surely has no more than `rank` elements before it.
            let lower = most.partition_point(|&most| most <= rank).checked_sub(1);
            // The first sample that surely has more than `rank` elements before it.
            let upper = most.partition_point(|&most| most <= rank + slack);
            let pick = |i: Option<usize>| i.and_then(|i| all.get(i)).map(|sample| sample.1);
            let (lower, upper) = (pick(lower), pick(Some(upper)));
            there.push([lower.is_some(), upper.is_some()]);
            bounds.extend([lower.unwrap_or_default(), upper.unwrap_or_default()]);
        }
        Ok((Chunk::from_slice(&bounds, &[ranks.len(), 2])?.reinterpreted(dtype), there))
    })
}

/// Where a bracket cuts a sorted block: before its elements equal to the lower bound, after them,
/// before those equal to the upper bound, and after them.
pub type Places = [usize; 4];

/// For each bracket its places in a sorted block. Only what lies between the second and third is
/// needed to find the cut: elements equal to a bound are counted, however many they are.
///
/// # Errors
/// If the bounds are of another dtype.
pub fn candidates(sorted: &Chunk, bounds: &Chunk, there: &[[bool; 2]]) -> Result<Vec<Places>> {
    dispatch_sortable!(sorted.dtype(), T => {
        let (block, bounds) = (sorted.elements::<T>()?, bounds.elements::<T>()?);
        Ok(there.iter().enumerate().map(|(i, there)| {
            let before = |bound: T| block.partition_point(|x| x.key() < bound.key());
            let through = |bound: T| block.partition_point(|x| x.key() <= bound.key());
            let (lower, upper) = (bounds[2 * i], bounds[2 * i + 1]);
            let low = if there[0] { [before(lower), through(lower)] } else { [0, 0] };
            let high =
                if there[1] { [before(upper), through(upper)] } else { [block.len(); 2] };
            // The bounds may be one and the same element.
            [low[0], low[1], high[0].max(low[1]), high[1].max(low[1])]
        }).collect())
    })
}

/// The exact cut of each block at `rank`, given each block's places and, sorted, its elements between
/// the second and third. Of equal elements those of earlier blocks come first.
///
/// # Errors
/// If there is not enough memory.
pub fn cuts(rank: usize, places: &[Places], inside: &[Chunk]) -> Result<Vec<usize>> {
    let mut cuts: Vec<usize> = places.iter().map(|place| place[0]).collect();
    let mut wanted = rank.saturating_sub(cuts.iter().sum());
    let take_equal = |cuts: &mut [usize], wanted: &mut usize, from: usize| {
        for (cut, place) in cuts.iter_mut().zip(places) {
            let taken = (*wanted).min(place[from + 1] - place[from]);
            *cut += taken;
            *wanted -= taken;
        }
    };
    take_equal(&mut cuts, &mut wanted, 0);
    if wanted == 0 {
        return Ok(cuts);
    }
    dispatch_sortable!(inside[0].dtype(), T => {
        let mut all: Vec<(<T as Sortable>::Key, u32)> = Vec::new();
        for (block, chunk) in inside.iter().enumerate() {
            all.extend(chunk.elements::<T>()?.iter().map(|x| (x.key(), block as u32)));
        }
        let taken = wanted.min(all.len());
        if taken < all.len() {
            all.select_nth_unstable(taken);
        }
        all[..taken].iter().for_each(|&(_, block)| cuts[block as usize] += 1);
        wanted -= taken;
    });
    take_equal(&mut cuts, &mut wanted, 2);
    Ok(cuts)
}
