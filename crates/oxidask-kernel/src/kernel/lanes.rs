//! Lanes: the 1-d runs of elements along one axis of a chunk, each dense, one after another.
//!
//! Kernels that work along an axis (sorts, scans, transforms) take the chunk with that axis last and
//! contiguous, and give their result back with the axes where they were.

use crate::dtype::{DType, Element};
use crate::error::{ArrayError, Result};
use crate::kernel::{Chunk, Dims};

/// The axes with `axis` moved to the end.
#[must_use]
pub fn axis_last(ndim: usize, axis: usize) -> Dims {
    (0..ndim).filter(|&a| a != axis).chain([axis]).collect()
}

/// The inverse of [`axis_last`]: where each axis went.
#[must_use]
pub fn axis_back(ndim: usize, axis: usize) -> Dims {
    let last = ndim.saturating_sub(1);
    (0..ndim).map(|a| if a == axis { last } else { a - usize::from(a > axis) }).collect()
}

/// The chunk with `axis` last, C-contiguous: copied unless it lies so already.
///
/// # Errors
/// If the axis isn't there, or there is not enough memory.
pub fn gathered(chunk: &Chunk, axis: usize) -> Result<Chunk> {
    if axis >= chunk.ndim() {
        return Err(ArrayError::Axis { axis: axis as i64, ndim: chunk.ndim() });
    }
    chunk.permuted(&axis_last(chunk.ndim(), axis)).to_contiguous()
}

/// A new chunk of which every lane along `axis` has `len` elements, made lane by lane: `each` gets
/// the source's lane and the result's, whose elements are zero.
///
/// # Errors
/// As [`gathered`], and what `each` gives.
pub fn map<S: Element, T: Element>(
    chunk: &Chunk,
    axis: usize,
    len: usize,
    dtype: DType,
    mut each: impl FnMut(&[S], &mut [T]) -> Result<()>,
) -> Result<Chunk> {
    let source = gathered(chunk, axis)?;
    let mut shape = Dims::from(source.shape());
    let n = shape[shape.len() - 1];
    let last = shape.len() - 1;
    shape[last] = len;
    let mut target = Chunk::zeros(T::DTYPE, &shape)?;
    let from = source.elements::<S>()?;
    if let Some(to) = target.as_mut_slice::<T>().filter(|to| !to.is_empty()) {
        for (i, lane) in to.chunks_exact_mut(len).enumerate() {
            each(&from[i * n..(i + 1) * n], lane)?;
        }
    }
    Ok(target.reinterpreted(dtype).permuted(&axis_back(chunk.ndim(), axis)))
}

/// The chunk sharing nothing, with `axis` last and contiguous, changed in place lane by lane.
///
/// # Errors
/// As [`gathered`], and what `each` gives.
pub fn update<T: Element>(
    chunk: Chunk,
    axis: usize,
    mut each: impl FnMut(&mut [T]) -> Result<()>,
) -> Result<Chunk> {
    let (ndim, dtype) = (chunk.ndim(), chunk.dtype());
    let mut lanes = gathered(&chunk, axis)?;
    drop(chunk);
    if lanes.as_mut_slice::<T>().is_none() {
        lanes = crate::kernel::copy::contiguous_copy(&lanes)?;
    }
    let n = lanes.shape()[ndim - 1];
    if let Some(slice) = lanes.as_mut_slice::<T>().filter(|slice| !slice.is_empty()) {
        slice.chunks_exact_mut(n).try_for_each(&mut each)?;
    }
    Ok(lanes.reinterpreted(dtype).permuted(&axis_back(ndim, axis)))
}

/// The elements of 1-d chunks, one after another.
///
/// # Errors
/// [`ArrayError::NoKernel`] if dtypes differ, or if there is not enough memory.
pub fn joined(runs: &[Chunk]) -> Result<Chunk> {
    let Some(first) = runs.first() else {
        return Err(ArrayError::Value("need at least one array to join".into()));
    };
    if runs.iter().any(|run| run.dtype() != first.dtype() || run.ndim() != 1) {
        return Err(ArrayError::NoKernel("runs of different dtypes".into()));
    }
    let target = Chunk::new(first.dtype(), &[runs.iter().map(Chunk::len).sum()])?;
    let mut at = 0;
    for run in runs {
        #[expect(unsafe_code, reason = "parts of a new array that nobody else has")]
        // SAFETY: the target is new.
        unsafe {
            crate::kernel::copy::copy_into(run, &target, &[at])?;
        }
        at += run.len();
    }
    Ok(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_of_any_axis_come_back_in_place() {
        let chunk = Chunk::from_slice(&(0..24).collect::<Vec<i32>>(), &[2, 3, 4]).unwrap();
        for axis in 0..3 {
            let n = chunk.shape()[axis];
            let same = map::<i32, i32>(&chunk, axis, n, DType::I32, |from, to| {
                to.copy_from_slice(from);
                Ok(())
            });
            assert_eq!(same.unwrap().elements::<i32>().unwrap(), chunk.elements::<i32>().unwrap());
        }
        let reversed = update::<i32>(chunk.clone(), 1, |lane| {
            lane.reverse();
            Ok(())
        });
        let expected = chunk.sliced(1, 2, -1, 3);
        let reversed = reversed.unwrap();
        assert_eq!(reversed.elements::<i32>().unwrap(), expected.elements::<i32>().unwrap());
    }
}
