//! Factorisations of matrices that no task need hold whole: LU with partial pivoting, Cholesky, and
//! the equations solved with them.
//!
//! The matrix is cut into columns of blocks, each with all the rows: pivots are found in a whole
//! column, so that the answers are as stable as those of LAPACK. Step `k` factors column `k`, the
//! panel, and eliminates it from each of the columns after it, in a task for each: right-looking or
//! left-looking is the scheduler's choice. With `n` columns these are `n * n / 2` tasks in `2 n`
//! layers, each of which holds three columns; their width follows from what a task may hold.

use std::sync::Arc;

use oxidask_core::layer::{AxisMap, IndexMap};

use super::whole::real;
use crate::dtype::DType;
use crate::error::Result;
use crate::kernel::reduce::{Reducer, Reduction};
use crate::kernel::sequence::Band;
use crate::kernel::ufunc::Ufunc;
use crate::ops::columns::Columns;
use crate::ops::sequence::Diagonal;
use crate::plan::array::Array;
use crate::plan::chunks::{AxisChunks, Chunks};
use crate::plan::elementwise::Operand;
use crate::plan::join::concatenate;
use crate::plan::reduce::Options;
use crate::plan::room;

/// Most bytes of a column, if nothing is known of the memory.
const COLUMN_BYTES: u64 = 256 << 20;

/// Narrower columns would spend their time on anything but products.
const NARROW: usize = 128;

/// Wider ones leave little to be done side by side.
const WIDE: usize = 512;

/// So many columns are enough for a few workers.
const ENOUGH: usize = 16;

/// Columns of a matrix of so many rows, or as many equations.
fn widths(rows: usize, columns: usize, dtype: DType) -> AxisChunks {
    let most = room::task_bytes(COLUMN_BYTES) as usize / (rows * dtype.itemsize()).max(1);
    let wanted = rows.div_ceil(ENOUGH).clamp(NARROW, WIDE).min(most).max(1);
    let mut left = columns;
    let mut widths = Vec::with_capacity(columns.div_ceil(wanted));
    while left > wanted {
        widths.push(wanted);
        left -= wanted;
    }
    widths.push(left);
    widths.into()
}

fn starts(widths: &[usize]) -> Arc<[usize]> {
    let mut at = 0;
    let ends = widths.iter().map(|width| {
        at += width;
        at
    });
    std::iter::once(0).chain(ends).collect()
}

fn fixed(block: u32) -> IndexMap {
    IndexMap::Axes([AxisMap::Fixed(0), AxisMap::Fixed(block)].into())
}

/// Every column but the first.
fn others() -> IndexMap {
    IndexMap::Axes([AxisMap::Fixed(0), AxisMap::Affine { axis: 1, start: 1, step: 1 }].into())
}

/// A square matrix that is cut into columns.
pub(super) struct Cut {
    matrix: Array,
    n: usize,
    dtype: DType,
    widths: AxisChunks,
    /// Where the columns start, and last the extent.
    starts: Arc<[usize]>,
}

/// The panels of a factorisation.
pub(super) struct Panels {
    cut: Cut,
    panels: Vec<Array>,
}

impl Cut {
    /// The columns of a square matrix of several blocks that are worth while to be factored one by
    /// one; `None` for others.
    pub(super) fn new(matrix: &Array, dtype: Option<DType>) -> Result<Option<Self>> {
        let Some(dtype) = dtype.filter(|_| matrix.chunks().n_blocks() > 1) else { return Ok(None) };
        let n = matrix.shape()[0];
        let widths = widths(n, n, dtype);
        if widths.len() < 2 {
            return Ok(None);
        }
        Self::with_widths(matrix, dtype, widths).map(Some)
    }

    fn with_widths(matrix: &Array, dtype: DType, widths: AxisChunks) -> Result<Self> {
        let n = matrix.shape()[0];
        let chunks = Chunks::new([AxisChunks::from([n]), widths.clone()]);
        let matrix = matrix.astype(dtype)?.rechunked(chunks)?;
        let starts = starts(&widths);
        Ok(Self { matrix, n, dtype, widths, starts })
    }

    fn column(&self, width: usize) -> Chunks {
        Chunks::single(&[self.n, width])
    }

