//! QR decompositions and what rests on them: TSQR of tall matrices, SFQR of wide ones, SVD.

use oxidask_core::layer::{AxisMap, IndexMap};

use crate::dtype::DType;
use crate::error::{ArrayError, Result};
use crate::kernel::decompose::working_dtype;
use crate::ops::linalg::Linalg;
use crate::plan::array::Array;
use crate::plan::chunks::{AxisChunks, Chunks, UNKNOWN, extent};

/// Most bytes of the `r` factors that one task stacks.
const STACK_BYTES: usize = 64 << 20;

/// A matrix, checked, with the dtype that its factors have.
pub(super) fn matrix(x: &Array, what: &str) -> Result<Option<DType>> {
    if x.ndim() != 2 {
        return Err(ArrayError::Value(format!(
            "{what}() requires a 2-dimensional array, but the array has {} dimensions",
            x.ndim()
        )));
    }
    x.dtype().map(working_dtype).transpose()
}

/// The smaller extent; of unknown extents the columns', for the matrix is taken to be tall.
fn thin(m: usize, n: usize) -> usize {
    if n == UNKNOWN { UNKNOWN } else { m.min(n) }
}

fn single(n: usize) -> AxisChunks {
    AxisChunks::from([n])
}

impl Array {
    /// The QR decomposition of a matrix of one column of blocks, by TSQR: each block is
    /// decomposed, then their stacked `r` factors, in a tree where they are many.
    /// Direct TSQR as in A. Benson, D. Gleich, J. Demmel, "Direct QR factorizations for
    /// tall-and-skinny matrices in MapReduce architectures" (2013).
    ///
    /// # Errors
    /// [`ArrayError::Value`] if it is no matrix, [`ArrayError::Unsupported`] if it has several
    /// columns of blocks.
    pub fn tsqr(&self) -> Result<(Self, Self)> {
        let dtype = matrix(self, "tsqr")?;
        let (rows, columns) = (&self.chunks()[0], &self.chunks()[1]);
        if columns.len() != 1 {
            return Err(ArrayError::Unsupported(format!(
                "tsqr of a matrix of {} columns of blocks (chunks {}); rechunk it to one: \
                 x.rechunk({{1: -1}})",
                columns.len(),
                self.chunks()
            )));
        }
        let (m, n) = (extent(rows), columns[0]);
        let k = thin(m, n);
        let parts = self.parts(Linalg::Qr, self.chunks().grid())?;
        if rows.len() == 1 {
            let q = parts.item("qr-q", 0, Chunks::new([rows.clone(), single(k)]), dtype)?;
            let r = parts.item("qr-r", 1, Chunks::new([single(k), single(n)]), dtype)?;
            return Ok((q, r));
        }
        let factor = n.saturating_mul(n).saturating_mul(dtype.map_or(8, DType::itemsize));
        let by = (STACK_BYTES / factor.max(1)).clamp(4, 256) as u32;
        let mut levels = vec![parts];
        while let Some(below) = levels.last().filter(|level| level.chunks()[0].len() > 1) {
            let grid = [below.chunks().grid()[0].div_ceil(by), 1];
            let map = IndexMap::Axes([AxisMap::Tree { axis: 0, by }, AxisMap::Same(1)].into());
            let inputs = vec![(below.clone(), map)];
            let chunks = unknown_chunks(&grid);
            levels.push(Self::layer("stacked-qr", Linalg::StackedQr, inputs, chunks, None)?);
        }
        let mut inputs = Vec::new();
        for (i, level) in levels.iter().enumerate() {
            inputs.push((level.clone(), ancestors(i as u32, by, rows.len() as u32)));
        }
        let q_chunks = Chunks::new([rows.clone(), single(k)]);
        let q = Self::layer("qr-q", Linalg::JoinQ { by }, inputs, q_chunks, dtype)?;
        let top = levels.last().map_or_else(|| self.clone(), Clone::clone);
        let inputs = vec![(top, IndexMap::Identity)];
        let r_chunks = Chunks::new([single(k), single(n)]);
        Ok((q, Self::layer("qr-r", Linalg::Last, inputs, r_chunks, dtype)?))
    }

