//! Copying between strided layouts.
//!
//! [`copy_into`] moves elements of one dtype between any two layouts. Axes are merged where both
//! sides allow, then walked with the source's or target's densest axes in small square tiles, so
//! that a transposition touches each cache line once.
#![expect(unsafe_code, reason = "raw strided memory")]

use smallvec::SmallVec;

use crate::error::{ArrayError, Result};
use crate::kernel::chunk::{Chunk, contiguous_strides};
use crate::kernel::plane::{Plane, copy_as, copy_run, prefetch_plane};

/// The elements of `chunk` in a new C-contiguous chunk.
///
/// # Errors
/// If there is not enough memory.
pub fn contiguous_copy(chunk: &Chunk) -> Result<Chunk> {
    let new = Chunk::new(chunk.dtype(), chunk.shape())?;
    let strides = contiguous_strides(chunk.shape(), chunk.dtype().itemsize());
    // SAFETY: the target is new, ours alone, and has this shape.
    unsafe {
        copy_raw(
            chunk.dtype().itemsize(),
            chunk.shape(),
            (chunk.as_ptr(), chunk.strides()),
            (new.buffer().as_mut_ptr(), &strides),
        );
    }
    Ok(new)
}

/// Copies `source` into the part of `target` that starts at `start`.
///
/// # Safety
/// Nobody else may write or read that part of the target meanwhile.
///
/// # Errors
/// If dtypes differ, or the part lies outside of the target.
pub unsafe fn copy_into(source: &Chunk, target: &Chunk, start: &[usize]) -> Result<()> {
    let fits = source.dtype().itemsize() == target.dtype().itemsize()
        && start.len() == target.ndim()
        && source.ndim() == target.ndim()
        && (0..start.len()).all(|a| start[a] + source.shape()[a] <= target.shape()[a]);
    if !fits {
        return Err(ArrayError::Value(format!(
            "could not place a {source:?} at {start:?} of a {target:?}"
        )));
    }
    let at: isize = start.iter().zip(target.strides()).map(|(&i, &s)| i as isize * s).sum();
    let to = target.as_ptr().cast_mut().wrapping_offset(at);
    // SAFETY: inside of both, as checked; the caller answers for the target.
    unsafe {
        copy_raw(
            source.dtype().itemsize(),
            source.shape(),
            (source.as_ptr(), source.strides()),
            (to, target.strides()),
        );
    }
    Ok(())
}

/// Axis by axis: extent, stride of the source, stride of the target.
type Axes = SmallVec<[(usize, isize, isize); 4]>;

/// Copies elements of `itemsize` bytes over `shape`.
///
/// # Safety
/// Both sides must be valid for the shape, and not overlap.
pub unsafe fn copy_raw(
    itemsize: usize,
    shape: &[usize],
    source: (*const u8, &[isize]),
    target: (*mut u8, &[isize]),
) {
    if shape.contains(&0) {
        return;
    }
    let mut axes: Axes = SmallVec::new();
    for ((&n, &s), &t) in shape.iter().zip(source.1).zip(target.1) {
        if n != 1 {
            axes.push((n, s, t));
        }
    }
    // The target's densest axis goes last; axes that continue each other on both sides merge.
    axes.sort_by_key(|&(_, _, t)| std::cmp::Reverse(t.unsigned_abs()));
    let mut merged: Axes = SmallVec::new();
    for axis in axes {
        if let Some(last) = merged.last_mut()
            && last.1 == axis.1 * axis.0 as isize
            && last.2 == axis.2 * axis.0 as isize
        {
            *last = (last.0 * axis.0, axis.1, axis.2);
        } else {
            merged.push(axis);
        }
    }
    // SAFETY: the same elements as the caller's.
    unsafe {
        match itemsize {
            1 => walk::<u8>(&mut merged, source.0, target.0),
            2 => walk::<[u8; 2]>(&mut merged, source.0, target.0),
            4 => walk::<[u8; 4]>(&mut merged, source.0, target.0),
            8 => walk::<[u8; 8]>(&mut merged, source.0, target.0),
            _ => walk::<[u8; 16]>(&mut merged, source.0, target.0),
        }
    }
}

