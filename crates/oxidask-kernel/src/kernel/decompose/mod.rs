//! Decompositions and solvers of one matrix, through faer.
//!
//! Matrices are 2-d chunks of f32, f64, c64 or c128; integers and booleans are taken as f64, as
//! NumPy does. Results are chunks in column-major layout where that spares a copy.
//! [`factor`] has QR, SVD, Cholesky and LU; [`solve`] what solves equations with them; [`eigen`]
//! eigenvalues; [`columns`] the steps of factorisations that no task holds whole.
#![expect(unsafe_code, reason = "chunks as faer's views")]

pub mod columns;
pub mod eigen;
pub mod factor;
mod pivot;
pub mod solve;

use std::ops::{DivAssign, Neg};

use faer::traits::ComplexField;
use faer::{MatMut, MatRef};
use num_complex::Complex;

use crate::dispatch;
use crate::dtype::{DType, Element};
use crate::error::{ArrayError, Result};
use crate::kernel::{Chunk, copy};

/// Elements of matrices that decompose.
pub trait Scalar:
    Element + ComplexField<Real = Self::Size> + Neg<Output = Self> + DivAssign
{
    /// Their absolute values.
    type Size: Element + faer::traits::RealField;
}

impl Scalar for f32 {
    type Size = f32;
}
impl Scalar for f64 {
    type Size = f64;
}
impl Scalar for Complex<f32> {
    type Size = f32;
}
impl Scalar for Complex<f64> {
    type Size = f64;
}

/// Runs a body for the element type of a matrix, as [`prepared`] gave it.
macro_rules! for_matrix {
    ($chunk:expr, $T:ident => $body:expr) => {{
        let dtype = $chunk.dtype();
        $crate::dispatch!(dtype, $T in [
            f32, f64, num_complex::Complex<f32>, num_complex::Complex<f64>,
        ] => $body, else Err($crate::error::ArrayError::no_kernel("linear algebra", dtype)))
    }};
}
pub(crate) use for_matrix;

/// The dtype in which linear algebra runs on this one.
///
/// # Errors
/// [`ArrayError::Type`] for those that NumPy refuses too.
pub fn working_dtype(dtype: DType) -> Result<DType> {
    use crate::dtype::Kind;
    match (dtype.kind(), dtype) {
        (Kind::Bool | Kind::Signed | Kind::Unsigned, _) => Ok(DType::F64),
        (_, DType::F32 | DType::F64 | DType::C64 | DType::C128) => Ok(dtype),
        _ => Err(ArrayError::Type(format!("array type {dtype} is unsupported in linalg"))),
    }
}

/// The chunk as a matrix that faer can view: 2-d, of a working dtype, aligned.
///
/// # Errors
/// [`ArrayError::LinAlg`] if it isn't 2-d, and as [`working_dtype`].
pub fn prepared(chunk: &Chunk) -> Result<Chunk> {
    if chunk.ndim() != 2 {
        return Err(ArrayError::LinAlg(format!(
            "{}-dimensional array given. Array must be two-dimensional",
            chunk.ndim()
        )));
    }
    let wanted = working_dtype(chunk.dtype())?;
    if wanted != chunk.dtype() {
        return as_f64(chunk);
    }
    let size = chunk.dtype().itemsize();
    let whole = chunk.strides().iter().all(|stride| stride % size as isize == 0)
        && (chunk.as_ptr() as usize).is_multiple_of(size.min(8));
    if whole { Ok(chunk.clone()) } else { copy::contiguous_copy(chunk) }
}

/// [`prepared`], and square.
///
/// # Errors
/// [`ArrayError::LinAlg`] if it isn't square, and as [`prepared`].
pub fn square(chunk: &Chunk) -> Result<Chunk> {
    let chunk = prepared(chunk)?;
    if chunk.shape()[0] == chunk.shape()[1] {
        return Ok(chunk);
    }
    Err(ArrayError::LinAlg(format!(
        "Last 2 dimensions of the array must be square, but the shape is {:?}",
        chunk.shape()
    )))
}

/// The conjugate transpose of a matrix: of real numbers a view.
///
/// # Errors
/// As [`prepared`].
pub fn adjoint(chunk: &Chunk) -> Result<Chunk> {
    let chunk = prepared(chunk)?;
    match chunk.dtype() {
        DType::F32 | DType::F64 => Ok(chunk.permuted(&[1, 0])),
        _ => for_matrix!(chunk, T => store::<T>(view::<T>(&chunk).adjoint().to_owned().as_ref())),
    }
}

fn as_f64(chunk: &Chunk) -> Result<Chunk> {
    macro_rules! cast {
        ($($ty:ty),*) => {
            dispatch!(chunk.dtype(), T in [$($ty),*] => {
                let wide: Vec<f64> = chunk.elements::<T>()?.iter().map(|&x| x as f64).collect();
                Chunk::from_slice(&wide, chunk.shape())
            }, else {
                let bools = chunk.elements::<crate::dtype::Bool>()?;
                let wide: Vec<f64> = bools.iter().map(|x| f64::from(x.0)).collect();
                Chunk::from_slice(&wide, chunk.shape())
            })
        };
    }
    cast!(i8, i16, i32, i64, u8, u16, u32, u64)
}

/// A prepared chunk as faer sees it.
pub(crate) fn view<T: Scalar>(chunk: &Chunk) -> MatRef<'_, T> {
    let size = size_of::<T>() as isize;
    let (shape, strides) = (chunk.shape(), chunk.strides());
    debug_assert_eq!(chunk.dtype(), T::DTYPE);
    // SAFETY: a prepared chunk: aligned, whole strides, elements of this type, alive as long.
    unsafe {
        MatRef::from_raw_parts(
            chunk.as_ptr().cast(),
            shape[0],
            shape[1],
            strides[0] / size,
            strides[1] / size,
        )
    }
}

/// A new column-major chunk that `fill` writes; it comes with unspecified elements.
pub(crate) fn filled<T: Scalar>(
    rows: usize,
    columns: usize,
    fill: impl FnOnce(MatMut<'_, T>) -> Result<()>,
) -> Result<Chunk> {
    let mut turned = Chunk::zeros(T::DTYPE, &[columns, rows])?;
    if let Some(slice) = turned.as_mut_slice::<T>() {
        fill(MatMut::from_column_major_slice_mut(slice, rows, columns))?;
    }
    Ok(turned.permuted(&[1, 0]))
}

/// A matrix of faer's as a chunk.
pub(crate) fn store<T: Scalar>(matrix: MatRef<'_, T>) -> Result<Chunk> {
    filled(matrix.nrows(), matrix.ncols(), |mut target| {
        target.copy_from(matrix);
        Ok(())
    })
}

#[cfg(test)]
mod tests;
