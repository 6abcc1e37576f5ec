//! Sorts along an axis: `sort`, `argsort`, the k largest or smallest, merges of sorted runs.
//!
//! [`order`] says what comes before what, [`unique`] finds distinct elements. An axis of many blocks
//! is sorted by [`buckets`], or where that doesn't serve (orders, complex numbers) by [`splitting`]:
//! the places at which sorted blocks are cut.

#[cfg(target_arch = "x86_64")]
mod avx512;
pub mod buckets;
#[cfg(target_arch = "x86_64")]
mod network;
pub mod order;
pub mod splitting;
pub mod unique;
pub mod vector;
mod words;

use crate::dtype::DType;
use crate::error::Result;
use crate::kernel::{Chunk, lanes};
use crate::{dispatch, dispatch_sortable};
use order::Sortable;

/// The lanes along `axis` sorted, NaN and NaT last.
///
/// # Errors
/// If the axis isn't there, or there is not enough memory.
pub fn sort(chunk: Chunk, axis: usize) -> Result<Chunk> {
    dispatch_sortable!(chunk.dtype(), T => lanes::update::<T>(chunk, axis, |lane| {
        T::sort(lane);
        Ok(())
    }))
}

/// The order that sorts the lanes along `axis`, as `int64`; equal elements keep theirs.
///
/// # Errors
/// As [`sort`].
pub fn argsort(chunk: &Chunk, axis: usize) -> Result<Chunk> {
    let n = chunk.shape().get(axis).copied().unwrap_or(0);
    dispatch_sortable!(chunk.dtype(), T => {
        lanes::map::<T, i64>(chunk, axis, n, DType::I64, |from, to| {
            for (place, index) in to.iter_mut().zip(sorting_order(from)) {
                *place = index as i64;
            }
            Ok(())
        })
    })
}

/// The stable order of a lane.
fn sorting_order<T: Sortable>(lane: &[T]) -> impl Iterator<Item = usize> {
    let mut keyed: Vec<(T::Key, u32)> =
        lane.iter().enumerate().map(|(i, x)| (x.key(), i as u32)).collect();
    keyed.sort_unstable();
    keyed.into_iter().map(|(_, i)| i as usize)
}

/// The `k` largest elements of the lanes along `axis`, falling, or the `-k` smallest, rising; all
/// of them if there are fewer. NaN counts as largest.
///
/// # Errors
/// As [`sort`].
pub fn topk(chunk: &Chunk, k: i64, axis: usize) -> Result<Chunk> {
    let n = chunk.shape().get(axis).copied().unwrap_or(0);
    let taken = n.min(k.unsigned_abs() as usize);
    dispatch_sortable!(chunk.dtype(), T => {
        let mut keyed = Vec::with_capacity(n);
        lanes::map::<T, T>(chunk, axis, taken, chunk.dtype(), |from, to| {
            for (place, i) in to.iter_mut().zip(top_order(&mut keyed, from, k, taken)) {
                *place = from[i];
            }
            Ok(())
        })
    })
}

/// Where the `k` largest (or `-k` smallest) elements lie, in the order of [`topk`], as `int64`.
///
/// # Errors
/// As [`sort`].
pub fn argtopk(chunk: &Chunk, k: i64, axis: usize) -> Result<Chunk> {
    let n = chunk.shape().get(axis).copied().unwrap_or(0);
    let taken = n.min(k.unsigned_abs() as usize);
    dispatch_sortable!(chunk.dtype(), T => {
        let mut keyed = Vec::with_capacity(n);
        lanes::map::<T, i64>(chunk, axis, taken, DType::I64, |from, to| {
            for (place, i) in to.iter_mut().zip(top_order(&mut keyed, from, k, taken)) {
                *place = i as i64;
            }
            Ok(())
        })
    })
}

/// The elements of each lane at these places, which have the chunk's shape but for the axis.
///
/// # Errors
/// As [`sort`].
pub fn take_along(chunk: &Chunk, places: &Chunk, axis: usize) -> Result<Chunk> {
    let places = lanes::gathered(places, axis)?;
    let n = places.shape()[places.ndim() - 1];
    let places = places.elements::<i64>()?;
    let mut lane_at = 0;
    dispatch!(chunk.dtype(), T => {
        lanes::map::<T, T>(chunk, axis, n, chunk.dtype(), |from, to| {
            let lane = &places[lane_at * n..(lane_at + 1) * n];
            lane_at += 1;
            to.iter_mut().zip(lane).for_each(|(x, &i)| *x = from[i as usize]);
            Ok(())
        })
    })
}

fn top_order<'a, T: Sortable>(
    keyed: &'a mut Vec<(T::Key, u32)>,
    lane: &[T],
    k: i64,
    taken: usize,
) -> Box<dyn Iterator<Item = usize> + 'a> {
    keyed.clear();
    keyed.extend(lane.iter().enumerate().map(|(i, x)| (x.key(), i as u32)));
    if taken == 0 {
        return Box::new(std::iter::empty());
    }
    if k > 0 {
        let start = keyed.len() - taken;
        keyed.select_nth_unstable(start);
        keyed[start..].sort_unstable();
        Box::new(keyed[start..].iter().rev().map(|&(_, i)| i as usize))
    } else {
        keyed.select_nth_unstable(taken - 1);
        keyed[..taken].sort_unstable();
        Box::new(keyed[..taken].iter().map(|&(_, i)| i as usize))
    }
}

/// One lane whose runs are sorted, as one sorted run: 1-d chunks put together.
///
/// # Errors
/// As [`sort`]; [`ArrayError::NoKernel`](crate::error::ArrayError::NoKernel) if dtypes differ.
pub fn merge(runs: &[Chunk]) -> Result<Chunk> {
    let joined = lanes::joined(runs)?;
    dispatch_sortable!(joined.dtype(), T => lanes::update::<T>(joined, 0, |lane| {
        // A stable sort finds the runs and merges them.
        lane.sort_by_key(|x| x.key());
        Ok(())
    }))
}

/// Sorted runs with what belongs to each element (its index), merged by value; equal elements keep
/// the order of the runs.
///
/// # Errors
/// As [`merge`].
pub fn merge_with(runs: &[Chunk], carried: &[Chunk]) -> Result<(Chunk, Chunk)> {
    let values = lanes::joined(runs)?;
    let carried = lanes::joined(carried)?.elements::<i64>()?.into_owned();
    dispatch_sortable!(values.dtype(), T => {
        let elements = values.elements::<T>()?;
        let mut keyed: Vec<_> =
            elements.iter().enumerate().map(|(i, x)| (x.key(), i as u32)).collect();
        keyed.sort_by_key(|pair| pair.0);
        let n = keyed.len();
        let sorted: Vec<T> = keyed.iter().map(|&(_, i)| elements[i as usize]).collect();
        let carried: Vec<i64> = keyed.iter().map(|&(_, i)| carried[i as usize]).collect();
        let sorted = Chunk::from_slice(&sorted, &[n])?.reinterpreted(values.dtype());
        Ok((sorted, Chunk::from_slice(&carried, &[n])?))
    })
}

#[cfg(test)]
mod tests;
