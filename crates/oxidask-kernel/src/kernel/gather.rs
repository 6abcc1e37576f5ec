//! Elements picked from several chunks by their positions along some axes: NumPy's `take` and
//! pointwise indexing, and the way back, which puts elements into a chunk.
#![expect(unsafe_code, reason = "raw strided memory")]

use smallvec::SmallVec;

use crate::dtype::{Bool, DType};
use crate::error::{ArrayError, Result};
use crate::kernel::chunk::{Chunk, Dims, Strides, contiguous_strides, n_elements};
use crate::kernel::copy;

/// Positions along the gathered axes, each in one of the sources.
#[derive(Clone, Copy, Debug)]
pub struct Picks<'a> {
    /// Which source each pick is from.
    pub slots: &'a [u32],
    /// Positions in it: one for each gathered axis, pick by pick.
    pub locals: &'a [u32],
}

/// The axes of `ndim` that aren't in `axes`.
fn other_axes(ndim: usize, axes: &[usize]) -> Dims {
    (0..ndim).filter(|axis| !axes.contains(axis)).collect()
}

fn select<T: Copy>(of: &[T], axes: &[usize]) -> SmallVec<[T; 4]>
where
    [T; 4]: smallvec::Array<Item = T>,
{
    axes.iter().map(|&axis| of[axis]).collect()
}

/// The picked elements: an array whose axes are the other axes of the sources, with one for the
/// picks before number `at` of them.
///
/// # Errors
/// If the sources don't have the same other extents, or a pick lies outside; `NoKernel` if dtypes
/// differ.
pub fn gather(sources: &[Chunk], axes: &[usize], at: usize, picks: Picks<'_>) -> Result<Chunk> {
    let [first, ..] = sources else {
        return Err(ArrayError::Value("need at least one array to take from".into()));
    };
    if sources.iter().any(|source| source.dtype() != first.dtype()) {
        return Err(ArrayError::NoKernel("blocks of different dtypes".into()));
    }
    let rest = other_axes(first.ndim(), axes);
    let extents = select(first.shape(), &rest);
    if sources.iter().any(|s| s.ndim() != first.ndim() || select(s.shape(), &rest) != extents) {
        return Err(ArrayError::Value(format!(
            "blocks to take from differ in shape: {:?}",
            sources.iter().map(Chunk::shape).collect::<Vec<_>>()
        )));
    }
    let offsets = offsets(sources, axes, picks)?;
    let mut shape = extents.clone();
    shape.insert(at, offsets.len());
    let target = Chunk::new(first.dtype(), &shape)?;
    if target.is_empty() {
        return Ok(target);
    }
    let itemsize = first.dtype().itemsize();
    let (outer, inner) = (&rest[..at], &rest[at..]);
    let inner_shape = select(first.shape(), inner);
    let dense = contiguous_strides(&inner_shape, itemsize);
    let is_dense = |source: &Chunk| {
        let strides = select(source.strides(), inner);
        inner_shape.iter().zip(strides.iter().zip(&dense)).all(|(&n, (s, d))| n == 1 || s == d)
    };
    let all_dense = sources.iter().all(is_dense);
    let inner_bytes = n_elements(&inner_shape) * itemsize;
    let moving = Moving {
        sources,
        outer: outer.into(),
        inner: inner.into(),
        inner_shape,
        dense,
        itemsize,
        inner_bytes,
    };
    let to = target.buffer().as_mut_ptr();
    // SAFETY: the target is new and has room for all picks; offsets were checked.
    unsafe {
        match inner_bytes {
            _ if !all_dense => moving.strided(picks.slots, &offsets, to),
            1 => moving.typed::<u8>(picks.slots, &offsets, to),
            2 => moving.typed::<u16>(picks.slots, &offsets, to),
            4 => moving.typed::<u32>(picks.slots, &offsets, to),
            8 => moving.typed::<u64>(picks.slots, &offsets, to),
            16 => moving.typed::<u128>(picks.slots, &offsets, to),
            _ => moving.dense(picks.slots, &offsets, to),
        }
    }
    Ok(target)
}

