//! What needs the whole matrix: one task, on a matrix of one block.

use oxidask_core::layer::{AxisMap, IndexMap};

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
        matrix(self, what)?;
        self.chunks().require_known(what)?;
        let shape = self.shape();
        if shape[0] != shape[1] {
            return Err(ArrayError::LinAlg(format!(
                "{what} needs a square matrix, but the shape is {}",
                Tuple(&shape)
            )));
        }
        Ok((self.rechunked(Chunks::single(&shape))?, shape[0]))
    }

    /// A matrix that a kernel makes of the whole square matrix, cut as it was.
    ///
    /// # Errors
    /// [`ArrayError::LinAlg`] if the matrix is not square.
    pub fn square_kernel(&self, what: &str, kernel: Linalg) -> Result<Self> {
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
        let dtype = matrix(self, "lu")?;
        let (x, _) = self.whole_square("lu")?;
        let parts = x.parts(Linalg::Lu, [1, 1].into())?;
        let part = |name: &str, index: usize| {
            let whole = parts.item(name, index, x.chunks().clone(), dtype)?;
            whole.rechunked(self.chunks().clone())
        };
        Ok([part("lu-p", 0)?, part("lu-l", 1)?, part("lu-u", 2)?])
    }

    /// `x` with `self @ x = b`, by a kernel that solves that; `x` is cut as `b` was, whose columns
    /// are solved block by block.
    ///
    /// # Errors
    /// [`ArrayError::LinAlg`] if the matrix is not square, [`ArrayError::Value`] if `b` doesn't fit.
    pub fn solve_kernel(&self, b: &Self, what: &str, kernel: Linalg) -> Result<Self> {
        let dtypes = (matrix(self, what)?, b.dtype());
        let (mut a, n) = self.whole_square(what)?;
        if !(1..=2).contains(&b.ndim()) || b.shape()[0] != n {
            return Err(ArrayError::Value(format!(
                "{what} of a matrix of shape {} and a right hand side of shape {}",
                Tuple(&self.shape()),
                Tuple(&b.shape())
            )));
        }
        let mut x = b.rechunked(b.chunks().clone().with_axis(0, [n]))?;
        let mut dtype = None;
        if let (Some(left), Some(right)) = dtypes {
            let common = crate::kernel::decompose::working_dtype(promote(left, right)?)?;
            (a, x) = (a.astype(common)?, x.astype(common)?);
            dtype = Some(common);
        }
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
        let dtype = matrix(self, "det")?;
        let (x, _) = self.whole_square("det")?;
        x.number(Linalg::Det, "det", dtype)
    }

    /// Sign and logarithm of the determinant.
    ///
    /// # Errors
    /// [`ArrayError::LinAlg`] if the matrix is not square.
    pub fn slogdet(&self) -> Result<[Self; 2]> {
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

    /// Rising eigenvalues, and eigenvectors as columns, of a Hermitian matrix.
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
