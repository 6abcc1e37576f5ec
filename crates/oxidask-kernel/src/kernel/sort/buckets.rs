//! A sort of many blocks that sorts once: blocks are partitioned into buckets first, and each part
//! of the result sorts the buckets that it covers.
//!
//! [`splitters`] cuts the range of a [`sample`] into buckets about as large as each other. [`split`]
//! partitions a block by them; that is as much work as the upper levels of a quicksort of the whole
//! would be, and those are saved later. With the buckets' extents in all blocks ([`starts`]) it is
//! known where each lies in the result, and [`sorted`] gives any range of it: buckets inside of the
//! range are sorted in place, the two at its ends aside.
//!
//! A number that fills buckets has one of its own, which needs no sort, however large it is; so have
//! NaNs. Other buckets are a few times as large as they should be at most, unless data know the
//! places that samples are taken at.

use std::ops::Range;

use super::order::Sortable;
use super::vector::{self, Cut, Word};
use super::words;
use crate::dispatch_sortable;
use crate::dtype::DType;
use crate::error::{ArrayError, Result};
use crate::kernel::Chunk;

/// One element of every `stride` of a block, from places that follow no pattern.
///
/// # Errors
/// If there is not enough memory.
pub fn sample(block: &Chunk, stride: usize) -> Result<Chunk> {
    let n = block.len();
    dispatch_sortable!(block.dtype(), T => {
        let elements = block.elements::<T>()?;
        let picked = (0..n).step_by(stride).map(|at| {
            let mixed = (at as u64 ^ n as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
            elements[at + mixed as usize % stride.min(n - at)]
        });
        let picked: Vec<T> = picked.collect();
        Ok(Chunk::from_slice(&picked, &[picked.len()])?.reinterpreted(block.dtype()))
    })
}

/// Cuts of the samples' range into about so many buckets, as words and whether the cut is after
/// them.
///
/// # Errors
/// If there is not enough memory.
pub fn splitters(samples: &[Chunk], n_buckets: usize) -> Result<Chunk> {
    let dtype = samples.first().map_or(DType::F64, Chunk::dtype);
    let mut cuts: Vec<i64> = Vec::new();
    dispatch_sortable!(dtype, T => {
        let mut all: Vec<T> = Vec::new();
        has_words::<T>()?;
        for sample in samples {
            all.extend(sample.elements::<T>()?.iter());
        }
        let mut words = vec![0; all.len()];
        let n = words::make(&all, &mut words);
        vector::sort::<<T as Sortable>::Word>(&mut words[..n]);
        let picked: Vec<i64> =
            (1..n_buckets.min(n)).map(|i| words[i * n / n_buckets.min(n)]).collect();
        for equal in picked.chunk_by(|&a, &b| <T as Sortable>::Word::is_equal(a, b)) {
            cuts.extend([equal[0], 0]);
            if equal.len() > 1 {
                cuts.extend([equal[0], 1]);
            }
        }
    });
    Chunk::from_slice(&cuts, &[cuts.len() / 2, 2])
}

fn cuts_of(cuts: &Chunk) -> Result<Vec<Cut>> {
    let cuts = cuts.elements::<i64>()?;
    Ok(cuts.chunks_exact(2).map(|cut| Cut { word: cut[0], is_after: cut[1] != 0 }).collect())
}

/// A block's elements bucket by bucket, and where each bucket ends. The last bucket is of NaNs.
///
/// # Errors
/// If there is not enough memory.
pub fn split(block: &Chunk, cuts: &Chunk) -> Result<(Chunk, Chunk)> {
    let (n, cuts) = (block.len(), cuts_of(cuts)?);
    let mut at = vec![0; cuts.len() + 2];
    let mut whole = Chunk::new(block.dtype(), &[n])?;
    dispatch_sortable!(block.dtype(), T => {
        has_words::<T>()?;
        let elements = block.elements::<T>()?;
        let lane = whole.as_mut_slice::<T>().ok_or_else(shared)?;
        let mut split = |words: &mut [i64], n_numbers: usize| {
            vector::split::<<T as Sortable>::Word>(&mut words[..n_numbers], &cuts, &mut at);
            at[cuts.len()] = n_numbers;
            at[cuts.len() + 1] = n;
        };
        if let Some(words) = words::in_place(lane) {
            let n_numbers = words::make(&elements, words);
            split(words, n_numbers);
            words::unmade_in_place::<T>(words);
        } else {
            let mut words = vec![0; n];
            let n_numbers = words::make(&elements, &mut words);
            split(&mut words, n_numbers);
            words::unmake(&words, lane);
        }
    });
    let ends: Vec<i64> = at.iter().map(|&end| end as i64).collect();
    Ok((whole, Chunk::from_slice(&ends, &[ends.len()])?))
}

fn has_words<T: Sortable>() -> Result<()> {
    let unfit = || ArrayError::NoKernel(format!("buckets of {}", T::DTYPE.typestr()));
    T::HAS_WORDS.then_some(()).ok_or_else(unfit)
}

fn shared() -> ArrayError {
    ArrayError::Value("a new chunk that somebody else holds".into())
}

/// Where each bucket starts in the sorted whole, and whether its elements are all equal; at the end
/// how many elements there are.
///
/// # Errors
/// If there is not enough memory.
pub fn starts(ends: &[Chunk], cuts: &Chunk) -> Result<Chunk> {
    let cuts = cuts_of(cuts)?;
    let mut totals = vec![0; cuts.len() + 2];
    for ends in ends {
        totals.iter_mut().zip(&*ends.elements::<i64>()?).for_each(|(total, end)| *total += end);
    }
    let mut table = vec![0, 0];
    for (bucket, &end) in totals.iter().enumerate() {
        // Between the cuts before and after a word, or of NaNs.
        let is_one =
            bucket > cuts.len() || bucket > 0 && cuts.get(bucket).is_some_and(|c| c.is_after);
        table[2 * bucket + 1] = i64::from(is_one);
        table.extend([end, 0]);
    }
    Chunk::from_slice(&table, &[table.len() / 2, 2])
}

/// What [`split`] made of a block.
pub struct Split {
    /// The elements.
    pub whole: Chunk,
    /// Where buckets end.
    pub ends: Chunk,
}

/// A range of the sorted whole.
///
/// # Errors
/// If there is not enough memory, or the range is longer than the whole.
pub fn sorted(splits: &[Split], starts: &Chunk, range: Range<usize>) -> Result<Chunk> {
    let dtype = splits.first().map_or(DType::F64, |split| split.whole.dtype());
    let mut to = Chunk::new(dtype, &[range.len()])?;
    dispatch_sortable!(dtype, T => {
        sorted_into(splits, starts, range, to.as_mut_slice::<T>().ok_or_else(shared)?)?;
    });
    Ok(to)
}

/// As [`sorted`], written to `to`, which is a part of an array and contiguous.
///
/// # Safety
/// Nobody else may write or read that part meanwhile.
///
/// # Errors
/// As [`sorted`]; [`ArrayError::NoKernel`] if the part is of another dtype.
#[expect(unsafe_code, reason = "parts of one result are written in parallel")]
pub unsafe fn sorted_to(
    splits: &[Split],
    starts: &Chunk,
    range: Range<usize>,
    to: &Chunk,
) -> Result<()> {
    let is_alike = splits.iter().all(|split| split.whole.dtype() == to.dtype());
    if !is_alike || !to.is_contiguous() || to.shape() != [range.len()] {
        return Err(ArrayError::NoKernel("a part of another kind".into()));
    }
    dispatch_sortable!(to.dtype(), T => {
        // SAFETY: the part is contiguous and has so many elements of that size; the caller answers
        // for others.
        let lane = unsafe {
            std::slice::from_raw_parts_mut(to.as_ptr().cast_mut().cast::<T>(), range.len())
        };
        sorted_into(splits, starts, range, lane)
    })
}

fn sorted_into<T: Sortable>(
    splits: &[Split],
    starts: &Chunk,
    range: Range<usize>,
    to: &mut [T],
) -> Result<()> {
    let starts = starts.elements::<i64>()?;
    let table: Vec<[usize; 2]> =
        starts.chunks_exact(2).map(|s| [s[0] as usize, s[1] as usize]).collect();
    let wholes = splits.iter().map(|s| s.whole.elements::<T>()).collect::<Result<Vec<_>>>()?;
    let ends = splits.iter().map(|s| s.ends.elements::<i64>()).collect::<Result<Vec<_>>>()?;
    if table.last().is_none_or(|end| end[0] < range.end) {
        return Err(ArrayError::Value(format!("elements {range:?} of too few")));
    }
    let pieces = |bucket: usize| {
        wholes.iter().zip(&ends).map(move |(whole, ends)| {
            let start = if bucket == 0 { 0 } else { ends[bucket - 1] as usize };
            &whole[start..ends[bucket] as usize]
        })
    };
    let mut aside: Vec<T> = Vec::new();
    let first = table.partition_point(|start| start[0] <= range.start).saturating_sub(1);
    for (bucket, ends) in table.windows(2).enumerate().skip(first) {
        let ([start, is_one], [end, _]) = (ends[0], ends[1]);
        if start >= range.end {
            break;
        }
        let wanted = start.max(range.start)..end.min(range.end);
        if wanted.is_empty() {
            continue;
        }
        let part = &mut to[wanted.start - range.start..wanted.end - range.start];
        let inside = wanted.start - start..wanted.end - start;
        if is_one != 0 {
            joined(pieces(bucket), inside, part);
        } else if inside.len() == end - start {
            joined(pieces(bucket), inside, part);
            T::sort(part);
        } else {
            aside.clear();
            pieces(bucket).for_each(|piece| aside.extend_from_slice(piece));
            T::sort(&mut aside);
            part.copy_from_slice(&aside[inside]);
        }
    }
    Ok(())
}

/// Elements `range` of the pieces put together.
fn joined<'a, T: Sortable>(
    pieces: impl Iterator<Item = &'a [T]>,
    range: Range<usize>,
    to: &mut [T],
) {
    let (mut at, mut written) = (0, 0);
    for piece in pieces {
        let from = range.start.clamp(at, at + piece.len()) - at;
        let through = range.end.clamp(at, at + piece.len()) - at;
        to[written..written + through - from].copy_from_slice(&piece[from..through]);
        written += through - from;
        at += piece.len();
    }
}