/// The elements of an array of one axis where the mask of the same extent is true.
///
/// # Errors
/// If there is not enough memory, or the extents differ.
pub fn compress(source: &Chunk, mask: &[Bool]) -> Result<Chunk> {
    if source.shape() != [mask.len()] {
        return Err(ArrayError::Value(format!(
            "a mask of {} elements for an array of shape {:?}",
            mask.len(),
            source.shape()
        )));
    }
    let n = mask.iter().map(|hit| usize::from(hit.0 != 0)).sum();
    // One more: every element is written, and the next one over it unless the mask is true.
    let target = Chunk::new(source.dtype(), &[n + 1])?;
    let (from, stride) = (source.as_ptr(), source.strides()[0]);
    let to = target.buffer().as_mut_ptr();
    // SAFETY: the source has as many elements as the mask, the target one more than are kept.
    unsafe {
        match source.dtype().itemsize() {
            1 => compress_typed::<u8>(from, stride, mask, to),
            2 => compress_typed::<[u8; 2]>(from, stride, mask, to),
            4 => compress_typed::<[u8; 4]>(from, stride, mask, to),
            8 => compress_typed::<[u8; 8]>(from, stride, mask, to),
            _ => compress_typed::<[u8; 16]>(from, stride, mask, to),
        }
    }
    Ok(target.sliced(0, 0, 1, n))
}

/// # Safety
/// `from` is good for the mask's elements at this stride, `to` for one more than it keeps.
unsafe fn compress_typed<T: Copy>(from: *const u8, stride: isize, mask: &[Bool], to: *mut u8) {
    let mut kept = 0;
    for (i, hit) in mask.iter().enumerate() {
        // SAFETY: as the caller says. Without a branch: masks can't be foretold.
        unsafe {
            let element = from.wrapping_offset(i as isize * stride).cast::<T>().read_unaligned();
            to.cast::<T>().add(kept).write_unaligned(element);
        }
        kept += usize::from(hit.0 != 0);
    }
}

/// The byte offset of every pick from the start of its source.
fn offsets(sources: &[Chunk], axes: &[usize], picks: Picks<'_>) -> Result<Vec<isize>> {
    let n_axes = axes.len();
    if picks.locals.len() != picks.slots.len() * n_axes {
        return Err(ArrayError::Value("as many positions as picks and axes".into()));
    }
    let mut offsets = Vec::with_capacity(picks.slots.len());
    for (i, &slot) in picks.slots.iter().enumerate() {
        let source = sources.get(slot as usize).ok_or_else(|| {
            ArrayError::Value(format!("pick from block {slot} of {}", sources.len()))
        })?;
        let mut offset = 0;
        for (&axis, &local) in axes.iter().zip(&picks.locals[i * n_axes..(i + 1) * n_axes]) {
            if local as usize >= source.shape()[axis] {
                return Err(ArrayError::Index(format!(
                    "index {local} is out of bounds for axis {axis} with size {}",
                    source.shape()[axis]
                )));
            }
            offset += local as isize * source.strides()[axis];
        }
        offsets.push(offset);
    }
    Ok(offsets)
}

struct Moving<'a> {
    sources: &'a [Chunk],
    outer: Dims,
    inner: Dims,
    inner_shape: Dims,
    dense: Strides,
    itemsize: usize,
    inner_bytes: usize,
}