    /// The QR decomposition of a matrix of one row of blocks: `q` is that of the first block, which
    /// is made at least as wide as the matrix is high.
    ///
    /// # Errors
    /// As [`Array::tsqr`], for several rows of blocks.
    pub fn sfqr(&self) -> Result<(Self, Self)> {
        let dtype = matrix(self, "sfqr")?;
        let (rows, columns) = (&self.chunks()[0], &self.chunks()[1]);
        if rows.len() != 1 {
            return Err(ArrayError::Unsupported(format!(
                "sfqr of a matrix of {} rows of blocks (chunks {}); rechunk it to one: \
                 x.rechunk({{0: -1}})",
                rows.len(),
                self.chunks()
            )));
        }
        self.chunks().require_known("sfqr")?;
        let (m, n) = (rows[0], extent(columns));
        if columns.len() == 1 || n <= m {
            let whole = self.chunks().clone().with_axis(1, single(n));
            let (q, r) = self.rechunked(whole)?.tsqr()?;
            let chunks = r.chunks().clone().with_axis(1, columns.clone());
            return Ok((q, r.rechunked(chunks)?));
        }
        // The first block must span all rows: blocks are merged until it is wide enough.
        let (mut wide, mut taken) = (0, 0);
        while wide < m {
            wide += columns[taken];
            taken += 1;
        }
        let merged: Vec<usize> =
            std::iter::once(wide).chain(columns[taken..].iter().copied()).collect();
        let x = self.rechunked(self.chunks().clone().with_axis(1, merged))?;
        let first = IndexMap::Axes([AxisMap::Fixed(0), AxisMap::Fixed(0)].into());
        let chunks = unknown_chunks(&[1, 1]);
        let parts = Self::layer("qr", Linalg::Qr, vec![(x.clone(), first.clone())], chunks, None)?;
        let q = parts.item("qr-q", 0, Chunks::new([single(m), single(m)]), dtype)?;
        let inputs = vec![(parts, first), (x.clone(), IndexMap::Identity)];
        let r = Self::layer("qr-r", Linalg::WideR, inputs, x.chunks().clone(), dtype)?;
        Ok((q, r.rechunked(self.chunks().clone())?))
    }

    /// The thin SVD `u, s, vt` of a matrix of one column or row of blocks; of others it makes one of
    /// these first, along the shorter axis.
    ///
    /// # Errors
    /// As [`Array::tsqr`].
    pub fn svd(&self) -> Result<[Self; 3]> {
        let dtype = matrix(self, "svd")?;
        let (rows, columns) = (&self.chunks()[0], &self.chunks()[1]);
        let (m, n) = (extent(rows), extent(columns));
        let k = thin(m, n);
        let size = super::whole::real(dtype);
        let several = rows.len() > 1 && columns.len() > 1;
        let wide = if several { n > m } else { rows.len() == 1 && columns.len() > 1 };
        if rows.len() == 1 && columns.len() == 1 {
            let parts = self.parts(Linalg::Svd, [1, 1].into())?;
            return Ok([
                parts.item("svd-u", 0, Chunks::new([single(m), single(k)]), dtype)?,
                parts.vector("svd-s", 1, k, size)?,
                parts.item("svd-v", 2, Chunks::new([single(k), single(n)]), dtype)?,
            ]);
        }
        if wide {
            let [u, s, vt] = self.transpose(&[1, 0])?.svd()?;
            return Ok([vt.transpose(&[1, 0])?, s, u.transpose(&[1, 0])?]);
        }
        let tall = self.rechunked(self.chunks().clone().with_axis(1, single(n)))?;
        let (q, r) = tall.tsqr()?;
        let [inner, s, vt] = r.svd()?;
        let vt = vt.rechunked(Chunks::new([single(k), columns.clone()]))?;
        Ok([q.matmul(&inner)?, s, vt])
    }

    /// Parts that a kernel makes of each block.
    pub(super) fn parts(&self, kernel: Linalg, grid: Box<[u32]>) -> Result<Self> {
        let inputs = vec![(self.clone(), IndexMap::Identity)];
        Self::layer("parts", kernel, inputs, unknown_chunks(&grid), None)
    }

    /// A 1-d part of an array of parts of one block.
    pub(super) fn vector(
        &self,
        prefix: &str,
        index: usize,
        n: usize,
        dtype: Option<DType>,
    ) -> Result<Self> {
        let map = IndexMap::Axes(self.chunks().iter().map(|_| AxisMap::Fixed(0)).collect());
        let inputs = vec![(self.clone(), map)];
        Self::layer(prefix, Linalg::Item(index), inputs, Chunks::new([single(n)]), dtype)
    }
}

/// Chunks of a grid of blocks that are no arrays.
pub(super) fn unknown_chunks(grid: &[u32]) -> Chunks {
    grid.iter().map(|&n| AxisChunks::from(vec![UNKNOWN; n as usize])).collect()
}

/// Which block of level `level` of a tree lies above each block of a column.
fn ancestors(level: u32, by: u32, n_blocks: u32) -> IndexMap {
    if level == 0 {
        return IndexMap::Identity;
    }
    let span = by.checked_pow(level).unwrap_or(u32::MAX);
    if n_blocks <= span {
        return IndexMap::Axes([AxisMap::Fixed(0), AxisMap::Fixed(0)].into());
    }
    let mut table = oxidask_core::dag::Csr::default();
    for block in 0..n_blocks {
        table.push_row([block / span]);
    }
    IndexMap::Table(table)
}