/// Side of the square tiles, in elements.
const TILE: usize = 32;
/// How many tiles ahead memory is asked for.
const AHEAD: usize = 2;

/// # Safety
/// As [`copy_raw`], with elements of type `T`.
unsafe fn walk<T: Copy>(axes: &mut Axes, source: *const u8, target: *mut u8) {
    // SAFETY: pointers stay inside of what the caller vouches for.
    unsafe {
        let Some(inner) = axes.pop() else {
            target.cast::<T>().write_unaligned(source.cast::<T>().read_unaligned());
            return;
        };
        // The axis along which the source is densest, if that isn't the innermost.
        let densest = (0..axes.len()).min_by_key(|&a| axes[a].1.unsigned_abs());
        match densest {
            Some(a) if axes[a].1 != 0 && axes[a].1.unsigned_abs() < inner.1.unsigned_abs() => {
                let cross = axes.remove(a);
                outer(axes, source, target, &mut |s, t| tiles::<T>(cross, inner, s, t));
            }
            _ => outer(axes, source, target, &mut |s, t| {
                copy_run::<T>(inner.0, (s, inner.1), (t, inner.2));
            }),
        }
    }
}

/// # Safety
/// As [`copy_raw`].
unsafe fn outer(
    axes: &[(usize, isize, isize)],
    source: *const u8,
    target: *mut u8,
    body: &mut impl FnMut(*const u8, *mut u8),
) {
    match axes.split_first() {
        None => body(source, target),
        Some((&(n, s, t), rest)) => {
            for i in 0..n as isize {
                // SAFETY: inside of the shape.
                unsafe {
                    outer(rest, source.wrapping_offset(i * s), target.wrapping_offset(i * t), body);
                }
            }
        }
    }
}

/// # Safety
/// As [`copy_raw`].
unsafe fn tiles<T: Copy>(
    cross: (usize, isize, isize),
    inner: (usize, isize, isize),
    source: *const u8,
    target: *mut u8,
) {
    for i0 in (0..cross.0).step_by(TILE) {
        let rows = TILE.min(cross.0 - i0);
        for j0 in (0..inner.0).step_by(TILE) {
            let columns = TILE.min(inner.0 - j0);
            let from = |i: usize, j: usize| {
                let start = source.wrapping_offset(i as isize * cross.1 + j as isize * inner.1);
                Plane::new(start, cross.1, inner.1)
            };
            // Where there are no such columns, other rows follow as a rule.
            prefetch_plane(size_of::<T>(), (rows, TILE), from(i0, j0 + AHEAD * TILE));
            let start = target.wrapping_offset(i0 as isize * cross.2 + j0 as isize * inner.2);
            // SAFETY: inside of the shape.
            unsafe {
                copy_as::<T>(rows, columns, from(i0, j0), Plane::new(start, cross.2, inner.2));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transposed_view_is_copied_in_row_major_order() {
        let n: Vec<i32> = (0..70 * 90).collect();
        let chunk = Chunk::from_slice(&n, &[70, 90]).unwrap();
        let copied = contiguous_copy(&chunk.permuted(&[1, 0])).unwrap();
        let slice = copied.as_slice::<i32>().unwrap();
        assert!((0..90).all(|j| (0..70).all(|i| slice[j * 70 + i] == n[i * 90 + j])));
    }

    #[test]
    fn reversed_and_broadcast_views_are_copied() {
        let chunk = Chunk::from_slice(&[1u8, 2, 3], &[3]).unwrap();
        let view = chunk.sliced(0, 2, -1, 3).broadcast_to(&[2, 3]).unwrap();
        assert_eq!(contiguous_copy(&view).unwrap().as_slice::<u8>().unwrap(), [3, 2, 1, 3, 2, 1]);
    }
}