impl Moving<'_> {
    /// Calls `row` for every position of the outer axes, with the sources' addresses there and how
    /// many came before.
    fn rows(&self, mut row: impl FnMut(&[*const u8], usize)) {
        let extents = select(self.sources[0].shape(), &self.outer);
        let mut coords = Dims::from_elem(0, extents.len());
        for done in 0..n_elements(&extents) {
            let at = |source: &Chunk| {
                let strides = select(source.strides(), &self.outer);
                let offset: isize =
                    coords.iter().zip(&strides).map(|(&c, &stride)| c as isize * stride).sum();
                source.as_ptr().wrapping_offset(offset)
            };
            let starts: Vec<*const u8> = self.sources.iter().map(at).collect();
            row(&starts, done);
            for axis in (0..extents.len()).rev() {
                coords[axis] += 1;
                if coords[axis] < extents[axis] {
                    break;
                }
                coords[axis] = 0;
            }
        }
    }

    /// # Safety
    /// `to` must have room for all picks of all rows, `offsets` lie in the sources, and the inner
    /// axes be dense and of `T`'s size.
    unsafe fn typed<T: Copy>(&self, slots: &[u32], offsets: &[isize], to: *mut u8) {
        let to = to.cast::<T>();
        self.rows(|starts, done| {
            for (i, (&slot, &offset)) in slots.iter().zip(offsets).enumerate() {
                let from = starts[slot as usize].wrapping_offset(offset).cast::<T>();
                // SAFETY: the caller's.
                unsafe { to.add(done * slots.len() + i).write_unaligned(from.read_unaligned()) };
            }
        });
    }

    /// # Safety
    /// As `typed`, of any size.
    unsafe fn dense(&self, slots: &[u32], offsets: &[isize], to: *mut u8) {
        let n = self.inner_bytes;
        self.rows(|starts, done| {
            for (i, (&slot, &offset)) in slots.iter().zip(offsets).enumerate() {
                let from = starts[slot as usize].wrapping_offset(offset);
                // SAFETY: the caller's.
                unsafe {
                    std::ptr::copy_nonoverlapping(from, to.add((done * slots.len() + i) * n), n);
                }
            }
        });
    }

    /// # Safety
    /// As `dense`, with any strides of the inner axes.
    unsafe fn strided(&self, slots: &[u32], offsets: &[isize], to: *mut u8) {
        let strides: Vec<Strides> =
            self.sources.iter().map(|source| select(source.strides(), &self.inner)).collect();
        self.rows(|starts, done| {
            for (i, (&slot, &offset)) in slots.iter().zip(offsets).enumerate() {
                let from = starts[slot as usize].wrapping_offset(offset);
                // SAFETY: the caller's.
                unsafe {
                    let to = to.add((done * slots.len() + i) * self.inner_bytes);
                    let from = (from, strides[slot as usize].as_slice());
                    copy::copy_raw(self.itemsize, &self.inner_shape, from, (to, &self.dense));
                }
            }
        });
    }
}

/// A copy of `base` with elements of `source` put in: pick `i` of `source` along `at` goes to
/// `locals` along `axes`. The last of several that go to one place stays. `source` broadcasts to
/// the other axes of `base`.
///
/// # Errors
/// If the extents don't fit, or a position lies outside; `NoKernel` if dtypes differ.
pub fn scatter(
    base: &Chunk,
    axes: &[usize],
    at: usize,
    locals: &[u32],
    source: &Chunk,
    picks: &[u32],
) -> Result<Chunk> {
    if base.dtype() != source.dtype() {
        return Err(ArrayError::NoKernel("values of another dtype".into()));
    }
    let rest = other_axes(base.ndim(), axes);
    let mut wanted = select(base.shape(), &rest);
    let n = if source.ndim() + at > rest.len() && source.ndim() > rest.len() - at {
        source.shape()[source.ndim() + at - rest.len() - 1]
    } else {
        1
    };
    wanted.insert(at, n);
    let source = source.broadcast_to(&wanted)?;
    let target = copy::contiguous_copy(base)?;
    let slots = vec![0; picks.len()];
    let offsets = offsets(std::slice::from_ref(&target), axes, Picks { slots: &slots, locals })?;
    let shape = select(base.shape(), &rest);
    let to_strides = select(target.strides(), &rest);
    let mut from_strides = Strides::from_slice(source.strides());
    let step = from_strides.remove(at);
    for (&pick, &offset) in picks.iter().zip(&offsets) {
        // One value for all picks repeats.
        let pick = if n == 1 { 0 } else { pick as usize };
        if pick >= n {
            return Err(ArrayError::Value(format!("value {pick} of {n} to be put")));
        }
        let from = source.as_ptr().wrapping_offset(pick as isize * step);
        let to = target.buffer().as_mut_ptr().wrapping_offset(offset);
        // SAFETY: the target is new; positions on both sides were checked.
        unsafe {
            copy::copy_raw(
                base.dtype().itemsize(),
                &shape,
                (from, from_strides.as_slice()),
                (to, to_strides.as_slice()),
            );
        }
    }
    Ok(target)
}