    /// The panels, given what makes one of a column and what eliminates one from the others.
    fn factored(
        self,
        panel: impl Fn(usize) -> Columns,
        step: impl Fn(usize) -> Columns,
    ) -> Result<Panels> {
        let mut rest = self.matrix.clone();
        let mut panels = Vec::with_capacity(self.widths.len());
        for (k, &width) in self.widths.iter().enumerate() {
            let inputs = vec![(rest.clone(), fixed(0))];
            let chunks = self.column(width);
            let made = Array::layer("panel", panel(k), inputs, chunks, Some(self.dtype))?;
            if k + 1 < self.widths.len() {
                let chunks = Chunks::new([AxisChunks::from([self.n]), self.widths[k + 1..].into()]);
                let inputs = vec![(rest, others()), (made.clone(), fixed(0))];
                rest = Array::layer("eliminate", step(k), inputs, chunks, Some(self.dtype))?;
            }
            panels.push(made);
        }
        Ok(Panels { cut: self, panels })
    }

    pub(super) fn lu(self) -> Result<Panels> {
        let starts = Arc::clone(&self.starts);
        self.factored(
            |k| Columns::LuPanel { start: starts[k] },
            |k| Columns::LuStep { start: starts[k] },
        )
    }

    /// The lower factor.
    pub(super) fn cholesky(self) -> Result<Array> {
        let starts = Arc::clone(&self.starts);
        let panels = self.factored(
            |k| Columns::CholeskyPanel { start: starts[k] },
            |k| Columns::CholeskyStep { starts: starts[k + 1..].into() },
        )?;
        let inputs = vec![(panels.joined()?, IndexMap::Identity)];
        let chunks = inputs[0].0.chunks().clone();
        Array::layer("cholesky", Columns::CholeskyLower, inputs, chunks, Some(panels.cut.dtype))
    }

    /// `x` with `self @ x = b` for a triangular matrix.
    pub(super) fn triangular(&self, b: &Array, lower: bool, unit: bool) -> Result<Array> {
        let mut x = self.right_sides(b)?;
        let n = self.widths.len();
        for step in 0..n {
            let k = if lower { step } else { n - 1 - step };
            let kernel = Columns::Triangular { start: self.starts[k], lower, unit };
            x = substituted(x, kernel, &self.matrix, k as u32)?;
        }
        Ok(x)
    }

    /// Right hand sides as columns with all rows, as wide as those of the matrix.
    fn right_sides(&self, b: &Array) -> Result<Array> {
        let b = b.astype(self.dtype)?;
        let b = if b.ndim() == 1 { b.expand_dims(&[1])? } else { b };
        let cut = widths(self.n, b.shape()[1], self.dtype);
        b.rechunked(Chunks::new([AxisChunks::from([self.n]), cut]))
    }
}

/// Right hand sides, a panel being eliminated from each.
fn substituted(x: Array, kernel: Columns, panel: &Array, block: u32) -> Result<Array> {
    let (chunks, dtype) = (x.chunks().clone(), x.dtype());
    // The same block, but not by the identity: such steps would be merged to one task, which holds
    // all the panels.
    let same = IndexMap::Axes([AxisMap::Fixed(0), AxisMap::Same(1)].into());
    let inputs = vec![(x, same), (panel.clone(), fixed(block))];
    Array::layer("substitute", kernel, inputs, chunks, dtype)
}

impl Panels {
    /// `x` with `matrix @ x = b`, of LU's panels; 2-d.
    pub(super) fn solve(&self, b: &Array) -> Result<Array> {
        let mut x = self.cut.right_sides(b)?;
        let steps = self.cut.starts.iter().zip(&self.panels);
        for (&start, panel) in steps.clone() {
            x = substituted(x, Columns::LuStep { start }, panel, 0)?;
        }
        for (&start, panel) in steps.rev() {
            x = substituted(x, Columns::LuBack { start }, panel, 0)?;
        }
        Ok(x)
    }

    /// The inverse.
    pub(super) fn inverse(&self) -> Result<Array> {
        let chunks = Chunks::new([AxisChunks::from([self.cut.n]), self.cut.widths.clone()]);
        let (dtype, bounds) = (self.cut.dtype, chunks.all_bounds());
        let ones = Diagonal { band: Band::On, k: 0, dtype, bounds };
        self.solve(&Array::source("eye", ones, chunks, dtype)?)
    }

