//! Eigenvalues and eigenvectors.

use faer::Side;
use num_complex::Complex;

use super::factor::sizes;
use super::{for_matrix, square, store, view};
use crate::dtype::DType;
use crate::error::{ArrayError, Result};
use crate::kernel::Chunk;

fn diverged() -> ArrayError {
    ArrayError::LinAlg("Eigenvalues did not converge".into())
}

fn side(lower: bool) -> Side {
    if lower { Side::Lower } else { Side::Upper }
}

/// Rising eigenvalues and the eigenvectors, as columns, of a Hermitian matrix of which one half
/// is read.
///
/// # Errors
/// [`ArrayError::LinAlg`] if the matrix is not square, or it does not converge.
pub fn eigh(a: &Chunk, lower: bool) -> Result<(Chunk, Chunk)> {
    let a = square(a)?;
    for_matrix!(a, T => {
        let eigen = view::<T>(&a).self_adjoint_eigen(side(lower)).map_err(|_| diverged())?;
        let values = sizes::<T>(eigen.S().column_vector().iter().copied())?;
        Ok((values, store::<T>(eigen.U())?))
    })
}

/// The rising eigenvalues of a Hermitian matrix.
///
/// # Errors
/// As [`eigh`].
pub fn eigvalsh(a: &Chunk, lower: bool) -> Result<Chunk> {
    let a = square(a)?;
    for_matrix!(a, T => {
        let values = view::<T>(&a).self_adjoint_eigenvalues(side(lower)).map_err(|_| diverged())?;
        Chunk::from_slice(&values, &[values.len()])
    })
}

/// The eigenvalues of a general matrix, complex.
///
/// # Errors
/// As [`eigh`].
pub fn eigvals(a: &Chunk) -> Result<Chunk> {
    let a = square(a)?;
    macro_rules! values {
        ($ty:ty) => {{
            let values = view::<$ty>(&a).eigenvalues().map_err(|_| diverged())?;
            Chunk::from_slice(&values, &[values.len()])
        }};
    }
    match a.dtype() {
        DType::F32 => values!(f32),
        DType::F64 => values!(f64),
        DType::C64 => values!(Complex<f32>),
        _ => values!(Complex<f64>),
    }
}