/// The elements of an integer chunk.
///
/// # Errors
/// If they are no integers, or too large.
pub fn as_indices(chunk: &Chunk) -> Result<Vec<i64>> {
    let wrong = || {
        ArrayError::Index(format!(
            "arrays used as indices must be of integer (or boolean) type, not {}",
            chunk.dtype()
        ))
    };
    macro_rules! widened {
        ($($ty:ty => $dtype:ident),*) => {
            match chunk.dtype() {
                DType::I64 => Ok(chunk.elements::<i64>()?.into_owned()),
                $(DType::$dtype => chunk
                    .elements::<$ty>()?
                    .iter()
                    .map(|&i| i64::try_from(i).map_err(|_| wrong()))
                    .collect(),)*
                _ => Err(wrong()),
            }
        };
    }
    widened!(i8 => I8, i16 => I16, i32 => I32, u8 => U8, u16 => U16, u32 => U32, u64 => U64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grid() -> Chunk {
        Chunk::from_slice(&(0..12).collect::<Vec<i64>>(), &[3, 4]).unwrap()
    }

    fn picked(sources: &[Chunk], axes: &[usize], at: usize, picks: Picks<'_>) -> Vec<i64> {
        gather(sources, axes, at, picks).unwrap().as_slice::<i64>().unwrap().to_vec()
    }

    #[test]
    fn rows_and_columns_are_taken_from_several_blocks() {
        let other = Chunk::from_slice(&(100..104).collect::<Vec<i64>>(), &[1, 4]).unwrap();
        let picks = Picks { slots: &[1, 0], locals: &[0, 2] };
        let rows = picked(&[grid(), other], &[0], 0, picks);
        assert_eq!(rows, [100, 101, 102, 103, 8, 9, 10, 11]);
        let columns = picked(&[grid()], &[1], 1, Picks { slots: &[0, 0], locals: &[3, 0] });
        assert_eq!(columns, [3, 0, 7, 4, 11, 8]);
        // The new axis may come before axes that stood before the gathered one.
        let front = picked(&[grid()], &[1], 0, Picks { slots: &[0, 0], locals: &[3, 0] });
        assert_eq!(front, [3, 7, 11, 0, 4, 8]);
    }

    #[test]
    fn points_and_strided_sources() {
        let picks = Picks { slots: &[0, 0, 0], locals: &[0, 1, 2, 3, 0, 0] };
        assert_eq!(picked(&[grid()], &[0, 1], 0, picks), [1, 11, 0]);
        let turned = grid().permuted(&[1, 0]);
        let picks = Picks { slots: &[0, 0], locals: &[3, 0] };
        assert_eq!(picked(&[turned], &[0], 0, picks), [3, 7, 11, 0, 4, 8]);
    }

    #[test]
    fn picks_outside_are_refused() {
        let picks = Picks { slots: &[0], locals: &[3] };
        assert!(matches!(gather(&[grid()], &[0], 0, picks), Err(ArrayError::Index(_))));
        assert!(gather(&[grid()], &[0], 0, Picks { slots: &[1], locals: &[0] }).is_err());
    }

    #[test]
    fn scattering_is_the_way_back() {
        let value = Chunk::from_slice(&[7i64, 8], &[2]).unwrap();
        // Columns 3 and 0 of every row.
        let put = scatter(&grid(), &[1], 1, &[3, 0], &value, &[0, 1]).unwrap();
        assert_eq!(put.as_slice::<i64>().unwrap(), [8, 1, 2, 7, 8, 5, 6, 7, 8, 9, 10, 7]);
        // Rows, of a value that repeats along them; the last one stays.
        let value = Chunk::from_slice(&[7i64, 8], &[2, 1]).unwrap();
        let put = scatter(&grid(), &[0], 0, &[1, 1], &value, &[0, 1]).unwrap();
        assert_eq!(put.as_slice::<i64>().unwrap()[4..8], [8, 8, 8, 8]);
        let one = Chunk::scalar(5i64).unwrap();
        let put = scatter(&grid(), &[0, 1], 0, &[0, 0, 2, 3], &one, &[0, 1]).unwrap();
        assert_eq!(put.as_slice::<i64>().unwrap(), [5, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 5]);
    }

    #[test]
    fn a_mask_keeps_what_it_is_true_for_at_any_stride() {
        let chunk = Chunk::from_slice(&(0..20).collect::<Vec<i32>>(), &[20]).unwrap();
        let view = chunk.sliced(0, 19, -2, 10);
        let mask: Vec<Bool> = (0..10).map(|i| Bool(u8::from(i % 3 == 0))).collect();
        let kept = compress(&view, &mask).unwrap();
        assert_eq!(kept.as_slice::<i32>().unwrap(), [19, 13, 7, 1]);
        let none = compress(&view, &[Bool(0); 10]).unwrap();
        assert_eq!(none.shape(), [0]);
        assert!(compress(&view, &mask[1..]).is_err());
    }
}
