//! Factors of a matrix: QR, SVD, Cholesky and LU with partial pivoting.

use faer::{MatRef, Side};

use super::{Scalar, filled, for_matrix, pivot, prepared, square, store, view};
use crate::dtype::Element;
use crate::error::{ArrayError, Result};
use crate::kernel::Chunk;

/// `q` (m, k) with orthonormal columns and upper triangular `r` (k, n) with `q @ r = a`, for k the
/// smaller extent.
///
/// # Errors
/// As [`prepared`].
pub fn qr(a: &Chunk) -> Result<(Chunk, Chunk)> {
    let a = prepared(a)?;
    for_matrix!(a, T => {
        let qr = view::<T>(&a).qr();
        Ok((store::<T>(qr.compute_thin_Q().as_ref())?, upper::<T>(qr.thin_R(), false)?))
    })
}

/// `u` (m, k), `s` (k,) falling and `vt` (k, n) with `u * s @ vt = a`.
///
/// # Errors
/// [`ArrayError::LinAlg`] if it does not converge (the matrix has NaN), and as [`prepared`].
pub fn svd(a: &Chunk) -> Result<(Chunk, Chunk, Chunk)> {
    let a = prepared(a)?;
    for_matrix!(a, T => {
        let svd = view::<T>(&a).thin_svd().map_err(|_| diverged("SVD"))?;
        let s = sizes::<T>(svd.S().column_vector().iter().copied())?;
        Ok((store::<T>(svd.U())?, s, store::<T>(svd.V().adjoint().to_owned().as_ref())?))
    })
}

/// The singular values alone, falling.
///
/// # Errors
/// As [`svd`].
pub fn singular_values(a: &Chunk) -> Result<Chunk> {
    let a = prepared(a)?;
    for_matrix!(a, T => {
        let values = view::<T>(&a).singular_values().map_err(|_| diverged("SVD"))?;
        Chunk::from_slice(&values, &[values.len()])
    })
}

/// Lower triangular `l` with `l @ l.H = a`; reads the lower triangle only.
///
/// # Errors
/// [`ArrayError::LinAlg`] if the matrix is not square or not positive definite.
pub fn cholesky(a: &Chunk) -> Result<Chunk> {
    let a = square(a)?;
    for_matrix!(a, T => {
        let llt = view::<T>(&a).llt(Side::Lower).map_err(|_| {
            ArrayError::LinAlg("Matrix is not positive definite".into())
        })?;
        lower::<T>(llt.L(), false)
    })
}

/// LU with partial pivoting.
pub struct Lu {
    /// Row `i` of `l @ u` is row `rows[i]` of the matrix.
    pub rows: Vec<usize>,
    /// Unit lower triangular (m, k).
    pub l: Chunk,
    /// Upper triangular (k, n).
    pub u: Chunk,
}

/// The LU decomposition.
///
/// # Errors
/// As [`prepared`].
pub fn lu(a: &Chunk) -> Result<Lu> {
    let (packed, rows) = packed(&prepared(a)?)?;
    let k = packed.shape()[0].min(packed.shape()[1]);
    for_matrix!(packed, T => {
        let lu = view::<T>(&packed);
        let (l, u) = (lower::<T>(lu.subcols(0, k), true)?, upper::<T>(lu.subrows(0, k), false)?);
        Ok(Lu { rows, l, u })
    })
}

/// Both factors in one matrix, and the order of the rows.
fn packed(a: &Chunk) -> Result<(Chunk, Vec<usize>)> {
    for_matrix!(a, T => {
        let mut rows = Vec::new();
        let packed = filled::<T>(a.shape()[0], a.shape()[1], |mut lu| {
            lu.copy_from(view::<T>(a));
            rows = pivot::factor_in_place(lu);
            Ok(())
        })?;
        Ok((packed, rows))
    })
}

/// The permutation matrix `p` with `p @ l @ u = a`, of the dtype of `l`, as SciPy's `lu`.
///
/// # Errors
/// If there is not enough memory.
pub fn permutation(lu: &Lu) -> Result<Chunk> {
    for_matrix!(lu.l, T => filled::<T>(lu.rows.len(), lu.rows.len(), |mut p| {
        for (i, &row) in lu.rows.iter().enumerate() {
            p[(row, i)] = <T as faer::traits::ComplexField>::one_impl();
        }
        Ok(())
    }))
}

