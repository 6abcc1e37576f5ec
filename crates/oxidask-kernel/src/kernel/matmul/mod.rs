//! Contractions of two chunks: matrix products, `tensordot`, `dot` and two-operand `einsum`.
//!
//! A [`Contraction`] sorts the axes of both operands by their labels into batch, left, inner and
//! right axes, views each operand as a stack of matrices (without a copy where its strides allow)
//! and multiplies them, summing over several pairs of blocks into one result. The product of two
//! matrices is in [`product`].
#![expect(unsafe_code, reason = "matrices as views of strided memory")]

pub mod product;

use half::f16;

use crate::dispatch;
use crate::dtype::{Bool, DType, Element};
use crate::error::{ArrayError, Result};
use crate::kernel::{Chunk, Dims, copy};
use product::{Matrix, Product};

/// The name of an axis in a contraction; equal labels are one axis.
pub type Label = u16;

/// How the axes of two operands combine to those of the result.
#[derive(Debug, Clone)]
pub struct Contraction {
    n_batch: usize,
    n_left: usize,
    n_inner: usize,
    /// Axes of the left operand as batch, left, inner.
    a_axes: Dims,
    /// Axes of the right operand as batch, inner, right.
    b_axes: Dims,
    /// Where the result's axes lie among batch, left, right.
    out_axes: Dims,
}

impl Contraction {
    /// The contraction of operands with these labels. Labels of both operands that the result has
    /// not are summed over.
    ///
    /// # Errors
    /// [`ArrayError::NoKernel`] if an operand repeats a label (a diagonal) or has one that nobody
    /// else has (a sum); [`ArrayError::Value`] if the result has one that no operand has.
    pub fn new(a: &[Label], b: &[Label], out: &[Label]) -> Result<Self> {
        let twice = |labels: &[Label]| (1..labels.len()).any(|i| labels[..i].contains(&labels[i]));
        if twice(a) || twice(b) || twice(out) {
            return Err(ArrayError::NoKernel("a contraction with repeated labels".into()));
        }
        if let Some(label) = out.iter().find(|label| !a.contains(label) && !b.contains(label)) {
            return Err(ArrayError::Value(format!("no operand has the output's axis {label}")));
        }
        let alone = |one: &[Label], other: &[Label]| {
            one.iter().any(|label| !other.contains(label) && !out.contains(label))
        };
        if alone(a, b) || alone(b, a) {
            return Err(ArrayError::NoKernel("a contraction that sums one operand alone".into()));
        }
        let in_out = |labels: &[Label], other: &[Label], shared: bool| -> Vec<Label> {
            let wanted = |l: &&Label| labels.contains(l) && other.contains(l) == shared;
            out.iter().filter(wanted).copied().collect()
        };
        let (batch, left, right) = (in_out(a, b, true), in_out(a, b, false), in_out(b, a, false));
        let inner: Vec<Label> = a.iter().filter(|l| !out.contains(l)).copied().collect();
        let places = |labels: &[Label], groups: [&[Label]; 3]| -> Dims {
            let find = |l: &Label| labels.iter().position(|m| m == l).unwrap_or(0);
            groups.into_iter().flatten().map(find).collect()
        };
        let order: Vec<Label> = [&batch[..], &left, &right].concat();
        Ok(Self {
            n_batch: batch.len(),
            n_left: left.len(),
            n_inner: inner.len(),
            a_axes: places(a, [&batch, &left, &inner]),
            b_axes: places(b, [&batch, &inner, &right]),
            out_axes: places(&order, [out, &[], &[]]),
        })
    }

    /// The contraction of every pair, summed. All pairs give the same shape.
    ///
    /// # Errors
    /// [`ArrayError::NoKernel`] for dtypes without a product, [`ArrayError::Value`] for shapes that
    /// don't fit, or if there is not enough memory.
    pub fn run(&self, pairs: &[(Chunk, Chunk)]) -> Result<Chunk> {
        let Some((a, b)) = pairs.first() else {
            return Err(ArrayError::Value("a contraction of no blocks".into()));
        };
        if pairs.iter().any(|(x, y)| x.dtype() != a.dtype() || y.dtype() != a.dtype()) {
            return Err(ArrayError::no_kernel("a contraction of mixed dtypes", b.dtype()));
        }
        if a.dtype() == DType::F16 {
            // Sums of halves are kept in single precision.
            let wide = pairs.iter().map(|(a, b)| Ok((widened(a)?, widened(b)?)));
            return narrowed(&self.run(&wide.collect::<Result<Vec<_>>>()?)?);
        }
        dispatch!(a.dtype(), T in [
            Bool, i8, i16, i32, i64, u8, u16, u32, u64, f32, f64,
            num_complex::Complex<f32>, num_complex::Complex<f64>,
        ] => self.run_as::<T>(pairs), else Err(ArrayError::no_kernel("a contraction", a.dtype())))
    }

