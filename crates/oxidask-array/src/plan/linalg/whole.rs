//! What needs the whole matrix: column by column of blocks where there is a way ([`super::columns`]),
//! one task for a matrix of one block, a small one, and eigenvalues.

use oxidask_core::layer::{AxisMap, IndexMap};

use super::columns::Cut;
use super::qr::matrix;
use crate::dtype::DType;
use crate::error::{ArrayError, Result};
use crate::ops::linalg::Linalg;
use crate::plan::array::Array;
use crate::plan::chunks::{AxisChunks, Chunks, Tuple};
use crate::promote::promote;

impl Array {
    /// A square matrix as one block, and its extent.
    fn whole_square(&self, what: &str) -> Result<(Self, usize)> {
        let n = self.square_extent(what)?;
        Ok((self.rechunked(Chunks::single(&[n, n]))?, n))
    }

    /// A square matrix as columns, if it is large enough for that.
    fn cut(&self, what: &str) -> Result<Option<Cut>> {
        self.square_extent(what)?;
        Cut::new(self, matrix(self, what)?)
    }

    fn square_extent(&self, what: &str) -> Result<usize> {
        matrix(self, what)?;
        self.chunks().require_known(what)?;
        let shape = self.shape();
        if shape[0] != shape[1] {
            return Err(ArrayError::LinAlg(format!(
                "{what} needs a square matrix, but the shape is {}",
                Tuple(&shape)
            )));
        }
        Ok(shape[0])
    }

    /// The inverse, cut as the matrix.
    ///
    /// # Errors
    /// [`ArrayError::LinAlg`] if the matrix is not square.
    pub fn inv(&self) -> Result<Self> {
        match self.cut("inv")? {
            Some(cut) => cut.lu()?.inverse()?.rechunked(self.chunks().clone()),
            None => self.square_kernel("inv", Linalg::Inverse),
        }
    }

    /// The lower triangular factor of a Hermitian and positive definite matrix, of which the lower
    /// half is read.
    ///
    /// # Errors
    /// [`ArrayError::LinAlg`] if the matrix is not square.
    pub fn cholesky(&self) -> Result<Self> {
        match self.cut("cholesky")? {
            Some(cut) => cut.cholesky()?.rechunked(self.chunks().clone()),
            None => self.square_kernel("cholesky", Linalg::Cholesky),
        }
    }

    /// A matrix that a kernel makes of the whole square matrix, cut as it was.
    fn square_kernel(&self, what: &str, kernel: Linalg) -> Result<Self> {
        let dtype = matrix(self, what)?;
        let (x, _) = self.whole_square(what)?;
        let chunks = x.chunks().clone();
        let result = Self::layer(what, kernel, vec![(x, IndexMap::Identity)], chunks, dtype)?;
        result.rechunked(self.chunks().clone())
    }

    /// `p`, `l` and `u`, as SciPy's.
    ///
    /// # Errors
    /// [`ArrayError::LinAlg`] if the matrix is not square.
    pub fn lu(&self) -> Result<[Self; 3]> {
        if let Some(cut) = self.cut("lu")? {
            let [p, l, u] = cut.lu()?.factors(self.chunks())?;
            let chunks = self.chunks();
            return Ok([p, l.rechunked(chunks.clone())?, u.rechunked(chunks.clone())?]);
        }
        let dtype = matrix(self, "lu")?;
        let (x, _) = self.whole_square("lu")?;
        let parts = x.parts(Linalg::Lu, [1, 1].into())?;
        let part = |name: &str, index: usize| {
            let whole = parts.item(name, index, x.chunks().clone(), dtype)?;
            whole.rechunked(self.chunks().clone())
        };
        Ok([part("lu-p", 0)?, part("lu-l", 1)?, part("lu-u", 2)?])
    }

    /// `x` with `self @ x = b`; `x` is cut as `b`.
    ///
    /// # Errors
    /// [`ArrayError::LinAlg`] if the matrix is not square, [`ArrayError::Value`] if `b` doesn't fit.
    pub fn solve(&self, b: &Self) -> Result<Self> {
        self.solved(b, "solve", Linalg::Solve, |cut, b| cut.lu()?.solve(b))
    }

    /// `x` with `self @ x = b` for a matrix of which one half is read, and nothing of its diagonal
    /// if that is taken as `unit`s; `x` is cut as `b`.
    ///
    /// # Errors
    /// As [`Array::solve`].
    pub fn solve_triangular(&self, b: &Self, lower: bool, unit: bool) -> Result<Self> {
        let kernel = Linalg::SolveTriangular { lower, unit };
        self.solved(b, "solve_triangular", kernel, |cut, b| cut.triangular(b, lower, unit))
    }