/// The sign (or phase) of the determinant and the logarithm of its absolute value; of a singular
/// matrix 0 and negative infinity.
///
/// # Errors
/// As [`square`].
pub fn slogdet(a: &Chunk) -> Result<(Chunk, Chunk)> {
    let (packed, rows) = packed(&square(a)?)?;
    for_matrix!(packed, T => {
        let (sign, log) = T::sign_and_log(view::<T>(&packed), is_odd(&rows));
        Ok((Chunk::scalar(sign)?, Chunk::scalar(log)?))
    })
}

/// The determinant.
///
/// # Errors
/// As [`square`].
pub fn det(a: &Chunk) -> Result<Chunk> {
    let (packed, rows) = packed(&square(a)?)?;
    for_matrix!(packed, T => {
        Chunk::scalar(T::diagonal_product(view::<T>(&packed), is_odd(&rows)))
    })
}

trait Determinant: Scalar {
    fn sign_and_log(u: MatRef<'_, Self>, odd: bool) -> (Self, Self::Size);
    fn diagonal_product(u: MatRef<'_, Self>, odd: bool) -> Self;
}

macro_rules! determinant {
    ($($ty:ty: $one:expr, $zero:expr, $abs:ident);*) => {$(
        impl Determinant for $ty {
            fn sign_and_log(u: MatRef<'_, Self>, odd: bool) -> (Self, Self::Size) {
                let mut sign: Self = if odd { -$one } else { $one };
                let mut log: Self::Size = 0.0;
                for i in 0..u.ncols() {
                    let size = u[(i, i)].$abs();
                    if size == 0.0 {
                        return ($zero, Self::Size::NEG_INFINITY);
                    }
                    sign *= u[(i, i)] / size;
                    log += size.ln();
                }
                (sign, log)
            }

            fn diagonal_product(u: MatRef<'_, Self>, odd: bool) -> Self {
                let start: Self = if odd { -$one } else { $one };
                (0..u.ncols()).fold(start, |product, i| product * u[(i, i)])
            }
        }
    )*};
}

determinant!(
    f32: 1.0, 0.0, abs;
    f64: 1.0, 0.0, abs;
    num_complex::Complex<f32>: Self::ONE, Self::ZERO, norm;
    num_complex::Complex<f64>: Self::ONE, Self::ZERO, norm
);

/// Whether a permutation is odd.
pub(super) fn is_odd(permutation: &[usize]) -> bool {
    let mut seen = vec![false; permutation.len()];
    let mut odd = false;
    for start in 0..permutation.len() {
        let (mut at, mut length) = (start, 0);
        while !seen[at] {
            seen[at] = true;
            at = permutation[at];
            length += 1;
        }
        odd ^= length > 0 && length % 2 == 0;
    }
    odd
}

fn diverged(what: &str) -> ArrayError {
    ArrayError::LinAlg(format!("{what} did not converge"))
}

/// Real values as a vector.
pub(super) fn sizes<T: Scalar>(values: impl Iterator<Item = T>) -> Result<Chunk>
where
    T::Size: Element,
{
    let values: Vec<T::Size> =
        values.map(|value| faer::traits::ComplexField::real_part_impl(&value)).collect();
    Chunk::from_slice(&values, &[values.len()])
}

/// The lower triangle, with ones on the diagonal if `unit`.
fn lower<T: Scalar>(matrix: MatRef<'_, T>, unit: bool) -> Result<Chunk> {
    triangle(matrix, unit, |i, j| i >= j)
}

fn upper<T: Scalar>(matrix: MatRef<'_, T>, unit: bool) -> Result<Chunk> {
    triangle(matrix, unit, |i, j| i <= j)
}

fn triangle<T: Scalar>(
    matrix: MatRef<'_, T>,
    unit: bool,
    inside: impl Fn(usize, usize) -> bool,
) -> Result<Chunk> {
    filled(matrix.nrows(), matrix.ncols(), |mut target: faer::MatMut<'_, T>| {
        for j in 0..matrix.ncols() {
            for i in (0..matrix.nrows()).filter(|&i| inside(i, j)) {
                let one = unit && i == j;
                target[(i, j)] = if one { T::one_impl() } else { matrix[(i, j)] };
            }
        }
        Ok(())
    })
}