    fn run_as<T: Product>(&self, pairs: &[(Chunk, Chunk)]) -> Result<Chunk> {
        let mut result: Option<Chunk> = None;
        for (a, b) in pairs {
            let (a, b, shape) = self.aligned(a, b)?;
            let add = result.is_some();
            let out = match result.take() {
                Some(out) => out,
                None => Chunk::new(T::DTYPE, &shape)?,
            };
            if out.shape() != &shape[..] {
                return Err(ArrayError::Value(format!(
                    "blocks of shapes {:?} and {:?} can't be summed in a contraction",
                    out.shape(),
                    &shape[..]
                )));
            }
            self.multiply::<T>(&out, &a, &b, add)?;
            result = Some(out);
        }
        let out = result.ok_or_else(|| ArrayError::Value("a contraction of no blocks".into()))?;
        Ok(out.permuted(&self.out_axes))
    }

    /// Both operands with their axes in order and stretched to each other, and the result's shape.
    fn aligned(&self, a: &Chunk, b: &Chunk) -> Result<(Chunk, Chunk, Dims)> {
        if a.ndim() != self.a_axes.len() || b.ndim() != self.b_axes.len() {
            return Err(ArrayError::Value(format!("{a:?} and {b:?} don't fit a contraction")));
        }
        let (a, b) = (a.permuted(&self.a_axes), b.permuted(&self.b_axes));
        let (mut a_shape, mut b_shape) = (Dims::from(a.shape()), Dims::from(b.shape()));
        let shared = (0..self.n_batch).map(|i| (i, i));
        let inner = (0..self.n_inner).map(|i| (self.n_batch + self.n_left + i, self.n_batch + i));
        for (i, j) in shared.chain(inner) {
            match (a_shape[i], b_shape[j]) {
                (n, m) if n == m => {}
                (1, m) => a_shape[i] = m,
                (n, 1) => b_shape[j] = n,
                (n, m) => {
                    return Err(ArrayError::Value(format!(
                        "shapes {:?} and {:?} don't match: {n} elements are to meet {m}",
                        a.shape(),
                        b.shape()
                    )));
                }
            }
        }
        let left = &a_shape[..self.n_batch + self.n_left];
        let shape = left.iter().chain(&b_shape[self.n_batch + self.n_inner..]).copied().collect();
        Ok((a.broadcast_to(&a_shape)?, b.broadcast_to(&b_shape)?, shape))
    }

    fn multiply<T: Product>(&self, out: &Chunk, a: &Chunk, b: &Chunk, add: bool) -> Result<()> {
        let batch = Dims::from(&out.shape()[..self.n_batch]);
        let (a, rows, inner) = as_matrices::<T>(a, self.n_batch, self.n_left, false)?;
        let (b, depth, columns) = as_matrices::<T>(b, self.n_batch, self.n_inner, T::DENSE_RIGHT)?;
        if out.is_empty() {
            return Ok(());
        }
        let size = size_of::<T>() as isize;
        let mut coords = Dims::from_elem(0, self.n_batch);
        let (mut at_a, mut at_b, mut at_out) = (0, 0, 0);
        let step = (rows.0 * columns.0) as isize;
        loop {
            let target = out.as_ptr().cast_mut().wrapping_offset(at_out * size).cast::<T>();
            let x = a.as_ptr().wrapping_offset(at_a).cast();
            let y = b.as_ptr().wrapping_offset(at_b).cast();
            let x = Matrix { start: x, n: [rows.0, inner.0], strides: [rows.1, inner.1] };
            let y = Matrix { start: y, n: [depth.0, columns.0], strides: [depth.1, columns.1] };
            // SAFETY: the views lie in their chunks, and the result is new and ours alone.
            unsafe { T::product(target, &x, &y, add) };
            at_out += step;
            let mut axis = self.n_batch;
            loop {
                if axis == 0 {
                    return Ok(());
                }
                axis -= 1;
                coords[axis] += 1;
                at_a += a.strides()[axis];
                at_b += b.strides()[axis];
                if coords[axis] < batch[axis] {
                    break;
                }
                at_a -= a.strides()[axis] * batch[axis] as isize;
                at_b -= b.strides()[axis] * batch[axis] as isize;
                coords[axis] = 0;
            }
        }
    }
}

/// Extent and stride, in elements, of merged axes.
type Merged = (usize, isize);