    fn solved(
        &self,
        b: &Self,
        what: &str,
        kernel: Linalg,
        by_columns: impl FnOnce(Cut, &Self) -> Result<Self>,
    ) -> Result<Self> {
        let dtypes = (matrix(self, what)?, b.dtype());
        let n = self.square_extent(what)?;
        if !(1..=2).contains(&b.ndim()) || b.shape()[0] != n {
            return Err(ArrayError::Value(format!(
                "{what} of a matrix of shape {} and a right hand side of shape {}",
                Tuple(&self.shape()),
                Tuple(&b.shape())
            )));
        }
        let (mut a, mut x) = (self.clone(), b.clone());
        let mut dtype = None;
        if let (Some(left), Some(right)) = dtypes {
            let common = crate::kernel::decompose::working_dtype(promote(left, right)?)?;
            (a, x) = (a.astype(common)?, x.astype(common)?);
            dtype = Some(common);
        }
        if let Some(cut) = Cut::new(&a, dtype)? {
            let solved = by_columns(cut, &x)?;
            let solved = if b.ndim() == 1 { solved.squeeze(&[1])? } else { solved };
            return solved.rechunked(b.chunks().clone());
        }
        let a = a.rechunked(Chunks::single(&[n, n]))?;
        let x = x.rechunked(b.chunks().clone().with_axis(0, [n]))?;
        let first = IndexMap::Axes([AxisMap::Fixed(0), AxisMap::Fixed(0)].into());
        let chunks = x.chunks().clone();
        let inputs = vec![(a, first), (x, IndexMap::Identity)];
        Self::layer(what, kernel, inputs, chunks, dtype)?.rechunked(b.chunks().clone())
    }

    /// Numbers that a kernel makes of the whole square matrix: the determinant.
    ///
    /// # Errors
    /// [`ArrayError::LinAlg`] if the matrix is not square.
    pub fn det(&self) -> Result<Self> {
        if let Some(cut) = self.cut("det")? {
            return cut.lu()?.det();
        }
        let dtype = matrix(self, "det")?;
        let (x, _) = self.whole_square("det")?;
        x.number(Linalg::Det, "det", dtype)
    }

    /// Sign and logarithm of the determinant.
    ///
    /// # Errors
    /// [`ArrayError::LinAlg`] if the matrix is not square.
    pub fn slogdet(&self) -> Result<[Self; 2]> {
        if let Some(cut) = self.cut("slogdet")? {
            return cut.lu()?.slogdet();
        }
        let dtype = matrix(self, "slogdet")?;
        let (x, _) = self.whole_square("slogdet")?;
        let parts = x.parts(Linalg::Slogdet, [1, 1].into())?;
        Ok([
            parts.number(Linalg::Item(0), "slogdet-sign", dtype)?,
            parts.number(Linalg::Item(1), "slogdet-log", real(dtype))?,
        ])
    }

    fn number(&self, kernel: Linalg, what: &str, dtype: Option<DType>) -> Result<Self> {
        let first = IndexMap::Axes([AxisMap::Fixed(0), AxisMap::Fixed(0)].into());
        Self::layer(what, kernel, vec![(self.clone(), first)], Chunks::single(&[]), dtype)
    }

    /// Rising eigenvalues, and eigenvectors as columns, of a Hermitian matrix: one task.
    ///
    /// # Errors
    /// [`ArrayError::LinAlg`] if the matrix is not square.
    pub fn eigh(&self, lower: bool) -> Result<[Self; 2]> {
        let dtype = matrix(self, "eigh")?;
        let (x, n) = self.whole_square("eigh")?;
        let parts = x.parts(Linalg::Eigh { lower }, [1, 1].into())?;
        let vectors = parts.item("eigh-vectors", 1, x.chunks().clone(), dtype)?;
        let values = parts.vector("eigh-values", 0, n, real(dtype))?;
        let axis: AxisChunks = self.chunks()[0].clone();
        Ok([values.rechunked(Chunks::new([axis]))?, vectors.rechunked(self.chunks().clone())?])
    }
}

/// The dtype of absolute values.
pub(super) fn real(dtype: Option<DType>) -> Option<DType> {
    dtype.map(|dtype| match dtype {
        DType::C64 => DType::F32,
        DType::C128 => DType::F64,
        other => other,
    })
}
