//! Assignment to parts of a chunk: `x[a:b:c, [i, j], k] = value`, into a new chunk.
#![expect(unsafe_code, reason = "raw strided memory")]

use crate::error::{ArrayError, Result};
use crate::kernel::chunk::{Chunk, Strides};
use crate::kernel::copy;

/// The part of one axis that is assigned to.
#[derive(Clone, Debug)]
pub enum Part<'a> {
    /// One element; the value has no such axis.
    At(usize),
    /// Elements at equal distances.
    Cut {
        /// The first one.
        start: usize,
        /// To the next one.
        step: isize,
        /// How many.
        len: usize,
    },
    /// Elements anywhere: each with its place along the value's axis. The last of several for one
    /// element stays.
    Picks(&'a [(usize, usize)]),
}

/// A copy of `base` with a part of it replaced by `value`, which is broadcast to the part; along an
/// axis of picks it has as many elements as there are places, or one.
///
/// # Errors
/// If the value doesn't fit, or the part doesn't lie inside of `base`; `NoKernel` if dtypes differ.
pub fn assign(base: &Chunk, parts: &[Part<'_>], value: &Chunk) -> Result<Chunk> {
    if base.dtype() != value.dtype() {
        return Err(ArrayError::NoKernel("values of another dtype".into()));
    }
    let target = copy::contiguous_copy(base)?;
    let mut region = target.clone();
    let mut picks: Option<(usize, &[(usize, usize)])> = None;
    for (axis, part) in parts.iter().enumerate().rev() {
        let extent = region.shape()[axis];
        let inside = |at: usize| {
            let refuse = || {
                ArrayError::Index(format!(
                    "index {at} is out of bounds for axis {axis} with size {extent}"
                ))
            };
            if at < extent { Ok(()) } else { Err(refuse()) }
        };
        match *part {
            Part::At(at) => {
                inside(at)?;
                region = region.at(axis, at);
                // Axes behind this one have moved up.
                picks = picks.map(|(axis, list)| (axis - 1, list));
            }
            Part::Cut { start, step, len } => {
                if len > 0 {
                    inside(start)?;
                    let last = start as isize + step * (len as isize - 1);
                    inside(usize::try_from(last).unwrap_or(usize::MAX))?;
                }
                region = region.sliced(axis, start, step, len);
            }
            Part::Picks(list) => {
                list.iter().try_for_each(|&(at, _)| inside(at))?;
                picks = Some((axis, list));
            }
        }
    }
    // SAFETY: the region lies in the target, which is new and ours alone.
    unsafe {
        match picks {
            None => put(&region, value)?,
            Some((axis, list)) => put_picks(&region, axis, list, value)?,
        }
    }
    drop(region);
    Ok(target)
}

/// # Safety
/// Nobody else may have the region's memory.
unsafe fn put(region: &Chunk, value: &Chunk) -> Result<()> {
    let value = value.broadcast_to(region.shape())?;
    let to = (region.as_ptr().cast_mut(), region.strides());
    let from = (value.as_ptr(), value.strides());
    // SAFETY: both sides have the region's shape, and the value isn't in the region.
    unsafe { copy::copy_raw(region.dtype().itemsize(), region.shape(), from, to) };
    Ok(())
}

/// # Safety
/// As [`put`].
unsafe fn put_picks(
    region: &Chunk,
    axis: usize,
    picks: &[(usize, usize)],
    value: &Chunk,
) -> Result<()> {
    // The value's axis, counted from the last one.
    let from_end = region.ndim() - axis;
    let n = value.ndim().checked_sub(from_end).map_or(1, |at| value.shape()[at]);
    let mut wide = region.shape().to_vec();
    wide[axis] = n;
    let value = value.broadcast_to(&wide)?;
    let mut shape = region.shape().to_vec();
    shape.remove(axis);
    let without = |strides: &[isize]| {
        let mut rest = Strides::from_slice(strides);
        (rest.remove(axis), rest)
    };
    let (to_step, to_strides) = without(region.strides());
    let (from_step, from_strides) = without(value.strides());
    for &(at, place) in picks {
        let place = if n == 1 { 0 } else { place };
        if place >= n {
            return Err(ArrayError::Value(format!(
                "shape mismatch: value array has {n} elements along axis {axis}, but element \
                 {place} of it is assigned"
            )));
        }
        let from = value.as_ptr().wrapping_offset(place as isize * from_step);
        let to = region.as_ptr().cast_mut().wrapping_offset(at as isize * to_step);
        // SAFETY: inside of both sides, which don't overlap.
        unsafe {
            let (from, to) = ((from, from_strides.as_slice()), (to, to_strides.as_slice()));
            copy::copy_raw(region.dtype().itemsize(), &shape, from, to);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn assigned(parts: &[Part<'_>], value: &[i64], shape: &[usize]) -> Vec<i64> {
        let base = Chunk::from_slice(&(0..12).collect::<Vec<i64>>(), &[3, 4]).unwrap();
        let value = Chunk::from_slice(value, shape).unwrap();
        assign(&base, parts, &value).unwrap().as_slice::<i64>().unwrap().to_vec()
    }

    #[test]
    fn slices_and_integers() {
        let every_other = Part::Cut { start: 3, step: -2, len: 2 };
        assert_eq!(
            assigned(&[Part::At(1), every_other.clone()], &[-1, -2], &[2]),
            [0, 1, 2, 3, 4, -2, 6, -1, 8, 9, 10, 11]
        );
        let all = Part::Cut { start: 0, step: 1, len: 3 };
        assert_eq!(
            assigned(&[all, every_other], &[-1], &[]),
            [0, -1, 2, -1, 4, -1, 6, -1, 8, -1, 10, -1]
        );
    }

    #[test]
    fn picks_on_either_axis_and_behind_an_integer() {
        let all = Part::Cut { start: 0, step: 1, len: 3 };
        assert_eq!(
            assigned(&[all, Part::Picks(&[(3, 0), (0, 1), (0, 2)])], &[7, 8, 9], &[3]),
            [9, 1, 2, 7, 9, 5, 6, 7, 9, 9, 10, 7]
        );
        assert_eq!(
            assigned(&[Part::At(2), Part::Picks(&[(1, 0)])], &[7], &[1])[8..],
            [8, 7, 10, 11]
        );
        let two = Part::Cut { start: 0, step: 1, len: 2 };
        assert_eq!(
            assigned(&[Part::Picks(&[(2, 0), (0, 1)]), two], &[7, 8], &[2, 1]),
            [8, 8, 2, 3, 4, 5, 6, 7, 7, 7, 10, 11]
        );
    }

    #[test]
    fn what_does_not_fit_is_refused() {
        let base = Chunk::from_slice(&[1i64, 2], &[2]).unwrap();
        let value = Chunk::from_slice(&[1i64, 2, 3], &[3]).unwrap();
        let all = Part::Cut { start: 0, step: 1, len: 2 };
        assert!(assign(&base, &[all], &value).is_err());
        assert!(assign(&base, &[Part::At(2)], &base.at(0, 0)).is_err());
        assert!(assign(&base, &[Part::Picks(&[(0, 3)])], &value).is_err());
    }
}