/// The chunk as a stack of matrices: `n_batch` axes, then `n_rows` axes that merge to one, then the
/// rest that merge to one. Copied if its strides don't allow it.
fn as_matrices<T: Element>(
    chunk: &Chunk,
    n_batch: usize,
    n_rows: usize,
    dense: bool,
) -> Result<(Chunk, Merged, Merged)> {
    let split = n_batch + n_rows;
    let view = |chunk: &Chunk| {
        let size = size_of::<T>() as isize;
        let whole = chunk.strides().iter().all(|stride| stride % size == 0)
            && (chunk.as_ptr() as usize).is_multiple_of(align_of::<T>());
        let rows = merged(&chunk.shape()[n_batch..split], &chunk.strides()[n_batch..split])?;
        let columns = merged(&chunk.shape()[split..], &chunk.strides()[split..])?;
        let fits = whole && (!dense || columns.0 == 1 || columns.1 == size);
        fits.then_some(((rows.0, rows.1 / size), (columns.0, columns.1 / size)))
    };
    if let Some((rows, columns)) = view(chunk) {
        return Ok((chunk.clone(), rows, columns));
    }
    let chunk = copy::contiguous_copy(chunk)?;
    let (rows, columns) =
        view(&chunk).ok_or_else(|| ArrayError::Value("no matrix view of a copy".into()))?;
    Ok((chunk, rows, columns))
}

/// Axes as one, if each continues the next.
fn merged(shape: &[usize], strides: &[isize]) -> Option<Merged> {
    let mut at: Option<Merged> = None;
    for (&n, &stride) in shape.iter().zip(strides).filter(|&(&n, _)| n != 1) {
        at = match at {
            None => Some((n, stride)),
            Some((m, outer)) if outer == stride * n as isize || m == 0 || n == 0 => {
                Some((m * n, stride))
            }
            Some(_) => return None,
        };
    }
    Some(at.unwrap_or((1, 0)))
}

fn widened(chunk: &Chunk) -> Result<Chunk> {
    let wide: Vec<f32> = chunk.elements::<f16>()?.iter().map(|x| x.to_f32()).collect();
    Chunk::from_slice(&wide, chunk.shape())
}

fn narrowed(chunk: &Chunk) -> Result<Chunk> {
    let narrow: Vec<f16> = chunk.elements::<f32>()?.iter().map(|&x| f16::from_f32(x)).collect();
    Chunk::from_slice(&narrow, chunk.shape())
}

/// The labels of a matrix product of operands with so many axes: those of both operands and of the
/// result. 1-d operands are a row on the left and a column on the right, and lose that axis.
#[must_use]
pub fn matmul_labels(a_ndim: usize, b_ndim: usize) -> (Vec<Label>, Vec<Label>, Vec<Label>) {
    const ROW: Label = 1000;
    const INNER: Label = 1001;
    const COLUMN: Label = 1002;
    let n_batch = a_ndim.max(b_ndim).saturating_sub(2);
    // Batch axes align at their right ends.
    let batch = |ndim: usize| {
        let own = ndim.saturating_sub(2);
        (n_batch - own..n_batch).map(|i| i as Label).collect::<Vec<_>>()
    };
    let (mut a, mut b) = (batch(a_ndim), batch(b_ndim));
    let mut out: Vec<Label> = (0..n_batch as Label).collect();
    if a_ndim > 1 {
        a.push(ROW);
        out.push(ROW);
    }
    a.push(INNER);
    b.push(INNER);
    if b_ndim > 1 {
        b.push(COLUMN);
        out.push(COLUMN);
    }
    (a, b, out)
}

/// The matrix product of two chunks by NumPy's rules for `matmul`.
///
/// # Errors
/// As [`Contraction::run`]; 0-d operands are refused.
pub fn matmul(a: &Chunk, b: &Chunk) -> Result<Chunk> {
    if a.ndim() == 0 || b.ndim() == 0 {
        return Err(ArrayError::Value("matmul: operands need at least one dimension".into()));
    }
    let (la, lb, out) = matmul_labels(a.ndim(), b.ndim());
    Contraction::new(&la, &lb, &out)?.run(&[(a.clone(), b.clone())])
}

/// The sum of two chunks of one shape and dtype; the first is contiguous, and changed in place if
/// nobody else holds it.
///
/// # Errors
/// [`ArrayError::NoKernel`] for dtypes without a product, [`ArrayError::Value`] for other shapes.
pub fn add(mut total: Chunk, other: &Chunk) -> Result<Chunk> {
    if total.shape() != other.shape() || total.dtype() != other.dtype() {
        return Err(ArrayError::Value(format!("{total:?} and {other:?} can't be summed")));
    }
    if total.dtype() == DType::F16 {
        return narrowed(&add(widened(&total)?, &widened(other)?)?);
    }
    dispatch!(total.dtype(), T in [
        Bool, i8, i16, i32, i64, u8, u16, u32, u64, f32, f64,
        num_complex::Complex<f32>, num_complex::Complex<f64>,
    ] => {
        if total.as_mut_slice::<T>().is_none() {
            total = copy::contiguous_copy(&total)?;
        }
        let other = other.elements::<T>()?;
        if let Some(slice) = total.as_mut_slice::<T>() {
            slice.iter_mut().zip(other.iter()).for_each(|(x, &y)| *x = T::plus(*x, y));
        }
        Ok(total)
    }, else Err(ArrayError::no_kernel("a sum", total.dtype())))
}

#[cfg(test)]
mod tests;