    /// All panels in a row.
    fn joined(&self) -> Result<Array> {
        concatenate(&self.panels, 1, false)
    }

    /// The orders of rows that the panels found, one after the other.
    fn orders(&self) -> Result<Array> {
        let n = self.cut.n;
        let order = |(panel, &start): (&Array, &usize)| {
            panel.vector("order", 1, n - start, Some(DType::I64))
        };
        let orders = self.panels.iter().zip(self.cut.starts.iter()).map(order);
        concatenate(&orders.collect::<Result<Vec<_>>>()?, 0, false)
    }

    /// `p`, `l` and `u`; the permutation is cut as `chunks`, the factors as the panels.
    pub(super) fn factors(&self, chunks: &Chunks) -> Result<[Array; 3]> {
        let cut = &self.cut;
        let (joined, orders) = (self.joined()?, self.orders()?);
        let columns = Chunks::new([AxisChunks::from([cut.n]), cut.widths.clone()]);
        let n = cut.widths.len() as u32;
        let starts = Arc::clone(&cut.starts);
        let later: Arc<[(u32, u32)]> = (1..=n).map(|k| (k, n)).collect();
        let later = IndexMap::Axes([AxisMap::Ranges { axis: 1, spans: later }].into());
        let inputs = vec![(joined.clone(), IndexMap::Identity), (orders.clone(), later)];
        let kernel = Columns::Lower { starts: Arc::clone(&starts) };
        let lower = Array::layer("lu-l", kernel, inputs, columns.clone(), Some(cut.dtype))?;
        let inputs = vec![(joined, IndexMap::Identity)];
        let kernel = Columns::Upper { starts: Arc::clone(&starts) };
        let upper = Array::layer("lu-u", kernel, inputs, columns, Some(cut.dtype))?;
        let inputs = vec![(orders, IndexMap::Axes([AxisMap::Every].into()))];
        let kernel = Columns::Rows { starts };
        let rows =
            Array::layer("lu-rows", kernel, inputs, Chunks::single(&[cut.n]), Some(DType::I64))?;
        let kernel =
            Columns::Permutation { bounds: [chunks.bounds(0), chunks.bounds(1)], dtype: cut.dtype };
        let inputs = vec![(rows, IndexMap::Axes([AxisMap::Fixed(0)].into()))];
        let order = Array::layer("lu-p", kernel, inputs, chunks.clone(), Some(cut.dtype))?;
        Ok([order, lower, upper])
    }

    /// Sign and logarithm of the determinant.
    pub(super) fn slogdet(&self) -> Result<[Array; 2]> {
        let cut = &self.cut;
        let inputs =
            vec![(self.joined()?, IndexMap::Axes([AxisMap::Fixed(0), AxisMap::Same(0)].into()))];
        let kernel = Columns::Pivots { starts: Arc::clone(&cut.starts) };
        let chunks = Chunks::new([cut.widths.clone()]);
        let pivots = Array::layer("pivots", kernel, inputs, chunks, Some(cut.dtype))?;
        let of = |ufunc: Ufunc, x: &Array| Array::ufunc(ufunc, &[Operand::Array(x.clone())]);
        let all = |name: &str, reducer: Reducer, x: &Array| {
            x.reduce(name, Reduction { reducer, skip_nan: false }, &[0], &Options::default())
        };
        let signs = of(Ufunc::Sign, &pivots)?;
        let sizes = of(Ufunc::Log, &of(Ufunc::Absolute, &pivots)?)?;
        Ok([all("prod", Reducer::Prod, &signs)?, all("sum", Reducer::Sum, &sizes)?])
    }

    /// The determinant: as NumPy's, by way of its logarithm, for the product of many pivots soon
    /// leaves the range of numbers, in the middle if not at the end.
    pub(super) fn det(&self) -> Result<Array> {
        let [sign, log] = self.slogdet()?;
        let size = Array::ufunc(Ufunc::Exp, &[Operand::Array(log)])?;
        debug_assert_eq!(size.dtype(), real(Some(self.cut.dtype)));
        Array::ufunc(Ufunc::Multiply, &[Operand::Array(sign), Operand::Array(size)])
    }
}
