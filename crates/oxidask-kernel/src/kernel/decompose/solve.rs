//! Solutions of linear equations: triangular, general, inverse and least squares.

use faer::linalg::solvers::{DenseSolveCore, SolveCore};
use faer::linalg::triangular_solve as triangular;
use faer::{Conj, MatMut, Par};

use super::{Scalar, filled, for_matrix, prepared, square, store, view};
use crate::error::{ArrayError, Result};
use crate::kernel::Chunk;

/// Which half of a matrix holds it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Triangle {
    /// The lower half, or the upper.
    pub lower: bool,
    /// Whether the diagonal is ones, whatever is stored there.
    pub unit: bool,
}

/// A right hand side as a matrix of the dtype of `a`, and whether it was a vector.
fn right_side(a: &Chunk, b: &Chunk) -> Result<(Chunk, bool)> {
    let vector = b.ndim() == 1;
    let b = prepared(&if vector { b.expanded(1) } else { b.clone() })?;
    if b.shape()[0] != a.shape()[0] {
        return Err(ArrayError::Value(format!(
            "shapes {:?} and {:?} don't match: {} equations but {} right hand sides",
            a.shape(),
            b.shape(),
            a.shape()[0],
            b.shape()[0]
        )));
    }
    if b.dtype() != a.dtype() {
        return Err(ArrayError::no_kernel("equations of mixed dtypes", b.dtype()));
    }
    Ok((b, vector))
}

fn solution<T: Scalar>(
    b: &Chunk,
    vector: bool,
    solve: impl FnOnce(MatMut<'_, T>) -> Result<()>,
) -> Result<Chunk> {
    let x = filled::<T>(b.shape()[0], b.shape()[1], |mut x| {
        x.copy_from(view::<T>(b));
        solve(x)
    })?;
    Ok(if vector { x.at(1, 0) } else { x })
}

/// `x` with `a @ x = b` for triangular `a`.
///
/// # Errors
/// [`ArrayError::LinAlg`] if the matrix is singular or not square.
pub fn solve_triangular(a: &Chunk, b: &Chunk, half: Triangle) -> Result<Chunk> {
    let a = square(a)?;
    let (b, vector) = right_side(&a, b)?;
    for_matrix!(a, T => {
        let m = view::<T>(&a);
        let zero = (0..m.nrows()).find(|&i| m[(i, i)] == T::default());
        if let Some(i) = zero.filter(|_| !half.unit) {
            return Err(ArrayError::LinAlg(format!(
                "singular matrix: resolution failed at diagonal {i}"
            )));
        }
        solution::<T>(&b, vector, |x| {
            match (half.lower, half.unit) {
                (true, false) => triangular::solve_lower_triangular_in_place(m, x, Par::Seq),
                (true, true) => triangular::solve_unit_lower_triangular_in_place(m, x, Par::Seq),
                (false, false) => triangular::solve_upper_triangular_in_place(m, x, Par::Seq),
                (false, true) => triangular::solve_unit_upper_triangular_in_place(m, x, Par::Seq),
            }
            Ok(())
        })
    })
}

fn singular() -> ArrayError {
    ArrayError::LinAlg("Singular matrix".into())
}

/// `x` with `a @ x = b`, by LU.
///
/// # Errors
/// [`ArrayError::LinAlg`] if the matrix is singular or not square.
pub fn solve(a: &Chunk, b: &Chunk) -> Result<Chunk> {
    let a = square(a)?;
    let (b, vector) = right_side(&a, b)?;
    for_matrix!(a, T => {
        let lu = view::<T>(&a).partial_piv_lu();
        if (0..a.shape()[0]).any(|i| lu.U()[(i, i)] == T::default()) {
            return Err(singular());
        }
        solution::<T>(&b, vector, |x| {
            lu.solve_in_place_with_conj(Conj::No, x);
            Ok(())
        })
    })
}

/// The inverse.
///
/// # Errors
/// [`ArrayError::LinAlg`] if the matrix is singular or not square.
pub fn inverse(a: &Chunk) -> Result<Chunk> {
    let a = square(a)?;
    for_matrix!(a, T => {
        let lu = view::<T>(&a).partial_piv_lu();
        if (0..a.shape()[0]).any(|i| lu.U()[(i, i)] == T::default()) {
            return Err(singular());
        }
        store::<T>(lu.inverse().as_ref())
    })
}
